--- Agent types in C: programs that register some and run scripts with tasks of
--- them. As in embed_spec.lua each has cases, and says "kept".

local h = require "spec.support.helper"

local dir

--- Build spec/embed/FILE as a host would, with the library in it.
local function build(compiler, file)
  local line = ("%s -D_GNU_SOURCE -g -Wall -Wextra -Werror %s -iquote %s/runtime "
    .. "$(pkg-config --cflags lua5.4 libuv) %s/spec/embed/%s -o %s %s "
    .. "$(pkg-config --libs lua5.4 libuv) -lm -pthread"):format(compiler,
      os.getenv("ORUN_SAN") or "", h.root, h.root, file, file:match("^[%w_]+"), h.lib)
  local r = h.sh(line, {cwd = dir})
  assert.equal(0, r.code, r.err)
end

describe("an agent in C", function()
  setup(function()
    dir = h.tmpdir()
    for _, name in ipairs{"agents", "agents_fields", "agents_wrong"} do
      build("cc -std=c11", name .. ".c")
    end
  end)

  --- The program, run with the name of a case, keeps its promise.
  local function keeps(program, case)
    return function()
      local r = h.sh(("%s ./%s %s"):format(os.getenv("ORUN_WRAP") or "", program, case or ""),
        {cwd = dir})
      assert.equal(0, r.code, r.out .. r.err)
      assert.matches("kept\n$", r.out)
    end
  end

  it("ends a call with a text, with JSON, or as failed, for Lua as any agent",
    keeps("agents", "ends"))
  it("ends a call on another thread, after texts and reports", keeps("agents", "streams"))
  it("is read while it writes", keeps("agents", "reads"))
  it("is told to stop, by its stop or when it asks", keeps("agents", "stops"))
  it("may end a call while that is being stopped", keeps("agents", "stop-while-ending"))
  it("is given up when it does not end, and may end it later", keeps("agents", "never"))
  it("may block for ever: its thread is given up and named", keeps("agents", "stuck"))
  it("may block in its stop: that thread is given up and named", keeps("agents", "stop-stuck"))
  it("is told to stop even when nothing has a grace", keeps("agents", "hurried"))
  it("does more tasks than it has slots", keeps("agents", "many"))
  it("may append and report on several threads", keeps("agents", "shared"))
  it("may end calls while its runtime is freed, and after", keeps("agents", "freed"))
  it("does tasks that C starts, and starts some itself", keeps("agents", "hosted"))
  it("hides an older type of its name, also in a task of the run", keeps("agents", "hides"))
  it("is not started in a plan, nor twice in a run that is kept", keeps("agents", "planned"))
  it("is charged to its budget", keeps("agents_fields", "budget"))
  it("continues a session that it has reported", keeps("agents_fields", "resume"))
  it("works in a worktree, with permissions, a schema, and files", keeps("agents_fields", "places"))
  it("is refused with words when its type makes no sense", keeps("agents_wrong", "types"))
  it("is refused with words when it uses a call wrongly, or twice",
    keeps("agents_wrong", "calls"))
  it("is refused in a fork, and unharmed by it", keeps("agents_wrong", "forked"))

  it("may be C++, which catches its exceptions", function()
    build("c++ -std=c++11", "agents_cpp.cpp")
    keeps("agents_cpp")()
  end)
end)
