--- orun.control.run_tools: what somebody outside asks of a run: what it does, and to end it.
--
-- The other half of what the control socket offers, beside control/task_tools.lua: for
-- `orun tasks`, which has the script's token (runtime/control/register.h). To look changes
-- nothing: what failed is still told of at the end, where the script did not read it.
--
-- Glossary
--   entry   a task, see runtime/api/lib_overview.h; here with less of what can be large
--   piece   bytes of an output, whole characters only, and where they are in it

local json = require "orun.json"
local overview = require "orun.overview"

local M = {}

local SHOWN <const> = 3          -- blockers that are named
local LAST <const> = 200         -- bytes of a last line
local TEXT <const> = 500         -- bytes of a description, of an error
local PIECE <const> = 64 << 10   -- bytes of an output at once
local STATES <const> = {"running", "queued", "blocked", "failed", "cancelled", "completed"}

local function properties(t, required)
  return {type = "object", properties = t, required = required, additionalProperties = false}
end

local ID <const> = {type = "string", description = "the task's id, such as t3"}
local COUNT <const> = {type = "integer", minimum = 0}

-- ---- entries ----

-- Without secrets, and not longer than that.
local function cut(text, most)
  text = overview.masked(text)
  if not text or #text <= most then return text end
  local last = utf8.offset(text, 0, most + 1) or most + 1
  return text:sub(1, last - 1) .. "..."
end

-- Removes incomplete characters from both ends, where the text was cut.
local function whole(text, begins, ends)
  local first, last = 1, #text
  while not begins and first <= 4 and (text:byte(first) or 0) & 0xC0 == 0x80 do
    first = first + 1
  end
  if first > 4 then first = 1 end
  for back = 0, ends and -1 or math.min(3, last - 1) do
    local byte = text:byte(last - back)
    local size = byte >= 0xF0 and 4 or byte >= 0xE0 and 3 or byte >= 0xC0 and 2
    if size and size > back + 1 then last = last - back - 1 end
    if byte & 0xC0 ~= 0x80 then break end
  end
  return text:sub(first, last), first - 1
end

-- The last line that a program has printed by now.
local function last_line(id)
  local ok, text = pcall(function() return orun.output(id):tail(1, LAST) end)
  if not ok and orun.stopping() then error(text, 0) end
  text = ok and whole(text, true, false)
  return text and text ~= "" and text or nil
end

local function named(ids)
  local few = {}
  for i = 1, math.min(#ids, SHOWN) do few[i] = ids[i] end
  return few[1] and few or nil
end

local function shown(e)
  local activity = e.activity
  if not activity and e.state == "running" and e.program then activity = last_line(e.id) end
  return {
    id = e.id, kind = e.kind, state = e.state, status = e.status, agent = e.subagent_type,
    description = cut(e.description, TEXT), attempts = e.attempts, elapsed = e.elapsed,
    activity = cut(activity, TEXT), usage = e.usage, cost = e.cost, model = e.model,
    waiting_for = e.waiting_for, waiting_at = e.waiting_at, wait = e.wait, waits = e.waits,
    other = e.other, blockedBy = named(e.blockedBy),
    blockers = e.blockedBy[1] and #e.blockedBy or nil, owner = overview.masked(e.owner),
    error = cut(e.error, TEXT), error_kind = e.error_kind, cached = e.cached,
  }
end

M.RunTasks = {
  description = "The tasks of the run: a page of those in these states, and how many there are of "
    .. "each. What is first in `states` is first in the page.",
  schema = properties{
    states = {type = "array", items = {enum = STATES}}, match = {type = "string", maxLength = 60},
    offset = COUNT, limit = {type = "integer", minimum = 0, maximum = 1000}, at = ID,
  },
  run = function(input)
    overview.script "RunTasks"
    local entries, counts, index = overview.page(input.states or STATES, input.match, input.offset,
      input.limit, input.at)
    local rows = json.array()
    for i, e in ipairs(entries) do rows[i] = shown(e) end
    return {tasks = rows, counts = counts, index = index}
  end,
}

-- ---- outputs ----

-- The result of a function may be any value: it is shown as JSON.
local function of_value(id)
  local ok, text = pcall(json.encode, overview.output(id), {lossy = true, name = "output"})
  return ok and text or tostring(text)
end

-- Bytes from `from` (negative: from the end) on, and the size, and whether it grows.
local function read(id, err, from, most, attempt)
  local ok, _, _, size, final, now = pcall(orun.read_output, id, err, 0, 0, 0, 0)
  if not ok then
    local text = of_value(id)
    from = from < 0 and math.max(0, #text + from) or from
    return text:sub(from + 1, from + most), from, #text, true, 1
  end
  if attempt and attempt ~= now then from = -most end
  if from < 0 then from = math.max(0, size + from) end
  local n = math.min(most, size - from)
  if n <= 0 then return "", math.min(from, size), size, final, now end
  local bytes, at = orun.read_output(id, err, from, n, 0, now)
  return bytes or "", at or from, size, final, now
end

M.RunOutput = {
  description = "A piece of what a task has printed, or of its result, and the task. A negative "
    .. "offset counts from the end; where `attempt` is over, it is the end of the next one's.",
  schema = properties({task_id = ID, stream = {enum = {"stdout", "stderr"}},
    offset = {type = "integer"}, limit = {type = "integer", minimum = 1, maximum = PIECE},
    attempt = {type = "integer"}}, {"task_id"}),
  run = function(input)
    overview.script "RunOutput"
    local e = overview.entry(input.task_id)
    if not e then error(("%s: this run has no such task"):format(input.task_id), 0) end
    local result = {task = shown(e), text = "", offset = 0, size = 0, final = true, attempt = 1}
    if e.kind == "item" and e.state == "running" or e.state == "blocked" or e.state == "queued" then
      result.final = false
      return result
    end
    local most = input.limit or PIECE
    local text, from, size, final, attempt = read(e.id, input.stream == "stderr",
      input.offset or -most, most, input.attempt)
    local skipped
    text, skipped = whole(text, from == 0, from + #text == size and final)
    result.text, result.offset, result.size = text, from + skipped, size
    result.final, result.attempt = final, attempt
    return result
  end,
}

-- ---- stopping ----

M.RunStop = {
  description = "Cancel all tasks that have not ended, but list items; the script goes on.",
  schema = properties{},
  run = function()
    overview.script "RunStop"
    overview.stop_all()
    return {message = "they are being stopped"}
  end,
}

M.RunDrain = {
  description = "Start nothing more: tasks that wait are cancelled, and so is each new one; those "
    .. "that run go on. No item of the list is handed out any longer.",
  schema = properties{},
  run = function()
    overview.script "RunDrain"
    overview.drain()
    return {message = "nothing more is started"}
  end,
}

return M
