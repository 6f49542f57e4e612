--- orun.worktree: a git worktree and a branch for one attempt of a task, and what was done
--- there afterwards, isolation="worktree".
--
-- The runtime calls `enter` before the task's work and `leave` after it, however that
-- ended, in states of their own (runtime/run_tree.h).
--
--   place    REPOSITORY/.orun/worktrees/RUN-t3, a folder that git ignores; of a bare
--            repository, orun-worktrees/RUN-t3 inside it
--   branch   orun/RUN/t3-what-it-is-called, of a second attempt t3.2-…
--   base     the commit it begins at: HEAD of the repository of the task's cwd, or `base`;
--            refs/orun/RUN/t3 remembers it
--
-- While the task runs its worktree is locked, with a reason that names this process: what a
-- run that was killed has left is found by that (`rescue`), and nothing else prunes it.
--
-- What is there at the end, files that git ignores aside, is committed on the branch; so are
-- commits of the task's own, wherever its HEAD is by then. A worktree without changes goes,
-- with its branch. One that has some stays, until orun.merge or somebody removes it.
--
-- Glossary
--   state   what `enter` gives, `leave` gets, and a result has when `leave` could not end:
--           {path=, cwd=, branch=, base=, repository=, git_dir=, dirty=, earlier=}

local git = require "orun.git"

local M = {}

local SHOWN <const> = 5 -- names of files in a message

local function fail(text, ...)
  orun.fail{kind = "spawn", message = "no worktree: " .. text:format(...)}
end

-- The value, or the end of the attempt.
local function must(value, why)
  if value == nil then fail("%s", why) end
  return value
end

local function exists(path)
  local file = io.open(path, "rb")
  if file then file:close() end
  return file ~= nil
end

