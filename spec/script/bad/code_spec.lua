--- What a task's code may try, row by row: odd errors, ending the process,
--- floods, bytecode, what belongs to the whole process. (What does not end by
--- itself is in stops_spec, what another task left behind in pristine_spec.)

local h = require "spec.support.helper"
local shared = require "spec.support.tasks"

local output_of, failure_of = shared.output_of, shared.failure_of

--- An object with this __tostring.
local function speaking(tostring)
  return setmetatable({}, {__tostring = tostring})
end

--- The first line of the error of a task that runs `fn`.
local function text_of(fn, input)
  return (failure_of("lua", {run = fn, input = input}).error:match("^[^\n]*"))
end

describe("errors of tasks", function()
  it("E1 are text, whatever was raised, and the table beside it", function()
    assert.equal("(error object is a nil value)", text_of(function() error() end))
    assert.equal("(error object is a boolean value)", text_of(function() error(false) end))
    assert.equal("(error object is a function value)", text_of(function() error(print) end))
    assert.equal("(error object is a thread value)", text_of(function()
      error((coroutine.running()))
    end))
    assert.equal("42", text_of(function() error(42) end))
    assert.equal("a\\0b\xff\\0", text_of(function() error("a\0b\xff\0", 0) end))
    local result = failure_of("lua", {run = function() error{code = 1, list = {2}} end})
    assert.equal("(error object is a table value)", result.error:match("^[^\n]*"))
    assert.same({code = 1, list = {2}}, result.error_value)
    -- What cannot be sent is not there; the text is.
    result = failure_of("lua", {run = function() error{file = io.stdout} end})
    assert.is_nil(result.error_value)
    local function told(word)
      error(setmetatable({code = 2}, {__tostring = function() return word end}))
    end
    result = failure_of("lua", {run = told, input = "told"})
    assert.equal("told", result.error:match("^[^\n]*"))
    assert.same({code = 2}, result.error_value)
  end)

  it("E1 may ask other tasks for their text", function()
    assert.equal("asked", text_of(function()
      error(speaking(function() return Task{run = function() return "asked" end}.output end))
    end))
  end)

  it("E2 are told though their __tostring raises, or gives no string", function()
    for _, tostring in ipairs{
      function() error("no") end, function() error(nil) end, function() return 1 end,
      function() return nil end, function() coroutine.yield("x") end,
      function(self) return self .. "" end, function(self) return tostring(self) end,
    } do
      assert.equal("(error object is a table value)", text_of(function()
        error(setmetatable({}, {__tostring = tostring}))
      end))
    end
  end)

  it("E2 do not outlive the time-out in a __tostring that never ends", function()
    failure_of("timeout", {timeout = "100ms", run = function()
      error(setmetatable({}, {__tostring = function() while true do end end}))
    end})
  end)

  it("E1 and E2 hold for the script", function()
    for text, code in pairs{
      ["orun: told"] = "return 'told'", ["orun: (error object is a table value)"] = "error('no')",
    } do
      local r = h.orun{"-e", ("error(setmetatable({}, {__tostring = function() %s end}))")
        :format(code)}
      assert.equal(1, r.code)
      assert.matches(text .. "\nstack traceback:\n", r.err, 1, true)
    end
    assert.matches("orun: (error object is a nil value)\nstack traceback:\n",
      h.orun{"-e", "error()"}.err, 1, true)
    local p = h.start{"-e", [[
      error(setmetatable({}, {__tostring = function() print("in it") while true do end end}))]]}
    assert.is_truthy(h.wait_for(function() return p:printed() ~= "" end))
    p:kill("INT")
    assert.equal(130, assert(p:wait()).code)
  end)

  it("E4 of a finalizer end nothing: a warning, when the script wants them", function()
    local code = [[
      setmetatable({}, {__gc = function() error("lost") end})
      collectgarbage()
      print(Task{run = function() return "on" end}.output)]]
    local r = h.orun{"-e", code}
    assert.same({0, "on\n", ""}, {r.code, r.out, r.err})
    r = h.orun{"-e", 'warn("@on")' .. code}
    assert.same({0, "on\n"}, {r.code, r.out})
    assert.matches("Lua warning: error in __gc", r.err, 1, true)
  end)
end)

