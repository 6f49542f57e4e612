--- The HTTP server of the specs (http_server.c): `local s = server.start()`.
---
--- `s.url` is where it is, without a slash at the end; `s.folder` has the files
--- that /sse sends. It ends with `s:stop()`, and with whoever started it.

local h = require "spec.support.helper"

local M = {}

local Server <const> = {__name = "spec.http_server"}
Server.__index = Server

local folder

-- The program, built once.
local function program()
  if not folder then
    folder = h.tmpdir()
    local r = h.sh(("cc -O1 -D_GNU_SOURCE -o %s %s $(pkg-config --cflags --libs libuv)"
      .. " -pthread"):format(h.quote(folder .. "/http_server"),
      h.quote(h.root .. "/spec/support/http_server.c")))
    assert(r.code == 0, r.err)
  end
  return folder .. "/http_server"
end

--- Start one.
function M.start()
  local self = setmetatable({folder = h.tmpdir()}, Server)
  local out = self.folder .. "/port"
  self.pipe = assert(io.popen(("exec %s %s >%s"):format(h.quote(program()),
    h.quote(self.folder), h.quote(out)), "w"))
  local text = h.wait_for(function() return (h.read(out) or ""):match("^%d+\n") end)
  self.url = "http://127.0.0.1:" .. assert(text, "the server does not start"):match("%d+")
  return self
end

--- What it has seen: connections, open, requests, sent, broken.
function Server:stats()
  local stats = {}
  local r = assert(orun.http{url = self.url .. "/stats", headers = {connection = "close"}})
  for name, n in r.body:gmatch("(%l+) (%d+)\n") do stats[name] = tonumber(n) end
  return stats
end

--- End it.
function Server:stop()
  self.pipe:close()
  os.execute("rm -rf " .. h.quote(self.folder))
end

--- Remove the program again, where nobody else does.
function M.remove()
  os.execute("rm -rf " .. h.quote(folder))
  folder = nil
end

return M
