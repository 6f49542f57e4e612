--- Git repositories for specs: small, in a folder that goes by itself, and not subject to
--- what the user of this machine has configured.

local h = require "spec.support.helper"

local M = {}

local AS <const> = "git -c user.name=Somebody -c user.email=some@body -c commit.gpgSign=false "

--- Run shell lines in a folder, with `git` as a user who is known; what they print.
function M.sh(dir, lines)
  local r = h.sh(("cd %s && set -e\ngit() { command %s \"$@\"; }\n%s"):format(h.quote(dir), AS,
    lines))
  assert(r.code == 0, r.err)
  return (r.out:gsub("\n$", ""))
end

local template

local function make(dir)
  assert(h.sh("mkdir -p " .. h.quote(dir) .. "/sub").code == 0)
  M.sh(dir, [[
    git init -q -b main
    echo one > one; echo two > two; echo three > sub/three
    git add -A; git commit -q -m first]])
  return dir
end

--- A repository on branch main with the files one, two and sub/three.
function M.new()
  local dir = h.tmpdir() .. "/repo"
  template = template or make(h.tmpdir())
  assert(h.sh(("cp -r %s %s"):format(h.quote(template), h.quote(dir))).code == 0)
  return dir
end

--- Is nothing changed in its working tree?
function M.is_clean(dir)
  return M.sh(dir, "git status --porcelain") == ""
end

--- The worktrees beside the main one, and the branches and other refs of tasks.
function M.left(dir)
  local trees = h.lines(M.sh(dir, "git worktree list"))
  return #trees - 1, #h.lines(M.sh(dir, "git for-each-ref refs/heads/orun refs/orun"))
end

return M
