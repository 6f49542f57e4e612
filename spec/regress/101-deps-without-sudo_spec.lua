--- Without sudo `.ci/deps` ended in "sudo: command not found", and with it the
--- packages were configured by a dialogue.

local h = require "spec.support.helper"

-- Run `.ci/deps build` where only these programs are; each notes its call.
local function deps(programs)
  local dir = h.tmpdir()
  for name, text in pairs(programs) do
    h.write(dir .. "/" .. name, ("#!/bin/sh\n[ %s = id ] || echo %s $* >>%s/calls\n%s\n"):format(
      name, name, h.quote(dir), text))
    os.execute("chmod +x " .. h.quote(dir .. "/" .. name))
  end
  local r = h.sh(("PATH=%s exec /bin/bash .ci/deps build"):format(h.quote(dir)))
  return r, h.read(dir .. "/calls") or ""
end

local user <const> = "echo 1000"
local command <const> = "\n    apt%-get update && apt%-get install %-y "
  .. "%-%-no%-install%-recommends gcc make pkgconf "

describe(".ci/deps", function()
  it("names the command for root where there is no sudo", function()
    local r, calls = deps{id = user, ["apt-get"] = ""}
    assert.equal(1, r.code)
    assert.matches("^deps: missing gcc make pkgconf ", r.err)
    assert.matches("you are not root, and there is no sudo; as root run" .. command, r.err)
    assert.equal("", calls)
  end)

  it("names it where sudo asks for a password and nobody can type", function()
    local r, calls = deps{id = user, ["apt-get"] = "", sudo = "exit 1"}
    assert.equal(1, r.code)
    assert.matches("sudo asks for a password; as root run" .. command, r.err)
    assert.equal("sudo -n true\n", calls)
  end)

  it("installs with sudo, and lets no package ask", function()
    local r, calls = deps{id = user, ["apt-get"] = "", sudo = ""}
    assert.equal(0, r.code, r.err)
    assert.matches("sudo env DEBIAN_FRONTEND=noninteractive apt-get update", calls, 1, true)
    assert.matches("sudo env DEBIAN_FRONTEND=noninteractive apt%-get install .* gcc make ", calls)
  end)

  it("names it where apt-get failed, too", function()
    local r = deps{id = "echo 0", env = 'exec "$2" "$3" "$4"', ["apt-get"] = "exit 100"}
    assert.equal(1, r.code)
    assert.matches("apt%-get failed %(above%); as root run" .. command, r.err)
  end)

  it("names the packages where there is no apt-get", function()
    local r = deps{id = user}
    assert.equal(1, r.code)
    assert.matches("^deps: missing gcc make pkgconf .*there is no apt%-get here", r.err)
  end)
end)
