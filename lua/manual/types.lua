--- orun.manual.types: the Lua API as annotations of the Lua language server (orun.d.lua).
--
--     local types = require "orun.manual.types"
--     print(types.text():match("^[^\n]+"))   --> ---@meta orun
--
-- What the reference calls a shape is read here: `array of strings` is string[]. A shape that is
-- not understood is an error, so the types always have all of the reference.

local markdown = require "orun.manual.markdown"
local orun = require "orun"
local reference = require "orun.manual.reference"

local M = {}

-- ---- shapes ----

local WORDS <const> = {
  string = "string", strings = "string", number = "number", numbers = "number",
  integer = "integer", boolean = "boolean", ["true"] = "boolean", ["false"] = "false",
  path = "string", paths = "string", names = "string", ids = "string", size = "orun.size",
  duration = "orun.duration", tasks = "orun.task", result = "orun.Result",
  results = "orun.Result", any = "any", anything = "any", table = "table", array = "any[]",
  specs = "orun.spec", batches = "table[]", task = "orun.TaskArgument", input = "any",
  output = "any", plan = "any", options = "orun.Options", index = "integer",
  ["strings and numbers"] = "(string|number)", ["commit, branch or tag"] = "string",
  ["JSON Schema, as a table"] = "table", ["table that JSON can express"] = "table",
  ["anything but files, coroutines, userdata"] = "any", ["string of a program"] = "string",
  ["table of fields of Task"] = "orun.TaskFields", ["a table"] = "table",
  ["arrays of results"] = "orun.Result[]", ["what `TaskCreate` takes"] = "orun.ItemFields",
  ["table of results"] = "table<string, any>", ["specs or batches"] = "table[]",
  ["NAME = string or false"] = "table<string, string|false>",
}

local type_of

