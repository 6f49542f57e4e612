--- orun.pattern.batch_plan: reads the data of orun.batches, and refuses what cannot run.
--
-- Not for scripts: orun.batches is. Everything is checked here, before the
-- first task starts: shapes, references, the order.
--
-- Glossary
--   number     a task's place, counted through the batches: with three tasks in
--              batch 1, the first of batch 2 is task 4
--   reference  how one task names another: its number, its `name`, or the
--              handle of a task that was started elsewhere
--   entry      one task, read: {number, batch, place, name, spec, blockers, from}

local check = require "orun.util.check"
local launch = require "orun.pattern.launch"

--- The guide's field names, and Task's.
local RENAMED <const> = {details = "prompt", agent_type = "subagent_type"}
--- Tasks of a long cycle that a message names at either end.
local SHOWN <const> = 5

local BATCH_FIELDS <const> = {name = true, tasks = true, blockedBy = true}

--- Stops the reading; `plan` turns it into `nil, message`.
local function refuse(...)
  error({refused = string.format(...)}, 0)
end

local function title(entry)
  return entry.name and ("task %d '%s'"):format(entry.number, entry.name)
    or ("task %d"):format(entry.number)
end

local function array_of(where, value)
  if value == nil then return {} end
  if type(value) ~= "table" then
    refuse("%s = %s: expected an array", where, check.show(value))
  end
  return value
end

local function read_task(value, defaults, entry)
  local spec, why = launch.spec(value, defaults)
  if not spec then refuse("%s%s", entry.place, why) end
  for old, new in next, RENAMED do
    if spec[old] ~= nil then spec[new], spec[old] = spec[old], nil end
  end
  entry.name = spec.name
  entry.after = array_of(entry.place .. ".blockedBy", spec.blockedBy)
  entry.from = spec.from
  spec.description = spec.description or spec.name
  spec.name, spec.blockedBy, spec.from = nil, nil, nil
  entry.spec = launch.described(spec, nil, ("task %d"):format(entry.number))
  return entry
end

local function read_batch(batch, b, defaults, entries)
  local where = ("batches[%d]"):format(b)
  if type(batch) ~= "table" then
    refuse("%s = %s: expected {tasks = {...}, blockedBy = {...}}", where, check.show(batch))
  end
  for field in next, batch do
    if not BATCH_FIELDS[field] then
      refuse("%s has the unknown field %s; a batch has tasks, blockedBy and name",
        where, check.show(field))
    end
  end
  if type(rawget(batch, "tasks")) ~= "table" then
    refuse("%s.tasks = %s: expected an array", where, check.show(rawget(batch, "tasks")))
  end
  local shared = array_of(where .. ".blockedBy", rawget(batch, "blockedBy"))
  for i, value in ipairs(batch.tasks) do
    local entry = {number = #entries + 1, batch = b, place = ("%s.tasks[%d]"):format(where, i)}
    entry.shared, entry.shared_place = shared, where .. ".blockedBy"
    entries[#entries + 1] = read_task(value, defaults, entry)
  end
end

local function names_of(entries)
  local names = {}
  for _, entry in ipairs(entries) do
    local name = entry.name
    if name ~= nil and type(name) ~= "string" then
      refuse("%s.name = %s: expected a string", entry.place, check.show(name))
    elseif name and names[name] then
      refuse("%s and %s have the same name; give each its own", title(names[name]),
        title(entry))
    end
    if name then names[name] = entry end
  end
  return names
end

--- The entry that a reference names; a handle names itself.
local function resolve(where, reference, entries, names)
  if type(reference) == "table" and rawget(reference, "id") then return reference end
  local found = math.type(reference) == "integer" and entries[reference] or names[reference]
  if found then return found end
  local near = type(reference) == "string" and check.nearest(reference, names)
  refuse("%s: no task %s; there are tasks 1 to %d%s", where, check.show(reference),
    #entries, near and (", did you mean '%s'?"):format(near) or "")
end

local function link(entry, entries, names)
  local function blocker(reference, where, ...)
    local target = resolve(where:format(...), reference, entries, names)
    entry.blockers[#entry.blockers + 1] = target
    return target
  end
  entry.blockers = {}
  for i, reference in ipairs(entry.shared) do
    blocker(reference, "%s[%d]", entry.shared_place, i)
  end
  for i, reference in ipairs(entry.after) do
    blocker(reference, "%s.blockedBy[%d]", entry.place, i)
  end
  local from = entry.from
  if type(from) == "table" and not rawget(from, "id") then
    entry.from_many = {}
    for key, reference in next, from do
      entry.from_many[key] = blocker(reference, "%s.from.%s", entry.place, key)
    end
  elseif from ~= nil then
    entry.from_one = blocker(from, "%s.from", entry.place)
  end
end

--- The cycle that an entry and one of its blockers are in, as an array of titles, or nil.
local function cycle(entry, blocker)
  local nth, came, stack = {[blocker] = 2}, {[blocker] = entry}, {blocker}
  while #stack > 0 and not nth[entry] do
    local one = table.remove(stack)
    for _, other in ipairs(one.blockers) do
      if other.number and not nth[other] then
        nth[other], came[other] = nth[one] + 1, one
        stack[#stack + 1] = other
      end
    end
  end
  if not nth[entry] then return nil end
  local titles, one = {title(entry)}, entry
  repeat
    titles[nth[one]] = title(one)
    one = came[one]
  until one == entry
  return titles
end

--- A cycle as a message shows it: a long one without its middle.
local function shown(titles)
  if #titles > 2 * SHOWN then
    local left = ("... %d more"):format(#titles - 2 * SHOWN)
    titles = table.move(titles, #titles - SHOWN + 1, #titles, SHOWN + 2,
      table.move(titles, 1, SHOWN, 1, {}))
    titles[SHOWN + 1] = left
  end
  return table.concat(titles, " waits for ")
end

local function check_order(entry)
  for _, blocker in ipairs(entry.blockers) do
    if blocker.number and blocker.number >= entry.number then
      local titles = cycle(entry, blocker)
      if titles then refuse("a cycle, so none of these could start: %s", shown(titles)) end
      refuse("%s waits for %s, which comes later; put %s in an earlier batch",
        title(entry), title(blocker), title(blocker))
    end
  end
end

local function read(data, defaults)
  local entries = {}
  for b, batch in ipairs(data) do read_batch(batch, b, defaults, entries) end
  local names = names_of(entries)
  for _, entry in ipairs(entries) do link(entry, entries, names) end
  for _, entry in ipairs(entries) do check_order(entry) end
  return entries
end

--- Reads batches.
-- @param data      array of {tasks = {...}, blockedBy = {...}, name = ...}
-- @param defaults  Task fields for tasks that do not set them, or nil
-- @return array of entries by number; or nil and what is wrong
local function plan(data, defaults)
  local ok, entries = pcall(read, data, defaults)
  if ok then return entries end
  if type(entries) == "table" and entries.refused then return nil, entries.refused end
  error(entries, 0)
end

return plan