describe("os.exit", function()
  it("E5 ends the task alone, with the code as its end", function()
    for _, code in ipairs{"", "0", "true"} do
      local result = Task{input = code, run = function(text)
        load("os.exit(" .. text .. ")")()
        return "went on"
      end}
      assert.equal("completed", result.status)
      assert.is_nil(result.output)
    end
    for code, number in pairs{["1"] = 1, ["3"] = 3, ["false"] = 1, ["255"] = 255} do
      local result = failure_of("exit", {input = code, run = function(text)
        load("os.exit(" .. text .. ")")()
      end})
      assert.equal(("os.exit(%d)"):format(number), result.error)
      assert.equal(number, result.exit_code)
    end
    assert.matches("bad argument #1 to 'exit'", text_of(function() os.exit("x") end), 1, true)
    assert.matches("number has no integer", text_of(function() os.exit(1.5) end), 1, true)
  end)

  it("E5 ends it wherever it is called", function()
    for _, run in ipairs{
      function() while true do pcall(os.exit, 3) end end,
      function() while true do xpcall(os.exit, function() return "on" end, 3) end end,
      function() while true do coroutine.wrap(function() pcall(os.exit, 3) end)() end end,
      function() while true do coroutine.resume(coroutine.create(os.exit), 3) end end,
      function() table.sort({2, 1}, function() os.exit(3) end) end,
      function() ("x"):gsub("x", function() os.exit(3) end) end,
      function() tostring(setmetatable({}, {__tostring = function() os.exit(3) end})) end,
      function() local _ <close> = setmetatable({}, {__close = function() os.exit(3) end}) end,
      function()
        local _ <close> = setmetatable({}, {__close = function() os.exit(3) end})
        error("and so")
      end,
    } do
      assert.equal("os.exit(3)", failure_of("exit", {run = run}).error)
    end
  end)

  it("E5 runs <close> when asked to, as Lua's own", function()
    local path, lines = shared.journal()
    local function run(input)
      local _ <close> = setmetatable({}, {__close = function()
        local file <close> = io.open(input.path, "a")
        file:write("closed\n")
      end})
      coroutine.wrap(function() pcall(os.exit, 3, input.close) end)()
      orun.sleep("1h")
    end
    assert.equal(3, failure_of("exit", {run = run, input = {path = path}}).exit_code)
    assert.same({}, lines())
    assert.equal(3, failure_of("exit", {run = run, input = {path = path, close = true}}).exit_code)
    assert.same({"closed"}, lines())
  end)

  it("E6 ends the script in order: tasks and programs first", function()
    local pid = h.tmpdir() .. "/pid"
    local r = h.script([[
      local path = ...
      local _ <close> = setmetatable({}, {__close = function() print("not run") end})
      local busy = Task{run_in_background = true, run = function()
        local _ <close> = setmetatable({}, {__close = function() print("task closed") end})
        print("begun")
        orun.sleep("1h")
      end}
      Task{run_in_background = true, run = function() error("unread") end}
      Task{run_in_background = true, input = path, run = function(file)
        orun.exec("sh", "-c", "echo $$ > " .. file .. "; exec sleep 1000")
      end}
      while TaskGet(busy).status ~= "in_progress" do orun.sleep("5ms") end
      while not io.open(path) or io.open(path):read("l") == nil do orun.sleep("5ms") end
      io.write("unflushed ")
      coroutine.wrap(function()
        table.sort({2, 1}, function() while true do pcall(os.exit, 3) end end)
      end)()]], {pid})
    assert.equal(3, r.code, r.err)
    assert.equal("", r.err)
    assert.matches("unflushed", r.out, 1, true)
    assert.matches("task closed", r.out, 1, true)
    assert.not_matches("not run", r.out)
    assert.is_false(h.exists("/proc/" .. tonumber(h.read(pid)) .. "/stat"))
  end)

  it("E7 gives a status of eight bits, as Lua does", function()
    local function exit(text)
      local r = h.script("os.exit(" .. text .. ")")
      return {r.code, r.err}
    end
    assert.same({0, ""}, exit("true, true"))
    assert.same({0, ""}, exit(""))
    assert.same({1, ""}, exit("false, true"))
    assert.same({255, ""}, exit("255"))
    assert.same({0, ""}, exit("256"))
    assert.same({255, ""}, exit("-1"))
    assert.same({1, ""}, exit("(1 << 40) + 1"))
  end)
end)

