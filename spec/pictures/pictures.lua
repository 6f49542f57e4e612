--- pictures.lua: makes the pictures of README.md, for `make pictures`.
--
--     orun pictures.lua FOLDER [timeline] [terminal]
--
-- timeline.svg is drawn from the events of release.lua in virtual time, so it is the same each
-- time. terminal.svg is what tmux shows of a real run, in the moment when a task has failed.

local orun = require "orun"

local FOLDER <const> = assert((...), "usage: orun pictures.lua FOLDER [timeline] [terminal]")
local HERE <const> = arg[0]:match("^(.*)/") or "."
local MINUTE <const> = 60

local function escaped(text)
  return (text:gsub("[&<>\"]", {["&"] = "&amp;", ["<"] = "&lt;", [">"] = "&gt;", ['"'] = "&quot;"}))
end

local function write(name, lines)
  local file <close> = assert(io.open(FOLDER .. "/" .. name, "w"))
  assert(file:write(table.concat(lines, "\n"), "\n"))
end

-- ---- the timeline ----

local LEFT <const>, MINUTE_WIDE <const>, ROW <const>, TOP <const> = 150, 34, 24, 34

local STYLE <const> = [[
<style>
text { font: 13px sans-serif; fill: #24292f }
.faint { fill: #6e7781 } .line { stroke: #d0d7de } .edge { stroke: #8c959f; fill: none }
.done { fill: #2da44e } .failed { fill: #cf222e } .on { fill: #fff }
@media (prefers-color-scheme: dark) {
  text { fill: #e6edf3 } .faint { fill: #8b949e }
  .line { stroke: #30363d } .edge { stroke: #6e7681 }
  .done { fill: #238636 } .failed { fill: #da3633 }
}
</style>]]

-- The tasks of a run, in order and by id: {id =, text =, agent =, from =, to =, status =,
-- blockers = ids}; its phases
-- {name =, first = the place of its first task}.
local function tasks_of(text)
  local tasks, phases = {}, {}
  for line in text:gmatch("[^\n]+") do
    local e = orun.json.decode(line)
    local t = e.task and tasks[e.task]
    if e.event == "phase" then
      phases[#phases + 1] = {name = e.name, first = #tasks + 1}
    elseif e.event == "added" then
      t = {id = e.task, text = e.description, agent = e.agent, blockers = e.blockedBy or {}}
      tasks[#tasks + 1], tasks[e.task] = t, t
    elseif e.event == "started" then
      t.from = e.at
    elseif e.event == "ended" then
      t.to, t.status = e.at, e.status
    end
  end
  return tasks, phases
end

local function events()
  local path <const> = os.tmpname()
  orun.exec{command = {"orun", "--virtual-time", 1, "-q", "--no-history", "--no-store",
    "--events", path, HERE .. "/release.lua", MINUTE}} -- fails, as one of its tasks does
  local file <close> = assert(io.open(path))
  os.remove(path)
  return file:read("a")
end

-- The place of seconds, from left to right.
local function x(seconds) return LEFT + seconds / MINUTE * MINUTE_WIDE end

-- The rows of phases and tasks: the place of each, from top to bottom, in `y`; below the last.
local function lay(tasks, phases)
  local y = TOP
  for i, t in ipairs(tasks) do
    for _, phase in ipairs(phases) do
      if phase.first == i then
        phase.y, y = y, y + ROW
      end
    end
    t.y, y = y, y + ROW
  end
  return y
end

local function axis(out, minutes, high)
  for m = 0, minutes, 2 do
    local at = x(m * MINUTE)
    out('<path class="line" d="M%d %dV%d"/>', at, TOP - 8, high - 8)
    out('<text class="faint" x="%d" y="18" text-anchor="middle">%d min</text>', at, m)
  end
end

-- From a task to each that began when it ended, and had waited for it.
local function edges(out, tasks)
  for _, t in ipairs(tasks) do
    for _, id in ipairs(t.blockers) do
      local from = tasks[id]
      if from.to == t.from then
        out('<path class="edge" d="M%d %dV%d"/>', x(from.to), from.y + 12, t.y + 4)
      end
    end
  end
end

local function bar(out, t)
  local width = math.max(2, x(t.to) - x(t.from))
  out('<text x="20" y="%d">%s</text>', t.y + 17, escaped(t.text))
  out('<rect class="%s" x="%.1f" y="%d" width="%.1f" height="16" rx="3"/>',
    t.status == "completed" and "done" or "failed", x(t.from) + 1, t.y + 4, width - 2)
  if width > 80 then
    out('<text class="on" x="%.1f" y="%d">%s</text>', x(t.from) + 8, t.y + 17, escaped(t.agent))
  end
end

-- The lines of a picture: { its lines }, called with a format and its values.
local function picture(wide, high, label, style)
  local lines = setmetatable({}, {__call = function(all, format, ...)
    all[#all + 1] = format:format(...)
  end})
  lines('<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d"', wide, high)
  lines('viewBox="0 0 %d %d" role="img" aria-label="%s">', wide, high, label)
  lines("%s", style)
  return lines
end

local function timeline()
  local tasks, phases = tasks_of(events())
  local last = 0
  for _, t in ipairs(tasks) do last = math.max(last, t.to) end
  local minutes, high = math.ceil(last / MINUTE), lay(tasks, phases) + 12
  local out = picture(LEFT + minutes * MINUTE_WIDE + 40, high,
    "The timeline of a run: when each task ran, and what it waited for", STYLE)
  axis(out, minutes, high)
  for _, phase in ipairs(phases) do
    out('<text class="faint" x="8" y="%d">%s</text>', phase.y + 17, escaped(phase.name))
  end
  edges(out, tasks)
  for _, t in ipairs(tasks) do bar(out, t) end
  out("</svg>")
  write("timeline.svg", out)
end

-- ---- the terminal ----

local COLUMNS <const>, CELL <const>, LINE <const>, PAD <const> = 76, 8, 19, 14
local COLOURS <const> = {["2"] = "#8b949e", ["31"] = "#ff7b72", ["32"] = "#3fb950",
  ["33"] = "#d29922", ["36"] = "#39c5cf", ["1"] = "#ffffff"}

local TERMINAL <const> = [[
<style>text { font: 13.3px ui-monospace, monospace; fill: #e6edf3 }</style>
<rect width="100%" height="100%" rx="8" fill="#0d1117"/>]]

-- A line with its SGR sequences, as SVG: each run of one colour is placed by its column.
local function line_of(text, y)
  local out, column, colour = {}, 0, nil
  local function put(piece)
    if piece:find("%S") then
      local style = colour and (' style="fill:%s"'):format(colour) or ""
      out[#out + 1] = ('<text x="%d" y="%d"%s xml:space="preserve">%s</text>'):format(
        PAD + column * CELL, y, style, escaped(piece))
    end
    column = column + utf8.len(piece)
  end
  local at = 1
  for from, codes, to in text:gmatch("()\27%[([%d;]*)m()") do
    put(text:sub(at, from - 1))
    for code in (codes == "" and "0" or codes):gmatch("%d+") do
      local plain = code == "0" or code == "39" or code == "49"
      colour = COLOURS[code] or (not plain and colour) or nil
    end
    at = to
  end
  put(text:sub(at))
  return table.concat(out, "\n")
end

-- What a tmux of its own shows of the run in the moment when a task has failed. It is one program,
-- because what a program leaves behind ends with it.
local SCREEN <const> = [[
  name=pictures-$$
  tmux -L $name -f /dev/null new-session -d -x "$2" -y 24 -c "$1" \
    "echo '$ orun release.lua'; orun --no-history --no-store release.lua; sleep 60"
  until tmux -L $name capture-pane -p | grep -q "failed in"; do sleep 0.1; done
  tmux -L $name capture-pane -e -p
  tmux -L $name kill-server
]]

local function terminal()
  local lines = {}
  local shown = orun.exec{command = {"sh", "-c", SCREEN, "sh", HERE, COLUMNS}, timeout = "1m",
    check = true}
  for line in shown:gmatch("[^\n]+") do lines[#lines + 1] = line end
  local out = picture(COLUMNS * CELL + 2 * PAD, #lines * LINE + 2 * PAD,
    "The terminal while a run goes on", TERMINAL)
  for i, line in ipairs(lines) do out("%s", line_of(line, PAD + i * LINE - 5)) end
  out("</svg>")
  write("terminal.svg", out)
end

local draw <const> = {timeline = timeline, terminal = terminal}
local names <const> = {select(2, ...)}
for _, name in ipairs(#names > 0 and names or {"timeline", "terminal"}) do draw[name]() end
