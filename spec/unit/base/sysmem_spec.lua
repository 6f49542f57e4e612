--- sysmem.c: how much memory there is, and what control groups leave of it.

local h = require "spec.support.helper"
local sysmem = require("orun.test").memory.sysmem

-- A root with these files; returns what sysmem says of it.
local function memory(files)
  local root = h.tmpdir()
  for path, text in pairs(files) do
    h.sh("mkdir -p " .. h.quote((root .. path):match("^(.*)/")))
    h.write(root .. path, text)
  end
  return sysmem(root)
end

local MIB <const> = 1 << 20
local OWN <const> = "/proc/self/cgroup"

describe("sysmem", function()
  it("tells what the machine has when nothing limits it", function()
    local all = sysmem("/no/such/root")
    local total = tonumber(h.read("/proc/meminfo"):match("MemTotal:%s*(%d+)")) * 1024
    assert.equal(total, all)
    assert.is_true(sysmem("") > 0 and sysmem("") <= all)
    assert.equal(all, memory{[OWN] = "0::/\n", ["/sys/fs/cgroup/memory.max"] = "max\n"})
  end)

  it("tells the limit of its control group", function()
    assert.equal(64 * MIB, memory{[OWN] = "0::/\n",
      ["/sys/fs/cgroup/memory.max"] = ("%d\n"):format(64 * MIB)})
    assert.equal(32 * MIB, memory{[OWN] = "0::/a/b\n",
      ["/sys/fs/cgroup/a/b/memory.max"] = ("%d\n"):format(32 * MIB),
      ["/sys/fs/cgroup/a/memory.max"] = "max\n"})
  end)

  it("tells the limit of a group above its own", function()
    assert.equal(16 * MIB, memory{[OWN] = "0::/a/b\n",
      ["/sys/fs/cgroup/a/b/memory.max"] = ("%d\n"):format(32 * MIB),
      ["/sys/fs/cgroup/a/memory.max"] = ("%d\n"):format(16 * MIB)})
  end)

  it("knows the older control groups", function()
    assert.equal(8 * MIB, memory{[OWN] = "5:cpu,cpuacct:/x\n4:memory:/x\n0::/\n",
      ["/sys/fs/cgroup/memory/x/memory.limit_in_bytes"] = ("%d\n"):format(8 * MIB)})
    assert.equal(sysmem("/no/such/root"), memory{[OWN] = "4:memory:/x\n",
      ["/sys/fs/cgroup/memory/x/memory.limit_in_bytes"] = "9223372036854771712\n"})
  end)

  it("is not misled by what it cannot read", function()
    local all = sysmem("/no/such/root")
    assert.equal(all, memory{[OWN] = "nonsense\n::\n0::\n"})
    assert.equal(all, memory{[OWN] = "0::/a\n", ["/sys/fs/cgroup/a/memory.max"] = "0\n"})
  end)
end)
