-- The folder of the script came first in package.path: bin/foo.lua that requires "foo" found
-- itself.

local h = require "spec.support.helper"

describe("modules of a script", function()
  local function tree()
    local dir = h.tmpdir()
    h.sh("mkdir " .. h.quote(dir) .. "/bin " .. h.quote(dir) .. "/lib")
    h.write(dir .. "/bin/foo.lua", "print((require 'foo'), (require 'beside'))"
      .. " print(Task{run = function() return require 'foo' .. require 'beside' end}.output)")
    h.write(dir .. "/bin/beside.lua", "return 'beside'")
    h.write(dir .. "/lib/foo.lua", "return 'library'")
    return dir
  end

  it("are those of LUA_PATH, and then those beside it", function()
    local r = h.orun{"bin/foo.lua", cwd = tree(), env = {LUA_PATH = "./lib/?.lua;;"}}
    assert.equal("library\tbeside\nlibrarybeside\n", r.out, r.err)
    r = h.orun{"bin/foo.lua", cwd = tree(), env = {LUA_PATH = "./lib/?.lua"}}
    assert.equal("library\tbeside\nlibrarybeside\n", r.out, r.err)
  end)

  it("may be in the folder where it is started", function()
    local dir = tree()
    h.write(dir .. "/foo.lua", "return 'here'")
    local r = h.orun{"bin/foo.lua", cwd = dir}
    assert.equal("here\tbeside\nherebeside\n", r.out, r.err)
  end)
end)
