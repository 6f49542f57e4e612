--- orun.command.test: `orun test [OPTIONS] [FILE...]`, specs of scripts, run by busted.
--
-- The words are busted's own; it runs in this orun, so specs have Task and its like, and
-- orun.testing. The exit code is busted's: 0 when all passed.

local options = require "orun.command.options"

local HELP <const> = "usage: orun test [busted options] [FILE or FOLDER...]\n\n"
  .. "Runs specs written for busted (describe, it, assert): those of the files, or of\n"
  .. "the folders' files that end in _spec.lua; without any, of the folder spec. They\n"
  .. "run inside orun: Task and its like are there, and\n\n"
  .. "    local run = require(\"orun.testing\").run{script = \"plan.lua\", agents = {...}}\n\n"
  .. "runs a script with agents that play a part, in virtual time (lua/testing).\n"
  .. "Options such as --filter=PATTERN and -o TAP: busted --help.\n"

return options.command("orun test", HELP, function(...)
  local words = {...}
  if words[1] == "--help" or words[1] == "-h" then error({help = true}, 0) end
  local found, runner = pcall(require, "busted.runner")
  if not found then
    options.refuse("busted is not installed: on Debian lua-busted, else 'luarocks install busted'")
  end
  words[0] = "orun test"
  rawset(_G, "arg", words)
  runner{standalone = false} -- ends the process, unless all is well
  return 0
end)
