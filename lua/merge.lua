--- orun.merge: brings what tasks did in their worktrees together, one after the other.
--
--     local function bring_together(first, second)
--       local report, why = orun.merge{first, second, into = "main"}
--       if not report then print(why)                     -- nothing was done
--       elseif report.conflict then                       -- the first is merged, and stays
--         print(report.conflict.task, table.concat(report.conflict.files, ", "))
--       end
--     end
--
-- Each merge is tried in the repository first, where no file is touched; only one without
-- conflicts moves the branch and its working tree, in one step. So it stops at the first
-- conflict with everything as it was: what was merged stays merged, and the worktrees and
-- branches of the rest are still there. What was merged loses its worktree and branch.
--
-- Needs git 2.38.
--
-- Glossary
--   item     one task to be merged: {id=, title=, w = the worktree of its result, tip=}
--   target   where to: {place = a folder to call git in, name = the branch,
--            tree = the working tree it is checked out in, or nil}

local check = require "orun.util.check"
local git = require "orun.worktree.git"
local nested = require "orun.worktree.nested"
local place = require "orun.worktree.place"
local work = require "orun.worktree.work"

local OPTIONS <const> = {
  into = "text", message = "text", dry_run = "boolean", keep = "boolean", failed = "boolean",
  strategy = {"merge", "squash"},
}

local exists <const> = place.exists

-- What the table asks for: its array part, and its options.
local function split(t)
  if type(t) ~= "table" then check.argument("orun.merge", "tasks", t, "table") end
  local tasks, options = {}, {}
  for key, value in next, t do
    if math.type(key) == "integer" then tasks[key] = value else options[key] = value end
  end
  if type(options.failed) == "table" then -- the results of a pattern
    options.failed, options.ok = nil, nil
  end
  return tasks, options
end

local function title_of(result)
  local text = result.description
  return text and ("%s (%s)"):format(result.task_id, text:match("[^\n]*")) or result.task_id
end

