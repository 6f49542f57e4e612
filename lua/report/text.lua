--- orun.report.text: the metrics of a run (report/metrics.lua) as text.
--
-- Texts of others (descriptions, names of agents, errors) are made harmless, and nothing is
-- wider than its limit.

local format = require "orun.util.format"

local M = {}

local WHAT <const> = {
  work = "tasks at work", script = "the script's own code", barriers = "barriers",
  in_turn = "waiting for one task at a time", slot = "queued for slots", rate = "rates",
  throttled = "throttled", writes = "queued for writes", memory = "queued for memory",
  retry = "retries", dispatch = "dispatch",
}
local SHORT <const> = {
  barriers = "barriers", in_turn = "one at a time", slot = "slots", script = "script",
}
local SEPARATE <const> = " > "
local LISTED <const> = 10 -- others of a finding
local FASTER <const> = 1.05 -- times; less is not reported as a gain

M.seconds, M.bytes = format.duration, format.bytes
M.count, M.cost, M.line = format.count, format.cost, format.line

local function percent(part)
  if part > 0.999 and part < 1 then return "over 99.9 %" end
  return ("%.3g %%"):format(math.floor(part * 1000 + 0.5) / 10)
end

-- Cut lines to the width of the screen; indentation stays.
local function fit(lines, width)
  for i, line in ipairs(lines) do
    local n = utf8.len(line)
    if n and n > width then
      lines[i] = line:sub(1, utf8.offset(line, width - 2) - 1) .. "..."
    end
  end
  return lines
end

local function plural(n, word)
  return ("%d %s%s"):format(n, word, n == 1 and "" or "s")
end

-- What a task is called: its description, else its agent, else its id.
local function name_of(step, width)
  if not step.task then return "script" end
  local title = step.description or step.agent
  return title and M.line(title, width) or step.task
end

