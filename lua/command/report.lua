--- orun.command.report: `orun report [RUN] [--html FILE] [--json]`, how a run went.
--
-- RUN is a file that --events wrote, or the name of a recorded run (record/store.lua); without it,
-- the newest record. Prints the report as text, with --json the metrics (report/metrics.lua
-- documents them) as JSON; with --html it writes the page, and prints no text.

local check = require "orun.util.check"
local events_file = require "orun.record.file"
local json = require "orun.json"
local json_line = require "orun.util.json_line"
local line_width = require "orun.util.line_width"
local options = require "orun.command.options"
local report = require "orun.report.metrics"
local report_html = require "orun.report.html"
local report_text = require "orun.report.text"
local runs = require "orun.record.store"
local sink = require "orun.util.sink"
local terminal = require "orun.terminal"

local HELP <const> = "usage: orun report [RUN] [--html FILE] [--json]\n"
  .. "       orun report --list\n\n"
  .. "Says how a run went: how long it took and could have taken, its critical path,\n"
  .. "where the rest of the time went, what it cost. RUN is a file that --events wrote,\n"
  .. "or the name of a recorded run (of those that began on a terminal or with --record\n"
  .. "the newest 20 are kept); without it, the last one. \"-\" is standard input.\n\n"
  .. "  --html FILE   write a page with the timeline, for a browser (-: on standard output)\n"
  .. "  --json        print the metrics as JSON\n"
  .. "  --list        print the recorded runs and their scripts, the newest first\n"
local WIDTH <const> = 100

local function shown(word)
  return report_text.line(word, 200)
end

local OPTIONS <const> = {unknown = "unknown argument '%s'%s", ["--json"] = {"json"},
  ["--list"] = {"list"}, ["--html"] = {"html", options.word, "the name of a file"}}

local function exists(path)
  local file <close> = path and io.open(path, "rb")
  return file ~= nil
end

-- The file of the run that is meant; nil and why there is none.
local function find(run)
  if run and (run == "-" or run:find("/", 1, true) or exists(run)) then return run end
  local names, problem = runs.names()
  if not names then return nil, "the recorded runs cannot be read: " .. problem end
  if run then
    if check.among(names, run) then return runs.path(run) end
    local near = orun.nearest(run, table.move(names, 1, math.min(#names, 60), 1, {}))
    return nil, ("there is no file and no recorded run '%s'%s"):format(shown(run),
      near and (" (is '%s' meant?)"):format(near) or
      "; 'orun report --list' names those there are")
  end
  if #names == 0 then
    return nil, "no run is recorded; a script that runs on a terminal is, or with\n"
      .. "'orun --record script.lua', or give a file that 'orun --events FILE script.lua' wrote"
  end
  return runs.path(names[1])
end

-- What was run, as the second line of a record says.
local function script_of(path)
  local file <close> = io.open(path, "rb")
  local line = file and file:read("l") and file:read("l")
  local ok, event = pcall(json.decode, line or "")
  return shown(ok and type(event) == "table" and event.name or "?")
end

local function write_html(path, model, metrics)
  local ok, why = sink.put(path, report_html.page(model, metrics))
  if not ok then options.refuse("cannot write the page: %s", shown(why)) end
end

-- Print the records there are.
local function list()
  local names, why = runs.names()
  if not names then options.refuse("the recorded runs cannot be read: %s", shown(why)) end
  for _, name in ipairs(names) do print(name .. "  " .. script_of(runs.path(name))) end
end

return options.command("orun report", HELP, function(...)
  local args = options.read(OPTIONS, {...})
  if args[2] then options.usage("unknown argument '%s'", args[2]) end
  if args.json and args.html == "-" then
    options.usage("--json and --html - both write to standard output")
  end
  if args.list then return list() end
  local path, why = find(args[1])
  local model
  if path then model, why = events_file.read(path) end
  if not model then options.refuse("%s", why) end
  local metrics = report.of(model)
  if args.json then print(json_line(metrics)) end
  if args.html then return write_html(args.html, model, metrics) end
  if args.json then return end
  local columns = terminal.size(1)
  for _, line in ipairs(report_text.full(metrics, line_width(columns, WIDTH))) do print(line) end
end)
