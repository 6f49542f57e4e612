--- orun.watch.list: the tasks of a run, as a page of watch/init.lua.
--
-- Only what has room is asked for. A task that is selected stays so while others come and
-- go above it; when it goes out of sight, its place is selected. Where all are shown, those that
-- failed come first, and those of a state in which many wait are one line.
--
-- Glossary
--   place    where a line is among those that there are, from 1
--   index    where a task is among those that have lines of their own, from 1: what the run counts
--   folded   states whose tasks are one line together
--   top      the place of the first line

local hints = require "orun.watch.hints"
local task_table = require "orun.watch.table"
local terminal = require "orun.terminal"
local words = require "orun.watch.words"

-- Which tasks: Tab takes the next.
local CHOICES <const> = {
  {name = "all", states = {"failed", "running", "queued", "blocked", "cancelled", "completed"}},
  {name = "not ended", states = {"running", "queued", "blocked"}},
  {name = "failed", states = {"failed", "cancelled"}},
}

local STYLES <const> = {failed = "bad", cancelled = "dim", completed = "dim", blocked = "dim"}
local ENDED <const> = {failed = true, cancelled = true, completed = true}
local FOLDS <const> = {queued = true, blocked = true}
local FEW <const> = 3 -- tasks of these states that have lines of their own
local HELP <const> = {
  {"Enter output", 5}, {"s stop", 4}, {"S stop all", 7}, {"D drain", 8}, {"/ filter", 3},
  {"Tab which", 6}, {"r runs", 9}, {"? keys", 1}, {"q quit", 2},
}
local FILTERED <const> = {{"Enter output", 4}, {"Esc all again", 1}, {"? keys", 3}, {"q quit", 2}}
local KEYS <const> = {
  "Up Down j k         select a task",
  "PageUp PageDown     a screen further",
  "Home End g G        the first, the last",
  "Enter               its output; of \"12 queued\": each of them",
  "s                   stop it (asks)",
  "S                   stop all tasks (asks)",
  "D                   drain: start nothing more (asks)",
  "/                   only tasks with a text; Esc: all again",
  "Tab                 all, those not ended, those failed",
  "r                   the runs that go on, to choose another",
  "Ctrl-L              draw anew",
  "q Esc               back, and from the list: quit",
}

local MATCH <const> = 60     -- bytes of a filter

