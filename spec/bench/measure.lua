--- measure: how a figure is taken, and how it is told.
--
-- A figure is the median of several rounds. What is compared takes turns within
-- each round, so what else the machine does hits both; a ratio is the median of
-- the rounds' ratios, not the ratio of two medians.
--
-- Glossary
--   round   every side measured once
--   side    something measured: {name, function -> number}
--   row     one line of the table; see M.row

local orun = require "orun"

local M = {}

--- True when a quick look is wanted: less work and fewer rounds.
M.quick = os.getenv("QUICK") ~= nil and os.getenv("QUICK") ~= ""

--- Where the program with the anchors is.
M.anchor_program = os.getenv("ANCHOR") or "build/bench/anchor"

--- The program that runs this script.
M.orun_program = (function()
  local first = 0
  while arg[first - 1] do first = first - 1 end
  return arg[first]
end)()

--- The middle one of an array of numbers.
function M.median(numbers)
  local sorted = table.move(numbers, 1, #numbers, 1, {})
  table.sort(sorted)
  return sorted[(#sorted + 1) // 2]
end

--- `full`, or `quick` when a quick look is wanted.
function M.size(full, quick)
  return M.quick and quick or full
end

--- Measures sides in turn.
-- @param sides   array of {name, function -> number}
-- @param rounds  how many; default 5, or 3 for a quick look
-- @param budget  seconds after which no further round begins; default 12
-- @return table: name -> median; best[name] -> the least of the rounds;
--   ratio(a, b) -> the rounds' median of a / b
function M.rounds(sides, rounds, budget)
  rounds = rounds or M.size(5, 3)
  local all, began = {}, orun.now()
  local ends = began + (budget or M.size(12, 3))
  for _, side in ipairs(sides) do all[side[1]] = {} end
  for round = 1, rounds do
    for _, side in ipairs(sides) do all[side[1]][round] = side[2](round) end
    if orun.now() > ends then break end
  end
  local result = {all = all, best = {}}
  for name, numbers in pairs(all) do
    result[name], result.best[name] = M.median(numbers), math.min(table.unpack(numbers))
  end
  function result.ratio(a, b)
    local ratios = {}
    for i = 1, #all[a] do ratios[i] = all[a][i] / all[b][i] end
    return M.median(ratios)
  end
  return result
end

--- Seconds that a call takes, and the processor seconds of all its threads.
function M.time(fn, ...)
  local cpu, began = os.clock(), orun.now()
  fn(...)
  return orun.now() - began, os.clock() - cpu
end

--- What a shell command prints; raises when it fails.
function M.shell(command)
  local pipe <close> = assert(io.popen(command))
  local text = pipe:read("a")
  local ok, how, code = pipe:close()
  if not ok then error(("%s: %s %d"):format(command, how, code), 2) end
  return text
end

--- What an anchor says: nanoseconds each, as one number or more.
function M.anchor(...)
  local command = table.concat({M.anchor_program, ...}, " ")
  local numbers = {}
  for n in M.shell(command):gmatch("%S+") do numbers[#numbers + 1] = tonumber(n) end
  return table.unpack(numbers)
end

--- A field of /proc/self/status in bytes: "VmRSS" is what is resident now,
--- "VmHWM" the most that ever was.
function M.resident(field)
  local file <close> = assert(io.open("/proc/self/status"))
  return tonumber(file:read("a"):match((field or "VmRSS") .. ":%s*(%d+) kB")) * 1024
end

--- Whether a program is installed.
function M.installed(program)
  return os.execute("command -v " .. program .. " >/dev/null 2>&1") == true
end

local function cell(value)
  return (tostring(value == nil and "" or value):gsub("[\t\n]", " "))
end

--- Tells one row.
-- @param row  table:
--   measure   what was measured
--   measured  text with its unit
--   anchor    what stands beside it, text with its unit, or nil
--   ratio     number or nil: measured / anchor
--   goal      text or nil
--   met       true, false, or nil when there is no goal or no measurement
--   note      text or nil: on a line of its own
function M.row(row)
  local met = ""
  if row.goal then met = "-" end
  if row.met ~= nil then met = row.met and "yes" or "NO" end
  local ratio = row.ratio and ("%.2f"):format(row.ratio)
  io.write("ROW\t", table.concat({cell(row.measure), cell(row.measured),
    cell(row.anchor), cell(ratio), cell(row.goal), met}, "\t"), "\n")
  if row.note then M.note("%s", row.note) end
  io.flush()
end

--- Tells a line of text below the row before it.
function M.note(format, ...)
  io.write("NOTE\t", cell(format:format(...)), "\n")
end

--- Microseconds, as text.
function M.us(seconds)
  local us = seconds * 1e6
  return (us < 100 and "%.2f us" or "%.0f us"):format(us)
end

--- Seconds, as text.
function M.s(seconds)
  return ("%.3f s"):format(seconds)
end

--- Bytes, as text.
function M.bytes(n)
  if n >= 10 * 2 ^ 20 then return ("%.0f MiB"):format(n / 2 ^ 20) end
  if n >= 2 ^ 20 then return ("%.1f MiB"):format(n / 2 ^ 20) end
  if n >= 10 * 2 ^ 10 then return ("%.1f KiB"):format(n / 2 ^ 10) end
  return ("%.0f B"):format(n)
end

return M
