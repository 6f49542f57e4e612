--- orun.control.session: the run of `orun mcp --session` (runtime/cli/session.h).
--
-- Tells the server how to reach this run, and then waits until the server has ended. What it calls
-- is called by the script, so it may read and stop all there is.

-- @param path  a pipe
return function(path)
  local to <close> = assert(io.open(path, "w"))
  for name, value in pairs(orun.control()) do to:write(name, "=", value, "\n") end
  to:write "\n"
  to:close()
  io.read "a"
end
