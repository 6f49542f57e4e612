--- `orun review`: what has changed, looked at by functions, programs and agents.

local h = require "spec.support.helper"
local json = require "orun.json"
local repo = require "spec.support.repo"

-- In halves, so that they are not found here.
local LATER <const>, MARK <const> = "TO" .. "DO", "<<<" .. "<<<< ours"
local SECRET <const> = "pass" .. "word = 'hunter2hunter2'"

local function write(dir, files)
  for path, text in pairs(files) do
    h.sh("mkdir -p " .. h.quote(path:match("^(.*)/") or "."), {cwd = dir})
    h.write(dir .. "/" .. path, text)
  end
end

local function repository(files)
  local dir = repo.new()
  write(dir, files)
  repo.sh(dir, "git add -A; git commit -q -m second --allow-empty")
  return dir
end

local function review(dir, opts)
  for i, word in ipairs{"--no-history", "-q", "review"} do table.insert(opts, i, word) end
  opts.cwd = dir
  return h.orun(opts)
end

-- "severity file:line message", of what --json prints.
local function found(dir, ...)
  local r = review(dir, {"--json", ...})
  local answer, lines = json.decode(r.out), {}
  for i, one in ipairs(answer.findings) do
    lines[i] = ("%s %s:%s %s"):format(one.severity, one.file, one.line or "", one.message)
  end
  return lines, answer, r.code
end

local LONG <const> = "local function f()\n" .. ("  print(1)\n"):rep(70) .. "end\nreturn f\n"

