--- orun.http when memory is refused: it says so, or gets its answer; and what
--- comes after it is fine.

local http_server = require "spec.support.http_server"
local test = require "orun.test"

describe("orun.http", function()
  it("says so when memory is out, wherever that is", function()
    local server = http_server.start()
    local url = server.url .. "/json"
    assert(orun.http{url = url})
    local answered, refused = 0, 0
    for n = 1, 400 do
      test.refuse_at(n)
      local ok, r, message, kind = pcall(orun.http, {url = url, body = "x", timeout = 20})
      test.refuse_at(0)
      if ok and r then
        assert.equal('{"ok": true}', r.body)
        answered = answered + 1
      else
        local memory = (ok and message or r):find("memory", 1, true)
        -- libcurl takes some of it for an address that cannot be resolved.
        assert.is_true(memory ~= nil or kind == "http", r)
        refused = refused + (memory and 1 or 0)
      end
    end
    assert.equal('{"ok": true}', orun.http{url = url}.body)
    server:stop()
    assert.is_true(answered > 0 and refused > 10, answered .. " " .. refused)
  end)
end)
