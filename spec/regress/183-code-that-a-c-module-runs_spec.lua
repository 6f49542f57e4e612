-- A loop in a coroutine that a C module resumed was "stuck in a C function"; and a timeout in
-- a callback of an event loop ended all of orun, for such modules end the process at an error.

local h = require "spec.support.helper"

describe("code that a C module runs", function()
  local usual, folder
  setup(function()
    folder = h.tmpdir()
    local r = h.sh("cc -shared -fPIC -O1 $(pkg-config --cflags lua5.4) -o "
      .. h.quote(folder .. "/foreign.so") .. " " .. h.quote(h.root .. "/spec/support/foreign.c")
      .. " && cd " .. h.quote(folder) .. " && ln -s foreign.so luv.so")
    assert(r.code == 0, r.err)
    usual = package.cpath
    package.cpath = folder .. "/?.so;" .. usual
  end)
  teardown(function() package.cpath = usual end)

  local function prefix()
    return "package.cpath = " .. ("%q"):format(folder .. "/?.so;") .. " .. package.cpath\n"
  end
  local function script(text)
    return h.printed(prefix() .. text)
  end

  local runs = {
    ["a callback"] = "m.callback(function() while true do end end)",
    ["a coroutine"] = "local co = coroutine.create(function() while true do end end) "
      .. "m.resume(co)",
    ["a coroutine, caught"] = "while true do m.resume(coroutine.create(function() "
      .. "while true do pcall(function() while true do end end) end end)) end",
    ["a coroutine of a callback"] = "m.callback(function() coroutine.wrap(function() "
      .. "while true do end end)() end)",
    ["an event loop's callbacks, again and again"] = "m = require 'luv' "
      .. "m.callback(function() end, math.maxinteger)",
    ["an event loop, again and again"] = "m = require 'luv' while true do "
      .. "pcall(m.callback, function() while true do end end, math.maxinteger) end",
  }
  local function stopped(code)
    return [[
      local r = Task{timeout = 0.1, run = function()
        local m = require "foreign"
        ]] .. code .. [[

      end}
      print(r.status, r.error_kind, Task{run = function() return "well" end}.output)]]
  end
  for what, code in pairs(runs) do
    it("is stopped on time: " .. what, function()
      if h.variant == "tsan" then return end -- it holds signals back
      local out, err = script(stopped(code))
      assert.equal("failed\ttimeout\twell\n", out)
      assert.equal("", err)
    end)
  end

  it("ends no process when its memory is used up", function()
    local out = script([[
      local r = Task{memory_limit = "8MiB", run = function()
        require("foreign").callback(function() local t = {} while true do t[#t + 1] = {} end end)
      end}
      print(r.error_kind)]])
    assert.equal("memory\n", out)
  end)

  it("is what it is while nothing is stopped", function()
    local out = script([[
      local m = require "foreign"
      m.callback(function() print("called") end, 2)
      print(m.resume(coroutine.create(function() coroutine.yield() end)))
      print(m.resume(coroutine.create(function() error("no") end)))]])
    assert.equal("called\ncalled\ntrue\nfalse\n", out)
  end)

  --- A program with the library in it, made with these flags, runs all of `runs`.
  local function host(flags)
    local r = h.sh(("cc -std=c11 -D_GNU_SOURCE -Wall -Werror %s -iquote %s/runtime -o host "
      .. "%s/spec/embed/file.c %s $(pkg-config --cflags lua5.4) %s $(pkg-config --libs libuv) "
      .. "-lm -pthread"):format(os.getenv("ORUN_SAN") or "", h.root, h.root, h.lib, flags),
      {cwd = folder})
    assert.equal(0, r.code, r.err)
    if h.variant == "tsan" then return end
    for what, code in pairs(runs) do
      h.write(folder .. "/host.lua", prefix() .. stopped(code))
      r = h.sh((os.getenv("ORUN_WRAP") or "") .. " ./host host.lua", {cwd = folder, limit = 60})
      assert.same({what, 0, "failed\ttimeout\twell\n", ""}, {what, r.code, r.out, r.err})
    end
  end

  it("is stopped on time in a program that links a shared Lua", function()
    local libs = h.sh("pkg-config --libs lua5.4").out
    if libs:find("%.a%s") then return end -- a Lua of one's own, not shared
    host("$(pkg-config --libs lua5.4)")
  end)

  it("is stopped on time in a program with Lua in it, its two functions renamed", function()
    host("-rdynamic -Wl,--whole-archive " .. h.quote((h.lib:gsub("liborun", "liblua-orun")))
      .. " -Wl,--no-whole-archive -ldl")
  end)
end)
