--- soak: keeps orun's promises under load for a long time, and counts losses.
--
--     make soak                           every promise, for an hour or more
--     make soak ONLY='stops claims'       these only
--     ./orun spec/soak/soak.lua --short   a short form of each
--     ./orun spec/soak/soak.lua --list    their names
--
-- Every other file of this folder returns an array of measures:
--
--     {name = "claims", promise = "each item is claimed once",
--      rounds = 10000, short = 200,
--      run = function(rounds) ... return losses, note end}
--
-- Each runs in a process of its own, under the program that runs this script;
-- one that raises, crashes or counts a loss fails the whole. Specs run the same
-- measures in their short form.

local FOLDER <const> = arg[0]:match("^(.*)/[^/]*$") or "."
package.path = FOLDER .. "/?.lua;" .. FOLDER .. "/../../?.lua;" .. package.path

local orun = require "orun"
local h = require "spec.support.helper"

local COLUMNS <const> = {18, 52, 9, 8, 9}

-- Every measure, by the names of the files and in their order.
local function measures()
  local all = {}
  for _, file in ipairs(h.lines(h.sh("ls " .. h.quote(FOLDER), {cwd = "."}).out)) do
    local module = file:match("^(.+)%.lua$")
    if module and module ~= "soak" and module ~= "soak_spec" then
      for _, one in ipairs(require(module)) do all[#all + 1] = one end
    end
  end
  return all
end

local function find(name)
  local names = {}
  for i, one in ipairs(measures()) do
    if one.name == name then return one end
    names[i] = one.name
  end
  io.stderr:write(("soak: no measure is called '%s'; there are: %s\n"):format(name,
    table.concat(names, " ")))
  os.exit(2)
end

local function line(cells)
  local out = {}
  for i, width in ipairs(COLUMNS) do
    local cell = tostring(cells[i])
    out[i] = cell .. (" "):rep(width - utf8.len(cell))
  end
  return (table.concat(out, " "):gsub("%s+$", ""))
end

-- How many rounds: a short form is shorter still in a build that is slow.
local function rounds_of(one, short)
  if not short then return one.rounds end
  return math.max(1, one.short // (h.slow // 1 | 0))
end

-- In a process of its own: one measure, told in one line.
local function alone(name, rounds)
  local losses, note = find(name).run(math.tointeger(rounds))
  print(("RESULT\t%d\t%s"):format(losses, (tostring(note or ""):gsub("%s+", " "))))
  os.exit(losses == 0 and 0 or 1)
end

-- Run one measure and print its row; gives its losses.
local function run(one, short)
  local rounds, began = rounds_of(one, short), orun.now()
  local r = h.orun{arg[0], "--alone", one.name, tostring(rounds), cwd = ".",
    bin = h.bin, limit = 4 * 3600}
  local losses, note = r.out:match("RESULT\t(%d+)\t([^\n]*)")
  print(line{one.name, one.promise, rounds, losses or "broke",
    ("%.1f s"):format(orun.now() - began)})
  if note and note ~= "" then print("    " .. note) end
  if not losses or losses ~= "0" then
    print(("    exit code %d: %s"):format(r.code, (r.err .. r.out):sub(-2000)))
  end
  io.stdout:flush()
  return math.tointeger(losses) or 1
end

local function chosen(names)
  if #names == 0 then return measures() end
  local all = {}
  for i, name in ipairs(names) do all[i] = find(name) end
  return all
end

local function main(names, short)
  local lost = 0
  print(line{"measure", "promise", "rounds", "losses", "time"})
  print(("-"):rep(100))
  for _, one in ipairs(chosen(names)) do lost = lost + run(one, short) end
  print(("# losses in all: %d"):format(lost))
  if lost > 0 then os.exit(1) end
end

if arg[1] == "--alone" then
  alone(arg[2], arg[3])
elseif arg[1] == "--list" then
  for _, one in ipairs(measures()) do
    print(("%s\t%d\t%s"):format(one.name, rounds_of(one, true), one.promise))
  end
else
  local short = arg[1] == "--short"
  main({table.unpack(arg, short and 2 or 1)}, short)
end
