--- orun.http: whole answers and streams, and everything that can go wrong on the
--- way. The server is spec/support/http_server.c.

local h = require "spec.support.helper"
local http_server = require "spec.support.http_server"

local server

-- The failure of a request, which must be one: its message and kind.
local function fails(options)
  local r, message, kind = orun.http(options)
  assert.is_nil(r)
  return message, kind
end

-- What calling it raises.
local function refusal(options)
  local ok, message = pcall(orun.http, options)
  assert.is_false(ok)
  return message
end

local function url(path)
  return server.url .. path
end

-- A script that gets the server's address as its argument.
local function script(text, opts)
  opts = opts or {}
  opts[1] = server.url
  return h.script("local url = ...\n" .. text, opts)
end

describe("orun.http", function()
  setup(function() server = http_server.start() end)
  teardown(function() server:stop() end)

  describe("a whole answer", function()
    it("has status, headers, body, url and duration", function()
      local r = assert(orun.http{url = url "/json?a=1"})
      assert.equal(200, r.status)
      assert.equal("application/json", r.headers["content-type"])
      assert.equal('{"ok": true}', r.body)
      assert.equal(url "/json?a=1", r.url)
      assert.is_true(r.duration >= 0)
    end)

    it("sends method, headers and body byte for byte", function()
      local body = "a\0b\r\n\xff"
      local r = assert(orun.http{url = url "/echo?x=%20y", method = "PUT", body = body,
        headers = {["x-key"] = "k: v", ["content-type"] = "text/x", ["X-Empty"] = ""}})
      assert.matches("^PUT /echo%?x=%%20y HTTP/1.1\r\n", r.body)
      assert.matches("\r\nx-key: k: v\r\n", r.body, 1, true)
      assert.matches("\r\ncontent-type: text/x\r\n", r.body, 1, true)
      assert.matches("\r\nX-Empty:\r\n", r.body, 1, true)
      assert.matches("\r\nUser-Agent: orun/", r.body, 1, true)
      assert.equal("\r\n\r\n" .. body, r.body:sub(-#body - 4))
    end)

    it("is a POST without a type of its own when there is a body", function()
      local r = assert(orun.http{url = url "/echo", body = ("x"):rep(2 << 20)})
      local head = r.body:match("^(.-)\r\n\r\n")
      assert.matches("^POST /echo ", head)
      assert.is_nil(head:lower():find("content-type", 1, true))
      assert.is_nil(head:lower():find("expect", 1, true))
      assert.equal(2 << 20, #r.body - #head - 4)
    end)

    it("has no body for HEAD, and an empty one for an empty POST", function()
      local head = assert(orun.http{url = url "/json", method = "HEAD"})
      assert.same({200, ""}, {head.status, head.body})
      local post = assert(orun.http{url = url "/echo", method = "POST"})
      assert.matches("\r\nContent-Length: 0\r\n", post.body, 1, true)
    end)

    it("gives every status as it is", function()
      for _, code in ipairs{404, 429, 500, 529} do
        local r = assert(orun.http{url = url("/status?code=" .. code)})
        assert.equal(code, r.status)
        assert.matches("as you asked", r.body, 1, true)
      end
    end)

    it("G1 hands Retry-After over as it came", function()
      for _, value in ipairs{"0", "-5", "abc", "99999999", "Wed, 21 Oct 2015 07:28:00 GMT"} do
        local r = assert(orun.http{url = url("/status?code=429&retry=" .. value:gsub(" ", "%%20"))})
        assert.equal(value, r.headers["retry-after"])
      end
      assert.is_nil(orun.http{url = url "/status?code=429"}.headers["retry-after"])
      local r = assert(orun.http{url = url "/status?code=429&retry=1&retry2=60"})
      assert.equal("1, 60", r.headers["retry-after"])
    end)

    it("joins headers of one name, and trims them", function()
      local r = assert(orun.http{url = url "/headers?n=3"})
      assert.equal("one, two", r.headers["x-twice"])
      assert.equal("", r.headers["x-empty"])
      assert.equal("2", r.headers["x-h-2"])
    end)

    it("leaves out what is said before the answer, and after it", function()
      local r = assert(orun.http{url = url "/words"})
      assert.same({200, "ok", "yes"}, {r.status, r.body, r.headers["x-late"]})
      assert.is_nil(r.headers["x-early"])
      assert.is_nil(r.headers["x-after"])
    end)

    it("G2 hands HTML, an empty body and broken JSON over as they are", function()
      assert.equal("text/html", orun.http{url = url "/html"}.headers["content-type"])
      assert.equal('{"ok": tr', orun.http{url = url "/badjson"}.body)
      assert.equal("", orun.http{url = url "/length?says=0&has=0"}.body)
    end)

    it("uses connections again", function()
      local other = http_server.start()
      for _ = 1, 20 do assert(orun.http{url = other.url .. "/json"}) end
      local stats = other:stats()
      other:stop()
      assert.same({1, 21}, {stats.connections, stats.requests})
    end)
  end)

  describe("what the world does", function()
    it("is nil, a message and a kind where nobody listens", function()
      local message, kind = fails{url = "http://127.0.0.1:1/path?key=abc"}
      assert.equal("GET http://127.0.0.1:1/path: cannot connect (Connection refused)", message)
      assert.equal("http", kind)
    end)

    it("G2 fails when the answer is shorter than it said", function()
      local message, kind = fails{url = url "/length?says=200&has=150"}
      assert.matches("the answer was cut short (150 of its 200 bytes came)", message, 1, true)
      assert.equal("http", kind)
      assert.matches("the answer was cut short\n", fails{url = url "/cut"}:gsub(" %(.*", "\n"))
    end)

    it("G2 takes what was said of an answer that is longer, and drops the connection", function()
      local r = assert(orun.http{url = url "/length?says=10&has=100&open=1"})
      assert.equal(("x"):rep(10), r.body)
      assert.equal(200, orun.http{url = url "/json"}.status)
    end)

    it("G2 stops at max_body, whatever was announced", function()
      local message, kind = fails{url = url "/huge", max_body = "1MiB"}
      assert.matches("more than the 1048576 bytes that `max_body` allows", message, 1, true)
      assert.equal("http", kind)
      assert.matches("`max_body` allows", fails{url = url "/huge", max_body = 1}, 1, true)
      assert.equal(5, #orun.http{url = url "/huge?n=5", max_body = 5}.body)
      assert.matches("the 33554432 bytes", fails{url = url "/huge"}, 1, true)
    end)

    it("G2 stops at 64 KiB of headers", function()
      local message = fails{url = url "/headers?n=100000"}
      assert.matches("more than 65536 bytes of headers", message, 1, true)
    end)

    it("G3 times out when nothing comes", function()
      local message, kind = fails{url = url "/never", idle_timeout = 0.1}
      assert.matches("(idle_timeout)", message, 1, true)
      assert.equal("timeout", kind)
    end)

    it("G3 times out in all when a byte comes now and then for ever", function()
      local message, kind = fails{url = url "/drip?ms=5", idle_timeout = 30 * h.slow, timeout = 0.3}
      assert.matches(" (timeout)", message, 1, true)
      assert.equal("timeout", kind)
    end)

    it("G4 follows no redirect", function()
      for _, to in ipairs{"file:///etc/passwd", "http://127.0.0.1:1/", url "/json"} do
        local r = assert(orun.http{url = url("/redirect?to=" .. to)})
        assert.same({302, to, ""}, {r.status, r.headers.location, r.body})
      end
    end)

    it("G6 fails for a name that is none", function()
      local message, kind = fails{url = "http://no-such-host.invalid/"}
      assert.matches("the host's name cannot be resolved", message, 1, true)
      assert.equal("http", kind)
    end)

    it("fails when the server closes at once, or is no HTTP server", function()
      assert.matches("closed before an answer came", fails{url = url "/close"}, 1, true)
      assert.matches("the connection broke", fails{url = url "/reset"}, 1, true)
      assert.matches("the answer is not HTTP", fails{url = url "/garbage"}, 1, true)
    end)

    it("G10 says that the outcome of a POST is not known", function()
      local unknown = "whether it was carried out is not known"
      assert.matches(unknown, fails{url = url "/close", body = "x"}, 1, true)
      h.in_time(function(seconds) -- for the request to be sent before its time is up
        return fails{url = url "/never", body = "x", timeout = seconds}:find(unknown, 1, true)
      end)
      assert.is_nil(fails{url = url "/close"}:find(unknown, 1, true))
      assert.is_nil(fails{url = "http://127.0.0.1:1/", body = "x"}:find(unknown, 1, true))
    end)

    it("G10 sends again over a new connection only what may be repeated", function()
      local other = http_server.start()
      local function twice(options)
        options.url = other.url .. "/once"
        assert(orun.http{url = options.url})
        return orun.http(options)
      end
      local r, message = twice{body = "x"}
      assert.is_nil(r)
      assert.matches("closed before an answer came; whether it was carried out", message, 1, true)
      assert.equal(200, twice{}.status)
      assert.equal(200, twice{body = "x", repeatable = true}.status)
      other:stop()
    end)
  end)

  describe("a mistake in the call", function()
    it("names the field and the fix", function()
      assert.matches("http: url is missing", refusal{}, 1, true)
      assert.matches("unknown field \"ulr\", did you mean 'url'?", refusal{ulr = "x"}, 1, true)
      assert.matches("url = \"ftp://x/\": it must begin with http:// or https://",
        refusal{url = "ftp://x/"}, 1, true)
      assert.matches("must begin with", refusal{url = "file:///etc/passwd"}, 1, true)
      assert.matches("it names no host", refusal{url = "http:///x"}, 1, true)
      assert.matches("byte 11 of 13 may not be in one; write it as %20",
        refusal{url = "http://a/b c?"}, 1, true)
      assert.matches("method = \"TRACE\"", refusal{url = url "/", method = "TRACE"}, 1, true)
      assert.matches("stream = 1: expected true or false", refusal{url = url "/", stream = 1},
        1, true)
      assert.matches("timeout = 0", refusal{url = url "/", timeout = 0}, 1, true)
      assert.matches("max_body = -1", refusal{url = url "/", max_body = -1}, 1, true)
      assert.matches("body = a table", refusal{url = url "/", body = {}}, 1, true)
    end)

    it("G7 refuses what could begin a line of its own, and does not show it", function()
      local key = "sk-ant-0123456789"
      for _, bad in ipairs{"\n", "\r", "\0", "\127", "é", "\r\nX-Evil: 1"} do
        local message = refusal{url = url "/echo", headers = {["x-api-key"] = key .. bad}}
        assert.matches("headers[\"x-api-key\"]: byte 18 of ", message, 1, true)
        assert.is_nil(message:find(key, 1, true))
      end
      for _, name in ipairs{"", "a b", "a:b", "a\nb", "é", "a\0"} do
        assert.matches("headers: the name = ", refusal{url = url "/", headers = {[name] = "x"}}, 1,
          true)
      end
      assert.matches("headers: the name = 1", refusal{url = url "/", headers = {"x"}}, 1, true)
      assert.matches("is a number", refusal{url = url "/", headers = {a = 1}}, 1, true)
      for _, name in ipairs{"Content-Length", "transfer-encoding", "Expect"} do
        assert.matches("orun sets it itself", refusal{url = url "/", headers = {[name] = "1"}}, 1,
          true)
      end
      assert.matches("may not be in one", refusal{url = url "/a\r\nX-Evil: 1"}, 1, true)
    end)

    it("G7 refuses a password in the URL, and does not show it", function()
      local message = refusal{url = "http://user:hunter2@127.0.0.1/"}
      assert.matches("name or password before '@'", message, 1, true)
      assert.is_nil(message:find("hunter2", 1, true))
      assert.equal(200, orun.http{url = url "/json?mail=a@b"}.status)
    end)
  end)

  describe("a stream", function()
    local function sse(text)
      h.write(server.folder .. "/s.sse", text)
      return url "/sse?file=s.sse"
    end

    it("gives the head first, then pieces, then nil", function()
      local r = assert(orun.http{url = url "/drip?n=5&ms=1", stream = true})
      assert.same({200, "text/plain", url "/drip?n=5&ms=1"},
        {r.status, r.headers["content-type"], r.url})
      local pieces = {}
      for piece in r.read, r do
        assert.is_true(#piece > 0)
        pieces[#pieces + 1] = piece
      end
      assert.equal("xxxxx", table.concat(pieces))
      assert.same({n = 1}, table.pack(r:read()))
    end)

    it("gives what came before the end is there", function()
      local r <close> = assert(orun.http{url = url "/drip", stream = true})
      for _ = 1, 3 do assert.matches("^x+$", r:read()) end
    end)

    it("has lines, whatever pieces they came in", function()
      for _, piece in ipairs{1, 3, 1000} do
        local r = assert(orun.http{stream = true,
          url = sse("event: a\ndata: {}\n\nlast") .. "&piece=" .. piece})
        local lines = {}
        for line in r:lines() do lines[#lines + 1] = line end
        assert.same({"event: a", "data: {}", "", "last"}, lines)
      end
    end)

    it("G3 gives what came, and then says that it was cut", function()
      local r = assert(orun.http{url = url "/cut", stream = true})
      local text = ""
      local piece, message, kind
      repeat
        piece, message, kind = r:read()
        text = text .. (piece or "")
      until not piece
      assert.equal("one\ntwothr", text)
      assert.matches("the answer was cut short", message, 1, true)
      assert.equal("http", kind)
      local ok, why = pcall(function()
        for _ in orun.http{url = url "/cut", stream = true}:lines() do end
      end)
      assert.is_false(ok)
      assert.matches("http_spec.lua:%d+: GET .*the answer was cut short", why)
    end)

    it("G3 times out when nothing comes any more", function()
      local r = h.in_time(function(seconds)
        return (orun.http{url = url "/drip?ms=600000", stream = true, idle_timeout = seconds})
      end)
      assert.equal("x", r:read())
      local _, message, kind = r:read()
      assert.matches("(idle_timeout)", message, 1, true)
      assert.equal("timeout", kind)
    end)

    it("is a failure when there is no head", function()
      local message, kind = fails{url = url "/never", stream = true, timeout = 0.1}
      assert.matches(" (timeout)", message, 1, true)
      assert.equal("timeout", kind)
    end)

    it("stops at max_body", function()
      local r = assert(orun.http{url = url "/huge", stream = true, max_body = 100000})
      local n = 0
      local piece, message = r:read()
      while piece do
        n = n + #piece
        piece, message = r:read()
      end
      assert.is_true(n <= 100000)
      assert.matches("`max_body` allows", message, 1, true)
    end)

    it("has the server wait for a reader that is slow", function()
      local other = http_server.start()
      local whole = 64 << 20
      -- The idle_timeout is of the server's silence alone: it is short beside the reader's.
      h.in_time(function(seconds)
        local before = other:stats().sent
        local r = orun.http{url = other.url .. "/huge?n=" .. whole, stream = true,
          max_body = whole, idle_timeout = seconds}
        if not r then return nil end
        local last, since
        h.wait_for(function() -- until the server can send no more
          local sent = other:stats().sent - before
          if sent // 10000 ~= last then last, since = sent // 10000, orun.now() end
          return orun.now() - since > 1.1 * seconds
        end)
        local held, n = last * 10000, 0
        for piece in r.read, r do
          assert.is_true(#piece <= (256 + 64) << 10)
          n = n + #piece
        end
        if n < whole then return nil end
        assert.is_true(held < 32 << 20, held .. " bytes were sent")
        return true
      end)
      other:stop()
    end)

    it("is given up when it is closed, or its variable ends", function()
      local other = http_server.start()
      local r = assert(orun.http{url = other.url .. "/drip", stream = true})
      r:close()
      r:close()
      assert.matches("read: the response is closed", select(2, pcall(r.read, r)), 1, true)
      do
        local again <close> = assert(orun.http{url = other.url .. "/drip", stream = true})
        assert.equal(200, again.status)
      end
      orun.http{url = other.url .. "/drip", stream = true}
      collectgarbage()
      assert.is_truthy(h.wait_for(function() return other:stats().broken == 3 end))
      other:stop()
    end)
  end)

  describe("in a task", function()
    it("gives the worker back while it waits", function()
      local began = {}
      for i = 1, 20 do
        began[i] = Task{run_in_background = true, input = url "/delay?ms=300",
          run = function(address) return orun.http{url = address}.status end}
      end
      -- Each of the workers would have several to wait for, one by one.
      for _, task in ipairs(began) do assert.equal(200, TaskOutput(task).output) end
    end)

    it("waits where Lua cannot yield", function()
      local r = Task{input = url "/delay?ms=10", run = function(address)
        local words = {"b", "a"}
        table.sort(words, function(a, b)
          assert(orun.http{url = address}.status == 200)
          local s <close> = orun.http{url = address, stream = true}
          assert(s:read() == '{"ok": true}')
          return a < b
        end)
        return table.concat(words)
      end}
      assert.equal("ab", r.output, r.error)
    end)

    it("is given up with the task", function()
      local other = http_server.start()
      local function stopped(run)
        local r = Task{run = run, input = other.url, timeout = 0.3}
        assert.equal("timeout", r.error_kind, r.error)
      end
      stopped(function(base) orun.http{url = base .. "/never"} end)
      stopped(function(base)
        local r = orun.http{url = base .. "/drip", stream = true}
        while r:read() do end
      end)
      stopped(function(base)
        table.sort({1, 2}, function() return orun.http{url = base .. "/never"} == nil end)
      end)
      stopped(function(base) -- whose error it catches
        pcall(orun.http, {url = base .. "/never"})
        while true do end
      end)
      Task{input = other.url, run = function(base)
        orun.http{url = base .. "/drip", stream = true}
      end}
      assert.is_truthy(h.wait_for(function() return other:stats().broken == 5 end))
      other:stop()
    end)

    it("works in a process of its own, streams included", function()
      local r = Task{isolation = "process", input = server.url, run = function(base)
        local whole = orun.http{url = base .. "/json"}
        local _, message, kind = orun.http{url = "http://127.0.0.1:1/"}
        local stream <close> = orun.http{url = base .. "/length?says=5&has=5", stream = true}
        local text = {}
        for line in stream:lines() do text[#text + 1] = line end
        local cut = orun.http{url = base .. "/cut", stream = true}
        local ok = pcall(function() for _ in cut:lines() do end end)
        cut:close()
        return {whole.body, message, kind, stream.status, stream.headers["content-length"],
                text, ok, (select(2, pcall(cut.read, cut)))}
      end}
      assert.equal("completed", r.status, r.error)
      assert.same({'{"ok": true}', "GET http://127.0.0.1:1/: cannot connect (Connection refused)",
        "http", 200, "5", {"xxxxx"}, false}, table.move(r.output, 1, 7, 1, {}))
      assert.matches("read: the response is closed", r.output[8], 1, true)
    end)
  end)

  describe("the environment", function()
    it("G8 names a proxy, which is used and whose password is not shown", function()
      local proxy = server.url:gsub("//", "//user:hunter2pass@")
      local r = script([[
        print(orun.http{url = "http://example.invalid/x"}.body)
        print(orun.http{url = url .. "/json"}.body)]],
        {env = {http_proxy = proxy, no_proxy = "127.0.0.1", NO_PROXY = false}})
      assert.matches("GET http://example.invalid/x HTTP/1.1\r\n", r.out, 1, true)
      assert.matches("Proxy-Authorization: Basic ", r.out, 1, true)
      assert.matches('{"ok": true}', r.out, 1, true)
      r = script([[print(select(2, orun.http{url = "http://example.invalid/"}))]],
        {env = {http_proxy = "http://user:hunter2pass@127.0.0.1:1"}})
      assert.matches("cannot connect", r.out, 1, true)
      assert.is_nil(r.out:find("hunter2pass", 1, true))
    end)

    it("shows no secret in a message", function()
      local r = script([[
        print(select(2, orun.http{url = "http://127.0.0.1:1/" .. os.getenv("MY_API_KEY")}))]],
        {env = {MY_API_KEY = "sk-0123456789abcdef"}})
      assert.matches("http://127.0.0.1:1/[MY_API_KEY]: cannot connect", r.out, 1, true)
    end)
  end)

  describe("TLS", function()
    -- Certificates for localhost, which sign themselves with one key, each until its date.
    -- `openssl ca` is the one command that every version takes past dates from.
    local function make_certificates(dir, until_when)
      h.write(dir .. "/ca.cnf", [[
[ca]
default_ca = own
[own]
database = index
rand_serial = yes
new_certs_dir = .
default_md = sha256
policy = any
unique_subject = no
x509_extensions = names
[any]
commonName = supplied
[names]
subjectAltName = DNS:localhost
basicConstraints = CA:true
[req]
distinguished_name = none
[none]
]])
      local lines = {"cd " .. h.quote(dir), ": >index",
        "openssl ecparam -name prime256v1 -genkey -noout -out key",
        "openssl req -config ca.cnf -new -key key -subj /CN=localhost -out request"}
      for name, date in pairs(until_when) do
        lines[#lines + 1] = ("openssl ca -config ca.cnf -batch -notext -selfsign -keyfile key "
          .. "-in request -startdate 20000101000000Z -enddate %s -out %s"):format(date, name)
      end
      local made = h.sh(table.concat(lines, " && "))
      assert.equal(0, made.code, made.err)
    end

    -- openssl's server with this certificate; gives its address and what ends it.
    local function secure(dir, certificate)
      local out = dir .. "/" .. certificate .. ".out"
      local pipe = assert(io.popen(("echo $$ >%s.pid; exec openssl s_server -accept "
        .. "127.0.0.1:0 -www -cert %s/%s -key %s/key >%s 2>&1"):format(out, dir, certificate,
        dir, out), "w"))
      local port = h.wait_for(function()
        return (h.read(out) or ""):match("ACCEPT [^\n]*:(%d+)\n")
      end)
      local pid = (h.read(out .. ".pid")):match("%d+")
      return "https://localhost:" .. assert(port, h.read(out)), function()
        os.execute("kill " .. pid)
        pipe:close()
      end
    end

    local function get(address, certificates)
      return h.script([[
        local r, message, kind = orun.http{url = ...}
        print(r and r.status, message, kind)]],
        {address .. "/", env = {SSL_CERT_FILE = certificates or false, no_proxy = "*"}}).out
    end

    it("G5 trusts no certificate that is self-signed, expired or of another host", function()
      local dir = h.tmpdir()
      make_certificates(dir, {own = "99991231235959Z", old = "20010101000000Z"})
      local own, stop_own = secure(dir, "own")
      local old, stop_old = secure(dir, "old")
      -- One thing differs from what is trusted: how curl and OpenSSL call it is theirs.
      local trusted = get(own, dir .. "/own")
      local unknown, expired = get(own), get(old, dir .. "/old")
      local other = get(own:gsub("localhost", "127.0.0.1"), dir .. "/own")
      stop_own()
      stop_old()
      assert.equal("200\tnil\tnil\n", trusted)
      for _, refused in ipairs{unknown, expired, other} do
        assert.matches("^nil\tGET .*: the server's certificate cannot be trusted %(.+%)\thttp\n$",
          refused)
      end
    end)

    it("G5 times out when there is nobody to shake hands with", function()
      local message, kind = fails{url = url "/":gsub("http:", "https:"), connect_timeout = 0.2}
      assert.matches("no connection within [^\n]+ %(connect_timeout%)", message)
      assert.equal("timeout", kind)
    end)
  end)

  it("G6 waits for a name server no longer than connect_timeout, and holds nobody up", function()
    if h.variant ~= "" then return end -- whose runtimes must be loaded first
    local dir = h.tmpdir()
    h.write(dir .. "/slow.c", "#include <unistd.h>\n"
      .. "int getaddrinfo(const char *a, const char *b, void *c, void *d)\n"
      .. "{ for (;;) pause(); }\n")
    local built = h.sh("cd " .. h.quote(dir) .. " && cc -shared -fPIC -o slow.so slow.c")
    assert.equal(0, built.code, built.err)
    local r = script([[
      local hangs = Task{run_in_background = true, run = function()
        return table.pack(orun.http{url = "http://name.invalid/", connect_timeout = 0.5})
      end}
      Task{run_in_background = true, run = function()
        orun.http{url = "http://name.invalid/"}
      end, timeout = 0.2}
      print(orun.http{url = url .. "/json"}.status)
      print(TaskOutput(hangs).output[2])
      os.exit(0)]], {env = {LD_PRELOAD = dir .. "/slow.so"}})
    assert.equal("200\nGET http://name.invalid/: no connection within 500 ms "
      .. "(connect_timeout)\n", r.out, r.err)
    assert.equal(0, r.code)
  end)

  it("is given up at once when its script is interrupted, and ends with it", function()
    local dir, other = h.tmpdir(), http_server.start()
    h.write(dir .. "/s.lua", [[
      io.write("on\n") io.flush()
      pcall(orun.http, {url = ... .. "/never"})
      while true do end]])
    local p = h.start{"s.lua", other.url, cwd = dir}
    assert.is_truthy(h.wait_for(function() return other:stats().open == 2 end))
    p:kill("INT")
    assert.is_truthy(h.wait_for(function() return other:stats().broken == 1 end))
    p:kill("INT")
    assert.equal(130, p:wait().code)
    other:stop()
  end)

  it("ends a script that leaves requests behind", function()
    local r = script([[
      local open = orun.http{url = url .. "/drip", stream = true}
      Task{run_in_background = true, detach = true, input = url,
           run = function(base) orun.http{url = base .. "/never"} end}
      print(open.status)
      os.exit(0)]])
    assert.same({0, "200\n"}, {r.code, r.out})
  end)
end)
