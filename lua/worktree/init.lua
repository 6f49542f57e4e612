--- orun.worktree: a git worktree and a branch for one attempt of a task, and what was done
--- there afterwards, isolation="worktree".
--
-- The runtime calls `enter` before the task's work and `leave` after it, however that
-- ended, in states of their own (runtime/runner/run_tree.h).
--
--   place    REPOSITORY/.orun/worktrees/RUN-t3, a folder that git ignores; of a bare
--            repository, orun-worktrees/RUN-t3 inside it
--   branch   orun/RUN/t3-what-it-is-called, of a second attempt t3.2-…
--   base     the commit it begins at: HEAD of the repository of the task's cwd, or `base`;
--            refs/orun/RUN/t3 remembers it
--
-- While the task runs its worktree is locked (worktree/lock.lua): what a run that was killed has
-- left is found by that (`rescue`), and nothing else prunes it.
--
-- What is there at the end, files that git ignores aside, is committed on the branch; so are
-- commits of the task's own, wherever its HEAD is by then. A worktree without changes goes,
-- with its branch. One that has some stays, until orun.merge or somebody removes it. An
-- operation of git that was not finished there is left as it is.
--
-- A task that an earlier try of the same run was at work on when that was interrupted goes on
-- in its worktree: in the same folder, as the session of an agent may go by that, on the same
-- branch, which is called as those of this run from then on (`take_up`).
--
-- Glossary
--   state   what `enter` returns, `leave` gets, and a result has when `leave` could not end:
--           {path=, cwd=, branch=, base=, repository=, common=, git_dir=, dirty=, earlier=}

local git = require "orun.worktree.git"
local lock = require "orun.worktree.lock"
local place = require "orun.worktree.place"
local work = require "orun.worktree.work"

local M = {}

local fail <const>, must <const>, exists <const> = place.fail, place.must, place.exists

-- The worktree that has a branch checked out: {path=, branch=, locked=}, or nil.
local function tree_of(r, branch)
  for _, tree in ipairs(must(git.worktrees(r.top))) do
    if tree.branch == "refs/heads/" .. branch then return tree end
  end
end

-- Where an attempt has worked: in the folder named for it, or in that of an earlier try.
local function path_of(r, folder, name, branch)
  local path <const> = folder .. "/" .. name
  if exists(path) then return path end
  local tree = tree_of(r, branch)
  return tree and tree.path or path
end

