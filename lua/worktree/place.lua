--- orun.worktree.place: where worktrees are, what they are called, how they go.
--
-- Glossary
--   state   what orun.worktree says of one: {path=, branch=, base=, repository=, common=,
--           task=, run=}

local git = require "orun.worktree.git"

local M = {}

--- Is there a file or folder?
function M.exists(path)
  local file = io.open(path, "rb")
  if file then file:close() end
  return file ~= nil
end

--- The end of the attempt: there is no worktree.
function M.fail(text, ...)
  orun.fail{kind = "spawn", message = "no worktree: " .. text:format(...)}
end

local fail <const> = M.fail

--- The value, or the end of the attempt.
function M.must(value, why)
  if value == nil then fail("%s", why) end
  return value
end

--- The repository that the folder is in: {top=, prefix=, common=, git_dir=, bare=, head=}.
function M.repository(cwd)
  if not M.exists(cwd) then fail("the folder %s is not there", cwd) end
  local dirs <const> = {"--git-common-dir", "--absolute-git-dir", "--is-bare-repository"}
  local all <const> = table.move({"--show-toplevel", "--show-prefix", "HEAD^{commit}"}, 1, 3, 4,
    {table.unpack(dirs)})
  local at, why = git.ask(cwd, all)
  if not at then at, why = git.ask(cwd, dirs) end
  if not at then
    if why:find("not a git repository", 1, true) then fail("%s is not in a git repository", cwd) end
    fail("%s", why)
  end
  local r = {common = at[1], git_dir = at[2], bare = at[3] == "true", top = at[4], prefix = at[5],
             head = at[6]}
  if r.bare then
    r.top, r.prefix = r.common, ""
  elseif not r.top then
    at, why = git.ask(cwd, {"--show-toplevel", "--show-prefix"})
    if not at then fail("%s is not in a working tree (%s)", cwd, why) end
    r.top, r.prefix = at[1], at[2]
  end
  return r
end

--- The folder for the worktrees of a repository: with its main one, as others may go.
function M.home(r)
  local inside <const> = r.common .. "/orun-worktrees"
  local main = r.top
  if r.git_dir ~= r.common then
    local first = M.must(git.worktrees(r.top))[1]
    main = not first.bare and first.path
    local dirs = main and M.exists(main) and git.ask(main, {"--git-common-dir"})
    if not dirs or dirs[1] ~= r.common then return inside end
  elseif r.bare then
    return inside
  end
  return main .. "/.orun/worktrees"
end

--- Make that folder; what is in it git does not see.
function M.make_home(folder)
  if M.exists(folder .. "/.gitignore") then return end
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

--- The folder's and the branch's names in one attempt.
function M.names(task, attempt)
  local id = attempt > 1 and not task.resume and ("%s.%d"):format(task.id, attempt) or task.id
  local title = slug(task.description or task.agent or "")
  return task.run .. "-" .. id, ("orun/%s/%s-%s"):format(task.run, id, title)
end

--- The ref that remembers what a task began at.
function M.base_ref(run, id)
  return ("refs/orun/%s/%s"):format(run, id)
end

--- Remove the locks on the refs of a task whose git was ended: a signal that comes between
-- the making of a lock and git's noting it leaves the lock behind, and nobody else locks these.
function M.unlock_refs(state)
  for _, ref in ipairs{"refs/heads/" .. state.branch, M.base_ref(state.run, state.task)} do
    os.remove(("%s/%s.lock"):format(state.common, ref))
  end
end

--- Forget a branch, which is at `tip`, and its task's base. Returns true; or nil, message.
function M.forget(place, run, id, branch, tip)
  local out, why = git.call(place, {"update-ref", "--stdin"}, {
    input = ("delete refs/heads/%s %s\ndelete %s\n"):format(branch, tip, M.base_ref(run, id))})
  if not out then return nil, why end
  return true
end

--- Remove a worktree in which no work has begun, however little of it git had made when it was
-- ended: it may lack what git goes by to remove one, and be locked.
function M.unmake(state)
  local top <const> = state.repository
  M.unlock_refs(state)
  orun.exec("rm", "-rf", "--", state.path)
  os.remove(("%s/worktrees/%s/locked"):format(state.common, state.path:match("[^/]+$")))
  git.call(top, {"worktree", "prune"})
  git.call(top, {"update-ref", "-d", "refs/heads/" .. state.branch, state.tip or state.base})
  git.call(top, {"update-ref", "-d", M.base_ref(state.run, state.task)})
end

--- Remove a worktree without changes, and its branch. Returns true when both are gone.
function M.remove(state)
  local top <const> = state.repository
  if not git.call(top, {"worktree", "remove", "--force", "--force", state.path}) then return nil end
  return M.forget(top, state.run, state.task, state.branch, state.base)
end

--- The folder that is a worktree's within its repository; or nil, message.
function M.git_dir(path)
  local file <close>, why = io.open(path .. "/.git", "rb")
  if not file then return nil, why end
  local dir = file:read("a"):match("^gitdir: (.*)\n$")
  if dir and dir:sub(1, 1) ~= "/" then dir = path .. "/" .. dir end
  return dir, path .. "/.git does not name a folder"
end

--- Removes a worktree that was merged, with its branch. What was changed since stays, and so
--- does a repository inside.
-- @param w    the `worktree` of a result
-- @param tip  the commit that was merged
-- @return true; or nil, why it stays
function M.discard(w, tip)
  local run, id = w.branch:match("^orun/([^/]+)/(t%d+)") -- of an earlier try, maybe
  for _, entry in ipairs(w.path and git.list(w.path, "ls-files", "-s", "-z") or {}) do
    local nested = entry:match("^160000 .-\t(.*)$")
    if nested and M.exists(("%s/%s/.git"):format(w.path, nested)) then
      return nil, ("there is a repository in %s/%s"):format(w.path, nested)
    end
  end
  if w.path and M.exists(w.path) then
    local out, why = git.call(w.repository, {"worktree", "remove", w.path})
    if not out then return nil, why end
  end
  return M.forget(w.repository, run, id, w.branch, tip)
end

return M
