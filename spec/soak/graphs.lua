--- graphs: what the scheduler promises holds after every step of random graphs
--- of tasks (spec/graph/graphs_spec.lua), of other seeds than the suite's.

local graphs = require "spec.graph.graphs"

local FIRST <const> = 1000001

return {
  {
    name = "graphs", promise = "every promise of the scheduler, at every step",
    rounds = 1000000, short = 200,
    run = function(rounds)
      local report = graphs.run(FIRST, FIRST + rounds - 1)
      if not report then return 0 end
      io.stderr:write(report)
      return 1, report:match("[^\n]*")
    end,
  },
}