-- What earlier attempts have left: the branches stay, the folders are done with.
local function earlier(task, r, folder)
  local left = {}
  for attempt = 1, task.attempt - 1 do
    local name, branch = place.names(task, attempt)
    local tip = git.commit(r.top, "refs/heads/" .. branch)
    if tip then
      local path <const> = path_of(r, folder, name, branch)
      local git_dir = place.git_dir(path)
      if not (git_dir and git.operation(git_dir)) then
        git.call(r.top, {"worktree", "remove", path})
      end
      left[#left + 1] = {branch = branch, commit = tip}
    end
  end
  return left[1] and left
end

-- Say once for each folder what is not in the worktrees.
local function tell_dirty(r, base, dirty)
  if not orun.once("uncommitted changes of " .. r.top) then return end
  orun.log(("orun: uncommitted changes in %s are not in the worktrees of tasks, which begin at "
    .. "%s: %s"):format(r.top, base:sub(1, 12), work.names(dirty)))
end

local function base_of(task, r)
  if not task.base and r.head then return r.head end
  local base, why = git.commit(r.top, task.base or "HEAD")
  if base then return base end
  if why then fail("%s", why) end
  if task.base then fail("base = %q: there is no such commit in %s", task.base, r.top) end
  fail("%s has no commit yet", r.top)
end

-- Make it, once; what is half made when that fails goes.
local function make_once(state)
  local top <const>, base <const> = state.repository, state.base
  local out, why, code, busy = git.call(top, {"worktree", "add", "--quiet", "--no-track", "--lock",
    "--reason", lock.reason(base), "-b", state.branch, "--", state.path, state.tip or base},
    {once = true})
  if out then
    out, why = git.call(top, {"update-ref", place.base_ref(state.run, state.task), base})
  end
  if not out then place.unmake(state) end
  return out, why, code, busy
end

local function make(state)
  if exists(state.path) then fail("%s is in the way", state.path) end
  must(git.patiently(function() return make_once(state) end))
end

-- It is this process's work from now on.
local function claim(r, path, base)
  must(git.call(r.top, {"worktree", "lock", "--reason", lock.reason(base), path}))
end

-- The attempt before has left a worktree, and this one goes on with it. True if so.
local function go_on(task, r, state)
  if not task.resume or task.attempt == 1 or not exists(state.path) then return false end
  local base = must(git.commit(r.top, place.base_ref(task.run, task.id)))
  if not base or not must(git.commit(r.top, "refs/heads/" .. state.branch)) then return false end
  claim(r, state.path, base)
  state.base = base
  return true
end

-- The worktree is one of this run's: so is the name of its branch, which was `branch`.
local function rename(r, state, branch, old_ref)
  if branch == state.branch then return end
  must(git.call(r.top, {"update-ref", place.base_ref(state.run, state.task), state.base}))
  must(git.call(r.top, {"branch", "-m", branch, state.branch}))
  git.call(r.top, {"update-ref", "-d", old_ref})
end

-- What is left of what an earlier try has done: the branch, where that is, the ref of its base,
-- and its base; nil for nothing.
local function remains(r, branch)
  local run, id = branch:match("^orun/([^/]+)/(t%d+)")
  local ref <const> = run and place.base_ref(run, id)
  local tip = run and must(git.commit(r.top, "refs/heads/" .. branch))
  local base = tip and must(git.commit(r.top, ref))
  if base then return {branch = branch, tip = tip, ref = ref, base = base} end
end

-- An earlier try of this run was at work on the task (task.before): what it has left is where
-- this one begins. True if that is a worktree, in which it goes on.
local function take_up(task, r, state, folder)
  local before <const> = task.before
  if not before or task.attempt > 1 then return false end
  local there
  for _, tree in ipairs(must(git.worktrees(r.top))) do
    if tree.path == before.path and not tree.locked then there = tree end
  end
  local branch = there and (there.branch or ""):match("^refs/heads/(orun/.*)$")
  local left = remains(r, branch or before.branch)
  if before.path:match("^(.*)/[^/]+$") == folder and not exists(before.path) then
    state.path = before.path
  end
  if not left then
    orun.log(("orun: %s begins anew: the branch %s, on which it was at work, is not there any "
      .. "longer (nothing was changed on it, or it was removed)"):format(task.id, before.branch))
    return false
  end
  state.base = left.base
  orun.log(("orun: %s goes on with what is on branch %s"):format(task.id, left.branch))
  if branch then
    state.path = before.path
    rename(r, state, branch, left.ref)
    claim(r, state.path, state.base)
    return true
  end
  state.tip = left.tip
  state.earlier = {{branch = left.branch, commit = left.tip}}
  return false
end

-- What is to be known of a worktree that is there.
local function complete(state, task, r, keep)
  if not r.bare and not task.base then
    local dirty = must(git.status(r.top, true))
    if dirty[1] then
      state.dirty = dirty
      tell_dirty(r, state.base, dirty)
    end
  end
  state.git_dir = must(place.git_dir(state.path))
  state.cwd = (state.path .. "/" .. r.prefix):gsub("/$", "")
  if r.prefix ~= "" then orun.exec("mkdir", "-p", "--", state.cwd) end
  keep(state.cwd, state.path, state.branch, state.common)
end

--- Makes a worktree for an attempt of a task, or fails.
-- @param task  {id=, run=, attempt=, resume=, description=, agent=, base=, cwd=, before=}: before
--              is where an earlier try of the run was at work on it, {path=, branch=}, or nil
-- @param keep  function(cwd, path, branch, repository), to be told where the work is to be done
-- @return the state
function M.enter(task, keep)
  local r = place.repository(task.cwd)
  local folder = place.home(r)
  if orun.once("worktrees of " .. r.common) then M.rescue(r, task.run) end
  local name, branch = place.names(task, task.attempt)
  local path = task.attempt > 1 and path_of(r, folder, name, branch) or folder .. "/" .. name
  local state = {path = path, branch = branch, repository = r.top, common = r.common,
                 task = task.id, run = task.run}
  local again = go_on(task, r, state) or take_up(task, r, state, folder)
  if not again then
    state.base = state.base or base_of(task, r)
    if task.attempt > 1 and not task.resume then state.earlier = earlier(task, r, folder) end
    place.make_home(folder)
    make(state)
  end
  local ok, why = pcall(complete, state, task, r, keep)
  if ok then return state end
  if again then git.call(r.top, {"worktree", "unlock", state.path}) else place.unmake(state) end
  error(why, 0)
end

--- Commits what a task has left in its worktree, and says what that is.
-- @param state  what `enter` gave
-- @param how    {status=, error_kind=}: how the work has ended
-- @return the `worktree` of the task's result
function M.leave(state, how)
  local title = state.branch:match("[^/]+$")
  local message = how.status == "completed" and title
    or ("%s (%s)"):format(title, how.error_kind or how.status)
  local result = work.settle(state, message)
  if result.files then
    result.overlaps = work.overlaps(state.repository, state, result.files)
    work.tell_overlaps(state, result.overlaps)
  end
  return result
end

-- ---- what was left by runs that were killed ----

local function rescue_one(r, tree, run, base)
  local id = tree.branch:match("^refs/heads/orun/[^/]+/(t%d+)")
  local git_dir = place.git_dir(tree.path)
  local state = {path = tree.path, branch = tree.branch:gsub("^refs/heads/", ""), base = base,
                 repository = r.top, common = r.common, git_dir = git_dir or "", task = id,
                 run = run}
  if not must(git.commit(r.top, place.base_ref(run, id))) then -- it was not even made
    place.unmake(state)
    return
  end
  local result = work.settle(state, state.branch:match("[^/]+$") .. " (its run was killed)")
  if result.unchanged then return end
  orun.log(("orun: a run that was killed has left work of its task %s: %s is on branch %s, in %s")
    :format(id, work.names(result.files[1] and result.files or result.uncommitted or {}),
      state.branch, state.path))
end

--- Finds what was left by runs that were killed: worktrees without changes go, work is
--- committed on its branch and named on stderr, once.
-- @param r    the repository, as orun.worktree.place says
-- @param run  the name of this run
function M.rescue(r, run)
  for _, tree in ipairs(git.worktrees(r.top) or {}) do
    local of = (tree.branch or ""):match("^refs/heads/orun/([^/]+)/t%d+")
    local base = of and of ~= run and lock.ended(tree.locked)
    if base then
      local ok, why = pcall(rescue_one, r, tree, of, base)
      if not ok then
        orun.log(("orun: a run that was killed has left the worktree %s: %s")
          :format(tree.path, tostring(why)))
      end
    end
  end
  git.call(r.top, {"worktree", "prune"})
end

return M
