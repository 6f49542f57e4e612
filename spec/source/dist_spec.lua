--- `make dist`: the tarball of a release has the source and nothing else, and the same bytes
--- wherever it is made. (`make distcheck` builds and tests what it unpacks to.)

local h = require "spec.support.helper"

local dir, name

local function sh(command, cwd, env)
  local r = h.sh(command, {cwd = cwd or dir, env = env})
  assert.equal(0, r.code, r.err)
  return r.out
end

local function made(root, file, env)
  assert.equal(file .. "\n", sh(h.quote(root .. "/.ci/dist") .. " " .. h.quote(file), dir, env))
end

local function same(a, b) return h.sh(("cmp -s %s %s"):format(a, b), {cwd = dir}).code == 0 end

describe("make dist", function()
  setup(function()
    dir = h.tmpdir()
    local version = h.read(h.root .. "/runtime/base/version.h"):match('ORUN_VERSION "([^"]+)"')
    name = "orun-" .. version
    made(h.root, dir .. "/a.tar.gz")
    sh "tar xf a.tar.gz"
  end)

  it("writes all of the source below one folder, and nothing that was built", function()
    local list = sh "tar tf a.tar.gz"
    for path in list:gmatch("[^\n]+") do
      assert.equal(name .. "/", path:sub(1, #name + 1))
      assert.is_true(h.exists(h.root .. "/" .. path:sub(#name + 2)), path)
      assert.is_nil(path:find("^[^/]+/build/") or path:find("%.o$"), path)
    end
    for _, path in ipairs{"Makefile", "LICENSE", ".ci/deps", ".ci/install", "runtime/orun.h",
                          "lua/command/agents.lua", "spec/support/run.sh"} do
      assert.is_truthy(list:find(name .. "/" .. path .. "\n", 1, true), path)
    end
    assert.is_nil(list:find(name .. "/orun\n", 1, true))
  end)

  it("writes the same bytes again, also where it was unpacked, without git", function()
    made(h.root, dir .. "/b.tar.gz")
    assert.is_true(same("a.tar.gz", "b.tar.gz"))
    sh("umask 077 && mkdir other && tar -C other -xf a.tar.gz")
    sh(("mkdir %s/build && : >%s/build/x && : >%s/orun"):format(name, name, name))
    for _, root in ipairs{dir .. "/" .. name, dir .. "/other/" .. name} do
      made(root, dir .. "/c.tar.gz", {PATH = "/usr/bin:/bin", TZ = "Asia/Tokyo"})
      assert.is_true(same("a.tar.gz", "c.tar.gz"))
    end
    made(h.root, dir .. "/d.tar.gz", {SOURCE_DATE_EPOCH = "1000000000"})
    assert.is_false(same("a.tar.gz", "d.tar.gz"))
    assert.matches("2001%-09%-09", sh "TZ=UTC tar tvf d.tar.gz")
  end)

  it("writes what make knows how to build", function()
    local r = h.sh("env -u MAKELEVEL -u MAKEFLAGS make -n IN_BUILD=1 VARIANT= orun",
      {cwd = dir .. "/" .. name})
    assert.equal(0, r.code, r.err)
    assert.equal("", r.err)
  end)
end)
