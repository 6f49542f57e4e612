--- orun.specs.text: the tasks that a specification in Markdown has, found without a model.
--
--     local tasks = require("orun.specs.text").tasks(text)
--
-- Phases are the headings "Phase 1: Name", and the tasks are the headings below each, or else
-- the items of its lists. Where there are no phases, each chapter that describes work is one, and
-- chapters such as Overview, Goals and References are not. A task's section is its description,
-- with the overview and the acceptance criteria of the whole. In it these mean something:
--
--   Depends on: 1.1, Title of a task   what must be done first; "nothing" for none. Without such
--                                      a line it is all tasks of the phase before
--   Files: src/a.c, src/b.c            what it will change
--   Agent: NAME    Size: small         the agent type; small, medium or large
--   ```sh run, ```sh check             a block of commands that does it, or that says whether it
--                                      is done, for those who have no agents
--
-- Glossary
--   section   {level =, title =, lines = {text}, from = line, inner = {section}}

local json = require "orun.json"
local spec_folder = require "orun.specs.folder"

local M = {}

local ABOUT <const> = {overview = true, background = true, motivation = true, summary = true,
  context = true, introduction = true, problem = true, purpose = true, intent = true}
local OTHER <const> = {status = true, goals = true, ["non-goals"] = true, ["non goals"] = true,
  changelog = true, references = true, ["open questions"] = true, risks = true, authors = true,
  ["out of scope"] = true, scope = true, assumptions = true, glossary = true, history = true,
  ["related work"] = true, dependencies = true}
local CRITERIA <const> = {["acceptance criteria"] = true, acceptance = true, ["done when"] = true,
  ["success criteria"] = true, testing = true}
local FIELDS <const> = {["depends on"] = true, files = true, file = true, agent = true, size = true,
  acceptance = true, ["done when"] = true}
local LARGE <const>, SMALL <const> = 3000, 500 -- bytes of a section

-- ---- sections ----

