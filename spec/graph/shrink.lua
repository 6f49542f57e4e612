--- Makes a failing list of steps (graph.lua) as short and plain as it goes, and
--- prints it.

local M = {}

--- Play steps, then everything to its end. Gives the broken promise (nil: all
--- were kept) and the steps that were done up to there. `more(graph)` is asked
--- after each step, too.
function M.play(slots, steps, more)
  local g = require("spec.graph.graph").new(slots)
  if more then
    local check = g.check
    function g.check(self) check(self) more(self) end
  end
  local ok, why = xpcall(function()
    for _, step in ipairs(steps) do g:play(step) end
    g:drain()
  end, function(e)
    return type(e) == "table" and e.promise or debug.traceback(e)
  end)
  return not ok and why or nil, g.trace
end

-- Two failures are one when they differ in numbers only: what is looked for
-- must not slip into something else on the way.
local function kind_of(why)
  return why and why:match("^[^\n]*"):gsub("%d+", "#")
end

-- ---- what can be left out of a step, or be plainer ----

local function without(t, key)
  local copy = {}
  for k, v in pairs(t) do copy[k] = v end
  if math.type(key) then table.remove(copy, key) else copy[key] = nil end
  return copy
end

local plainer <const> = {}

function plainer.add(step)
  local all, options = {}, step[3]
  local keys = {}
  for key in pairs(options) do keys[#keys + 1] = key end
  table.sort(keys)
  for _, key in ipairs(keys) do
    if key ~= "kind" then all[#all + 1] = { "add", step[2], without(options, key) } end
  end
  for _, key in ipairs { "blockers", "writes" } do
    for i = 1, options[key] and #options[key] or 0 do
      local fewer = without(options, key)
      fewer[key] = without(options[key], i)
      all[#all + 1] = { "add", step[2], fewer }
    end
  end
  if options.kind == "process" then
    local other = without(options, "kind")
    other.kind = "lua"
    all[#all + 1] = { "add", step[2], other }
  end
  return all
end

function plainer.finish(step)
  return { { "finish", step[2], "completed", step[4] }, { "finish", step[2], step[3] },
           { "finish", step[2], "failed" } }
end

function plainer.answer(step)
  return { { "answer", step[2] } }
end

function plainer.wait(step)
  return { { "wait", step[2], step[3] }, { "wait", step[2], "time", step[4] or 1 } }
end

function plainer.block(step)
  local all = {}
  for i = 2, #step do all[#all + 1] = without(step, i) end
  return all
end

function plainer.advance(step)
  return { { "advance", 0 }, { "advance", 1 }, step[2] > 1 and { "advance", 60 } or nil }
end

function plainer.slots(step)
  return { { step[1], step[2], 1 }, { step[1], step[2], 2 } }
end

plainer.limit = plainer.slots

local function same(a, b)
  if type(a) ~= "table" or type(b) ~= "table" then return a == b end
  for k, v in pairs(a) do if not same(v, b[k]) then return false end end
  for k in pairs(b) do if a[k] == nil then return false end end
  return true
end

-- ---- shrinking ----

local Shrink <const> = {}
Shrink.__index = Shrink

-- Does it still fail so? Then it is what is gone on with, and so are the
-- steps that were really done.
function Shrink:try(slots, steps)
  if self.left == 0 then return false end
  self.left = self.left - 1
  local why, trace = self.play(slots, steps)
  if kind_of(why) ~= self.kind then return false end
  self.slots, self.why, self.trace = slots, why, trace
  self.steps = table.move(trace, 1, math.min(#trace, #steps), 1, {})
  return true
end

-- Leave out runs of `size` steps, from the last to the first.
function Shrink:drop(size)
  local dropped = false
  local at = #self.steps - size + 1
  while at > -size + 1 do
    local from, fewer = math.max(at, 1), {}
    for i, step in ipairs(self.steps) do
      if i < from or i >= at + size then fewer[#fewer + 1] = step end
    end
    dropped = self:try(self.slots, fewer) or dropped
    at = math.min(at - size, #self.steps - size + 1)
  end
  return dropped
end

function Shrink:simplify()
  local simpler = false
  for i = #self.steps, 1, -1 do
    local other = plainer[(self.steps[i] or {})[1]]
    for _, step in ipairs(other and other(self.steps[i]) or {}) do
      local steps = table.move(self.steps, 1, #self.steps, 1, {})
      steps[i] = step
      if self.steps[i] and not same(step, self.steps[i]) then
        simpler = self:try(self.slots, steps) or simpler
      end
    end
  end
  return simpler
end

-- Fewer pools, and one slot in each.
function Shrink:narrow()
  for _, key in ipairs { "manual", "no_ladder", "history", "durable" } do
    if self.slots[key] then self:try(without(self.slots, key), self.steps) end
  end
  for _, key in ipairs { "lua", "process" } do
    local slots = without(self.slots, key)
    slots[key] = 1
    if self.slots[key] > 1 then self:try(slots, self.steps) end
  end
  for _, key in ipairs { "limits", "agents" } do
    for _, name in ipairs { "a", "b", "x", "y" } do
      local slots = without(self.slots, key)
      slots[key] = without(slots[key] or self.slots[key], name)
      if self.slots[key][name] then self:try(slots, self.steps) end
    end
  end
end

--- Make a failure smaller. `play(slots, steps)` gives why and a trace, as
--- M.play (which is taken unless told), and is called 3000 `times` at most.
--- Gives slots, steps, why; nil when these steps do not fail.
function M.shrink(slots, steps, play, times)
  local self = setmetatable({ play = play or M.play, left = times or 3000 }, Shrink)
  self.kind = kind_of((self.play(slots, steps)))
  if not self.kind or not self:try(slots, steps) then return nil end
  repeat
    local before, size = #self.steps, #self.steps // 2
    while size > 0 do
      self:drop(size)
      size = size // 2
    end
    self:narrow()
    local simpler = self:simplify()
  until #self.steps == before and not simpler
  return self.slots, self.trace, self.why
end

-- ---- printing, as lines of a unit spec ----

-- `names` has what each task is called; without it tasks stay numbers.
local function literal(value, names)
  if type(value) == "string" then return ("%q"):format(value) end
  if type(value) ~= "table" then
    return type(value) == "number" and ("%.14g"):format(value) or tostring(value)
  end
  local parts, keys = {}, {}
  for key in pairs(value) do
    if not math.type(key) then keys[#keys + 1] = key end
  end
  table.sort(keys)
  for _, key in ipairs(keys) do
    local inner = value[key]
    if names and key == "parent" then
      inner = names[inner]
    elseif names and key == "blockers" then
      local all = {}
      for i, name in ipairs(inner) do all[i] = names[name] end
      inner = "{ " .. table.concat(all, ", ") .. " }"
    else
      inner = literal(inner, names)
    end
    parts[#parts + 1] = key .. " = " .. inner
  end
  for _, inner in ipairs(value) do parts[#parts + 1] = literal(inner, names) end
  return #parts > 0 and "{ " .. table.concat(parts, ", ") .. " }" or "{}"
end

--- A step, or slots, as text that `load` takes.
function M.text(value)
  return "return " .. literal(value)
end

local line <const> = {}

function line.add(step, names)
  return ("local %s = sim:add %s"):format(names[step[2]], literal(step[3], names))
end

function line.finish(step, names)
  return ("sim:%s(%s, %q)"):format(step[4] and "finish_next" or "finish", names[step[2]], step[3])
end

function line.wait(step, names)
  local what = step[3]
  if type(what) == "number" then
    what = names[what]
  elseif type(what) == "table" then
    what = "c" .. what[1]
  else
    what = ("%q"):format(what)
  end
  return ("sim:wait(%s, %s%s)"):format(what, names[step[2]],
    step[4] and (", %.14g"):format(step[4]) or "")
end

-- A look or a seal: which of them is known by who plays it.
function line.answer(step, names)
  if step[3] then return ("sim:looked(%s, %q)"):format(names[step[2]], step[3]) end
  return ("sim:answer(%s)"):format(names[step[2]])
end

function line.late(step, names)
  return ("sim:late(%s, 1) -- any attempt that is over"):format(names[step[2]])
end

function line.collect(step, names)
  local all = {}
  for _, name in ipairs(step[3]) do
    if names[name] then all[#all + 1] = names[name] end
  end
  return ("local c%d = sim:collector { %s }"):format(step[2], table.concat(all, ", "))
end

function line.take(step)
  return ("while c%d:next() do end"):format(step[2])
end

function line.claim(step, names)
  if step[3] then return ("sim:claim(%s, %s)"):format(names[step[3]], names[step[2]]) end
  return ("sim:claim_next(%s)"):format(names[step[2]])
end

function line.resolve(step, names)
  return ("sim:resolve(%s, %s, %q)"):format(names[step[2]], names[step[3]], step[4])
end

function line.release(step, names)
  return ("sim:release(%s, %s)"):format(names[step[2]], names[step[3]])
end

function line.block(step, names)
  local all = {}
  for i = 2, #step do
    all[#all + 1] = ("{ %s, %s }"):format(names[step[i][1]], names[step[i][2]])
  end
  return ("sim:block { %s }"):format(table.concat(all, ", "))
end

function line.priority(step, names)
  return ("sim:priority(%s, %d)"):format(names[step[2]], step[3])
end

for _, name in ipairs { "stop", "begin" } do
  line[name] = function(step, names) return ("sim:%s(%s)"):format(name, names[step[2]]) end
end

for _, name in ipairs { "op_done", "cancel_all", "close", "drain" } do
  line[name] = function() return ("sim:%s()"):format(name) end
end

for _, name in ipairs { "limit", "slots" } do
  line[name] = function(step) return ("sim:%s(%q, %d)"):format(name, step[2], step[3]) end
end

function line.hurry(step)
  return ("sim:hurry(%s)"):format(step[2])
end

function line.advance(step)
  return ("sim:advance(%.14g)"):format(step[2])
end

-- The pools a sim of these slots is given by calls of their own.
local function head(slots)
  local all = { "local sim = new " .. literal({
    lua = slots.lua, process = slots.process, manual = slots.manual,
    no_ladder = slots.no_ladder, durable = slots.durable }) }
  for _, each in ipairs { { "limits", "limit" }, { "agents", "agent" } } do
    for _, name in ipairs { "a", "b", "x", "y" } do
      local cap = slots[each[1]][name]
      if cap then all[#all + 1] = ("sim:%s(%q, %d)"):format(each[2], name, cap) end
    end
  end
  return all
end

--- The steps as lines to paste into a unit spec (where `new` is that of
--- spec.support.sim). Tasks are called by the ids they have then.
function M.lines(slots, steps)
  local all, names, count = head(slots), { [0] = "0" }, 0
  for _, step in ipairs(steps) do
    if step[1] == "add" then
      count = count + 1
      names[step[2]] = "t" .. count
    end
    all[#all + 1] = line[step[1]](step, names)
  end
  return all
end

return M
