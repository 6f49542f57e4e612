--- orun debug:api: finds the layer of an application in which a fault is.
--
-- usage: orun debug:api [options] URL
--        orun debug:api [options] --app FILE [FEATURE] [URL]
--
-- Four tasks look at the layers of a feature at once, each comparing its layer with the one
-- beneath it: so the layer that makes something wrong of something right is named, and not those
-- that pass it on.
--
--   component  what the page shows, in a browser
--   action     what is answered over HTTP, and what is refused
--   data       what data access alone gives
--   database   an SQLite file: whole, its keys, its invariants; of another database nothing is
--              looked at, which is said
--
-- FILE says where they are, in JSON: see examples/shop/app.json. It names a program, which is
-- run. Without it only the page and the answer at URL are looked at. Without FEATURE all
-- features are.
--
--   --app FILE         what is known of the application
--   --timeout TIME     the longest time for one answer (10s)
--   --browser PROGRAM  the browser; Chromium, or what is made of it
--   --no-sandbox       for systems where Chromium's sandbox cannot work
--   --backend NAME     an agent of this backend says what probably caused it, and what to do
--   --dry-run          print what would be looked at, and ask nobody
--   -j N               so many layers at once
--   --json             the result as JSON
--
-- The exit code is 0 when none was found, 1 when a layer is faulty, and 2 when the application
-- could not be looked at.

local applications = require "orun.layers.app"
local check = require "orun.util.check"
local checks = require "orun.layers.checks"
local json = require "orun.json"
local merge = require "orun.layers.merge"
local options = require "orun.command.options"
local orun = require "orun"

local BLIND <const> = 2 -- the exit code when there was nothing to look at
local CAUSE <const> = {type = "object", required = {"cause", "fix"},
  properties = {cause = {type = "string"}, fix = {type = "string"}}}

local OPTIONS <const> = {
  ["--app"] = {"app", options.word, "a file"}, ["--no-sandbox"] = {"no_sandbox"},
  ["--browser"] = {"browser", options.word, "a program"},
  ["--timeout"] = {"timeout", options.duration, "a time"},
}

function OPTIONS.check(args)
  for _, word in ipairs(args) do
    local field = word:find("://", 1, true) and "url" or "feature"
    if args[field] then options.usage("'%s' is one word too many", word) end
    args[field] = word
  end
  if not args.app and not args.url then
    options.usage(args.feature and "'%s' is not a URL: expected one that begins with http:// or "
      .. "https://, or --app FILE that has this feature" or "a URL is expected, or --app FILE",
      args.feature)
  end
  if args.url and not args.url:find("^https?://[^/]") then
    options.usage("'%s' is not a URL: expected one that begins with http:// or https://", args.url)
  end
end

local args = options.arguments(OPTIONS, ...)
local fail = options.failing("orun debug:api", args, BLIND)

-- ---- what is looked at ----

local base, place = (args.url or ""):match("^(%a+://[^/?#]*)(.*)$")
local app, why
if args.app then
  app, why = applications.read(args.app)
  if not app then fail("%s", why) end
  base = base or (app.url or ""):match("^(https?://[^/?#]+)")
  if not base then fail("%s has no url of http, and none is on the command line", args.app) end
else
  place = place == "" and "/" or place:gsub("#.*$", "")
  app = {folder = ".", features = {[place] = {page = place, action = place}}}
end
local known = check.sorted(app.features)
if args.feature and not app.features[args.feature] then
  fail("%s has no feature '%s'; it has %s", args.app, args.feature, table.concat(known, ", "))
end
local names = args.feature and {args.feature} or known
local jobs = {}
for _, name in ipairs(names) do
  for _, layer in ipairs(checks.NAMES) do jobs[#jobs + 1] = {feature = name, layer = layer} end
end
local database = app.database
if database and not database:find("^/") and not database:find("^%a+://") then
  database = app.folder .. "/" .. database
end
if args.dry_run then
  return options.answer(args, {url = base, features = json.array(names),
    layers = json.array(checks.NAMES)}, ("%s would be looked at: %s of %s\n"):format(base,
      table.concat(checks.NAMES, ", "), table.concat(names, ", ")))
end

local limit = args.timeout or 10
local first = app.features[names[1]].page or "/"
local answer, silent = orun.http{url = base .. first, timeout = limit}
if not answer then fail("%s", silent) end

-- ---- the layers ----

orun.phase "layers"
local results = orun.fan_out(jobs, function(job)
  return {
    description = job.feature .. ": " .. job.layer, schema = checks.SCHEMA,
    input = {layer = job.layer, o = {
      feature = app.features[job.feature], url = base, database = database, folder = app.folder,
      invariants = app.invariants, limit = limit, browser = args.browser,
      sandbox = not args.no_sandbox}},
    run = function(input) return require("orun.layers.checks")[input.layer](input.o) end,
  }
end, {limit = args.jobs})

if results.failed[1] then
  fail("%s: %s", results.failed[1].description, results.failed[1].error)
end
local merged = merge(jobs, results)

-- ---- causes ----

local cause
if args.backend and #merged.faulty > 0 then
  orun.phase "cause"
  local failed
  cause, failed = orun.ask("The layers of an application were compared, each with the one beneath "
    .. "it. Find in this project what causes the faults, and how to mend it:\n"
    .. json.encode(merged.layers), {schema = CAUSE, description = "cause"})
  if not cause then orun.log("orun debug:api: no cause: " .. tostring(failed.error)) end
end

-- ---- the report ----

local text = merged.text
if cause then
  text = ("%scause: %s\nfix: %s\n"):format(text, orun.clean(cause.cause), orun.clean(cause.fix))
end
return options.answer(args, {url = base, faulty = merged.faulty, layers = merged.layers,
  cause = cause, exit_code = #merged.faulty > 0 and 1 or 0}, text)
