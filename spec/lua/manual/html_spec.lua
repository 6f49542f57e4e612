--- The manual as one page: orun help --write.

local h = require "spec.support.helper"
local html = require "orun.manual.html"
local reference = require "orun.manual.reference"

describe("orun.html", function()
  local dir = h.tmpdir()
  local r = h.orun{"help", "--write", dir}
  local text = h.read(dir .. "/orun.html") or r.err

  it("has every function, with what it is linked by", function()
    for _, name in ipairs(reference.functions()) do
      assert.is_truthy(text:find("<h2>" .. name .. "</h2>", 1, true), name)
    end
  end)

  it("needs nothing else: no file, no network", function()
    assert.is_nil(text:find("<link", 1, true) or text:find("<img", 1, true)
      or text:find("src=", 1, true) or text:find("@import", 1, true) or text:find("url(", 1, true))
  end)

  it("has no link within it that leads nowhere, and no id twice", function()
    local ids, wrong = {}, {}
    for id in text:gmatch('<section id="([^"]+)"') do
      if ids[id] then wrong[#wrong + 1] = id .. " is there twice" end
      ids[id] = true
    end
    for target in text:gmatch('href="#([^"]+)"') do
      if not ids[target] then wrong[#wrong + 1] = target end
    end
    assert.equal("", table.concat(wrong, "\n"))
  end)

  it("is well-formed where it can be checked", function()
    if h.sh("command -v xmllint").code ~= 0 then return end
    h.write(dir .. "/main.xml", (text:match("<main>.-</main>")))
    local checked = h.sh("xmllint --noout main.xml", {cwd = dir})
    assert.equal("", checked.err)
  end)

  it("leaves out pictures, which are files beside README.md", function()
    assert.is_nil(text:find("svg", 1, true))
    assert.is_nil(text:find("A terminal: the phase", 1, true))
  end)

  it("shows what is in a text as it is", function()
    assert.equal("<p>&lt;script&gt; <code>a&amp;b</code></p>",
      html.render({{kind = "para", text = "<script> `a&b`"}}, "README.md"))
  end)
end)
