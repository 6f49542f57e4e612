--- What STYLE means in figures: sizes, names, columns, and what never belongs
--- in a source file.

local h = require "spec.support.helper"
local source = require "spec.support.source"

local MAX_FUNCTION <const> = 80   -- lines, name to last brace
local P90_FUNCTION <const> = 35
local MAX_FILE <const> = 800      -- beyond it a file surely holds two things
-- A page that loads nothing has its whole program in one script.
local LONGER <const> = { ["lua/report/page.js"] = 1100 }
-- Of a line; 80 elsewhere.
local COLUMNS <const> = { lua = 100, css = 100, html = 100, js = 100, json = 100,
                          md = math.huge, svg = math.huge, xml = math.huge }

-- Functions that must have a name that others chose.
local GIVEN_NAMES <const> = { "^main$", "^luaopen_", "^__" }

local function names_match(list, name)
  for _, pattern in ipairs(list) do
    if name:match(pattern) then return true end
  end
  return false
end

-- The nouns of a file: the words of its name (lib_arg.c has arg_string), and
-- the types its header declares (`typedef struct Folder Folder` in output.h
-- allows folder_new).
local function nouns_of(file)
  local base = file.name:match("^(.*)%.")
  local nouns = {}
  for word in base:gmatch("[^_]+") do nouns[#nouns + 1] = "^" .. word .. "_" end
  local header = h.read((file.path:gsub("%.[ch]$", ".h"))) or ""
  for _, text in ipairs { header, file.text } do
    for type_name in text:gmatch("typedef struct [%w_]+ ([%w_]+)") do
      nouns[#nouns + 1] = "^" .. type_name:lower() .. "_"
    end
    for type_name in text:gmatch("\n} ([%w_]+);") do
      nouns[#nouns + 1] = "^" .. type_name:lower() .. "_"
    end
  end
  return nouns
end

-- One assertion a file would stop at the first: gather, then assert once.
local function report(problems)
  assert.equal("", table.concat(problems, "\n"))
end

describe("C", function()
  local files = source.files("runtime spec/native", "-name '*.[ch]'")
  local functions = {}
  for _, file in ipairs(files) do
    for _, fn in ipairs(source.functions(file)) do
      fn.file = file
      fn.place = ("%s:%d: %s"):format(file.path, fn.line, fn.name)
      functions[#functions + 1] = fn
    end
  end

  it("has functions of at most 80 lines", function()
    local problems = {}
    for _, fn in ipairs(functions) do
      if not fn.length or fn.length > MAX_FUNCTION then
        problems[#problems + 1] = ("%s has %s lines"):format(fn.place,
          fn.length)
      end
    end
    report(problems)
  end)

  it("keeps nine functions in ten under 35 lines", function()
    local lengths = {}
    for _, fn in ipairs(functions) do lengths[#lengths + 1] = fn.length end
    table.sort(lengths)
    assert.is_true(#lengths > 20)
    assert.is_true(lengths[math.ceil(#lengths * 0.9)] < P90_FUNCTION)
  end)

  it("names functions after their file's noun", function()
    local problems = {}
    for _, fn in ipairs(functions) do
      local nouns = nouns_of(fn.file)
      if not names_match(GIVEN_NAMES, fn.name)
        and not names_match(nouns, fn.name .. "_") then
        problems[#problems + 1] = ("%s does not begin with %s"):format(
          fn.place, nouns[1]:sub(2))
      end
    end
    report(problems)
  end)

  it("puts the return type on its own line", function()
    local problems = {}
    for _, file in ipairs(files) do
      for number, line in ipairs(file.lines) do
        if line:match("^[%a_][%w_ ]*[ %*][%a_][%w_]*%([^;]*%)%s*{")
          and not line:match("^typedef") and not line:match("^static inline")
        then
          problems[#problems + 1] = file.path .. ":" .. number
        end
      end
    end
    report(problems)
  end)

  it("has header guards named after the file", function()
    for _, file in ipairs(files) do
      if file.name:match("%.h$") then
        local guard = "ORUN_" .. file.name:gsub("^orun_?", ""):upper()
          :gsub("^%.", ""):gsub("%W", "_")
        assert.is_truthy(file.text:find("#ifndef " .. guard .. "\n#define "
          .. guard .. "\n", 1, true), file.path .. ": guard")
      end
    end
  end)
end)

describe("every source file", function()
  local files = source.files(
    "runtime lua stdlib examples spec Makefile README.md .ci .github .luacheckrc"
      .. " .editorconfig .clang-format .luarc.json",
    "-not -name '*.tmp' -not -path '*/corpus/*'")

  -- `check(line, file)` gives what is wrong with a line, or nothing.
  local function each_line(check)
    local problems = {}
    for _, file in ipairs(files) do
      for number, line in ipairs(file.lines) do
        local problem = check(line, file)
        if problem then
          problems[#problems + 1] = ("%s:%d: %s"):format(file.path, number,
            problem)
        end
      end
    end
    report(problems)
  end

  it("is not so long that it must hold two things (specs and manuals may be longer)", function()
    local problems = {}
    for _, file in ipairs(files) do
      if #file.lines > (LONGER[file.path] or MAX_FILE) and not file.path:match("^spec/")
          and not file.path:match("%.md$") then
        problems[#problems + 1] = file.path .. ": " .. #file.lines
      end
    end
    report(problems)
  end)

  it("is valid UTF-8 and ends in one newline", function()
    for _, file in ipairs(files) do
      assert.is_truthy(utf8.len(file.text), file.path .. ": not UTF-8")
      assert.is_truthy(file.text:match("[^\n]\n$"), file.path .. ": its end")
    end
  end)

  it("keeps its lines short", function()
    each_line(function(line, file)
      local limit = COLUMNS[file.name:match("[^.]+$")] or 80
      if (utf8.len(line) or 0) > limit then
        return ("%d columns, %d at most"):format(utf8.len(line), limit)
      end
    end)
  end)

  it("has no tab and no blank at a line's end", function()
    each_line(function(line, file)
      if line:match("[ \t]$") then return "blank at the end" end
      -- Output that is shown, and make's own rules, may have them.
      local shown = file.name:match("%.md$") or line:match("%-%->")
      if not shown and file.name ~= "Makefile" and line:find("\t") then
        return "tab"
      end
    end)
  end)

  it("has compilers look for our headers in quotes only, not in angle brackets", function()
    each_line(function(line, file) -- cppcheck has no other way, and reads no system's headers
      if file.name ~= "Makefile" and line:match("%-I *[%w./{}$(%%]*runtime%f[%W]") then
        return "-iquote is expected: the system looks for its own sched.h"
      end
    end)
  end)

  it("names no place of one machine and leaves no marks", function()
    -- Written in halves, so this file does not match itself.
    local never = { "/wo" .. "rk/", "/ro" .. "ot/", "/ho" .. "me/%w",
                    "TO" .. "DO", "FIX" .. "ME", "XX" .. "X[^X]" }
    each_line(function(line)
      for _, pattern in ipairs(never) do
        if (" " .. line .. " "):match("[^%w]" .. pattern) then
          return "holds " .. pattern
        end
      end
    end)
  end)
end)

describe("the top level", function()
  -- What git ignores there, as Lua patterns.
  local function ignored()
    local patterns = { "^%.git$" }
    for _, glob in ipairs(h.lines(assert(h.read(".gitignore")))) do
      patterns[#patterns + 1] = "^" .. glob:match("^/?(.-)/?$"):gsub("%p", "%%%0")
        :gsub("%%%*", ".*") .. "$"
    end
    return patterns
  end

  -- The names in the table of the README's chapter on how orun is built.
  local function named()
    local chapter = assert(h.read("README.md"):match("\n## How it is built\n(.*)$"))
    local names = {}
    for cell in chapter:gmatch("\n| ([^|]*)|") do
      for name in cell:gmatch("[`%[]([%w._-]+)/?[`%]]") do names[name] = true end
    end
    return names
  end

  it("holds what the README names, and nothing else", function()
    local names, patterns, problems = named(), ignored(), {}
    for _, name in ipairs(h.lines(h.sh("LC_ALL=C ls -A").out)) do
      if not names[name] and not names_match(patterns, name) then
        problems[#problems + 1] = name .. ": not in the table of README.md"
      end
      names[name] = nil
    end
    for name in pairs(names) do problems[#problems + 1] = name .. ": is not there" end
    report(problems)
  end)
end)

describe("a page", function()
  it("says at the head of each of its files what that is", function()
    local problems = {}
    for _, file in ipairs(source.files("lua", "-name '*.css' -o -name '*.html' -o -name '*.js'")) do
      local number = file.lines[1] == "<!DOCTYPE html>" and 2 or 1
      local name = file.lines[number]:match("^[/<][*!]%-* ([%w.]+) — %S")
      if name ~= file.name then problems[#problems + 1] = file.path end
    end
    report(problems)
  end)
end)

describe("Lua", function()
  it("is clean for luacheck", function()
    local r = h.sh("luacheck -q --no-color lua stdlib examples spec",
      { env = { LUA_PATH = false, LUA_CPATH = false } })
    assert.equal(0, r.code, r.out .. r.err)
  end)

  it("says at the head of each file what it is", function()
    local problems = {}
    for _, file in ipairs(source.files("lua stdlib examples spec",
        "-name '*.lua'")) do
      local first = file.lines[1] or ""
      if first:match("^#!") then first = file.lines[2] or "" end
      if not first:match("^%-%-%-? %S") then
        problems[#problems + 1] = file.path
      end
    end
    report(problems)
  end)
end)
