--- orun --luals: annotations that are well-formed, of all there is and of nothing else.

local h = require "spec.support.helper"
local orun = require "orun"
local pages = require "orun.manual.pages"
local reference = require "orun.manual.reference"

local TEXT <const> = h.orun{"--luals"}.out

-- ---- a reader of the annotations of LuaLS ----

-- Types, by recursive descent. Each function reads from `at` and returns what comes next.
local Reader = {}
Reader.__index = Reader

function Reader:skip(pattern)
  local from, to = self.text:find("^%s*" .. pattern, self.at)
  if from then self.at = to + 1 end
  return from ~= nil
end

function Reader:need(pattern, what)
  assert(self:skip(pattern), ("%s: expected %s at %q"):format(self.text, what,
    self.text:sub(self.at, self.at + 20)))
end

function Reader:name()
  local name, after = self.text:match("^%s*([%a_][%w_]*[%w_.]*)()", self.at)
  if name then self.at = after end
  return name
end

function Reader:members(closing)
  while not self:skip(closing) do
    if not self:skip("%.%.%.") then
      assert(self:name(), "expected a name: " .. self.text)
      self:skip("%?")
    end
    if self:skip(":") then self:type() end
    self:skip(",")
  end
end

function Reader:primary()
  if self:skip("%(") then
    self:type()
    return self:need("%)", "a bracket")
  elseif self:skip("{") then
    return self:members("}")
  elseif self:skip('"[^"]*"') then
    return
  elseif self:skip("fun%(") then
    self:members("%)")
    if self:skip(":") then
      self:type()
      while self.text:find("^, ", self.at) and not self.inner do
        self:need(",", "a comma")
        self:type()
      end
    end
    return
  end
  local name = assert(self:name(), ("%s: no type at %q"):format(self.text, self.text:sub(self.at)))
  self.names[name] = true
  if self:skip("<") then
    repeat self:type() until not self:skip(",")
    self:need(">", "the end of <…>")
  end
end

function Reader:type()
  repeat
    self:primary()
    while self.text:find("^%[%]", self.at) or self.text:find("^%?", self.at) do
      self.at = self.at + (self.text:sub(self.at, self.at) == "?" and 1 or 2)
    end
  until not self:skip("|")
end

-- The names of types in a text that begins with a type; what is behind it.
local function names_in(text)
  local reader = setmetatable({text = text, at = 1, names = {}}, Reader)
  reader:type()
  return reader.names, text:sub(reader.at)
end

local KNOWN <const> = {any = true, string = true, number = true, integer = true, boolean = true,
  table = true, ["nil"] = true, ["true"] = true, ["false"] = true}

-- What the text declares: {classes = {name = {field = true}}, functions = {name = params}, …}.
local function declared()
  local all = {classes = {}, functions = {}, values = {}, used = {}, async = {}}
  local class, params, async
  local function use(text, what)
    local names, rest = names_in(text)
    assert.is_true(rest == "" or rest:match("^ ") ~= nil, what .. ": " .. text)
    for name in pairs(names) do all.used[name] = true end
  end
  for line in TEXT:gmatch("([^\n]*)\n") do
    local tag, rest = line:match("^%-%-%-@(%a+) ?(.*)$")
    if tag == "class" then
      class = rest
      assert.is_nil(all.classes[class], class .. " is there twice")
      all.classes[class] = {}
    elseif tag == "alias" then
      local name, type = rest:match("^([%w_.]+) (.+)$")
      all.classes[name] = {}
      use(type, name)
    elseif tag == "field" then
      local name, type = rest:match("^([%w_]+)%?? (.+)$")
      if not name then type = assert(rest:match("^%[integer%] (.+)$"), line) end
      assert.is_nil(name and all.classes[class][name], line)
      all.classes[class][name or 1] = true
      use(type, class)
    elseif tag == "param" then
      local name, type = rest:match("^([%w_.]+)%?? (.+)$")
      params = params or {}
      table.insert(params, name)
      use(type, line)
    elseif tag == "return" or tag == "type" then
      use(rest, line)
    elseif tag == "async" then
      async = true
    elseif line:match("^function ") then
      local name, list = line:match("^function ([%w_.]+)%((.*)%) end$")
      assert.equal(table.concat(params or {}, ", "), list, name)
      all.functions[name], all.async[name], params, async = true, async, nil, nil
    elseif line:match("^[%w_.]+ = ") then
      all.values[line:match("^[%w_.]+")] = true
    else
      assert.is_true(tag == "meta" or line == "" or line == "return orun" or line:match("^%-%- ")
        ~= nil or line:match("^%-%-%- %S") ~= nil, line)
    end
  end
  return all
end

describe("orun --luals", function()
  it("is Lua that does nothing", function()
    assert.equal("---@meta orun", TEXT:match("^[^\n]*"))
    local env = {}
    assert(load(TEXT, "=types", "t", env))()
    assert.is_function(env.Task)
    assert.is_function(env.orun.fan_out)
    assert.equal(env.Task, env.orun.Task)
  end)

  it("is well-formed, and names no type that is not there", function()
    local all, wrong = declared(), {}
    for name in pairs(all.used) do
      if not KNOWN[name] and not all.classes[name] then wrong[#wrong + 1] = name end
    end
    assert.equal("", table.concat(wrong, " "))
  end)

  it("has every function of orun, and no other", function()
    local all, wrong, own = declared(), {}, {}
    for _, row in ipairs(pages.rows("lua/README.md", "For the modules", 2)) do
      own[row.names[1]] = true
    end
    for name, value in pairs(orun) do
      local global = name:match("^Task") and name
      local full = global or "orun." .. name
      if type(value) == "function" and not own[full] and not all.functions[full] then
        wrong[#wrong + 1] = name
      end
    end
    local functions = reference.functions()
    for name in pairs(all.functions) do
      if not functions[name] and not functions[name:match("^(orun%.[%w_]+)%.")] then
        wrong[#wrong + 1] = name .. ", which is in no table"
      end
    end
    for _, name in ipairs(functions) do
      if not (all.functions[name] or all.values[name]) then wrong[#wrong + 1] = name end
    end
    assert.equal("", table.concat(wrong, " "))
  end)

  it("has the fields of all tables", function()
    local all, wrong = declared(), {}
    for _, entry in ipairs(reference.TABLES) do
      local class = assert(all.classes[entry.class], entry.class)
      for _, row in ipairs(reference.rows(entry)) do
        for _, name in ipairs(row.names) do
          name = name:match("^log:([%w_]+)") or name
          if entry.class ~= "orun.ErrorKind" and not class[name] then
            wrong[#wrong + 1] = entry.class .. "." .. name
          end
        end
      end
    end
    assert.equal("", table.concat(wrong, " "))
  end)

  it("marks what may wait", function()
    local async = declared().async
    assert.is_true(async.Task and async["orun.sleep"] and async["orun.fan_out"])
    assert.is_nil(async["orun.now"])
  end)
end)
