--- orun.manual.man: the man pages orun(1), orun(3) and orun-lua(3).
--
--     local man = require "orun.manual.man"
--     print(man.render({{kind = "para", text = "Some `code`."}}))   --> .PP
--     --> Some \fBcode\fR.

local header = require "orun.manual.header"
local markdown = require "orun.manual.markdown"
local options = require "orun.manual.options"
local orun = require "orun"
local pages = require "orun.manual.pages"
local reference = require "orun.manual.reference"
local topics = require "orun.manual.topics"

local M = {}

-- ---- text ----

local GLYPHS <const> = {["→"] = "\\(->", ["—"] = "\\(em", ["–"] = "\\(en", ["\u{2026}"] = "...",
  ["×"] = "\\(mu", ["µ"] = "\\(mc"}

-- What roff would take for its own, as characters; the others beyond ASCII by their numbers.
local function escaped(text)
  text = text:gsub("\\", "\\e"):gsub("%-", "\\-"):gsub("'", "\\(aq"):gsub("`", "\\(ga")
    :gsub("%^", "\\(ha"):gsub("~", "\\(ti")
  return (text:gsub(utf8.charpattern, function(c)
    if #c > 1 then return GLYPHS[c] or ("\\[u%04X]"):format(utf8.codepoint(c)) end
  end))
end

-- No line of a text may look like a request.
local function safe(line) return (line:gsub("^([.])", "\\&%1")) end

local FONTS <const> = {code = "\\fB%s\\fR", bold = "\\fB%s\\fR", italic = "\\fI%s\\fR"}

local function inline(text)
  local parts = {}
  for i, piece in ipairs(markdown.pieces(text)) do
    local words = piece.kind == "link" and escaped(markdown.plain(piece.text))
      or escaped(piece.text)
    parts[i] = (FONTS[piece.kind] or "%s"):gsub("%%s", (words:gsub("%%", "%%%%")))
  end
  return safe(table.concat(parts))
end

-- ---- blocks ----

local render = {}

function render.heading(block)
  return (block.level <= 2 and ".SS " or ".PP\n\\fB")
    .. escaped(markdown.plain(block.text)):gsub('"', "\\(dq") .. (block.level <= 2 and "" or "\\fR")
end

function render.para(block)
  return ".PP\n" .. (block.verbatim and safe(escaped(block.text)) or inline(block.text))
end

function render.code(block)
  local lines = {}
  for line in (block.text:gsub("\n+$", "") .. "\n"):gmatch("([^\n]*)\n") do
    lines[#lines + 1] = safe(escaped(line))
  end
  return ".PP\n.RS 4\n.nf\n" .. table.concat(lines, "\n") .. "\n.fi\n.RE"
end

function render.list(block)
  local lines = {}
  for i, item in ipairs(block.items) do
    lines[i] = (block.ordered and (".IP %d. 4\n"):format(i) or ".IP \\(bu 2\n") .. inline(item)
  end
  return table.concat(lines, "\n")
end

function render.table(block)
  local rows = {}
  for i, cells in ipairs(block.rows) do
    local between = {}
    for c = 2, #cells - 1 do
      if cells[c] ~= "" then
        between[#between + 1] = ("%s: %s"):format(block.head[c], cells[c])
      end
    end
    local told = between[1] and " (" .. table.concat(between, "; ") .. ")" or ""
    local last = cells[2] and cells[#cells] or ""
    rows[i] = (".TP\n%s\n%s"):format(inline(cells[1]), inline(last .. told))
  end
  return table.concat(rows, "\n")
end

--- Blocks as roff.
function M.render(blocks)
  local parts = {}
  for i, block in ipairs(blocks) do parts[i] = render[block.kind](block) end
  return table.concat(parts, "\n")
end

-- ---- pages ----

local function page(name, section, what)
  local parts = {(".TH %s %d \"\" \"orun %s\" \"orun\""):format(name, section, orun.version),
    ".nh", ".ad l", ".SH NAME", escaped(name) .. " \\- " .. escaped(what)}
  local function add(title, text)
    if title then parts[#parts + 1] = ".SH " .. escaped(title:upper()) end
    parts[#parts + 1] = text
  end
  --- A heading begins a paragraph by itself.
  local function done()
    return (table.concat(parts, "\n"):gsub("(\n%.S[SH] [^\n]*)\n%.PP%f[\n]", "%1")) .. "\n"
  end
  return add, done
end

local function see(names)
  local parts = {}
  for i, name in ipairs(names) do
    parts[i] = ("\\fB%s\\fR(%s)"):format(escaped(name:match("^[^(]+")), name:match("%((%d)%)"))
  end
  return table.concat(parts, ", ")
end

local function option_list(all, plan)
  local parts = {}
  for _, option in ipairs(all.options) do
    if (option.plan or false) == plan then
      parts[#parts + 1] = (".TP\n\\fB%s\\fR\n%s"):format(escaped(option.names),
        safe(escaped(option.text)))
    end
  end
  return table.concat(parts, "\n")
end

local function command_page()
  local add, done = page("orun", 1, "run parallel work from a short Lua script")
  local all = options.read(options.text())
  add("Synopsis", M.render{{kind = "code", text = table.concat(all.usage, "\n")}})
  add("Description", safe(escaped(all.about)))
  add("Options", option_list(all, false))
  add("Options of orun plan", option_list(all, true))
  add(nil, ".PP\n" .. safe(escaped(all.rest)))
  local commands = {}
  for _, topic in ipairs(topics.all()) do
    if topic.kind == "command" and topic.name ~= "options" then
      commands[#commands + 1] = ".SS " .. escaped(topic.name)
      local told = topic.blocks()
      commands[#commands + 1] = told[1].text == options.text()
        and ".PP\n" .. escaped(topic.line) .. "; see above." or M.render(told)
    end
  end
  add("Commands", table.concat(commands, "\n"))
  add("See also", see{"orun-lua(3)", "orun(3)"})
  return done()
end

local function lua_page()
  local add, done = page("orun-lua", 3, "the Lua API of orun")
  local first = pages.sections("lua/functions.md")[1]
  add("Description", M.render(first.blocks))
  local all, parts = reference.functions(), {}
  for i, name in ipairs(all) do
    parts[i] = ".SS " .. escaped(name) .. "\n" .. M.render(reference.blocks(all[name]))
  end
  add("Functions", table.concat(parts, "\n"))
  for _, entry in ipairs(reference.TABLES) do
    add(entry.what, M.render{topics.table_of((reference.rows(entry)))})
  end
  add("See also", see{"orun(1)", "orun(3)"})
  return done()
end

local function c_page()
  local add, done = page("orun", 3, "run parallel Lua scripts from a program")
  for i, path in ipairs(header.PATHS) do
    local all, parts = header.read(path), {}
    local blocks = pages.indented(all.head)
    for _, block in ipairs(blocks) do block.verbatim = true end
    add(i == 1 and "Description" or path:match("[^/]+$"), M.render(blocks))
    for n, name in ipairs(all) do
      parts[n] = ".SS " .. escaped(name) .. "\n" .. M.render(header.blocks(all[name]))
    end
    add(i == 1 and "Types and functions" or nil, table.concat(parts, "\n"))
  end
  add("See also", see{"orun(1)", "orun-lua(3)"})
  return done()
end

--- The pages: {[name of the file] = text}.
function M.pages()
  return {["orun.1"] = command_page(), ["orun.3"] = c_page(), ["orun-lua.3"] = lua_page()}
end

return M
