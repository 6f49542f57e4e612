--- Every task starts in the same pristine state: nothing an earlier task did
--- to its state is there, and nothing that reaches beyond the state is to be had.

local h = require "spec.support.helper"
local orun = require "orun"

-- More tasks than there are states at rest, so each state is used again.
local ROUNDS <const> = 300

--- What `fn` gives in a task; fails the test when the task fails.
local function output(fn, input)
  local result = Task{ description = "probe", run = fn, input = input }
  assert.equal("completed", result.status, result.error)
  return result.output
end

--- The error of a task that runs `fn`.
local function failure(fn)
  local result = Task{ description = "probe", run = fn }
  assert.equal("failed", result.status)
  return result
end

--- Run `fn` in many tasks at once, so that whatever it does is done to every
--- state there is; then look with `probe` in many more.
local function spoil_then_look(spoil, probe)
  local spoiled, looked = {}, {}
  for i = 1, ROUNDS do
    spoiled[i] = Task{ description = "spoil", run = spoil, run_in_background = true }
  end
  for i = 1, ROUNDS do TaskOutput(spoiled[i]) end
  for i = 1, ROUNDS do
    looked[i] = Task{ description = "look", run = probe, run_in_background = true }
  end
  for i = 1, ROUNDS do
    local result = TaskOutput(looked[i])
    assert.equal("completed", result.status, result.error)
    assert.same("pristine", result.output)
  end
end

