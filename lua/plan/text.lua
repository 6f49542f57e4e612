--- orun.plan.text: a plan (view/plan.lua) as text for people, and as a graph in DOT.

local format = require "orun.util.format"
local grid = require "orun.util.grid"

local M = {}

local WIDTH <const> = 80       -- columns of what has a choice
local DESCRIPTION <const> = 40 -- letters of one, at most
local LISTED <const> = 200     -- tasks in the table; the rest is counted
local NAMED <const> = 12       -- tasks of the critical path; the middle is counted

local SOURCES <const> = {key = "its key", description = "its description", line = "its line",
                         agent = "its type", now = "ran now", fresh = "is fresh",
                         kept = "is kept", assumed = "assumed"}

local function list_of(ids)
  if #ids <= 4 then return table.concat(ids, " ") end
  return ("%s and %d more"):format(table.concat(ids, " ", 1, 3), #ids - 3)
end

local function plural(n, one, many)
  return ("%d %s"):format(n, n == 1 and one or many or one .. "s")
end

-- What a task is called: its description, key, or what it is.
local function title(t)
  return format.line(
    t.description or t.key or t.agent or ("%s:%d"):format(t.file or "?", t.line or 0),
    DESCRIPTION)
end

local function tasks(plan)
  local rows = {{"task", "by", "starts after", "expected", "known by", "what"}}
  for i, t in ipairs(plan.tasks) do
    if i > LISTED then break end
    local after = {}
    for _, list in ipairs{t.blockedBy, t.waits_for} do
      for _, id in ipairs(list) do
        if not after[id] then
          after[id] = true
          after[#after + 1] = id
        end
      end
    end
    local by = t.agent or t.kind == "program" and "program" or "function"
    rows[#rows + 1] = {t.id, by, list_of(after), format.duration(t.expected), SOURCES[t.source],
                       title(t)}
  end
  local lines = grid(rows, {[4] = true})
  if #plan.tasks > LISTED then
    lines[#lines + 1] = ("... and %d more (--json has all)"):format(#plan.tasks - LISTED)
  end
  return lines
end

local AGAIN <const> = {
  kept = "is kept",
  differs = "runs again: %s",
  after = "runs again, because %s does",
  parent = "runs again, because %s, which starts it, does",
  retry = "runs again: its result is not taken over",
  new = "is new",
  uncached = "runs again: cache = false",
  unknown = "runs again: what is kept does not say why",
  unkept = "runs: such tasks are not kept",
  blocked = "never begins",
}

-- What becomes of each task when the run is gone on with.
local function again(plan)
  local rows, kept, run = {}, 0, 0
  for i, t in ipairs(plan.tasks) do
    if t.again == "kept" then kept = kept + 1 elseif t.again ~= "blocked" then run = run + 1 end
    if i <= LISTED then
      local because = list_of(t.because)
      local why = AGAIN[t.again]:format(t.again == "differs" and t.differs or because)
      if t.again == "differs" and because ~= "" then
        why = ("%s (and %s, whose result is read before, runs)"):format(why, because)
      end
      rows[#rows + 1] = {t.id, why}
    end
  end
  local lines = grid(rows, {})
  table.insert(lines, 1, ("if the run is gone on with, %s, and %s kept:"):format(
    plural(run, "task runs", "tasks run"), plural(kept, "is", "are")))
  if #plan.tasks > LISTED then lines[#lines + 1] = "... (--json has all)" end
  return lines
end

local function path(plan)
  local by_id, names = {}, {}
  for _, t in ipairs(plan.tasks) do by_id[t.id] = t end
  local n = #plan.critical_path
  for i, id in ipairs(plan.critical_path) do
    if n <= NAMED or i <= NAMED // 2 or i > n - NAMED // 2 then
      local t = by_id[id]
      names[#names + 1] = ("%s (%s)"):format(id, title(t))
    elseif i == NAMED // 2 + 1 then
      names[#names + 1] = ("%d more"):format(n - NAMED // 2 * 2)
    end
  end
  local lines, line = {}, ("critical path, %s: %s"):format(format.duration(plan.span),
    names[1] or "none")
  for i = 2, #names do
    local more = " -> " .. names[i]
    if utf8.len(line .. more) > WIDTH then
      lines[#lines + 1], line = line, "  "
      more = more:sub(2)
    end
    line = line .. more
  end
  lines[#lines + 1] = line
  return lines
end

local function times(plan)
  if not plan.programs then
    return {("time: %s; slots (-j) change nothing, because no task is a program"):format(
      format.duration(plan.slots[1].seconds))}
  end
  local rows = {{"slots (-j)"}, {"time"}, {"speed-up"}}
  for i, s in ipairs(plan.slots) do
    rows[1][i + 1], rows[2][i + 1] = tostring(s.slots), format.duration(s.seconds)
    rows[3][i + 1] = ("%.1f"):format(s.speedup)
  end
  local right = {}
  for i = 2, #rows[1] do right[i] = true end
  return grid(rows, right)
end

-- Should it be parallel? In words.
local function verdict(plan)
  local alone = ("one by one: %s"):format(format.duration(plan.work))
  if not plan.programs then return alone end
  local enough = "more than 64 still gain"
  if plan.enough then
    enough = plan.enough == 1 and "more than one brings nothing"
      or ("more than %d bring nothing"):format(plan.enough)
  end
  if not plan.pays_from then
    return ("break-even: never (%s); what slots gain is less than the overhead"):format(alone)
  end
  return ("break-even: from %s on (%s); %s"):format(plural(plan.pays_from, "slot"), alone, enough)
end

--- The plan for people. limits: {why_assumed =, overhead =, functions_ran =}.
function M.plan(plan, limits)
  local lines, agents = {}, 0
  local function say(...) lines[#lines + 1] = (...):format(select(2, ...)) end
  if #plan.tasks == 0 then return "no task is started\n" end
  for _, t in ipairs(plan.tasks) do
    if t.agent or t.kind == "program" then agents = agents + 1 end
  end
  say("%s, %d of agents or programs, none of which was started: %s gave results",
    plural(#plan.tasks, "task"), agents, limits.resume and "the kept run and stubs" or "stubs")
  if #plan.tasks > agents and limits.functions_ran then
    say("functions ran%s (with --no-functions they do not)",
      limits.resume and " that have no kept result" or "")
  end
  say("")
  for _, line in ipairs(tasks(plan)) do say("%s", line) end
  say("")
  if limits.resume then
    for _, line in ipairs(again(plan)) do say("%s", line) end
    say("")
  end
  for _, line in ipairs(path(plan)) do say("%s", line) end
  say("")
  for _, line in ipairs(times(plan)) do say("%s", line) end
  say("%s", verdict(plan))
  if plan.cost > 0 then
    local lacks = plan.cost_unknown == 0 and "" or
      (", and what %s of which none is known"):format(plural(plan.cost_unknown, "task costs",
        "tasks cost"))
    say("cost: %s%s", format.cost(plan.cost), lacks)
  elseif plan.cost_unknown > 0 then
    say("cost: not known; no agent here has ever told one")
  end
  if plan.unknown > 0 then
    say("%s new: %s each is assumed (%s)", plural(plan.unknown, "task is", "tasks are"),
      format.duration(plan.assumed), limits.why_assumed)
  end
  if plan.items > 0 then
    say("%s not part of it: agents that work decide what is done with them",
      plural(plan.items, "list item is", "list items are"))
  end
  return table.concat(lines, "\n") .. "\n"
end

local function quoted(s)
  return '"' .. s:gsub('[\\"]', "\\%0") .. '"'
end

--- The graph in DOT: tasks, what blocks them (lines) and what the code that starts them
--- waits for before (dashed); the critical path is bold.
function M.dot(plan)
  local lines = {"digraph plan {", "  rankdir = LR;", "  node [shape = box];"}
  local on_path, follows = {}, {}
  for i, id in ipairs(plan.critical_path) do
    on_path[id], follows[id] = true, plan.critical_path[i - 1]
  end
  local function edge(from, to, style)
    if follows[to] == from then style = style .. ", penwidth = 2" end
    lines[#lines + 1] = ("  %s -> %s [style = %s];"):format(from, to, style)
  end
  for _, t in ipairs(plan.tasks) do
    lines[#lines + 1] = ("  %s [label = %s%s];"):format(t.id,
      quoted(orun.clean(("%s %s, %s"):format(t.id, title(t), format.duration(t.expected)))),
      on_path[t.id] and ", penwidth = 2" or "")
  end
  for _, t in ipairs(plan.tasks) do
    local blocks = {}
    for _, id in ipairs(t.blockedBy) do
      blocks[id] = true
      edge(id, t.id, "solid")
    end
    for _, id in ipairs(t.waits_for) do
      if not blocks[id] then edge(id, t.id, "dashed") end
    end
  end
  lines[#lines + 1] = "}\n"
  return table.concat(lines, "\n")
end

return M
