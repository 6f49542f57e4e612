--- orun.layers.rows: rows as the layers of an application give them, and how they differ.
--
--     local want = rows.query("shop.db", "SELECT id, name FROM customers ORDER BY id")
--     local issue, evidence = rows.difference(want, got)
--
-- A row is a table of fields, as JSON has it.

local json = require "orun.json"
local orun = require "orun"

local M = {}

--- The bytes that rows may have as JSON.
M.LARGEST = "32MiB"

local LIMIT <const> = "20s"
local HEAD <const> = "SQLite format 3\0"
local SHOWN <const> = 160 -- bytes of a value in evidence

local function shown(value)
  local text = json.encode(value)
  return #text > SHOWN and text:sub(1, (utf8.offset(text, 0, SHOWN)) - 1) .. "..." or text
end

-- Why a database is none that can be looked at; nil when it is an SQLite file, or is not there.
local function foreign(database)
  local other = "%s is no SQLite file, and other databases are not looked at"
  local kind = database:match("^(%a[%w+.-]*)://")
  if kind then return other:format("a database of " .. kind) end
  local file <close> = io.open(database, "rb")
  local head = file and file:read(#HEAD)
  return head and head ~= HEAD and other:format(database) or nil
end

--- The rows of a query of an SQLite file, which is only read.
-- @return array of rows; nil and a message, and "absent" when nothing can be asked there
function M.query(database, sql)
  local strange = foreign(database)
  if strange then return nil, strange, "absent" end
  if not orun.program "sqlite3" then
    return nil, "there is no program sqlite3: install the package sqlite3", "absent"
  end
  local r = orun.exec{command = {"sqlite3", "-readonly", "-safe", "-bail", "-json", database, sql},
                      timeout = LIMIT, max_output = M.LARGEST}
  if r.error then
    local said = r.stderr:match("%S[^\n]*")
    return nil, said and said:gsub("^Error: ", "") or r.error
  end
  if not r.output:find("%S") then return json.array{} end
  return json.decode(r.output)
end

--- The rows that a text has: a JSON array, or where `path` ("data.items") leads in it.
-- @return array of rows; nil and a message
function M.read(text, path)
  local value, why = json.decode(text)
  if value == nil then return nil, "it is not JSON: " .. why end
  for name in (path or ""):gmatch("[^.]+") do
    value = type(value) == "table" and value[name] or nil
  end
  if type(value) ~= "table" or (next(value) ~= nil and value[1] == nil) then
    return nil, ("there is no array of rows in it%s: %s"):format(path and " at " .. path or "",
      text:sub(1, SHOWN))
  end
  for i, row in ipairs(value) do
    if type(row) ~= "table" then
      return nil, ("element %d is no object: %s"):format(i, shown(row))
    end
  end
  return value
end

-- The fields in which two rows differ, of those that either has.
local function fields_of(want, got)
  local names, list = {}, {}
  for _, row in ipairs{want, got} do
    for name in pairs(row) do names[name] = true end
  end
  for name in pairs(names) do
    if want[name] ~= got[name]
        and (type(want[name]) ~= "table" or shown(want[name]) ~= shown(got[name])) then
      list[#list + 1] = name
    end
  end
  table.sort(list)
  return list
end

--- How rows differ from those that are expected, in this order.
-- @return issue, evidence; nothing when they are the same
function M.difference(want, got)
  for i, row in ipairs(want) do
    local other = got[i]
    local differ = other and fields_of(row, other)
    if differ and #differ > 0 then
      local name = differ[1]
      if other[name] == nil then
        return ("the field %s is missing"):format(name), ("row %d: expected %s"):format(i,
          shown(row[name]))
      elseif row[name] == nil then
        return ("the field %s is not expected"):format(name), ("row %d: it is %s"):format(i,
          shown(other[name]))
      end
      return ("the field %s is wrong"):format(name), ("row %d: it is %s, expected %s"):format(i,
        shown(other[name]), shown(row[name]))
    elseif not other then
      return ("%d of %d rows are missing"):format(#want - #got, #want), "the first is "
        .. shown(row)
    end
  end
  if #got > #want then
    return ("%d rows too many"):format(#got - #want), "the first is " .. shown(got[#want + 1])
  end
end

return M
