--- orun.control.session: the run of `orun mcp --session`, whose tasks an agent has as its tools.
--
-- The server is a program of this run, on the same standard input and output. What it calls is
-- called by the script, so it may read and stop all there is. The run ends with it.

return function()
  orun.config{control = true}
  os.execute('exec "$ORUN_PROGRAM" mcp')
end
