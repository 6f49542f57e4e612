--- orun.command.mcp: `orun mcp`, for agents that are started with MCP servers.

local USAGE <const> = [[
usage: orun mcp

Serves the tasks of the run that started this program as MCP tools, on standard
input and output, until standard input ends. Agents start it; orun tells those of
its presets that can about it by itself.
]]

return function(...)
  if select("#", ...) > 0 then
    local help = ... == "--help" or ... == "-h"
    io[help and "stdout" or "stderr"]:write(USAGE)
    return help and 0 or 2
  end
  return require("orun.control.mcp").serve()
end
