--- orun.watch.runs: a page of watch/init.lua on which a live run is chosen.

local hints = require "orun.watch.hints"
local registry = require "orun.control.runs"
local terminal = require "orun.terminal"
local words = require "orun.watch.words"

local HELP <const> = {{"Up Down", 3}, {"Enter watch", 1}, {"q quit", 2}}
local SCRIPT <const>, AGE <const>, PID <const> = 12, 9, 7 -- columns: at least, at most, at most

local function cell(text, width)
  local shown, used = terminal.fit(text, width)
  return shown .. (" "):rep(width - used)
end

-- A line: the script and, as far as there is room, its age, process, name and folder.
local function line_of(run, columns)
  local script = cell(run.script:match("[^/]*$"), math.max(SCRIPT, columns // 4))
  return (terminal.fit(("%s  %s  %s  %s  %s"):format(script, cell(words.age(run), AGE),
    cell(("%d"):format(run.pid), PID), run.name, run.cwd or ""), columns))
end

return function(watch)
  local page = {pace = 1}
  local runs, place, selected, top = {}, 1, nil, 1 -- selected: a run's name
  local why

  local function select(at)
    place = math.max(1, math.min(at, #runs))
    selected = runs[place] and runs[place].name
  end

  --- The registry is on disk: no run is asked.
  function page.look()
    local all
    all, why = registry.all()
    runs = all or {}
    for i, run in ipairs(runs) do
      if run.name == selected then place = i end
    end
    select(place)
  end

  local keys = {
    up = function() select(place - 1) end,
    down = function() select(place + 1) end,
    home = function() select(1) end,
    ["end"] = function() select(#runs) end,
    enter = function()
      if runs[place] then watch:choose(runs[place]) end
    end,
    q = function() watch:pop() end,
  }
  keys.k, keys.j, keys.g, keys.G, keys.right, keys.escape = keys.up, keys.down, keys.home,
    keys["end"], keys.enter, keys.q

  function page.key(key)
    if keys[key] then keys[key]() end
  end

  function page.lines(columns, rows)
    local lines = {{#runs == 1 and "1 run goes on" or ("%d runs go on"):format(#runs),
                    style = "bold"}}
    local height = rows - 2
    top = math.max(1, math.min(top, place), place - height + 1)
    for p = top, math.min(top + height - 1, #runs) do
      lines[#lines + 1] = {line_of(runs[p], columns), style = p == place and "bar" or nil}
    end
    if why then lines[2] = {"they cannot be found: " .. orun.clean(why), style = "bad"} end
    lines[rows] = {hints(HELP, columns), style = "dim"}
    return lines
  end

  page.look()
  return page
end
