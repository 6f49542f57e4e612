--- orun.mcp_config: what an agent's program is to read so that it starts `orun mcp`.
--
--     local config = orun.json.decode(orun.mcp_config())
--     print(config.mcpServers.orun.args[1])   --> mcp
--
-- It acts in the name of the task that calls this, so the text holds its token: it
-- goes into a private file, not into arguments.

local json = require "orun.json"

return function()
  local env = orun.control()
  return json.encode{mcpServers = {orun = {command = env.ORUN_PROGRAM, args = {"mcp"}, env = env}}}
end
