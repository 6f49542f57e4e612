--- On the page of a run the names of phases that began at one time stood over each other,
--- descriptions had one letter on a small screen, no section said what had failed, and runs of
--- programs had empty columns of tokens.

local browsers = require "spec.support.browser"
local h = require "spec.support.helper"
local json = require "orun.json"

-- The page of a run of five phases that begin at once and three tasks, one of which failed.
local function page()
  local dir, lines = h.tmpdir(), {}
  local function add(e) lines[#lines + 1] = json.encode(e) end
  add{event = "run", version = 1, orun = "0.1.0", processors = 2, begun = "2026-01-31T12:00:00Z"}
  for i = 1, 5 do add{event = "phase", at = 0, name = "the phase number " .. i} end
  for i = 1, 3 do
    local id = "t" .. i
    add{event = "added", at = 0, task = id, kind = "program", agent = "sh", file = "s.lua",
        line = i, description = "a program with a long name " .. i, limits = {process = 4}}
    add{event = "started", at = 0, task = id, attempt = 1}
  end
  add{event = "ended", at = 1, task = "t1", status = "completed", output = "x", bytes = 1}
  add{event = "ended", at = 1, task = "t2", status = "failed", error_kind = "exit",
      error = "exit code 3: no such table\nstack traceback:\n\tx"}
  add{event = "ended", at = 2, task = "t3", status = "completed", output = "x", bytes = 1}
  for i = 6, 7 do add{event = "phase", at = 2, name = "the phase number " .. i} end
  add{event = "run_ended", at = 2}
  h.write(dir .. "/e.jsonl", table.concat(lines, "\n") .. "\n")
  local r = h.orun{"report", dir .. "/e.jsonl", "--html", dir .. "/page.html"}
  assert.equal(0, r.code, r.err)
  return dir .. "/page.html"
end

for _, width in ipairs{400, 1200} do
  describe(("a page %d pixels wide"):format(width), function()
    local browser
    setup(function()
      browser = browsers.open{width = width, height = 900}
      browser:visit(page())
      browser:drawn()
    end)
    teardown(function() browser:close() end)

    it("has no name of a phase over another, nor beyond the edge", function()
      local at = browser:run([[
        const pen = document.getElementById("chart").getContext("2d");
        return orunReport.view.phases.map((p) => [p.row, p.from, p.from +
          pen.measureText(p.name + (p.more ? " +" + p.more : "")).width, p.more])]])
      local named, inner = 0, browser:run("return window.innerWidth") -- no less than 500, maybe
      for i, a in ipairs(at) do
        named = named + 1 + a[4]
        assert.is_true(a[2] >= 0 and a[3] <= inner, a[3])
        for k = 1, i - 1 do
          local b = at[k]
          assert.is_true(a[1] ~= b[1] or a[2] >= b[3] or b[2] >= a[3], ("%d over %d"):format(i, k))
        end
      end
      assert.equal(7, named)
    end)

    it("says first what failed and why", function()
      local said = browser:run("return document.getElementById('failures').innerText")
      assert.matches("What failed, and why", said)
      assert.matches("a program with a long name 2", said)
      assert.matches("exit code 3: no such table", said)
      assert.falsy(said:find("traceback", 1, true))
      assert.is_true(browser:run([[
        return document.getElementById("failures").getBoundingClientRect().top <
          document.getElementById("chart").getBoundingClientRect().top]]))
    end)

    it("has columns that have something in them, and a description that can be read", function()
      local heads = browser:run([=[
        return [...document.querySelectorAll("th")].map((e) => e.innerText.trim())]=])
      for _, head in ipairs(heads) do
        assert.falsy(head:find("token") or head:find("cost"), head)
      end
      local wide, fits = table.unpack(browser:run([=[
        return [document.querySelector("#body tr[data-i] td:nth-child(2)").clientWidth,
          document.documentElement.scrollWidth <= window.innerWidth]]=]))
      assert.is_true(wide >= 120, wide)
      assert.is_true(fits)
    end)
  end)
end
