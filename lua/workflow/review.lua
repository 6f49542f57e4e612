--- orun review: looks at what has changed, and says what is wrong with it.
--
-- usage: orun review [options] [RANGE]
--
-- RANGE is one of git: "main..topic", or a commit, and then all since it. Without one it is what
-- is not committed, or else the last commit. Reviewers are chosen by the kinds of the files that
-- changed, and look at the same time: functions (marks of conflicts, secrets, syntax, length,
-- links) and programs where they are installed (luacheck, shellcheck, cppcheck, gcc). With
-- --backend agents look, too: for correctness, security, tests, structure, and at docs and
-- configuration. What they find is put together, the most severe first.
--
--   --all            findings in lines that did not change, too
--   --fail SEVERITY  what makes the exit code 1: critical, important (default), minor
--   --out FILE       write all that was found to FILE, as JSON: whole, or not at all
--   --backend NAME   ask agents: claude, codex, gemini, opencode, anthropic, openai
--   -j N             so many agents and programs at once
--   --dry-run        say who would look at what, and look at nothing
--   --json           print what was found as JSON
--
-- Exit codes: 0 nothing as severe as that, 1 something is, 2 wrong options, or the change cannot be
-- looked at, 3 nothing is, but a reviewer failed and so not all was looked at.

local orun = require "orun"
local changes_of = require "orun.look.changes"
local code = require "orun.look.code"
local json = require "orun.json"
local json_line = require "orun.util.json_line"
local merge = require "orun.look.merge"
local options = require "orun.command.options"
local programs = require "orun.look.programs"
local whole_file = require "orun.util.whole_file"

local OPTIONS <const> = {
  ["--all"] = {"all"}, ["--out"] = {"out", options.word, "a file"},
  ["--fail"] = {"fail", options.one_of("critical", "important", "minor"), "a severity"},
}
local BLIND <const>, INCOMPLETE <const> = 2, 3
local MAX_DIFF <const> = 200 << 10 -- bytes of a prompt
local FINDINGS <const> = {
  type = "object", required = {"findings"}, properties = {findings = {type = "array", items = {
    type = "object", required = {"file", "severity", "message"}, properties = {
      file = {type = "string"}, line = {type = {"integer", "null"}}, message = {type = "string"},
      severity = {enum = {"critical", "important", "minor"}}}}}},
}

-- Agents: which kinds of files they are for, and what they are asked to look for.
local ASPECTS <const> = {
  {"correctness", "source", "mistakes: wrong results, cases not thought of, errors not handled"},
  {"security", "source config", "what somebody could misuse: injection, secrets, missing checks"},
  {"tests", "source test", "what is not tested, and tests that cannot fail"},
  {"structure", "source", "code that is hard to read, doubled, or in the wrong place"},
  {"docs", "docs", "statements that are wrong, unclear or no longer true"},
  {"configuration", "config", "settings that are wrong, unsafe or unused"},
}

function OPTIONS.check(args)
  if args[2] then options.usage("%s is one word too many", args[2]) end
end

local args = options.arguments(OPTIONS, ...)
local fail = options.failing("orun review", args, BLIND)
local changes <close>, why = changes_of.of(args[1])
if not changes then return fail("%s", why) end

-- The paths of the files that `fits`.
local function paths(fits)
  local list = {}
  for _, file in ipairs(changes.files) do
    if fits(file) then list[#list + 1] = file.path end
  end
  return list
end

local function look(input) return require("orun.look." .. input.by).look(input.name, input.root,
  input.paths) end

-- ---- who looks ----

local reviewers, absent = {}, json.array{}

local function add(name, list, spec)
  if #list == 0 then return end
  spec.description = ("%s (%d file%s)"):format(name, #list, #list == 1 and "" or "s")
  spec.schema = FINDINGS
  reviewers[#reviewers + 1] = {name = name, paths = list, spec = spec}
end

local function prompt(aspect, list)
  local diff = changes.diff
  if #diff > MAX_DIFF then diff = diff:sub(1, MAX_DIFF) .. "\n[the rest is in the files]" end
  return ("Review a change. Look only for %s. Change nothing.\n\nThe files (%s): %s\n\n%s"):format(
    aspect, changes.title, table.concat(list, ", "), diff)
end

for _, name in ipairs(code.NAMES) do
  local list = paths(function(file) return name ~= "links" or file.kind == "docs" end)
  add(name, list, {run = look, input = {by = "code", name = name, root = changes.root,
    paths = list}})
end
for _, name in ipairs{"cppcheck", "gcc", "luacheck", "shellcheck"} do
  local list = paths(function(file)
    local ending = " " .. (file.path:match("%.(%w+)$") or "?") .. " "
    return (" " .. table.concat(programs.PROGRAMS[name].endings, " ") .. " "):find(ending, 1, true)
  end)
  if #list > 0 and not orun.program(name) then
    absent[#absent + 1] = name
  else
    add(name, list, {input = {by = "programs", name = name, root = changes.root, paths = list},
      run = look})
  end
end
for _, aspect in ipairs(args.backend and ASPECTS or {}) do
  local list = paths(function(file) return aspect[2]:find(file.kind, 1, true) end)
  add(aspect[1], list, {prompt = prompt(aspect[3], list), permissions = "read",
    cwd = changes.root})
end

local head = ("%s: %d file%s, %d reviewers%s\n"):format(changes.title, #changes.files,
  #changes.files == 1 and "" or "s", #reviewers, #absent > 0 and "; not installed: "
    .. table.concat(absent, ", ") or "")
if args.dry_run then
  local lines, names = {head}, {}
  for i, reviewer in ipairs(reviewers) do
    lines[i + 1], names[i] = ("  %s\n"):format(reviewer.spec.description), reviewer.name
  end
  return options.answer(args, {range = changes.title, reviewers = names}, table.concat(lines))
end

-- ---- they look, and what they found is put together ----

orun.phase "review"
local results = orun.fan_out(reviewers, function(reviewer) return reviewer.spec end)
local all = merge.new()
for i, result in ipairs(results) do
  if result.status == "completed" then
    all:add(reviewers[i].name, result.output.findings)
  else
    all:lack(reviewers[i].name, result.error)
  end
end
if not args.all then all:keep(changes.files) end
local answer = all:result()
answer.range, answer.files, answer.absent = changes.title, #changes.files, absent
answer.exit_code = all:has(args.fail or "important") and 1 or #answer.failed > 0 and INCOMPLETE or 0
if args.out then
  local ok, wrong = whole_file.put(args.out, json_line(answer) .. "\n")
  if not ok then return fail("cannot write %s", wrong) end
end
return options.answer(args, answer, head .. all:text())
