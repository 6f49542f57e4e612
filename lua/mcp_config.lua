--- orun.mcp_config: what an agent's program is to read so that it starts `orun mcp`.
--
--     orun.mcp_config()
--       --> {"mcpServers": {"orun": {"command": ..., "args": ["mcp"], "env": {...}}}}
--
-- It acts in the name of the task that calls this, so the text holds its token: it
-- goes into a private file, not into arguments.

local json = require "orun.json"

return function()
  local env = orun.control()
  return json.encode{mcpServers = {orun = {command = env.ORUN_PROGRAM, args = {"mcp"}, env = env}}}
end
