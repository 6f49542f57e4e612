--- orun.task_words: what is said of a task in a few words, where a run is shown.
--
--     local words = require "orun.task_words"
--     words.duration(192)   --> 3m12s
--
-- An entry is one of tools_run.lua.

local M = {}

--- Seconds, in at most six characters for up to 99 days; whole ones have no tenths.
function M.duration(s)
  if s < 9.95 and math.type(s) == "float" then return ("%.1fs"):format(s) end
  s = math.floor(s + 0.5)
  if s < 60 then return ("%ds"):format(s) end
  if s < 3600 then return ("%dm%02ds"):format(s // 60, s % 60) end
  if s < 86400 then return ("%dh%02dm"):format(s // 3600, s % 3600 // 60) end
  return ("%dd%02dh"):format(s // 86400, s % 86400 // 3600)
end

--- A count, in at most five characters: "950", "9.5k", "12k", "1.2M".
function M.count(n)
  for _, unit in ipairs{{"", 1}, {"k", 1e3}, {"M", 1e6}, {"G", 1e9}} do
    local x = n / unit[2]
    if unit[2] == 1 and x < 1000 then return ("%d"):format(x) end
    if x < 9.95 then return ("%.1f%s"):format(x, unit[1]) end
    if x < 999.5 then return ("%.0f%s"):format(x, unit[1]) end
  end
  return "many"
end

--- Tokens that went in and came out; nil: none were told.
function M.tokens(entry)
  local usage = entry.usage
  if not usage then return nil end
  return M.count((usage.input_tokens or 0) + (usage.output_tokens or 0))
end

--- US dollars; nil: none were told.
function M.cost(entry)
  if not entry.cost then return nil end
  return ("$%.2f"):format(entry.cost)
end

local ITEM <const> = {queued = "free", running = "claimed"}

--- The state, in at most nine characters.
function M.state(entry)
  return entry.kind == "item" and ITEM[entry.state] or entry.state
end

local function at(entry) return entry.waiting_at and " of " .. entry.waiting_at or "" end

local function due(entry)
  return entry.wait and ", " .. M.duration(entry.wait) .. " more" or ""
end

local QUEUED <const> = {
  slot = function(e) return "waits for a slot" .. at(e) end,
  rate = function(e) return "waits for the rate" .. at(e) .. due(e) end,
  throttled = function(e) return "throttled" .. at(e):gsub("^ of", " by") .. due(e) end,
  writes = function() return "others write what it will write" end,
  memory = function() return "waits for free memory" end,
  retry = function(e) return "tries again in " .. M.duration(e.wait or 0) end,
}

local WAITS <const> = {
  task = function(e) return "waits for " .. (e.other or "a task") end,
  tasks = function() return "waits for other tasks" end,
  item = function() return "waits for an item" end,
  all = function() return "waits for all tasks" end,
  output = function(e) return "reads " .. (e.other or "an output") end,
  time = function() return "asleep" end,
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
  if (entry.attempts or 0) > 1 then
    text = ("attempt %d"):format(entry.attempts) .. (text and ": " .. text or "")
  end
  return text and text:gsub("%s+", " ") or nil
end

local ORDER <const> = {"running", "queued", "blocked", "failed", "cancelled", "completed"}

--- "3 running, 1 failed": the states that have tasks.
function M.counts(counts, separator)
  local parts = {}
  for _, state in ipairs(ORDER) do
    if (counts[state] or 0) > 0 then parts[#parts + 1] = ("%d %s"):format(counts[state], state) end
  end
  return parts[1] and table.concat(parts, separator or ", ") or "no tasks"
end

return M
