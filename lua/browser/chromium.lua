--- orun.browser.chromium: Chromium without a window, over its DevTools protocol.
--
--     local browser <close> = assert(chromium.open())
--     print(browser:ask("Browser.getVersion").product)
--
-- The protocol goes over two pipes and not over a port, so no other program can talk to the
-- browser: its descriptor 3 is a fifo, and its descriptor 4 is what orun reads as its standard
-- output. Messages are JSON and end with a zero byte. The browser has a home of its own, which
-- goes with it, and ends when the variable or the task does. The name of the home says whose it
-- is: what a run that was killed left is removed when the next browser starts.
--
-- Glossary
--   session   the name of a page in messages about it
--   event     a message that answers nothing: {method, params, sessionId}

local figures = require "orun.util.format"
local json = require "orun.json"
local orun = require "orun"
local process = require "orun.util.process"

local M = {}

local NAMES <const> = {"chromium", "chromium-browser", "google-chrome-stable", "google-chrome"}
local LIMIT <const> = 30 -- seconds for an answer
local HOME <const> = "orun-browser-" -- then whose, a dot and letters
-- Removes the home, and the folder beside it of the socket that a link in it names.
local REMOVE <const> = [[
remove() {
  socket=$(readlink "$0/profile/SingletonSocket") && {
    rm -f -- "$socket" "${socket%/*}/SingletonCookie"
    rmdir -- "${socket%/*}"
  }
  rm -rf -- "$0"
} 2>/dev/null
]]
-- The shell outlives the browser, which writes to its home until it ends, and removes that. One
-- that is told to end takes its time, and this has little: so it is killed.
local START <const> = REMOVE .. [[
child=
trap 'kill -9 $child 2>/dev/null' TERM INT HUP
"$@" 3<"$0/in" 4>&1 1>&2 </dev/null &
child=$!
wait $child
code=$?
while kill -0 $child 2>/dev/null; do wait $child; code=$?; done
n=0
until remove || [ $n -ge 20 ]; do sleep 0.05; n=$((n + 1)); done
exit $code]]
-- Waits for that in a task that is being stopped, where nothing else can.
local GONE <const> = REMOVE .. [[
n=0
while [ -e "$0" ] && [ $n -lt 30 ]; do sleep 0.05; n=$((n + 1)); done
remove]]

local Browser <const> = {__name = "orun.browser"}
Browser.__index = Browser

--- The browser's path; nil and what to do without one.
-- @param program  string: its name or path; nil: the first one that is there
function M.program(program)
  for _, name in ipairs(program and {program} or NAMES) do
    local path = orun.program(name)
    if path then return path end
  end
  if program then return nil, ("there is no program '%s'"):format(program) end
  return nil, "there is no browser: install the package chromium (apt-get install chromium), "
    .. "or name one with --browser"
end