describe("what belongs to the whole process", function()
  it("E10 is not a task's to change: the locale", function()
    for _, call in ipairs{"os.setlocale('C')", "os.setlocale('de_DE', 'numeric')",
                          "os.setlocale('', 'all')"} do
      assert.matches("os.setlocale: refused in a task", text_of(function(text)
        load(text)()
      end, call), 1, true)
    end
    assert.equal(os.setlocale(), output_of{run = function() return os.setlocale() end})
    assert.equal(os.setlocale(nil, "numeric"), output_of{run = function()
      return os.setlocale(nil, "numeric")
    end})
  end)

  it("E11 is asked as ever: shells, names, files", function()
    local got = output_of{run = function()
      local name = os.tmpname()
      local said = {
        {os.execute("exit 3")}, {os.execute("kill -9 $$")}, {os.execute("cat")},
        {os.execute()}, {os.remove(name)}, {io.read("a")},
      }
      for i, line in ipairs{"cat; printf 'a\\nb'", "cat; exit 4", "kill -9 $$"} do
        local pipe = assert(io.popen(line))
        said[#said + 1] = {pipe:read("a"), pipe:close()}
        said[#said].n = i
      end
      local pipe = io.popen("cat > " .. name .. "; exit 5", "w")
      pipe:write("written")
      said[#said + 1] = {pipe:close()}
      local file <close> = io.open(name)
      said[#said + 1] = {file:read("a"), os.remove(name)}
      return said
    end}
    assert.same({
      {nil, "exit", 3}, {nil, "signal", 9}, {true, "exit", 0}, {true}, {true}, {""},
      {"a\nb", true, "exit", 0, n = 1}, {"", nil, "exit", 4, n = 2},
      {"", nil, "signal", 9, n = 3}, {nil, "exit", 5}, {"written", true},
    }, got)
    assert.matches("popen' (invalid mode)", text_of(function() io.popen("x", "rw") end), 1, true)
  end)

  it("E11 gives the worker to others while a shell runs", function()
    local one, other = shared.rendezvous()
    local r = h.script([[
      local function run(line) return (os.execute(line)) end
      local a = Task{run_in_background = true, run = run, input = (...)}
      local b = Task{run_in_background = true, run = run, input = select(2, ...)}
      print(TaskOutput(a).output, TaskOutput(b).output)]], {one[3], other[3]})
    assert.equal("true\ttrue\n", r.out, r.err)
  end)

  it("E11 ends the programs of os.execute and io.popen with their task", function()
    local path, lines = shared.journal()
    local line = "echo $$ >> " .. path .. "; exec sleep 1000"
    for _, run in ipairs{
      function(input) os.execute(input) end,
      function(input) return io.popen(input):read("a") end,
      function(input) return io.popen(input):close() end,
      function(input) pcall(io.popen(input).read) orun.sleep("1h") end,
    } do
      local n = #lines()
      local task = shared.background{run = run, input = line}
      assert.is_truthy(h.wait_for(function() return #lines() > n end))
      TaskStop(task)
      assert.equal("cancelled", TaskOutput(task).status)
    end
    -- One that is left open ends too, and so does a file that is collected.
    local result = Task{input = line, run = function(input)
      do assert(io.popen(input)) end
      collectgarbage()
      return io.popen(input) ~= nil
    end}
    assert.equal("completed", result.status)
    for _, pid in ipairs(lines()) do
      assert.is_truthy(h.wait_for(function()
        return not h.exists("/proc/" .. pid .. "/stat")
      end), pid)
    end
  end)

  it("E11 ends them with orun, however that ends", function()
    local path, lines = shared.journal()
    local p = h.start{"-e", [[
      local line = "echo $$ >> " .. os.getenv "JOURNAL" .. "; exec sleep 1000"
      Task{run_in_background = true, input = line, run = os.execute}
      Task{run_in_background = true, input = line, run = function(input)
        io.popen(input):read("a")
      end}]], env = {JOURNAL = path}}
    assert.is_truthy(h.wait_for(function() return #lines() == 2 end))
    p:kill("KILL")
    p:wait()
    for _, pid in ipairs(lines()) do
      assert.is_truthy(h.wait_for(function()
        return not h.exists("/proc/" .. pid .. "/stat")
      end), pid)
    end
  end)

  it("E12 is not filled by what a task prints", function()
    local r = h.sh(h.quote(h.bin) .. [[ -e '
      Task{run = function()
        local line = ("x"):rep(99999)
        for i = 1, 500 do print(line) io.write(line, "\n") end
      end}
      for line in io.lines("/proc/self/status") do
        local peak = line:match("^VmHWM:%s*(%d+) kB")
        if peak then io.stderr:write(peak) end
      end' | wc -c]])
    assert.equal("100000000", r.out:match("%d+"), r.err)
    if h.variant == "" then assert.is_true(tonumber(r.err) < 60000, r.err) end
  end)

  it("E19 is not used up by files that a task leaves open", function()
    local r = h.sh("ulimit -n 200; " .. h.quote(h.bin) .. [[ -e '
      local function greedy()
        local files = {}
        for i = 1, 10000 do
          local file, message, code = io.open("/dev/null")
          if not file then return {i > 50, message, code} end
          files[i] = file
        end
      end
      for _ = 1, 20 do
        local got = Task{run = greedy}.output
        print(got[1], got[2], got[3])
      end
      print(Task{run = function() return io.open("/dev/null") ~= nil end}.output)
      print(orun.exec("echo", "fine").output)']])
    local lines = h.lines(r.out)
    for i = 1, 20 do assert.equal("true\t/dev/null: Too many open files\t24", lines[i], r.err) end
    assert.same({"true", "fine", ""}, {table.unpack(lines, 21)})
  end)
end)

describe("code from outside", function()
  --- A folder with a C module `counter` that counts in a static variable, from
  --- the opening of the module on.
  local function c_module()
    local dir = h.tmpdir()
    h.write(dir .. "/counter.c", [[
#include <lua.h>
static int opened, inside;
static int opens(lua_State *L)
{
    lua_pushinteger(L, opened);
    return 1;
}
int luaopen_counter(lua_State *L)
{
    if (inside++)
        opened += 1000; /* somebody else is in the middle of this */
    for (volatile int i = 0; i < 100000; i++)
        continue;
    opened++;
    inside--;
    lua_pushcfunction(L, opens);
    return 1;
}
]])
    local r = h.sh("cc -shared -fPIC $(pkg-config --cflags lua5.4) -o counter.so counter.c",
      {cwd = dir})
    assert.equal(0, r.code, r.err)
    return dir
  end

  it("E16 may be a C module, opened by one task at a time", function()
    local r = h.script([[
      package.cpath = "./?.so"
      local tasks = {}
      for i = 1, 50 do
        tasks[i] = Task{run_in_background = true, run = function()
          return require("counter")() > 0
        end}
      end
      for i = 1, 50 do assert(TaskOutput(tasks[i]).output, TaskOutput(tasks[i]).error) end
      print(require("counter")())]], {cwd = c_module()})
    assert.equal("51\n", r.out, r.err)
  end)

  it("E20 is text in tasks: bytecode is refused wherever code is loaded", function()
    local dir = h.tmpdir()
    h.write(dir .. "/binary.lua", string.dump(load("return 'ran'")))
    h.write(dir .. "/cut.lua", "\27Lua")
    local function attempts(at)
      local path = package.path
      package.path = at .. "/?.lua"
      local code = io.open(at .. "/binary.lua", "rb"):read("a")
      local parts = {code:sub(1, 1), code:sub(2)}
      local said = {}
      local function try(what, f, ...)
        local ok, result, message = pcall(f, ...)
        said[#said + 1] = what .. ": " .. tostring(ok and (result or message) or result)
      end
      try("load", load, code)
      try("load b", load, code, "x", "b")
      try("load bt", load, code, "x", "bt")
      try("load text as b", load, "return 1", "x", "b")
      try("load pieces", load, function() return table.remove(parts, 1) end)
      try("load cut", load, "\27Lua")
      try("loadfile", loadfile, at .. "/binary.lua")
      try("loadfile b", loadfile, at .. "/binary.lua", "b")
      try("dofile", dofile, at .. "/binary.lua")
      try("dofile cut", dofile, at .. "/cut.lua")
      try("require", require, "binary")
      package.path = path
      return said
    end
    local said = output_of{run = attempts, input = dir}
    assert.equal(11, #said)
    for _, line in ipairs(said) do
      local require = line:match("^require: ") and "attempt to load a binary chunk"
      assert.matches(require or "bytecode is refused", line, 1, true)
    end
    assert.matches("there is no bytecode in tasks", text_of(function()
      return string.dump(function() end)
    end), 1, true)
  end)
end)
