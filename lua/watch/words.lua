--- orun.watch.words: what is said of a task in a few words, where a run is shown.
--
--     local words = require "orun.watch.words"
--     words.note{state = "running", waits = "task", other = "t3"}   --> waits for t3
--
-- An entry is one of control/run_tools.lua.

local format = require "orun.util.format"

local M = {}

--- Input and output tokens; nil: none reported.
function M.tokens(entry)
  local usage = entry.usage
  if not usage then return nil end
  return format.count((usage.input_tokens or 0) + (usage.output_tokens or 0))
end

--- US dollars; nil: none reported.
function M.cost(entry)
  if not entry.cost then return nil end
  return format.cost(entry.cost)
end

local ITEM <const> = {queued = "free", running = "claimed"}

--- The state, in at most nine characters.
function M.state(entry)
  return entry.kind == "item" and ITEM[entry.state] or entry.state
end

local SLOTS <const> = {process = "a program slot", lua = "a worker", http = "a request slot"}

local function at(entry) return entry.waiting_at and " of " .. entry.waiting_at or "" end

local function due(entry)
  return entry.wait and ", " .. format.duration(entry.wait) .. " more" or ""
end

local QUEUED <const> = {
  slot = function(e)
    return "waits for " .. (SLOTS[e.waiting_at] or "a slot" .. at(e))
  end,
  rate = function(e) return "waits for the rate" .. at(e) .. due(e) end,
  throttled = function(e) return "throttled" .. at(e):gsub("^ of", " by") .. due(e) end,
  writes = function() return "others write what it will write" end,
  memory = function() return "waits for free memory" end,
  retry = function(e) return "tries again in " .. format.duration(e.wait or 0) end,
}

local WAITS <const> = {
  task = function(e) return "waits for " .. (e.other or "a task") end,
  tasks = function() return "waits for other tasks" end,
  item = function() return "waits for an item" end,
  all = function() return "waits for all tasks" end,
  output = function(e) return "reads " .. (e.other or "an output") end,
  time = function() return "asleep" end,
  slot = function() return "waits for a program slot" end,
}

local function blocked(e)
  if not e.blockedBy then return nil end
  local more = e.blockers - #e.blockedBy
  return "blocked by " .. table.concat(e.blockedBy, ", ")
    .. (more > 0 and (" and %d more"):format(more) or "")
end

--- What it does now, what it waits for, why it failed; nil: there is nothing to say.
function M.note(entry)
  local text
  if entry.state == "running" then
    local waits = WAITS[entry.waits]
    text = entry.waits == "time" and entry.activity or waits and waits(entry) or entry.activity
    if entry.owner then text = "by " .. entry.owner .. (text and ": " .. text or "") end
  elseif entry.state == "queued" then
    local why = QUEUED[entry.waiting_for]
    text = why and why(entry)
  elseif entry.state == "blocked" then
    text = blocked(entry)
  elseif entry.error ~= "cancelled" then
    text = entry.error and entry.error:gsub("\nstack traceback:.*", "")
  end
  if entry.cached then
    text = "as in an earlier try" .. (text and ": " .. text or "")
  end
  if (entry.attempts or 0) > 1 then
    text = ("attempt %d"):format(entry.attempts) .. (text and ": " .. text or "")
  end
  return text and text:gsub("%s+", " ") or nil
end

--- How long a run has lasted so far.
function M.age(run)
  local seconds = math.max(0, os.time() - run.began)
  return format.duration(seconds)
end

local ORDER <const> = {"failed", "running", "queued", "blocked", "cancelled", "completed"}

--- "1 failed, 3 running": the states that have tasks.
function M.counts(counts, separator)
  local parts = {}
  for _, state in ipairs(ORDER) do
    if (counts[state] or 0) > 0 then parts[#parts + 1] = ("%d %s"):format(counts[state], state) end
  end
  return parts[1] and table.concat(parts, separator or ", ") or "no tasks"
end

return M
