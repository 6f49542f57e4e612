--- orun.look.changes: which files of a repository changed, and in which lines.
--
--     local changes <close>, why = changes.of("main..")
--     for _, file in ipairs(changes.files) do print(file.path, file.kind) end
--
-- Glossary
--   changes  {root = the folder the files are in, title =, diff = text, files = array}; closing
--            it removes what was made for it
--   file     {path =, kind = "source", "test", "docs", "config" or "other", lines = {[n] = true}
--            for those that are new, or nil for all}

local git = require "orun.worktree.git"
local orun = require "orun"

local M = {}

local KINDS <const> = {
  docs = " md txt rst adoc html tex ", config = " json yaml yml toml ini cfg conf xml ",
  source = " c h cc cpp hpp cxx lua sh bash py js ts tsx jsx go rs java rb pl php sql css vue ",
}
local DIFF <const> = {"diff", "--no-ext-diff", "--no-textconv", "--no-renames", "--no-color"}

local Changes <const> = {__name = "orun.look.changes"}

function Changes:__close()
  if self.made then orun.exec("rm", "-rf", "--", self.made) end
end

--- What kind of file that is, by its path.
function M.kind(path)
  local ending = path:match("%.(%w+)$")
  local name = ("/" .. path):lower()
  for kind, endings in pairs(KINDS) do
    if ending and endings:find(" " .. ending:lower() .. " ", 1, true) then
      local test = kind == "source" and (name:find("/specs?/") or name:find("/tests?/")
        or name:find("[/_.-]spec[_.]") or name:find("[/_.-]test[_.]"))
      return test and "test" or kind
    end
  end
  return "other"
end

-- The new lines of each file of a diff without context.
local function lines_of(diff)
  local all, path = {}, nil
  for line in diff:gmatch("[^\n]+") do
    path = line:match("^%+%+%+ b/(.-)\t?$") or path
    local from, count = line:match("^@@ %S+ %+(%d+),?(%d*) @@")
    if path and from then
      all[path] = all[path] or {}
      for n = tonumber(from), tonumber(from) + (tonumber(count) or 1) - 1 do all[path][n] = true end
    end
  end
  return all
end

-- The tree of a commit in a folder of its own.
local function unpack_tree(root, commit)
  local made = orun.exec("mktemp", "-d")
  if made.error then return nil, made.error end
  local folder = made.output:gsub("\n$", "")
  local tar = folder .. "/tree.tar"
  local out, why = git.call(root, {"archive", "--format=tar", "-o", tar, commit})
  local r = out and orun.exec("tar", "-x", "-f", tar, "-C", folder)
  os.remove(tar)
  if r and not r.error then return folder end
  orun.exec("rm", "-rf", "--", folder)
  return nil, why or r.error
end

-- What git compares, {from} or {from, to}, and what to call it; nil and why not.
local function compared(root, range)
  if range and range:sub(1, 1) == "-" then return nil, range .. ": that is no range of commits" end
  local from, dots, to = (range or ""):match("^(.-)(%.%.%.?)(.*)$")
  if dots then
    local commit, why = git.commit(root, to == "" and "HEAD" or to)
    if not commit then return nil, why or ("there is no commit %s"):format(to) end
    return {(from == "" and "HEAD" or from) .. dots .. commit}, range, commit
  end
  local base, why = git.commit(root, range or "HEAD")
  if base == nil then return nil, why end
  if not base and range then return nil, ("there is no commit %s"):format(range) end
  if not base then return {(git.line(root, "hash-object", "-t", "tree", "/dev/null"))}, "all" end
  local changed = range or git.line(root, "status", "--porcelain", "--untracked-files=all")
  if changed ~= "" then return {base}, range or "what is not committed" end
  local before = git.commit(root, "HEAD~1")
    or git.line(root, "hash-object", "-t", "tree", "/dev/null")
  return {before, "HEAD"}, "the last commit"
end

--- What changed.
-- @param range  "A..B", "A...B"; "A": from there to the files as they are; nil: what is not
--               committed, or the last commit if there is no such thing
-- @return changes; nil and why not
function M.of(range)
  local root, why = git.line(".", "rev-parse", "--show-toplevel")
  if not root and why:find("not a git repository", 1, true) then
    return nil, "this folder is in no git repository, and what has changed is what git knows"
  end
  if not root then return nil, why end
  local ends, title, commit = compared(root, range)
  if not ends then return nil, title end
  local function diff(...)
    local args = table.move(DIFF, 1, #DIFF, 1, {})
    for _, list in ipairs{{...}, ends, {"--"}} do table.move(list, 1, #list, #args + 1, args) end
    return git.call(root, args)
  end
  local self = setmetatable({root = root, title = title, files = {}}, Changes)
  local names, plain
  names, why = diff("-z", "--name-only", "--diff-filter=d")
  if names then plain, why = diff("-U0", "--src-prefix=a/", "--dst-prefix=b/") end
  if plain then self.diff, why = diff("-U3") end
  if not self.diff then return nil, why end
  local lines = lines_of(plain)
  local function add(path)
    table.insert(self.files, {path = path, kind = M.kind(path), lines = lines[path]})
  end
  for _, path in ipairs(git.split(names)) do add(path) end
  if #ends == 1 and not commit then
    local new = git.list(root, "ls-files", "-z", "--others", "--exclude-standard")
    for _, path in ipairs(new or {}) do add(path) end
  end
  if commit and #self.files > 0 then
    self.made, why = unpack_tree(root, commit)
    if not self.made then return nil, why end
    self.root = self.made
  end
  return self
end

return M
