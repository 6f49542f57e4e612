--- orun.watch: a run on the whole screen, live.
--
-- A loop over what happens: keys, answers of the run, time. What is on the screen is a
-- page (watch/list.lua, watch/output.lua), the last of a stack; it says what is to be asked
-- of the run, takes the answer, and gives lines. One thing is asked at a time, and the
-- loop never waits for an answer, so keys work whatever the run does.
--
-- Glossary
--   page   {ask = function() -> name, args; take = function(answer), key = function(key),
--          lines = function(columns, rows) -> lines of watch/canvas.lua, pace = seconds}; one that
--          asks nothing of a run has look() in place of ask and take
--   watch  what pages share: run, say(text), confirm(question, act), push(page), pop(),
--          choose(run): its tasks are shown from now on; runs(): those there are, to choose;
--          call(name, args): something to be done by the run; now(): seconds

local canvas = require "orun.watch.canvas"
local client = require "orun.control.client"
local format = require "orun.util.format"
local keys_of = require "orun.watch.keys"
local terminal = require "orun.terminal"

local DRAWS <const> = 0.1    -- seconds between two draws, at least
local SILENCE <const> = 3    -- seconds without an answer before that is shown
local TOLD <const> = 4       -- seconds that a message stays
local LEAST <const> = {columns = 20, rows = 5}

local Watch = {__name = "orun.watch"}
Watch.__index = Watch

function Watch.now() return terminal.clock() end

--- Show a message in the last line, for a while.
function Watch:say(text)
  self.said, self.said_until, self.dirty = text, self.now() + TOLD, true
end

--- Ask in the last line; `act` is called when the answer is y.
function Watch:confirm(question, act)
  self.question, self.act, self.dirty = question, act, true
end

function Watch:push(page)
  self.pages[#self.pages + 1] = page
  self:hurry()
end

--- Back to the page before; from the first one, the end.
function Watch:pop()
  self.pages[#self.pages] = nil
  self.done = not self.pages[1]
  self:hurry()
end

--- From now on this page is all there is, and what it shows is about this run.
local function begin(self, run, page)
  if self.asked then self.asked.channel:close() end
  self.run, self.asked, self.calls, self.question, self.said = run, nil, {}, nil, nil
  self.pages = {}
  self:push(require("orun.watch." .. page)(self))
end

function Watch:choose(run) begin(self, run, "list") end

function Watch:runs() begin(self, nil, "runs") end

function Watch:page() return self.pages[#self.pages] end

--- What is shown is not what is wanted: ask at once.
function Watch:hurry() self.due, self.dirty = 0, true end

--- Have the run do something, before it is asked anything else.
function Watch:call(name, args)
  self.calls[#self.calls + 1] = {name, args}
  self:hurry()
end

-- ---- asking ----

local function ask(self)
  local call, page = table.remove(self.calls, 1), self:page()
  local name, args
  if not call and page.look then
    page.look()
    self.due, self.dirty = self.now() + page.pace, true
    return
  end
  if call then name, args = call[1], call[2] else name, args = page.ask() end
  local channel, why = client.begin(name, args, self.run)
  if not channel then
    self.ended = why
    return
  end
  self.asked = {channel = channel, page = not call and page or nil, at = self.now()}
end

local function take(self, answer, why, reason)
  local asked, now = self.asked, self.now()
  self.asked, self.dirty = nil, true
  if answer == nil and reason == "gone" then
    self.ended = why
  elseif answer == nil then
    self:say(why)
  elseif asked.page then
    asked.page.take(answer)
  end
  -- A run of very many tasks is asked less often.
  local pace = math.max(self:page().pace, 10 * (now - asked.at))
  if self.due ~= 0 then self.due = now + (asked.page and pace or 0) end
end

local function look(self)
  if self.asked then
    local answer, why, reason = client.reply(self.asked.channel)
    if reason ~= "more" or answer ~= nil then take(self, answer, why, reason) end
  end
  if not self.asked and not self.ended and self.now() >= self.due then
    self.due = self.now() + self:page().pace
    ask(self)
  end
end

-- ---- keys ----

local function key(self, name)
  self.dirty = true
  if self.question then
    local act = self.act
    self.question, self.act = nil, nil
    if name == "y" or name == "Y" then act() end
  elseif name == "ctrl_c" then
    self.done, self.signal = true, 2
  elseif name == "ctrl_l" then
    self.canvas:forget()
  elseif name ~= "ctrl_z" then
    self.said = nil
    self:page().key(name)
  end
end

-- ---- drawing ----

local function last_line(self, help)
  local now = self.now()
  if self.question then return {self.question .. " (y/n)", style = "bold"} end
  if self.said and now < self.said_until then return {self.said, style = "bold"} end
  if self.asked and now - self.asked.at > SILENCE then
    return {("no answer for %s; is process %d suspended?"):format(
      format.duration(now - self.asked.at), self.run.pid), style = "bold"}
  end
  return help
end

local function draw(self)
  local columns, rows = terminal.size(1)
  columns, rows = columns or 80, rows or 24
  local lines
  if columns < LEAST.columns or rows < LEAST.rows then
    lines = {{"too small"}}
  else
    lines = self:page().lines(columns, rows)
    lines[rows] = last_line(self, lines[rows])
  end
  self.drawn, self.dirty = self.now(), false
  if not self.canvas:draw(lines, columns, rows) then self.done, self.signal = true, 1 end
end

-- ---- the loop ----

-- How long nothing has to be done.
local function rest(self)
  local now = self.now()
  local at = self.dirty and self.drawn + DRAWS or now + 1
  if not self.asked then at = math.min(at, self.due) end
  return math.max(0, at - now)
end

local function turn(self)
  look(self)
  if self.ended or self.done then return end
  if self.asked and self.now() - self.asked.at > SILENCE or self.said then self.dirty = true end
  if self.dirty and self.now() >= self.drawn + DRAWS then draw(self) end
  local what, more = self.screen:wait(rest(self), self.asked and {self.asked.channel})
  if what == "keys" then
    for _, name in ipairs(keys_of(more)) do
      if not self.done then key(self, name) end
    end
  elseif what == "fresh" then
    self.canvas:forget()
    self:hurry()
  elseif what == "end" then
    self.done, self.signal = true, more
  end
end

local function loop(self)
  local _ <close> = self.screen
  repeat turn(self) until self.done or self.ended
  if self.asked then self.asked.channel:close() end
end

--- Watch the run (nil: one that the user chooses of those there are) until the user has seen
--- enough, or it has ended.
-- @return the exit code; nil and why the screen could not be opened
return function(run)
  if os.getenv("TERM") == "dumb" then return nil, "TERM is dumb" end
  local screen, why = orun.screen()
  if not screen then return nil, why end
  local self = setmetatable({screen = screen, canvas = canvas(screen), pages = {},
    calls = {}, due = 0, drawn = 0}, Watch)
  if run then self:choose(run) else self:runs() end
  loop(self)
  if self.ended then orun.write(orun.clean(self.run.script .. " has ended\n")) end
  return self.signal and 128 + self.signal or 0
end
