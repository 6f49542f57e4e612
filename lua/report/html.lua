--- orun.report.html: a run as one HTML page, for a browser.
--
-- The page loads nothing: report/page.html has its style (report/page.css), its script
-- (report/page.js) and what happened put into it. That is JSON in which every "<" is written
-- \u003c, so no text can end the element that it is in. The script puts texts on the page as
-- text only, never as HTML.
--
-- The data are {metrics=, tasks=, script=, phases=}. Times are whole microseconds. A task is
--
--   id, d (description), a (agent), k (kind), s (status), ek, e (error), at, ph (phase), key
--   p, b        its parent and blockers, as indices (from 0) of tasks
--   t           array of [from, to, error_kind]: its attempts
--   w           array of [from, to, 1 when it is for others, file:line]: waits of its code
--   q           array of [from, to, why]: when it queued
--   add, rdy, end, own   when it was added, ready and over; its own time
--   y, pr, o    bytes of its output, bytes printed, how the output begins
--   ti, to, c, m, ac, x, sg   tokens, cost, model, last activity, exit code, signal
--   r           how often the script was handed its result
--   hw          the writes that it changed before it failed

local bound = require "orun.report.bound"
local how = require "orun.record.how"
local json = require "orun.json"
local page = require "orun.report.page.html"
local path = require "orun.report.path"
local script = require "orun.report.page.js"
local style = require "orun.report.page.css"
local place <const> = require("orun.record.title").at

local M = {}

local OUTPUTS <const> = 16 << 20 -- bytes of outputs in a page, at most

local function micro(at)
  return at and math.floor(at * 1e6 + 0.5) or nil
end

-- Non-empty arrays only: most tasks have none.
local function some(array)
  return #array > 0 and array or nil
end

local function waits_of(waits, finish)
  local all = {}
  for i, w in ipairs(waits) do
    all[i] = {micro(w.from), micro(w.resumed or w.to or finish), path.for_others(w) and 1 or 0,
              place(w)}
  end
  return some(all)
end

local function spans_of(list, finish, field)
  local all = {}
  for i, one in ipairs(list) do
    all[i] = {micro(one.from), micro(one.to or finish), one[field]}
  end
  return some(all)
end

local function reads_of(t)
  local n = 0
  for _, r in ipairs(t.reads) do
    if not r.by then n = n + 1 end
  end
  return n > 0 and n or nil
end

-- The first bytes of a text that end with a whole character.
local function head(text, most)
  if not text or #text <= most then return text end
  while most > 0 and (text:byte(most + 1) & 0xC0) == 0x80 do most = most - 1 end
  return text:sub(1, most) .. "..."
end

local function task_of(t, finish, most)
  local said, blockers = t.report or {}, {}
  for i, b in ipairs(t.blockers) do blockers[i] = b.nth - 1 end
  return {
    id = t.id, d = t.description, a = t.agent, k = t.kind, ph = t.phase,
    s = how(t) or t.state,
    ek = t.error_kind ~= "none" and t.error_kind or nil, e = t.error or t.skipped, at = place(t),
    key = t.key, p = t.parent and t.parent.nth - 1, b = some(blockers),
    t = spans_of(t.attempts, finish, "error_kind"), w = waits_of(t.waits, finish),
    q = spans_of(t.queues, finish, "for"), add = micro(t.added), rdy = micro(t.ready),
    ["end"] = micro(t.ended), own = micro(bound.own(t, finish)), y = t.bytes, pr = t.printed,
    o = head(t.output, most), ti = said.input_tokens, to = said.output_tokens, c = said.cost,
    m = said.model, ac = said.activity, x = t.exit_code, sg = t.signal, r = reads_of(t),
    hw = t.half_written and table.concat(t.half_written, ", "),
  }
end

local function data_of(model, metrics)
  local finish, tasks, phases = metrics.wall, json.array{}, json.array{}
  local most = OUTPUTS // math.max(#model.tasks, 1)
  for i, t in ipairs(model.tasks) do tasks[i] = task_of(t, finish, most) end
  for i, p in ipairs(model.phases) do phases[i] = {at = micro(p.at), name = p.name} end
  return {metrics = metrics, tasks = tasks, phases = phases,
          script = {w = waits_of(model.script.waits, finish), over = micro(model.script_ended)}}
end

--- The page of a run.
-- @param model from record/model.lua; metrics what report/metrics.lua returned for it
-- @return a string
function M.page(model, metrics)
  local data = json.encode(data_of(model, metrics), {salvage = true}):gsub("<", "\\u003c")
  return (page:gsub("{{(%a+)}}", {css = style, data = data, js = script}))
end

return M