--- Names for a message: the first few, and how many more there are.
function M.names(files)
  local shown = table.concat(files, ", ", 1, math.min(#files, SHOWN))
  return #files > SHOWN and ("%s and %d more"):format(shown, #files - SHOWN) or shown
end

-- ---- who is at work ----

local function host()
  local file <close> = io.open("/proc/sys/kernel/hostname", "rb")
  return file and file:read("l") or "?"
end

-- The number of a process ("self": ours) and when it began, which no other process shares.
local function process(pid)
  local file <close> = io.open(("/proc/%s/stat"):format(pid), "rb")
  local number, rest = (file and file:read("a") or ""):match("^(%d+) .*%) (.*)$")
  if not number then return nil end
  local field = 0
  for word in rest:gmatch("%S+") do
    field = field + 1
    if field == 20 then return number, word end
  end
end

-- The reason for a lock: this process works there, from this commit on.
local function reason(base)
  local pid, began = process("self")
  return ("orun: in use by %s %s %s, from %s"):format(host(), pid or "?", began or "?", base)
end

-- The commit of a lock whose process has ended; nil for others.
local function ended(locked)
  local where, pid, began, base = (locked or ""):match(
    "^orun: in use by (%S+) (%d+) (%d+), from (%x+)$")
  if where ~= host() then return nil end
  local _, now = process(pid)
  return now ~= began and base or nil
end

-- ---- where ----

-- The repository that the folder is in: {top=, prefix=, common=, git_dir=, bare=}.
local function repository(cwd)
  if not exists(cwd) then fail("the folder %s is not there", cwd) end
  local dirs, why = git.ask(cwd, "--git-common-dir", "--absolute-git-dir", "--is-bare-repository")
  if not dirs then
    if why:find("not a git repository", 1, true) then fail("%s is not in a git repository", cwd) end
    fail("%s", why)
  end
  local r = {common = dirs[1], git_dir = dirs[2], bare = dirs[3] == "true"}
  if r.bare then
    r.top, r.prefix = r.common, ""
    return r
  end
  local tree
  tree, why = git.ask(cwd, "--show-toplevel", "--show-prefix")
  if not tree then fail("%s is not in a working tree (%s)", cwd, why) end
  r.top, r.prefix = tree[1], tree[2]
  return r
end

-- The folder for the worktrees of a repository: with its main one, as others may go.
local function home(r)
  local inside <const> = r.common .. "/orun-worktrees"
  local main = r.top
  if r.git_dir ~= r.common then
    local first = must(git.worktrees(r.top))[1]
    main = not first.bare and first.path
    local dirs = main and exists(main) and git.ask(main, "--git-common-dir")
    if not dirs or dirs[1] ~= r.common then return inside end
  elseif r.bare then
    return inside
  end
  return main .. "/.orun/worktrees"
end

local function make_home(folder)
  if exists(folder .. "/.gitignore") then return end
  local r = orun.exec("mkdir", "-p", "--", folder)
  if r.error then fail("%s", r.error) end
  local file, why = io.open(folder .. "/.gitignore", "wb")
  if not file then fail("%s", why) end
  file:write("*\n")
  file:close()
end

local function slug(text)
  local s = text:lower():gsub("[^a-z0-9]+", "-"):sub(1, 40):gsub("^%-+", ""):gsub("%-+$", "")
  return s ~= "" and s or "task"
end

-- The folder's and the branch's names in one attempt.
local function names(task, attempt)
  local id = attempt > 1 and not task.resume and ("%s.%d"):format(task.id, attempt) or task.id
  local title = slug(task.description or task.agent or "")
  return task.run .. "-" .. id, ("orun/%s/%s-%s"):format(task.run, id, title)
end

-- ---- taking away ----

local function base_ref(run, id)
  return ("refs/orun/%s/%s"):format(run, id)
end

-- Forget a branch, which is at `tip`, and its task's base. Gives true; or nil, message.
local function forget(place, run, id, branch, tip)
  local out, why = git.call(place, {"update-ref", "--stdin"}, {
    input = ("delete refs/heads/%s %s\ndelete %s\n"):format(branch, tip, base_ref(run, id))})
  if not out then return nil, why end
  return true
end

-- Remove a worktree without changes, and its branch. Gives true when both are gone.
local function remove(state)
  local top <const> = state.repository
  if not git.call(top, {"worktree", "remove", "--force", "--force", state.path}) then return nil end
  return forget(top, state.run, state.task, state.branch, state.base)
end

-- The folder that is a worktree's within its repository; or nil, message.
local function git_dir_of(path)
  local file <close>, why = io.open(path .. "/.git", "rb")
  if not file then return nil, why end
  local dir = file:read("a"):match("^gitdir: (.*)\n$")
  return dir, path .. "/.git does not name a folder"
end

-- ---- enter ----

-- What earlier attempts have left: the branches stay, the folders are done with.
local function earlier(task, r, folder)
  local left = {}
  for attempt = 1, task.attempt - 1 do
    local name, branch = names(task, attempt)
    local tip = git.commit(r.top, "refs/heads/" .. branch)
    if tip then
      git.call(r.top, {"worktree", "remove", folder .. "/" .. name})
      left[#left + 1] = {branch = branch, commit = tip}
    end
  end
  return left[1] and left
end

-- Say once for each folder what is not in the worktrees.
local function tell_dirty(r, base, dirty)
  if not orun.once("uncommitted changes of " .. r.top) then return end
  orun.log(("orun: uncommitted changes in %s are not in the worktrees of tasks, which begin at "
    .. "%s: %s"):format(r.top, base:sub(1, 12), M.names(dirty)))
end

local function base_of(task, r)
  local base = git.commit(r.top, task.base or "HEAD")
  if base then return base end
  if task.base then fail("base = %q: there is no such commit in %s", task.base, r.top) end
  fail("%s has no commit yet", r.top)
end

-- Make it. Whatever is half made when that fails goes.
local function make(state)
  local top <const>, path <const>, base <const> = state.repository, state.path, state.base
  local out, why = git.call(top, {"worktree", "add", "--quiet", "--no-track", "--lock",
    "--reason", reason(base), "-b", state.branch, "--", path, base})
  if out then out, why = git.call(top, {"update-ref", base_ref(state.run, state.task), base}) end
  if out then return end
  git.call(top, {"worktree", "remove", "--force", "--force", path})
  orun.exec("rm", "-rf", "--", path)
  git.call(top, {"worktree", "prune"})
  git.call(top, {"update-ref", "-d", "refs/heads/" .. state.branch, base})
  fail("%s", why)
end

-- The worktree that the attempt before has left, for one that goes on with it.
local function go_on(task, r, path, branch)
  if not task.resume or task.attempt == 1 or not exists(path) then return nil end
  local base = git.commit(r.top, base_ref(task.run, task.id))
  if not base or not git.commit(r.top, "refs/heads/" .. branch) then return nil end
  must(git.call(r.top, {"worktree", "lock", "--reason", reason(base), path}))
  return base
end

--- Makes a worktree for an attempt of a task, or fails.
-- @param task  {id=, run=, attempt=, resume=, description=, agent=, base=, cwd=}
-- @param keep  function(cwd, path, branch), to be told where the work is to be done
-- @return the state
function M.enter(task, keep)
  local r = repository(task.cwd)
  local folder = home(r)
  if orun.once("worktrees of " .. r.common) then M.rescue(r.top, task.run) end
  local name, branch = names(task, task.attempt)
  local path = folder .. "/" .. name
  local state = {path = path, branch = branch, repository = r.top, task = task.id, run = task.run,
                 base = go_on(task, r, path, branch)}
  if not state.base then
    state.base = base_of(task, r)
    state.earlier = task.attempt > 1 and not task.resume and earlier(task, r, folder) or nil
    make_home(folder)
    make(state)
  end
  if not r.bare and not task.base then
    local dirty = must(git.status(r.top, true))
    if dirty[1] then
      state.dirty = dirty
      tell_dirty(r, state.base, dirty)
    end
  end
  state.git_dir = must(git_dir_of(path))
  state.cwd = (path .. "/" .. r.prefix):gsub("/$", "")
  if r.prefix ~= "" then orun.exec("mkdir", "-p", "--", state.cwd) end
  keep(state.cwd, path, branch)
  return state
end

-- ---- leave ----

local function lost(state, text, ...)
  orun.fail{kind = "lost", message = ("what the task did could not be committed: %s; it is in %s")
    :format(text:format(...), state.path)}
end

-- Commit all there is. Gives the commit of HEAD then, and what could not be added.
local function commit_all(place, state, message)
  for _, name in ipairs{"index.lock", "HEAD.lock"} do -- who had them is gone
    os.remove(state.git_dir .. "/" .. name)
  end
  local added, trouble = git.call(place, {"add", "-A", "--ignore-errors", "--", "."})
  local at = git.ask(place, "HEAD^{commit}", "HEAD^{tree}")
    or git.ask(place, state.base, state.base .. "^{tree}")
  if not at then lost(state, "its repository cannot be read") end
  local head = at[1]
  local tree, why = git.line(place, "write-tree")
  if not tree then lost(state, "%s", why) end
  if tree ~= at[2] then
    head, why = git.record(place, tree, {head}, message)
    if not head then lost(state, "%s", why) end
  end
  return head, not added and trouble or nil
end

-- The branch comes to where HEAD is. When they went different ways both are kept: gives the
-- branch's commit, and the name of the branch that was made for the other.
local function gather(place, state, head)
  local ref <const> = "refs/heads/" .. state.branch
  local tip = git.commit(place, ref)
  if tip == head and tip == state.base then return tip end
  if tip and tip ~= head and git.is_before(place, head, tip) then return tip end
  if tip and tip ~= head and not git.is_before(place, tip, head) then
    local other = state.branch .. "-head"
    local out, why = git.call(place, {"update-ref", "refs/heads/" .. other, head})
    if not out then lost(state, "%s", why) end
    return tip, other
  end
  local out, why = git.call(place, {"update-ref", ref, head})
  if out then out, why = git.call(place, {"symbolic-ref", "HEAD", ref}) end
  if not out then lost(state, "%s", why) end
  return head
end

-- task id -> {base=, tip=, branch=} of a run's tasks that have changed something.
local function changed_tasks(place, run)
  local tasks, attempts = {}, {}
  local out = git.call(place, {"for-each-ref", "--format=%(refname) %(objectname)",
    ("refs/orun/%s/"):format(run), ("refs/heads/orun/%s/"):format(run)}) or ""
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

-- Which other tasks of the run have changed files that this one has changed: an array of
-- {task=, branch=, files=}.
local function overlaps(place, state, files)
  local mine, found, ids = {}, {}, {}
  for _, name in ipairs(files) do mine[name] = true end
  local tasks = changed_tasks(place, state.run)
  for id in pairs(tasks) do
    if id ~= state.task then ids[#ids + 1] = id end
  end
  table.sort(ids, function(a, b) return tonumber(a:sub(2)) < tonumber(b:sub(2)) end)
  for _, id in ipairs(ids) do
    local t, shared = tasks[id], {}
    local theirs = git.list(place, "diff-tree", "-r", "-z", "--name-only", "--no-renames",
      t.base, t.tip)
    for _, name in ipairs(theirs or {}) do
      if mine[name] then shared[#shared + 1] = name end
    end
    if shared[1] then found[#found + 1] = {task = id, branch = t.branch, files = shared} end
  end
  return found[1] and found
end

-- Of two that end at once, both see it, and one says it.
local function tell_overlaps(state, found)
  for _, other in ipairs(found or {}) do
    local pair = {state.task, other.task}
    table.sort(pair)
    if orun.once("conflict of " .. table.concat(pair, " and ")) then
      orun.log(("orun: conflict: %s and %s have both changed %s (branches %s and %s)"):format(
        other.task, state.task, M.names(other.files), other.branch, state.branch))
    end
  end
end

-- The worktree is nobody's work any more: what is in it, for the result.
local function look(state, tip, other, rest)
  local result = git.changes(state.repository, state.base, tip)
  if not result then lost(state, "its changes cannot be listed") end
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
  local tip = git.commit(top, "refs/heads/" .. state.branch)
  local result = tip and git.changes(top, state.base, tip)
  if not result then lost(state, "the worktree was removed, and so was its branch") end
  result.branch, result.base, result.commit = state.branch, state.base, tip
  result.repository, result.earlier = top, state.earlier
  return result
end

-- Commit and collect; a worktree without changes goes. Gives the result.
local function settle(state, message)
  if not exists(state.path .. "/.") or not exists(state.git_dir) then return leave_gone(state) end
  local place = {dir = state.git_dir, work_tree = state.path}
  local head, trouble = commit_all(place, state, message)
  local tip, other = gather(place, state, head)
  if trouble then lost(state, "%s", trouble) end
  local rest = git.status(place, true)
  rest = rest and rest[1] and rest or nil
  if tip == state.base and not other and not rest and remove(state) then
    return {unchanged = true, base = state.base, repository = state.repository,
            dirty = state.dirty, earlier = state.earlier}
  end
  git.call(state.repository, {"worktree", "unlock", state.path})
  return look(state, tip, other, rest)
end

--- Commits what a task has left in its worktree, and says what that is.
-- @param state  what `enter` gave
-- @param how    {status=, error_kind=}: how the work has ended
-- @return the `worktree` of the task's result
function M.leave(state, how)
  local title = state.branch:match("[^/]+$")
  local message = how.status == "completed" and title
    or ("%s (%s)"):format(title, how.error_kind or how.status)
  local result = settle(state, message)
  if result.files then
    result.overlaps = overlaps(state.repository, state, result.files)
    tell_overlaps(state, result.overlaps)
  end
  return result
end

-- ---- what was left by runs that were killed ----

local function rescue_one(top, tree, run, base)
  local id = tree.branch:match("^refs/heads/orun/[^/]+/(t%d+)")
  local git_dir = git_dir_of(tree.path)
  local state = {path = tree.path, branch = tree.branch:gsub("^refs/heads/", ""), base = base,
                 repository = top, git_dir = git_dir or "", task = id, run = run}
  local result = settle(state, state.branch:match("[^/]+$") .. " (its run was killed)")
  if result.unchanged then return end
  orun.log(("orun: a run that was killed has left work of its task %s: %s is on branch %s, in %s")
    :format(id, M.names(result.files), state.branch, state.path))
end

--- Finds what was left by runs that were killed: worktrees without changes go, work is
--- committed on its branch and named on stderr, once.
-- @param top  the repository
-- @param run  the name of this run
function M.rescue(top, run)
  for _, tree in ipairs(git.worktrees(top) or {}) do
    local of = (tree.branch or ""):match("^refs/heads/orun/([^/]+)/t%d+")
    local base = of and of ~= run and ended(tree.locked)
    if base then
      local ok, why = pcall(rescue_one, top, tree, of, base)
      if not ok then
        orun.log(("orun: a run that was killed has left the worktree %s: %s")
          :format(tree.path, tostring(why)))
      end
    end
  end
  git.call(top, {"worktree", "prune"})
end

--- Removes a worktree that was merged, with its branch. What was changed since stays, and so
--- does a repository inside.
-- @param w    the `worktree` of a result
-- @param tip  the commit that was merged
-- @return true; or nil, why it stays
function M.discard(w, task, tip)
  local run = w.branch:match("^orun/([^/]+)/")
  for _, entry in ipairs(w.path and git.list(w.path, "ls-files", "-s", "-z") or {}) do
    local nested = entry:match("^160000 .-\t(.*)$")
    if nested and exists(("%s/%s/.git"):format(w.path, nested)) then
      return nil, ("there is a repository in %s/%s"):format(w.path, nested)
    end
  end
  if w.path and exists(w.path) then
    local out, why = git.call(w.repository, {"worktree", "remove", w.path})
    if not out then return nil, why end
  end
  return forget(w.repository, run, task, w.branch, tip)
end

return M
