--- orun.map: a function applied to every item, in parallel.
--
-- Small items are sent in chunks, so that starting a task costs little beside
-- the work in it. The first chunks hold one item each; what they cost is
-- measured, and later ones are made to take a few milliseconds. So a million
-- small items and ten slow ones are both spread well.
--
--     local orun = require "orun"
--     local squares = orun.map({1, 2, 3, 4}, function(n) return n * n end)
--     print(table.concat(squares, " "))  --> 1 4 9 16
--
--     local numbers = orun.map({"1", "x"}, function(text)
--       return tonumber(text) or error("no number", 0)
--     end, {on_failure = "go_on"})
--     print(numbers[1])                              --> 1
--     print(numbers.failed[1].index)                 --> 2
--     print(numbers.failed[1].error)                 --> no number
--
-- A program or an agent in the place of the function, with the item in its fields or, when
-- none of them is a function, as its input:
--
--     local words = orun.map({"a", "bb"}, {command = function(word)
--       return {"printf", "%s", word}
--     end})
--     print(words[2])                                --> bb
--
-- Glossary
--   range   consecutive items, {first, last}
--   chunk   the range one task works off
--   window  how many chunks may be under way; it grows while they only wait

local check = require "orun.util.check"
local launch = require "orun.pattern.launch"
local numbers = require "orun.pattern.numbers"
local orun = require "orun"
local pattern = require "orun.pattern.run"
local Ranges = require "orun.pattern.ranges"
local skipping = require "orun.util.skipping"

local OPTIONS <const> = pattern.options{errors = {now = 'on_failure = "go_on"'}}

--- Seconds after which a chunk gives back what it has not done, and the items
--- between two looks at the clock.
local MOST <const> = 0.03
local STRIDE <const> = 8

--- Seconds in which no chunk ended, after which more are started.
local PATIENCE <const> = 0.005

--- The function of a chunk's task: fn for each of chunk.items.
local function worker_of(fn, go_on)
  return function(chunk)
    local items, before, n = chunk.items, chunk.first - 1, chunk.n
    local out, failures, skips, at = {}, {}, {}, 0
    local began = orun.ticks()
    local function work()
      local call, from, to, now = fn, items, out, orun.ticks
      repeat
        for i = at + 1, math.min(at + STRIDE, n) do
          at = i
          to[i] = call(from[i], before + i)
        end
      until at == n or now() - began > MOST
    end
    local ok, why, skip
    repeat
      ok, why = pcall(work)
      if not ok and orun.stopping() then error(why, 0) end
      skip = not ok and skipping.reason(why)
      if skip then
        skips[before + at] = skip
      elseif not ok then
        local told = type(why) == "table" and why or {}
        failures[#failures + 1] = {index = before + at, error = tostring(why),
          error_kind = rawget(told, "kind") or "lua", output = rawget(told, "partial")}
      end
    until ok or not (go_on or skip) or at == n
    return {
      out = out, done = at, failures = failures, skips = skips, seconds = orun.ticks() - began,
    }
  end
end

--- Items in chunks, each a task.
local Chunks = {}
Chunks.__index = Chunks

function Chunks:start(first, last)
  local chunk = {first = first, n = last - first + 1}
  chunk.items = table.move(self.items, first, last, 1, {})
  local range = {first, last}
  local handle, why = launch.start(launch.spec({run = self.run, input = chunk,
    slot = self.numbers and self.numbers:take(range),
    description = first == last and launch.title(chunk.items[1])
      or ("items %d to %d"):format(first, last)}, self.opts.defaults))
  if not handle then return why end
  self.collector:add(handle)
  self.handles[handle.id], self.flying[handle.id] = handle, range
  self.count = self.count + 1
end

