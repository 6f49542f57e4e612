--- The man pages: orun help --write.

local h = require "spec.support.helper"
local header = require "orun.manual.header"
local man = require "orun.manual.man"
local reference = require "orun.manual.reference"

local NAMES <const> = {"orun.1", "orun.3", "orun-lua.3", "orun.d.lua", "orun.html"}

local function written()
  local dir = h.tmpdir()
  local r = h.orun{"help", "--write", dir}
  assert.equal(0, r.code, r.err)
  assert.equal("", r.out .. r.err)
  local texts = {}
  for _, name in ipairs(NAMES) do texts[name] = assert(h.read(dir .. "/" .. name), name) end
  return texts, dir
end

describe("orun help --write", function()
  it("writes the same bytes each time, and the types as --luals prints them", function()
    local texts = written()
    assert.same(texts, (written()))
    assert.equal(h.orun{"--luals"}.out, texts["orun.d.lua"])
  end)

  it("has every function, command and declaration", function()
    local texts = written()
    local function has(page, name)
      local line = "\n.SS " .. name:gsub("%-", "\\-") .. "\n"
      assert.is_truthy(texts[page]:find(line, 1, true), page .. " lacks " .. name)
    end
    for _, name in ipairs(reference.functions()) do has("orun-lua.3", name) end
    for _, path in ipairs(header.PATHS) do
      for _, name in ipairs(header.read(path)) do has("orun.3", name) end
    end
    for _, name in ipairs{"agents", "gc", "help", "plan", "report", "tasks"} do
      has("orun.1", name)
    end
    for line in h.orun{"--help"}.out:gmatch("\n  (%-%-[%a-]+)") do
      assert.is_truthy(texts["orun.1"]:find(line:gsub("%-", "\\-"), 1, true), line)
    end
  end)

  it("begins no paragraph where a heading has, and leaves no macro without effect", function()
    local texts = written()
    for _, name in ipairs{"orun.1", "orun.3", "orun-lua.3"} do
      assert.is_nil(texts[name]:match("\n(%.S[SH] [^\n]*\n%.PP)\n"), name)
    end
  end)

  it("writes pages that groff finds nothing wrong with", function()
    local _, dir = written()
    if h.sh("command -v groff").code ~= 0 then return end
    for _, name in ipairs{"orun.1", "orun.3", "orun-lua.3"} do
      local r = h.sh(("groff -ww -man -Tutf8 %s >/dev/null"):format(name), {cwd = dir})
      assert.equal("", r.err)
      assert.equal(0, r.code)
    end
  end)

  it("says what it could not write, and of a word too many", function()
    local r = h.orun{"help", "--write", "/proc/none"}
    assert.equal(1, r.code)
    assert.matches("^orun help: /proc/none/orun%-lua.3: No such file", r.err)
    assert.equal(2, h.orun{"help", "--write", "x", "y"}.code)
    r = h.sh("ln -s /dev/full orun.1; " .. h.quote(h.bin) .. " help --write .",
      {cwd = h.tmpdir()})
    assert.equal(1, r.code)
    assert.matches("No space left", r.err, 1, true)
  end)
end)

describe("a man page", function()
  it("has no line that roff takes for a request", function()
    local text = man.render{{kind = "para", text = ".so /etc/passwd"},
      {kind = "code", text = ".ex\n'br\n\\X\n"}, {kind = "list", items = {".IP", "'x"}}}
    for line in text:gmatch("[^\n]+") do
      assert.is_nil(line:match("^%.so") or line:match("^%.ex") or line:match("^'"), line)
    end
    assert.matches("\\eX", text, 1, true)
  end)
end)
