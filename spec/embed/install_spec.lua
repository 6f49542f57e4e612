--- A program of somebody else is built from what `make install` put there, as
--- pkg-config says, with the library shared and with the archive.

local h = require "spec.support.helper"

-- Of the sanitizers' own libraries the program would have to be told.
if h.variant ~= "" and h.variant ~= "valgrind" then
  it("is for a plain build only", function() end)
  return
end

local dir
-- A Lua of one's own is an archive: the program that liborun.so is for has it.
local own_lua <const> = h.sh("pkg-config --libs lua5.4").out:find("%.a%s")

local function sh(command, env)
  local r = h.sh(command, {cwd = dir, env = env})
  assert.equal(0, r.code, r.err)
  return r.out
end

describe("a program built from what is installed", function()
  setup(function()
    dir = h.tmpdir()
    local prefix = h.quote(dir .. "/the usr")
    sh(("make -s -C %s IN_BUILD=1 VARIANT= PREFIX=%s PC=%s/orun.pc %s/orun.pc"):format(
      h.quote(h.root), prefix, h.quote(dir), h.quote(dir)), {MAKEFLAGS = false})
    local files = {h.quote(h.bin), h.quote(h.lib),
                   '"$(realpath ' .. h.lib:gsub("%.a$", ".so.0") .. ')"',
                   h.quote(h.root .. "/runtime/orun.h"),
                   h.quote(h.root .. "/runtime/orun_lua.h"), "orun.pc"}
    sh(("PREFIX=%s %s/.ci/install put %s"):format(prefix, h.quote(h.root),
      table.concat(files, " ")))
    h.write(dir .. "/host.c", h.read(h.root .. "/examples/embed/host.c"))
  end)

  --- Build host.c and run it: what is linked, and what it needs to be told.
  local function builds(flags, env)
    local path = {PKG_CONFIG_PATH = dir .. "/the usr/lib/pkgconfig"}
    sh("eval cc -Wall -Werror -o host host.c " .. flags, path)
    local out = sh((os.getenv("ORUN_WRAP") or "") .. " ./host", env)
    assert.matches("^1 4 9 16 25\n1 4 9 16 25\none has\t10\n", out)
    return sh "readelf -d host"
  end

  it("links the shared library, and nothing but it", function()
    if own_lua then return end
    local needs = builds("$(pkg-config --cflags --libs orun)",
      {LD_LIBRARY_PATH = dir .. "/the usr/lib"})
    assert.matches("liborun%.so%.0", needs)
    assert.is_nil(needs:find("liblua", 1, true))
  end)

  it("links the archive, with what pkg-config --static adds", function()
    local needs = builds("$(pkg-config --static --cflags --libs orun "
      .. "| sed 's/-lorun/-l:liborun.a/')")
    assert.is_nil(needs:find("liborun", 1, true))
  end)

  it("has tasks in processes of their own by the command that is installed", function()
    if own_lua then return end
    h.write(dir .. "/isolated.c", [[
      #include <orun.h>
      #include <string.h>
      #include <stdio.h>
      int main(void)
      {
          static const char code[] =
              "print(Task{isolation = 'process', run = function() return 7 end}.output)";
          orun *o;
          if (orun_new(NULL, &o) || orun_run_string(o, NULL, code, strlen(code)))
              return 1;
          return orun_free(o);
      }]])
    sh("eval cc -o isolated isolated.c $(pkg-config --cflags --libs orun)",
      {PKG_CONFIG_PATH = dir .. "/the usr/lib/pkgconfig"})
    assert.equal("7\n", sh("./isolated", {LD_LIBRARY_PATH = dir .. "/the usr/lib",
                                          PATH = dir .. "/the usr/bin:" .. os.getenv("PATH")}))
  end)

  it("may be a Lua program, which finds the module", function()
    if own_lua then return end
    h.write(dir .. "/program.lua", [[
      local orun = require "orun"
      print(orun.Task{run = function() return 12 end}.output)
      orun.finish()]])
    assert.equal("12\n", sh("lua5.4 program.lua", {LUA_CPATH = dir .. "/the usr/lib/lua/5.4/?.so"}))
  end)

  it("needs nothing of the source tree", function()
    local root = h.root:gsub("%p", "%%%0") .. "[^%w._-]"
    for _, name in ipairs{"bin/orun", "lib/liborun.so.0", "lib/pkgconfig/orun.pc",
                          "include/orun.h", "include/orun_lua.h"} do
      local bytes = h.read(dir .. "/the usr/" .. name)
      assert.is_true(#bytes > 100, name)
      assert.is_nil(bytes:find(root), name)
    end
  end)
end)
