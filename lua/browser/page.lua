--- orun.browser.page: a page in a browser, with all that happens in it.
--
--     local page = page.open(browser, {width = 375, height = 812})
--     assert(page:load("http://127.0.0.1:8080/", 30))
--     print(page:run "return document.title", #page.events)
--
-- A dialog of the page (alert, confirm) is closed as if by Escape, since it would stop the page.
--
-- Glossary
--   settled   nothing is being fetched, and nothing began to be for QUIET seconds

local base64 = require "orun.browser.base64"
local orun = require "orun"

local M = {}

local QUIET <const> = 0.5
local MOST <const> = 20000 -- events that are kept: a script may log without an end
local ANSWER <const> = 10 -- seconds for what is asked of the page
local DOMAINS <const> = {"Page", "Runtime", "Log", "Network"}

--- Types of requests that are answered with their head: the script decides whether it reads on, and
--- one that does not is never told to be finished.
M.ANSWERED = {Fetch = true, EventSource = true}

local Page <const> = {__name = "orun.browser.page"}
Page.__index = Page

--- Opens one, empty. Raises when the browser has ended or refuses.
-- @param size  {width =, height =} of its window, in pixels
function M.open(browser, size)
  local target = assert(browser:ask("Target.createTarget", {url = "about:blank"}))
  local attached = assert(browser:ask("Target.attachToTarget",
    {targetId = target.targetId, flatten = true}))
  local self = setmetatable({browser = browser, session = attached.sessionId, events = {},
                             open = {}, seen = {}}, Page)
  for _, domain in ipairs(DOMAINS) do assert(self:ask(domain .. ".enable")) end
  self:resize(size)
  return self
end

--- Sends a command about this page; as Browser:ask.
function Page:ask(method, params, limit)
  return self.browser:ask(method, params, self.session, limit)
end

--- Gives its window another size.
function Page:resize(size)
  assert(self:ask("Emulation.setDeviceMetricsOverride",
    {width = size.width, height = size.height, deviceScaleFactor = 1, mobile = false}))
end

-- Notes what an event means for those that wait.
local function note(self, event)
  local method, params = event.method, event.params
  if #self.events < MOST then self.events[#self.events + 1] = event end
  self.seen[method] = true
  if method == "Network.requestWillBeSent" then
    self.open[params.requestId] = true
  elseif method == "Network.responseReceived" and M.ANSWERED[params.type] then
    self.open[params.requestId] = nil
  elseif method == "Network.loadingFinished" or method == "Network.loadingFailed" then
    self.open[params.requestId] = nil
  elseif method == "Page.javascriptDialogOpening" then
    self.browser:send("Page.handleJavaScriptDialog", {accept = false}, self.session)
  end
end

-- Waits for an event until the deadline, and notes it; nil when none came.
local function step(self, deadline)
  local event = self.browser:event(deadline)
  if event and event.sessionId == self.session then note(self, event) end
  return event
end

local REASONS <const> = {
  ["net::ERR_CONNECTION_REFUSED"] = "nobody serves it (connection refused)",
  ["net::ERR_NAME_NOT_RESOLVED"] = "there is no host of that name",
  ["net::ERR_FILE_NOT_FOUND"] = "there is no such file",
  ["net::ERR_HTTP_RESPONSE_CODE_FAILURE"] = "it answers with a failure, and with no page",
}

--- Loads an address, and waits until the page has settled.
-- @param limit  seconds
-- @return true; nil and a message when there is no page to look at. A page that is there is one
--   even if it still fetches things after `limit`: `page.open` has their numbers.
function Page:load(url, limit)
  local deadline = orun.ticks() + limit
  local slow = ("it has not loaded within %g s: it does not answer, or never ends"):format(limit)
  local answer, why, kind = self:ask("Page.navigate", {url = url}, limit)
  if kind == "timeout" then return nil, slow end
  if not answer then return nil, why end
  if answer.errorText and answer.errorText ~= "net::ERR_ABORTED" then
    return nil, REASONS[answer.errorText] or answer.errorText
  end
  while not self.seen["Page.loadEventFired"] do
    if not step(self, deadline) then break end
  end
  if not self.seen["Page.domContentEventFired"] then return nil, slow end
  self:settle(deadline)
  return true
end

--- Waits until nothing is fetched any more, or the deadline.
function Page:settle(deadline)
  local quiet = orun.ticks() + QUIET
  while orun.ticks() < deadline do
    local busy = next(self.open)
    if not busy and orun.ticks() >= quiet then return end
    local event = step(self, busy and deadline or math.min(quiet, deadline))
    if event and event.method:find("^Network") then quiet = orun.ticks() + QUIET end
  end
end

--- Runs JavaScript in the page, as the body of a function. It sees the page, and not what scripts
--- of the page have made of the browser's own functions.
-- @return what it returns, as JSON has it; nil and a message
function Page:run(code)
  local stuck = "the page does not answer: a script in it never ends"
  local tree = assert(self:ask "Page.getFrameTree")
  local world, why, kind = self:ask("Page.createIsolatedWorld", {frameId = tree.frameTree.frame.id},
    ANSWER)
  if not world then return nil, kind == "timeout" and stuck or why end
  local r
  r, why, kind = self:ask("Runtime.evaluate", {
    expression = "(() => {" .. code .. "\n})()", contextId = world.executionContextId,
    returnByValue = true, timeout = ANSWER * 1000}, 2 * ANSWER)
  if not r then return nil, kind == "timeout" and stuck or why end
  local thrown = r.exceptionDetails
  if thrown then
    return nil, ((thrown.exception or {}).description or thrown.text):match("^[^\n]*")
  end
  return r.result.value
end

--- What is seen, as the bytes of a PNG; nil and a message.
function Page:picture()
  local r, why = self:ask("Page.captureScreenshot", {format = "png"})
  if not r then return nil, why end
  return base64.decode(r.data)
end

return M
