--- orun debug:browser: looks at a page in a browser, four ways at once.
--
-- usage: orun debug:browser [options] URL
--
-- Chromium loads the page without a window, and four checks look at once at:
--
--   visual         text that is cut off or covered, pages that scroll sideways, images that are
--                  not shown or are stretched, at each size of the window; pictures are kept
--   console        errors and warnings of scripts, exceptions that nobody caught
--   network        requests that failed, had no answer, or were slow
--   accessibility  contrast, alt texts, labels, names of links and buttons, headings
--
-- URL begins with http://, https:// or file://.
--
--   --sizes LIST       sizes of the window (375x812,768x1024,1440x900)
--   --screenshots DIR  where pictures are kept (screenshots)
--   --slow TIME        a request may take so long (2s)
--   --timeout TIME     the page may take so long to load (30s)
--   --browser PROGRAM  the browser; Chromium, or what is made of it
--   --no-sandbox       for systems where Chromium's sandbox cannot work
--   --backend NAME     an agent of this backend says what probably caused each finding
--   --dry-run          print what would be looked at, and start no browser
--   -j N               as so many tasks, each with a browser (1: all look at the same load)
--   --json             the result as JSON
--
-- The exit code is 0 when nothing was found, 1 when something was, and 2 when the page could not
-- be looked at.

local checks = require "orun.browser.checks"
local json = require "orun.json"
local options = require "orun.command.options"
local orun = require "orun"

local BLIND <const> = 2 -- the exit code when there was nothing to look at
local ORDER <const> = {error = 1, warning = 2}
local CAUSES <const> = {type = "array", items = {type = "string"}}

-- "375x812,1440x900" as an array of sizes.
local function sizes(name, word)
  local list = {}
  for part in (word .. ","):gmatch("([^,]*),") do
    local width, height = part:match("^([1-9]%d?%d?%d?)x([1-9]%d?%d?%d?)$")
    if not width then
      options.usage("%s %s: expected sizes of at most 9999 pixels, such as 375x812,1440x900", name,
        word)
    end
    list[#list + 1] = {width = math.tointeger(width), height = math.tointeger(height)}
  end
  return list
end

local OPTIONS <const> = {
  ["--sizes"] = {"sizes", sizes, "sizes"}, ["--slow"] = {"slow", options.duration, "a time"},
  ["--screenshots"] = {"screenshots", options.word, "a folder"},
  ["--timeout"] = {"timeout", options.duration, "a time"},
  ["--browser"] = {"browser", options.word, "a program"}, ["--no-sandbox"] = {"no_sandbox"},
}

function OPTIONS.check(args)
  local url = args[1]
  if not url or args[2] then options.usage("one URL is expected, as in http://127.0.0.1:8080/") end
  if not url:find("^https?://[^/]") and not url:find("^file:///") then
    options.usage("'%s' is not a URL: expected one that begins with http://, https:// or file:///",
      url)
  end
end

local args = options.arguments(OPTIONS, ...)
local url, folder = args[1], args.screenshots or "screenshots"
args.sizes = args.sizes or sizes("--sizes", "375x812,768x1024,1440x900")

local fail = options.failing("orun debug:browser", args, BLIND)

if args.dry_run then
  return options.answer(args, {url = url, checks = json.array(checks.NAMES)},
    ("%s would be looked at: %s\n"):format(url, table.concat(checks.NAMES, ", ")))
end

-- ---- looking ----

local made = orun.exec("mkdir", "-p", "--", folder)
if made.error then fail("cannot make %s: %s", folder, made.error) end
orun.phase "look"
local shared = orun.chunks(checks.NAMES, math.ceil(#checks.NAMES / (args.jobs or 1)))
local results = orun.fan_out(shared, function(names)
  return {
    description = table.concat(names, ", "), schema = checks.SCHEMA,
    input = {names = names, url = url, limit = args.timeout or 30, slow = args.slow or 2,
             sizes = args.sizes, pictures = folder, browser = args.browser,
             sandbox = not args.no_sandbox},
    run = function(input) return require("orun.browser.checks").look(input) end,
  }
end, {limit = args.jobs, on_failure = "stop"})
if results.failed[1] then fail("%s: %s", url, results.failed[1].error) end

local findings, pictures = json.array{}, json.array{}
for i, names in ipairs(shared) do
  for k, report in ipairs(results[i].output) do
    for _, finding in ipairs(report.findings) do
      finding.check, finding.nth = names[k], #findings
      findings[#findings + 1] = finding
    end
    table.move(report.pictures, 1, #report.pictures, #pictures + 1, pictures)
  end
end
table.sort(findings, function(a, b)
  if a.severity ~= b.severity then return ORDER[a.severity] < ORDER[b.severity] end
  return a.nth < b.nth
end)
for _, finding in ipairs(findings) do finding.nth = nil end

-- ---- causes ----

if args.backend and #findings > 0 then
  orun.phase "causes"
  local causes, failed = orun.ask("These findings are of the page " .. url .. ". For each, in this "
    .. "order, say in one sentence what probably causes it, and in which file of this project:\n"
    .. json.encode(findings), {schema = CAUSES, description = "causes"})
  if not causes then orun.log("orun debug:browser: no causes: " .. tostring(failed.error)) end
  for i, finding in ipairs(findings) do finding.cause = causes and causes[i] end
end

-- ---- the report ----

local function line_of(f)
  local place = f.where ~= "" and "  " .. f.where or ""
  local at = f.at and #f.at < #args.sizes and "  at " .. table.concat(f.at, ", ") or ""
  local line = ("%-7s  %-13s  %s%s%s"):format(f.severity, f.check, f.issue, place, at)
  if f.cause then line = line .. "; cause: " .. f.cause end
  return (orun.clean(line):gsub("%c", " "))
end

local lines = {}
for i, finding in ipairs(findings) do lines[i] = line_of(finding) .. "\n" end
lines[#lines + 1] = ("%s: %s\n"):format(url, #findings == 0 and "none found"
  or #findings == 1 and "1 finding" or #findings .. " findings")
lines[#lines + 1] = ("pictures: %s\n"):format(table.concat(pictures, " "))
return options.answer(args, {url = url, findings = findings, screenshots = pictures,
  exit_code = #findings > 0 and 1 or 0}, table.concat(lines))
