--- `make install` built the test build, which it does not install; there was no
--- `make uninstall`; and `make -j4` warned of its job server.

local h = require "spec.support.helper"

-- What make would do in the tree, changing nothing.
local function planned(words)
  local r = h.sh("unset MAKEFLAGS MAKELEVEL; make -n VARIANT= CC=cc " .. words)
  assert.equal(0, r.code, r.err)
  return r.out, r.err
end

-- All that is below a folder, sorted.
local function below(dir)
  return h.sh("find . | LC_ALL=C sort", { cwd = dir }).out
end

local function place(action, dir, prefix, stage, more)
  local env = { PREFIX = dir .. prefix, DESTDIR = stage or "" }
  for name, value in pairs(more or {}) do env[name] = value end
  return h.sh(".ci/install " .. action, { env = env })
end

local function real(link)
  return h.sh("realpath " .. h.quote(link)).out:match("[^\n]+")
end

local so <const> = real((h.lib:gsub("%.a$", ".so.0")))

local function put(dir, prefix, stage, more)
  local pc = h.write((stage or dir) .. ".pc", "Name: orun\n")
  local files = { h.bin, h.lib, so, "runtime/orun.h", "runtime/cli/shell/orun.bash",
                  "runtime/cli/shell/orun.zsh", "runtime/cli/shell/orun.fish", pc }
  local pages = h.tmpdir()
  for _, name in ipairs{"orun.1", "orun.3", "orun-lua.3", "orun.html", "orun.d.lua"} do
    files[#files + 1] = h.write(pages .. "/" .. name, name .. "\n")
  end
  for i, file in ipairs(files) do files[i] = h.quote(file) end
  local r = place("put " .. table.concat(files, " "), stage and "" or dir, prefix, stage, more)
  assert.equal(0, r.code, r.err)
end

describe("make install", function()
  it("builds and copies no test build", function()
    local out = planned "install PREFIX=/nowhere"
    assert.matches("PREFIX='/nowhere' DESTDIR='' LIBDIR='/nowhere/lib' "
      .. "LUA_CMOD='/nowhere/lib/lua/5.4' .ci/install put orun build/liborun.a ",
      (out:gsub("\\\n%s*", "")), 1, true)
    assert.is_nil(out:find("ORUN_TEST", 1, true))
    assert.is_nil(out:find("-o build/test/", 1, true))
  end)

  it("shares the jobs of make -jN without a warning", function()
    for _, words in ipairs{"-j4 install", "-j orun"} do
      local _, err = planned(words)
      assert.equal("", err)
    end
  end)

  for _, stage in ipairs{false, true} do
    it("is undone by make uninstall" .. (stage and ", with DESTDIR too" or ""), function()
      local dir = h.tmpdir()
      h.sh("mkdir -p there/include there/lib && : >there/lib/mine", { cwd = dir })
      local before = below(dir)
      local prefixes <const> = {"/there", "/new/deep er/100%s"}
      for _, prefix in ipairs(prefixes) do
        put(dir, prefix, stage and dir)
        put(dir, prefix, stage and dir) -- over what is there
        local root = dir .. prefix
        for _, name in ipairs{"bin/orun", "lib/liborun.a", "lib/liborun.so", "lib/liborun.so.0",
                              "lib/lua/5.4/orun.so", "include/orun.h", "lib/pkgconfig/orun.pc",
                              "share/bash-completion/completions/orun",
                              "share/zsh/site-functions/_orun",
                              "share/fish/vendor_completions.d/orun.fish",
                              "share/man/man1/orun.1", "share/man/man3/orun.3",
                              "share/man/man3/orun-lua.3", "share/doc/orun/orun.html",
                              "share/orun/orun.d.lua"} do
          assert.is_true(h.exists(root .. "/" .. name), name)
        end
        assert.matches("^orun ", h.sh(h.quote(root .. "/bin/orun") .. " --version").out)
      end
      for _ = 1, 2 do -- the second finds nothing to do
        for _, prefix in ipairs(prefixes) do
          local r = place("remove", stage and "" or dir, prefix, stage and dir)
          assert.same({0, ""}, {r.code, r.err})
        end
      end
      assert.equal(before, below(dir))
    end)
  end

  it("puts libraries and the module elsewhere, for whoever packs it", function()
    local dir = h.tmpdir()
    local before = below(dir)
    local where = { LIBDIR = "/usr/lib/x86", LUA_CMOD = "/opt/lua" }
    put("", "/usr", dir, where)
    for _, name in ipairs{"/usr/bin/orun", "/usr/lib/x86/liborun.so", "/opt/lua/orun.so",
                          "/usr/lib/x86/pkgconfig/orun.pc"} do
      assert.is_true(h.exists(dir .. name), name)
    end
    assert.equal("../../usr/lib/x86/liborun.so.0",
      h.sh("readlink " .. h.quote(dir .. "/opt/lua/orun.so")).out:match("[^\n]+"))
    assert.equal(dir .. "/usr/lib/x86/" .. so:match("[^/]+$"), real(dir .. "/opt/lua/orun.so"))
    assert.equal(0, place("remove", "", "/usr", dir, where).code)
    assert.equal(before, below(dir))
  end)

  it("leaves no library of an older version", function()
    local dir = h.tmpdir()
    h.sh("mkdir lib && : >lib/liborun.so.0.0.0.9", { cwd = dir })
    put(dir, "")
    assert.is_false(h.exists(dir .. "/lib/liborun.so.0.0.0.9"))
  end)

  it("refuses a prefix that means another place elsewhere", function()
    local r = place("remove", "", "local")
    assert.equal(2, r.code)
    assert.equal("install: PREFIX is 'local', expected an absolute path\n", r.err)
  end)
end)