--- An item is over.
-- @param failure  {index, error, error_kind}, or nil when it has this output
-- @param skipped  why it was skipped, or nil
function Chunks:over(index, output, failure, skipped)
  local opts = self.opts
  local result = {index = index, ok = not failure, status = failure and "failed" or "completed",
    output = output, error = failure and failure.error,
    error_kind = failure and failure.error_kind, skipped = skipped}
  self.seen[index] = true
  if failure then
    self.failed[#self.failed + 1] = result
    if not self.go_on then self.ranges:cut(opts.on_failure and 1 or index) end
    self.halted = self.halted or opts.on_failure and not self.go_on
    if opts.on_failure == "stop" then launch.stop(self.handles) end
  else
    self.outputs[opts.order == "done" and self.counts.done + 1 or index] = output
  end
  self.counted(failure and "failed" or "done", result, index)
end

function Chunks:finish(result, first, last)
  local status = orun.peek(result, "status")
  if status == "cancelled" and self.halted then return end
  if status ~= "completed" then
    return self:over(first, nil, {error = result.error, error_kind = result.error_kind})
  end
  local got, failures = result.output, {}
  for _, failure in ipairs(got.failures) do failures[failure.index] = failure end
  if self.singly or got.failures[1] then
    for i = first, first + got.done - 1 do
      local failure = failures[i]
      self:over(i, failure and failure.output or got.out[i - first + 1], failure, got.skips[i])
    end
  else
    table.move(got.out, 1, got.done, first, self.outputs)
  end
  local rest = first + got.done
  if rest <= last and (self.go_on or #got.failures == 0) then
    self.ranges:give_back(rest, last)
  end
  self.ranges:learn(got.done, got.seconds)
end

--- Starts the chunks there is room for; Task's message when it refuses one.
function Chunks:fill()
  while self.count < self.window do
    local first, last = self.ranges:take()
    local why = first and self:start(first, last)
    if why or not first then return why end
  end
end

--- The longest wait for the next chunk, and whether the time of all runs out by then.
function Chunks:patience(deadline)
  local left = deadline and math.max(0, deadline - orun.ticks())
  local short = self.ranges.left > 0 and not self.opts.limit and PATIENCE
  if short and not (left and left < short) then return short, false end
  return left, left ~= nil
end

--- All that failed, and what was never done.
function Chunks:failures()
  for i = 1, self.halted and self.counts.total or 0 do
    if not self.seen[i] then
      self.failed[#self.failed + 1] = {index = i, ok = false, status = "cancelled",
        error = "not done: " .. (self.outputs.timed_out and "the time ran out"
          or "another item failed"), error_kind = "cancelled"}
    end
  end
  return self.failed
end

--- Calls `fn` for every item.
-- @return the outputs, and the failures; or nil and what Task said
local function map_chunks(items, n, fn, opts)
  local go_on, workers = opts.on_failure == "go_on", orun.config().workers
  local counted, counts = pattern.counter(opts.each, opts.progress, n)
  local self = setmetatable({items = items, opts = opts, go_on = go_on, outputs = {}, failed = {},
    run = worker_of(fn, go_on), ranges = Ranges.new(n, workers), collector = orun.collector{},
    handles = {}, flying = {}, count = 0, window = opts.limit or 2 * workers,
    numbers = opts.limit and numbers(),
    singly = opts.each or opts.progress or opts.timeout or opts.order == "done"
      or opts.on_failure and not go_on, seen = {}, counted = counted, counts = counts}, Chunks)
  local deadline = opts.timeout and orun.ticks() + check.seconds(opts.timeout)
  local _ <close> = launch.guard(self.handles)
  while true do
    local why = self:fill()
    if why then
      launch.stop(self.handles)
      return nil, why
    end
    if self.count == 0 then return self.outputs, self:failures() end
    local wait, last = self:patience(deadline)
    local result = self.collector:next(wait)
    if result then
      local id = result.task_id
      local range = self.flying[id]
      self.handles[id], self.flying[id], self.count = nil, nil, self.count - 1
      if self.numbers then self.numbers:free(range) end
      self:finish(result, range[1], range[2])
    elseif last then
      self.outputs.timed_out, self.halted, deadline = true, true, nil
      self.ranges:cut(1)
      launch.stop(self.handles)
    else
      self.window = self.window * 2
    end
  end
end

--- A task for every item: a program, or an agent.
-- @return as map_chunks
local function map_tasks(items, n, fields, opts)
  local taken = fields.input ~= nil
  for _, v in next, fields do taken = taken or type(v) == "function" end
  local spec = launch.spec(fields, opts.defaults)
  local results, why = pattern.run{name = "items", n = n, opts = opts, spec = function(i)
    if i > n then return nil end
    local one = launch.filled(spec, function() return items[i] end, i)
    if not taken then one.input = items[i] end
    local title = launch.title(items[i])
    if title and type(spec.command) ~= "function" then
      one.description = one.description or title
    end
    return launch.described(one, nil, ("item %d"):format(i))
  end}
  if not results then return nil, why end
  local outputs = {timed_out = results.timed_out}
  for i, result in ipairs(results) do
    if orun.peek(result, "status") == "completed" then outputs[i] = result.output end
  end
  return outputs, orun.peek(results, "failed")
end

--- The outputs as an array with `ok` and `failed`. When all went well these are not among
--- its keys: to JSON, and to a task, it is a plain array.
local function array_of(outputs, failed)
  if #failed == 0 and not outputs.timed_out then
    return setmetatable(outputs, {__index = {ok = true, failed = failed}})
  end
  table.sort(failed, function(a, b) return a.index < b.index end)
  outputs.ok, outputs.failed = false, failed
  return orun.unread(outputs, {"ok", "failed"})
end

--- Calls a function, or runs a program, for every item, in tasks.
-- @param items  array of values
-- @param fn     function(item, index) -> output; it runs in a task, so what it
--               captures is copied, and it cannot change the caller's variables;
--               or a table of Task fields with `command` or `subagent_type`, one task an
--               item, of which prompt, cwd, description and command may be functions of
--               (item, index), called in the caller; when none is, the item is the input
-- @param opts   table or nil: the options of all patterns (see the README).
--   limit       how many items at once; default: enough for all workers, and more when
--               they are found to wait; of programs: as their slots allow
--   on_failure  unless given, what the first item to fail, by index, raised is raised
--               when all tasks have ended
-- @return array of outputs in the items' order, nil where fn returned nil or failed; with
--   `ok`, and `failed`: the array of {index, status, error, error_kind}, by index
-- Raises what fn raised, with the item's index, unless on_failure is given.
local function map(items, fn, opts)
  local n = check.array("orun.map", "items", items)
  local doer = type(fn) == "table" and launch.doer(fn)
  if type(fn) ~= "function" and (not doer or doer == "run") then
    error(check.message("orun.map", "fn", fn, "expected a function, or a table with command "
      .. "or subagent_type"), 2)
  end
  opts = check.options("orun.map", opts, OPTIONS)
  local outputs, failed = (doer and map_tasks or map_chunks)(items, n, fn, opts)
  if not outputs then error("orun.map: " .. failed, 2) end
  outputs = array_of(outputs, failed)
  if failed[1] and not opts.on_failure then
    local first = outputs.failed[1]
    error(("orun.map: items[%d]: %s"):format(first.index, first.error), 2)
  end
  return outputs
end

return map
