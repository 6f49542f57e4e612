--- orun-scm-1.rockspec: what luarocks reads, and what it would have make do.

local h = require "spec.support.helper"

local FILE <const> = "orun-scm-1.rockspec"

local function read()
  local rock = {}
  assert(loadfile(h.root .. "/" .. FILE, "t", rock))()
  return rock
end

--- What make would do for that target, with these variables.
local function planned(target, variables)
  local words = {"unset MAKEFLAGS MAKELEVEL; make -n VARIANT="}
  for name, value in pairs(variables) do words[#words + 1] = name .. "=" .. h.quote(value) end
  words[#words + 1] = target
  local r = h.sh(table.concat(words, " "))
  assert.equal(0, r.code, r.err)
  return r.out
end

describe("the rockspec", function()
  it("has the name and version that its file has", function()
    local rock = read()
    assert.equal(FILE, rock.package .. "-" .. rock.version .. ".rockspec")
    assert.equal("MIT", rock.description.license)
  end)

  it("names targets that make has, which put the module and the command in place", function()
    local build = read().build
    local given = {}
    for name, value in pairs(build.install_variables) do
      given[name] = value:gsub("%$%(CC%)", "cc"):gsub("%$%(LIBDIR%)", "/r/lib")
        :gsub("%$%(BINDIR%)", "/r/bin")
      assert.is_nil(given[name]:find("$", 1, true))
    end
    planned(build.build_target, {IN_BUILD = "1"})
    local out = planned(build.install_target, given)
    assert.matches("install [^\n]*liborun%.so%.0[^\n ]* '/r/lib/orun%.so'\n", out)
    assert.matches("install [^\n]* orun '/r/bin/orun'\n", out)
    assert.is_nil(out:find("ORUN_TEST", 1, true))
  end)

  it("is what luarocks takes, where there is luarocks", function()
    if h.sh("command -v luarocks").code ~= 0 then return end
    local r = h.sh("luarocks lint " .. FILE)
    assert.equal(0, r.code, r.err)
  end)
end)
