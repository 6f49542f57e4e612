--- orun.view.footer: the lines at the foot of a terminal that show what goes on.
--
-- A line a task that is under way, the longest first, under its phase's name where a run has
-- phases; then one line that counts. All of it is made from the model of the run; nothing is
-- remembered from one picture to the next.

local format = require "orun.util.format"
local title = require "orun.record.title"

local M = {}

local DIM <const>, RED <const>, YELLOW <const> = 2, 31, 33

local MOST_GUESSED <const> = 5000 -- tasks: with more of them looking at all takes too long

--- Seconds until all open tasks may have ended, from what is expected of each (view/init.lua) and
--- how many run now; nil when of one of them nothing is known, or there are too many.
-- @param open  set of tasks that have not ended
function M.eta(open, now)
  local work, longest, running, n = 0, 0, 0, 0
  for t in pairs(open) do
    n = n + 1
    if not t.expected or n > MOST_GUESSED then return nil end
    local a = t.attempts[#t.attempts]
    local runs = a and not a.to
    local left = math.max(t.expected - (runs and now - a.from or 0), 0)
    work, longest = work + left, math.max(longest, left)
    running = running + (runs and 1 or 0)
  end
  return n > 0 and math.max(work / math.max(running, 1), longest) or nil
end

local function tokens_of(report)
  local n = (report.input_tokens or 0) + (report.output_tokens or 0)
  return n > 0 and n or nil
end

-- Tokens and cost, where it told of some.
local function spent(report)
  local words = {}
  if tokens_of(report) then words[1] = format.count(tokens_of(report)) .. " tok" end
  if report.cost then words[#words + 1] = format.cost(report.cost) end
  return table.concat(words, " ")
end

-- What it waits for, in a few words.
local WAITS <const> = {tasks = "for tasks", item = "for an item", all = "for all tasks",
                       output = "for output", slot = "for a slot"}

-- What it does now: why it does nothing, or the last that it told.
local function activity(t, look)
  local now <const> = look.now
  if t.state == "throttled" then
    return ("throttled by %s, %s"):format(t.limit or "its limit",
      format.duration(math.max((t.opens or now) - now, 0)))
  elseif t.state == "retrying" then
    return ("failed (%s), again in %s"):format(t.reason or "?",
      format.duration(math.max((t.opens or now) - now, 0)))
  elseif t.state == "waiting" then
    local w = t.wait or {}
    return "waits " .. (w.other and "for " .. title.named(w.other) or WAITS[w["for"]] or "")
  elseif t.state == "in_progress" and t.by then
    return "by " .. title.named(t.by)
  end
  return t.report and t.report.activity or t.kind == "program" and look.last_line(t.id) or ""
end

local function since(t, now)
  local a = t.attempts[#t.attempts]
  return now - (a and a.from or t.added)
end

-- What it is and what it does, in so many columns at most; and in how many.
local function name_and_activity(t, look, room)
  local doing = activity(t, look)
  local most = doing == "" and room or math.max(room // 2, 12)
  local name, width = look.fit(title.of(t), math.min(most, room))
  local left = room - width - 2
  if doing == "" or left < 4 then return name, width end
  local cut, its_width = look.fit(doing, left)
  return name .. "  " .. look.colour(t.state == "running" and DIM or YELLOW, cut),
    width + 2 + its_width
end

-- One task in one line: id, time, what it is, what it does, what it has spent.
local function line_of(t, look)
  local room = look.columns - 1
  local head = ("%-5s %9s  "):format(t.id, format.duration(since(t, look.now)))
  if #head >= room then return (look.fit(head, room)) end
  local tail = t.report and spent(t.report) or ""
  if #tail > 0 then tail = "  " .. tail end
  room = room - #head
  if room < #tail + 20 then tail = "" end
  room = room - #tail
  local line, width = name_and_activity(t, look, room)
  return head .. line .. (tail == "" and "" or (" "):rep(room - width) .. tail)
end

-- Tasks under way, by phase and then by when they began.
local function lines_of(model, look)
  local list, phase_nth = {}, {}
  for i, p in ipairs(model.phases) do phase_nth[p.name] = phase_nth[p.name] or i end
  for t in pairs(look.under_way) do list[#list + 1] = t end
  table.sort(list, function(a, b)
    local pa, pb = phase_nth[a.phase] or 0, phase_nth[b.phase] or 0
    if pa ~= pb then return pa < pb end
    return a.nth < b.nth
  end)
  return list
end

local function phase_line(look, name)
  local p = look.phases[name]
  local text = look.fit(p and ("%s  %d of %d"):format(name, p.ended, p.all) or name,
    look.columns - 1)
  return look.colour(DIM, text)
end

local SLOTS <const> = {lua = "workers", process = "program slots", http = "request slots"}

-- Why tasks that could run do not: "4 queued (for program slots, db)".
local function queued(model, look)
  local names, seen = {}, {}
  for t in pairs(look.queued) do
    local name = t.reason == "writes" and "their writes" or SLOTS[t.limit] or t.limit or "slots"
    if not seen[name] then
      seen[name] = true
      names[#names + 1] = name
    end
  end
  table.sort(names)
  local n = model.counts.queued
  return ("%d queued (for %s)"):format(n, table.concat(names, ", "))
end

local ORDER <const> = {
  {"running", "running"}, {"waiting", "waiting"}, {"in_progress", "claimed"},
  {"throttled", "throttled", YELLOW}, {"retrying", "to be retried", YELLOW}, {"queued", "queued"},
  {"ready", "starting"}, {"pending", "pending"}, {"blocked", "blocked"}, {"cancelled", "cancelled"},
}

-- What is to be said of all tasks: array of {text, colour or nil}. What failed comes first: where
-- there is little room the last words are left out.
local function totals(model, look)
  local c, words = model.counts, {}
  if (c.failed or 0) > 0 then words[1] = {("%d failed"):format(c.failed), RED} end
  words[#words + 1] = {("%d of %d done"):format(c.completed or 0, model.total)}
  words[#words + 1] = {format.duration(look.now)}
  if look.eta then words[#words + 1] = {"about " .. format.duration(look.eta) .. " more"} end
  for _, o in ipairs(ORDER) do
    local n = c[o[1]] or 0
    if n > 0 then
      local text = o[1] == "queued" and queued(model, look) or ("%d %s"):format(n, o[2])
      words[#words + 1] = {text, o[3]}
    end
  end
  if look.tokens > 0 then words[#words + 1] = {format.count(look.tokens) .. " tok"} end
  if look.cost > 0 then words[#words + 1] = {format.cost(look.cost)} end
  return words
end

--- The line that counts: how many have ended, time, what the others do, cost; as much of it as
--- there is room for.
function M.summary(model, look)
  local parts, room = {}, look.columns - 1
  for i, word in ipairs(totals(model, look)) do
    local lead = i == 1 and "" or ", "
    local text, width = look.fit(word[1], math.max(room - #lead, 0))
    if text ~= word[1] and i > 1 then break end
    room = room - #lead - width
    parts[i] = lead .. (word[2] and look.colour(word[2], text) or text)
  end
  return table.concat(parts)
end

--- The foot, as lines.
-- @param look  {now=, rows=, columns=, last_line=function(id), what a program printed last,
--    colour=function(number, text), fit=function(text, columns)
--   -> text, width, under_way= and queued= sets of tasks, phases= {name = {all=, ended=}}, a
--   phase that is not in it is not counted; tokens=, cost=, eta= seconds or nil}
function M.lines(model, look)
  local lines, list = {}, lines_of(model, look)
  local most = math.max(math.min(look.rows - 3, math.max(look.rows // 2, 6)), 0)
  local phase
  for i, t in ipairs(list) do
    local heads = #model.phases > 0 and t.phase ~= phase and t.phase and 1 or 0
    local more = i < #list and 1 or 0
    if #lines + heads + 1 + more > most then
      lines[#lines + 1] = look.colour(DIM, (look.fit(("... and %d more"):format(#list - i + 1),
        look.columns - 1)))
      break
    end
    if heads == 1 then lines[#lines + 1] = phase_line(look, t.phase) end
    phase = t.phase
    lines[#lines + 1] = line_of(t, look)
  end
  if look.rows < 3 then lines = {} end
  lines[#lines + 1] = M.summary(model, look)
  return lines
end

M.tokens_of = tokens_of

return M
