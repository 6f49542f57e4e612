--- Private NATS servers on loopback: `local s = nats.start()`.
---
--- A server has an address of its own in 127.0.0.0/8, so its ports are free, also
--- when it is started again. Its files are in a folder that goes with it, and it
--- ends with `s:stop()` or with whoever started it.

local h = require "spec.support.helper"

local M = {}

local Server <const> = {__name = "spec.nats"}
Server.__index = Server

-- Not the usual ports: a server of the system may have those at every address.
local CLIENTS <const>, ROUTES <const> = 14222, 16222

-- An address that nobody else has.
local function address()
  local file <close> = assert(io.open("/dev/urandom", "rb"))
  local a, b, c = file:read(3):byte(1, 3)
  return ("127.%d.%d.%d"):format(1 + a % 254, b, 1 + c % 254)
end

-- An authority and the certificate of a server at these addresses.
local function certificates(folder, hosts)
  local names = {}
  for i, host in ipairs(hosts) do names[i] = "IP:" .. host end
  h.write(folder .. "/names", "subjectAltName=" .. table.concat(names, ",") .. "\n")
  local r = h.sh(([[
    cd %s &&
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 \
      -subj /CN=authority -keyout ca.key -out ca.pem &&
    openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes \
      -subj /CN=server -keyout key.pem -out server.csr &&
    openssl x509 -req -in server.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 \
      -extfile names -out cert.pem]]):format(h.quote(folder)))
  assert(r.code == 0, r.err)
end

local function config_of(self, opts, routes)
  local lines = {
    ("host: %q"):format(self.host), ("port: %d"):format(CLIENTS),
    ("server_name: %q"):format(self.name),
    ("pid_file: %q"):format(self.folder .. "/pid"),
  }
  local function add(line, ...) lines[#lines + 1] = line:format(...) end
  if opts.jetstream ~= false then
    add('jetstream { store_dir: %q, max_file_store: %d }', self.folder .. "/store",
      opts.store or 1 << 30)
  end
  if opts.max_payload then add("max_payload: %d", opts.max_payload) end
  if opts.tls then
    add("tls { cert_file: %q, key_file: %q }", opts.tls .. "/cert.pem", opts.tls .. "/key.pem")
  end
  if routes then
    add("cluster { name: spec, host: %q, port: %d, routes: [%s] }", self.host, ROUTES, routes)
  end
  add("%s", opts.config or "")
  return table.concat(lines, "\n") .. "\n"
end

local function log_of(self) return h.read(self.folder .. "/log") or "" end

-- The shell stays until its input closes, at our end at the latest: then it ends the server.
local function run(self)
  os.remove(self.folder .. "/pid")
  local line = ("cd %s || exit; exec 2>/dev/null;"):format(h.quote(self.folder))
  self.pipe = assert(io.popen(line .. [[
    nats-server -c config >log 2>&1 &
    server=$!; cat >/dev/null; kill -KILL $server; wait $server]], "w"))
end

local function ready(self)
  local done = h.wait_for(function()
    local log = log_of(self)
    return log:find("Server is ready", 1, true) and "ready"
      or log:find("%[FTL%]") and "refused"
  end)
  return done == "ready"
end

local function make(opts, host, name)
  local self = setmetatable({folder = h.tmpdir(), host = host, name = name}, Server)
  self.url = ("%s://%s:%d"):format(opts.tls and "tls" or "nats", host, CLIENTS)
  return self
end

--- Start one: `jetstream = false` for one without, `store` is the most bytes that its
--- streams may have (1 GiB), `max_payload` that of a message, `tls = true` for an encrypted
--- one (`authorities` is then the file that a client trusts), `config` are more lines of its
--- configuration. `url` has no user.
function M.start(opts)
  opts = opts or {}
  local host, tls = address(), nil
  if opts.tls then
    tls = h.tmpdir()
    certificates(tls, {host})
  end
  local self = make({tls = tls}, host, "s1")
  self.authorities = tls and tls .. "/ca.pem"
  h.write(self.folder .. "/config", config_of(self, {jetstream = opts.jetstream, tls = tls,
    store = opts.store, max_payload = opts.max_payload, config = opts.config}))
  run(self)
  assert(ready(self), log_of(self))
  return self
end

--- Start a cluster of `n`: an array of servers that know each other.
function M.cluster(n, opts)
  local all, routes = {}, {}
  for i = 1, n do
    all[i] = make({}, address(), "s" .. i)
    routes[i] = ("nats://%s:%d"):format(all[i].host, ROUTES)
  end
  for _, self in ipairs(all) do
    h.write(self.folder .. "/config", config_of(self, opts or {}, table.concat(routes, ", ")))
    run(self)
  end
  for _, self in ipairs(all) do assert(ready(self), log_of(self)) end
  return all
end

--- Its process id.
function Server:pid()
  return h.wait_for(function() return math.tointeger(h.read(self.folder .. "/pid")) end)
end

--- What it has written.
function Server:log() return log_of(self) end

--- Kill it (SIGKILL): its files stay.
function Server:kill()
  self.pipe:close()
  self.pipe = nil
end

--- Start it again after `kill`, with `forget` without anything that it kept.
function Server:again(forget)
  if forget then os.execute("rm -rf " .. h.quote(self.folder .. "/store")) end
  run(self)
  assert(ready(self), log_of(self))
end

--- End it, and remove its files.
function Server:stop()
  if self.pipe then self:kill() end
  os.execute("rm -rf " .. h.quote(self.folder))
end

return M
