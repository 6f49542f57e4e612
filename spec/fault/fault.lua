--- fault: runs what is in scenarios.lua with the n-th allocation failing, for
--- every n, until a run asks for fewer.
--
--     make fault                          all of it, an hour or two
--     make fault ONLY='fan list'          these scenarios only
--     ./orun spec/fault/fault.lua --stride 97 [NAME…]   every 97th n
--
-- Each n runs three times: it alone fails, it and the next one do (Lua asks
-- once more after a collection), all from it on do. A crash, a hang, a lie (a
-- wrong result, an end without its reason) and a block that is never freed
-- each fail the whole.

local FOLDER <const> = arg[0]:match("^(.*)/[^/]*$") or "."
package.path = FOLDER .. "/../../?.lua;" .. package.path

local orun = require "orun"
local h = require "spec.support.helper"

local MODES <const> = {"", "*2", "+"}
local SECONDS <const> = 30 -- until a run counts as hanging
-- Lua does not run a finalizer that it has no memory to call, and what that would
-- have freed stays: so many blocks are no leak.
local UNCALLED <const> = 2
local COLUMNS <const> = {12, 12, 8, 8, 8, 8, 8, 8, 9}

-- Whole runs, from the first allocation of the process on: arguments, how each
-- ends when nothing fails, and what it prints. `exits`: by os.exit, which frees
-- nothing.
local WHOLE <const> = {
  start = {code = 0, out = "3\n", args = {"-e",
    "local r = Task{run = function() return 1 + 2 end} print(r.output or error(r.error, 0))"}},
  raise = {code = 1, out = "", err = "boom", args = {"-e", "error('boom')"}},
  unread = {code = 1, out = "", err = "never read: ", args = {"-e",
    "Task{run = function() error('boom') end, run_in_background = true}"}},
  watched = {code = 0, out = "3\n", args = {"--report", "full", "--events", "/dev/null", "-e",
    "local r = Task{run = function() return 1 + 2 end} print(r.output or error(r.error, 0))"}},
  syntax = {code = 2, out = "", err = "syntax error", args = {"-e", "x x"}},
  isolated = {code = 0, out = "3\n", args = {"-e", [[
    local r = Task{run = function(n) return n + 1 end, input = 2, isolation = "process"}
    print(r.output or error(r.error, 0))]]}},
  file = {code = 0, out = "a\tb\n", args = {"hello.lua", "a", "b"}},
  missing = {code = 2, out = "", err = "nowhere.lua", args = {"nowhere.lua"}},
  exits = {code = 7, out = "", exits = true, args = {"-e",
    "Task{run = function() orun.sleep(60) end, run_in_background = true} os.exit(7)"}},
}

-- Where it matters that there is no other worker.
local WORKERS <const> = {sorted = "--workers 1", nested = "--workers 1"}

