--- The pictures of README.md are what `make pictures` makes.

local h = require "spec.support.helper"

describe("the picture of a run's timeline", function()
  it("is as orun and its script are now", function()
    local dir = h.tmpdir()
    h.sh("mkdir bin && ln -s " .. h.quote(h.bin) .. " bin/orun", { cwd = dir })
    local r = h.sh(('PATH="$PWD/bin:$PATH" orun -q %s/spec/pictures/pictures.lua . timeline')
      :format(h.quote(h.root)), { cwd = dir })
    assert.equal(0, r.code, r.err)
    assert.equal(h.read("spec/pictures/timeline.svg"), h.read(dir .. "/timeline.svg"))
  end)
end)

describe("the pictures of README.md", function()
  it("are in it, with words for those who do not see them", function()
    local page = h.read("README.md")
    for _, name in ipairs{"timeline", "terminal"} do
      local words = page:match("!%[([^%]]+)%]%(spec/pictures/" .. name .. "%.svg%)")
      assert.is_truthy(words, name)
      local text = assert(h.read("spec/pictures/" .. name .. ".svg"))
      assert.matches("^<svg xmlns=", text)
      assert.matches("aria%-label=", text)
      assert.is_true(#text < 40000)
    end
  end)
end)
