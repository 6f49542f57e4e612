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
--     local outputs, failures = orun.map({"1", "x"}, function(text)
--       return tonumber(text) or error("no number", 0)
--     end, {errors = "return"})
--     print(outputs[1])                              --> 1
--     print(failures[1].index)                       --> 2
--     print(failures[1].error)                       --> no number
--
-- Glossary
--   range   consecutive items, {first, last}
--   chunk   the range one task works off
--   window  how many chunks may be under way; it grows while they only wait

local check = require "orun.util.check"
local launch = require "orun.pattern.launch"
local orun = require "orun"
local Ranges = require "orun.pattern.ranges"

local OPTIONS <const> = {limit = "count", errors = {"raise", "return"}}

--- Seconds after which a chunk returns what it has not done, and the items
--- between two looks at the clock.
local MOST <const> = 0.03
local STRIDE <const> = 8

--- Seconds in which no chunk ended, after which more are started.
local PATIENCE <const> = 0.005

--- The function of a chunk's task: fn for each of chunk.items.
local function worker_of(fn, go_on)
  return function(chunk)
    local items, before, n = chunk.items, chunk.first - 1, chunk.n
    local out, failures, at = {}, {}, 0
    local began = orun.now()
    local function work()
      local call, from, to, now = fn, items, out, orun.now
      repeat
        for i = at + 1, math.min(at + STRIDE, n) do
          at = i
          to[i] = call(from[i], before + i)
        end
      until at == n or now() - began > MOST
    end
    local ok, why
    repeat
      ok, why = pcall(work)
      if not ok and orun.stopping() then error(why, 0) end
      if not ok then failures[#failures + 1] = {index = before + at, error = tostring(why)} end
    until ok or not go_on or at == n
    return {out = out, done = at, failures = failures, seconds = orun.now() - began}
  end
end

--- The function that runs a program on an item: the item is its standard input, what it
--- prints the output.
local function program_of(spec)
  return function(item, index)
    local task = {}
    for field, v in next, spec do task[field] = v end
    task.input, task.run_in_background = item, nil
    task.description = task.description or ("item %d"):format(index)
    local result = orun.Task(task)
    return result.status == "completed" and result.output or error(result.error, 0)
  end
end

--- What is called for each item; nil when `fn` is neither.
local function called(fn)
  if type(fn) == "function" then return fn end
  local spec = type(fn) == "table" and launch.doer(fn) == "command" and launch.spec(fn)
  return spec and spec.input == nil and program_of(spec) or nil
end

--- Calls a function, or runs a program, for every item, in tasks.
-- @param items  array of values
-- @param fn     function(item, index) -> output; it runs in a task, so what it
--               captures is copied, and it cannot change the caller's variables;
--               or a table of Task fields with `command` and without `input`: a
--               program, to which each item is the standard input
-- @param opts   table or nil:
--   errors  "raise" (default): what the first item to fail, by index, raised is
--           raised when all tasks have ended; "return": failures are returned
--   limit   how many chunks may be under way; default: enough for all workers,
--           and more when they are found to wait
-- @return array of outputs in the items' order (nil where fn returned nil or
--   failed); with errors = "return" also the array of {index, error}, by index
-- Raises what fn raised, with the item's index, unless told to return it.
local function map(items, fn, opts)
  local n = check.array("orun.map", "items", items)
  local call = called(fn)
  if not call then
    error(check.message("orun.map", "fn", fn, "expected a function, or {command = {...}} "
      .. "without input"), 2)
  end
  opts = check.options("orun.map", opts, OPTIONS)
  local go_on = opts.errors == "return"
  local run, workers = worker_of(call, go_on), orun.config().workers
  local ranges, window = Ranges.new(n, workers), opts.limit or 2 * workers
  local outputs, failures, flying, handles, count = {}, {}, {}, {}, 0
  local collector = orun.collector{}
  local _ <close> = launch.guard(handles)

  local function start(first, last)
    local chunk = {first = first, n = last - first + 1}
    chunk.items = table.move(items, first, last, 1, {})
    local handle, why = launch.start{run = run, input = chunk, run_in_background = true,
      description = ("items %d to %d"):format(first, last)}
    if not handle then return why end
    collector:add(handle)
    handles[handle.id], flying[handle.id], count = handle, {first, last}, count + 1
  end

  local function fail(index, why)
    failures[#failures + 1] = {index = index, error = why}
    if not go_on then ranges:cut(index) end
  end

  local function finish(result, first, last)
    local got = result.output
    if result.status ~= "completed" then return fail(first, result.error) end
    table.move(got.out, 1, got.done, first, outputs)
    for _, failure in ipairs(got.failures) do fail(failure.index, failure.error) end
    local rest = first + got.done
    if rest <= last and (go_on or #got.failures == 0) then ranges:give_back(rest, last) end
    ranges:learn(got.done, got.seconds)
  end

  while true do
    while count < window do
      local first, last = ranges:take()
      if not first then break end
      local why = start(first, last)
      if why then error("orun.map: " .. why, 2) end
    end
    if count == 0 then break end
    local result = collector:next(ranges.left > 0 and not opts.limit and PATIENCE or nil)
    if result then
      local id = result.task_id
      local range = flying[id]
      handles[id], flying[id], count = nil, nil, count - 1
      finish(result, range[1], range[2])
    else
      window = window * 2
    end
  end
  table.sort(failures, function(a, b) return a.index < b.index end)
  if go_on then return outputs, failures end
  if failures[1] then
    error(("orun.map: items[%d]: %s"):format(failures[1].index, failures[1].error), 2)
  end
  return outputs
end

return map
