--- orun.flow.look: what functions and programs find out about a project, without a model.
--
--     local look = require "orun.flow.look"
--     local words = look.words("the export button is broken")     -- {"export", "button"}
--     local map = look.at(words)
--     for _, one in ipairs(map.mentions) do print(one.path, one.count) end
--
-- git and grep do the searching, in tasks that run at once. Of a project without git the files
-- are those that orun.files finds, which has no history.
--
-- Glossary
--   map  what `at` returns: {git = boolean, files = how many, kinds = {{kind, count}}, entries =
--        {path}, mentions = {{path, count, lines = {"12: text"}, words = {word}}}, tests = {{path,
--        of}}, users = {{path, users = {path}}}, history = {{path, commits = {text}}}}

local check = require "orun.util.check"
local orun = require "orun"

local M = {}

local MOST_WORDS <const>, MOST_FILES <const>, MOST_LINES <const> = 8, 12, 3
local MOST_COMMITS <const>, MOST_DOCS <const>, MOST_KINDS <const> = 3, 12, 12
local MOST_READ <const> = 1 << 20 -- bytes of a file
local LINE <const> = 160 -- bytes of one that is quoted
local TIMEOUT <const> = "2m"

local COMMON <const> = {}
for word in ([[a about add after all also an and any are as at be because been before being but by
  can cannot could do does doesn don down each even ever every for from get gets give go goes had
  has have how if in into is isn it its itself just let like make makes many may more most must
  need needs new no nor not now of off on once one only or other our out over own please put
  same set shall should so some such take than that the their them then there these they this
  those through to too under until up us use used user users using very want wants was we were
  what when where which while who whole why will with without would you your]]):gmatch("%a+") do
  COMMON[word] = true
end
local BUG <const> = {"bug", "bugs", "fix", "fixes", "broken", "error", "errors", "crash", "crashes",
  "fails", "failing", "failure", "regression", "wrong", "hang", "hangs", "leak", "leaks",
  "doesn't work", "does not work", "stopped working", "no longer works"}
-- What people write where work remains.
local MARKS <const> = {"%f[%w]TO" .. "DO%f[%W]", "%f[%w]FIX" .. "ME%f[%W]"}
local ENTRIES <const> = {"^main%.%w+$", "^index%.%w+$", "^app%.%w+$", "^cli%.%w+$", "^server%.%w+$",
  "^Makefile$", "^CMakeLists%.txt$", "^package%.json$", "^pyproject%.toml$", "^setup%.py$",
  "^go%.mod$", "^Cargo%.toml$", "^Dockerfile$", "^README", "^init%.lua$", "^__main__%.py$"}

-- ---- words ----

