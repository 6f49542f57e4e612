--- orun.worktree.git: git, as orun calls it: nobody is asked, no hook runs.
--
-- What the user has configured for himself (hooks, signing, a pager, an editor) is not for
-- commits that orun makes on its own, and what the environment says of a repository is not
-- about this one. Names of files may hold anything, so lists of them end in NUL (-z).
--
-- Glossary
--   place   what git is called for: a folder; or {dir=, work_tree=}, where dir is the
--           folder of the worktree within the repository, so that nothing in the worktree
--           itself can say that it belongs to another

local M = {}

local SETTINGS <const> = {
  "core.hooksPath=/dev/null", "core.fsmonitor=false", "core.safecrlf=false", "core.pager=cat",
  "core.packedRefsTimeout=30000", "core.filesRefLockTimeout=30000",
  "gc.auto=0", "maintenance.auto=false", "commit.gpgSign=false", "submodule.recurse=false",
  "diff.renames=false", "diff.relative=false", "diff.noprefix=false", "color.ui=false",
  "merge.autoStash=false", "merge.verifySignatures=false", "advice.detachedHead=false",
  "advice.addEmbeddedRepo=false",
}

local ENV <const> = {
  LC_ALL = "C", GIT_OPTIONAL_LOCKS = "0", GIT_TERMINAL_PROMPT = "0", GIT_EDITOR = "true",
  GIT_PAGER = "cat", GIT_DIR = false, GIT_WORK_TREE = false, GIT_INDEX_FILE = false,
  GIT_COMMON_DIR = false, GIT_OBJECT_DIRECTORY = false, GIT_NAMESPACE = false,
  GIT_ALTERNATE_OBJECT_DIRECTORIES = false, GIT_PREFIX = false, GIT_CONFIG = false,
  GIT_CONFIG_PARAMETERS = false, GIT_CONFIG_COUNT = false, GIT_GRAFT_FILE = false,
  GIT_SHALLOW_FILE = false, GIT_REPLACE_REF_BASE = false, GIT_NO_REPLACE_OBJECTS = false,
  GIT_QUARANTINE_PATH = false, GIT_IMPLICIT_WORK_TREE = false, GIT_EXTERNAL_DIFF = false,
  GIT_LITERAL_PATHSPECS = false, GIT_TRACE = false,
}

local TIMEOUT <const> = "10m"
-- For a lock that somebody else has, in seconds. Of refs git itself waits for it so long.
local PATIENCE <const>, BETWEEN <const> = 30, 0.1
-- The last three: another git is just making a worktree, and has not yet written that file;
-- one that prunes has removed the folder that this one had just made for its worktree.
local BUSY <const> = {"%.lock': File exists", "could not lock config file",
  "[Uu]nable to lock", "cannot lock ref .*File exists", "failed to read [^\n]*/commondir",
  "could not open [^\n]*/worktrees/[^\n]* for writing: No such file",
  "could not create directory of [^\n]*/worktrees/[^\n]*: No such file"}
local LINK <const> = "160000" -- a tree's mode for a repository inside, of which it has the commit
local COMPLAINT <const> = 500 -- bytes of a message in git's own words
-- What git keeps in a worktree's folder while an operation is not finished. A rebase has
-- others' files besides its own, so it comes first.
local OPERATIONS <const> = {
  {"rebase-merge", "rebase"}, {"rebase-apply/applying", "am"}, {"rebase-apply", "rebase"},
  {"MERGE_HEAD", "merge"}, {"CHERRY_PICK_HEAD", "cherry-pick"}, {"REVERT_HEAD", "revert"},
  {"sequencer", "cherry-pick"}, {"BISECT_LOG", "bisect"},
}
local NOBODY <const> = {
  GIT_AUTHOR_NAME = "orun", GIT_AUTHOR_EMAIL = "orun@localhost",
  GIT_COMMITTER_NAME = "orun", GIT_COMMITTER_EMAIL = "orun@localhost",
}

local function is_busy(text)
  for _, pattern in ipairs(BUSY) do
    if text:find(pattern) then return true end
  end
  return false
end

