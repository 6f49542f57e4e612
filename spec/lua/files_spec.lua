--- orun.files: the files whose paths match a pattern.

local orun = require "orun"
local h = require "spec.support.helper"

local function folder(...)
  local dir = h.tmpdir()
  for _, path in ipairs{...} do
    local parent = path:match "^(.*)/"
    if parent then h.sh(("mkdir -p %s"):format(h.quote(dir .. "/" .. parent))) end
    h.write(dir .. "/" .. path, path)
  end
  return dir
end

-- The paths below the folder, in one text.
local function found(pattern, dir)
  local files, errors = orun.files(pattern, dir)
  assert.same({}, errors)
  return table.concat(files:map(function(file) return file.path:sub(#dir + 2) end), " ")
end

describe("orun.files", function()
  local dir = folder("b.c", "a.c", "a.h", "ab.c", ".hidden.c", "lib/x.c", "lib/deep/y.c",
    "lib/deep/.z/q.c", "odd/[1].c", "odd/ä.c", "odd/a*b.c", "odd/-.c")

  it("returns path, name, size and the time of the last change, sorted by path", function()
    local before = os.time()
    local file = h.write(folder() .. "/one.txt", "four")
    local files = orun.files(file)
    assert.equal(1, #files)
    assert.same({path = file, name = "one.txt", size = 4, mtime = files[1].mtime}, files[1])
    assert.is_true(math.abs(files[1].mtime - before) < 3600)
    assert.equal("a.c ab.c b.c", found("*.c", dir))
  end)

  it("knows *, ?, sets and what they do not match", function()
    assert.equal("a.c b.c", found("?.c", dir))
    assert.equal("a.c a.h", found("a.[ch]", dir))
    assert.equal("a.c", found("[!b].c", dir))
    assert.equal("a.c ab.c", found("[a-a]*.c", dir))
    assert.equal("ab.c", found("*a*b*.c", dir))
    assert.equal("", found("a", dir))
    assert.equal("odd/-.c odd/ä.c", found("odd/?.c", dir))
    assert.equal("odd/ä.c", found("odd/[!-].c", dir))
    assert.equal("odd/[1].c", found("odd/\\[*].c", dir))
    assert.equal("odd/a*b.c", found("odd/a\\**.c", dir))
  end)

  it("looks into folders, by name, by star, and at any depth", function()
    assert.equal("lib/x.c", found("lib/*", dir))
    assert.equal("lib/x.c", found("*/x.c", dir))
    assert.equal("lib/x.c", found("./lib//x.c", dir))
    assert.equal("a.c ab.c lib/deep/y.c lib/x.c odd/a*b.c", found("**/[axy]*.c", dir))
    assert.equal("lib/deep/y.c lib/x.c", found("lib/**", dir))
    assert.equal("lib/deep/y.c", found("**/deep/**/y.c", dir))
    assert.equal("lib/deep/y.c", found("**/**/y.c", dir))
  end)

  it("finds hidden names only where the pattern has the dot", function()
    assert.equal(".hidden.c", found(".*", dir))
    assert.equal("", found("?hidden.c", dir))
    assert.equal("lib/deep/.z/q.c", found("**/.z/*.c", dir))
  end)

  it("follows links to files and named folders, but not at any depth", function()
    local links = folder("real/in.c")
    h.sh(("cd %s && ln -s real/in.c link.c && ln -s real other && ln -s gone dead.c"):format(links))
    assert.equal("link.c", found("*.c", links))
    assert.equal("other/in.c real/in.c", found("*/in.c", links))
    assert.equal("link.c real/in.c", found("**/*.c", links))
  end)

  it("reports the folder that cannot be read", function()
    local function errors(...)
      local files, unread = orun.files(...)
      assert.equal(0, #files)
      return unread
    end
    assert.same({{path = dir .. "/none", error = "No such file or directory"}},
      errors("*.c", dir .. "/none"))
    assert.same({{path = dir .. "/a.c", error = "Not a directory"}}, errors("a.c/*", dir))
    assert.equal("", found("*/none/*.c", dir))
  end)

  it("begins where the task's programs do, isolated or not", function()
    local r = h.script(([[
      local function names()
        return table.concat(orun.files("*.c"):map(function(file) return file.path end), " ")
      end
      print(Task{run = names, cwd = "lib"}.output)
      print(Task{run = names, cwd = %q, isolation = "process"}.output)
      print(names())
      print(orun.files("../lib/*.c")[1], #orun.files("../*/*.c", "lib/deep"))
    ]]):format(dir .. "/lib"), {cwd = dir})
    assert.equal("x.c\nx.c\na.c ab.c b.c\nnil\t1\n", r.out, r.err)
  end)

  it("refuses patterns that mean nothing", function()
    local function raised(...) return select(2, pcall(orun.files, ...)) end
    local function refused(pattern, why)
      assert.equal(("orun.files: pattern = %q: %s"):format(pattern, why), raised(pattern))
    end
    assert.equal("orun.files: pattern = nil: expected a text", raised())
    assert.equal("orun.files: root = 1: expected a text", raised("*", 1))
    refused("a[bc", "a '[' has no ']'; write \\[ for the character itself")
    refused("[ä]", "a set has ASCII characters only")
    refused("*.{c,h}", "braces are not expanded; write \\{ for the character itself")
    refused("src/**.c", "'**' stands alone between slashes, as in src/**/*.c")
    refused("src/", "it ends with '/', and only files are found")
    refused("*/../a", "'..' stands at the beginning only")
    refused("..", "it names no file")
    assert.equal('orun.files: pattern = "/a": it begins with \'/\', and there is a root',
      raised("/a", "b"))
  end)
end)