-- fun(a: A, b: B): C of `function(a, b) → C`.
local function function_type(names, rest)
  local params = {}
  for name in names:gmatch("[%w_]+") do
    params[#params + 1] = ("%s: %s"):format(name, WORDS[name] or "any")
  end
  local result = rest:match("^ → (.*)$")
  return ("fun(%s): %s"):format(table.concat(params, ", "), result and type_of(result) or "any")
end

local function union(shape, separator)
  local types = {}
  for part in (shape .. separator):gmatch("(.-)" .. separator) do
    types[#types + 1] = type_of(part)
  end
  return table.concat(types, "|")
end

--- The type that a shape is, given the shapes that "as of Task" and its like stand for.
-- @param shape  text of a cell
-- @param like   the shape of the same field elsewhere, or nil
function type_of(shape, like)
  if WORDS[shape] then return WORDS[shape] end
  if shape:match("^as of") then return like and type_of(like) or "any" end
  local names, rest = shape:match("^function%(([^)]*)%)(.*)$")
  if names then return function_type(names, rest) end
  if shape:match("^function{") then return "fun(progress: table): any|boolean" end
  if shape:match("^`\"") and not shape:match(", or ") then
    return (shape:gsub("`", ""):gsub(", ", "|"))
  end
  local list = shape:match("^array of (.*)$")
  if list then
    local each = type_of(list)
    return (each:find("[|:]") and not each:find("^%(") and "(" .. each .. ")" or each) .. "[]"
  end
  if shape:match(", or ") then return union(shape, ", or ") end
  if shape:match("; ") then return union(shape, "; ") end
  local inside = shape:match("^{(.*)}$")
  if inside then return WORDS[inside] or "table" end
  error(("a shape that is not understood: %s"):format(shape))
end

-- ---- lines ----

local function adder()
  local lines = {}
  return lines, function(text, ...) lines[#lines + 1] = text:format(...) end
end

local function words(text) return (markdown.plain(text):gsub("%s+", " ")) end

-- Tables of fields without a column of shapes say it by their defaults.
local function guessed(row)
  if row.default == "false" or row.default == "true" then return "boolean" end
  return "any"
end

local function method_type(class, names)
  local params = {"self: " .. class}
  for name in names:gmatch("[%w_]+") do params[#params + 1] = name .. "?: any" end
  return ("fun(%s): any"):format(table.concat(params, ", "))
end

-- The lines of a class's fields, from the rows of its tables.
local function fields(add, class, rows, like)
  for _, row in ipairs(rows) do
    local shapes = {}
    for shape in ((row.shape or "") .. ";"):gmatch("%s*(.-);") do shapes[#shapes + 1] = shape end
    for i, name in ipairs(row.names) do
      local shape = row.shape and #row.names > 1 and shapes[i] or row.shape
      local method, params = name:match("^log:([%w_]+)%(([^)]*)%)$")
      local text = words(row.means or row.does or row.name)
      if method then
        add("---@field %s %s %s", method, method_type(class, params), text)
      else
        add("---@field %s? %s %s", name, shape and type_of(shape, like[name]) or guessed(row), text)
      end
    end
  end
end

-- The classes of the tables, each with the rows of all its tables.
local function classes(add)
  local order, rows_of, like = {}, {}, {}
  for _, entry in ipairs(reference.TABLES) do
    local rows = reference.rows(entry)
    if not rows_of[entry.class] then
      order[#order + 1] = entry.class
      rows_of[entry.class] = {}
    end
    for _, row in ipairs(rows) do
      table.insert(rows_of[entry.class], row)
      if row.shape and not row.shape:match("^as of") then
        for _, name in ipairs(row.names) do like[name] = like[name] or row.shape end
      end
    end
  end
  for _, class in ipairs(order) do
    if class == "orun.ErrorKind" then
      local kinds = {}
      for i, row in ipairs(rows_of[class]) do kinds[i] = ('"%s"'):format(row.names[1]) end
      add("\n---@alias orun.ErrorKind %s", table.concat(kinds, "|"))
    else
      add("\n---@class %s", class)
      if class == "orun.Results" then add("---@field [integer] orun.Result") end
      fields(add, class, rows_of[class], like)
    end
  end
  return like
end

-- Classes of the fields that a call shows: {class, its function}.
local SHOWN <const> = {{"orun.ItemFields", "TaskCreate"}, {"orun.UpdateFields", "TaskUpdate"},
  {"orun.MergeFields", "orun.merge"}, {"orun.ReportFields", "orun.report"}}

local function shown(add, all, like)
  for _, pair in ipairs(SHOWN) do
    local class, f = pair[1], all[pair[2]]
    add("\n---@class %s", class)
    if f.calls[1]:find("{task, \u{2026}", 1, true) then add("---@field [integer] orun.task") end
    for name in f.calls[1]:gmatch("([%a_][%w_]*)=") do
      add("---@field %s? %s", name, like[name] and type_of(like[name]) or "any")
    end
  end
end

-- What is in no table.
local FIXED <const> = [[
---@alias orun.duration number|string
---@alias orun.size integer|string
---@alias orun.task orun.Handle|orun.Result|orun.Entry|string
---@alias orun.spec orun.TaskFields

---@class orun.Handle
---@field id string

---@class orun.List
---@field [integer] any
---@field filter fun(self: orun.List, want: table|fun(item: any): any): orun.List
---@field map fun(self: orun.List, fn: fun(item: any): any): orun.List
---@field claim fun(self: orun.List, owner?: string): orun.Entry?

---@class orun.Collector
---@field next fun(self: orun.Collector, timeout?: orun.duration): orun.Result?
---@field add fun(self: orun.Collector, task: orun.task)

---@class orun.Response
---@field status integer
---@field headers table<string, string>
---@field body string
---@field url string
---@field duration number
---@field read fun(self: orun.Response): string?
---@field lines fun(self: orun.Response): fun(): string?]]

-- ---- functions ----

-- The types of a return, which commas outside of brackets separate.
local function returned(text)
  local list, depth, from = {}, 0, 1
  for at, c in text:gmatch("()([%(%){}<>,])") do
    depth = depth + (c:find("[({<]") and 1 or c:find("[)}>]") and -1 or 0)
    if c == "," and depth == 0 then
      list[#list + 1], from = text:sub(from, at - 1), at + 2
    end
  end
  -- What an iterator returns belongs to it.
  if list[1] and list[1]:match("^fun%(") then return {text} end
  list[#list + 1] = text:sub(from)
  return list
end

local function params_of(f, call)
  local inside = call:match("^[%w_.]+%.[%w_]+%((.*)%)$")
  if not inside then return f.params end
  local some = {}
  for _, param in ipairs(f.params) do
    if inside:find(param.name, 1, true) then some[#some + 1] = param end
  end
  return some
end

local function one(add, f, name, params)
  add("\n--- %s", words(f.summary))
  if f.errors ~= "none" then add("--- Errors: %s", words(f.errors)) end
  if f.waits then add("---@async") end
  local names = {}
  for i, param in ipairs(params) do
    names[i] = param.name
    add("---@param %s%s %s %s", param.name, param.optional and "?" or "", param.type,
      words(param.text))
  end
  for i, type in ipairs(f.returns and f.returns.type ~= "nil" and returned(f.returns.type) or {}) do
    add("---@return %s%s", type, i == 1 and " # " .. words(f.returns.text) or "")
  end
  add("function %s(%s) end", name, table.concat(names, ", "))
end

local function functions(add, all)
  local tables = {}
  for _, name in ipairs(all) do
    local f = all[name]
    for i, call in ipairs(f.calls) do
      local called = call:match("^[%w_.]+")
      if called == name and not call:find("[({]") then
        add("\n--- %s\n---@type %s\n%s = nil", words(f.summary), f.returns.type, name)
      elseif called ~= name and not tables[name] then
        tables[name] = true
        add("\n%s = {}", name)
      end
      if call:find("[({]") and (i == 1 or called ~= name) then
        one(add, f, called, params_of(f, called ~= name and call or name))
      end
    end
    if not name:find("^orun%.") then add("orun.%s = %s", name, name) end
  end
end

--- The text of orun.d.lua.
function M.text()
  local lines, add = adder()
  local all = reference.functions()
  add("---@meta orun")
  add("-- orun %s: the types of the Lua API, printed by orun --luals.\n", orun.version)
  add("%s", FIXED)
  local like = classes(add)
  shown(add, all, like)
  add("\n---@class orun\norun = {}")
  functions(add, all)
  add("\nreturn orun")
  return table.concat(lines, "\n") .. "\n"
end

return M
