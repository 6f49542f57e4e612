--- orun debug:browser: pages with planted faults, a clean one, and what is no page.

local h = require "spec.support.helper"
local json = require "orun.json"
local orun = require "orun"
local shops = require "spec.support.shop"

local CHECKS <const> = {"visual", "console", "network", "accessibility"}
local SIZES <const> = "--sizes=375x812"

-- What each page has: check, issue, where; in the order of the report.
local PLANTED <const> = {
  visual = {
    {"visual", "it is wider than the window, and scrolls sideways", "p#wide"},
    {"visual", "its text is cut off", "p#cut"},
    {"visual", "its text is covered by div#lid", "p#under"},
    {"visual", "an image is not shown: data:image/png;base64,AAAA", "img#broken"},
    {"visual", "its text is 7 pixels high", "p#tiny"},
    {"visual", "an image is stretched: 100x100 drawn as 200x50", "img#stretched"},
  },
  console = {
    {"console", "console: cannot draw 3 orders", "URL/console.html:15"},
    {"console", "uncaught: ReferenceError: undefinedFunction is not defined",
      "URL/console.html:18"},
    {"console", "uncaught: Error: nobody catches this", "URL/console.html:17"},
    {"console", "console: the cart is old", "URL/console.html:14"},
  },
  network = {
    {"network", "status 404 Refused", "URL/missing.json"},
    {"network", "failed: net::ERR_CONNECTION_REFUSED", "http://127.0.0.1:2/refused"},
  },
  accessibility = {
    {"accessibility", "<html> has no lang", ""},
    {"accessibility", "the page has no title", ""},
    {"accessibility", "the page cannot be made larger (meta viewport)", ""},
    {"accessibility", "its contrast is 2.85, and 4.5 is the least", "p#pale"},
    {"accessibility", "its contrast is 1.92, and 3 is the least", "p#pale-large"},
    {"accessibility", "its contrast is 3.66, and 4.5 is the least", "p#veiled"},
    {"accessibility", "an image has no alt text", "img#silent"},
    {"accessibility", "a field has no label", "input#nameless"},
    {"accessibility", "a button has no name", "button#empty"},
    {"accessibility", "a link has no name", "a#bare"},
    {"accessibility", "h3 comes after h1", "h3#skipped"},
    {"accessibility", "a frame has no title", "iframe#frame"},
    {"accessibility", "its tabindex is above 0: the order of keys jumps", "p#first"},
  },
}

local function look(dir, ...)
  return h.orun{cwd = dir, "debug:browser", "--no-sandbox", ...}
end

-- The findings of a page, as PLANTED has them, and the whole result.
local function found(shop, page, ...)
  local r = look(shop.folder, "--json", "--slow=10m", "--timeout=2m", SIZES,
    shop.url .. "/" .. page .. ".html", ...)
  local result = json.decode(r.out)
  assert(result, r.out .. r.err)
  local list = {}
  for i, f in ipairs(result.findings) do
    list[i] = {f.check, f.issue, (f.where:gsub("^" .. shop.url:gsub("%p", "%%%0"), "URL"))}
  end
  return list, result, r.code
end

