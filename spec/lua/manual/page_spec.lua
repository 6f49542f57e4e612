--- The HTML manual in a real browser: its search, keys and links, narrow and wide windows, light
--- and dark.

local browsers = require "spec.support.browser"
local h = require "spec.support.helper"

-- What the page shows of itself: sections, lines of the list, and the count beside the search.
local SHOWN <const> = [[
  const seen = (e) => e.checkVisibility();
  const sections = [...document.querySelectorAll("main section")].filter(seen);
  const lines = [...document.querySelectorAll("nav li[data-of]")].filter(seen);
  return {sections: sections.length, lines: lines.length,
    same: sections.every((s, i) => lines[i] && lines[i].dataset.of === s.id),
    empty: [...document.querySelectorAll("nav details")].filter((part) => seen(part)
      && ![...part.querySelectorAll("li")].some(seen)).length,
    told: document.querySelector("nav output").textContent,
    first: sections.length ? sections[0].id : ""};
]]

-- Texts that do not stand out from what is behind them: less contrast than 4.5.
local PALE <const> = [[
  const parse = (c) => c.match(/[\d.]+/g).map(Number);
  const light = (c) => {
    const [r, g, b] = parse(c).slice(0, 3).map((v) => {
      v /= 255;
      return v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const behind = (e) => {
    for (; e; e = e.parentElement) {
      const c = getComputedStyle(e).backgroundColor;
      if (parse(c)[3] !== 0) return c;
    }
    return "rgb(255, 255, 255)";
  };
  const pale = [];
  for (const name of ["p", "h2", "summary", "pre code", "p code", "td", "main a", "nav a",
      "nav input", "nav output"]) {
    const e = document.querySelector(name);
    if (!e) { pale.push(name + " is not there"); continue; }
    const a = light(getComputedStyle(e).color), b = light(behind(e));
    const contrast = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (contrast < 4.5) pale.push(name + " " + contrast.toFixed(2));
  }
  return pale.join(", ");
]]

local BACKGROUND <const> = "return getComputedStyle(document.body).backgroundColor"

-- What is wider than the window: nothing, unless it scrolls by itself.
local WIDE <const> = [[
  const root = document.documentElement;
  if (root.scrollWidth > root.clientWidth) return root.scrollWidth + " of " + root.clientWidth;
  return "";
]]

describe("the HTML manual in a browser", function()
  local wide

  setup(function()
    local dir = h.tmpdir()
    assert.equal(0, h.orun{"help", "--write", dir}.code)
    wide = browsers.open{width = 1280, height = 900}
    wide:visit(dir .. "/orun.html")
  end)
  teardown(function() wide:close() end)

  it("loads without a complaint, and fetches nothing", function()
    assert.same({}, wide:complaints())
    assert.equal(0, wide:run("return performance.getEntriesByType('resource').length"))
  end)

  it("lists every section, in order", function()
    local shown = wide:run(SHOWN)
    assert.is_true(shown.sections > 100)
    assert.equal(shown.sections, shown.lines)
    assert.is_true(shown.same)
    assert.equal("", shown.told)
  end)

  -- Empties the search, goes to it by its key, and writes these words; what is shown then.
  local function search(words)
    wide:press("Escape")
    wide:run("document.activeElement.blur()")
    wide:press("/")
    wide:write(words)
    return wide:run(SHOWN)
  end

  it("shows the sections that have all the words, and counts them", function()
    local all = wide:run(SHOWN).sections
    local shown = search("orun_dispatch poll")
    assert.is_true(shown.sections > 0 and shown.sections < all and shown.same)
    assert.same({shown.sections, 0}, {shown.lines, shown.empty})
    assert.equal(shown.sections .. (shown.sections == 1 and " section" or " sections"), shown.told)
    shown = search("orun_dispatch no-such-word")
    assert.same({0, 0, "0 sections"}, {shown.sections, shown.lines, shown.told})
    wide:press("Escape")
    shown = wide:run(SHOWN)
    assert.same({all, ""}, {shown.sections, shown.told})
  end)

  it("takes upper and lower case as the same, and a slash in the search as a letter", function()
    local lower = search("taskoutput").sections
    assert.is_true(lower > 0)
    assert.equal(lower, search("TASKOUTPUT").sections)
    search("a/b")
    assert.equal("a/b", wide:run("return document.querySelector('nav input').value"))
  end)

  it("shows a section again that a link leads to", function()
    wide:press("Escape")
    local all = wide:run(SHOWN)
    assert.is_true(search("no-such-word").sections == 0)
    wide:later(([[
      addEventListener("hashchange", () => requestAnimationFrame(() => done(true)), {once: true});
      location.hash = "#" + %q;]]):format(all.first))
    local shown = wide:run(SHOWN)
    assert.same({all.sections, ""}, {shown.sections, shown.told})
  end)

  it("is legible in light and in dark", function()
    wide:prefer("light")
    assert.same({"rgb(255, 255, 255)", ""}, {wide:run(BACKGROUND), wide:run(PALE)})
    wide:prefer("dark")
    assert.same({"rgb(22, 25, 29)", ""}, {wide:run(BACKGROUND), wide:run(PALE)})
    wide:prefer("light")
  end)

  it("has its list beside the text in a wide window", function()
    assert.equal("", wide:run(WIDE))
    assert.is_true(wide:run([[
      const nav = document.querySelector("nav").getBoundingClientRect();
      return nav.right <= document.querySelector("main").getBoundingClientRect().left + 1;]]))
  end)

  it("never scrolls sideways in a narrow window, with the list above the text", function()
    for _, width in ipairs{320, 375, 500} do
      wide:resize(width, 800)
      assert.equal(width, wide:run("return innerWidth"))
      assert.equal("", wide:run(WIDE), width .. " pixels")
      assert.is_true(wide:run([[
        const nav = document.querySelector("nav").getBoundingClientRect();
        return nav.bottom <= document.querySelector("main").getBoundingClientRect().top + 1;]]))
    end
  end)

  it("folds its list in a narrow window, and unfolds it for what a search finds", function()
    wide:resize(500, 800)
    assert.equal(0, search("").lines)
    local shown = search("orun_dispatch poll")
    assert.is_true(shown.lines > 0)
    assert.same({shown.sections, 0}, {shown.lines, shown.empty})
    wide:press("Escape")
    assert.equal(0, wide:run(SHOWN).lines)
    wide:resize(1280, 900)
    shown = wide:run(SHOWN)
    assert.equal(shown.sections, shown.lines)
  end)
end)
