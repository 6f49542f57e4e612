--- orun.command_agents: `orun agents`, what agent types there are.

return function()
  return 0
end
