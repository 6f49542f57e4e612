--- orun.worktree.nested: repositories inside a worktree, whose content git keeps separately.
--
-- Of a repository inside another one, a submodule or one that a task made, git stores in the
-- outer one only the commit it is at: a link. A branch with a link whose commit is nowhere but
-- in the worktree would be merged without its content, and the content would go with the
-- worktree.
--
-- Glossary
--   w        {repository=, path=, base=, task=}: the `worktree` of a result, or its state
--   nested   {path = in the worktree, where = its folder, commit = that of the link; nil when
--            nothing was committed there}

local git = require "orun.worktree.git"
local worktree = require "orun.worktree.place"

local M = {}

local exists <const> = worktree.exists

-- The submodules that a commit declares: path -> name.
local function submodules(repository, commit)
  local out = git.call(repository, {"config", "-z", "--blob", commit .. ":.gitmodules",
    "--get-regexp", [[^submodule\..*\.path$]]}, {fine = 1})
  local names = {}
  for _, entry in ipairs(git.split(out or "")) do
    local name, path = entry:match("^submodule%.(.*)%.path\n(.*)$")
    if name then names[path] = name end
  end
  return names
end

-- Does a repository outside of the worktree have the commit of a submodule?
local function is_elsewhere(w, link, name)
  local inner <const> = ("%s/%s"):format(w.path or "", link.path)
  if not w.path or not exists(inner .. "/.git") then return true end -- it was not made there
  local own <const> = ("%s/%s"):format(w.repository, link.path)
  if exists(own .. "/.git") and git.commit(own, link.commit) then return true end
  local dirs = git.ask(w.repository, {"--git-common-dir"})
  local module = dirs and ("%s/modules/%s"):format(dirs[1], name)
  if module and exists(module) and git.commit(module, link.commit) then return true end
  local refs = git.call(inner, {"for-each-ref", "--count=1", "--contains", link.commit,
    "refs/remotes"})
  return refs and refs ~= ""
end

--- The repositories inside whose content is only in the worktree: an array of nested, empty
--- when there are none.
-- @param tip    the commit that the branch is at
-- @param links  what git.changes says from the base to there
function M.left_out(w, tip, links)
  local list = {}
  if not links[1] then return list end
  local names = submodules(w.repository, tip)
  for _, link in ipairs(links) do
    local name = names[link.path]
    local fine
    if name then fine = is_elsewhere(w, link, name) else fine = not link.added end
    if not fine then
      list[#list + 1] = {path = link.path, commit = link.commit,
                         where = w.path and ("%s/%s"):format(w.path, link.path)}
    end
  end
  return list
end

--- The repositories inside in which nothing was committed, which git cannot add: an array of
--- nested; or nil, message.
function M.unborn(place)
  local names, why = git.list(place, "ls-files", "-o", "--exclude-standard", "-z")
  if not names then return nil, why end
  local list = {}
  for _, name in ipairs(names) do
    local path = name:match("^(.+)/$") -- it lists files, and repositories as folders
    local where = path and ("%s/%s"):format(place.work_tree, path)
    if where and git.commit(where, "HEAD") == false then
      list[#list + 1] = {path = path, where = where}
    end
  end
  return list
end

--- The repositories of a list for a message: their paths, and where their content is.
function M.names(list)
  local names = {}
  for i, nested in ipairs(list) do
    names[i] = nested.where and ("%s (in %s)"):format(nested.path, nested.where) or nested.path
  end
  return table.concat(names, ", ")
end

--- Says once that a task has left some.
function M.tell(state, list)
  if not list[1] then return end
  orun.log(("orun: %s left a repository of its own inside its worktree; its content is not on "
    .. "branch %s: %s"):format(state.task, state.branch, M.names(list)))
end

return M
