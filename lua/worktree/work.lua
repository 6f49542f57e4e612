--- orun.worktree.work: what was done in a worktree: committed, described, compared.
--
-- An operation of git that is under way there (a merge with conflicts, a rebase) is left as it
-- is: committing would record its conflict markers and lose what git needs to finish it. The
-- worktree stays, and the result says so in `unfinished`.
--
-- Glossary
--   state   what orun.worktree says of one: {path=, branch=, base=, repository=, git_dir=,
--           task=, run=}
--   place   what git is called for (worktree/git.lua)

local git = require "orun.worktree.git"
local nested = require "orun.worktree.nested"
local worktree = require "orun.worktree.place"

local M = {}

local SHOWN <const> = 5 -- names of files in a message

--- Names for a message: the first few, and how many more there are.
function M.names(files)
  local shown = table.concat(files, ", ", 1, math.min(#files, SHOWN))
  return #files > SHOWN and ("%s and %d more"):format(shown, #files - SHOWN) or shown
end

-- What HEAD of the worktree says, without its newline.
local function head_of(state)
  local file <close> = io.open(state.git_dir .. "/HEAD", "rb")
  return file and file:read("l"):match("^ref: (.*)$")
end

-- It is nobody's work any more (gitrepository-layout(5) tells of this file).
local function unlock(state)
  os.remove(state.git_dir .. "/locked")
end

local function lost(state, text, ...)
  orun.fail{kind = "lost", message = ("what the task did could not be committed: %s; it is in %s")
    :format(text:format(...), state.path)}
end

-- The value, or the end of the attempt.
local function must(state, value, why)
  if value == nil then lost(state, "%s", why) end
  return value
end

-- Where HEAD is and its tree, and where the branch is; false for what is not there.
local function look(place, state)
  local ref <const> = "refs/heads/" .. state.branch
  local at = git.ask(place, {"HEAD^{commit}", "HEAD^{tree}", ref .. "^{commit}"})
  if at then return at[1], at[2], at[3] end
  local tip = must(state, git.commit(place, ref))
  local head = must(state, git.commit(place, "HEAD")) or tip or state.base
  return head, must(state, git.ask(place, {head .. "^{tree}"}))[1], tip
end

-- Remove the locks of a git that has ended.
local function unlock_index(state)
  for _, name in ipairs{"index.lock", "HEAD.lock"} do
    os.remove(state.git_dir .. "/" .. name)
  end
end

-- Returns whether it succeeded, and why not. A killed one leaves its lock behind.
local function add(place, state, args)
  local added, why, code = git.call(place, args)
  if not added and not code then unlock_index(state) end
  return added ~= nil, why
end

-- Put all there is into the index, outside of what is checked out in a sparse worktree, too.
-- Returns what could not be added, and the repositories inside that git cannot add as nothing
-- was committed in them.
local function add_all(place, state)
  local args = {"add", "-A", "--sparse", "--ignore-errors", "--", "."}
  local added, trouble = add(place, state, args)
  if added then return nil, {} end
  local unborn = nested.unborn(place) or {}
  if not unborn[1] then return trouble, {} end
  for _, entry in ipairs(unborn) do
    args[#args + 1] = ":(exclude,top,literal)" .. entry.path
  end
  added, trouble = add(place, state, args)
  return not added and trouble or nil, unborn
end

-- Commit all there is. Returns the commit of HEAD then, that of the branch, what could not
-- be added, and the repositories inside without a commit.
local function commit_all(place, state, message)
  local trouble, unborn = add_all(place, state)
  local head, before, tip = look(place, state)
  local tree, why = git.line(place, "write-tree")
  if not tree then lost(state, "%s", trouble or why) end
  if tree ~= before then
    head, why = git.record(place, tree, {head}, message)
    if not head then lost(state, "%s", why) end
  end
  return head, tip, trouble, unborn
end

-- The branch, which is at `tip`, comes to where HEAD is. When they went different ways both
-- are kept: returns the branch's commit, and the name of the branch that was made for the other.
local function gather(place, state, head, tip)
  local ref <const> = "refs/heads/" .. state.branch
  local diverged <const> = tip and tip ~= head
  if diverged and must(state, git.is_before(place, head, tip)) then return tip end
  local other = diverged and not must(state, git.is_before(place, tip, head))
    and state.branch .. "-head" or nil
  local out, why = "", nil
  if other then
    out, why = git.call(place, {"update-ref", "refs/heads/" .. other, head})
  elseif tip ~= head then
    out, why = git.call(place, {"update-ref", ref, head})
  end
  if out and not other and head_of(state) ~= ref then
    out, why = git.call(place, {"symbolic-ref", "HEAD", ref})
  end
  if not out then lost(state, "%s", why) end
  return other and tip or head, other
end

-- What the result tells of a branch: what has changed there since the base.
local function changes(state, tip)
  local result = must(state, git.changes(state.repository, state.base, tip))
  result.links = nil
  return result
end

-- What the result tells of a worktree that stays. `unborn`: repositories inside.
local function describe(state, tip, other, rest, unborn)
  local result = must(state, git.changes(state.repository, state.base, tip))
  local left_out = nested.left_out(state, tip, result.links)
  table.move(unborn, 1, #unborn, #left_out + 1, left_out)
  nested.tell(state, left_out)
  result.links, result.nested = nil, left_out[1] and left_out
  result.path, result.branch, result.base, result.commit = state.path, state.branch, state.base, tip
  result.repository, result.dirty, result.earlier = state.repository, state.dirty, state.earlier
  result.other_branch, result.uncommitted = other, rest
  return result
end

-- Its folder is gone: what is on the branch is all there is.
local function leave_gone(state)
  local top <const> = state.repository
  git.call(top, {"worktree", "unlock", state.path})
  git.call(top, {"worktree", "prune"})
  local tip = must(state, git.commit(top, "refs/heads/" .. state.branch))
  if not tip then lost(state, "the worktree was removed, and so was its branch") end
  local result = changes(state, tip)
  result.branch, result.base, result.commit = state.branch, state.base, tip
  result.repository, result.earlier = top, state.earlier
  return result
end

-- What is under way: {operation=, conflicts = names}; nil for nothing. Files in conflict
-- without an operation are left by `git stash pop` and `git merge --squash`.
local function unfinished(place, state)
  local operation = git.operation(state.git_dir)
  local conflicts = must(state, git.conflicts(place))
  if not operation and not conflicts[1] then return nil end
  return {operation = operation or "conflict", conflicts = conflicts[1] and conflicts}
end

--- What is under way, for a message.
function M.operation(what)
  local names = what.conflicts and M.names(what.conflicts)
  if what.operation == "conflict" then return ("files in conflict (%s)"):format(names) end
  local text = ("an unfinished %s"):format(what.operation)
  return names and ("%s (in conflict: %s)"):format(text, names) or text
end

-- The end of a task that has left something under way.
local function leave_unfinished(place, state, what)
  local tip = must(state, git.commit(place, "refs/heads/" .. state.branch)) or state.base
  local rest = must(state, git.status(place, true))
  unlock(state)
  orun.log(("orun: %s left %s in its worktree; what belongs to it is not committed, it is in %s")
    :format(state.task, M.operation(what), state.path))
  local result = describe(state, tip, nil, rest[1] and rest, {})
  result.unfinished = what
  return result
end

--- Commit and collect; a worktree without changes goes.
-- @param message  of the commit
-- @return the `worktree` of a result
function M.settle(state, message)
  worktree.unlock_refs(state)
  if not worktree.exists(state.path .. "/.") or not worktree.exists(state.git_dir) then
    return leave_gone(state)
  end
  local place = {dir = state.git_dir, work_tree = state.path}
  unlock_index(state) -- no program of the task works there now
  local what = unfinished(place, state)
  if what then return leave_unfinished(place, state, what) end
  local head, tip, trouble, unborn = commit_all(place, state, message)
  local other
  tip, other = gather(place, state, head, tip)
  if trouble then lost(state, "%s", trouble) end
  local rest = must(state, git.status(place, true))
  rest = rest[1] and rest or nil
  if tip == state.base and not other and not rest and worktree.remove(state) then
    return {unchanged = true, base = state.base, repository = state.repository,
            dirty = state.dirty, earlier = state.earlier}
  end
  unlock(state)
  return describe(state, tip, other, rest, unborn)
end

-- task id -> {base=, tip=, branch=} of a run's tasks that have changed something; or nil, why.
local function changed_tasks(place, run)
  local tasks, attempts = {}, {}
  local out, why = git.call(place, {"for-each-ref", "--format=%(refname) %(objectname)",
    ("refs/orun/%s/"):format(run), ("refs/heads/orun/%s/"):format(run)})
  if not out then return nil, why end
  for ref, id in out:gmatch("(%S+) (%x+)\n") do
    local task = ref:match("^refs/orun/[^/]+/(t%d+)$")
    if task then
      tasks[task] = tasks[task] or {}
      tasks[task].base = id
    end
    local of, attempt, rest = ref:match("^refs/heads/orun/[^/]+/(t%d+)%.?(%d*)(%-.*)$")
    attempt = tonumber(attempt) or 1
    if of and attempt >= (attempts[of] or 0) and rest:sub(-5) ~= "-head" then
      attempts[of] = attempt
      tasks[of] = tasks[of] or {}
      tasks[of].tip, tasks[of].branch = id, ref:gsub("^refs/heads/", "")
    end
  end
  for id, t in pairs(tasks) do
    if not t.base or not t.tip or t.base == t.tip then tasks[id] = nil end
  end
  return tasks
end

local function untold(state, why)
  orun.log(("orun: whether others have changed what %s has changed is unknown: %s")
    :format(state.task, why))
end

--- Which other tasks of the run have changed files that this one has changed: an array of
-- {task=, branch=, files=}; nil when there are none, and when git cannot tell, which is said.
function M.overlaps(place, state, files)
  local mine, found, ids = {}, {}, {}
  for _, name in ipairs(files) do mine[name] = true end
  local tasks, why = changed_tasks(place, state.run)
  if not tasks then return untold(state, why) end
  for id in pairs(tasks) do
    if id ~= state.task then ids[#ids + 1] = id end
  end
  table.sort(ids, function(a, b) return tonumber(a:sub(2)) < tonumber(b:sub(2)) end)
  for _, id in ipairs(ids) do
    local t, shared = tasks[id], {}
    local theirs, trouble = git.list(place, "diff-tree", "-r", "-z", "--name-only", "--no-renames",
      t.base, t.tip)
    if not theirs then untold(state, trouble) end
    for _, name in ipairs(theirs or {}) do
      if mine[name] then shared[#shared + 1] = name end
    end
    if shared[1] then found[#found + 1] = {task = id, branch = t.branch, files = shared} end
  end
  return found[1] and found
end

--- Say which files others have changed, too: of two that end at once both see it, and one
-- says it.
function M.tell_overlaps(state, found)
  local shared, by = {}, {}
  for _, other in ipairs(found or {}) do
    local pair = {state.task, other.task}
    table.sort(pair)
    local news = orun.once("conflict of " .. table.concat(pair, " and "))
    for _, name in ipairs(news and other.files or {}) do
      if not by[name] then
        by[name] = {}
        shared[#shared + 1] = name
      end
      by[name][#by[name] + 1] = other.task
    end
  end
  if not shared[1] then return end
  for i, name in ipairs(shared) do
    shared[i] = ("%s (and %s)"):format(name, table.concat(by[name], ", "))
  end
  orun.log(("orun: conflict: %s has changed what others have changed, too: %s"):format(state.task,
    M.names(shared)))
end

return M
