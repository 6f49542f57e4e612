--- orun.manual.topics: what `orun help` can be asked for.
--
--     local topics = require "orun.manual.topics"
--     for _, topic in ipairs(topics.find "TaskOutput") do print(topic.name, topic.kind) end
--
-- Glossary
--   topic   {name =, kind = one of KINDS, line = what it is, in a line, blocks = function() that
--           returns its text as blocks of orun.manual.markdown}
--   others  names it is found by, too

local command_options = require "orun.command.options"
local header = require "orun.manual.header"
local markdown = require "orun.manual.markdown"
local options = require "orun.manual.options"
local orun = require "orun"
local pages = require "orun.manual.pages"
local reference = require "orun.manual.reference"

local M = {}

--- The kinds of topics, in the order of lists: {kind, heading}.
M.KINDS = {
  {"command", "Commands"}, {"workflow", "Workflows: orun NAME"}, {"function", "Functions"},
  {"table", "Tables"}, {"chapter", "Chapters"}, {"C", "In C: orun.h"},
}

local function code(text) return {{kind = "code", text = text}} end

-- ---- each kind: add(topic, others…) ----

-- The help of a command that is Lua; else it is told by that of all.
local function help_of(module)
  if not module then return options.text() end
  require(module)
  return command_options.HELP["orun " .. module:match("[%w_]+$"):gsub("^command$", "init")]
end

-- The first sentence of a text of help, behind its usage.
local function first_sentence(help)
  local words = help:match("\n\n(%u.-)%.%f[%s]") or help:match("^[^\n]*")
  return (words:gsub("%s+", " "))
end

local function commands(add)
  local modules = {plan = false, resume = false, retry = false}
  for _, module in ipairs(orun.bundled "command/") do
    local text = orun.bundled(module)
    local name = text:match('options%.command%("orun ([%w]+)"')
      or text:match('COMMAND <const> = "orun ([%w]+)"')
    if name and not module:find("%.options$") then modules[name] = module end
  end
  add{name = "options", kind = "command", line = "what orun itself takes, and its exit codes",
    blocks = function() return code(options.text()) end}
  for _, name in ipairs(command_options.names(modules, "")) do
    local help = help_of(modules[name])
    local line = modules[name] and first_sentence(help)
      or help:match("\n +orun " .. name .. " [^\n(]*(%b())"):gsub("%s+", " "):sub(2, -2)
    add{name = name, kind = "command", line = line, blocks = function() return code(help) end}
  end
end

-- Those that orun brings.
local function workflows(add)
  local find = require "orun.flow.find"
  for _, module in ipairs(orun.bundled "workflow/") do
    local name = module:gsub("^orun%.workflow%.", ""):gsub("%.", ":")
    if find.file(name) and not name:find("README") then
      local head = find.head(require(module))
      add{name = name, kind = "workflow", line = head:match("^[^\n]*"):gsub("^orun [%w:_-]+: ", ""),
        blocks = function() return code(head) end}
    end
  end
end

local function functions(add)
  local all = reference.functions()
  for _, name in ipairs(all) do
    local f = all[name]
    add({name = name, kind = "function", line = reference.line(f),
      blocks = function() return reference.blocks(f) end}, name:match("^orun%.(.+)$"))
  end
end

-- The tables, and each name in them.
local function tables(add)
  local of = {}
  for _, entry in ipairs(reference.TABLES) do
    local rows = reference.rows(entry)
    local names = {}
    for i, row in ipairs(rows) do
      names[i] = row.names[1]
      for _, name in ipairs(row.names) do
        of[name] = of[name] or {}
        table.insert(of[name], {what = entry.what, row = row, entry = entry})
      end
    end
    add({name = entry.what, kind = "table", line = table.concat(names, ", "),
      blocks = function() return {M.table_of(rows)} end}, not entry.table and entry.title)
  end
  for name, places in pairs(of) do
    add{name = name, kind = "field", blocks = function()
      local blocks = {}
      for _, place in ipairs(places) do
        blocks[#blocks + 1] = {kind = "heading", level = 3, text = "In " .. place.what}
        blocks[#blocks + 1] = M.table_of{place.row}
      end
      return blocks
    end}
  end
end

--- Rows as the block of a table.
function M.table_of(rows)
  local head, cells = rows.head, {}
  for i, row in ipairs(rows) do
    head = head or row.head
    cells[i] = row.cells
  end
  return {kind = "table", head = head, rows = cells}
end

-- A section with those below it.
local function chapter(sections, at)
  local blocks = {}
  for i = at, #sections do
    local section = sections[i]
    if i > at and section.level <= sections[at].level then break end
    if i > at then
      blocks[#blocks + 1] = {kind = "heading", level = section.level - sections[at].level + 2,
        text = section.title}
    end
    table.move(section.blocks, 1, #section.blocks, #blocks + 1, blocks)
  end
  return blocks
end

local function chapters(add)
  local told = {} -- a chapter that is a table is not there twice
  for _, entry in ipairs(reference.TABLES) do
    if entry.title and not entry.table then told[entry.title] = true end
  end
  for _, path in ipairs(pages.PATHS) do
    local sections = pages.sections(path)
    for i, section in ipairs(sections) do
      local folder = section.level == 1 and path:find("README.md", 1, true)
      if path ~= "lua/functions.md" and not folder and not told[section.title] then
        add{name = markdown.plain(section.title), kind = "chapter", line = path,
          blocks = function() return chapter(sections, i) end}
      end
    end
  end
end

local function declarations(add)
  for _, path in ipairs(header.PATHS) do
    local all = header.read(path)
    for _, name in ipairs(all) do
      local first = (all[name].lines or {})[1] or ""
      add{name = name, kind = "C", line = first, blocks = function()
        return header.blocks(all[name])
      end}
    end
  end
end

-- ---- all of them ----

--- All topics, in order; each has `others`.
function M.all()
  local list = {}
  local function add(topic, ...)
    topic.others = {...}
    list[#list + 1] = topic
  end
  for _, of_kind in ipairs{commands, workflows, functions, tables, chapters, declarations} do
    of_kind(add)
  end
  return list
end

local function folded(text) return (text:lower():gsub("[%s_%-]+", " ")) end

local function has(topic, test)
  if test(topic.name) then return true end
  for _, name in ipairs(topic.others) do
    if name and test(name) then return true end
  end
  return false
end

local function select_from(list, test)
  local found = {}
  for _, topic in ipairs(list) do
    if has(topic, test) then found[#found + 1] = topic end
  end
  return found[1] and found
end

--- The topics of that name: as it is written, else in any case; else those chapters and tables
--- whose title has the word. Nothing: an empty array and what may have been meant, or nil.
function M.find(word)
  local list, wanted = M.all(), folded(word)
  local found = select_from(list, function(name) return name == word end)
    or select_from(list, function(name) return folded(name) == wanted end)
    or select_from(list, function(name)
      return (" " .. folded(name) .. " "):gsub("%p", " "):find(" " .. wanted .. " ", 1, true) ~= nil
    end)
  if found then return found end
  local names = {}
  for _, topic in ipairs(list) do
    names[#names + 1] = topic.name
    for _, name in ipairs(topic.others) do names[#names + 1] = name or nil end
  end
  return {}, orun.nearest(word, names)
end

return M
