--- orun.specs.work: one task of a specification, done by an agent or by its own commands.
--
--     local spec = work.spec(task, {agent = "general-purpose", notes = {}, base = "spec/x"})
--     local result = Task(spec)
--
-- It runs as a function in a worktree of its own: first the agent, or the task's command; then
-- its check. It has failed if either did, or if the agent says that it is not done.

local M = {}

local TEXTS <const> = {type = "array", items = {type = "string"}}
--- What an agent reports.
M.REPORT = {
  type = "object", required = {"status", "summary"},
  properties = {
    status = {enum = {"success", "partial", "failed"}}, summary = {type = "string"},
    files = TEXTS, tests = TEXTS, criteria = TEXTS, issues = TEXTS, notes = {type = "string"},
  },
}

local PROMPT <const> = [[
%s

Do this task and nothing else, in the working directory. Write tests where it asks for them, run
them, and look through what you changed before you report. Report "success" only if every
acceptance criterion is met, else "partial" or "failed", and say under "notes" what whoever does
the next tasks needs to know.]]

--- The prompt of a task.
-- @param notes   {[id] = report} of those that are done
-- @param failed  what went wrong in an earlier try, or nil
function M.prompt(task, notes, failed)
  local parts = {PROMPT:format(task.subject .. "\n\n" .. task.description)}
  for _, id in ipairs(task.dependencies) do
    if notes[id] then
      parts[#parts + 1] = ("What was reported of task %s, which is done:\n%s"):format(id, notes[id])
    end
  end
  if failed then parts[#parts + 1] = "An earlier try failed: " .. failed end
  return table.concat(parts, "\n\n")
end

--- The report of a result as text; nil where there is none.
function M.report(result)
  local r = result.output
  if type(r) ~= "table" then return type(r) == "string" and r or nil end
  local lines = {r.summary}
  for _, name in ipairs{"files", "tests", "criteria", "issues"} do
    if type(r[name]) == "table" and r[name][1] then
      lines[#lines + 1] = ("%s: %s"):format(name, table.concat(r[name], "; "))
    end
  end
  if r.notes and r.notes ~= "" then lines[#lines + 1] = "notes: " .. r.notes end
  return table.concat(lines, "\n")
end

-- What the task runs: `input` has agent and prompt, or command; and check.
local function run(input)
  local orun = require "orun"
  local report
  if input.agent then
    local done = orun.Task{subagent_type = input.agent, prompt = input.prompt,
      schema = input.schema, permissions = input.permissions, description = input.title}
    if done.status ~= "completed" then
      orun.fail{kind = done.error_kind, message = done.error or done.status}
    end
    report = done.output
    if report.status ~= "success" then
      orun.fail{kind = "exit", message = report.status .. ": " .. report.summary, partial = report}
    end
  else
    report = {status = "success", summary = orun.exec{command = input.command, check = true}}
  end
  if input.check then
    local checked = orun.exec{command = input.check}
    if checked.error then
      orun.fail{kind = checked.error_kind, message = "its check failed: " .. checked.error,
                partial = report}
    end
  end
  return report
end

--- What to start for a task.
-- @param how  {agent = its type, or nil: its command; notes =, failed = as of prompt; base = the
--             branch where its worktree begins, nil: it works here, alone; reads = it only reads}
function M.spec(task, how)
  local input = {title = task.id .. " " .. task.subject, check = task.check}
  if how.agent then
    input.agent, input.schema = how.agent, M.REPORT
    input.prompt = M.prompt(task, how.notes, how.failed)
    input.permissions = how.reads and "read" or "edit"
  else
    input.command = task.command
  end
  local spec = {run = run, input = input, description = input.title}
  if how.base then
    spec.isolation, spec.base = "worktree", how.base
  elseif not how.reads then
    spec.writes = {"."}
  end
  return spec
end

return M