-- The results that are to be merged, and the ids of those without changes; or nil, message.
local function read(tasks, failed)
  local items, unchanged = {}, {}
  for i, task in ipairs(tasks) do
    local result = orun.TaskOutput(task)
    local w, title = result.worktree, title_of(result)
    if not w and result.status == "completed" then
      error(("orun.merge: tasks[%d] = %s: it had no worktree: isolation = \"worktree\""):format(i,
        title), 3)
    elseif result.status ~= "completed" and not failed then
      return nil, ("%s %s: %s; what it left can be merged all the same with failed = true")
        :format(title, result.status, (result.error or ""):match("[^\n]*"))
    elseif not w or w.unchanged then
      unchanged[#unchanged + 1] = result.task_id
    else
      items[#items + 1] = {id = result.task_id, title = title, w = w}
    end
  end
  return items, unchanged
end

-- What keeps one item from being merged: nil, or a message.
local function unready(item)
  local w <const> = item.w
  local there <const> = w.path and exists(w.path)
  local git_dir = there and place.git_dir(w.path)
  local operation = git_dir and git.operation(git_dir)
  if operation then
    return ("%s left an unfinished %s in its worktree: finish or abort it in %s"):format(
      item.title, operation, w.path)
  end
  local dirty = there and git.status(w.path, true)
  if dirty and dirty[1] then
    return ("the worktree of %s has uncommitted changes (%s): commit them in %s"):format(
      item.title, work.names(dirty), w.path)
  end
  local changes, why = git.changes(w.repository, w.base, item.tip)
  if not changes then return why end
  local left_out = nested.left_out(w, item.tip, changes.links)
  if left_out[1] then
    return ("%s has a repository of its own in its worktree, and merging would bring a link "
      .. "without its content: %s"):format(item.title, nested.names(left_out))
  end
end

-- Is everything of the items on their branches, and in one repository? Nil, or what is not.
local function look(items)
  for _, item in ipairs(items) do
    local w = item.w
    if w.repository ~= items[1].w.repository then
      return ("%s and %s are of different repositories: %s and %s"):format(items[1].title,
        item.title, items[1].w.repository, w.repository)
    end
    local why
    item.tip, why = git.commit(w.repository, "refs/heads/" .. w.branch)
    if why then return why end
    if not item.tip then
      item.gone = ("the branch of %s, %s, no longer exists"):format(item.title, w.branch)
      item.tip = w.commit and git.commit(w.repository, w.commit)
      if not item.tip then return item.gone end
    end
    why = unready(item)
    if why then return why end
  end
end

-- Where to; or nil, message.
local function target_of(repository, into)
  local current = git.line(repository, "symbolic-ref", "--quiet", "HEAD")
  if not into and not current then
    return nil, ("no branch is checked out in %s: say which with into="):format(repository)
  end
  local ref = into and "refs/heads/" .. into or current
  local tip, why = git.commit(repository, ref)
  if why then return nil, why end
  if not tip then return nil, ("there is no branch %s in %s"):format(into or ref, repository) end
  local name = ref:gsub("^refs/heads/", "")
  local target = {place = repository, ref = ref, name = name, tip = tip}
  for _, tree in ipairs(git.worktrees(repository) or {}) do
    if tree.branch == ref and not tree.bare then target.tree = tree.path end
  end
  if target.tree and ref == current then target.tree = repository end -- git says it otherwise of
  return target                                                       -- a submodule
end

-- What keeps the target's working tree from being changed: nil, or a message.
local function hindrance(target)
  if not target.tree then return nil end
  local dirs, why = git.ask(target.tree, {"--absolute-git-dir"})
  if not dirs then return why end
  local operation = git.operation(dirs[1])
  if operation then
    return ("there is an unfinished %s in %s: finish or abort it first"):format(operation,
      target.tree)
  end
  local dirty
  dirty, why = git.status(target.tree, false)
  if not dirty then return why end
  if dirty[1] then
    return ("%s has uncommitted changes (%s): commit or stash them first"):format(target.tree,
      work.names(dirty))
  end
end

-- The tree of both commits together; or nil and the files in conflict; or nil, nil, message.
local function join(folder, one, other)
  local out, code = git.call(folder, {"merge-tree", "--write-tree", "-z", "--name-only",
    "--no-messages", one, other}, {fine = 1})
  if not out then return nil, nil, code end
  local parts = git.split(out)
  if code == 0 then return parts[1] end
  return nil, table.move(parts, 2, #parts, 1, {})
end

-- Is the branch that is gone merged already, as by an earlier try of a run that is gone on
-- with? Nil, or what is wrong.
local function missing(target, item)
  if not item.gone or git.is_before(target.place, item.tip, target.tip) then return nil end
  local tree = join(target.place, target.tip, item.tip)
  local now = git.call(target.place, {"rev-parse", "--verify", "--quiet", target.tip .. "^{tree}"})
  if not tree or not now or tree ~= now:match("%x+") then return item.gone end
end

-- The branch, and its working tree, go to the commit. True; or nil, message.
local function advance(target, commit)
  local out, why
  if target.tree then
    out, why = git.call(target.tree, {"merge", "--ff-only", "--quiet", commit})
  else
    out, why = git.call(target.place, {"update-ref", target.ref, commit, target.tip})
  end
  if not out then return nil, why end
  return true
end

-- Merge one item. True; or nil and what the report has of it: {conflict=} or {error=}.
local function merge_one(target, item, options)
  if item.gone then return true end
  local there, trouble = git.is_before(target.place, item.tip, target.tip)
  if there == nil then return nil, {error = trouble} end
  if there then return true end
  local tree, files, why = join(target.place, target.tip, item.tip)
  if files then
    return nil, {conflict = {task = item.id, branch = item.w.branch, path = item.w.path,
                             files = files}}
  end
  local message = options.message or ("Merge %s"):format(item.title)
  local parents = {target.tip, options.strategy ~= "squash" and item.tip or nil}
  local commit
  if tree then commit, why = git.record(target.place, tree, parents, message) end
  if not commit then return nil, {error = why} end
  if not options.dry_run then
    local done
    done, why = advance(target, commit)
    if not done then return nil, {error = why} end
  end
  target.tip = commit
  return true
end

local function summary(item)
  return {task = item.id, branch = item.w.branch, path = item.w.path}
end

-- The merged tasks that had changed one of these files.
local function with(merged, files)
  local ids, wanted = {}, {}
  for _, name in ipairs(files) do wanted[name] = true end
  for _, item in ipairs(merged) do
    for _, name in ipairs(item.w.files or {}) do
      if wanted[name] then
        ids[#ids + 1] = item.id
        break
      end
    end
  end
  return ids
end

local function merge_all(target, items, options)
  local report, done = {merged = {}, left = {}, into = target.name}, {}
  for _, item in ipairs(items) do
    local ok, wrong
    if not (report.conflict or report.error) then ok, wrong = merge_one(target, item, options) end
    for key, value in pairs(wrong or {}) do report[key] = value end
    local list = ok and report.merged or report.left
    list[#list + 1] = summary(item)
    if ok then
      list[#list].commit = target.tip
      done[#done + 1] = item
    end
  end
  if report.conflict then report.conflict.with = with(done, report.conflict.files) end
  report.ok = not report.left[1]
  report.commit = target.tip
  return report, done
end

-- What was merged is done with. What cannot go is said.
local function tidy(report, done)
  for i, item in ipairs(done) do
    local gone, why = item.gone, nil
    if not gone then gone, why = place.discard(item.w, item.tip) end
    if not gone then report.merged[i].kept = why end
  end
end

--- Merges the branches of tasks, in this order.
-- @param t  an array of handles, ids or results of tasks with isolation="worktree" (those
--   that run are waited for), and
--   into      the branch (that of the repository's working tree)
--   strategy  "merge" (default): a merge commit for each; "squash": one plain commit for each
--   message   of the commits ("Merge t3 (its description)")
--   dry_run   true: only tell what would happen
--   keep      true: worktrees and branches of what was merged stay
--   failed    true: merge what tasks left that did not complete, too
-- @return {ok=, into=, commit=, merged = {{task=, branch=, commit=, kept=}, …}, left = {{task=,
--   branch=, path=}, …}, unchanged = {id, …}, conflict = {task=, branch=, path=, files=, with=},
--   error=}: conflict tells of the first that cannot be merged, with names the merged tasks that
--   changed these files; or nil and a message when nothing could be begun: a task did not
--   complete, the working tree has uncommitted changes, a branch is gone. A branch that is
--   gone with all of it merged, as by an earlier try of a run that is gone on with, counts as
--   merged.
local function merge(t)
  local tasks, options = split(t)
  check.array("orun.merge", "tasks", tasks)
  options = check.options("orun.merge", options, OPTIONS)
  local items, unchanged = read(tasks, options.failed)
  if not items then return nil, unchanged end
  if not items[1] then return {ok = true, merged = {}, left = {}, unchanged = unchanged} end
  local why = look(items)
  if why then return nil, why end
  local target
  target, why = target_of(items[1].w.repository, options.into)
  why = why or not options.dry_run and hindrance(target)
  for _, item in ipairs(items) do why = why or missing(target, item) end
  if why then return nil, why end
  local report, done = merge_all(target, items, options)
  report.unchanged, report.dry_run = unchanged, options.dry_run or nil
  if not options.dry_run and not options.keep then tidy(report, done) end
  return report
end

return merge
