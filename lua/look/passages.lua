--- orun.look.passages: where words are spoken of: in documents, source and manual pages.
--
--     local words = passages.words "How does a task wait?"   --> {"task", "wait"}
--     local found = passages.search("docs", root, words)
--
-- Glossary
--   passage  a few lines around one that has some of the words: {place = "README.md:12", text =,
--            score = how many of the words it has, where = which place found it}

local changes = require "orun.look.changes"
local git = require "orun.worktree.git"
local json = require "orun.json"
local orun = require "orun"

local M = {}

local MAX_BYTES <const> = 1 << 20
local MAX_FILES <const> = 5000
local BEST <const> = 40 -- of one place
local LONGEST <const> = 12 -- lines of a passage
local COMMON <const> = " a an and any are as at be been but by can could did do does for from get"
  .. " gets had has have how i if in into is it its many may me much my not of on one or our"
  .. " should so than that the their them then there these they this to us use was we"
  .. " were what when where which while who whom why will with without would you your "

--- The words of a question that say what it is about.
function M.words(question)
  local list, seen = {}, {}
  for word in question:lower():gmatch("[%w_\x80-\xFF][%w_.\x80-\xFF-]*") do
    word = word:gsub("[.-]+$", "")
    if #word > 1 and not seen[word] and not COMMON:find(" " .. word .. " ", 1, true) then
      list[#list + 1], seen[word] = word, true
    end
  end
  return list
end

-- How many of the words a text has; a plural counts as its word.
local function score(text, words)
  local lower, n = text:lower(), 0
  for _, word in ipairs(words) do
    local stem = #word > 3 and word:gsub("s$", "") or word
    local from = 1
    repeat -- a word begins there, as in "waiting" for "wait"
      local at, last = lower:find(stem, from, true)
      local begins = at and not lower:find("^%w", at - 1) or at == 1
      if begins then n = n + 1 end
      from = (last or 0) + 1
    until not at or begins
  end
  return n
end

-- The paragraphs of a text that have some of the words.
local function add_text(found, text, path, words, where)
  local n, from, lines = 0, nil, {}
  local function close()
    local passage = table.concat(lines, "\n")
    local points = from and score(passage, words) or 0
    if points > 0 then
      found[#found + 1] = {place = ("%s:%d"):format(path, from), text = passage, score = points,
        where = where}
    end
    from, lines = nil, {}
  end
  for line in (text .. "\n"):gmatch("([^\n]*)\n") do
    n = n + 1
    if line:find("^%s*$") or #lines == LONGEST then close() end
    if line:find("%S") then
      from = from or n
      lines[#lines + 1] = #line > 400 and line:sub(1, 400) or line
    end
  end
  close()
end

local function read(path)
  local file <close> = io.open(path, "rb")
  local text = file and file:read(MAX_BYTES + 1)
  return text and #text <= MAX_BYTES and not text:find("\0", 1, true) and utf8.len(text) and text
end

-- The files below a folder: those that git knows or would take, or all where there is no git.
local function files_of(root)
  local listed = git.list(root, "ls-files", "-z", "--cached", "--others", "--exclude-standard")
  if listed then return listed end
  local list = {}
  for i, file in ipairs(orun.files("**/*", root)) do list[i] = file.path:sub(#root + 2) end
  return list
end

local function add_files(found, root, words, where, kinds)
  local looked = 0
  for _, path in ipairs(files_of(root)) do
    if kinds[changes.kind(path)] and looked < MAX_FILES then
      looked = looked + 1
      local text = read(root .. "/" .. path)
      if text and score(text, words) > 0 then add_text(found, text, path, words, where) end
    end
  end
end

-- ---- the places ----

local SEARCH = {}

function SEARCH.docs(found, root, words) add_files(found, root, words, "docs", {docs = true}) end

function SEARCH.code(found, root, words)
  add_files(found, root, words, "code", {source = true, test = true, config = true})
end

-- The manual pages that are called as one of the words.
function SEARCH.man(found, _, words)
  if not orun.program "man" then return end
  for _, word in ipairs(words) do
    local page = orun.exec{command = {"man", "-P", "cat", "--", word}, timeout = "30s",
      env = {LC_ALL = "C.UTF-8", MANWIDTH = "90", MAN_KEEP_FORMATTING = false}}
    if not page.error then
      add_text(found, page.output:gsub("_\b", ""):gsub(".\b", ""), "man " .. word, words, "man")
    end
  end
end

--- The names of the places.
M.PLACES = {"docs", "code", "man"}

local function better(a, b)
  if a.score ~= b.score then return a.score > b.score end
  if #a.text ~= #b.text then return #a.text < #b.text end
  return a.place < b.place
end

--- Searches one place.
-- @return {passages = array}, the best first
function M.search(place, root, words)
  local found = {}
  SEARCH[place](found, root, words)
  table.sort(found, better)
  return {passages = json.array(table.move(found, 1, math.min(#found, BEST), 1, {}))}
end

--- The passages of several searches as one list, the best first; what says the same is there once,
--- with all its places.
function M.merge(lists)
  local all, known = {}, {}
  for _, list in ipairs(lists) do
    for _, one in ipairs(list) do
      local key = one.text:lower():gsub("%W+", " "):match("^ ?(.-) ?$")
      if not known[key] then
        known[key] = {places = json.array{}, text = one.text, score = one.score, place = one.place}
        all[#all + 1] = known[key]
      end
      table.insert(known[key].places, one.place)
    end
  end
  table.sort(all, better)
  for _, one in ipairs(all) do one.place = nil end
  return json.array(all)
end

return M