--- The words of a text that say what it is about, the longest first.
function M.words(text)
  local words, seen = {}, {}
  for word in text:gmatch("[%w_][%w_%.%-]*[%w_]") do
    local key = word:lower()
    local bug = false
    for _, known in ipairs(BUG) do bug = bug or known == key end
    if #word > 2 and not COMMON[key] and not bug and not seen[key] then
      words[#words + 1], seen[key] = word, #words
    end
  end
  table.sort(words, function(a, b)
    if #a ~= #b then return #a > #b end
    return seen[a:lower()] < seen[b:lower()]
  end)
  return table.move(words, 1, MOST_WORDS, 1, {})
end

--- The words of a text that speak of something that is broken.
function M.bug_words(text)
  local found, plain = {}, " " .. text:lower():gsub("[^%w']+", " ") .. " "
  for _, word in ipairs(BUG) do
    if plain:find(" " .. word .. " ", 1, true) then found[#found + 1] = word end
  end
  return found
end

-- ---- files ----

local function is_test(path)
  local name = path:match("[^/]*$")
  return name:find("[_.-][Tt]ests?%.") or name:find("[_.-][Ss]pec%.") or name:find("^test_")
    or ("/" .. path):find("/tests?/") or ("/" .. path):find("/specs?/")
    or ("/" .. path):find("/__tests__/")
end

--- Is it text for people?
local function is_page(path)
  return path:find("%.md$") or path:find("%.rst$") or path:find("%.txt$") or path:find("%.adoc$")
end

local function run(...)
  return orun.exec{command = {...}, timeout = TIMEOUT, max_output = 16 << 20}
end

-- What a program printed; nothing where it failed, as grep does that finds nothing.
local function printed(result)
  return result.error_kind == nil and result.output or ""
end

--- The project's files, and whether git knows them.
function M.files()
  local r = run("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard")
  local paths, seen = {}, {}
  if not r.error then
    for path in r.output:gmatch("[^%z]+") do
      if not seen[path] then paths[#paths + 1], seen[path] = path, true end
    end
    return paths, true
  end
  for _, file in ipairs(orun.files "**/*") do paths[#paths + 1] = file.path end
  return paths, false
end

-- The most frequent first, then by name.
local function ranked(counts, most, field)
  local list = {}
  for _, name in ipairs(check.sorted(counts)) do
    list[#list + 1] = {[field] = name, count = counts[name]}
  end
  table.sort(list, function(a, b)
    if a.count ~= b.count then return a.count > b.count end
    return a[field] < b[field]
  end)
  return table.move(list, 1, most, 1, {})
end

local function kinds_of(paths)
  local counts = {}
  for _, path in ipairs(paths) do
    local name = path:match("[^/]*$")
    local kind = name:match("^.+(%.%w+)$") or name:find("^%w+file$") and name or "others"
    counts[kind] = (counts[kind] or 0) + 1
  end
  return ranked(counts, MOST_KINDS, "kind")
end

-- Where a reader, a build or a run begins: the least deep first.
local function entries_of(paths)
  local found = {}
  for _, path in ipairs(paths) do
    for _, pattern in ipairs(ENTRIES) do
      local page = is_page(path) and path:find("/")
      if path:match("[^/]*$"):find(pattern) and not is_test(path) and not page then
        found[#found + 1] = path
        break
      end
    end
  end
  table.sort(found, function(a, b)
    local _, deep = a:gsub("/", "")
    local _, other = b:gsub("/", "")
    if deep ~= other then return deep < other end
    return a < b
  end)
  return table.move(found, 1, MOST_FILES, 1, {})
end

-- ---- what mentions the words ----

-- How often each file has the word: {[path] = count}. It runs as a task.
local function count_word(input)
  local counts = {}
  local r
  if input.git then
    r = orun.exec{command = {"git", "grep", "--untracked", "-I", "-i", "-c", "-z", "-F", "-e",
      input.word, "--", ".", ":(exclude)specs"}, max_output = 16 << 20, timeout = "2m"}
    for path, count in r.output:gmatch("([^%z\n]+)%z(%d+)\n") do counts[path] = tonumber(count) end
    if (r.exit_code or 0) > 1 then orun.fail{kind = "exit", message = r.error} end
  else
    r = orun.exec{command = {"grep", "-r", "-I", "-i", "-c", "-Z", "-F", "--exclude-dir=.?*",
      "--exclude-dir=specs", "-e", input.word, "."}, max_output = 16 << 20, timeout = "2m"}
    for path, count in r.output:gmatch("([^%z\n]+)%z(%d+)\n") do
      counts[path:gsub("^%./", "")] = count ~= "0" and tonumber(count) or nil
    end
  end
  if r.error and r.error_kind ~= "exit" then orun.fail{kind = r.error_kind, message = r.error} end
  return counts
end

-- A line as it is quoted.
local function quoted(line)
  return orun.clean((line:sub(1, LINE):gsub("%s+", " "):match("^ ?(.-) ?$")))
end

-- The first lines of a file that have one of the words.
local function lines_of(path, words)
  local file <close> = io.open(path, "rb")
  local lines, number = {}, 0
  for line in ((file and file:read(MOST_READ) or "") .. "\n"):gmatch("([^\n]*)\n") do
    number = number + 1
    local plain = line:lower()
    for _, word in ipairs(words) do
      if #lines < MOST_LINES and plain:find(word:lower(), 1, true) then
        lines[#lines + 1] = ("%d: %s"):format(number, quoted(line))
        break
      end
    end
  end
  return lines
end

-- A rare word says more than one that is everywhere, and a name more than a mention.
local function score(words, counts, total)
  local scores, has = {}, {}
  for i, word in ipairs(words) do
    local files = 0
    for _ in pairs(counts[i]) do files = files + 1 end
    local weight = math.log((total + 1) / (files + 1)) + 0.1
    for path, count in pairs(counts[i]) do
      local named = path:lower():find(word:lower(), 1, true) and 3 or 0
      local much = is_page(path) and 0.5 or is_test(path) and 0.7 or 1
      scores[path] = (scores[path] or 0) + weight * much * (1 + math.log(count) + named)
      has[path] = has[path] or {}
      table.insert(has[path], word)
    end
  end
  return scores, has
end

local function mentions_of(words, paths, git)
  local inputs = {}
  for i, word in ipairs(words) do inputs[i] = {word = word, git = git} end
  local results = orun.fan_out(inputs, function(input)
    return {run = count_word, input = input, description = "who mentions " .. input.word}
  end)
  local counts, sums = {}, {}
  for i, result in ipairs(results) do
    if result.status ~= "completed" then -- 1 is what grep says that finds nothing
      orun.fail{kind = result.error_kind,
        message = ("%s: %s"):format(result.description, result.error)}
    end
    counts[i] = result.output
    for path, count in pairs(counts[i]) do sums[path] = (sums[path] or 0) + count end
  end
  local scores, has = score(words, counts, #paths)
  local list = ranked(scores, MOST_FILES, "path")
  for _, one in ipairs(list) do
    one.count, one.words = sums[one.path], has[one.path]
    one.lines = lines_of(one.path, words)
  end
  return list
end

-- ---- around those ----

-- The tests whose names, or paths, speak of the files found.
local function tests_of(mentions, paths)
  local found, seen = {}, {}
  for _, one in ipairs(mentions) do
    local stem = one.path:match("([^/]*)$"):gsub("%.[^.]*$", ""):lower()
    local pattern = "%f[%w]" .. stem:gsub("%W", "%%%0") .. "%f[%W]"
    for _, path in ipairs(is_page(one.path) and {} or paths) do
      local near = #stem > 2 and path:lower():match("[^/]*$"):find(pattern)
      if is_test(path) and not seen[path] and (path == one.path or near) then
        found[#found + 1], seen[path] = {path = path, of = one.path}, true
      end
    end
  end
  return table.move(found, 1, MOST_FILES, 1, {})
end

-- Which files name those found, as what uses them does: {{path, users = {path}}}.
local function users_of(mentions, git)
  local list = {}
  for _, one in ipairs(mentions) do
    local stem = one.path:match("([^/]*)$"):gsub("%.[^.]*$", "")
    if #stem > 2 and not is_page(one.path) and not is_test(one.path) then
      list[#list + 1] = {path = one.path, stem = stem}
    end
  end
  local results = orun.fan_out(list, function(one)
    return {description = "who names " .. one.path:sub(1, 99), command = git
      and {"git", "grep", "--untracked", "-I", "-l", "-z", "-w", "-F", "-e", one.stem}
      or {"grep", "-r", "-I", "-l", "-Z", "-w", "-F", "--exclude-dir=.?*", "-e", one.stem, "."},
      max_output = 1 << 20}
  end)
  for i, one in ipairs(list) do
    one.users, one.stem = {}, nil
    for path in printed(results[i]):gmatch("[^%z]+") do
      path = path:gsub("^%./", "")
      if path ~= one.path and not is_page(path) and not is_test(path) then
        table.insert(one.users, path)
      end
    end
  end
  return list
end

local function history_of(mentions)
  local list = {}
  local results = orun.fan_out(mentions, function(one)
    return {description = "history of " .. one.path:sub(1, 99), command = {"git", "log", "-n",
      MOST_COMMITS, "--date=short", "--format=%h %ad %an: %s", "--", one.path}}
  end)
  for i, result in ipairs(results) do
    local commits = {}
    for line in printed(result):gmatch("[^\n]+") do
      commits[#commits + 1] = orun.clean(line:sub(1, LINE))
    end
    if commits[1] then list[#list + 1] = {path = mentions[i].path, commits = commits} end
  end
  return list
end

--- Sections of the project's pages whose titles, or first lines, have one of the words.
function M.docs(words, paths)
  local found = {}
  for _, path in ipairs(paths) do
    local file <close> = is_page(path) and not path:find("^specs/") and io.open(path, "rb") or nil
    local number, title, at = 0, nil, 0
    for line in ((file and file:read(MOST_READ) or "") .. "\n"):gmatch("([^\n]*)\n") do
      number = number + 1
      if line:find("^#+ ") then title, at = line:gsub("^#+ ", ""), number end
      local hits = 0
      for _, word in ipairs(words) do
        if title and line:lower():find(word:lower(), 1, true) then hits = hits + 1 end
      end
      if hits > 0 then
        local last = found[#found]
        if last and last.path == path and last.line == at then
          last.count = last.count + hits
        else
          found[#found + 1] = {path = path, line = at, count = hits,
            title = orun.clean(title:sub(1, LINE))}
        end
      end
    end
  end
  table.sort(found, function(a, b)
    if a.count ~= b.count then return a.count > b.count end
    if a.path ~= b.path then return a.path < b.path end
    return a.line < b.line
  end)
  return table.move(found, 1, MOST_DOCS, 1, {})
end

--- Manual pages whose names have one of the words.
function M.pages(words)
  local found, seen = {}, {}
  local roots = os.getenv "MANPATH" or "/usr/share/man"
  for root in roots:gmatch("[^:]+") do
    for _, file in ipairs(orun.files("man[1-8]/*", root)) do
      local name, section = file.name:match("^(.-)%.(%d)")
      for _, word in ipairs(words) do
        local plain = (name or ""):lower()
        if plain == word:lower() and not seen[file.name] then
          found[#found + 1], seen[file.name] = ("%s(%s)"):format(name, section), true
        end
      end
    end
  end
  table.sort(found)
  return table.move(found, 1, MOST_DOCS, 1, {})
end

--- Looks at the project in the working directory.
-- @return a map
function M.at(words)
  local paths, git = M.files()
  local map = {git = git, files = #paths, kinds = kinds_of(paths), entries = entries_of(paths)}
  map.mentions = mentions_of(words, paths, git)
  map.tests = tests_of(map.mentions, paths)
  map.users = users_of(map.mentions, git)
  map.history = git and history_of(map.mentions) or {}
  return map
end

-- ---- what may be behind a fault ----

-- Lines of a file in which somebody has noted that work remains, as text.
local function marked_lines(path)
  local file <close> = io.open(path, "rb")
  local lines, number = {}, 0
  for line in ((file and file:read(MOST_READ) or "") .. "\n"):gmatch("([^\n]*)\n") do
    number = number + 1
    for _, mark in ipairs(MARKS) do
      if #lines < MOST_LINES and line:find(mark) then
        lines[#lines + 1] = ("line %d says: %s"):format(number, quoted(line))
        break
      end
    end
  end
  return lines
end

--- Places to look at first when something is broken, the likeliest first: each with what speaks
--- for it.
-- @return array of {path =, evidence = {text}}
function M.suspects(map)
  local list, changed = {}, {}
  for _, one in ipairs(map.history) do changed[one.path] = one.commits[1] end
  for _, one in ipairs(map.mentions) do
    if not is_page(one.path) and not is_test(one.path) then
      local words = table.concat(one.words, ", ")
      local evidence = {("it mentions %s, %d times"):format(words, one.count)}
      if changed[one.path] then evidence[2] = "changed last by " .. changed[one.path] end
      table.move(marked_lines(one.path), 1, MOST_LINES, #evidence + 1, evidence)
      list[#list + 1] = {path = one.path, evidence = evidence}
    end
  end
  return list
end

return M