local function names()
  local r = h.orun{bin = h.test_bin, FOLDER .. "/scenarios.lua", "--list", cwd = "."}
  if r.code ~= 0 then error("fault: scenarios.lua: " .. r.err, 0) end
  local all = h.lines(r.out)
  for name in pairs(WHOLE) do all[#all + 1] = name end
  table.sort(all)
  return all
end

-- The shell command of one scenario; `$spec` is which allocations fail.
local function command_of(name)
  local whole = WHOLE[name]
  local words = {whole and "ORUN_FAULT=$spec" or "ORUN_FAULT_HERE=$spec",
    "ORUN_FAULT_COUNT=$work/count ORUN_FAULT_TALLY=$work/tally",
    ("timeout -s ABRT %d"):format(SECONDS * h.slow // 1), h.quote(h.test_bin)}
  if not whole then
    words[#words + 1] = (WORKERS[name] or "") .. " scenarios.lua " .. name
  else
    for _, word in ipairs(whole.args) do words[#words + 1] = h.quote(word) end
  end
  return table.concat(words, " ")
end

-- One shell that does the n of a sequence and writes a record of each to
-- $work/log: n, exit code, allocations asked for and failed, blocks left (- when
-- it did not get there), and what was printed, or SAME for what is printed when
-- nothing fails. Only the program itself costs a process.
local RUNS <const> = [[
  work=%s; mkdir -p $work; exec 3>$work/log
  for n in $(seq %d %d %d); do
    spec=$n'%s'
    : >$work/count; : >$work/tally
    %s >$work/out 2>$work/err </dev/null
    code=$? asked=- failed=- live=- first=
    # The last line is that of the process that ended last: not a child.
    while read -r a f l; do asked=$a failed=$f live=$l; done <$work/tally
    [ -s $work/count ] && read -r asked failed <$work/count
    [ -s $work/err ] || read -r first <$work/out
    echo "RUN $n $code $asked $failed $live" >&3
    if [ "$first" = done ]; then
      echo SAME >&3
    else
      cat $work/out >&3; echo >&3; echo ERR >&3; cat $work/err >&3; echo >&3; echo END >&3
    fi
  done]]

local function runs(name, mode, first, step, last, work)
  return RUNS:format(h.quote(work), first, step, last, mode, command_of(name))
end

-- Why a run is wrong: the column it counts in; nil for a good one.
local function judge(name, run)
  local whole = WHOLE[name] or {code = 0, out = "done\n"}
  if run.code == 124 or run.code == 134 or run.code == 137 then
    return run.err:find("Assert", 1, true) and "crashes" or "hangs"
  end
  if run.code > 128 or run.err:find("unprotected", 1, true) then return "crashes" end
  if run.code == 99 then return "lies" end
  if run.live and (run.live < 0 or run.live > UNCALLED) and not whole.exits then return "leaks" end
  if run.code == whole.code and run.out == whole.out
    and run.err:find(whole.err or "", 1, true) then
    return nil
  end
  -- Lua's own words, when it cannot grow a stack, are "stack overflow".
  local told = run.err:lower():find("memory", 1, true)
    or run.err:find("no worker could be started", 1, true)
    or run.err:find("stack overflow", 1, true)
    or run.err:find("no other can be started", 1, true)
  if run.code == 0 or not told then return "lies" end
  return nil
end

local function parse(log)
  local all = {}
  log = log:gsub("\nSAME\n", "\ndone\n\nERR\n\nEND\n")
  for n, code, asked, failed, live, out, err in log:gmatch(
    "RUN (%d+) (%d+) (%S+) (%S+) (%S+)\n(.-)\nERR\n(.-)\nEND\n") do
    all[#all + 1] = {n = math.tointeger(n), code = math.tointeger(code),
      asked = math.tointeger(asked), failed = math.tointeger(failed),
      live = math.tointeger(live), out = out, err = err}
  end
  return all
end

local function tell(name, mode, run, why)
  local said = (run.out .. run.err):gsub("%s+$", ""):sub(-600):gsub("\n", "\n        ")
  print(("    %s: %s, allocation %d%s, code %d, %s left: %s"):format(why, name, run.n, mode,
    run.code, run.live or "-", said))
end

-- Two shells share the n from `first` to `last`.
local function batch(name, mode, first, last, stride, dir)
  local parts = {}
  for i = 0, 1 do
    parts[#parts + 1] = "(" .. runs(name, mode, first + i * stride, 2 * stride, last,
      dir .. "/" .. i) .. ") &"
  end
  parts[#parts + 1] = "wait"
  h.sh(table.concat(parts, "\n"), {cwd = FOLDER, limit = 3600})
  local all = parse((h.read(dir .. "/0/log") or "") .. (h.read(dir .. "/1/log") or ""))
  table.sort(all, function(a, b) return a.n < b.n end)
  return all
end

-- How many allocations it asks for when none fails; raises when it fails then.
local function count(name, dir)
  local run = batch(name, "", 0, 0, 1, dir)[1]
  if not run or judge(name, run) or run.failed ~= 0 then
    error(("%s fails by itself: %s"):format(name, run and run.out .. run.err or "no run"), 0)
  end
  return run.asked
end

-- All n of one scenario and mode, up to those that no run gets to; adds to `row`.
local function sweep(name, mode, stride, row, told)
  local dir, first, idle = h.tmpdir(), 1, 0
  row.asked = count(name, dir)
  local last = row.asked + 4 * stride
  while idle < 4 and first < 2 * row.asked + 1000 do
    for _, run in ipairs(batch(name, mode, first, last, stride, dir)) do
      row.runs = row.runs + 1
      row.absorbed = row.absorbed + (run.failed ~= 0 and run.code == 0 and 1 or 0)
      idle = run.failed == 0 and idle + 1 or 0
      local why = judge(name, run)
      if why then
        row[why] = row[why] + 1
        told[why] = (told[why] or 0) + 1
        if told[why] <= 3 then tell(name, mode, run, why) end
      end
    end
    -- The numbers stay those of one stride: 1, 1 + stride, …
    first = last + 1 + (-last) % stride
    last = first + 15 * stride
  end
  os.execute("rm -rf " .. h.quote(dir))
end

local function line(cells)
  local out = {}
  for i, width in ipairs(COLUMNS) do
    out[i] = tostring(cells[i]) .. (" "):rep(width - #tostring(cells[i]))
  end
  return (table.concat(out, " "):gsub("%s+$", ""))
end

-- One scenario; gives how many of its runs were wrong.
local function run(name, stride)
  local row = {asked = 0, runs = 0, absorbed = 0, crashes = 0, hangs = 0,
    lies = 0, leaks = 0}
  local began, told = orun.now(), {}
  for _, mode in ipairs(MODES) do sweep(name, mode, stride, row, told) end
  print(line{name, row.asked, row.runs, row.absorbed, row.crashes, row.hangs, row.lies,
    row.leaks, ("%.0f s"):format(orun.now() - began)})
  io.stdout:flush()
  return row.crashes + row.hangs + row.lies + row.leaks
end

local function main(stride, chosen)
  local wrong = 0
  print(line{"scenario", "allocations", "runs", "absorbed", "crashes", "hangs", "lies",
    "leaks", "time"})
  for _, name in ipairs(#chosen > 0 and chosen or names()) do
    wrong = wrong + run(name, stride)
  end
  print(("# wrong runs in all: %d"):format(wrong))
  if wrong > 0 then os.exit(1) end
end

local stride = 1
local chosen = {table.unpack(arg)}
if chosen[1] == "--stride" then
  stride = math.tointeger(chosen[2])
  chosen = {table.unpack(chosen, 3)}
end
main(stride, chosen)
