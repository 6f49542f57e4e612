--- Pattern 4 with workers that speak MCP, as agents do.
--
-- $ orun examples/18-mcp_workers.lua
--
-- `orun mcp` gives a program the run's tasks as tools. The preset "claude" tells its
-- program of it. Here the worker is a small program in shell that starts `orun mcp` by
-- itself: it writes a line of JSON for each request, and reads one for each answer.

local orun = require "orun"

orun.agent{name = "mcp-worker", command = {"sh", "-c", [[
  dir=$(mktemp -d) && mkfifo -m 600 "$dir/to" "$dir/from" || exit
  "$ORUN_PROGRAM" mcp <"$dir/to" >"$dir/from" &
  exec 3>"$dir/to" 4<"$dir/from"
  rm -r "$dir"

  id=0
  request() {                              # request METHOD PARAMS: the answer is $answer
    id=$((id + 1))
    printf '{"jsonrpc":"2.0","id":%d,"method":"%s","params":%s}\n' $id "$1" "$2" >&3
    read -r answer <&4
  }
  tool() {                                 # tool NAME ARGUMENTS
    request tools/call "{\"name\":\"$1\",\"arguments\":$2}"
    case $answer in *'"isError":false'*) ;; *) echo "$1: $answer" >&2; exit 1 ;; esac
  }
  field() {                                # field NAME, of the structured result
    printf '%s' "${answer#*structuredContent}" | sed -n "s/.*\"$1\":\"\([^\"]*\)\".*/\1/p"
  }

  request initialize '{"protocolVersion":"2025-11-25","capabilities":{}}'
  done=0
  while tool TaskClaim '{"owner":"mcp","wait":true}'; task=$(field id); [ "$task" ]; do
    text=$(field description)
    tool TaskUpdate "{\"task_id\":\"$task\",\"status\":\"completed\",\"output\":\"did $text\"}"
    done=$((done + 1))
  done
  exec 3>&-                                # the end of its input ends the server
  wait
  echo $done
]]}}

for i = 1, 10 do
  TaskCreate{description = "section " .. i, prompt = "section " .. i}
end
local results = orun.fan_out{
  {subagent_type = "mcp-worker", prompt = "work"}, {subagent_type = "mcp-worker", prompt = "work"},
}

local sum = 0
for _, result in ipairs(results) do sum = sum + tonumber(result.output) end
print(("%d workers, %d failed, %d items"):format(#results, #results.failed, sum))
print(TaskOutput("t1").output)

--> 2 workers, 0 failed, 10 items
--> did section 1
