--- orun.specs.task_list: the tasks of a specification, 03-tasks.json.
--
--     local list, why = task_list.read("specs/dark-mode/03-tasks.json")
--     local plan = task_list.plan(list.tasks)
--     print(#plan.batches, table.concat(plan.path, " -> "))
--
-- Glossary
--   task    {id = "1.2", phase = 1, phaseName =, subject =, description =, size =, dependencies =
--           {id}, parallelWith = {id}, agent =, files = {path}, command = {word}, check = {word}}:
--           `command` does the work where no agent does, `check` says whether it is done
--   plan    {batches = {{task}}, batch = {[id] = number}, path = {id}, edges = number, phases =
--           {{number =, name =, count =}}}

local check = require "orun.util.check"
local json = require "orun.json"
local spec_folder = require "orun.specs.folder"

local M = {}

local count <const>, title <const> = spec_folder.count, spec_folder.title
local TEXT <const> = {type = "string", minLength = 1}
local TEXTS <const> = {type = "array", items = TEXT}
local WORDS <const> = {type = "array", items = TEXT, minItems = 1}
local SHORTEST <const> = 80 -- bytes of a description that can be complete
local WEIGHT <const> = {small = 1, medium = 2, large = 4}
-- What a task needs the specification for.
local VAGUE <const> = {"as specified", "from the spec%f[^%w]", "from spec%f[^%w]",
  "see spec%f[^%w]", "see the spec", "see specification", "per the spec",
  "as described in the spec",
  "according to the spec", "as described above", "see above", "as mentioned above",
  "as in the spec", "refer to the spec"}

--- The form of a task, and of the file.
M.TASK = {
  type = "object",
  required = {"id", "phase", "phaseName", "subject", "description", "dependencies"},
  properties = {
    id = {type = "string", minLength = 1, maxLength = 20}, phase = {type = "integer", minimum = 1},
    phaseName = TEXT, subject = TEXT, description = TEXT, activeForm = TEXT, agent = TEXT,
    size = {enum = {"small", "medium", "large"}}, priority = {type = "string"},
    dependencies = TEXTS, parallelWith = TEXTS, files = TEXTS, command = WORDS, check = WORDS,
    source = {type = "string"},
  },
}
M.FILE = {
  type = "object", required = {"spec", "slug", "mode", "tasks"},
  properties = {
    spec = TEXT, slug = TEXT, generatedAt = {type = "string"}, lastDecompose = {type = "string"},
    mode = {enum = {"full", "incremental"}}, fingerprint = {type = "string"},
    tasks = {type = "array", items = M.TASK, minItems = 1},
  },
}
--- What an agent gives.
M.ANSWER = {type = "object", required = {"tasks"}, properties = {tasks = M.FILE.properties.tasks}}

-- ---- checks ----

--- The tasks by id.
function M.by_id(tasks)
  local by = {}
  for _, task in ipairs(tasks) do by[task.id] = task end
  return by
end

-- Why a description is not complete, or nil.
local function lack(task)
  local plain = task.description:lower():gsub("%s+", " ")
  for _, pattern in ipairs(VAGUE) do
    local phrase = plain:match(pattern)
    if phrase then return ('its description says "%s": write out what is meant'):format(phrase) end
  end
  if #plain < SHORTEST then
    return ("its description has %d characters: too few to do it without the specification")
      :format(utf8.len(plain) or #plain)
  end
  if not plain:find("acceptance") and not plain:find("done when") and not task.check then
    return "its description does not say when it is done: write \"Acceptance: ...\" into its "
      .. "section, or a chapter \"Acceptance criteria\" for all"
  end
end

-- A cycle of dependencies as text, or nil.
local function cycle_of(tasks, by)
  local state, path = {}, {}
  local function visit(id)
    if state[id] == "left" then return nil end
    path[#path + 1] = id
    if state[id] == "in" then
      local from = 1
      while path[from] ~= id do from = from + 1 end
      return table.concat(path, " -> ", from)
    end
    state[id] = "in"
    for _, other in ipairs(by[id].dependencies) do
      local found = by[other] and visit(other)
      if found then return found end
    end
    state[id], path[#path] = "left", nil
  end
  for _, task in ipairs(tasks) do
    local found = visit(task.id)
    if found then return found end
  end
end

--- What is wrong with tasks, in words: an empty array where all is well.
-- @param loose  true: descriptions are taken as they are
function M.wrong(tasks, loose)
  local errors, by, seen = {}, M.by_id(tasks), {}
  local function add(...) errors[#errors + 1] = string.format(...) end
  for _, task in ipairs(tasks) do
    if not task.id:find("^[%w._-]+$") then
      add("the id %s has characters other than letters, digits, '.', '-' and '_'",
        check.show(task.id))
    end
    if seen[task.id] then add("there are two tasks %s", task.id) end
    seen[task.id] = true
    for _, other in ipairs(task.dependencies) do
      if not by[other] then add("task %s depends on %s, which is not there", task.id, other) end
    end
    local why = not loose and lack(task)
    if why then add("task %s (%s): %s", task.id, task.subject, why) end
  end
  local cycle = cycle_of(tasks, by)
  if cycle then add("the dependencies have a cycle: %s", cycle) end
  return errors
end

--- The file; nil, why not, and whether it is absent.
function M.read(path)
  local list, why, absent = spec_folder.read_json(path, M.FILE)
  if not list then return nil, why, absent end
  local errors = M.wrong(list.tasks, true)
  if errors[1] then return nil, ("%s: %s"):format(path, table.concat(errors, "; ")) end
  return list
end

-- ---- what follows from the dependencies ----

local function weight(task) return WEIGHT[task.size or "medium"] end

--- The plan of tasks that `wrong` finds nothing wrong with.
function M.plan(tasks)
  local by, plan = M.by_id(tasks), {batches = {}, batch = {}, path = {}, edges = 0, phases = {}}
  local cost, before = {}, {}
  local function visit(task)
    if plan.batch[task.id] then return end
    local batch, most = 1, 0
    for _, id in ipairs(task.dependencies) do
      visit(by[id])
      batch = math.max(batch, plan.batch[id] + 1)
      if cost[id] > most then most, before[task.id] = cost[id], id end
    end
    plan.batch[task.id], cost[task.id] = batch, most + weight(task)
    plan.edges = plan.edges + #task.dependencies
  end
  local last, phase_of
  phase_of = {}
  for _, task in ipairs(tasks) do
    visit(task)
    if not last or cost[task.id] > cost[last] then last = task.id end
    local phase = phase_of[task.phase]
    if not phase then
      phase = {number = task.phase, name = task.phaseName, count = 0}
      phase_of[task.phase], plan.phases[#plan.phases + 1] = phase, phase
    end
    phase.count = phase.count + 1
  end
  table.sort(plan.phases, function(a, b) return a.number < b.number end)
  for _, task in ipairs(tasks) do
    local batch = plan.batch[task.id]
    for i = #plan.batches + 1, batch do plan.batches[i] = {} end
    table.insert(plan.batches[batch], task)
  end
  while last do
    table.insert(plan.path, 1, last)
    last = before[last]
  end
  return plan
end

--- Notes for each task which of its batch it can run beside: those that change other files.
function M.pair(tasks)
  local plan = M.plan(tasks)
  local function share(a, b)
    for _, file in ipairs(a.files or {}) do
      for _, other in ipairs(b.files or {}) do
        if file == other then return true end
      end
    end
  end
  for _, batch in ipairs(plan.batches) do
    for _, task in ipairs(batch) do
      task.parallelWith = json.array{}
      for _, other in ipairs(batch) do
        if other ~= task and not share(task, other) then
          table.insert(task.parallelWith, other.id)
        end
      end
    end
  end
  return plan
end

-- ---- words ----

--- The counts as lines of text.
function M.summary(tasks, plan)
  local lines, groups = {}, {}
  for _, phase in ipairs(plan.phases) do
    lines[#lines + 1] = ("  phase %d, %s: %s"):format(phase.number, title(phase.name),
      count(phase.count, "task"))
  end
  for i, batch in ipairs(plan.batches) do
    local ids = {}
    for n, task in ipairs(batch) do ids[n] = task.id end
    groups[i] = ("[%s]"):format(table.concat(ids, " "))
  end
  lines[#lines + 1] = ("  %s, %d dependencies, %s: %s"):format(count(#tasks, "task"), plan.edges,
    count(#plan.batches, "batch"), table.concat(groups, " "))
  lines[#lines + 1] = "  critical path: " .. table.concat(plan.path, " -> ")
  return table.concat(lines, "\n") .. "\n"
end

--- The page 03-tasks.md.
function M.page(list, plan)
  local parts = {"# Tasks of " .. list.slug,
    ("Made of `%s`. `03-tasks.json` is what `orun spec:execute` reads."):format(list.spec),
    "```text\n" .. M.summary(list.tasks, plan):gsub("\n$", "") .. "\n```"}
  for _, phase in ipairs(plan.phases) do
    parts[#parts + 1] = ("## Phase %d: %s"):format(phase.number, title(phase.name))
    for _, task in ipairs(list.tasks) do
      if task.phase == phase.number then
        local deps = table.concat(task.dependencies, ", ")
        parts[#parts + 1] = ("### %s %s\n\n- Batch: %d\n- Size: %s\n- Depends on: %s\n\n%s"):format(
          task.id, title(task.subject), plan.batch[task.id], task.size or "medium",
          deps ~= "" and deps or "nothing", task.description)
      end
    end
  end
  return table.concat(parts, "\n\n") .. "\n"
end

return M
