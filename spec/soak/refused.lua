--- refused: a whole run whose store is refused a call, for each call that it makes: nothing is
--- shown that is not kept, it says why it ended, and it can be gone on with.

local h = require "spec.support.helper"
local orun = require "orun"

-- About how many a run makes of each: of so many a short form takes one.
local CALLS <const> = {{"pwrite", 60}, {"fdatasync", 20}, {"fsync", 2}, {"ftruncate", 4},
                       {"openat", 10}, {"unlink", 4}}
local ERRORS <const> = {{"ENOSPC", 28}, {"EIO", 5}, {"EROFS", 30}}
local SIDE <const> = 4 -- runs at once
local IDLE <const> = 8 -- after so many n with nothing to refuse there is nothing more

local function judged(words)
  local durable = require "spec.support.durable"
  local tries = durable.refused(words)
  if tries[1].code == 125 then return {refused = 0, wrong = {}} end -- no filters here
  return {refused = tries.refused, wrong = durable.misjudged(tries)}
end

-- Every kind of refusal: the n-th call alone, or all from there on.
local function kinds()
  local all = {}
  for _, c in ipairs(CALLS) do
    local call, most = table.unpack(c)
    for _, e in ipairs(ERRORS) do
      for _, last in ipairs{"alone", "all"} do
        all[#all + 1] = {call = call .. ":run.db", error = e[2], last = last, most = most,
                         name = ("%s, %s, %s"):format(call, e[1], last)}
      end
    end
  end
  return all
end

local Sweep = {}
Sweep.__index = Sweep

function Sweep:start(kind, n)
  local last = kind.last == "all" and "0" or tostring(n)
  self.running[#self.running + 1] = {kind, n, orun.start{run = judged,
    input = {self.program, kind.call, tostring(kind.error), tostring(n), last}}}
  if #self.running >= SIDE then self:take() end
end

-- Wait for the oldest.
function Sweep:take()
  local kind, n, task = table.unpack(table.remove(self.running, 1))
  local r = TaskOutput(task)
  if r.status ~= "completed" then r.output = {refused = 1, wrong = {r.error}} end
  for _, line in ipairs(r.output.wrong) do
    self.wrong[#self.wrong + 1] = ("%s at %d: %s"):format(kind.name, n, line)
  end
  local refused = r.output.refused > 0
  kind.idle = refused and 0 or (kind.idle or 0) + 1
  self.runs = self.runs + (refused and 1 or 0)
end

function Sweep:rest() while #self.running > 0 do self:take() end end

-- `rounds` of them by chance, or (from 1,000 on) all.
local function run(rounds)
  local sweep = setmetatable({running = {}, wrong = {}, runs = 0,
                              program = h.tmpdir() .. "/refuse"}, Sweep)
  assert(h.sh("cc -std=c11 -o " .. h.quote(sweep.program) .. " spec/support/refuse.c").code == 0)
  local all = kinds()
  if rounds < 1000 then
    for _ = 1, rounds do
      local kind = all[math.random(#all)]
      sweep:start(kind, math.random(kind.most))
    end
  else
    for _, kind in ipairs(all) do
      local n = 0
      while (kind.idle or 0) < IDLE do
        n = n + 1
        sweep:start(kind, n)
      end
      sweep:rest()
    end
  end
  sweep:rest()
  for i = 1, math.min(#sweep.wrong, 8) do io.stderr:write(sweep.wrong[i], "\n") end
  return #sweep.wrong, sweep.wrong[1] or ("%d refused"):format(sweep.runs)
end

return {
  {
    name = "refused", promise = "ENOSPC, EIO, EROFS at each call: nothing shown is lost",
    rounds = 1000, short = 24, run = run,
  },
}