-- The sections of a text; a '#' within a fence is no heading.
local function sections_of(text)
  local root = {level = 0, title = "", lines = {}, inner = {}}
  local stack, fence, number = {root}, nil, 0
  text = text:gsub("\r\n", "\n"):gsub("^%-%-%-\n.-\n%-%-%-\n", function(head)
    return ("\n"):rep(select(2, head:gsub("\n", "")))
  end)
  for line in (text .. "\n"):gmatch("([^\n]*)\n") do
    number = number + 1
    local mark = line:match("^%s*(```+)") or line:match("^%s*(~~~+)")
    if mark and not fence then
      fence = mark
    elseif mark and line:match("^%s*(.-)%s*$") == fence then
      fence = nil
    end
    local level, title = line:match("^(#+)%s+(.-)%s*#*$")
    if level and not fence then
      while stack[#stack].level >= #level do stack[#stack] = nil end
      local section = {level = #level, title = title, lines = {}, from = number, inner = {}}
      table.insert(stack[#stack].inner, section)
      stack[#stack + 1] = section
    else
      table.insert(stack[#stack].lines, line)
    end
  end
  return root
end

local function plain(title)
  return (title:lower():gsub("^[%d%.%)]+%s*", ""):gsub("[:%s]+$", ""))
end

-- The section's text, with what is below it.
local function text_of(section)
  local parts = {table.concat(section.lines, "\n")}
  for _, inner in ipairs(section.inner) do
    parts[#parts + 1] = ("%s %s\n%s"):format(("#"):rep(inner.level), inner.title, text_of(inner))
  end
  return (table.concat(parts, "\n"):gsub("^%s*\n", ""):gsub("%s+$", ""))
end

local function walk(section, visit)
  for _, inner in ipairs(section.inner) do
    if not visit(inner) then walk(inner, visit) end
  end
end

-- Does the line say something of the task that it follows ("Files: a.c")?
local function is_field(line)
  local name = line:match("^[*_]*(%a[%a ]*)[*_]*:")
  return name ~= nil and FIELDS[name:lower()] == true
end

-- The items of a section's lists, as sections: "- [ ] Title" and what is indented below it, with
-- the blocks and fields that follow it; and the other text, which is for all of them.
local function items_of(section)
  local items, item, fence, notes = {}, nil, false, {}
  for i, line in ipairs(section.lines) do
    local mark = line:find("^%s*```") ~= nil
    local inside = fence or mark
    if mark then fence = not fence end
    local title = not inside and (line:match("^[-*+]%s+(.+)$") or line:match("^%d+[.)]%s+(.+)$"))
    if title then
      title = title:gsub("^%[[ xX]%]%s*", "")
      item = {level = section.level + 1, title = title, lines = {}, inner = {},
              from = (section.from or 0) + i}
      items[#items + 1] = item
    elseif item and (inside or is_field(line) or line:find("^%s") or line == "") then
      table.insert(item.lines, (line:gsub("^%s%s?%s?%s?", "")))
    else
      notes[#notes + 1] = line
    end
  end
  return items, table.concat(notes, "\n"):match("^%s*(.-)%s*$")
end

-- ---- phases, and the tasks of each ----

-- {{name =, tasks = {section}, notes = text}}
local function phases_of(root)
  local phases = {}
  walk(root, function(section)
    local name = section.title:match("^[Pp]hase%s+%w+%s*[:.–-]*%s*(.*)$")
    if name == "" then name = section.title end
    if name then phases[#phases + 1] = {name = name, of = section} end
    return name
  end)
  if not phases[1] then
    local top = root
    while #top.inner == 1 and top.level < 2 do top = top.inner[1] end
    for _, section in ipairs(top.inner) do
      local name = plain(section.title)
      if not (ABOUT[name] or OTHER[name] or CRITERIA[name]) then
        phases[#phases + 1] = {name = section.title, of = section}
      end
    end
  end
  for _, phase in ipairs(phases) do
    local section, tasks = phase.of, {}
    for _, inner in ipairs(section.inner) do
      local name = plain(inner.title)
      if not (CRITERIA[name] or ABOUT[name] or OTHER[name]) then tasks[#tasks + 1] = inner end
    end
    phase.notes = tasks[1] and table.concat(section.lines, "\n"):match("^%s*(.-)%s*$")
    if not tasks[1] then tasks, phase.notes = items_of(section) end
    if not tasks[1] then tasks, phase.notes = {section}, nil end
    phase.tasks = tasks
  end
  return phases
end

-- The text of the chapters of a kind.
local function chapters(root, kind)
  local parts = {}
  walk(root, function(section)
    if section.level > 2 or not kind[plain(section.title)] then return false end
    parts[#parts + 1] = text_of(section)
    return true
  end)
  return table.concat(parts, "\n\n"):match("^%s*(.-)%s*$")
end

-- ---- one task ----

local function field(text, name)
  return (("\n" .. text):match("\n[%s*_-]*" .. name .. "[*_]*:[*_]*%s*([^\n]+)") or "")
    :gsub("[%s`]+$", ""):gsub("^`", "")
end

local function split(text)
  local words = {}
  for word in text:gmatch("[^,;]+") do
    word = word:match("^[%s`]*(.-)[%s`.]*$")
    if word ~= "" then words[#words + 1] = word end
  end
  return words
end

-- The commands of a block that is marked with that word.
local function block(text, mark)
  local body = ("\n" .. text):match("\n%s*```sh " .. mark .. "[^\n]*\n(.-)\n%s*```")
  return body and {"sh", "-e", "-c", body} or nil
end

local function description_of(title, text, phase, whole)
  local parts = {title .. ".", text}
  if phase.notes and phase.notes ~= "" then
    parts[#parts + 1] = ("What holds for all of the phase %s:\n%s"):format(phase.name, phase.notes)
  end
  if whole.about ~= "" then parts[#parts + 1] = "What it is part of:\n" .. whole.about end
  local has = text:lower()
  if not has:find("acceptance") and not has:find("done when") and whole.criteria ~= "" then
    parts[#parts + 1] = "Acceptance criteria of the whole:\n" .. whole.criteria
  end
  return (table.concat(parts, "\n\n"):gsub("\n\n\n+", "\n\n"))
end

local function task_of(section, p, i, phase, whole)
  local text = text_of(section)
  local title = section.title:gsub("^[%d%.%)]+%s+", ""):gsub("^[Tt]ask%s+[%d.]+%s*[:.–-]*%s*", "")
  local size, files = field(text, "Size"):lower(), split(field(text, "Files?"))
  local agent = field(text, "Agent")
  return {
    id = ("%d.%d"):format(p, i), phase = p, phaseName = phase.name, subject = title,
    activeForm = "Working on " .. title, description = description_of(title, text, phase, whole),
    size = ({small = "small", medium = "medium", large = "large"})[size]
      or #text > LARGE and "large" or #text < SMALL and "small" or "medium",
    files = files[1] and files or nil, agent = agent ~= "" and agent or nil,
    command = block(text, "run"), check = block(text, "check"),
    source = spec_folder.fingerprint(section.title .. "\n" .. text),
    after = field(text, "[Dd]epends on"), title = section.title,
  }
end

-- The ids that the words of "Depends on" mean; an unknown word stays, and is found wrong later.
local function dependencies(task, tasks)
  local ids = json.array{}
  if task.after == "" then
    for _, other in ipairs(tasks) do
      if other.phase == task.phase - 1 then ids[#ids + 1] = other.id end
    end
    return ids
  end
  for _, word in ipairs(split(task.after)) do
    local found = word
    for _, other in ipairs(tasks) do
      for _, name in ipairs{other.id, other.subject:lower(), other.title:lower()} do
        if word:lower() == name or word:lower() == "task " .. name then found = other.id end
      end
      if word:lower() == "phase " .. other.phase then ids[#ids + 1], found = other.id, nil end
    end
    local none = word:lower() == "nothing" or word:lower() == "none"
    if found and not none then ids[#ids + 1] = found end
  end
  return ids
end

--- The tasks of a specification; an empty array where it describes no work.
function M.tasks(text)
  local root, tasks = sections_of(text), {}
  local whole = {about = chapters(root, ABOUT), criteria = chapters(root, CRITERIA)}
  for p, phase in ipairs(phases_of(root)) do
    for i, section in ipairs(phase.tasks) do
      tasks[#tasks + 1] = task_of(section, p, i, phase, whole)
    end
  end
  for _, task in ipairs(tasks) do task.dependencies = dependencies(task, tasks) end
  for _, task in ipairs(tasks) do task.after, task.title = nil, nil end
  return tasks
end

return M
