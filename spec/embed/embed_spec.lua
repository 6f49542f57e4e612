--- orun.h in programs of other people: careless calls, threads, forks, signals
--- and loops of the host, and what is left behind. The programs are in
--- spec/embed, one a kind of trouble; each has cases and says "kept".
--- J8 is in shared_spec.lua.

local h = require "spec.support.helper"

local dir

--- Build NAME.c with the flags a host would use, and more.
local function build(name, more)
  local line = ("cc -std=c11 -D_GNU_SOURCE -g -Wall -Wextra -Werror %s -iquote %s/runtime "
    .. "$(pkg-config --cflags lua5.4 libuv) %s/spec/embed/%s.c %s"):format(
      os.getenv("ORUN_SAN") or "", h.root, h.root, name, more)
  local r = h.sh(line, {cwd = dir})
  assert.equal(0, r.code, r.err)
end

--- … as a program that has the library in it.
local function build_host(name, more)
  build(name, ("-o %s %s %s $(pkg-config --libs lua5.4 libuv) -lm -pthread"):format(name,
    more or "", h.lib))
end

local function run(line, env)
  return h.sh((os.getenv("ORUN_WRAP") or "") .. " ./" .. line, {cwd = dir, env = env})
end

describe("a host", function()
  setup(function()
    dir = h.tmpdir()
    build_host("arguments", "-rdynamic")
    build("back", "-shared -fPIC -o back.so")
    for _, name in ipairs{"threads", "guest", "cycle", "lua_state", "process", "tasks", "loops",
                          "asks", "every", "old"} do
      build_host(name)
    end
  end)

  --- The program, run with the name of a case, keeps its promise.
  local function keeps(program, case)
    return function()
      local r = run(program .. " " .. (case or ""))
      assert.equal(0, r.code, r.err)
      assert.matches("kept\n$", r.out)
    end
  end

  it("J1 J2 is refused by every function, with words: NULL, no runtime, a freed one, twice",
    keeps("every", "pointer"))
  it("J1 is refused with a struct that is too short, or cut", keeps("every", "short"))
  it("J1 may pass NULL to functions without a runtime, and twice", keeps("every", "plain"))
  it("J3 is refused by every [one] function on another thread, by no other",
    keeps("every", "thread"))
  it("J5 is refused by every function in a fork, with words", keeps("every", "fork"))
  it("J6 is refused by every [one] function in a callback, by no other", keeps("every", "callback"))
  it("J6 is refused by every [one] function in an agent, by no other", keeps("every", "agent"))
  it("is tried with every function that leaves the library", function()
    local names = {}
    for name in run("every names").out:gmatch("orun_[%w_]+") do names[#names + 1] = name end
    table.sort(names)
    for name in h.read(h.root .. "/spec/embed/symbols.txt"):gmatch("[%w_]+") do
      assert.equal(name, name == "luaopen_orun" and name or table.remove(names, 1))
    end
    assert.same({}, names)
  end)
  it("may be of an older header, whose structs are shorter", keeps("old"))

  it("J1 may pass NULL wherever a pointer goes", keeps("arguments", "null"))
  it("J1 may pass a config of another version, or nonsense", keeps("arguments", "config"))
  it("J1 may pass any place in its arguments", keeps("arguments", "args"))
  it("J2 may free twice, and call what it freed", keeps("arguments", "freed"))
  it("J2 may free what still has tasks that run", keeps("arguments", "free-running"))
  it("J3 is refused while another thread is in a call", keeps("threads", "second"))
  it("J3 may hand a runtime from thread to thread", keeps("threads", "handed"))
  it("J4 may have many runtimes in many threads", keeps("threads", "many"))
  it("J4 may wait for whatever child there is", keeps("guest", "waitpid"))
  it("J4 may have its own libuv loop with children", keeps("guest", "loop"))
  it("J4 keeps its handler of SIGURG", keeps("guest", "sigurg"))
  it("J5 is refused in a fork, and unharmed by it", keeps("threads", "fork"))
  it("J6 is refused in a call from its own script", keeps("arguments", "back"))
  it("J7 may have an allocator of its own, for all memory", keeps("process", "allocates"))
  it("J7 may have an allocator that fails", keeps("process", "fails"))
  it("J7 loses no task to an allocator that fails", keeps("process", "tasks-fail"))
  it("J7 sets it before its first runtime, or is told", keeps("process", "refused"))
  it("may have a log of its own, and nothing goes to standard error", function()
    local r = run("process logs")
    assert.equal(0, r.code, r.err)
    assert.equal("", r.err)
  end)
  it("is told why, by thread and by runtime", keeps("process", "errors"))
  it("may be newer than the library, if it asks for nothing new", keeps("process", "newer"))
  it("may start tasks, by every field of orun_task", keeps("tasks", "fields"))
  it("J1 J9 is told what is wrong with a task, in the words of Task", keeps("tasks", "wrong"))
  it("J1 may call with ids, pointers and numbers that make no sense", keeps("tasks", "calls"))
  it("is given each of many tasks once, in the order of their ends", keeps("tasks", "many"))
  it("is told once of a task, by whichever call", keeps("tasks", "told"))
  it("has tasks that no script ends or refuses", keeps("tasks", "apart"))
  it("has tasks that orun_interrupt does not stop or hurry", keeps("tasks", "interrupted"))
  it("has failures of its own, that no script must read", keeps("tasks", "unread"))
  it("has its tasks kept, and found again", keeps("tasks", "kept"))
  it("may read what is printed, while it is and later", keeps("tasks", "read"))
  it("J3 may make these calls from many threads at once", keeps("tasks", "threads"))
  it("J2 may free while others wait: they are told", keeps("tasks", "freed"))
  it("may have a loop of poll", keeps("loops", "poll"))
  it("may have a loop of epoll, level-triggered", keeps("loops", "level"))
  it("may have a loop of epoll, edge-triggered", keeps("loops", "edge"))
  it("may have a loop of libuv", keeps("loops", "uv"))
  it("may take the next task when its loop tells", keeps("loops", "next"))
  it("may have output as it comes", keeps("loops", "stream"))
  it("J6 may call back from its own functions, where that is allowed", keeps("loops", "reentered"))
  it("J6 may block in them: only they wait", keeps("loops", "threads"))
  it("may use the list, limits, agents and the config without Lua", keeps("asks", "list"))
  it("J1 is told what is wrong with a call", keeps("asks", "wrong"))
  it("J2 may free while a call waits: it ends", keeps("asks", "freed"))
  it("may be told of all that happens", keeps("asks", "events"))
  it("is told when it asks too late for that", keeps("asks", "late"))
  it("J10 may start tasks with little stack, or is told", keeps("tasks", "small"))
  it("J9 may pass bytes without an end, and any length", keeps("arguments", "bytes"))
  it("J10 is told when its thread's stack is too small", keeps("threads", "stack"))
  it("J10 has everything back of what was stuck in C, once that is over", keeps("threads", "stuck"))
  it("J11 keeps SIGPIPE, every other disposition, and its mask", keeps("guest", "dispositions"))
  it("is not ended by SIGPIPE of what its scripts print", keeps("guest", "unread"))
  it("may watch what its scripts do, once and before the first", keeps("arguments", "watch"))
  it("is found by its user only where it says so", keeps("arguments", "listed"))
  it("says where durations are remembered, if anywhere", keeps("arguments", "history"))
  it("may have agents replaced by stubs", keeps("arguments", "plan"))
  it("may have its run kept, and go on with it", keeps("arguments", "store"))
  it("may use it in a Lua state of its own", keeps("lua_state", "own"))
  it("is told what is wrong with its Lua state, or its runtime", keeps("lua_state", "refused"))
  it("may have states that share a runtime", keeps("lua_state", "shared"))
  it("may free a runtime before the states that share it", keeps("lua_state", "freed"))
  it("may hand a Lua state from thread to thread", keeps("lua_state", "handed"))
  it("may add functions to the states of scripts and tasks", keeps("lua_state", "added"))
  it("J7 may have an allocator that fails under its Lua state", keeps("lua_state", "fails"))
  it("has tasks of its Lua states that no script ends", keeps("lua_state", "hosted"))
  it("may use it for long", keeps("lua_state", "long"))
  it("outlives os.exit of a script", keeps("arguments", "exit"))

  it("J12 may make and free a runtime again and again: nothing is left", function()
    local r = run("cycle " .. math.max(20, 200 // h.slow // 1))
    assert.equal(0, r.code, r.err)
    local found = 0
    for name, count in r.out:gmatch("(%a+) ([+-]%d+)") do
      found = found + 1
      -- A sanitizer has maps of its own.
      local counts = name ~= "maps" or h.variant == ""
      assert.is_true(not counts or tonumber(count) <= 0, r.out)
    end
    assert.equal(5, found, r.out)
  end)
end)
