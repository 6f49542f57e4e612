--- orun.specs.branch: the branch of a specification, on which the work of its tasks comes together.
--
--     local branch = assert(branches.open "dark-mode")          -- spec/dark-mode
--     local task = orun.start{run = work, isolation = "worktree", base = branch.name}
--     local commit, why = branch:take(TaskOutput(task), "the message of the merge")
--
-- What is checked out, and what is not committed, is left alone: the branch is for its user to
-- merge.

local git = require "orun.worktree.git"
local orun = require "orun"

local M = {}

local Branch = {__name = "orun.specs.branch"}
Branch.__index = Branch

--- The branch, made at HEAD, or brought to it where it is behind.
-- @return branch; nil and why there is none
function M.open(slug)
  local top, why = git.line(".", "rev-parse", "--show-toplevel")
  if not top and why:find("not a git repository", 1, true) then
    return nil, "this folder is in no git repository, and tasks work in git worktrees: begin one "
      .. "(git init, and a commit), or let them work here one by one with --in-place"
  end
  if not top then return nil, why end
  local head
  head, why = git.commit(top, "HEAD")
  if not head then
    return nil, why or "the git repository has no commit yet: make one, or use --in-place"
  end
  local self = setmetatable({name = "spec/" .. slug, top = top}, Branch)
  local ref = "refs/heads/" .. self.name
  local tip = git.commit(top, ref)
  if tip and tip ~= head and not git.is_before(top, tip, head) then return self end
  if tip == head then return self end
  local made
  made, why = git.call(top, {"update-ref", ref, head, tip or ("0"):rep(#head)})
  if not made then return nil, why end
  return self
end

--- Takes what a task that completed did in its worktree.
-- @param message  of the commit that merges it
-- @return the commit that the branch is at then; nil and why it was not taken, and whether it is
--   a conflict with what other tasks did
function Branch:take(result, message)
  local report, why = orun.merge{result, into = self.name, message = message}
  if not report then return nil, why end
  if report.conflict then
    return nil, ("it changed what others had changed meanwhile: %s (its work is on %s)"):format(
      table.concat(report.conflict.files, ", "), report.conflict.branch), true
  end
  if report.error then return nil, report.error end
  return git.commit(self.top, "refs/heads/" .. self.name)
end

return M