return function(watch)
  local page = {pace = 0.5}
  local choice, only, match, typing, help = 1, nil, "", false, false -- only: one of a fold's tasks
  local top, place, selected = 1, 1, nil  -- selected: an id
  local height = 10                       -- lines there are
  local folded = {}                       -- states; those of the last answer are answer.folded
  local answer = {tasks = {}, counts = {}, folded = {}, first = 1} -- first: its first task's index

  local function chosen() return only or CHOICES[choice] end

  -- What is one line where there are so many.
  local function folds_of(counts)
    local folds = {}
    if only or choice > 1 or match ~= "" then return folds end
    for state in pairs(FOLDS) do folds[state] = (counts[state] or 0) > FEW or nil end
    return folds
  end

  -- Function for a loop over the states with lines: how many tasks, how many lines, the state.
  local function parts()
    local i, states = 0, chosen().states
    return function()
      i = i + 1
      local state = states[i]
      if not state then return nil end
      local n = answer.counts[state] or 0
      return n, answer.folded[state] and math.min(n, 1) or n, state
    end
  end

  local function total()
    local lines = 0
    for _, its in parts() do lines = lines + its end
    return lines
  end

  -- The index of the task at a place; or, of a line for many, of the next, and their state.
  local function index_of(p)
    local index = 0
    for n, lines, state in parts() do
      local fold = answer.folded[state]
      if p <= lines then return index + (fold and 1 or p), fold and state or nil end
      p, index = p - lines, index + (fold and 0 or n)
    end
    return index + 1
  end

  local function place_of(index)
    local p = 0
    for n, lines, state in parts() do
      local fold = answer.folded[state]
      if not fold and index <= n then return p + index end
      p, index = p + lines, index - (fold and 0 or n)
    end
  end

  -- The task at a place, or the state of those who share the line.
  local function at(p)
    if p > total() then return nil end
    local index, fold = index_of(p)
    return not fold and answer.tasks[index - answer.first + 1] or nil, fold
  end

  -- The line that is selected is one that there is, and in sight.
  local function settle()
    place = math.max(1, math.min(place, total()))
    local was = top
    if place < top then top = place end
    if place >= top + height then top = place - height + 1 end
    top = math.max(1, math.min(top, total() - height + 1))
    if top ~= was then watch:hurry() end
  end

  local function select(p)
    place = p
    settle()
    local entry = at(place)
    selected = entry and entry.id
  end

  function page.ask()
    local states = {}
    for _, state in ipairs(chosen().states) do
      if not folded[state] then states[#states + 1] = state end
    end
    page.asked = {first = index_of(top), folded = folded}
    return "RunTasks", {states = states, match = match ~= "" and match or nil,
      offset = page.asked.first - 1, limit = height, at = selected}
  end

  -- Is an answer to what was asked no longer what is to be shown?
  local function folds_change(counts)
    local now = folds_of(counts)
    for state in pairs(FOLDS) do
      if now[state] ~= folded[state] then
        folded = now
        watch:hurry()
        return true
      end
    end
    return false
  end

  function page.take(new)
    if folds_change(new.counts) and not answer.counts.running then return end
    new.first, new.folded = page.asked.first, page.asked.folded
    answer = new
    local now = new.index and place_of(new.index)
    if now and now >= top and now < top + height then place = now end
    select(place)
  end

  -- ---- keys ----

  local function stop(entry)
    if not entry then return end
    if ENDED[entry.state] then return watch:say(("%s is %s"):format(entry.id, entry.state)) end
    local title = entry.description and " (" .. entry.description .. ")" or ""
    watch:confirm(("stop %s%s?"):format(entry.id, title), function()
      watch:call("TaskStop", {task_id = entry.id})
      watch:say("stopping " .. entry.id)
    end)
  end
  page.stop = stop

  local function stop_all()
    watch:confirm("stop all tasks? The script goes on", function()
      watch:call("RunStop", {})
      watch:say("stopping all tasks")
    end)
  end

  local function drain()
    watch:confirm("start nothing more? What runs goes on", function()
      watch:call("RunDrain", {})
      watch:say("nothing more is started")
    end)
  end

  local function other_tasks()
    top, place, selected = 1, 1, nil
    folded = folds_of(answer.counts)
    watch:hurry()
  end

  local function typed(key)
    if key == "escape" then
      match, typing = "", false
    elseif key == "enter" then
      typing = false
    elseif key == "backspace" then
      match = match:sub(1, (utf8.offset(match, -1) or 1) - 1)
    elseif key == "ctrl_u" then
      match = ""
    elseif utf8.len(key) == 1 and #match + #key <= MATCH then
      match = match .. key
    end
    other_tasks()
  end

  local keys = {
    up = function() select(place - 1) end,
    down = function() select(place + 1) end,
    page_up = function() select(place - height) end,
    page_down = function() select(place + height) end,
    home = function() select(1) end,
    ["end"] = function() select(total()) end,
    enter = function()
      local entry, fold = at(place)
      if entry then
        watch:push(require("orun.watch.output")(watch, entry, stop))
      elseif fold then
        only = {name = fold, states = {fold}}
        other_tasks()
      end
    end,
    s = function() stop((at(place))) end,
    r = function() watch:runs() end,
    S = stop_all,
    D = drain,
    ["/"] = function() typing, match = true, "" other_tasks() end,
    tab = function()
      choice, only = only and 1 or choice % #CHOICES + 1, nil
      other_tasks()
    end,
    ["?"] = function() help = true end,
    q = function() watch:pop() end,
    escape = function()
      if match == "" and not only then return watch:pop() end
      match, only = "", nil
      other_tasks()
    end,
  }
  keys.k, keys.j, keys.g, keys.G, keys.right = keys.up, keys.down, keys.home, keys["end"],
    keys.enter

  function page.key(key)
    if help then
      help = false
    elseif typing then
      typed(key)
    elseif keys[key] then
      keys[key]()
    end
  end

  -- ---- lines ----

  -- What the lines are is said in any case, the rest as there is room.
  local function title(columns)
    local which = {}
    if only or choice > 1 then which[1] = "shown: " .. chosen().name end
    if match ~= "" and not typing then which[#which + 1] = "with: " .. match end
    local counts, script = words.counts(answer.counts), watch.run.script:match("[^/]*$")
    local text
    for _, parts_of in ipairs{{script, words.age(watch.run), counts}, {script, counts}, {counts},
                              {}} do
      text = table.concat(table.move(which, 1, #which, #parts_of + 1, parts_of), "  ")
      local _, used = terminal.fit(text, 1 << 20)
      if used <= columns and text ~= "" then return text end
    end
    return text ~= "" and text or counts
  end

  local function line_of(layout, p)
    local entry, fold = at(p)
    local style = p == place and "bar" or nil
    if fold then
      return {("%d %s"):format(answer.counts[fold], fold), style = style or STYLES[fold]}
    end
    return entry and {task_table.line(layout, entry), style = style or STYLES[entry.state]} or {""}
  end

  local function table_lines(lines, columns, rows)
    local shown = {}
    for p = top, top + height - 1 do shown[#shown + 1] = at(p) end
    local layout = task_table.layout(shown, columns)
    if rows >= 8 then lines[2] = {task_table.header(layout), style = "dim"} end
    for p = top, top + height - 1 do lines[#lines + 1] = line_of(layout, p) end
    if total() == 0 then
      lines[#lines] = {answer.counts.running and "no such task" or "asking the run ...",
        style = "dim"}
    end
  end

  -- What is typed, its end where there is no room for all.
  local function typed_line(columns)
    local text = "/" .. match .. "▏"
    while utf8.len(text) and utf8.len(text) > columns do text = text:sub(utf8.offset(text, 2)) end
    return text
  end

  function page.lines(columns, rows)
    local lines = {{title(columns), style = "bold"}}
    local room = rows - (rows >= 8 and 3 or 2)
    if room ~= height then
      height = room
      settle()
      watch:hurry()
    end
    if help then
      for i = 1, math.min(#KEYS, rows - 2) do lines[#lines + 1] = {KEYS[i]} end
      lines[rows] = {"any key: back", style = "dim"}
      return lines
    end
    table_lines(lines, columns, rows)
    lines[rows] = typing and {typed_line(columns), style = "bold"}
      or {hints((match ~= "" or only) and FILTERED or HELP, columns), style = "dim"}
    return lines
  end

  return page
end
