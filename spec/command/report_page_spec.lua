--- The page of a run in a real browser: what is drawn, mouse, keyboard, search, dark mode,
--- hostile texts, and ten thousand tasks.

local h = require "spec.support.helper"
local browsers = require "spec.support.browser"
local json = require "orun.json"

local HOSTILE <const> = "</script><img src=x onerror='window.owned=1'><!--<script>"

-- The events of a run, as --events writes them.
local function record(path, rows)
  local lines = {'{"event":"run","version":1,"orun":"0.1.0","processors":4,'
    .. '"begun":"2026-01-31T12:00:00Z"}'}
  for i, row in ipairs(rows) do lines[i + 1] = json.encode(row) end
  h.write(path, table.concat(lines, "\n") .. "\n")
end

-- The page of a run of these events; its path.
local function page_of(rows)
  local dir = h.tmpdir()
  record(dir .. "/events.jsonl", rows)
  local r = h.orun{"report", dir .. "/events.jsonl", "--html", dir .. "/page.html"}
  assert.same({0, "", ""}, {r.code, r.out, r.err})
  return dir .. "/page.html"
end

-- A task that was added at `at` and ran from `from` to `to`, as events.
local function task(rows, n, o)
  local id = "t" .. n
  rows[#rows + 1] = {at = o.at or 0, event = "added", task = id, kind = o.kind or "program",
    agent = o.agent or "worker", description = o.name, file = "plan.lua", line = n,
    blockedBy = o.blockedBy and json.array(o.blockedBy), limits = {process = 4}}
  rows[#rows + 1] = {at = o.from, event = "started", task = id, attempt = 1}
  rows[#rows + 1] = {at = o.to, event = "ended", task = id, status = o.status or "completed",
    error_kind = o.error and "exit", error = o.error, duration = o.to - o.from, bytes = 100,
    output = o.output or "output of " .. id}
end

local function in_order(rows)
  for i, row in ipairs(rows) do row.nth = i end
  table.sort(rows, function(a, b)
    if a.at ~= b.at then return a.at < b.at end
    return a.nth < b.nth
  end)
  return rows
end

local function small()
  local rows = {{at = 0, event = "script", name = HOSTILE .. ".lua"},
                {at = 0, event = "phase", name = "research"},
                {at = 0, event = "script_ended"}}
  task(rows, 1, {name = "fetch", from = 0, to = 2})
  task(rows, 2, {name = "parse", from = 2, to = 3, blockedBy = {"t1"}})
  task(rows, 3, {name = "lint", from = 0, to = 1, status = "failed", error = "exit code 1"})
  task(rows, 4, {name = HOSTILE, agent = HOSTILE, from = 3, to = 4, blockedBy = {"t2"},
                 output = HOSTILE})
  rows[#rows + 1] = {at = 4, event = "run_ended"}
  return page_of(in_order(rows))
end

describe("the page of a run", function()
  local browser
  setup(function() browser = browsers.open{width = 1280, height = 1000} end)
  teardown(function() browser:close() end)

  -- Where on the screen the middle of a task's first bar is.
  local function place_of(i)
    local at = browser:run(([[
      const r = orunReport, c = document.getElementById("chart"), b = r.barsOf[%d][0];
      c.scrollIntoView({block: "center"});
      const box = c.getBoundingClientRect();
      const x = r.X((b.from + b.to) / 2), y = r.Y(b.lane) + r.LANE / 2;
      return [box.left + x, box.top + y];]]):format(i))
    return at[1], at[2]
  end

  -- The colour of the canvas there, as {red, green, blue, alpha}.
  local function pixel(x, y)
    return browser:run(([[
      const c = document.getElementById("chart"), box = c.getBoundingClientRect();
      const k = devicePixelRatio, x = (%d - box.left) * k, y = (%d - box.top) * k;
      return [...c.getContext("2d").getImageData(x, y, 1, 1).data];]]):format(x // 1, y // 1))
  end

  local function text(id)
    return browser:run(("return document.getElementById('%s').innerText"):format(id))
  end

  local function chosen()
    return browser:run("const t = orunReport.tasks[orunReport.state.chosen]; return t && t.id")
  end

  local function focus(id)
    browser:run(("document.getElementById('%s').focus()"):format(id))
  end

  local function is_null(value) return value == nil or value == json.null end

  describe("of four tasks", function()
    setup(function()
      browser:visit(small())
      browser:drawn()
    end)

    it("draws each task as a bar, by slot", function()
      assert.same({4, 2, 2}, browser:run(
        "const v = orunReport.view; return [v.drawn, orunReport.lanes.length, v.edges]"))
      local ok, bad = {pixel(place_of(0))}, {pixel(place_of(2))}
      assert.same({0x3f, 0x8f, 0x63, 255}, {table.unpack(ok[1])})
      assert.same({0xd6, 0x33, 0x6c, 255}, {table.unpack(bad[1])})
    end)

    it("names the figures, the parts and the critical path", function()
      assert.matches("4 s\nwall time", text("tiles"), 1, true)
      assert.matches("1.3 ×\nspeed-up", text("tiles"), 1, true)
      assert.matches("tasks at work 4 s, 100 %", text("legend"), 1, true)
      assert.matches("^fetch 2 s\nparse 1 s\n</script>", text("path"))
    end)

    it("says what to do better, and leads to the tasks that is about", function()
      local said = text("findings")
      assert.matches("^What to do better\n", said)
      assert.matches("plan.lua:3\n", said, 1, true)
      browser:run([[[...document.querySelectorAll("#findings .link")]
        .find((b) => b.textContent === "t3").click()]])
      assert.equal("t3", chosen())
      assert.matches("^lint\n", text("detail"))
    end)

    it("runs nothing that texts of the run say", function()
      assert.is_true(is_null(browser:run("return window.owned")))
      assert.equal(0, browser:run("return document.images.length"))
      assert.equal(HOSTILE .. ".lua", text("title"))
      assert.same({}, browser:complaints())
    end)

    it("loads nothing and lets nothing be loaded", function()
      assert.equal(0, browser:run("return performance.getEntriesByType('resource').length"))
      assert.matches("default-src 'none'", browser:run(
        "return document.querySelector('meta[http-equiv]').content"), 1, true)
    end)

    it("tells of the task under the mouse", function()
      browser:move(place_of(2))
      assert.matches("^lint\nt3 – worker – failed %(exit%)\n1 s, from 0 s", text("tip"))
      assert.matches("exit code 1", text("tip"), 1, true)
      browser:move(5, 5)
      assert.is_true(browser:run("return document.getElementById('tip').hidden"))
    end)

    it("shows what is clicked on, with its output, as text", function()
      browser:click(place_of(3))
      assert.equal("t4", chosen())
      assert.matches(HOSTILE, text("detail"), 1, true)
      assert.equal(HOSTILE, text("output"))
      assert.is_true(is_null(browser:run("return window.owned")))
    end)

    it("goes from task to task by the keyboard", function()
      focus("chart")
      browser:press("Escape")
      assert.is_true(is_null(chosen()))
      browser:press("Right")
      assert.equal("t1", chosen())
      browser:press("Right")
      assert.equal("t2", chosen())
      browser:press("d")
      assert.equal("t4", chosen())
      browser:press("b", "b")
      assert.equal("t1", chosen())
      browser:press("Down")
      assert.equal("t3", chosen())
      browser:press("Up")
      assert.equal("t1", chosen())
    end)

    it("zooms and moves by keyboard, wheel and mouse", function()
      local function span()
        local view = browser:run("return [orunReport.view.from, orunReport.view.to]")
        return view[2] - view[1], view[1]
      end
      focus("chart")
      browser:press("0")
      local all = span()
      browser:press("+", "+")
      local part, from = span()
      assert.is_true(part < all / 2)
      browser:press("]")
      assert.is_true(select(2, span()) > from)
      local x, y = place_of(1)
      from = select(2, span())
      browser:drag(x, y, x + 100, y)
      assert.is_true(select(2, span()) < from)
      browser:press("0")
      assert.equal(all, (span()))
    end)

    it("searches, dims what does not match and goes through what does", function()
      focus("chart")
      browser:press("Escape", "/")
      browser:write("plan.lua par")
      browser:press("Enter")
      assert.equal("1 task matches", text("found"))
      assert.equal("t2", chosen())
      assert.equal("Tasks: 1 of 4", text("count"))
      assert.equal(1, browser:run("return document.querySelectorAll('#body tr[data-i]').length"))
      browser:press("/", "Escape")
      assert.equal("Tasks: 4", text("count"))
      assert.equal("", text("found"))
    end)

    it("sorts its table and filters it by status", function()
      local function first()
        return browser:run("return document.querySelector('#body tr[data-i]').dataset.i")
      end
      local function click_head(n)
        browser:run(("document.querySelectorAll('#heads button')[%d].click()"):format(n))
      end
      click_head(1)
      assert.equal("3", first())
      click_head(1)
      assert.equal("1", first())
      assert.equal("descending", browser:run(
        "return document.querySelectorAll('#heads th')[1].getAttribute('aria-sort')"))
      click_head(0)
      browser:run([[const s = document.getElementById("status");
        s.value = "failed"; s.dispatchEvent(new Event("change"))]])
      assert.same({"2", "Tasks: 1 of 4"}, {first(), text("count")})
      browser:run([[const s = document.getElementById("status");
        s.value = ""; s.dispatchEvent(new Event("change"))]])
    end)

    it("goes through its table by the keyboard", function()
      focus("chart")
      browser:press("Escape")
      focus("rows")
      browser:press("Down", "Down", "Down")
      assert.equal("t3", chosen())
      assert.equal("2", browser:run("return document.querySelector('tr.chosen').dataset.i"))
    end)

    it("is dark when the user prefers that", function()
      local function background()
        return browser:run("return getComputedStyle(document.body).backgroundColor")
      end
      focus("chart")
      browser:press("Escape")
      assert.equal("rgb(255, 255, 255)", background())
      browser:prefer("dark")
      assert.equal("rgb(20, 23, 27)", background())
      assert.same({0x4f, 0xae, 0x7b, 255}, pixel(place_of(0)))
      browser:prefer("light")
      assert.equal("rgb(255, 255, 255)", background())
      assert.same({0x3f, 0x8f, 0x63, 255}, pixel(place_of(0)))
    end)
  end)

  describe("of ten thousand tasks", function()
    local N <const> = 10000

    setup(function()
      local rows = {}
      for n = 1, N do
        local round = (n - 1) // 40
        task(rows, n, {name = "part " .. n, kind = n % 2 == 0 and "lua" or "program",
          from = round + 0.1, to = round + 0.2 + n % 40 / 50, at = round,
          blockedBy = n > 40 and {"t" .. n - 40} or nil, agent = "agent " .. n % 5})
      end
      browser:visit(page_of(in_order(rows)))
      browser:drawn()
    end)

    it("draws what can be told apart, and rows that are seen", function()
      local drawn, lanes = table.unpack(browser:run(
        "return [orunReport.view.drawn, orunReport.lanes.length]"))
      assert.equal(40, lanes)
      assert.is_true(drawn > 1000 and drawn <= N, drawn)
      assert.equal(0, browser:run("return orunReport.view.edges"))
      assert.is_true(browser:run("return document.querySelectorAll('#body tr').length") < 80)
      assert.equal(24, browser:run("return document.querySelector('tr[data-i]').offsetHeight"))
      browser:run("orunReport.view.to = orunReport.view.from + 2e6; orunReport.draw()")
      browser:drawn()
      local near = browser:run("return orunReport.view.drawn")
      assert.is_true(near > 0 and near <= 120, near)
      assert.is_true(browser:run("return orunReport.view.edges") > 0)
    end)

    it("finds one of them, and shows it", function()
      focus("chart")
      browser:press("0", "/")
      browser:write("part 9876")
      browser:press("Enter")
      assert.same({"t9876", "1 task matches"}, {chosen(), text("found")})
      browser:press("b")
      assert.equal("t9836", chosen())
    end)

    it("shows the end of its table when that is scrolled to", function()
      browser:press("/", "Escape")
      browser:run("const r = document.getElementById('rows'); r.scrollTop = r.scrollHeight")
      browser:drawn()
      assert.equal(tostring(N - 1), browser:run(
        "return [...document.querySelectorAll('#body tr[data-i]')].pop().dataset.i"))
    end)

    it("draws on through each frame of a long zoom", function()
      local frames = browser:later([[
        const r = orunReport, before = r.view.frames;
        let left = 30;
        const turn = () => {
          if (left-- === 0) return done(r.view.frames - before);
          r.view.to = r.view.from + (r.view.to - r.view.from) * 0.9;
          r.draw();
          requestAnimationFrame(turn);
        };
        turn();]])
      assert.is_true(frames >= 29, frames)
      assert.same({}, browser:complaints())
    end)
  end)
end)
