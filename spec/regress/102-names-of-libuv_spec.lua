--- The link asked for libuv_a.a, which is libuv.a on newer systems.

local h = require "spec.support.helper"

-- What make would link with where the compiler knows of these archives.
local function linked(archives)
  local dir = h.tmpdir()
  for _, name in ipairs(archives) do h.write(dir .. "/" .. name, "") end
  h.write(dir .. "/cc", ([[#!/bin/sh
    name=${1#-print-file-name=}
    if [ -e %s/"$name" ]; then echo %s/"$name"; else echo "$name"; fi
  ]]):format(h.quote(dir), h.quote(dir)))
  local r = h.sh(("chmod +x %s/cc; unset MAKEFLAGS MAKELEVEL; make -n VARIANT= IN_BUILD=1 "
    .. "CC=%s/cc build/.flags"):format(h.quote(dir), h.quote(dir)))
  assert.equal(0, r.code, r.err)
  return r.out
end

describe("the link", function()
  it("takes libuv's archive by the name it has, or else the library", function()
    for wanted, archives in pairs{["-l:libuv_a.a"] = {"libuv_a.a"}, ["-l:libuv.a"] = {"libuv.a"},
                                  ["-luv"] = {}} do
      assert.matches(" " .. wanted .. " ", linked(archives), 1, true)
    end
  end)
end)
