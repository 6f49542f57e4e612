--- libnats: loaded when needed, told when it is missing, out of the way of signals.

local h = require "spec.support.helper"
local lfs = require "lfs"
local nats = require "spec.support.nats"
local test = require "orun.test"

-- The threads of this process: { [id] = the signals it has blocked, as the kernel tells }.
local function threads()
  local all = {}
  for id in lfs.dir("/proc/self/task") do
    local status = h.read("/proc/self/task/" .. id .. "/status")
    if status then all[id] = tonumber(status:match("SigBlk:%s*(%x+)"), 16) end
  end
  return all
end

-- All signals but the two that the C library keeps, and those that cannot be blocked.
local ALL <const> = 0xfffffffe7ffbfeff

describe("libnats", function()
  it("is loaded, and its threads take no signals", function()
    local server = nats.start()
    local before = threads()
    assert.matches("^3%.%d+%.%d+", test.nats.version())
    local n <close> = assert(test.nats.connect{server.url})
    assert.is_true(n:max_payload() > 0)
    local more = 0
    for id, blocked in pairs(threads()) do
      if not before[id] then
        more = more + 1
        assert.equal(ALL, blocked & ALL) -- a thread may have its own blocked for a moment
      end
    end
    assert.is_true(more >= 2 and more <= 8, more)
    server:stop()
  end)

  it("speaks JetStream by plain requests, and knows what a server takes", function()
    local server = nats.start{max_payload = 100000}
    local n <close> = assert(test.nats.connect{server.url, inbox = "_INBOX.me"})
    assert.matches('"streams":0', assert(n:request("$JS.API.INFO", "", 10)))
    assert.equal(100000, n:max_payload())
    local answer, why = n:request("nobody.is.there", "", 10)
    assert.is_nil(answer)
    assert.matches("responders", why)
    server:stop()
  end)

  it("reaches a server by TLS with its authority, and by no other", function()
    local server = nats.start{tls = true, config = "authorization { token: secret }"}
    local url = server.url:gsub("//", "//secret@")
    assert.is_nil((test.nats.connect{url}))
    assert.is_nil((test.nats.connect{server.url, authorities = server.authorities}))
    local n <close> = assert(test.nats.connect{url, authorities = server.authorities})
    assert.matches('"streams":0', n:request("$JS.API.INFO", "", 10))
    server:stop()
  end)

  it("goes on with another server of a cluster when one is killed", function()
    local all = nats.cluster(3)
    local n <close> = assert(test.nats.connect{all[1].url, all[2].url, all[3].url})
    local function works()
      return h.wait_for(function()
        return (n:request("$JS.API.INFO", "", 1) or ""):find('"streams":0', 1, true)
      end)
    end
    assert.is_truthy(works())
    all[1]:kill()
    assert.is_truthy(works())
    all[1]:again()
    assert.is_truthy(works())
    for _, server in ipairs(all) do server:stop() end
  end)

  it("that is not there is told with the package that brings it", function()
    local bin = h.tmpdir() .. "/refuse"
    local r = h.sh(("cc -O1 -o %s %s"):format(h.quote(bin),
      h.quote(h.root .. "/spec/support/refuse.c")))
    assert.equal(0, r.code, r.err)
    local script = h.write(h.tmpdir() .. "/version.lua",
      'print(require("orun.test").nats.version())')
    r = h.sh(("%s openat:libnats 2 1 0 %s %s"):format(h.quote(bin), h.quote(h.test_bin),
      h.quote(script)))
    if r.code == 125 then return pending("no filters of system calls here") end
    assert.equal(0, r.code, r.err)
    assert.matches("^nil\tlibnats is not installed", r.out)
    assert.matches("on Debian 12: libnats3.4", r.out, 1, true)
  end)
end)
