--- The manual has all of every public function, and its examples run.

local expect = require "spec.support.expect"
local h = require "spec.support.helper"
local header = require "orun.manual.header"
local options = require "orun.manual.options"
local pages = require "orun.manual.pages"
local reference = require "orun.manual.reference"

-- The parameters that a call shows: "fields" of f{…}.
local function shown_params(call)
  if call:match("^[%w_.]+{") then return {"fields"} end
  local names = {}
  for name in (call:match("%((.*)%)") or ""):gmatch("[%w_.…]+") do
    names[#names + 1] = name == "…" and "..." or name
  end
  return names
end

local function names_of(params)
  local names = {}
  for i, param in ipairs(params) do names[i] = param.name end
  return names
end

local ANOTHER <const> = { -- where the page has another name for what the call shows
  ["orun.limit"] = {"name", "to"}, ["orun.phase"] = {"name"},
  ["orun.json"] = {"value", "text", "table"}, ["orun.retry"] = {"what", "options"},
  ["orun.pipeline"] = {"items", "stage", "..."},
}

describe("the manual", function()
  local all = reference.functions()

  it("has summary, parameters, return, errors and example of every function", function()
    local wrong = {}
    assert.is_true(#all > 50)
    for _, name in ipairs(all) do
      local f = all[name]
      local function need(what, is) if not is then wrong[#wrong + 1] = name .. ": " .. what end end
      need("no section in lua/functions.md", not f.missing)
      need("no summary", f.summary ~= "")
      need("no return", f.returns)
      need("no errors", f.errors)
      need("no example", f.examples[1])
      need("is not understood: " .. tostring(f.unread), not f.unread)
      local want = table.concat(ANOTHER[name] or shown_params(f.calls[1]), " ")
      local have = table.concat(names_of(f.params), " ")
      need(("has %s, and its call %s"):format(have, want), have == want)
    end
    assert.equal("", table.concat(wrong, "\n"))
  end)

  it("has no section of what is no function", function()
    for _, section in ipairs(pages.sections("lua/functions.md")) do
      assert.is_true(section.level == 1 or all[section.title] ~= nil, section.title)
    end
  end)

  it("has a comment over everything in the headers", function()
    local wrong, seen = {}, 0
    for _, path in ipairs(header.PATHS) do
      local declared = header.read(path)
      for _, name in ipairs(declared) do
        local d = declared[name]
        seen = seen + 1
        local told = d.lines or d.kind == "enum" or d.code:match("^typedef struct %w+ %w+;$")
        if not told then wrong[#wrong + 1] = path .. ": " .. name end
        if d.kind == "function" and d.lines and path == "runtime/orun.h"
            and not table.concat(d.lines, " "):match("%[any[^%]]*%]")
            and not table.concat(d.lines, " "):match("%[one%]")
            and not table.concat(d.lines, " "):match("^The same") then
          wrong[#wrong + 1] = path .. ": which threads may call " .. name
        end
      end
    end
    assert.is_true(seen > 30)
    assert.equal("", table.concat(wrong, "\n"))
  end)

  it("has every function of a header that the compiler sees", function()
    for _, path in ipairs(header.PATHS) do
      local declared = header.read(path)
      local code = h.read(path):gsub("/%*.-%*/", "")
      for name in code:gmatch("\n[%a][^\n;{}=]-%f[%w](orun_[%w_]+)%(") do
        assert.is_table(declared[name], path .. ": " .. name)
      end
    end
  end)

  it("has every option of the command line", function()
    local text, wrong = h.orun{"--help"}.out, {}
    local known = h.read("runtime/cli/options.c"):match("options_known%[%] = {(.-)\n};")
    local seen = options.read(text)
    assert.is_true(#seen.options > 20 and #seen.usage > 10)
    for word in known:gmatch('{ "(%-[^"]+)"') do
      if not text:find(word, 1, true) then wrong[#wrong + 1] = word end
    end
    assert.equal("", table.concat(wrong, " "))
  end)
end)

-- The examples of a file's head, with what they print.
local function expected_of(text)
  local lines = {}
  for line in text:gmatch("[^\n]*%-%->[ ]?([^\n]*)") do lines[#lines + 1] = line end
  return lines
end

describe("the examples at the heads of files", function()
  for _, path in ipairs(h.find("lua stdlib", "-maxdepth 1 -name '*.lua'")) do
    local name = path:match("([%w_]+)%.lua$")
    local head = pages.head("orun." .. name)
    local text = {}
    for _, block in ipairs(head and head.blocks or {}) do
      if block.kind == "code" and block.lang == "lua" then text[#text + 1] = block.text end
    end
    if text[1] then
      it("run, and print what they say: " .. path, function()
        local code = table.concat(text, "\n")
        local r = h.script(code, {cwd = h.tmpdir()})
        assert.equal(0, r.code, r.err)
        assert.is_nil(expect.difference(h.lines(r.out), expected_of(code)))
      end)
    end
  end
end)
