--- orun.view.record: the events of a run, kept for `orun report` (--record).
--
-- value is "ID", letters and digits for the file's name, or "ID asked". The file is made with
-- the first task: a run without any leaves none. It ends with the task or the byte that is too
-- much, and says so. Where there can be no record that was asked for, this is told; one that is
-- kept by default is missing silently then.

local events_file = require "orun.record.file"
local format = require "orun.util.format"
local refusal = require "orun.util.refusal"
local runs = require "orun.record.store"

local TASKS <const> = 20000
local BYTES <const> = 64 << 20
local BEFORE <const> = 1000 -- events before the first task

return function(value, v)
  local id, asked = value:match("^(%w+)( ?%w*)$")
  local self, before, writer, tasks = {}, {}, nil, 0

  local function give_up() self.done, writer = true, nil end

  local function fail(why)
    give_up()
    if asked ~= "" then refusal.raise("the run is not recorded: %s", why) end
  end

  -- The record, which begins with what happened before there was a task.
  local function begin()
    local file, why, path = runs.new(id)
    if not file then return fail(why) end
    writer = events_file.writer(file, path, v and v.processors())
    for _, e in ipairs(before) do writer:put(e) end
    before = nil
  end

  local function cut(at, why)
    writer:put{event = "record_cut", at = at, why = why}
    writer:finish()
    give_up()
  end

  local function event(e)
    if e.event == "added" then tasks = tasks + 1 end
    if not writer and e.event ~= "added" then
      if #before < BEFORE then before[#before + 1] = e end
      return
    end
    if not writer then begin() end
    if not writer then return end
    if tasks > TASKS then return cut(e.at, ("a record has no more than %d tasks"):format(TASKS)) end
    writer:put(e)
    if writer.bytes > BYTES then
      cut(e.at, "a record has no more than " .. format.bytes(BYTES))
    end
  end

  -- A failure to write is reported only if the record was asked for.
  local function attempt(f)
    return function(...)
      local ok, why = pcall(f, ...)
      if ok then return end
      give_up()
      if asked ~= "" or not refusal.is(why) then error(why, 0) end
    end
  end

  self.event = attempt(event)
  self.tick = attempt(function() if writer then writer:flush() end end)
  self.close = attempt(function(now) if writer then writer:close(now, v.busy()) end end)
  return self
end
