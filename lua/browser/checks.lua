--- orun.browser.checks: four ways to look at a page: visual, console, network, accessibility.
--
--     local found = checks.look{names = {"console"}, url = "http://127.0.0.1/", limit = 30,
--                               sizes = {{width = 1440, height = 900}}}
--     print(#found[1].findings)
--
-- They look at the same page, which is loaded once: two of them at what happened meanwhile, and two
-- at what is there then.
--
-- Glossary
--   report   what a check returns: {findings = array, pictures = array of paths}
--   finding  {severity = "error" or "warning", issue =, where = selector, address or line,
--            at = array of sizes, or nil}

local chromium = require "orun.browser.chromium"
local figures = require "orun.util.format"
local json = require "orun.json"
local orun = require "orun"
local page = require "orun.browser.page"
local whole_file = require "orun.util.whole_file"

local M = {}

local text <const> = {type = "string"}
local MOST <const> = 200 -- bytes of a message of the page
local FINDINGS <const> = 100 -- of one check
local DRAWN <const> = 2 -- seconds for what a new size changes

M.NAMES = {"visual", "console", "network", "accessibility"}

--- The form of what `look` returns.
M.SCHEMA = {type = "array", items = {
  type = "object", required = {"findings", "pictures"}, properties = {
    pictures = {type = "array", items = text},
    findings = {type = "array", items = {
      type = "object", required = {"severity", "issue", "where"}, additionalProperties = false,
      properties = {severity = {enum = {"error", "warning"}}, issue = text, where = text,
                    at = {type = "array", items = text}},
    }},
  },
}}

-- The order they look in: what happened while it loaded comes before what a new size makes of it.
local ORDER <const> = {"console", "network", "accessibility", "visual"}
local LOOKS <const> = {} -- by name: function(page, o) -> report

-- An array of findings, in which none is there twice; those beyond FINDINGS are counted.
local function collector()
  local list, known, more = json.array{}, {}, 0
  return list, function(severity, issue, where, at)
    issue = #issue > MOST and issue:sub(1, (utf8.offset(issue, 0, MOST) or MOST + 1) - 1) .. "..."
      or issue
    local key = issue .. "\0" .. where
    local one = known[key]
    if not one and #list > FINDINGS then
      more = more + 1
      list[#list].issue = ("and %d more"):format(more)
      return
    elseif not one and #list == FINDINGS then
      more = 1
      severity, issue, where, at = "warning", "and 1 more", "", nil
    end
    if not one then
      one = {severity = severity, issue = issue, where = where, at = at and json.array{}}
      known[key], list[#list + 1] = one, one
    end
    if at then one.at[#one.at + 1] = at end
  end
end

-- What the script found in the page as it is now.
local function run_script(view, name)
  local found, why = view:run(require "orun.browser.elements.js"
    .. require("orun.browser." .. name .. ".js"))
  if not found then orun.fail{message = why} end
  return found
end

local function save(path, bytes)
  local ok, why = whole_file.put(path, bytes)
  if not ok then orun.fail{message = "cannot write a picture: " .. why} end
  return path
end

-- What it looks like, at each size.
function LOOKS.visual(view, o)
  local list, add = collector()
  local pictures = json.array{}
  for _, size in ipairs(o.sizes) do
    local name = ("%dx%d"):format(size.width, size.height)
    view:resize(size)
    view:settle(orun.ticks() + DRAWN)
    for _, f in ipairs(run_script(view, "visual")) do add(f.severity, f.issue, f.where, name) end
    local bytes, why = view:picture()
    if not bytes then orun.fail{message = why} end
    pictures[#pictures + 1] = save(("%s/%s.png"):format(o.pictures, name), bytes)
  end
  return {findings = list, pictures = pictures}
end

-- What keeps people from using it.
function LOOKS.accessibility(view)
  local list, add = collector()
  for _, f in ipairs(run_script(view, "accessibility")) do add(f.severity, f.issue, f.where) end
  return {findings = list, pictures = json.array{}}
end

-- ---- console ----

local LEVELS <const> = {error = "error", assert = "error", warning = "warning"}

-- A place in a script: Chromium counts lines from 0.
local function place(frame)
  if not frame or (frame.url or "") == "" then return "" end
  return ("%s:%d"):format(frame.url, (frame.lineNumber or 0) + 1)
end

local function first_frame(trace) return trace and trace.callFrames and trace.callFrames[1] end

local function words_of(values)
  local words = {}
  for i, value in ipairs(values) do
    local said = value.value == nil and (value.description or value.type) or value.value
    if said == json.null then said = "null" end
    words[i] = type(said) == "table" and "object" or tostring(said)
  end
  return table.concat(words, " ")
end

-- What each event says: severity, issue, where; nothing when it says nothing.
local SAYS <const> = {
  ["Runtime.consoleAPICalled"] = function(p)
    return LEVELS[p.type], "console: " .. words_of(p.args), place(first_frame(p.stackTrace))
  end,
  ["Runtime.exceptionThrown"] = function(p)
    local d = p.exceptionDetails
    local said = d.exception and (d.exception.description or words_of{d.exception}) or d.text
    return "error", "uncaught: " .. said:match("^[^\n]*"), place(first_frame(d.stackTrace) or d)
  end,
  ["Log.entryAdded"] = function(p)
    local e = p.entry
    return e.source ~= "network" and LEVELS[e.level] or nil, e.source .. ": " .. e.text, place(e)
  end,
}

-- What its scripts complain of.
function LOOKS.console(view)
  local list, add = collector()
  for _, event in ipairs(view.events) do
    local says = SAYS[event.method]
    if says then
      local severity, issue, where = says(event.params)
      if severity then add(severity, issue, where) end
    end
  end
  return {findings = list, pictures = json.array{}}
end

-- ---- network ----

-- How far each request has come, from the events: in order of their beginning.
local function requests_of(events)
  local list, by_id = {}, {}
  for _, event in ipairs(events) do
    local p = event.params
    local one = p.requestId and by_id[p.requestId]
    if event.method == "Network.requestWillBeSent" then
      one = {url = p.request.url, began = p.timestamp}
      by_id[p.requestId], list[#list + 1] = one, one
    elseif one and event.method == "Network.responseReceived" then
      one.status, one.said, one.kind = p.response.status, p.response.statusText, p.type
    elseif one and event.method == "Network.loadingFinished" then
      one.ended = p.timestamp
    elseif one and event.method == "Network.loadingFailed" then
      one.ended = p.timestamp
      one.failed = not p.canceled and (p.blockedReason or p.errorText) or nil
    end
  end
  return list
end

-- What it fetches, and does not get or not soon.
function LOOKS.network(view, o)
  local list, add = collector()
  for _, r in ipairs(requests_of(view.events)) do
    if r.status and r.status >= 400 then
      add("error", (("status %d %s"):format(r.status, r.said):gsub(" $", "")), r.url)
    elseif r.failed then
      add("error", "failed: " .. r.failed, r.url)
    elseif not r.ended and not page.ANSWERED[r.kind] and r.url:find("^https?:") then
      add("error", ("no whole answer within %s"):format(figures.duration(o.limit)), r.url)
    end
    if r.ended and r.ended - r.began > o.slow then
      add("warning", ("took %s, more than %s"):format(figures.duration(r.ended - r.began),
        figures.duration(o.slow)), r.url)
    end
  end
  return {findings = list, pictures = json.array{}}
end

-- ---- all of it ----

--- Looks at a page. One that cannot be looked at, or a browser that is not there, fails the task
--- with the reason.
-- @param o  {names = array of some of NAMES; url =; limit = seconds for loading; slow = seconds
--   that a request may take; sizes = array of {width =, height =}; pictures = the folder for
--   them; browser, sandbox: of chromium.open}
-- @return array of reports, one for each name
function M.look(o)
  local browser <close>, why = chromium.open{program = o.browser, sandbox = o.sandbox}
  if not browser then orun.fail{message = why} end
  local view = page.open(browser, o.sizes[1])
  local ok, wrong = view:load(o.url, o.limit)
  if not ok then orun.fail{message = wrong} end
  local at, reports = {}, {}
  for i, name in ipairs(o.names) do at[name] = i end
  for _, name in ipairs(ORDER) do
    if at[name] then reports[at[name]] = LOOKS[name](view, o) end
  end
  return reports
end

return M
