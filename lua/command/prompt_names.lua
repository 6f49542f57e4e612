--- orun.command.prompt_names: what may follow in a line that is typed at a prompt.
--
--     local more, choice = prompt_names("print(orun.fan_")   -- "out(", nil
--
-- The names of agent types in subagent_type = "…"; fields of Task between its braces; else
-- names: globals and words of Lua, and fields of tables, whose metamethods are not called.

local lua_words = require "orun.util.lua_words"
local orun = require "orun"
local pages = require "orun.manual.pages"
local prompt = require "orun.prompt"
local terminal = require "orun.terminal"

local function begins(text, with)
  return text:sub(1, #with) == with
end

-- Of a list, those that begin so, sorted, each once.
local function matching(list, with)
  local found, seen = {}, {}
  for _, name in ipairs(list) do
    if begins(name, with) and not seen[name] then
      seen[name] = true
      found[#found + 1] = name
    end
  end
  table.sort(found)
  return found
end

-- The fields of orun that are meant for scripts, by the reference: {name = its call}.
local function public()
  local calls = {}
  for _, row in ipairs(pages.rows("lua/README.md", "Functions")) do
    calls[row.names[1]:match("^orun%.(.*)") or row.names[1]] = row.call:match("`([^`]*)`")
  end
  return calls
end

-- The names of a table's fields, and their values.
local function fields_of(value)
  local names, values = {}, {}
  local meta = debug.getmetatable(value)
  local index = type(meta) == "table" and rawget(meta, "__index")
  for _, from in ipairs{value, index} do
    for k, v in next, type(from) == "table" and from or {} do
      if type(k) == "string" and k:find("^[%a_][%w_]*$") then
        names[#names + 1] = k
        if values[k] == nil then values[k] = v end
      end
    end
  end
  return names, values
end

-- The value of a path such as "orun.json"; nil where only a metamethod could tell.
local function value_of(path)
  local value = _G
  for name in path:gmatch("[^.:]+") do
    local meta = type(value) == "string" and string or value
    if type(meta) ~= "table" then return nil end
    local inside = rawget(meta, name)
    if inside == nil then
      local of = debug.getmetatable(meta)
      local index = type(of) == "table" and rawget(of, "__index")
      inside = type(index) == "table" and rawget(index, name) or nil
    end
    if inside == nil and meta == _G and name == "orun" then inside = orun end
    if inside == nil and meta == orun and public()[name] then inside = orun[name] end
    value = inside
  end
  return value
end

-- A string that is not closed, at the end of the line: what stands before it, and in it so far.
local function open_string(line)
  local at, quote = 1, nil
  local bare = line:gsub("\\.", "..") -- as long
  for i = 1, #bare do
    local c = bare:sub(i, i)
    if c == quote then
      quote = nil
    elseif not quote and (c == '"' or c == "'") then
      at, quote = i, c
    end
  end
  if quote then return line:sub(1, at - 1), line:sub(at + 1), quote end
end

-- Is the end of the line between the braces of Task{ or orun.start{, and of no other?
local function in_task(line)
  local depth = 0
  local text = line:gsub("\\.", ""):gsub('"[^"]*"', ""):gsub("'[^']*'", "")
  for i = #text, 1, -1 do
    local c = text:sub(i, i)
    if c == "}" then
      depth = depth + 1
    elseif c == "{" and depth > 0 then
      depth = depth - 1
    elseif c == "{" then
      local callee = text:sub(1, i - 1):match("([%w_.]+)%s*%(?%s*$")
      return callee == "Task" or callee == "orun.Task" or callee == "orun.start"
    end
  end
  return false
end

-- Names that may stand where `word` begins, and what follows each.
local function names_for(before, word)
  local path, last = word:match("^(.*)[.:]([^.:]*)$")
  if path then
    local value = value_of(path)
    if value == nil then return {}, {} end
    if value == orun then
      local calls, all = public(), {}
      for name in pairs(calls) do all[#all + 1] = name end
      return matching(all, last), {}, last, function(name)
        return calls[name]:match("^[%w_.]+([({])") or ""
      end
    end
    local names, values = fields_of(type(value) == "string" and string or value)
    return matching(names, last), values, last
  end
  if in_task(before) and before:find("[{,]%s*$") then
    local fields = matching(prompt.task_fields(), word)
    if fields[1] then return fields, {}, word, function() return " = " end end
  end
  local names, values = fields_of(_G)
  for _, w in ipairs(lua_words) do names[#names + 1] = w end
  return matching(names, word), values, word
end

-- What all of the names begin with.
local function common(names)
  local all = names[1]
  for _, name in ipairs(names) do
    while not begins(name, all) do all = all:sub(1, -2) end
  end
  return all
end

-- The names as lines, in columns.
local function shown(names)
  local width, lines = 0, {}
  for _, name in ipairs(names) do width = math.max(width, #name + 2) end
  local columns = math.max((terminal.size(1) or 80) // width, 1)
  local rows = (#names + columns - 1) // columns
  for row = 1, rows do
    local cells = {}
    for i = row, #names, rows do cells[#cells + 1] = ("%-" .. width .. "s"):format(names[i]) end
    lines[row] = table.concat(cells):gsub("%s+$", "") .. "\n"
  end
  return table.concat(lines)
end

-- What is inserted for the names that begin with `word`, or what there is to choose from.
local function answer(names, word, ending)
  if #names == 0 then return "", nil end
  local more = common(names):sub(#word + 1)
  if #names == 1 then return more .. ending(names[1]), nil end
  return more, more == "" and shown(names) or nil
end

--- What may follow.
-- @param line  up to the cursor
-- @return what to insert there; and nil, or lines to choose from
return function(line)
  local before, inside, quote = open_string(line)
  if before then
    if not before:find("subagent_type%s*=%s*$") then return "", nil end
    local types = prompt.agents()
    for _, agent in ipairs(require "orun.agents".list().agents) do
      types[#types + 1] = agent.name
    end
    return answer(matching(types, inside), inside, function() return quote end)
  end
  local word = line:match("[%a_][%w_.:]*$") or ""
  if word == "" and line:find("[%w_]$") then return "", nil end
  local names, values, last, follows = names_for(line:sub(1, #line - #word), word)
  return answer(names, last or "", function(name)
    if follows then return follows(name) end
    local of = type(values[name])
    return of == "function" and "(" or ""
  end)
end
