--- orun.flow.start: runs what `orun NAME` means, if that is no file and no command.
--
-- main.c calls it with the words of all commands and the arguments; `arg` is the script's.

local find = require "orun.flow.find"
local options = require "orun.command.options"
local orun = require "orun"

local USAGE <const> = 2

local function fail(text, ...)
  options.complain("orun", text:format(...))
  os.exit(USAGE)
end

-- It is none: what may have been meant.
local function explain(name, commands)
  local names = find.names()
  local workflows = #names
  for word in commands:gmatch("%S+") do names[#names + 1] = word end
  local near = orun.nearest(name, names)
  local all = table.concat(names, ", ", workflows + 1, #names - 1) .. " and " .. names[#names]
  return near and (": did you mean 'orun %s'?"):format(near)
    or ("; the commands are %s; 'orun workflows' lists the workflows"):format(all)
end

return function(commands, ...)
  local name = arg[0]
  local found, why = find.find(name)
  if not found and not why then
    fail("'%s' is neither a script, a command nor a workflow%s\nTry 'orun --help'.", name,
      explain(name, commands))
  end
  if not found then return nil, why end
  local first = ...
  if first == "--help" or first == "-h" then return options.help(find.head(found.text)) end
  local chunk
  chunk, why = find.load(found)
  if not chunk and found.unfit then return nil, why end
  if not chunk then fail("%s", why) end
  return chunk(...)
end
