--- orun spec:execute: does the tasks of a specification, each as soon as those it needs are done.
--
-- usage: orun spec:execute [options] specs/SLUG
--
-- Reads specs/SLUG/03-tasks.json (see spec:decompose), prints the plan, and does it. A task
-- starts when those it depends on are done; the batches of the plan are how it is shown. Each
-- works in a git worktree of its own, and what it did goes to the branch spec/SLUG, on which
-- the next ones begin; nothing that is checked out changes. After each one that has ended,
-- specs/SLUG/04-implementation.md says how. What is done there is not done again: the same
-- command goes on, in any later session ('orun resume' also knows what was not noted yet). While
-- one is at work on a specification another one is refused.
--
-- With --backend agents do the tasks: the type that a task names, one of the project's whose
-- name fits, Explore and Plan for what only reads, else general-purpose. Without, the commands
-- of the tasks do them ("```sh run" blocks of the specification). A task is done when its
-- agent says so and its check succeeds.
--
--   --dry-run          print the plan, and do nothing
--   --batch N          only the tasks of batch N
--   --on-failure WHAT  skip (what depends on it is not done; the rest is), stop (nothing more
--                      starts), or retry (twice more, told what went wrong, then skip)
--   --in-place         work in this folder, one task at a time, without git
--   -y, --yes          ask nothing on a terminal
--   --backend NAME     let agents work: claude, codex, gemini, opencode, anthropic, openai
--   -j N               so many at once (5)
--   --json             print the result, or the plan, as JSON
--
-- The exit code is 0 if all is done, 1 if not, 2 for wrong usage.

local branches = require "orun.specs.branch"
local choose = require "orun.specs.agent_choice"
local figures = require "orun.util.format"
local implementation = require "orun.specs.implementation"
local json = require "orun.json"
local lock = require "orun.specs.lock"
local options = require "orun.command.options"
local orun = require "orun"
local questions = require "orun.flow.questions"
local schedule = require "orun.specs.schedule"
local spec_folder = require "orun.specs.folder"
local start_steps = require("orun.flow.steps").new
local task_list = require "orun.specs.task_list"
local work = require "orun.specs.work"

local TRIES <const> = {skip = 1, stop = 1, retry = 3}

local args = options.arguments({
  ["--batch"] = {"batch", options.count, "a number"}, ["--in-place"] = {"in_place"},
  ["--on-failure"] = {"on_failure", options.one_of("retry", "skip", "stop"), "retry, skip or stop"},
  check = function(args)
    if not args[1] then options.usage("the folder of a specification is expected: specs/SLUG") end
    if args[2] then options.usage("%s is one word too many", args[2]) end
  end,
}, ...)
local steps = start_steps("orun spec:execute", args)
local folder = steps:must(spec_folder.find(args[1]))
local list, why, absent = task_list.read(folder.path .. spec_folder.TASKS)
if absent then
  steps:fail("there is no %s%s yet: 'orun spec:decompose %s' makes it", folder.path,
    spec_folder.TASKS, folder.path)
elseif not list then
  steps:fail("%s\nMend it, or make it anew with 'orun spec:decompose --full %s'.", why, folder.path)
end
local _ <close> = not args.dry_run and steps:must(lock.take(folder.path, "orun spec:execute"))
local place = folder.path .. spec_folder.IMPLEMENTATION
local known = steps:must(implementation.read(place, list.tasks))
local plan = task_list.plan(list.tasks)
local agent_of = steps.agents and choose() or function() return nil end

-- ---- the plan ----

if args.batch and not plan.batches[args.batch] then
  steps:fail("there is no batch %d: the plan has %d", args.batch, #plan.batches)
end
if args.json and args.dry_run then
  return options.answer(args, schedule.rows(folder.slug, plan, known, agent_of))
end
if not args.json and not args.called then
  io.write(schedule.text(folder.slug, plan, known, agent_of))
  io.flush()
end
if args.dry_run then return {tasks = #list.tasks} end

local todo = schedule.todo(plan, known, args.batch)
local lacking = schedule.lacking(todo, plan, known, steps.agents)
if lacking then steps:fail("%s", lacking) end
if todo[1] and not (args.yes or args.json or args.called) and questions.possible() then
  local given = questions.ask({{question = ("Do %s?"):format(spec_folder.count(#todo, "task")),
    options = {"yes", "no"}}}, true)[1]
  if given.answer ~= "yes" then
    return options.answer(args, {exit_code = 0}, "Nothing was done.\n")
  end
end

-- ---- the work ----

local result = {slug = folder.slug, tasks = #list.tasks, path = place, before = 0, done = 0,
  failed = json.array{}, blocked = json.array{}}
for _ in pairs(known.finished) do result.before = result.before + 1 end
if not todo[1] then
  return options.answer(args, result, "All of it is done: nothing to do.\n")
end
local branch = not args.in_place and steps:must(branches.open(folder.slug)) or nil
result.branch = branch and branch.name
steps:must(implementation.begin(place, folder.slug, known.sessions + 1,
  ("%s to do, %d done before."):format(spec_folder.count(#todo, "task"), result.before)))

-- What to start for a task; the text of an earlier failure, or nil.
local function spec_of(task, failed)
  local agent = agent_of(task)
  return work.spec(task, {agent = agent, notes = known.notes, failed = failed,
    base = branch and branch.name, reads = agent == "Explore" or agent == "Plan"})
end

-- A task has ended: how, and the message of its failure. Its work is taken, and all is noted.
local function ended(task, ran, last)
  local how, message = ran.status, ran.error
  local commit, wrong, conflict
  if how == "completed" and branch then
    commit, wrong, conflict = branch:take(ran, task.id .. " " .. task.subject)
    if not commit then how, message = "failed", wrong end
  end
  local line = ("%s, %s, by %s"):format(os.date "!%Y-%m-%d %H:%M:%SZ",
    figures.duration(ran.duration or 0), agent_of(task) or "its command")
  if commit then line = ("%s, on %s at %s"):format(line, branch.name, commit:sub(1, 12)) end
  local report = work.report(ran)
  if how == "completed" then
    known.notes[task.id] = report
  else
    report = (message or how) .. (report and "\n" .. report or "")
  end
  if how == "completed" or last then
    steps:must(implementation.note(place, task, how, line, report))
  end
  return how == "completed", message or how, conflict
end

schedule.run(todo, plan, known, {start = spec_of, ended = ended, jobs = args.jobs, result = result,
  tries = TRIES[args.on_failure or "skip"], stop = args.on_failure == "stop"})

-- ---- the end ----

local whole = result.before + result.done == #list.tasks
result.exit_code = result.done == #todo and 0 or 1
local text = ("%d of %s done"):format(result.before + result.done,
  spec_folder.count(#list.tasks, "task"))
if result.failed[1] then text = text .. "; failed: " .. table.concat(result.failed, ", ") end
if result.blocked[1] then text = text .. "; not begun: " .. table.concat(result.blocked, ", ") end
steps:must(implementation.finish(place, text .. "."))
if whole and orun.real(folder.path) == orun.real("specs/" .. folder.slug) then
  steps:must(spec_folder.note(folder.slug, {status = "implemented"}))
end
local next_step = result.exit_code == 1 and ("the same command goes on; %s says what went wrong")
  :format(place) or branch and ("'git merge %s' brings it here"):format(branch.name) or place
return options.answer(args, result, ("%s.\nNext: %s\n"):format(text, next_step))