local function words_of(path, home, sandbox)
  local words = {"sh", "-c", START, home, path, "--headless", "--remote-debugging-pipe",
    "--user-data-dir=" .. home .. "/profile", "--no-first-run", "--disable-extensions",
    "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars", "--mute-audio",
    "--disable-background-networking", "--disable-component-update", "--disable-sync"}
  -- Chromium has no sandbox for root, and does not start without being told so.
  local root = orun.exec("id", "-u").output == "0\n"
  if root or sandbox == false then words[#words + 1] = "--no-sandbox" end
  words[#words + 1] = "about:blank"
  return words
end

-- Removes the homes of browsers whose runs have ended without doing so.
local function sweep(folder)
  for name in pairs(orun.entries(folder) or {}) do
    local pid, began, host = name:match("^orun%-browser%-(%d+)%-(%d+)%-(.+)%.%w+$")
    if pid and not process.lives(pid, began, host) then
      orun.exec("sh", "-c", REMOVE .. "remove", folder .. "/" .. name)
    end
  end
end

-- The path of a new home; nil and why there is none.
local function new_home()
  local made = orun.exec("mktemp", "-d", "-t", HOME .. process.id "-" .. ".XXXXXX")
  if made.error then return nil, "no folder for the browser: " .. made.error end
  local home = made.output:gsub("\n$", "")
  sweep(home:match("^(.*)/"))
  return home
end

--- Starts one.
-- @param o  {program = name or path, sandbox = false for systems that have none}, or nil
-- @return the browser, to be closed; nil and a message
function M.open(o)
  o = o or {}
  local path, why = M.program(o.program)
  if not path then return nil, why end
  local home
  home, why = new_home()
  if not home then return nil, why end
  local self = setmetatable({home = home, asked = 0, parts = {}, queue = {}, answers = {}}, Browser)
  local fifo = orun.exec("mkfifo", "-m", "600", home .. "/in")
  if not fifo.error then
    -- Open for both ends, so that neither waits for the other.
    self.input, why = io.open(home .. "/in", "r+b")
    if self.input then
      self.input:setvbuf "no"
      self.run, why = orun.exec{stream = true, command = words_of(path, home, o.sandbox),
                                env = {HOME = home}}
    end
  end
  if not self.run then
    self:close()
    return nil, ("cannot start %s: %s"):format(path, fifo.error or why)
  end
  return self
end

-- Why it talks no more: the last thing it said.
local function last_words(self)
  local ending, said = self.run:wait(), nil
  for line in (ending.stderr or ""):gmatch("[^\n]+") do
    if not said or line:find("sandbox", 1, true) then said = line end
  end
  said = said and said:gsub("^%[[^%]]*%] ?", "") or ending.error or "no reason is known"
  if said:find("sandbox", 1, true) then said = said .. " (try --no-sandbox)" end
  return "the browser has ended: " .. said
end

-- The message of a text. What a page says may have half a character in it, which is no text: then
-- all of its kind are replaced.
local function decode(text)
  local message = json.decode(text)
  if message == nil then
    message = json.decode((text:gsub("\\u[dD][89a-fA-F]%x%x", "\\ufffd")))
  end
  return message
end

local function take(self, bytes)
  local from = 1
  for stop in bytes:gmatch("()\0") do
    self.parts[#self.parts + 1] = bytes:sub(from, stop - 1)
    local message = decode(table.concat(self.parts))
    if message and message.id then
      self.answers[message.id] = message
    elseif message then
      self.queue[#self.queue + 1] = message
    end
    self.parts, from = {}, stop + 1
  end
  if from <= #bytes then self.parts[#self.parts + 1] = bytes:sub(from) end
end

-- Reads what comes next; nil and "timeout" after `deadline`, and raises when it has ended.
local function read(self, deadline)
  local bytes, why = self.run:read(math.max(0, deadline - orun.ticks()))
  if bytes then
    take(self, bytes)
    return true
  end
  if why == "timeout" then return nil, why end
  error(last_words(self), 0)
end

--- Sends a command, and does not wait for its answer.
-- @return its number
function Browser:send(method, params, session)
  self.asked = self.asked + 1
  local message = {id = self.asked, method = method, params = params, sessionId = session}
  self.input:write(json.encode(message), "\0")
  return self.asked
end

--- Sends a command.
-- @param limit  seconds for the answer; nil: 30
-- @return what it answers; nil and a message when it refuses or says nothing in time
-- Raises when the browser has ended.
function Browser:ask(method, params, session, limit)
  local id = self:send(method, params, session)
  local deadline = orun.ticks() + (limit or LIMIT)
  while not self.answers[id] do
    if not read(self, deadline) then
      return nil, ("%s: no answer within %s"):format(method,
        figures.duration(limit or LIMIT)), "timeout"
    end
  end
  local answer = self.answers[id]
  self.answers[id] = nil
  if answer.error then return nil, ("%s: %s"):format(method, answer.error.message) end
  return answer.result
end

--- The next event.
-- @param deadline  by orun.ticks
-- @return it; nil and "timeout"
function Browser:event(deadline)
  while #self.queue == 0 do
    local ok, why = read(self, deadline)
    if not ok then return nil, why end
  end
  return table.remove(self.queue, 1)
end

--- Ends it, and removes its files.
function Browser:close()
  if self.run then
    self.run:kill()
    pcall(self.run.wait, self.run)
    self.run:close()
  end
  if self.input then self.input:close() end
  self.run, self.input = nil, nil
  if self.home then orun.exec("sh", "-c", GONE, self.home) end
  self.home = nil
end

Browser.__close = Browser.close

return M