local function head_of(r)
  local words = {}
  for _, status in ipairs{"completed", "cached", "fresh", "skipped", "failed", "cancelled",
                          "in_progress", "pending", "unfinished"} do
    local n = r.by_status[status]
    if n then words[#words + 1] = ("%d %s"):format(n, status) end
  end
  if r.items > 0 then words[#words + 1] = plural(r.items, "list item") end
  return ("%s in %s%s"):format(plural(r.tasks, "task"), M.seconds(r.wall),
    #words > 0 and ": " .. table.concat(words, ", ") or "")
end

-- Tasks that computed did so no faster than the processors let them.
local function computed_of(r)
  return ("%s computed for %s on %s"):format(plural(r.computes, "task"), M.seconds(r.computed),
    plural(r.processors, "processor"))
end

local function speed_of(r)
  local p = r.parallel
  local at_once = ("%.1f tasks at work at once"):format(p.achieved)
  if r.ran == 0 then
    return "no task ran"
  elseif not r.speed_up then
    return at_once .. "; what they would take one after another was not measured"
  elseif r.computes > 0 and r.speed_up < FASTER then
    return ("%s (%d computed for %s); the speed-up is unknown"):format(at_once, r.computes,
      M.seconds(r.computed))
  end
  local fast = ("%s%.1f times as fast as one after another (%s); %.1f at once"):format(
    r.computes > 0 and "at least " or "", r.speed_up, M.seconds(r.one_by_one), p.achieved)
  return r.computes > 0 and fast or ("%s, %.1f possible"):format(fast, p.possible)
end

-- The steps that took at least that part of the run, with names so wide at most.
local function steps_of(r, part, wide)
  local parts = {}
  for _, step in ipairs(r.path) do
    local seconds = step.to - step.from
    if seconds >= r.wall * part then
      parts[#parts + 1] = ("%s %s"):format(name_of(step, wide), M.seconds(seconds))
    end
  end
  return parts, table.concat(parts, SEPARATE)
end

-- The steps that matter, as one line: fewer of them with shorter names until they fit; what
-- does not even then is left out in the middle.
local function path_of(r, width)
  local parts, text
  for _, try in ipairs{{0.01, 30}, {0.02, 30}, {0.02, 20}, {0.05, 20}, {0.02, 14}} do
    parts, text = steps_of(r, try[1], try[2])
    if (utf8.len(text) or #text) <= width then return text end
  end
  local keep = #parts
  while keep > 2 and (utf8.len(text) or #text) > width do
    keep = keep - 1
    local head = table.concat(parts, SEPARATE, 1, keep // 2 + keep % 2)
    local tail = table.concat(parts, SEPARATE, #parts - keep // 2 + 1)
    text = ("%s%s...%s%s"):format(head, SEPARATE, SEPARATE, tail)
  end
  return text
end

-- Where the time went that was not work.
local function rest_of(r)
  local words = {}
  for _, part in ipairs(r.parts) do
    if part.what ~= "work" and part.seconds >= r.wall / 100 then
      words[#words + 1] = ("%s %s"):format(SHORT[part.what] or WHAT[part.what],
        M.seconds(part.seconds))
    end
  end
  return #words > 0 and table.concat(words, ", ") or nil
end

local function context_of(r)
  local c = r.context
  if c.made == 0 then return nil end
  local words = M.bytes(c.made)
  local tokens = c.tokens.input + c.tokens.output
  if tokens > 0 then words = ("%s, with %s tokens"):format(words, M.count(tokens)) end
  words = ("made %s; handed to the script %s"):format(words, M.bytes(c.handed))
  if c.saved and c.saved > 0 then words = ("%s (%s saved)"):format(words, percent(c.saved)) end
  return words
end

local function cost_of(r)
  if not r.cost then return nil end
  local words = {}
  for _, a in ipairs(r.agents) do
    if a.cost and #words < 4 then
      words[#words + 1] = ("%s %s"):format(M.line(a.agent, 24), M.cost(a.cost))
    end
  end
  return ("cost %s: %s"):format(M.cost(r.cost), table.concat(words, ", "))
end

local function retried_of(r)
  local words = {}
  for i, t in ipairs(r.retried) do
    if i > 3 then break end
    words[i] = ("%s (%d attempts)"):format(name_of(t, 24), t.attempts)
  end
  return #words > 0 and "tried again: " .. table.concat(words, ", ") or nil
end

local function finding_of(f)
  local cost = f.cost_seconds and f.cost_seconds > 0
    and (" (%s)"):format(M.seconds(f.cost_seconds)) or ""
  if f.more then cost = ("%s (and %d more like it)"):format(cost, #f.more) end
  return ("%s: %s%s"):format(M.line(f.at or "?", 200), M.line(f.title, 200), cost)
end

local function cut_of(r)
  return ("of the first %s only: %s"):format(M.seconds(r.cut.at), M.line(r.cut.why, 200))
end

--- The report of a few lines, 12 at most.
-- @param r metrics of report/metrics.lua
-- @param width columns, 40 at least
-- @return array of lines
function M.short(r, width)
  local lines = {"-- " .. head_of(r), "   " .. speed_of(r)}
  local function add(text) if text then lines[#lines + 1] = "   " .. text end end
  if r.cut then add(cut_of(r)) end
  local way = path_of(r, width - 18)
  if way ~= "" then add("critical path: " .. way) end
  local rest = rest_of(r)
  if rest then add("not tasks at work: " .. rest) end
  add(context_of(r))
  add(cost_of(r))
  add(retried_of(r))
  local shown = math.min(#r.findings, 11 - #lines)
  if shown < #r.findings then shown = shown - 1 end
  for i = 1, shown do add(finding_of(r.findings[i])) end
  if shown < #r.findings then add(("%d more findings"):format(#r.findings - shown)) end
  return fit(lines, width)
end

-- A table of columns: left-aligned, but the numbers (named in `right`) right-aligned.
local function rows_of(rows, right)
  local widths = {}
  for _, row in ipairs(rows) do
    for i, cell in ipairs(row) do
      widths[i] = math.max(widths[i] or 0, utf8.len(cell) or #cell)
    end
  end
  local lines = {}
  for n, row in ipairs(rows) do
    local cells = {}
    for i, cell in ipairs(row) do
      local space = (" "):rep(widths[i] - (utf8.len(cell) or #cell))
      cells[i] = right[i] and space .. cell or cell .. space
    end
    lines[n] = ("  " .. table.concat(cells, "  ")):gsub("%s+$", "")
  end
  return lines
end

local full = {}

function full.run(r)
  local rows = {}
  local function row(name, value) rows[#rows + 1] = {name, value} end
  row("wall time", M.seconds(r.wall))
  row("at work", ("tasks %s, the script's own code %s"):format(M.seconds(r.work),
    M.seconds(r.script)))
  local least = (r.computes or 0) > 0 and ", at least" or ""
  if r.ran == 0 then
    row("speed-up", "none: no task ran")
  elseif not r.speed_up then
    row("speed-up", "not known: processor time was not measured")
  elseif r.computes > 0 and r.speed_up < FASTER then
    row("speed-up", "unknown: the processors were busy with other work")
  else
    row("one after another", M.seconds(r.one_by_one) .. least)
    row("speed-up", ("%.2f%s; %.2f possible"):format(r.speed_up, least, r.parallel.possible))
  end
  if r.computes and r.computes > 0 then row("processor time", computed_of(r)) end
  row("tasks at once", ("%.2f on average, %d at most"):format(r.parallel.achieved,
    r.parallel.peak))
  row("at the least", ("%s with these slots, %s with as many as you like"):format(
    M.seconds(r.parallel.bound), M.seconds(r.parallel.span)))
  row("context", context_of(r) or "no task gave anything")
  if r.cost then row("cost", M.cost(r.cost)) end
  return nil, rows_of(rows, {})
end

local function words_of_parts(parts)
  local words = {}
  for what, seconds in pairs(parts) do
    if what ~= "run" and seconds >= 0.0005 then
      words[#words + 1] = ("%s %s"):format(WHAT[what], M.seconds(seconds))
    end
  end
  table.sort(words)
  return #words > 0 and "(" .. table.concat(words, ", ") .. ")" or ""
end

function full.path(r)
  local rows, left, seconds = {}, 0, 0
  for _, step in ipairs(r.path) do
    local took = step.to - step.from
    if took >= r.wall / 1000 then
      rows[#rows + 1] = {M.seconds(step.from), M.seconds(took), step.task or "",
                         name_of(step, 32), M.line(step.at or "", 40), words_of_parts(step.parts)}
    else
      left, seconds = left + 1, seconds + took
    end
  end
  local lines = rows_of(rows, {true, true})
  if left > 0 then
    lines[#lines + 1] = ("  and %s of %s together"):format(plural(left, "short step"),
      M.seconds(seconds))
  end
  return "critical path (at, for)", lines
end

function full.parts(r)
  local rows = {}
  for i, part in ipairs(r.parts) do
    rows[i] = {WHAT[part.what], M.seconds(part.seconds), percent(part.seconds / r.wall)}
  end
  return "where the time of the critical path went", rows_of(rows, {nil, true, true})
end

function full.barriers(r)
  local lines = {}
  for i, b in ipairs(r.barriers) do
    if i > 5 then
      lines[i] = ("  and %d more"):format(#r.barriers - 5)
      break
    end
    lines[i] = ("  %s: waited for %s; %s could have run for %s of that"):format(
      M.line(b.at or "?", 60), b.waited == 1 and (b.last or "a task") or plural(b.waited, "task"),
      b.next, M.seconds(b.seconds))
  end
  return "the script waited while slots were free", lines
end

function full.limits(r)
  local rows = {}
  for i, l in ipairs(r.limits) do
    rows[i] = {M.line(l.name, 30), plural(l.slots, "slot"), ("%d used at once"):format(l.peak),
               ("%s of them used"):format(percent(r.wall > 0 and l.work / l.slots / r.wall or 0))}
  end
  return "slots", rows_of(rows, {})
end

-- Programs that are not agents have no tokens or cost, and show nothing instead of 0.
local function tokens_of(n) return n > 0 and M.count(n) or "" end

function full.agents(r)
  if #r.agents == 0 then return nil, {} end
  local known = r.cost or r.context.tokens.input + r.context.tokens.output > 0
  local rows = {{"", "tasks", "failed", "time", "longest"}}
  if known then table.move({"tokens in", "out", "cost"}, 1, 3, 6, rows[1]) end
  for i, a in ipairs(r.agents) do
    rows[i + 1] = {M.line(a.agent, 30), ("%d"):format(a.tasks), ("%d"):format(a.failed),
                   M.seconds(a.seconds), M.seconds(a.longest)}
    if known then
      local cost = a.cost and M.cost(a.cost) or ""
      table.move({tokens_of(a.input), tokens_of(a.output), cost}, 1, 3, 6, rows[i + 1])
    end
  end
  return "by agent type", rows_of(rows, {nil, true, true, true, true, true, true, true})
end

function full.slowest(r)
  local rows = {}
  for i, t in ipairs(r.slowest) do
    rows[i] = {M.seconds(t.seconds), t.task, name_of(t, 40), M.line(t.at or "", 60)}
  end
  return "slowest", rows_of(rows, {true})
end

function full.retried(r)
  local rows = {}
  for i, t in ipairs(r.retried) do
    rows[i] = {plural(t.attempts, "attempt"), t.task, name_of(t, 40), t.error_kind or
               t.throttled and "throttled" or "", M.line(t.at or "", 60)}
  end
  return "tried again", rows_of(rows, {true})
end

function full.half_written(r)
  local rows = {}
  for _, t in ipairs(r.half_written) do
    for _, path in ipairs(t.files) do
      rows[#rows + 1] = {t.task, name_of(t, 30), M.line(path, 200)}
    end
  end
  return "half-written by tasks that failed", rows_of(rows, {})
end

function full.findings(r)
  local lines = {}
  for _, f in ipairs(r.findings) do
    lines[#lines + 1] = "  " .. finding_of(f)
    for _, line in ipairs(f.fix and {f.fix:match("^(.-)\n*$")} or {}) do
      for part in (line .. "\n"):gmatch("(.-)\n") do
        lines[#lines + 1] = "      " .. M.line(part, 200)
      end
    end
    for i, other in ipairs(f.more or {}) do
      if i > LISTED then
        lines[#lines + 1] = ("    and %d more"):format(#f.more - LISTED)
        break
      end
      lines[#lines + 1] = "    also " .. finding_of(other)
    end
  end
  return "what to do better", lines
end

--- All of it.
-- @return array of lines
function M.full(r, width)
  local title = ("%s: %s"):format(M.line(r.name or "a run", 60), head_of(r))
  local lines = {title}
  if r.begun then lines[2] = "  began " .. M.line(r.begun, 30) end
  if not r.over and not r.cut then
    lines[#lines + 1] = "  its record has no end: it goes on, or it was killed"
  end
  if r.cut then
    lines[#lines + 1] = "  " .. cut_of(r)
  end
  for _, name in ipairs{"findings", "run", "path", "parts", "barriers", "limits", "agents",
                        "slowest", "retried", "half_written"} do
    local heading, more = full[name](r)
    if #more > 0 then
      if heading then lines[#lines + 1] = "" end
      lines[#lines + 1] = heading
      table.move(more, 1, #more, #lines + 1, lines)
    end
  end
  return fit(lines, width)
end

return M
