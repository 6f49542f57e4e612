--- orun.manual.header: a C header as data: each declaration with the comment over it.
--
--     local header = require "orun.manual.header"
--     print(header.read("runtime/orun.h").orun_version.name)   --> orun_version
--
-- Glossary
--   declaration  {name =, code =, text = the comment's, kind = "function", "struct" or "enum"}

local pages = require "orun.manual.pages"

local M = {}

--- The headers there are, in the order of the manual.
M.PATHS = {"runtime/orun.h", "runtime/orun_lua.h"}

-- The lines of a comment, without its marks.
local function comment_lines(text)
  local lines = {}
  text = text:gsub("^/%*%s?", ""):gsub("%s*%*/$", "")
  for line in (text .. "\n"):gmatch("([^\n]*)\n") do
    lines[#lines + 1] = (line:gsub("^%s*%* ?", "", 1):gsub("%s+$", ""))
  end
  return lines
end

local function name_of(code)
  local struct = code:match("^typedef struct (orun[%w_]*)")
  if struct then return struct, "struct" end
  local fn = code:match("(orun_[%w_]+)%(") or code:match("(luaopen_[%w_]+)%(")
  if fn then return fn, "function" end
  return code:match("^enum { ([%w_]+)") or code:match("^enum {%s*([%w_]+)"), "enum"
end

-- A declaration from that place on: up to the semicolon outside of all braces.
local function declaration(text, from)
  local depth, at = 0, from
  while true do
    at = text:find("[{};/]", at)
    if not at then return nil end
    local c = text:sub(at, at)
    if text:sub(at, at + 1) == "/*" then
      at = select(2, text:find("*/", at, true))
    elseif c == "{" or c == "}" then
      depth = depth + (c == "{" and 1 or -1)
    elseif c == ";" and depth == 0 then
      return text:sub(from, at), at + 1
    end
    at = at + 1
  end
end

-- What stands at a place: the next place, and what it is.
local function step(text, at, all, comment)
  local from, to = text:find("^/%*.-%*/", at)
  if from then return to + 1, text:sub(from, to) end
  if text:find("^#", at) then
    local line = select(2, text:find("[^\n]*[^\\]\n", at)) or #text
    return line + 1, nil
  end
  local code, after = declaration(text, at)
  if not code then return nil end
  local name, kind = name_of(code)
  if name and not all[name] then
    all[#all + 1] = name
    all[name] = {name = name, kind = kind, code = code, lines = comment and comment_lines(comment)}
  end
  return after, nil
end

--- The header's declarations, {[i] = name, [name] = declaration}; `head` is its first comment, as
--- lines.
function M.read(path)
  local text, all = pages.text(path), {}
  local first, at = text:match("^%s*(/%*.-%*/)()")
  all.head = comment_lines(first)
  text = text:gsub("extern \"C\" {\n", ""):gsub("\n}\n#endif", "\n#endif")
  local comment
  while at do
    at = text:find("%S", at)
    if not at then break end
    at, comment = step(text, at, all, comment)
  end
  return all
end

--- A declaration as blocks; paragraphs are not Markdown.
function M.blocks(d)
  local blocks = {{kind = "code", lang = "c", text = d.code .. "\n"}}
  for _, block in ipairs(pages.indented(d.lines or {})) do
    block.verbatim = true
    blocks[#blocks + 1] = block
  end
  return blocks
end

return M
