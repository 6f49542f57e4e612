--- outside: what orun is before a task has run, and goals that have no figure.

local measure = require "measure"

-- What a shell command prints, as a number.
local function number(command)
  return tonumber(measure.shell(command))
end

local function quote(text)
  return "'" .. text .. "'"
end

local function start()
  local n = measure.size(200, 50)
  local other = measure.installed("lua5.4") and "lua5.4" or nil
  if not other then measure.note("lua5.4 is not installed: start-up is not compared") end
  local ours, theirs = {}, {}
  measure.rounds{{"both", function(round)
    ours[round], theirs[round] = measure.anchor("start", n, quote(measure.orun_program),
      "-e ''", "--", other and other .. " -e ''" or "true")
    return 0
  end}}
  local ratios = {}
  for i = 1, #ours do ratios[i] = ours[i] / theirs[i] end
  local ratio = other and measure.median(ratios)
  local met
  if ratio then met = ratio <= 1.5 end
  measure.row{measure = "start-up and end of an empty script",
    measured = ("%.2f ms"):format(measure.median(ours) / 1e6),
    anchor = other and ("lua5.4 %.2f ms"):format(measure.median(theirs) / 1e6),
    ratio = ratio, goal = "<= 1.5 x lua5.4", met = met}
end

local function sizes()
  local code = "print(io.open([[/proc/self/status]]):read([[a]]):match([[VmRSS:%s*(%d+)]]))"
  local resident = number(("%s -e %s"):format(quote(measure.orun_program), quote(code))) * 1024
  local lua = measure.installed("lua5.4") and number("lua5.4 -e " .. quote(code)) * 1024
  measure.row{measure = "resident after start", measured = measure.bytes(resident),
    anchor = lua and "lua5.4 " .. measure.bytes(lua), ratio = lua and resident / lua,
    goal = "<= 4 MiB", met = resident <= 4 << 20}
  local binary = number("wc -c <" .. quote(measure.orun_program))
  local stripped = number(("f=$(mktemp); strip -o $f %s && wc -c <$f; rm $f"):format(
    quote(measure.orun_program)))
  measure.row{measure = "the program's file", measured = measure.bytes(binary),
    goal = "<= 2 MB", met = binary <= 2e6,
    note = "stripped " .. measure.bytes(stripped)}
end

-- The soak's measure, in a process of its own.
local function http()
  local n = measure.size(5000, 1000)
  local seconds, memory = {}, 0
  local r = measure.rounds({{"calls", function(round)
    local out = measure.shell(("%s spec/soak/soak.lua --alone http %d"):format(
      quote(measure.orun_program), n))
    local took, ratio, resident = out:match("RESULT\t0\t(%S+) s, (%S+) x .-; (%d+) MiB")
    assert(took, out)
    seconds[round], memory = tonumber(took), math.max(memory, tonumber(resident))
    return tonumber(ratio)
  end}}, measure.size(3, 1), 60)
  measure.row{measure = ("%d HTTP calls, 500 at once, 200 ms each"):format(n),
    measured = ("%.2f s"):format(measure.median(seconds)), anchor = "the server's delays",
    ratio = r.calls, goal = "<= 1.1 (2.2 s)", met = r.calls <= 1.1}
  measure.row{measure = "    resident at most", measured = memory .. " MiB", goal = "<= 30 MiB",
    met = memory <= 30}
end

-- Goals nothing here can show, so that the table hides none.
local function rest()
  local function none(what, goal, why)
    measure.row{measure = what, measured = "not measured", goal = goal, note = why}
  end
  none("no-op task through the C API", "<= 1 us",
    "orun.h runs scripts; a task cannot be started from C")
end

return {{"start", start}, {"sizes", sizes}, {"http", http}, {"rest", rest}}