local function command_of(place, args)
  local command = {"git"}
  for _, setting in ipairs(SETTINGS) do
    command[#command + 1] = "-c"
    command[#command + 1] = setting
  end
  if type(place) == "table" then
    command[#command + 1] = "--git-dir=" .. place.dir
    command[#command + 1] = "--work-tree=" .. place.work_tree
  end
  return table.move(args, 1, #args, #command + 1, command)
end

-- What git said went wrong, on one line, without its advice. A message that begins with neither
-- word may have several lines.
local function complaint(r)
  local said = ("\n" .. r.stderr):gsub("\nhint:[^\n]*", ""):gsub("\nwarning:[^\n]*", "")
  local text = said:match("\nfatal: ([^\n]+)") or said:match("\nerror: ([^\n]+)")
  if not text then
    text = said:gsub("%s+", " "):match("^ ?(.-) ?$")
    if text == "" then text = r.stderr:match("([^\n]+)\n*$") or r.error end
    return #text > COMPLAINT and text:sub(1, COMPLAINT) .. "..." or text
  end
  for name in text:sub(-1) == ":" and r.stderr:gmatch("\n\t([^\n]+)") or next, {} do
    text = text .. " " .. name
  end
  return text
end

-- One call: as M.call, and on a failure, fourth, whether it was for what others do.
local function call_once(request, name, fine)
  local r = orun.exec(request)
  local whole = not r.error or r.error_kind == "exit" -- all it has printed was kept
  local code = r.exit_code
  if whole and code and (code == 0 or code == fine) then return r.output, code end
  if r.error_kind == "spawn" then return nil, r.error end
  local why = r.error_kind == "exit" and complaint(r) or r.error
  return nil, ("git %s: %s"):format(name, why), code, is_busy(r.stderr)
end

--- Calls f() until it returns something, or fails for another reason than what others do, or
-- has for long enough.
-- @param f  returns a value; or nil, what went wrong, an exit code, and whether others were why
-- @return what f gave last
function M.patiently(f)
  local last = orun.ticks() + PATIENCE
  while true do
    local out, why, code, busy = f()
    if out or not busy or orun.ticks() >= last then return out, why, code, busy end
    orun.sleep(BETWEEN)
  end
end

--- Calls git.
-- @param place  see above
-- @param args   array
-- @param o      nil, or {input=, env=, fine=, once=}: fine is one more exit code that is no
--               failure; once: for M.patiently
-- @return its standard output and its exit code; or nil, what went wrong, the exit code, and
--         whether that was for what others do at the same time
function M.call(place, args, o)
  o = o or {}
  local env = {}
  for name, value in pairs(ENV) do env[name] = value end
  for name, value in pairs(o.env or {}) do env[name] = value end
  local request = {command = command_of(place, args), env = env, input = o.input,
    cwd = type(place) == "table" and place.work_tree or place, timeout = TIMEOUT,
    max_output = "256MiB"}
  if o.once then return call_once(request, args[1], o.fine) end
  return M.patiently(function() return call_once(request, args[1], o.fine) end)
end

--- The same for what prints one thing and a newline; that thing.
function M.line(place, ...)
  local out, why = M.call(place, {...})
  if not out then return nil, why end
  return (out:gsub("\n$", ""))
end

--- The same for what prints things that each end in NUL; an array.
function M.list(place, ...)
  local out, why = M.call(place, {...})
  if not out then return nil, why end
  return M.split(out)
end

--- The things of a text, each of which ends in NUL.
function M.split(text)
  local list = {}
  for item in text:gmatch("([^%z]*)%z") do list[#list + 1] = item end
  return list
end

--- The commit that a revision names; false when there is none; or nil, message.
function M.commit(place, revision)
  local out, code = M.call(place, {"rev-parse", "--verify", "--quiet", "--end-of-options",
    revision .. "^{commit}"}, {fine = 1})
  if not out then return nil, code end
  return code == 0 and out:gsub("\n$", "")
end

--- What `git rev-parse` says to each question: an array of texts; or nil, message.
function M.ask(place, questions)
  local answers = {}
  local out, why = M.call(place, {"rev-parse", "--path-format=absolute", table.unpack(questions)})
  if not out then return nil, why end
  for answer in out:gmatch("([^\n]*)\n") do answers[#answers + 1] = answer end
  if #answers == #questions then return answers end
  for i, question in ipairs(questions) do -- a path has lines
    answers[i], why = M.line(place, "rev-parse", "--path-format=absolute", question)
    if not answers[i] then return nil, why end
  end
  return answers
end

--- Is one commit the other, or before it? nil, message: unknown.
function M.is_before(place, one, other)
  local out, code = M.call(place, {"merge-base", "--is-ancestor", one, other}, {fine = 1})
  if not out then return nil, code end
  return code == 0
end

--- Makes a commit of a tree; no branch moves.
-- @return its id; or nil, message
function M.record(place, tree, parents, message)
  local args = {"commit-tree", tree, "-F", "-"}
  for _, parent in ipairs(parents) do
    args[#args + 1] = "-p"
    args[#args + 1] = parent
  end
  local out, why = M.call(place, args, {input = message .. "\n"})
  if not out and (why:find("ident", 1, true) or why:find("email", 1, true)) then
    out, why = M.call(place, args, {input = message .. "\n", env = NOBODY})
  end
  if not out then return nil, why end
  return (out:gsub("\n$", ""))
end

--- The operation of git that was begun in a worktree and is neither finished nor aborted.
-- @param git_dir  the folder that is the worktree's within its repository
-- @return "merge", "rebase", "cherry-pick", "revert", "am" or "bisect"; nil when there is none
function M.operation(git_dir)
  for _, entry in ipairs(OPERATIONS) do
    local file = io.open(git_dir .. "/" .. entry[1], "rb")
    if file then
      file:close()
      return entry[2]
    end
  end
end

--- The files that a merge left in conflict: an array of names; or nil, message.
function M.conflicts(place)
  local list, why = M.list(place, "ls-files", "-u", "-z")
  if not list then return nil, why end
  local names = {}
  for _, entry in ipairs(list) do -- up to three entries a file, one after the other
    local name = entry:match("\t(.*)$")
    if name ~= names[#names] then names[#names + 1] = name end
  end
  return names
end

--- What `git status` lists: the names of files that are not as they were committed.
-- @param untracked  whether those that git does not know count
-- @return array; or nil, message
function M.status(place, untracked)
  local list, why = M.list(place, "status", "--porcelain", "-z", "--no-renames",
    "--ignore-submodules=none", untracked and "--untracked-files=normal" or "--untracked-files=no")
  if not list then return nil, why end
  for i, entry in ipairs(list) do list[i] = entry:sub(4) end
  return list
end

--- What changed from one commit to the other.
-- @return {files = array, stat = {files=, insertions=, deletions=}, text =, links = array};
--   or nil, message. links are of repositories inside: {path=, commit=, added = boolean}
function M.changes(place, from, to)
  local out, why = M.call(place, {"diff-tree", "-r", "-z", "--raw", "--no-abbrev", "--numstat",
    "--stat", "--no-renames", from, to})
  if not out then return nil, why end
  local entries, text = out:match("^(.*%z)(.*)$") -- the text has no NUL: it quotes
  entries = M.split(entries or "")
  local files, links, stat = {}, {}, {files = 0, insertions = 0, deletions = 0}
  local at = 1
  while at <= #entries and entries[at]:sub(1, 1) == ":" do -- each is followed by its name
    local before, mode, commit = entries[at]:match("^:(%d+) (%d+) %x+ (%x+)")
    if mode == LINK then
      links[#links + 1] = {path = entries[at + 1], commit = commit, added = before ~= LINK}
    end
    at = at + 2
  end
  for i = at, #entries do
    local more, less, name = entries[i]:match("^(%S+)\t(%S+)\t(.*)$")
    files[#files + 1] = name
    stat.insertions = stat.insertions + (math.tointeger(more) or 0)
    stat.deletions = stat.deletions + (math.tointeger(less) or 0)
  end
  stat.files = #files
  return {files = files, stat = stat, text = text or "", links = links}
end

--- The worktrees of a repository: an array of {path=, branch=, locked=, bare=}; the first is
--- the main one. branch is the full name of its ref; locked is the reason.
function M.worktrees(place)
  local entries, why = M.list(place, "worktree", "list", "--porcelain", "-z")
  if not entries then return nil, why end
  local list = {}
  for _, entry in ipairs(entries) do
    local word, rest = entry:match("^(%S+) ?(.*)$")
    if word == "worktree" then
      list[#list + 1] = {path = rest}
    elseif word == "branch" or word == "locked" then
      list[#list][word] = rest
    elseif word == "bare" then
      list[#list].bare = true
    end
  end
  return list
end

return M
