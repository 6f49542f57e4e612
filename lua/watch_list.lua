--- orun.watch_list: the tasks of a run, as a page of watch.lua.
--
-- Only what has room is asked for. A task that is selected stays so while others come and
-- go above it; when it goes out of sight, its place is selected.
--
-- Glossary
--   place    where a task is among those that are shown, from 1
--   top      the place of the first line

local task_table = require "orun.task_table"
local words = require "orun.task_words"

-- Which tasks: Tab takes the next.
local CHOICES <const> = {
  {name = "all", states = {"running", "queued", "blocked", "failed", "cancelled", "completed"}},
  {name = "not ended", states = {"running", "queued", "blocked"}},
  {name = "failed", states = {"failed", "cancelled"}},
}

local STYLES <const> = {failed = "bad", cancelled = "dim", completed = "dim", blocked = "dim"}
local ENDED <const> = {failed = true, cancelled = true, completed = true}
local HELP <const> = "Enter output  s stop  S stop all  / filter  Tab which  ? keys  q quit"
local KEYS <const> = {
  "Up Down j k         select a task",
  "PageUp PageDown     a screen further",
  "Home End g G        the first, the last",
  "Enter               look into its output",
  "s                   stop it (asks)",
  "S                   stop all tasks (asks)",
  "/                   only tasks with a text in their id, agent or title; Esc: all again",
  "Tab                 all tasks, those that have not ended, those that failed",
  "Ctrl-L              draw anew",
  "q Esc               back, and from the list: quit",
}

local MATCH <const> = 60     -- bytes of a filter

return function(watch)
  local page = {pace = 0.5}
  local choice, match, typing, help = 1, "", false, false
  local top, place, selected = 1, 1, nil   -- selected: an id
  local height = 10                        -- lines there are
  local answer = {tasks = {}, counts = {}} -- the last …
  local first = 1                          -- … and the place of its first task

  local function total()
    local n = 0
    for _, state in ipairs(CHOICES[choice].states) do n = n + (answer.counts[state] or 0) end
    return n
  end

  local function at(p) return answer.tasks[p - first + 1] end

  -- The line that is selected is one that there is, and in sight.
  local function settle()
    place = math.max(1, math.min(place, total()))
    local was = top
    if place < top then top = place end
    if place >= top + height then top = place - height + 1 end
    top = math.max(1, math.min(top, total() - height + 1))
    if top ~= was then watch:hurry() end
  end

  local function move(to)
    place = to
    settle()
    selected = at(place) and at(place).id
  end

  function page.ask()
    page.asked = top
    return "RunTasks", {states = CHOICES[choice].states, match = match ~= "" and match or nil,
      offset = top - 1, limit = height, at = selected}
  end

  function page.take(new)
    answer, first = new, page.asked
    local now = new.index
    if now and now >= top and now < top + height then place = now end
    settle()
    selected = at(place) and at(place).id
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

  local function other_tasks()
    top, place, selected = 1, 1, nil
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
    up = function() move(place - 1) end,
    down = function() move(place + 1) end,
    page_up = function() move(place - height) end,
    page_down = function() move(place + height) end,
    home = function() move(1) end,
    ["end"] = function() move(total()) end,
    enter = function()
      local entry = at(place)
      if entry then watch:push(require("orun.watch_output")(watch, entry, stop)) end
    end,
    s = function() stop(at(place)) end,
    S = stop_all,
    ["/"] = function() typing, match = true, "" other_tasks() end,
    tab = function() choice = choice % #CHOICES + 1 other_tasks() end,
    ["?"] = function() help = true end,
    q = function() watch:pop() end,
    escape = function()
      if match == "" then return watch:pop() end
      match = ""
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

  local function title()
    local parts = {watch.run.script:match("[^/]*$"),
      words.age(watch.run), words.counts(answer.counts)}
    if choice > 1 then parts[#parts + 1] = "shown: " .. CHOICES[choice].name end
    if match ~= "" and not typing then parts[#parts + 1] = "with: " .. match end
    return table.concat(parts, "  ")
  end

  local function table_lines(lines, columns, rows)
    local shown = {}
    for p = top, top + height - 1 do shown[#shown + 1] = at(p) end
    local layout = task_table.layout(shown, columns)
    if rows >= 8 then lines[2] = {task_table.header(layout), style = "dim"} end
    for p = top, top + height - 1 do
      local entry = at(p)
      lines[#lines + 1] = entry and {task_table.line(layout, entry),
        style = p == place and "bar" or STYLES[entry.state]} or {""}
    end
    if not shown[1] then
      lines[#lines] = {answer.counts.running and "no such task" or "asking the run …",
        style = "dim"}
    end
  end

  function page.lines(columns, rows)
    local lines = {{title(), style = "bold"}}
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
    lines[rows] = typing and {"/" .. match .. "▏", style = "bold"} or {HELP, style = "dim"}
    return lines
  end

  return page
end
