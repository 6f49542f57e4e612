--- orun.layers.checks: four ways to look at a feature of an application, one for each layer.
--
--     local found = checks.data{feature = app.features.orders, database = "shop.db", folder = "."}
--     print(found.compared, #found.issues)
--
-- Each layer is compared with the one beneath it, of which it takes a reading of its own: so it is
-- faulty when what it makes of a right answer is wrong, and not when it passes on a wrong one.
--
--   component  what the page shows             with the answer of the action
--   action     the answer over HTTP            with the rows of data access
--   data       the rows its program prints     with those of the query
--   database   its rows                        with its own rules, and the invariants
--
-- Each returns {compared =, note =, issues = array of {issue =, evidence =, confidence =}}; SCHEMA
-- is the form. `compared` is false when there was nothing to compare, and `note` says why.
--
-- The argument's fields: feature, as of app.lua; url, without a slash at its end; database,
-- folder, invariants: of the application, or nil; limit, seconds for an answer; browser, sandbox:
-- of chromium.open.

local chromium = require "orun.browser.chromium"
local json = require "orun.json"
local orun = require "orun"
local page = require "orun.browser.page"
local rows = require "orun.layers.rows"

local M = {}

local text <const> = {type = "string"}
local SIZE <const> = {width = 1280, height = 800}
local HIGH <const>, MEDIUM <const> = "high", "medium"
local LINE <const> = 200 -- bytes of evidence

M.NAMES = {"component", "action", "data", "database"}

M.SCHEMA = {
  type = "object", required = {"compared", "note", "issues"}, additionalProperties = false,
  properties = {
    compared = {type = "boolean"}, note = text,
    issues = {type = "array", items = {
      type = "object", required = {"issue", "evidence", "confidence"},
      additionalProperties = false,
      properties = {issue = text, evidence = text,
                    confidence = {enum = {"high", "medium", "low"}}},
    }},
  },
}

local function report()
  return {compared = true, note = "", issues = json.array{}}
end

local function add(found, issue, evidence, confidence)
  evidence = #evidence > LINE and evidence:sub(1, utf8.offset(evidence, 0, LINE) - 1) .. "..."
    or evidence
  table.insert(found.issues, {issue = issue, evidence = evidence, confidence = confidence or HIGH})
  return found
end

-- There was nothing to compare with.
local function skip(found, note)
  found.compared, found.note = false, note
  return found
end

local function compare(found, want, got, confidence)
  local issue, evidence = rows.difference(want, got)
  return issue and add(found, issue, evidence, confidence) or found
end

-- ---- readings ----

local function query(o)
  if not o.database or not o.feature.query then return nil, "no database and query are known" end
  return rows.query(o.database, o.feature.query)
end

local function data(o)
  local words = o.feature.data
  if not words then return nil, "no program for data access is known" end
  local r = orun.exec{command = words, cwd = o.folder, timeout = o.limit,
                      max_output = rows.LARGEST}
  if r.error then return nil, r.error end
  return rows.read(r.output)
end

local function request(o, path, fields)
  fields = fields or {}
  fields.url, fields.timeout = o.url .. path, o.limit
  return orun.http(fields)
end

local function action(o)
  local path = o.feature.action
  if not path then return nil, "no action is known" end
  local r, why = request(o, path)
  if not r then return nil, why end
  if r.status ~= 200 then return nil, ("GET %s: status %d"):format(path, r.status) end
  return rows.read(r.body, o.feature.path)
end

-- ---- layers ----

--- The database: is it whole, and does it keep its rules?
function M.database(o)
  local found = report()
  if not o.database then return skip(found, "no database is known") end
  local whole, why, absent = rows.query(o.database, "PRAGMA integrity_check")
  if absent then return skip(found, why) end
  if not whole then return add(found, "it cannot be read", why) end
  if whole[1].integrity_check ~= "ok" then add(found, "it is damaged", json.encode(whole[1])) end
  local orphans = rows.query(o.database, "PRAGMA foreign_key_check")
  for _, one in ipairs(orphans or {}) do
    add(found, ("a row of %s refers to none in %s"):format(one.table, one.parent),
      ("%s, rowid %s"):format(one.table, tostring(one.rowid)))
  end
  if o.feature.query then
    local got, wrong = query(o)
    if not got then add(found, "it does not have what the query asks for", wrong) end
  end
  for name, sql in pairs(o.invariants or {}) do
    local offences, wrong = rows.query(o.database, sql)
    if not offences then
      add(found, "it cannot be asked whether " .. name, wrong, MEDIUM)
    elseif #offences > 0 then
      add(found, "it does not hold that " .. name, ("%d rows, the first is %s"):format(#offences,
        json.encode(offences[1])))
    end
  end
  table.sort(found.issues, function(a, b) return a.issue < b.issue end)
  return found
end

--- Data access: does it print what the query gives?
function M.data(o)
  local found = report()
  if not o.feature.data then return skip(found, "no program for data access is known") end
  local want, why = query(o)
  if not want then return skip(found, "the database: " .. why) end
  local got, wrong = data(o)
  if not got then return add(found, "it gives no rows", wrong) end
  return compare(found, want, got)
end

-- What the action must refuse.
local function check_refusals(o, found)
  for _, case in ipairs(o.feature.refuses or {}) do
    local body = json.encode(case.body)
    local r, why = request(o, case.path, {method = case.method or "POST", body = body,
      headers = {["content-type"] = "application/json"}})
    local status = r and "status " .. r.status or why
    if not r or r.status < 400 or r.status >= 500 then
      add(found, "it does not refuse what it must", ("%s %s %s: %s"):format(case.method or "POST",
        case.path, body, status))
    end
  end
end

--- The action: does it answer with the rows of data access?
function M.action(o)
  local found = report()
  local path = o.feature.action
  if not path then return skip(found, "no action is known") end
  check_refusals(o, found)
  local r, why = request(o, path)
  if not r then return add(found, "it does not answer", why) end
  local want, absent = data(o)
  local confidence = HIGH
  if not want and not o.feature.data then
    want, absent = query(o)
    confidence = MEDIUM -- what is wrong may be so in data access, too
  end
  local below = o.feature.data or o.feature.query
  if r.status ~= 200 then
    if below and not want then return skip(found, "data access: " .. absent) end
    return add(found, "it fails", ("GET %s: status %d: %s"):format(path, r.status,
      r.body:match("[^\n]*")), confidence)
  end
  local kind = r.headers["content-type"] or "no content type"
  local is_json = kind:find("json", 1, true)
  if below and not is_json then
    add(found, "its answer is not called JSON", "content-type: " .. kind)
  end
  if not below and not is_json then return found end
  local got, wrong = rows.read(r.body, o.feature.path)
  if below and not got then return add(found, "its answer has no rows", wrong) end
  if not below then
    local value, bad = json.decode(r.body)
    return value == nil and add(found, "its answer is not JSON", bad) or found
  end
  if not want then return skip(found, "data access: " .. absent) end
  return compare(found, want, got, confidence)
end

-- ---- the page ----

local TEXTS <const> = "return [...document.querySelectorAll(%s)].map((e) => e.innerText)"

-- The first exception that nobody caught.
local function exception(view)
  for _, event in ipairs(view.events) do
    if event.method == "Runtime.exceptionThrown" then
      local d = event.params.exceptionDetails
      local said = d.exception and d.exception.description or d.text
      local frame = d.stackTrace and d.stackTrace.callFrames[1] or d
      return ("%s (%s:%d)"):format(said:match("^[^\n]*"), frame.url or "", frame.lineNumber + 1)
    end
  end
end

-- Compares the elements with the rows.
local function compare_shown(o, found, want, texts)
  if #texts ~= #want then
    return add(found, ("it shows %d rows, expected %d"):format(#texts, #want),
      ("%s: %d elements"):format(o.feature.element, #texts))
  end
  for i, row in ipairs(want) do
    for _, field in ipairs(o.feature.shows or {}) do
      local value = row[field]
      local said = value ~= nil and value ~= json.null and tostring(value)
      if said and not texts[i]:find(said, 1, true) then
        return add(found, ("it does not show %s"):format(field),
          ("element %d: %s, expected %s in it"):format(i, json.encode(texts[i]), said))
      end
    end
  end
  return found
end

--- The component: does the page show what the action answers?
function M.component(o)
  local found = report()
  if not o.feature.page then return skip(found, "no page is known") end
  local browser <close>, why = chromium.open{program = o.browser, sandbox = o.sandbox}
  if not browser then return skip(found, why) end
  local view = page.open(browser, SIZE)
  local ok, wrong = view:load(o.url .. o.feature.page, o.limit)
  if not ok then return add(found, "it cannot be shown", wrong) end
  local want, absent
  if o.feature.element then
    want, absent = action(o)
    if not want then return skip(found, "the action: " .. absent) end
  end
  local thrown = exception(view)
  if thrown then add(found, "a script of it fails", thrown) end
  if not want then return found end
  local texts, bad = view:run(TEXTS:format(json.encode(o.feature.element)))
  if not texts then return add(found, "it cannot be read", bad) end
  return compare_shown(o, found, want, texts)
end

return M
