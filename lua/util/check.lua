--- orun.util.check: the argument checks of the bundled modules.
--
-- A caller's mistake raises an error that names the function and the argument,
-- shows the value and says what to do. Every such message of the modules in
-- lua/ and stdlib/ is made here, so they all read alike. Call these straight
-- from the public function: the error is blamed on that function's caller.
--
-- Tables are read raw, so no metamethod of the caller's runs.
--
--     local check = require "orun.util.check"
--     local OPTIONS <const> = {limit = "count", order = {"input", "done"}}
--     opts = check.options("orun.fan_out", opts, OPTIONS)
--
-- Glossary
--   where   the public function's name as users write it: "orun.fan_out"
--   kind    what an option may be: a name in KINDS, or an array of the strings
--           that are allowed

local orun = require "orun"

local M = {}

--- Longest piece of a value that a message repeats.
local SHOWN <const> = 40

local function is_whole(v)
  return math.type(v) == "integer" and v >= 0
end

--- Seconds in one of a duration's units.
local UNITS <const> = {ms = 0.001, s = 1, m = 60, h = 3600, d = 86400}

--- Seconds of a duration as users write it.
-- @param duration  seconds as a number, or "250ms", "30s", "5m", "2h"; or nil
-- @return number of seconds, or nil for what is no duration
-- @usage require "orun.util.check".seconds("250ms")  --> 0.25
function M.seconds(duration)
  if type(duration) == "number" then return duration >= 0 and duration or nil end
  if type(duration) ~= "string" then return nil end
  local count, unit = duration:match("^(%d+%.?%d*)(%a+)$")
  return count and UNITS[unit] and count * UNITS[unit]
end

local function is(name)
  return function(v) return type(v) == name end
end

--- kind -> {test, what a message asks for}
local KINDS <const> = {
  any = {function() return true end},
  boolean = {is "boolean", "expected true or false"},
  count = {function(v) return is_whole(v) and v > 0 end, "expected a whole number, 1 or more"},
  duration = {M.seconds, 'expected a number of seconds, or "250ms", "30s", "5m", "2h"'},
  ["function"] = {is "function", "expected a function"},
  hook = {function(v) return type(v) == "function" or type(v) == "boolean" end,
    "expected a function, true for a line on stderr, or false for none"},
  table = {is "table", "expected a table"},
  text = {function(v) return type(v) == "string" and v ~= "" end, "expected a text"},
  whole = {is_whole, "expected a whole number, 0 or more"},
}

--- Is the value one of an array's?
function M.among(array, value)
  for _, one in ipairs(array) do
    if one == value then return true end
  end
  return false
end

--- What is wrong with `value` for `kind`, or nil when nothing is.
local function complaint(kind, value)
  if type(kind) == "table" then
    if M.among(kind, value) then return nil end
    return ('expected one of "%s"'):format(table.concat(kind, '", "'))
  end
  local test, want = table.unpack(KINDS[kind])
  return not test(value) and want or nil
end

--- A value as a message shows it: strings quoted and cut, tables by type.
-- @param value  anything; its metamethods never run
-- @return string
-- @usage require "orun.util.check".show("a\nb")  --> "a\nb"
function M.show(value)
  local kind = type(value)
  if kind == "string" then
    local cut = #value > SHOWN and value:sub(1, SHOWN) .. "..." or value
    return '"' .. cut:gsub("[%c\"\\]", function(c)
      return c == "\n" and "\\n" or ("\\%d"):format(c:byte())
    end) .. '"'
  elseif kind == "number" or kind == "boolean" or kind == "nil" then
    return tostring(value)
  end
  return "a " .. kind
end

--- A message in the form all have: "FUNCTION: NAME = VALUE: WANT".
function M.message(where, name, value, want)
  return ("%s: %s = %s: %s"):format(where, name, M.show(value), want)
end

--- The names that are the keys of `known`, in order.
function M.sorted(known)
  local names = {}
  for name in next, known do names[#names + 1] = name end
  table.sort(names)
  return names
end

--- The same in one text.
function M.listed(known)
  return table.concat(M.sorted(known), ", ")
end

--- The name in `known` nearest to `name`, or nil when none is near.
-- @param name   what the user wrote
-- @param known  table with the names as keys
-- @return string or nil
function M.nearest(name, known)
  return orun.nearest(tostring(name), M.sorted(known))
end

--- What to say after a name that is not one of `known`.
-- @param name   what the user wrote
-- @param known  table with the names as keys
-- @return ", did you mean 'NAME'?", or all the names when none is near
function M.hint(name, known)
  local near = M.nearest(name, known)
  if near then return (", did you mean '%s'?"):format(near) end
  return "; there are " .. M.listed(known)
end

-- Those of the options that may be given.
local function taken(known)
  local names = {}
  for name, kind in next, known do
    if type(kind) ~= "table" or kind[1] then names[name] = kind end
  end
  return names
end

--- Options, checked and copied.
-- @param where  public function's name, for messages
-- @param opts   the caller's table, or nil for none
-- @param known  table: option name -> kind; {now = text} for a name that has gone, and
--               {refused = text} for one that others have and that makes no sense here: why
-- @return a new table with the same fields, without a metatable
-- @param level  of the error, as for M.argument
-- Raises for a value that is not a table, an unknown field, a wrong kind.
function M.options(where, opts, known, level)
  level = level or 3
  if opts == nil then return {} end
  M.argument(where, "options", opts, "table", level + 1)
  local copy = {}
  for name, value in next, opts do
    local kind = known[name]
    if not kind then
      error(("%s: unknown option %s%s"):format(where, M.show(name),
        M.hint(name, taken(known))), level)
    elseif type(kind) == "table" and not kind[1] then
      error(("%s: %s %s"):format(where, name, kind.now and "is now " .. kind.now
        or "has no place here: " .. kind.refused), level)
    end
    copy[name] = M.argument(where, name, value, kind, level + 1)
  end
  return copy
end

--- An argument of one kind.
-- @param where  public function's name
-- @param name   the argument's name
-- @param value  what was given
-- @param kind   what it may be
-- @param level  of the error, as `error` takes it; default: what called the public function
-- @return value
function M.argument(where, name, value, kind, level)
  local want = complaint(kind, value)
  if want then
    error(M.message(where, name, value, want), level or 3)
  end
  return value
end

--- An array without holes.
-- @param where  public function's name
-- @param name   the argument's name
-- @param value  what was given
-- @param level  of the error, as for M.argument
-- @return its length
-- Raises for a value that is not a table, or that has a hole or keys other than 1..n.
function M.array(where, name, value, level)
  level = level or 3
  if type(value) ~= "table" then
    error(M.message(where, name, value, "expected an array"), level)
  end
  local count, last = 0, 0
  for key in next, value do -- of what orun.map gets it sees every element
    count = count + 1
    if key ~= count and (math.type(key) ~= "integer" or key < 1) then
      error(("%s: %s has the key %s; an array has 1, 2, 3, ..."):format(where, name,
        M.show(key)), level)
    end
    if key > last then last = key end
  end
  if last > count then
    error(("%s: %s has holes: %d elements, but the last is [%d]"):format(where, name,
      count, last), level)
  end
  return count
end

--- The arguments of a function that waits for tasks.
-- @param where    public function's name
-- @param handles  array
-- @param timeout  duration, or nil
-- @return the timeout in seconds, or nil
function M.wait(where, handles, timeout)
  M.array(where, "handles", handles, 4)
  if timeout == nil then return nil end
  return M.seconds(M.argument(where, "timeout", timeout, "duration", 4))
end

return M
