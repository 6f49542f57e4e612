--- orun.worktree.git: what git's answer is, and what is none. (What is asked of it, with real
--- repositories, is in worktree_spec and merge_spec.)

local git = require "orun.worktree.git"
local orun = require "orun"

describe("orun.git.call", function()
  local exec = orun.exec
  after_each(function() orun.exec = exec end)

  -- What it gives when git ends like this, one after the other.
  local function call(ends, o)
    orun.exec = function() return table.remove(ends, 1) end
    return git.call(".", {"rev-parse", "HEAD"}, o)
  end

  local function failed(code, said)
    return {exit_code = code, error = "exit code " .. code, error_kind = "exit", output = "x\n",
            stderr = said}
  end

  it("gives what it printed, and its exit code", function()
    assert.same({"x\n", 0}, {call{{exit_code = 0, output = "x\n", stderr = ""}}})
    assert.same({"x\n", 1}, {call({failed(1, "")}, {fine = 1})})
  end)

  it("says what went wrong", function()
    assert.same({nil, "git rev-parse: no such thing", 128, false},
      {call({failed(128, "warning: x\nfatal: no such thing\n")}, {fine = 1})})
    assert.same({nil, "git rev-parse: exit code 2", 2, false}, {call{failed(2, "")}})
    assert.same({nil, "cannot start 'git'"}, {call{{error = "cannot start 'git'",
      error_kind = "spawn", output = "", stderr = ""}}})
  end)

  it("takes for no answer what could not be kept of one", function()
    local why = "output past 0 bytes was not kept: not enough memory"
    local lost = {exit_code = 0, error = why, error_kind = "lost", output = "", stderr = ""}
    assert.same({nil, "git rev-parse: " .. why, 0, false}, {call{lost}})
    lost.exit_code, lost.error = 1, "exit code 1 (" .. why .. ")"
    assert.same({nil, "git rev-parse: " .. lost.error, 1, false}, {call({lost}, {fine = 1})})
  end)

  it("asks again while somebody else has the lock, or is making a worktree", function()
    local fine = {exit_code = 0, output = "x\n", stderr = ""}
    for _, said in ipairs{"fatal: Unable to create 'index.lock': File exists.\n",
      "fatal: failed to read .git/worktrees/w/commondir: Success\n",
      "fatal: could not open '.git/worktrees/w/locked' for writing: No such file or directory\n",
      "fatal: could not create directory of '.git/worktrees/w': No such file or directory\n"} do
      assert.same({"x\n", 0}, {call{failed(128, said), fine}})
      local gave, why, code, busy = call({failed(128, said), fine}, {once = true})
      assert.same({nil, 128, true}, {gave, code, busy})
      assert.matches("^git rev%-parse: ", why)
    end
  end)
end)
