--- A real browser without a window: Chromium, driven by chromedriver over HTTP on
--- loopback, by the protocol of WebDriver.
---
---   local browser <close> = require("spec.support.browser").open{width = 1280, height = 900}
---   browser:visit("/tmp/page.html")
---   browser:run("return document.title")

local h = require "spec.support.helper"
local json = require "orun.json"
local orun = require "orun"

local M = {}

local Browser = {}
Browser.__index = Browser

-- What a program says of where it listens: what the pattern takes out of a line.
local function listens(log, name, pattern)
  local seen = {}
  for line in log:lines() do
    seen[#seen + 1] = line
    local place = line:match(pattern)
    if place then return place end
  end
  error(name .. " has not started: " .. table.concat(seen, "\n"), 0)
end

-- Ask the driver; the value of its answer. Raises what it says is wrong.
local function ask(self, method, path, body)
  local r, why = orun.http{
    method = method, url = self.url .. path, timeout = "60s",
    headers = {["content-type"] = "application/json"},
    body = method == "POST" and json.encode(body or {}) or nil,
  }
  if not r then error("chromedriver: " .. why, 0) end
  local value = json.decode(r.body).value
  if r.status ~= 200 then error("chromedriver: " .. value.error .. ": " .. value.message, 0) end
  return value
end

--- Start a browser; options: width and height of what is seen, in pixels.
function M.open(o)
  local profile = h.tmpdir()
  local chromium = assert(orun.exec{stream = true, env = {HOME = profile}, command = {
    "sh", "-c", 'exec chromium "$@" 2>&1', "sh", "--headless", "--no-sandbox", "--disable-gpu",
    "--hide-scrollbars", "--disable-dev-shm-usage", "--no-first-run", "--disable-extensions",
    ("--window-size=%d,%d"):format(o.width, o.height), "--remote-debugging-port=0",
    "--user-data-dir=" .. profile, "about:blank"}})
  local driver = assert(orun.exec{stream = true, command = {"chromedriver", "--port=0"}})
  local self = setmetatable({programs = {driver, chromium}}, Browser)
  -- The driver would look for a browser of its own at "localhost", which not every system knows.
  local options = {debuggerAddress = listens(chromium, "chromium", "listening on ws://([%d.:]+)/")}
  self.url = "http://127.0.0.1:"
    .. listens(driver, "chromedriver", "started successfully on port (%d+)")
  local capabilities = {browserName = "chrome", ["goog:chromeOptions"] = options,
                        ["goog:loggingPrefs"] = {browser = "ALL"}}
  local session = ask(self, "POST", "/session", {capabilities = {alwaysMatch = capabilities}})
  self.url = self.url .. "/session/" .. session.sessionId
  return self
end

--- Load the page in a file, and be done when it is.
function Browser:visit(path)
  ask(self, "POST", "/url", {url = "file://" .. path})
end

--- Run JavaScript in the page, as the body of a function; what it returns.
function Browser:run(code)
  return ask(self, "POST", "/execute/sync", {script = code, args = json.array{}})
end

--- Run JavaScript that calls done() later; what it calls that with.
function Browser:later(code)
  local script = "const done = arguments[arguments.length - 1];" .. code
  return ask(self, "POST", "/execute/async", {script = script, args = json.array{}})
end

--- Wait for what is to be drawn to be so.
function Browser:drawn()
  self:later("requestAnimationFrame(() => requestAnimationFrame(() => done(true)))")
end

-- Keys that have no letter.
local KEYS <const> = {Enter = "\u{E007}", Escape = "\u{E00C}", Tab = "\u{E004}", Left = "\u{E012}",
                      Up = "\u{E013}", Right = "\u{E014}", Down = "\u{E015}", PageDown = "\u{E00F}"}

--- Press keys one after another: names of KEYS, or letters.
function Browser:press(...)
  local actions = json.array{}
  for _, key in ipairs{...} do
    actions[#actions + 1] = {type = "keyDown", value = KEYS[key] or key}
    actions[#actions + 1] = {type = "keyUp", value = KEYS[key] or key}
  end
  local keyboard = {type = "key", id = "keyboard", actions = actions}
  ask(self, "POST", "/actions", {actions = json.array{keyboard}})
  self:drawn()
end

--- Write a text with the keyboard.
function Browser:write(text)
  local letters = {}
  for _, c in utf8.codes(text) do letters[#letters + 1] = utf8.char(c) end
  self:press(table.unpack(letters))
end

-- The mouse, from where it is over these actions.
local function point(self, actions)
  local mouse = {type = "pointer", id = "mouse", parameters = {pointerType = "mouse"},
                 actions = json.array(actions)}
  ask(self, "POST", "/actions", {actions = json.array{mouse}})
  self:drawn()
end

local function go(x, y)
  return {type = "pointerMove", duration = 0, x = math.floor(x), y = math.floor(y)}
end

--- Move the mouse to a place in the window.
function Browser:move(x, y) point(self, {go(x, y)}) end

--- Click there.
function Browser:click(x, y)
  point(self, {go(x, y), {type = "pointerDown", button = 0}, {type = "pointerUp", button = 0}})
end

--- Drag from one place to another.
function Browser:drag(x, y, to_x, to_y)
  point(self, {go(x, y), {type = "pointerDown", button = 0}, go((x + to_x) / 2, (y + to_y) / 2),
               go(to_x, to_y), {type = "pointerUp", button = 0}})
end

--- Turn the wheel there, down by so many pixels.
function Browser:wheel(x, y, by)
  local turn = {type = "scroll", duration = 0, x = math.floor(x), y = math.floor(y), deltaX = 0,
                deltaY = by}
  local wheel = {type = "wheel", id = "wheel", actions = json.array{turn}}
  ask(self, "POST", "/actions", {actions = json.array{wheel}})
  self:drawn()
end

--- Have the user prefer "dark" or "light".
function Browser:prefer(scheme)
  local features = json.array{{name = "prefers-color-scheme", value = scheme}}
  ask(self, "POST", "/goog/cdp/execute",
    {cmd = "Emulation.setEmulatedMedia", params = {features = features}})
  self:drawn()
end

--- Give the page a window of this size, in pixels.
function Browser:resize(width, height)
  local params = {width = width, height = height, deviceScaleFactor = 1, mobile = false}
  ask(self, "POST", "/goog/cdp/execute",
    {cmd = "Emulation.setDeviceMetricsOverride", params = params})
  self:drawn()
end

--- What went wrong in the page since it was asked last: an array of messages.
function Browser:complaints()
  local all = {}
  for _, entry in ipairs(ask(self, "POST", "/se/log", {type = "browser"})) do
    if entry.level == "SEVERE" then all[#all + 1] = entry.message end
  end
  return all
end

--- What is seen, as a PNG in a file.
function Browser:picture(path)
  local text = ask(self, "GET", "/screenshot")
  local pipe <close> = assert(io.popen(("base64 -d > '%s'"):format(path), "w"))
  pipe:write(text)
end

--- End it.
function Browser:close()
  pcall(ask, self, "DELETE", "")
  for _, program in ipairs(self.programs) do program:close() end
end

Browser.__close = Browser.close

return M
