--- orun.command.mcp: `orun mcp`, for agents that are started with MCP servers.

local options = require "orun.command.options"

local HELP <const> = [[
usage: orun mcp [--session]

Serves the tasks of the run that started this program as MCP tools, on standard
input and output, until standard input ends. Agents start it; orun tells those of
its presets that can about it by itself.

  --session   if no run has started this program, it has one of its own, which ends
              with standard input and cancels what still runs: for agents that people
              start (see orun init --for)
]]

return options.command("orun mcp", HELP, function(...)
  local args = options.read({["--session"] = {"session"}}, {...})
  if args[1] then options.usage("%s is one word too many", args[1]) end
  return require("orun.control.mcp").serve()
end)
