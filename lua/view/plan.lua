--- orun.view.plan: the output of `orun plan`, a dry run with stubbed agents.
--
-- The value is lines of "NAME VALUE" (see options.c): slots 1,2,5,10; overhead SECONDS;
-- no-functions; json; resume; dot FILE (without a file: on standard output, instead of the text).
-- With --json it is one object:
--
--   tasks        array of {id, parent, kind, agent, description, key, file, line, blockedBy,
--                waits_for (ids that the code that starts it reads just before, the last 20
--                to end of more), expected in seconds, source ("key", "agent", "line": from
--                earlier runs; "now": it ran; "fresh": it need not, as "kept"; "assumed"),
--                cost, from and to: with no limit, in seconds}
--   critical_path  ids;  span  its seconds: no number of slots takes less
--   work         seconds, one task after the other
--   slots        array of {slots, seconds, speedup}
--   pays_from, enough   slots from which on it is faster than one after the other, and from
--                which on more bring nothing; missing: none of up to 64
--   programs     true when the number of slots matters: a task is a program
--   cost, cost_unknown   US dollars; agents' tasks without a figure
--   unknown, assumed     tasks of which no duration is known; what each is taken to take
--   items        list items, which are not part of it
--
-- With --resume each task has, too:
--
--   again        what becomes of it if the run is gone on with: "kept", its result is taken over;
--                or it runs: "differs" from what was kept; "after" another, or ("parent") started
--                by one that does; "retry", its result is not taken over; "new"; "uncached";
--                "unknown"; "unkept", no results of such tasks are kept; or it is "blocked",
--                and never begins
--   differs      in what, as in "prompt, reads src/a.c"; missing: in nothing
--   because      ids: of the one meant by "after" and "parent"; of "differs", those that run,
--                too, and whose results the code had read just before it started the task

local forecast = require "orun.plan.forecast"
local json = require "orun.json"
local json_line = require "orun.util.json_line"
local refusal = require "orun.util.refusal"
local sink = require "orun.util.sink"
local text = require "orun.plan.text"

local SLOTS <const> = {1, 2, 5, 10}
local SHOWN <const> = 20 -- tasks whose results another waits for, at most

-- "slots 1,2\njson \n" -> {slots = {1, 2}, json = ""}
local function options_of(value)
  local options = {}
  for name, rest in value:gmatch("([%w_-]+) ([^\n]*)\n") do options[name] = rest end
  local slots = {}
  for n in (options.slots or ""):gmatch("%d+") do slots[#slots + 1] = math.tointeger(n) end
  options.slots = #slots > 0 and slots or SLOTS
  options.overhead = tonumber(options.overhead)
  return options
end

-- By id: the tasks its parent's code had read just before it started that one.
local function reads_before(steps)
  local before = {}
  for _, list in pairs(steps) do
    local reads, fresh = {}, false
    for _, step in ipairs(list) do
      if step.add then
        before[step.add.id], fresh = reads, true
      else
        if fresh then reads, fresh = {}, false end
        reads[#reads + 1] = step.read
      end
    end
  end
  return before
end

-- Of very many the last to end, without any limit.
local function last_of(reads, to)
  if #reads <= SHOWN then return reads end
  local all = table.move(reads, 1, #reads, 1, {})
  table.sort(all, function(a, b)
    local x, y = to[a.id] or 0, to[b.id] or 0
    if x ~= y then return x > y end
    return a.nth < b.nth
  end)
  return table.move(all, 1, SHOWN, 1, {})
end

-- The ids of what a task waits for beside its blockers: not what those waited for, too.
local function waits_for(t, before, lasts)
  local ids, known = json.array{}, {}
  for _, b in ipairs(t.blockers) do
    for _, r in ipairs(before[b.id] or {}) do known[r.id] = true end
    known[b.id] = true
  end
  for _, r in ipairs(lasts[before[t.id]] or {}) do
    if not known[r.id] and r.kind ~= "item" then
      known[r.id] = true
      ids[#ids + 1] = r.id
    end
  end
  return ids
end

-- All there is to show, as plain data.
local function plan_of(f, options)
  local free = f:schedule(math.huge, true)
  local before, lasts, to = reads_before(f.steps), {}, {}
  for node, at in pairs(free.to) do to[node.task.id] = at end
  for _, reads in pairs(before) do lasts[reads] = lasts[reads] or last_of(reads, to) end
  local plan = {tasks = json.array{}, critical_path = json.array{}, slots = json.array{},
                span = free.seconds, work = f.sequential, unknown = f.unknown, assumed = f.assumed,
                items = f.items}
  for i, node in ipairs(f.nodes) do
    local t = node.task
    local blockers = json.array{}
    for k, b in ipairs(t.blockers) do blockers[k] = b.id end
    plan.tasks[i] = {id = t.id, parent = t.parent and t.parent.id, kind = t.kind, agent = t.agent,
      description = t.description, key = t.key, file = t.file, line = t.line,
      blockedBy = blockers, waits_for = waits_for(t, before, lasts), expected = node.own,
      source = node.source, cost = t.expected_cost, from = free.from[node], to = free.to[node]}
  end
  for i, node in ipairs(free.path) do plan.critical_path[i] = node.task.id end
  for i, slots in ipairs(options.slots) do
    local seconds = f:schedule(slots).seconds
    plan.slots[i] = {slots = slots, seconds = seconds,
                     speedup = seconds > 0 and f.sequential / seconds or 1}
  end
  plan.pays_from, plan.enough = f:break_even()
  plan.programs = f:has_programs()
  plan.cost, plan.cost_unknown = f:cost()
  return plan
end

-- Add to each task what becomes of it, and why.
local function add_again(plan, f, v)
  local runs = {}
  for i, node in ipairs(f.nodes) do
    local t, to = node.task, plan.tasks[i]
    local word, differs, after = v.again(t.id)
    to.again = t.cached and "kept" or word or t.started and "unkept" or "blocked"
    to.because = json.array{}
    if word == "differs" then
      to.differs = differs
      for _, id in ipairs(to.waits_for) do
        if runs[id] then to.because[#to.because + 1] = id end
      end
    elseif word and after ~= "" then
      to.because[1] = after
    end
    runs[t.id] = not t.cached and to.again ~= "blocked"
  end
end

local function write_file(path, content)
  local ok, why = sink.put(path, content)
  if not ok then refusal.raise("cannot write the graph: %s", why) end
end

local function show(f, options, v)
  local plan = plan_of(f, options)
  if options.resume then add_again(plan, f, v) end
  if options.dot then
    local graph = text.dot(plan)
    if options.dot == "" or options.dot == "-" then return io.stdout:write(graph) end
    write_file(options.dot, graph)
  end
  if options.json then return io.stdout:write(json_line(plan), "\n") end
  local limits = {why_assumed = f.why_assumed, overhead = options.overhead,
                  resume = options.resume ~= nil,
                  functions_ran = options["no-functions"] == nil}
  io.stdout:write(orun.clean(text.plan(plan, limits)))
end

return function(value, v)
  local options = options_of(value)
  local model, steps = v.model(), {}
  local function step(who, what)
    local id = who or ""
    steps[id] = steps[id] or {}
    table.insert(steps[id], what)
  end
  return {
    event = function(e)
      local t = model.by_id[e.task]
      if e.event == "added" then
        step(e.parent, {add = t, at = e.at})
      elseif e.event == "read" and t then
        step(e.by, {read = t, at = e.at})
      end
    end,
    close = function()
      show(forecast.new(model, steps, {overhead = options.overhead,
        no_functions = options["no-functions"] ~= nil}), options, v)
      io.stdout:flush()
    end,
  }
end