-- All that can be reached by name, as one string: the paths of every value in
-- _G, package.loaded and the metatable of strings, with their types.
local function shape()
  local seen, lines = {}, {}
  local function walk(path, value)
    lines[#lines + 1] = path .. ":" .. type(value)
    if type(value) ~= "table" or seen[value] then return end
    seen[value] = true
    local names = {}
    for name in next, value do names[#names + 1] = tostring(name) end
    table.sort(names)
    for _, name in ipairs(names) do walk(path .. "." .. name, rawget(value, name)) end
    if getmetatable(value) then walk(path .. "<meta>", getmetatable(value)) end
  end
  walk("_G", _G)
  walk("string", getmetatable(""))
  return table.concat(lines, "\n")
end

describe("a task's state", function()
  it("looks the same for every task", function()
    local first = output(shape)
    assert.is_truthy(first:find("string.format:function", 1, true))
    for _ = 1, 50 do assert.equal(first, output(shape)) end
  end)

  it("E15 has no globals of an earlier task", function()
    spoil_then_look(function()
      leaked = { 1, 2, 3 } -- luacheck: ignore
      _G[1] = true
      setmetatable(_G, { __index = function() return "found" end })
    end, function()
      local ok = leaked == nil and _G[1] == nil and getmetatable(_G) == nil -- luacheck: ignore
      return ok and "pristine" or "a global is left"
    end)
  end)

  it("E15 has its own library tables", function()
    spoil_then_look(function()
      -- luacheck: push ignore
      string.format, table.sort, math.huge = nil, print, 1
      for name in next, os do os[name] = nil end
      -- luacheck: pop
      require("orun").sleep = nil
      _G.pcall = error
    end, function()
      local whole = string.format("%d", 1) == "1" and table.sort ~= print
        and math.huge > 1 and os.time and require("orun").sleep and pcall(type, 1)
      return whole and "pristine" or "a library was changed"
    end)
  end)

  it("E15 has its own metatable of strings", function()
    spoil_then_look(function()
      getmetatable("").__index = function() return "spoilt" end
      getmetatable("").__add = function() return 1 end
    end, function()
      local ok = ("x").rep == string.rep and getmetatable("").__index == string
        and not pcall(function() return "a" + {} end)
      return ok and "pristine" or "the strings were changed"
    end)
  end)

  it("has its own package.loaded, package.path and searchers", function()
    local path = output(function() return package.path end)
    spoil_then_look(function()
      package.loaded.ghost = "boo"
      package.preload.ghost = function() return "boo" end
      package.path, package.searchers[1] = "nowhere", nil
    end, function()
      local ok = package.loaded.ghost == nil and not pcall(require, "ghost")
        and package.path ~= "nowhere" and package.searchers[1]
        and pcall(require, "orun.util.check")
      return ok and "pristine" or "the packages were changed"
    end)
    assert.equal(path, output(function() return package.path end))
  end)

  it("collects as Lua does by default, whatever was set before", function()
    spoil_then_look(function()
      collectgarbage("generational")
      collectgarbage("stop")
    end, function()
      local ok = collectgarbage("isrunning")
        and collectgarbage("incremental") == "incremental"
        and collectgarbage("setpause", 100) == 200
        and collectgarbage("count") < 100
      return ok and "pristine" or "the collector was changed"
    end)
  end)

  it("starts as small as ever after a large task", function()
    local before = output(function() return collectgarbage("count") end)
    output(function()
      kept = {} -- luacheck: ignore
      for i = 1, 1e5 do kept[i] = { tostring(i) } end -- luacheck: ignore
    end)
    assert.equal(before, output(function() return collectgarbage("count") end))
  end)

  it("has random numbers of its own", function()
    local handles, seen = {}, {}
    for i = 1, ROUNDS do
      handles[i] = Task{ description = "random", run_in_background = true,
        run = function() return ("%d %d"):format(math.random(0), math.random(0)) end }
    end
    for i = 1, ROUNDS do
      local numbers = TaskOutput(handles[i]).output
      assert.is_nil(seen[numbers], "the same random numbers twice")
      seen[numbers] = true
    end
  end)

  it("spreads its random numbers evenly", function()
    local sum = 0
    for _ = 1, ROUNDS do
      sum = sum + output(function() return math.random() end)
    end
    assert.is_true(math.abs(sum / ROUNDS - 0.5) < 0.15)
  end)

  it("obeys math.randomseed", function()
    local function draw()
      math.randomseed(42)
      return math.random(0)
    end
    assert.equal(output(draw), output(draw))
  end)
end)

describe("what a task leaves", function()
  local function open_files()
    local n = 0
    local stat <close> = assert(io.open("/proc/self/stat"))
    local list <close> = assert(io.popen("ls /proc/" .. stat:read("n") .. "/fd"))
    for _ in list:lines() do n = n + 1 end
    return n
  end

  it("is closed: files", function()
    local before = open_files()
    for _ = 1, 20 do
      output(function()
        for _ = 1, 50 do assert(io.open("/dev/null")) end
      end)
    end
    assert.is_true(open_files() < before + 20)
  end)

  it("is closed: files, when it fails", function()
    local before = open_files()
    for _ = 1, 20 do
      failure(function()
        local f <const> = assert(io.open("/dev/null"))
        for _ = 1, 49 do assert(io.open("/dev/null")) end
        error(tostring(f))
      end)
    end
    assert.is_true(open_files() < before + 20)
  end)

  it("is written before the file is closed", function()
    local path = h.tmpdir() .. "/left"
    output(function(name) io.open(name, "w"):write("all of it") end, path)
    assert.equal("all of it", h.read(path))
  end)

  it("is closed: to-be-closed variables, when it fails", function()
    local path = h.tmpdir() .. "/closed"
    local result = Task{ description = "fails", input = path, run = function(name)
      local guard <close> = setmetatable({}, { __close = function(_, err)
        local f <close> = assert(io.open(name, "w"))
        f:write(tostring(err))
      end })
      error("on purpose " .. type(guard), 0)
    end }
    assert.equal("failed", result.status)
    assert.equal("on purpose table", h.read(path))
  end)
end)

describe("out of a task's reach", function()
  local function refused(pattern, fn)
    local message = output(function(code)
      local ok, err = pcall(assert(load(code)))
      return ok and "it was allowed" or err
    end, fn)
    assert.is_truthy(message:find(pattern), message)
  end

  it("is a finalizer", function()
    refused("__gc is refused in a task", "setmetatable({}, { __gc = print })")
    refused("__gc is refused in a task", "setmetatable({}, getmetatable(io.stdout))")
  end)

  it("is standard input", function()
    assert.same({ "", "nil", "nil" }, output(function()
      return { io.read("a"), tostring(io.read()), tostring(io.stdin:read(1)) }
    end))
  end)

  it("is most of debug", function()
    assert.equal("getinfo traceback", output(function()
      local names = {}
      for name in pairs(debug) do names[#names + 1] = name end
      table.sort(names)
      return table.concat(names, " ")
    end))
  end)

  it("is the memory beyond its limit", function()
    local result = Task{ description = "greedy", memory_limit = "4MiB", run = function()
      local all = {}
      while true do all[#all + 1] = ("x"):rep(1000) .. #all end
    end }
    assert.equal("failed", result.status)
    assert.equal("memory", result.error_kind)
    assert.equal("small", output(function() return "small" end))
  end)
end)

describe("a stop", function()
  local function stopped(fn)
    local result = Task{ description = "loops", timeout = 0.05, run = fn }
    assert.equal("failed", result.status)
    assert.equal("timeout", result.error_kind)
  end

  it("ends a loop", function()
    stopped(function() while true do end end)
  end)

  it("ends a loop in pcall, xpcall and its handler", function()
    stopped(function() while true do pcall(function() while true do end end) end end)
    stopped(function()
      xpcall(function() while true do end end, function() while true do end end)
    end)
  end)

  it("ends a loop four coroutines deep", function()
    stopped(function()
      local function deep(n)
        if n == 0 then while true do pcall(error) end end
        return coroutine.wrap(function() deep(n - 1) end)()
      end
      while true do pcall(deep, 4) end
    end)
  end)

  it("ends a loop in __close, in a coroutine too", function()
    local function looping()
      local guard <close> = setmetatable({}, { __close = function() while true do end end })
      while guard do end
    end
    stopped(looping)
    stopped(function() coroutine.wrap(looping)() end)
  end)

  it("ends a loop in a comparator, a replacement, a reader, a __tostring", function()
    stopped(function() table.sort({ 1, 2, 3 }, function() while true do end end) end)
    stopped(function() ("x"):gsub("x", function() while true do end end) end)
    stopped(function() while true do load(function() while true do end end) end end)
    stopped(function()
      tostring(setmetatable({}, { __tostring = function() while true do end end }))
    end)
  end)

  it("lets <close> finish first", function()
    local path = h.tmpdir() .. "/cleaned"
    h.in_time(function(timeout)
      local result = Task{ description = "cleans up", timeout = timeout, input = path,
        run = function(name)
          local guard <close> = setmetatable({}, { __close = function()
            local f <close> = assert(io.open(name, "w"))
            for i = 1, 1000 do f:write(i, "\n") end
          end })
          while guard do end
        end }
      assert.equal("timeout", result.error_kind)
      return h.exists(path)
    end)
    assert.equal(1000, #h.read(path):gsub("%d", ""))
  end)

  it("leaves the next task alone", function()
    for _ = 1, 5 do stopped(function() while true do end end) end
    assert.equal(499999500000, output(function()
      local sum = 0
      for i = 1, 999999 do sum = sum + i end
      return sum
    end))
  end)
end)

describe("two tasks at once", function()
  it("do not see each other's state", function()
    local a = Task{ description = "a", run_in_background = true, run = function()
      shared = "a" -- luacheck: ignore
      require("orun").sleep(0.05)
      return shared -- luacheck: ignore
    end }
    local b = Task{ description = "b", run_in_background = true, run = function()
      require("orun").sleep(0.02)
      return tostring(shared) -- luacheck: ignore
    end }
    assert.equal("a", TaskOutput(a).output)
    assert.equal("nil", TaskOutput(b).output)
    assert.is_nil(rawget(_G, "shared"))
    assert.is_truthy(orun.version)
  end)
end)

describe("what a script makes of its globals", function()
  -- All are gone but orun's own words; `type` and `table` are variables, as in
  -- many a script.
  local SPOILED <const> = [[
    local globals, pairs, print = _G, pairs, print
    local function spoil()
      for name in pairs(globals) do
        if name ~= "orun" and not name:find "^Task" then globals[name] = nil end
      end
      type, table = "kind", {}
    end
    local function used()
      local sums = orun.map({1, 2, 3}, function(x) return x + 1 end)
      local typed = Task{run = function() return {a = 1} end,
        schema = {type = "object", required = {"a"}}}
      local last = #TaskList()
      return sums[3] .. " " .. (typed.error or typed.output.a) .. " " .. last
    end
  ]]

  it("is nothing to the modules that orun brings along", function()
    local r = h.script(SPOILED .. "spoil() print(used())")
    assert.same({0, "4 1 0\n", ""}, {r.code, r.out, r.err})
  end)

  it("nor in a task", function()
    local r = h.script(SPOILED .. [[
      local r = Task{run = function() spoil() return used() end}
      print(r.error or r.output)]])
    assert.same({0, "4 1 0\n", ""}, {r.code, r.out, r.err})
  end)

  it("is nothing to where a function that it sends comes from", function()
    local r = h.script([[
      local format = string.format
      for i = 1, 50 do string["a" .. i] = format end
      string.format = function() return "mine" end
      local r = Task{run = function() return format("%d", 5) .. string.format("%d", 6) end}
      print(r.error or r.output)]])
    assert.same({0, "56\n", ""}, {r.code, r.out, r.err})
  end)
end)
