--- orun.pattern.run: starts tasks as there is room, and collects their results.
--
-- Not for scripts: fan_out, batches, pipeline, race and quorum are built on it, so
-- that the options in OPTIONS mean the same in each of them.
--
-- Glossary
--   place    an item's number, from 1; its result is results[place]
--   stage    an item may need several tasks, one after another: stages 1, 2, ...
--   halt     nothing more is started: the time ran out, or a task failed

local check = require "orun.util.check"
local format = require "orun.util.format"
local launch = require "orun.pattern.launch"
local numbers = require "orun.pattern.numbers"
local orun = require "orun"
local summary = require "orun.pattern.summary"

local M = {}

--- The options that every pattern has:
--   limit       how many at once (default: all are started, and queue for the slots of
--               their limits; of a function that gives the next one: twice the workers);
--               those that run have the numbers 1 to limit (Task's `slot`)
--   timeout     the longest time for all of it; what runs then is stopped
--   each        function(result, place), called in the caller as each ends
--   order       "input" (default): results[i] belongs to item i; "done": the first to
--               end comes first
--   on_failure  "go_on" (default); "drain": after a failure nothing more is started;
--               "stop": what runs is stopped, too
--   defaults    Task fields for specs that do not set them
--   progress    function{done, failed, cancelled, skipped, total, seconds}, called as each
--               ends; those skipped are among the done. true: a line on stderr instead
M.OPTIONS = {limit = "count", timeout = "duration", each = "function",
  order = {"input", "done"}, on_failure = {"go_on", "drain", "stop"}, defaults = "table",
  progress = "hook"}

--- Those options and others, for check.options.
function M.options(more)
  local known = {}
  for _, from in ipairs{M.OPTIONS, more or {}} do
    for name, kind in next, from do known[name] = kind end
  end
  return known
end

--- Prints a line on stderr about counts, as `progress` gets them.
-- @param what  what has come so far: "batch 1/3", "7/10"
function M.report(what, counts)
  local rest = counts.cancelled > 0 and (", %d cancelled"):format(counts.cancelled) or ""
  if counts.skipped > 0 then rest = (", %d skipped"):format(counts.skipped) .. rest end
  orun.log(("%s: %d done, %d failed%s, %s"):format(what, counts.done, counts.failed, rest,
    format.duration(counts.seconds)))
end

local function report(counts)
  local over = counts.done + counts.failed + counts.cancelled
  M.report(counts.total and ("%d/%d"):format(over, counts.total) or tostring(over), counts)
end

--- What counts the ends of items, and calls `each` and `progress`.
-- @param each, progress  the options, or nil
-- @param total  how many items there are, nil: unknown
-- @return function(field, result, i), where field is "done", "failed" or "cancelled"; and the
--         counts, as `progress` gets them
function M.counter(each, progress, total)
  local began = orun.ticks()
  if progress == true then progress = report end
  local counts = {done = 0, failed = 0, cancelled = 0, skipped = 0, total = total}
  return function(field, result, i)
    counts[field], counts.seconds = counts[field] + 1, orun.ticks() - began
    if field == "done" and result.skipped then counts.skipped = counts.skipped + 1 end
    if each then each(result, i) end
    if progress then progress(counts) end
  end, counts
end

local Run = {}
Run.__index = Run

--- Starts the task of a stage; its message when Task refuses it.
function Run:start(i, stage, spec)
  local place = {i, stage}
  if self.numbers then spec.slot = spec.slot or self.numbers:take(place) end
  local handle, why = launch.start(spec)
  if not handle then return why end
  self.handles[handle.id], self.place[handle.id] = handle, place
  self.flying = self.flying + 1
  self.collector:add(handle)
  if self.job.handles then self.job.handles[i] = handle end
end

--- Starts what there is room for; what is wrong with a spec.
function Run:fill()
  local job = self.job
  while not self.halted and not self.all and self.flying < self.limit do
    local i = self.started + 1
    if job.alone and self.flying > 0 and job.alone(i) then return end
    local spec, why = job.spec(i)
    if not spec then
      self.all = true
      return why
    end
    why = self:start(i, 1, spec)
    if why then return ("%s: %s"):format(job.named and job.named(i) or
      ("%s[%d]"):format(job.name, i), why) end
    self.started = i
  end
end

--- Starts nothing more, and stops what runs unless it may end.
function Run:halt(why, may_end)
  self.halted = self.halted or why
  if not may_end then launch.stop(self.handles) end
end

--- Counts an item's result, and what follows from it.
function Run:count(result, i)
  local job, opts = self.job, self.job.opts
  result.index = i
  local status = orun.peek(result, "status")
  local good = status == "completed" and not (job.enough and result.skipped)
    and (not opts.accept or opts.accept(result))
  if not good then self.failed[#self.failed + 1] = result end
  if (good or not job.enough) and not self.forgets then
    self.results[(opts.order == "done" or job.enough) and #self.results + 1 or i] = result
  end
  self.over(good and "done" or status == "cancelled" and status or "failed", result, i)
  if job.progress then job.progress(result, i) end
  if not good and (opts.on_failure or "go_on") ~= "go_on" then
    self:halt(("%s failed (on_failure = \"%s\")"):format(
      orun.peek(result, "description") or i, opts.on_failure), opts.on_failure == "drain")
  end
end

--- The result of what was never started.
function Run:left_out(i, spec)
  return {index = i, status = "cancelled", ok = false, error_kind = "cancelled",
    error = "not started: " .. self.halted, description = spec and spec.description}
end

--- A task has ended: its item's next stage, or its result.
function Run:ended(result)
  local job, id = self.job, result.task_id
  local place = self.place[id]
  local i, stage = place[1], place[2]
  local handle = self.handles[id]
  self.handles[id], self.place[id], self.flying = nil, nil, self.flying - 1
  if self.numbers then self.numbers:free(place) end
  if job.after and orun.peek(result, "status") == "completed" and not result.skipped then
    local spec, why = job.after(i, stage, handle)
    if why then return ("stage %d: %s"):format(stage + 1, why) end
    if spec and not self.halted then
      why = self:start(i, stage + 1, spec)
      return why and ("stage %d: %s"):format(stage + 1, why)
    end
    if spec then result, stage = self:left_out(i, spec), stage + 1 end
  end
  if job.after then result.stage = stage end
  self:count(result, i)
end

--- Can it still come to enough results, or has it?
function Run:decided()
  local enough, counts = self.job.enough, self.counts
  if not enough then return false end
  return counts.done >= enough or self.job.n - counts.failed - counts.cancelled < enough
end

--- The results of items that were never started.
function Run:leave_out()
  local job = self.job
  for i = self.started + 1, job.n or 0 do
    local result = self:left_out(i, (job.spec(i)))
    self.results[job.opts.order == "done" and #self.results + 1 or i] = result
    self.failed[#self.failed + 1] = result
  end
end

--- Runs what a pattern is asked to.
-- @param job  table:
--   name    what messages call the source: "specs"
--   n       how many items there are; nil: until `spec` gives nil
--   spec    function(i) -> the spec of item i; or nil at the end; or nil and what is wrong
--   after   function(i, stage, handle) -> the spec of its next stage, or nil; optional
--   alone   function(i): may item i start only when all before it have ended? Optional
--   handles  table to keep the handle of item i in; optional
--   named   function(i) -> what a message calls its spec; optional
--   enough  so many good results, and the rest is stopped; optional
--   progress  function(result, i) in place of the option's own; optional
--   opts    options, checked
-- @return array of results with `failed`, `ok` and `timed_out`; or nil and what is wrong
--   with a spec, when what had been started is stopped. With `enough` the array has the
--   good results only, in the order they ended, and a second table has the handles of
--   those that were stopped.
function M.run(job)
  local opts = job.opts
  local over, counts = M.counter(opts.each, not job.progress and opts.progress, job.n)
  local self = setmetatable({job = job, results = {}, failed = {}, handles = {}, place = {},
    collector = orun.collector{}, started = 0, flying = 0, over = over, counts = counts,
    forgets = not job.n and opts.each, numbers = opts.limit and numbers(),
    limit = opts.limit or job.n or 2 * orun.config().workers}, Run)
  local deadline = opts.timeout and orun.ticks() + check.seconds(opts.timeout)
  local _ <close> = launch.guard(self.handles)
  while true do
    local why = self:fill()
    if not why and self.flying == 0 then break end
    local result, late
    if not why then
      result, late = self.collector:next(deadline and math.max(0, deadline - orun.ticks()))
      if result then why = self:ended(result) end
    end
    if why then
      launch.stop(self.handles)
      return nil, why
    end
    if late then
      self.results.timed_out, deadline = true, nil
      self:halt(("the time of %s ran out"):format(opts.timeout))
    end
    if self:decided() or late and job.enough then break end
  end
  if job.enough then
    local good = self.results
    launch.stop(self.handles)
    good.failed, good.ok = self.failed, #good >= job.enough
    return good, self.handles
  end
  if self.halted then self:leave_out() end
  if opts.order ~= "done" then
    table.sort(self.failed, function(a, b) return a.index < b.index end)
  end
  return summary(self.results, self.failed)
end

return M
