--- After `make demo` nothing said what to type next, and the first example of the README was
--- `orun plan.lua` where no orun was in PATH yet.

local h = require "spec.support.helper"

describe("what `make demo` says to type next", function()
  it("works as it is printed", function()
    local recipe = h.read("Makefile"):match("\ndemo:[^\n]*\n(.-)\n\n")
    local dir, n = h.tmpdir(), 0
    h.sh(([[cp -r %s/examples . && ln -s %s orun && ln -s %s/README.md . && mkdir build]]):format(
      h.root, h.bin, h.root), {cwd = dir})
    h.write(dir .. "/build/demo.jsonl",
      '{"event":"run","version":1}\n{"event":"run_ended","at":1}\n')
    for command in recipe:gmatch("'(%./orun [^'#]*)") do
      local r = h.sh(command, {cwd = dir})
      assert.equal(0, r.code, command .. r.err)
      n = n + 1
    end
    assert.is_true(n >= 4, n .. " commands")
  end)

  it("names the program that was built, as the README's first example does", function()
    local first = h.read("README.md"):match("```console\n%$ ([^\n]+)")
    assert.equal("./orun plan.lua", first)
  end)
end)
