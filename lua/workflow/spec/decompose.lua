--- orun spec:decompose: makes a list of tasks of a specification.
--
-- usage: orun spec:decompose [options] specs/SLUG
--        orun spec:decompose [options] FILE.md
--
-- Reads specs/SLUG/02-specification.md (or FILE.md) and writes, beside it, 03-tasks.json, which
-- spec:execute reads, and 03-tasks.md for people. Nothing is written unless all is well: each
-- description is complete without the specification (no "as specified", and it says when it is
-- done), each dependency is there, and there is no cycle.
--
-- A list that is there is brought up to date, if the specification has changed since: what
-- 04-implementation.md says is done stays, what has changed since gets a task of its own, and
-- what is the same keeps its number. If nothing has changed, nothing is done.
--
-- Without an agent the tasks are the headings below "Phase 1: Name" headings (or the chapters
-- that describe work), or the items of lists there. Lines in them mean something: "Depends on:
-- 1.1, Another title" ("nothing" for none; the phase before unless given), "Files: a.c, b.c",
-- "Agent: NAME", "Size: small", "Acceptance: ...". A block "```sh run" holds commands that do
-- the task where no agent does, "```sh check" commands that succeed when it is done.
--
--   --full          make the list anew, whatever is there
--   --backend NAME  let an agent do it: claude, codex, gemini, opencode, anthropic, openai
--   --dry-run       print the counts, and write nothing
--   --json          print the counts as JSON
--
-- The exit code is 0, 1 if something is wrong (then nothing is written), 2 for wrong usage.

local implementation = require "orun.specs.implementation"
local json = require "orun.json"
local lock = require "orun.specs.lock"
local options = require "orun.command.options"
local orun = require "orun"
local spec_folder = require "orun.specs.folder"
local start_steps = require("orun.flow.steps").new
local task_list = require "orun.specs.task_list"
local update = require "orun.specs.task_update"

local TRIES <const> = 3 -- of an agent whose list is not complete
local PROMPT <const> = [[
Decompose this specification into tasks that agents will do without ever seeing it.

Each task has an id such as "1.2" (phase, then number), the number and name of its phase, an
imperative subject, a size, the ids of the tasks it depends on, the files it will change, and a
description that is complete by itself: copy into it all code, names, values and rules that it
needs, and end it with "Acceptance:" and the criteria. Never write "as specified", "see the
spec" or the like. Depend on as little as possible, so that much can run at once; no cycles.

The specification:

]]

local args = options.arguments({
  ["--full"] = {"full"},
  check = function(args)
    if not args[1] then options.usage("the folder of a specification is expected: specs/SLUG") end
    if args[2] then options.usage("%s is one word too many", args[2]) end
  end,
}, ...)
local steps = start_steps("orun spec:decompose", args)
local folder = steps:must(spec_folder.find(args[1]))
local _ <close> = not args.dry_run and steps:must(lock.take(folder.path, "orun spec:decompose"))
local spec = folder.file or folder.path .. spec_folder.SPECIFICATION
local place = folder.path .. spec_folder.TASKS

-- ---- what is there, and so what is to be done ----

local text, why, absent = spec_folder.read(spec)
if not text and absent and not folder.file then
  steps:fail("there is no %s yet: write it, or name another file (%s%s)", spec, folder.path,
    spec_folder.IDEATION)
end
steps:must(text, why)
local fingerprint = spec_folder.fingerprint(spec .. "\n" .. text)
local old
old, why, absent = task_list.read(place)
if not old and not absent and not args.full then
  steps:fail("%s\nMend it, or make it anew with --full.", why)
end
local mode = (args.full or not old) and "full" or old.fingerprint == fingerprint and "skip"
  or "incremental"
if mode == "skip" then
  return options.answer(args, {mode = mode, slug = folder.slug, tasks = #old.tasks},
    ("%s has not changed since %s was made: nothing to do (--full makes it anew)\n"):format(spec,
      place))
end

-- ---- analysis, then the list ----

orun.phase "analyse"
local tasks, wrong
local more = ""
for _ = 1, steps.agents and TRIES or 1 do
  local found = steps:output(steps:start{title = "decompose " .. folder.slug, input = text,
    prompt = PROMPT .. text .. more, schema = task_list.ANSWER,
    run = function(spec_text) return {tasks = require("orun.specs.text").tasks(spec_text)} end})
  tasks = found.tasks
  wrong = task_list.wrong(tasks)
  if not wrong[1] then break end
  more = "\n\nA list that you made before was refused. Put this right:\n- "
    .. table.concat(wrong, "\n- ")
end
if not tasks[1] then
  steps:fail("%s describes no task: it needs headings below 'Phase 1: Name', or lists", spec)
elseif wrong[1] then
  steps:fail("%s cannot be made into tasks:\n  %s", spec, table.concat(wrong, "\n  "))
end
local counts = {added = #tasks, kept = 0, changed = 0, removed = 0}
if mode == "incremental" then
  local notes = folder.path .. spec_folder.IMPLEMENTATION
  local known = steps:must(implementation.read(notes, old.tasks))
  tasks, counts = update(old.tasks, tasks, known.finished)
  wrong = task_list.wrong(tasks)
  if wrong[1] then
    steps:fail("the list cannot be brought up to date:\n  %s\n--full makes it anew",
      table.concat(wrong, "\n  "))
  end
end

-- ---- the files ----

local plan = task_list.pair(tasks)
local now = os.date "!%Y-%m-%dT%H:%M:%SZ"
local list = {spec = spec, slug = folder.slug, mode = mode, fingerprint = fingerprint,
  generatedAt = old and old.generatedAt or now, lastDecompose = now, tasks = json.array(tasks)}
local result = {mode = mode, slug = folder.slug, path = place, tasks = #tasks,
  phases = plan.phases, dependencies = plan.edges, batches = #plan.batches,
  critical_path = plan.path}
for what, count in pairs(counts) do result[what] = count end
if not args.dry_run then
  orun.phase "write"
  steps:must(spec_folder.write(folder.path .. spec_folder.LIST, task_list.page(list, plan)))
  steps:must(spec_folder.write_json(place, list))
  if orun.real(folder.path) == orun.real("specs/" .. folder.slug) then
    steps:must(spec_folder.note(folder.slug, {status = "decomposed"}))
  end
end
return options.answer(args, result, ([[
%s%s, %s: %d added, %d kept, %d changed, %d removed
%s%s]]):format(args.dry_run and "would write " or "", place, mode, counts.added, counts.kept,
  counts.changed, counts.removed, task_list.summary(tasks, plan),
  args.dry_run and "" or ("Next: 'orun spec:execute %s'\n"):format(folder.path)))
