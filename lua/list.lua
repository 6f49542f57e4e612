--- orun.list: an array with methods; what TaskList returns is one.
--
-- TaskList's items are `{id, description, status, owner, blockedBy, metadata, ...}`. It is
-- a snapshot: the items do not change when the tasks do. `orun.list(t)` gives the methods
-- to an array of your own. This module is the metatable.
--
--     local orun = require "orun"
--     local open = orun.TaskList():filter{status = "pending", unblocked = true}
--     local names = open:map(function(item) return item.description end)

local check = require "orun.util.check"

-- What an entry of the task list may have, and "unblocked", which filter understands.
local FIELDS <const> = {}
for _, name in ipairs{"activity", "attempts", "blockedBy", "cached", "cost", "description",
  "fresh", "id", "input", "kind", "metadata", "model", "owner", "priority", "prompt",
  "session_id", "skipped", "status", "subagent_type", "unblocked", "usage", "wait", "waiting_at",
  "waiting_for"} do
  FIELDS[name] = true
end

local List = {__name = "orun.list"}
local methods = {}
List.__index = methods

--- Does one field of an item meet what the filter wants of it?
local function meets(item, field, want)
  if type(item) ~= "table" then return false end
  if field == "unblocked" then
    return (#(item.blockedBy or {}) == 0) == want
  end
  local have = item[field]
  if type(want) ~= "table" then return have == want end
  return check.among(want, have)
end

--- The items that meet a condition, as a new list.
-- @param want  function(item) -> boolean, or a table: each field must be equal
--              to the value given, or to one in the array given;
--              `unblocked = true` asks for an empty blockedBy. Entries of the task list
--              have known fields: another raises an error
-- @return a list, in the same order
-- @usage tasks:filter{status = {"pending", "in_progress"}, owner = "t3"}
function methods:filter(want)
  local test = want
  if type(want) == "table" then
    local entries = type(self[1]) == "table" and self[1].blockedBy
    for field in next, want do
      if entries and not FIELDS[field] then
        error(("filter: unknown field %s%s"):format(check.show(field),
          check.hint(field, FIELDS)), 2)
      end
    end
    test = function(item)
      for field, value in next, want do
        if not meets(item, field, value) then return false end
      end
      return true
    end
  elseif type(want) ~= "function" then
    error(check.message("filter", "the condition", want, "expected a function or a "
      .. "table of fields"), 2)
  end
  local out = setmetatable({}, List)
  for _, item in ipairs(self) do
    if test(item) then out[#out + 1] = item end
  end
  return out
end

--- What `fn` returns for each item, as a list.
-- @param fn  function(item, index) -> value that is not nil
-- @return a list
-- @usage tasks:map(function(item) return item.id end)
function methods:map(fn)
  check.argument("map", "fn", fn, "function")
  local out = setmetatable({}, List)
  for i, item in ipairs(self) do out[i] = fn(item, i) end
  return out
end

--- Claims the first item of the list that is still free.
-- @return the item, now the caller's, or nil when all are taken or blocked
-- @usage local item = tasks:filter{description = "urgent"}:claim()
function methods:claim()
  local orun = require "orun"
  for _, item in ipairs(self) do
    if orun.TaskUpdate{task_id = item.id, status = "in_progress"} then
      return orun.TaskGet{task_id = item.id}
    end
  end
  return nil
end

--- Gives an array the methods filter, map and claim.
-- @param array  a table
-- @return the same table
-- @usage orun.list{1, 2, 3}:map(function(n) return n * n end)
local function list(_, array)
  check.argument("orun.list", "array", array, "table")
  return setmetatable(array, List)
end

return setmetatable(List, {__call = list})
