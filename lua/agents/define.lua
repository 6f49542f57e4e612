--- orun.agents.define: agent types that are more than a command or a function.
--
-- orun.agent hands a table with `api` or `preset` to this module and defines what
-- comes back: a type with a Lua function, which talks to the agent, and with the
-- kind of slots that work takes.

return function(t)
  if t.api ~= nil and t.preset ~= nil then
    error("agent: give either api= or preset=", 0)
  end
  return require(t.api ~= nil and "orun.llm" or "orun.preset.agent").define(t)
end
