--- liborun.so: what leaves it, what it needs, and that it can be unloaded.

local h = require "spec.support.helper"

local so <const> = (h.lib:gsub("%.a$", ".so.0"))

--- The lines of a command that succeeds.
local function lines(command)
  local r = h.sh(command)
  assert.same({0, ""}, {r.code, r.err})
  local found = {}
  for line in r.out:gmatch("[^\n]+") do found[#found + 1] = line end
  return found
end

describe("the shared library", function()
  --- A name that is gone breaks programs that were linked with it. A new one is
  --- added to the list.
  it("has the names of spec/embed/symbols.txt and no others", function()
    local kept = {}
    for name in h.read(h.root .. "/spec/embed/symbols.txt"):gmatch("[%w_]+") do
      kept[#kept + 1] = name
    end
    assert.same(kept, lines("nm -D --defined-only " .. h.quote(so)
      .. " | sed -n 's/.* [TDBRVW] \\([a-z_]*\\).*/\\1/p' | LC_ALL=C sort"))
  end)

  --- Structs grow at their end only, functions are added only: the library of today serves
  --- a host that was built with an older header.
  it("has what spec/embed/abi.xml has, and changes nothing of it", function()
    local clang = h.sh("readelf -p .comment " .. h.quote(so)).out:find("clang", 1, true)
    if clang or h.variant ~= "" or h.sh("uname -m").out ~= "x86_64\n" then
      return -- it is what gcc makes for one machine
    end
    local r = h.sh("spec/embed/abi.sh " .. h.quote(so))
    assert.same({0, ""}, {r.code, r.out .. r.err})
  end)

  it("has every name at its first version", function()
    for _, line in ipairs(lines("nm -D --defined-only " .. h.quote(so) .. " | grep ' T '")) do
      assert.matches("@@ORUN_0$", line)
    end
  end)

  it("has all that its headers declare", function()
    local listed = h.read(h.root .. "/spec/embed/symbols.txt")
    local count = 0
    local headers = h.read(h.root .. "/runtime/orun.h") .. h.read(h.root .. "/runtime/orun_lua.h")
    for name in headers:gmatch("\n%a[%w_ *]-[ *]([%w_]*orun[%w_]*)%(") do
      count = count + 1
      assert.is_truthy(("\n" .. listed):find("\n" .. name .. "\n", 1, true), name)
    end
    assert.is_true(count >= 16, count)
  end)

  it("is called liborun.so.0, stays in memory, and is bound when it is loaded", function()
    local text = table.concat(lines("readelf -dW " .. h.quote(so)), "\n")
    assert.matches("SONAME%)[^\n]*%[liborun%.so%.0%]", text)
    for _, flag in ipairs{"NODELETE", "NOW"} do assert.matches(flag, text) end
    local parts = table.concat(lines("readelf -lW " .. h.quote(so)), "\n")
    assert.matches("GNU_RELRO", parts)
    assert.is_nil(parts:find("GNU_STACK[^\n]*RWE"))
  end)

  it("J8 may be closed while its handler is set, and opened again", function()
    if h.variant == "asan" or h.variant == "tsan" then
      return -- their library must be a program's own
    end
    if h.sh("pkg-config --libs lua5.4").out:find("%.a%s") then
      return -- a Lua of one's own, which the program must have in it
    end
    local dir = h.tmpdir()
    local r = h.sh(("cc -std=c11 -D_GNU_SOURCE -g -Wall -Wextra -Werror -iquote %s/runtime "
      .. "-o unload %s/spec/embed/unload.c -ldl && %s ./unload %s"):format(h.root, h.root,
      os.getenv("ORUN_WRAP") or "", h.quote(so)), {cwd = dir})
    assert.same({0, "kept\n"}, {r.code, r.out}, r.err)
  end)
end)
