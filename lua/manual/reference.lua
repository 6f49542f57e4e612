--- orun.manual.reference: the functions and tables of the Lua API, as data.
--
--     local reference = require "orun.manual.reference"
--     local f = reference.functions()["orun.chunks"]
--     print(f.params[2].name, f.params[2].type)   --> size	integer
--
-- It joins the table of lua/README.md, the section of lua/functions.md, and, for what is written
-- in Lua, the comment at the head of the file.
--
-- Glossary
--   function  {name =, summary =, calls = texts, unit =, default =, params = array of {name =,
--             type =, text =, optional =}, returns = {type =, text =} or nil, errors =, waits =,
--             examples = blocks of code, more = blocks of the file's head, see = page#anchor}
--   fields    {class =, page =, title =, rows = rows of pages.rows, what = in words}

local markdown = require "orun.manual.markdown"
local pages = require "orun.manual.pages"

local M = {}

local LUA <const>, STDLIB <const>, EACH <const> = "lua/README.md", "stdlib/README.md",
  "lua/functions.md"

--- The tables of fields: which class each is in Lua, where it stands, what it is called.
M.TABLES = {
  {class = "orun.TaskFields", page = LUA, title = "Fields of Task", what = "Task fields"},
  {class = "orun.Result", page = LUA, title = "Fields of a result", what = "result fields"},
  {class = "orun.ErrorKind", page = LUA, title = "Error kinds", what = "error kinds"},
  {class = "orun.Entry", page = LUA, title = "Fields of an entry", what = "entry fields"},
  {class = "orun.TaskArgument", page = LUA, title = "Fields of a task's second argument",
    what = "fields of a task's second argument"},
  {class = "orun.AgentFields", page = LUA, title = "Fields of orun.agent",
    what = "orun.agent fields"},
  {class = "orun.Config", page = LUA, title = "Names of orun.config", what = "orun.config names"},
  {class = "orun.ExecFields", page = LUA, title = "orun.exec: a program of one's own",
    what = "orun.exec fields"},
  {class = "orun.ExecReader", page = LUA, title = "orun.exec: a program of one's own", table = 2,
    what = "methods of a program's reader"},
  {class = "orun.HttpFields", page = LUA, title = "orun.http: a request",
    what = "orun.http fields"},
  {class = "orun.Reader", chapter = "Output while it comes, and however long it is",
    what = "methods of an output's reader"},
  {class = "orun.Options", page = STDLIB, title = "What they have in common",
    what = "pattern options"},
  {class = "orun.Options", page = STDLIB, title = "What they have in common", table = 2,
    what = "options of some patterns"},
  {class = "orun.Results", page = STDLIB, title = "What they have in common", table = 3,
    what = "fields of arrays of results"},
}

--- The rows of one of these. A chapter is looked for in all pages.
function M.rows(entry)
  local page, title = entry.page, entry.title or entry.chapter
  for _, path in ipairs(page and {} or pages.PATHS) do
    for _, section in ipairs(pages.sections(path)) do
      if section.title == title then page = path end
    end
  end
  return pages.rows(page, title, entry.table), page
end

-- ---- lua/functions.md ----

local function read_item(f, item)
  local name, optional, type, text = item:match("^`([^`]+)`(%??): `(.-)` — (.*)$")
  if name then
    table.insert(f.params, {name = name, type = type, text = text, optional = optional == "?"})
    return
  end
  type, text = item:match("^returns `(.-)` — (.*)$")
  if type then f.returns = {type = type, text = text} end
  f.errors = item:match("^errors: (.*)$") or f.errors
  f.waits = f.waits or item == "may wait"
  f.unread = not (type or item:match("^errors: ") or item == "may wait") and item or f.unread
end

-- What a section says of its function.
local function read_section(section)
  local f = {name = section.title, params = {}, examples = {}, waits = false}
  for _, block in ipairs(section.blocks) do
    for _, item in ipairs(block.items or {}) do read_item(f, item) end
    if block.kind == "code" then table.insert(f.examples, block) end
  end
  return f
end

-- What the table has of it, and the file's head.
local function complete(f, row)
  f.calls = {}
  for call in row.call:gmatch("`([^`]+)`") do
    if call:sub(1, #f.name) == f.name then f.calls[#f.calls + 1] = call end
  end
  f.see = row.does:match("^%[[^%]]*%]%(([^)]+)%)")
  f.summary, f.unit, f.default = row.does, row.unit, row.default
  local head = pages.head(f.name)
  if not head then return end
  f.more = {}
  for _, block in ipairs(head.blocks) do
    local example = block.kind == "code" and block.lang == "lua"
    table.insert(example and f.examples or f.more, block)
  end
end

--- All functions: an array of names in order, and by name.
-- @return {[i] = name, [name] = function}
function M.functions()
  local all, sections = {}, {}
  for _, section in ipairs(pages.sections(EACH)) do sections[section.title] = section end
  for i, row in ipairs(pages.rows(LUA, "Functions")) do
    local name = row.names[1]
    local f = read_section(sections[name] or {title = name, blocks = {}})
    f.missing = not sections[name]
    complete(f, row)
    all[i], all[name] = name, f
  end
  return all
end

-- ---- as blocks ----

local function add(blocks, kind, text) blocks[#blocks + 1] = {kind = kind, text = text} end

local function title(blocks, text)
  blocks[#blocks + 1] = {kind = "heading", level = 3, text = text}
end

-- Its parameters, what it returns and its errors.
local function contract(blocks, f)
  local items = {}
  for i, p in ipairs(f.params) do
    items[i] = ("`%s` (`%s`%s): %s"):format(p.name, p.type,
      p.optional and ", may be left out" or "", p.text)
  end
  if items[1] then
    title(blocks, "Parameters")
    blocks[#blocks + 1] = {kind = "list", items = items}
  end
  if f.unit ~= "" then add(blocks, "para", "Unit: " .. f.unit .. ".") end
  if f.default ~= "" then add(blocks, "para", "Default: " .. f.default .. ".") end
  if f.returns then
    title(blocks, "Returns")
    add(blocks, "para", ("`%s`: %s. %s"):format(f.returns.type, f.returns.text,
      f.waits and "It may wait, and holds no thread meanwhile." or ""))
  end
  title(blocks, "Errors")
  add(blocks, "para", (f.errors or ""):gsub("^%l", string.upper) .. ".")
end

--- Everything about a function, as blocks.
function M.blocks(f)
  local blocks = {}
  add(blocks, "code", table.concat(f.calls, "\n") .. "\n")
  add(blocks, "para", f.summary:gsub("^%l", string.upper):gsub("^%[%l", string.upper) .. ".")
  for _, block in ipairs(f.more or {}) do blocks[#blocks + 1] = block end
  contract(blocks, f)
  local count = 0
  for _, block in ipairs(f.examples) do count = count + (block.lang == "lua" and 1 or 0) end
  title(blocks, count > 1 and "Examples" or "Example")
  for _, block in ipairs(f.examples) do blocks[#blocks + 1] = block end
  return blocks
end

--- A function's summary as a line.
function M.line(f) return (markdown.plain(f.summary):gsub("%. .*$", "")) end

return M