describe("orun debug:browser", function()
  if not orun.program "chromium" then
    pending("looks at pages (there is no chromium: .ci/deps test installs it)")
    return
  end

  local shop
  setup(function() shop = shops.open() end)
  teardown(function() shop:close() end)

  it("finds nothing in a clean page, and keeps pictures of it at each size", function()
    local r = look(shop.folder, "--slow=10m", "--timeout=2m", "--sizes=300x200,640x480",
      "--screenshots=kept/here", shop.url .. "/clean.html")
    assert.equal(0, r.code, r.out .. r.err)
    assert.equal(shop.url .. "/clean.html: none found\n"
      .. "pictures: kept/here/300x200.png kept/here/640x480.png\n", r.out)
    for name, size in pairs{["300x200"] = ">I4I4", ["640x480"] = ">I4I4"} do
      local png = assert(h.read(("%s/kept/here/%s.png"):format(shop.folder, name)))
      assert.equal("\x89PNG\r\n\x1A\n", png:sub(1, 8))
      assert.equal(name, ("%dx%d"):format(size:unpack(png, 17)))
    end
  end)

  for _, name in ipairs(CHECKS) do
    it("finds all that is wrong, and no more: " .. name, function()
      local list, result, code = found(shop, name)
      assert.same(PLANTED[name], list)
      assert.same({1, 1}, {code, result.exit_code})
      assert.same({"screenshots/375x812.png"}, result.screenshots)
    end)
  end

  it("prints a line for each finding, with the sizes that have it", function()
    local r = look(shop.folder, "--slow=10m", "--timeout=2m", "--sizes=375x812,1440x900",
      shop.url .. "/visual.html")
    assert.equal(1, r.code)
    assert.matches("\n?error    visual         it is wider than the window, and scrolls sideways"
      .. "  p#wide  at 375x812\n", r.out, 1)
    assert.matches("\nwarning  visual         its text is 7 pixels high  p#tiny\n", r.out)
    assert.matches("visual.html: 6 findings\n", r.out, 1, true)
  end)

  it("finds requests that are slow, and those without an answer", function()
    local r = look(shop.folder, "--json", "--slow=300ms", "--timeout=2m", SIZES,
      shop.url .. "/network.html")
    local said = json.decode(r.out)
    local slow = {}
    for _, f in ipairs(said.findings) do
      if f.issue:find "^took .+, more than 300 ms$" then slow[f.where] = f.severity end
    end
    assert.equal("warning", slow[shop.url .. "/slow.js"])
    local list = found(shop, "never", "--timeout=8s")
    assert.same({{"network", "no whole answer within 8 s", "URL/never"}}, list)
  end)

  it("bears a page that is against it", function()
    h.write(shop.folder .. "/pages/hostile.html", [[
<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Hostile</title><link rel="icon" href="data:,"></head><body><h1>Hostile</h1><div id="all">
</div><script>
console.error("\ud800 half", "\u0000\u001b[31m red", {a: 1}, null, [1], 10n);
Element.prototype.checkVisibility = () => { throw new Error("mine"); };
window.onbeforeunload = () => "stay";
alert("stop");
let all = "";
for (let i = 0; i < 300; i++) all += `<p style="color: #eee" id="p${i}\u001b]0;x">pale</p>`;
document.getElementById("all").innerHTML = all;
setInterval(() => console.warn("tick"), 1);
throw null;
</script></body></html>
]])
    local list, result = found(shop, "hostile")
    local issues = {}
    for _, f in ipairs(list) do issues[f[2]] = true end
    assert.is_true(issues["console: \u{FFFD} half \0\27[31m red Object null Array(1) 10n"],
      json.encode(list[1]))
    assert.is_true(issues["uncaught: null"] and issues["console: tick"])
    assert.same({"accessibility", "and 200 more"}, {list[#list][1], list[#list][2]})
    assert.equal(1, result.exit_code)
    local r = look(shop.folder, "--timeout=2m", SIZES, shop.url .. "/hostile.html")
    assert.equal(1, r.code)
    assert.is_nil(r.out:find("[%z\1-\9\11-\31]"))
  end)

  it("says why there is no page to look at", function()
    local runs = {}
    for url, why in pairs{
      ["http://127.0.0.1:2/"] = "nobody serves it (connection refused)",
      [shop.url .. "/never"] = "it has not loaded within 4 s: it does not answer, or never ends",
      [shop.url .. "/endless.html"] = "it has not loaded within 4 s",
      [shop.url .. "/nothing"] = "it answers with a failure, and with no page",
      ["file:///no/such/page.html"] = "there is no such file",
    } do
      runs[("orun debug:browser: %s: %s"):format(url, why)] = h.start{cwd = shop.folder,
        "debug:browser", "--no-sandbox", "--timeout=4s", url}
    end
    for why, run in pairs(runs) do
      local r = run:wait()
      assert.same({2, ""}, {r.code, r.out})
      assert.matches(why, r.err, 1, true)
    end
  end)

  it("leaves no browser behind when it is ended, and its home only if it had no time", function()
    local tmp = h.tmpdir()
    local env = {TMPDIR = tmp}
    local function homes() return h.sh("ls -A " .. tmp).out end
    local function runs()
      return h.sh("cat /proc/[0-9]*/cmdline | tr '\\0' ' '").out:find("--user-data-dir=" .. tmp
        .. "/", 1, true)
    end
    local function clean_after(signal, code)
      local p = h.start{cwd = shop.folder, env = env, "debug:browser", "--no-sandbox",
                        shop.url .. "/never"}
      assert(h.wait_for(function() return h.sh("ls " .. tmp .. "/orun-b*/profile").code == 0 end))
      p:kill(signal)
      assert.equal(code, p:wait().code)
      assert(h.wait_for(function() return not runs() end))
      return homes() == ""
    end
    local clean = false
    for _ = 1, 8 do clean = clean or clean_after("INT", 130) end -- there may be too little time
    assert.is_true(clean)
    clean_after("TERM", 143)
    clean_after("KILL", 137)
    h.orun{"debug:browser", "--no-sandbox", "http://127.0.0.1:2/", cwd = shop.folder, env = env}
    assert.equal("", (homes():gsub("orun%-%w%w%w%w%w%w\n", ""))) -- the next run removes them
  end)

  it("looks with a browser for each check, too", function()
    local list = found(shop, "accessibility", "-j4")
    assert.same(PLANTED.accessibility, list)
  end)

  it("is a function of a script, and asks an agent for causes", function()
    local dir = h.tmpdir()
    h.write(dir .. "/called.lua", [[
local json = require "orun.json"
orun.agent{name = "general-purpose", run = function(_, task)
  assert(task.prompt:find("console: cannot draw 3 orders", 1, true), task.prompt)
  return json.array{"the first cause", "the second"}
end}
local r = orun.workflow("debug:browser", {..., no_sandbox = true, backend = "claude",
  sizes = {{width = 375, height = 812}}, timeout = 120})
print(#r.findings, r.exit_code, r.findings[1].cause, r.findings[4].cause)
print(pcall(orun.workflow, "debug:browser", {"http://127.0.0.1:2/", no_sandbox = true}))
]])
    local r = h.orun{cwd = dir, "called.lua", shop.url .. "/console.html"}
    assert.equal("4\t1\tthe first cause\tnil\n"
      .. "false\torun debug:browser: http://127.0.0.1:2/: nobody serves it (connection refused)\n",
      r.out, r.err)
  end)
end)

describe("orun debug:browser, before it starts a browser,", function()
  it("says what it would do", function()
    local r = h.orun{"debug:browser", "--dry-run", "http://127.0.0.1:2/"}
    assert.same({0, "http://127.0.0.1:2/ would be looked at: visual, console, network, "
      .. "accessibility\n"}, {r.code, r.out})
  end)

  it("names the package when there is no browser", function()
    local bin = h.tmpdir()
    h.sh("for p in sh mkdir env timeout mktemp id; do ln -s $(command -v $p) .; done", {cwd = bin})
    local r = h.orun{"debug:browser", "http://127.0.0.1:2/", cwd = bin, env = {PATH = bin}}
    assert.equal(2, r.code)
    assert.matches("there is no browser: install the package chromium (apt-get install chromium)",
      r.err, 1, true)
    r = h.orun{"debug:browser", "--browser=no-such-browser", "http://127.0.0.1:2/", cwd = bin}
    assert.same(2, r.code)
    assert.matches("there is no program 'no-such-browser'", r.err, 1, true)
  end)

  it("says what a browser said that does not talk", function()
    local dir = h.tmpdir()
    h.write(dir .. "/broken", "#!/bin/sh\necho '[1:2:ERROR:x.cc] No usable sandbox!' >&2\n")
    h.sh("chmod +x broken", {cwd = dir})
    local r = h.orun{"debug:browser", "--browser=" .. dir .. "/broken", "http://127.0.0.1:2/",
                     cwd = dir}
    assert.equal(2, r.code)
    assert.matches("the browser has ended: No usable sandbox! (try --no-sandbox)", r.err, 1, true)
  end)

  it("refuses what is no URL, and sizes that are none", function()
    for words, why in pairs{
      ["127.0.0.1:8080"] = "'127.0.0.1:8080' is not a URL: expected one that begins with http://",
      ["ftp://x/"] = "'ftp://x/' is not a URL", [""] = "'' is not a URL",
      ["http://x/ --sizes=0x5"] = "--sizes 0x5: expected sizes",
      ["http://x/ --sizes=5x5,"] = "--sizes 5x5,: expected sizes",
      ["http://x/ --slow=soon"] = "--slow soon: expected a time",
      ["http://x/ http://y/"] = "one URL is expected",
    } do
      local all = {"debug:browser"}
      for word in (words .. " "):gmatch("(%S*) ") do all[#all + 1] = word end
      local r = h.orun(all)
      assert.same({2, ""}, {r.code, r.out})
      assert.matches(why, r.err, 1, true)
    end
  end)
end)
