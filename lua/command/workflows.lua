--- orun.command.workflows: `orun workflows`, the workflows that have a name.

local find = require "orun.flow.find"
local format = require "orun.util.format"
local json = require "orun.json"
local json_line = require "orun.util.json_line"
local options = require "orun.command.options"
local steps_of = require "orun.starter.steps"

local HELP <const> = [[
usage: orun workflows [--json]
       orun workflows --show NAME
       orun workflows --copy NAME

Lists the workflows there are: what 'orun NAME' runs, if NAME is no file and no command
of orun's. They are looked for in .orun/workflows of the project, going up from the
working directory; in $XDG_CONFIG_HOME/orun/workflows (~/.config); and among orun's own.
NAME is NAME.lua there, and spec:execute is spec/execute.lua. 'orun NAME --help' prints
what one does and takes. Those of a project run when they are trusted: see orun trust.

  --show NAME   print the source
  --copy NAME   put the source into .orun/workflows of this folder, to be changed;
                a file that is there is not overwritten
  --json        all of it as JSON
]]

local OPTIONS <const> = {["--json"] = {"json"}, ["--show"] = {"show", options.word, "a name"},
  ["--copy"] = {"copy", options.word, "a name"}}

-- The workflow, or the end of the command.
local function get(name)
  local found, why = find.find(name)
  if not found then
    options.refuse("%s", why or ("there is no workflow %s%s"):format(name,
      options.near(name, find.names())))
  end
  return found
end

local function show(name)
  local text = get(name).text
  print((text:gsub("\n$", "")))
end

-- A new file: the folders it is in are made, and nothing is overwritten.
local function copy(name)
  local found = get(name)
  local path = ".orun/workflows/" .. find.file(name)
  if orun.real(path) then options.refuse("%s is there, and is left as it is", path) end
  local ok, why = steps_of.take{file = {path = path}, text = found.text}
  if not ok then options.refuse("%s", why) end
  print(("%s: a copy of %s\n'orun trust %s' lets it run, once it is as you want it"):format(path,
    found.path, path))
end

local function list_json(list)
  local rows = json.array{}
  for i, one in ipairs(list) do
    rows[i] = {name = one.name, about = one.about, from = one.from, path = one.path,
      hidden_by = one.hidden, unfit = one.unfit}
  end
  print(json_line{workflows = rows})
end

local function list_text(list)
  local width = 0
  for _, one in ipairs(list) do width = math.max(width, #one.name) end
  for _, one in ipairs(list) do
    print(("%-" .. width .. "s  %s  (%s)"):format(one.name, format.line(one.about or "?"),
      format.line(one.path)))
    if one.hidden then print("  hidden by " .. format.line(one.hidden)) end
    if one.unfit then print("  note: " .. format.line(one.unfit)) end
  end
end

return options.command("orun workflows", HELP, function(...)
  local args = options.read(OPTIONS, {...})
  if args[1] then options.usage("%s is one word too many", args[1]) end
  if args.show and (args.copy or args.json) or args.copy and args.json then
    options.usage("one of --show, --copy and --json is expected")
  end
  if args.show then return show(args.show) end
  if args.copy then return copy(args.copy) end
  local list = find.list()
  if args.json then list_json(list) else list_text(list) end
end)
