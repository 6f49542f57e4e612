--- A task that sat in a read of a named pipe, in C where nothing stops it, held
--- its file's lock, and the end of the run flushed all files: it never came.

local h = require "spec.support.helper"

describe("the end of a run", function()
  it("does not wait for a file that a stuck task reads", function()
    local dir = h.tmpdir()
    assert.equal(0, h.sh("mkfifo pipe", { cwd = dir }).code)
    local r = h.script([[
      print(Task{timeout = 0.2, run = function()
        local f = io.open("pipe", "r+")
        f:read("a")
      end}.error_kind)]], { cwd = dir })
    assert.equal("timeout\n", r.out, r.err)
    assert.equal(0, r.code)
  end)
end)
