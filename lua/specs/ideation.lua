--- orun.specs.ideation: what an ideation asks of agents, and its page.
--
-- What functions have found out (flow/look.lua) has the place of agents where there are none:
-- `exploration` and `research` make of a map what agents give by the schemas here.

local look = require "orun.flow.look"

local M = {}

local TEXT <const> = {type = "string"}
local TEXTS <const> = {type = "array", items = TEXT}
local MOST <const> = 4 -- options of a question, folders of an answer

local function object(required, properties)
  return {type = "object", required = required, properties = properties}
end

--- What an agent that explores gives.
M.EXPLORATION = object({"components", "shared", "flow", "blast_radius", "questions"}, {
  components = {type = "array", items = object({"path", "what"}, {path = TEXT, what = TEXT})},
  shared = TEXTS, flow = TEXT, blast_radius = TEXTS,
  questions = {type = "array", maxItems = 5, items = object({"question", "options"},
    {question = TEXT, options = {type = "array", items = TEXT, minItems = 2, maxItems = MOST}})},
})
--- What one that does research gives.
M.RESEARCH = object({"approaches", "recommendation"}, {
  approaches = {type = "array", minItems = 1, items = object({"name", "description"},
    {name = TEXT, description = TEXT, pros = TEXTS, cons = TEXTS, complexity = TEXT})},
  recommendation = TEXT, caveats = TEXTS, sources = TEXTS,
})
--- What one that looks for the cause of a fault gives.
M.CAUSES = object({"hypotheses"}, {
  hypotheses = {type = "array", minItems = 1, items = object({"path", "evidence"},
    {path = TEXT, why = TEXT, evidence = TEXTS})},
})

-- ---- from a map ----

local function folder_of(path) return path:match("^(.*)/[^/]*$") or "." end

-- The folders of what mentions the words, those with the most first.
local function folders_of(map)
  local names, seen = {}, {}
  for _, one in ipairs(map.mentions) do
    local folder = folder_of(one.path)
    if not seen[folder] and #names < MOST then names[#names + 1], seen[folder] = folder, true end
  end
  return names
end