describe("orun review", function()
  it("finds what functions find, the most severe first", function()
    local dir = repository{["a.lua"] = "return 1\n"}
    write(dir, {["a.lua"] = "return = 1\n", ["b.txt"] = MARK .. "\n" .. LATER .. ": later\n",
      ["c.cfg"] = SECRET .. "\n", ["d.json"] = "{", ["long.lua"] = LONG,
      ["docs/e.md"] = "[one](../one) [x](https://x.org) `[n](no)` [gone](gone.md)\n"})
    local list, answer, code = found(dir)
    local of = {}
    for _, one in ipairs(list) do
      if not one:find("%(%u%d+%)") then of[#of + 1] = one:match("^(%S+ %S+)") end
    end
    assert.same({"critical a.lua:1", "critical b.txt:1", "critical d.json:",
      "important c.cfg:1", "important docs/e.md:1", "minor b.txt:2", "minor long.lua:1"}, of)
    assert.equal(1, code)
    assert.same({"what is not committed", 6}, {answer.range, answer.files})
    assert.is_nil(json.encode(answer):find("hunter2", 1, true))
  end)

  it("has programs look at the files they know, where they are installed", function()
    local dir = repository{}
    write(dir, {["a.lua"] = "local unused = 1\n", ["-b.sh"] = "echo $1\n",
      ["c.c"] = "int f(void) { return x; }\n", ["needs.c"] = "#include \"none.h\"\nint g = y;\n"})
    local list = table.concat((found(dir)), "\n")
    assert.matches("minor a.lua:1 (W211) unused variable 'unused'", list, 1, true)
    if h.sh("command -v shellcheck").code == 0 then assert.matches("-b.sh:1", list, 1, true) end
    assert.matches("important c%.c:1 [^\n]*x[^\n]* undeclared", list)
    assert.is_nil(list:find("needs.c", 1, true), list)
    h.sh("mkdir bin; for p in env timeout git mktemp tar rm; do ln -s $(command -v $p) bin; done",
      {cwd = dir})
    local answer = json.decode(review(dir, {"--json", env = {PATH = dir .. "/bin"}}).out)
    assert.same({"cppcheck", "gcc", "luacheck", "shellcheck"}, answer.absent)
  end)

  it("looks at the lines that changed, or at all", function()
    local dir = repository{["a.txt"] = LATER .. " old\nx\ny\n"}
    write(dir, {["a.txt"] = LATER .. " old\nx\n" .. LATER .. " new\ny\n"})
    assert.same({"minor a.txt:3 " .. LATER .. " is left"}, (found(dir)))
    assert.equal(2, #found(dir, "--all"))
  end)

  it("tells what a change breaks further down in the file", function()
    local body <const> = "\n\nint f(void) { return x; }\n"
    local dir = repository{["a.lua"] = "print(1)\nprint(2)\n", ["c.c"] = "int x;" .. body}
    write(dir, {["a.lua"] = "print((1)\nprint(2)\n", ["c.c"] = "int z;" .. body})
    local list = table.concat((found(dir)), "\n")
    assert.matches("critical a%.lua:%d it is not Lua: ", list)
    assert.matches("important c%.c:3 [^\n]*x[^\n]* undeclared", list)
  end)

  it("takes a range, whose files are as they were then", function()
    local dir = repository{["a.txt"] = LATER .. "\n"}
    repo.sh(dir, "echo fine >a.txt; git commit -q -a -m third")
    write(dir, {["a.txt"] = MARK .. "\n"})
    assert.same({"minor a.txt:1 " .. LATER .. " is left"}, (found(dir, "HEAD~2..HEAD~1")))
    assert.same({}, (found(dir, "HEAD~1..HEAD")))
    assert.same({"critical a.txt:1 a mark of a merge conflict"}, (found(dir, "HEAD~1")))
    assert.equal("", h.sh("ls -d ${TMPDIR:-/tmp}/tmp.*/sub/three 2>/dev/null").out)
  end)

  it("is of the last commit where all is committed, also of the first", function()
    local dir = repository{["a.txt"] = LATER .. "\n"}
    local list, answer = found(dir)
    assert.same({1, "the last commit"}, {#list, answer.range})
    local first = h.tmpdir()
    repo.sh(first, "git init -q; echo " .. LATER .. " >x; git add x")
    assert.equal(1, #found(first))
    repo.sh(first, "git commit -q -m first")
    assert.equal(1, #found(first))
  end)

  it("says by its exit code how bad it is", function()
    local dir = repository{["a.txt"] = LATER .. "\n"}
    assert.equal(0, review(dir, {}).code)
    assert.equal(1, review(dir, {"--fail", "minor"}).code)
    local r = review(dir, {})
    assert.matches("minor +a%.txt:1: .* is left %(marks%)\n0 critical, 0 important, 1 minor\n$",
      r.out)
  end)

  it("bears any name and any bytes", function()
    local dir = repository{}
    write(dir, {["a\nb 'x'\".lua"] = "x = = 1\n", ["-n"] = "\0\xFF", ["\xFF.txt"] = LATER .. "\n",
      ["long.txt"] = ("x"):rep(1 << 21)})
    h.sh("ln -s /etc/passwd link.txt; ln -s nowhere gone.md; mkfifo pipe.md", {cwd = dir})
    local r = review(dir, {"--fail", "critical"})
    assert.equal(1, r.code, r.err)
    assert.matches("critical +a b 'x'\"%.lua:1: it is not Lua", r.out)
  end)

  it("asks agents with --backend, and puts together what all say", function()
    local dir = repository{["a.c"] = "int f(void) { return 1; }\n", ["b.md"] = "text\n"}
    local answer = h.write(h.tmpdir() .. "/answer", "#!/bin/sh\ncat >/dev/null; cat <<.\n"
      .. json.encode{findings = {{file = "a.c", line = 1, severity = "important",
        message = "It is always one."}}} .. "\n.\n")
    h.sh("chmod +x " .. answer)
    local function ask(fake)
      return review(dir, {"--json", "--backend", "claude", env = {FAKE = fake,
        FAKE_SCRIPT = answer, PATH = h.root .. "/spec/support/agents:" .. os.getenv "PATH"}})
    end
    local r = ask "script"
    local result = json.decode(r.out)
    assert.same({1, 1}, {r.code, #result.findings}, r.err)
    assert.same({"correctness", "security", "tests", "structure", "docs"}, result.findings[1].by)
    r = ask "api-400"
    result = json.decode(r.out)
    assert.same({3, 0, 5}, {r.code, #result.findings, #result.failed})
  end)

  it("shows who would look, and writes a file whole or not at all", function()
    local dir = repository{["a.md"] = "x\n"}
    local r = review(dir, {"--dry-run", "--backend", "claude"})
    assert.equal("the last commit: 1 file, 6 reviewers\n  marks (1 file)\n  secrets (1 file)\n"
      .. "  length (1 file)\n  syntax (1 file)\n  links (1 file)\n  docs (1 file)\n", r.out)
    local out = h.tmpdir()
    assert.equal(0, review(dir, {"--out", out .. "/found.json"}).code)
    assert.equal("the last commit", json.decode(h.read(out .. "/found.json")).range)
    r = review(dir, {"--out", out .. "/none/found.json"})
    assert.same({2, ""}, {r.code, r.out})
    assert.matches("^orun review: cannot write .*/none/found.json: No such file", r.err)
    assert.equal("found.json\n", h.sh("ls", {cwd = out}).out)
  end)

  it("refuses what is no range, and no repository, in words", function()
    local dir = repository{}
    assert.matches("there is no commit none", review(dir, {"none"}).err, 1, true)
    assert.matches("there is no commit none", review(dir, {"main..none"}).err, 1, true)
    assert.equal(2, review(dir, {"none..main"}).code)
    assert.matches("that is no range", review(dir, {"--", "--output=x"}).err, 1, true)
    assert.equal(2, review(dir, {"a", "b"}).code)
    assert.matches("^orun review: this folder is in no git repository", review(h.tmpdir(), {}).err)
  end)

  it("looks at this repository", function()
    if not h.exists(h.root .. "/.git") then return pending("this tree is no repository") end
    local r = review(h.root, {"--dry-run"})
    assert.equal(0, r.code, r.err)
  end)
end)
