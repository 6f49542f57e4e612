--- What the build makes of files that are not Lua: modules that return their text.

local h = require "spec.support.helper"

-- Writes the code of the first module of a table that bundle_make made.
local SHOW <const> = [[
#include "bundle.c"
#include <stdio.h>

int
main(void)
{
    return fwrite(bundle_files[0].text, 1, bundle_files[0].size, stdout)
           != bundle_files[0].size;
}
]]

describe("a bundled file that is not Lua", function()
  it("is a module that returns its text", function()
    local found = h.find("lua stdlib", "-type f -not -name '*.lua' -not -name '*.md'")
    assert.is_true(#found > 0)
    for _, path in ipairs(found) do
      local name = path:gsub("^%w+/", "orun."):gsub("/", ".")
      assert.equal(h.read(path), require(name), path)
    end
  end)

  it("keeps every byte", function()
    local bytes, dir = {}, h.tmpdir()
    for i = 0, 255 do bytes[i + 1] = string.char(i, i, 255 - i, 48) end
    local text = table.concat(bytes)
    h.write(dir .. "/page.bin", text)
    h.write(dir .. "/show.c", SHOW)
    local maker = h.test_bin:match("^(.*)/test/") .. "/bundle_make"
    local r = h.sh(("cd '%s' && '%s' bundle.c page=page.bin && cc -iquote %s/runtime"
      .. " -o show show.c && ./show"):format(dir, maker, h.root))
    assert.equal(0, r.code, r.err)
    assert.equal(text, load(r.out)())
  end)
end)