-- Who names whom: a list of what more than one file names, and a text of who of the components
-- names another.
local function uses_of(map)
  local among, shared, flow = {}, {}, {}
  for _, one in ipairs(map.mentions) do among[one.path] = true end
  for _, one in ipairs(map.users) do
    local shown = table.concat(one.users, ", ", 1, math.min(#one.users, MOST))
    if one.users[2] then
      shared[#shared + 1] = ("`%s` is named by %d files: %s%s"):format(one.path, #one.users, shown,
        #one.users > MOST and ", ..." or "")
    end
    for _, user in ipairs(one.users) do
      if among[user] then flow[#flow + 1] = ("- `%s` names `%s`"):format(user, one.path) end
    end
  end
  return shared, table.concat(flow, "\n")
end

--- An exploration made of a map.
function M.exploration(map)
  local found = {components = {}, shared = {}, blast_radius = {}, questions = {}, flow = ""}
  for i, one in ipairs(map.mentions) do
    found.components[i] = {path = one.path,
      what = ("mentions %s (%d)"):format(table.concat(one.words, ", "), one.count)}
  end
  for i, one in ipairs(map.tests) do
    found.blast_radius[i] = ("%s (near %s)"):format(one.path, one.of)
  end
  found.shared, found.flow = uses_of(map)
  local folders = folders_of(map)
  if folders[2] then
    found.questions[1] = {question = "Which part is it about first of all?", options = folders}
  end
  found.questions[#found.questions + 1] = {question = "What must stay as it is?",
    options = {"what others call and see", "nothing, it may all change"}}
  local test = map.tests[1]
  found.questions[#found.questions + 1] = {question = "What proves that it is done?",
    options = {test and "new cases in " .. test.path or "a new test", "trying it by hand"}}
  return found
end

--- Research made of pages: array of sections, array of manual pages.
function M.research(docs, pages)
  local sources = {}
  for _, one in ipairs(docs) do
    sources[#sources + 1] = ("%s:%d: %s"):format(one.path, one.line, one.title)
  end
  for _, page in ipairs(pages) do
    sources[#sources + 1] = "man " .. page:gsub("^(.*)%((%d)%)$", "%2 %1")
  end
  return {approaches = {}, sources = sources, caveats = {},
          recommendation = "Read the sources below first; no model has weighed approaches."}
end

--- Hypotheses made of a map.
function M.causes(map)
  return {hypotheses = table.move(look.suspects(map), 1, MOST, 1, {})}
end

-- ---- what agents are told ----

local function lines_of(map)
  local lines = {}
  for _, one in ipairs(map.mentions) do
    lines[#lines + 1] = ("- %s: %s"):format(one.path, table.concat(one.lines, " | "))
  end
  return table.concat(lines, "\n")
end

--- The prompts of the three.
function M.explore_prompt(brief, map)
  return ("Explore this codebase for the following brief. Name the primary components, what "
    .. "they share, how data flows, what else a change reaches (the blast radius), and what the "
    .. "brief leaves open as at most five questions with two to four options each, the "
    .. "recommended one first.\n\nBrief: %s\n\nA search has found these files and lines:\n%s")
    :format(brief, lines_of(map))
end

function M.research_prompt(brief)
  return ("Research how the following is done well: two or three approaches, each with its pros, "
    .. "cons and complexity, security and performance where they matter, a recommendation, "
    .. "caveats and sources.\n\nBrief: %s"):format(brief)
end

function M.causes_prompt(brief, map)
  return ("Something is broken. Give hypotheses of the root cause, the likeliest first, each "
    .. "with the file, why, and the evidence as path:line.\n\nReport: %s\n\nA search has "
    .. "found:\n%s"):format(brief, lines_of(map))
end

-- ---- the page ----

local function list(items, how, none)
  local lines = {}
  for i, item in ipairs(items or {}) do lines[i] = "- " .. (how and how(item) or item) end
  return #lines > 0 and table.concat(lines, "\n") or none or "None found."
end

local function map_section(all)
  local map, kinds, flow = all.map, {}, all.exploration.flow
  for i, one in ipairs(map.kinds) do kinds[i] = ("%s %d"):format(one.kind, one.count) end
  return table.concat({
    ("%d files: %s."):format(map.files, table.concat(kinds, ", ")),
    "### Entry points\n\n" .. list(map.entries, function(path) return "`" .. path .. "`" end),
    "### Primary components\n\n" .. list(all.exploration.components, function(one)
      return ("`%s`: %s"):format(one.path, one.what)
    end, "Nothing mentions the words of the brief."),
    "### Shared dependencies\n\n" .. list(all.exploration.shared),
    "### Data flow\n\n" .. (flow ~= "" and flow or "No component names another."),
    "### Blast radius\n\n" .. list(all.exploration.blast_radius),
    "### History\n\n" .. list(map.history, function(one)
      return ("`%s`: %s"):format(one.path, table.concat(one.commits, "; "))
    end, map.git and "No commit has touched these files." or "There is no git repository here."),
  }, "\n\n")
end

local function research_section(research)
  local parts = {}
  for _, one in ipairs(research.approaches) do
    parts[#parts + 1] = ("### %s\n\n%s%s\n\nPros:\n\n%s\n\nCons:\n\n%s"):format(one.name,
      one.description, one.complexity and " Complexity: " .. one.complexity .. "." or "",
      list(one.pros), list(one.cons))
  end
  parts[#parts + 1] = "### Recommendation\n\n" .. research.recommendation
  if research.caveats and research.caveats[1] then
    parts[#parts + 1] = "### Caveats\n\n" .. list(research.caveats)
  end
  parts[#parts + 1] = "### Sources\n\n" .. list(research.sources)
  return table.concat(parts, "\n\n")
end

local function cause_section(all)
  if not all.causes then return "The brief does not speak of a fault." end
  local words = "Words of a fault: " .. table.concat(all.bug_words, ", ") .. ".\n\n"
  local parts = {}
  for i, one in ipairs(all.causes.hypotheses) do
    parts[i] = ("%d. `%s`%s\n%s"):format(i, one.path, one.why and ": " .. one.why or "",
      list(one.evidence):gsub("%f[^\n\0]%-", "   -"))
  end
  return words .. (#parts > 0 and table.concat(parts, "\n") or "No file is likelier than another.")
end

--- The page of what was found.
-- @param all  {slug =, number =, created =, brief =, map =, exploration =, research =, causes =
--             nil or as of the schema, bug_words =, decisions =}
function M.page(all)
  local read = list(all.map.mentions, function(one)
    return ("`%s`: %s"):format(one.path, table.concat(one.lines, " | "):gsub("`", "'"))
  end)
  return table.concat({
    ("---\nslug: %s\nnumber: %d\ncreated: %s\nstatus: ideation\n---"):format(all.slug, all.number,
      all.created),
    "# " .. all.title,
    "## 1. Intent\n\n" .. all.brief .. "\n\nOut of scope: what the brief does not name.",
    "## 2. Pre-reading log\n\n" .. read,
    "## 3. Codebase map\n\n" .. map_section(all),
    "## 4. Root cause analysis\n\n" .. cause_section(all),
    "## 5. Research\n\n" .. research_section(all.research),
    "## 6. Clarifications and decisions\n\n" .. list(all.decisions, function(one)
      return ("%s **%s**%s"):format(one.question, one.answer, one.assumed and " (assumed)" or "")
    end),
  }, "\n\n") .. "\n"
end

return M
