--- `orun research`: passages and claims, with their sources.

local h = require "spec.support.helper"
local json = require "orun.json"
local passages = require "orun.look.passages"
local sources = require "orun.look.sources"

local function place()
  local dir = h.tmpdir()
  h.sh("mkdir docs", {cwd = dir})
  h.write(dir .. "/docs/pool.md", "# Pools\n\nA pool has four slots by default.\n\nOther text.\n")
  h.write(dir .. "/copy.txt", "a POOL has four slots, by default\n")
  h.write(dir .. "/pool.lua", "-- the slots of a pool\nreturn 4\n")
  h.write(dir .. "/binary.md", "pool\0slots default")
  return dir
end

local function research(dir, opts)
  for i, word in ipairs{"--no-history", "-q", "research"} do table.insert(opts, i, word) end
  opts.cwd = dir
  return h.orun(opts)
end

local QUESTION <const> = "How many slots does a pool have by default?"

describe("orun research", function()
  it("finds where the words of the question are, what says the same once", function()
    local r = research(place(), {"--json", QUESTION})
    local answer = json.decode(r.out)
    assert.same({0, "fact"}, {r.code, answer.kind}, r.err)
    assert.same({"slots", "pool", "default"}, answer.words)
    assert.same({{"copy.txt:1", "docs/pool.md:3"}}, {answer.passages[1].places})
    assert.equal(1, #answer.passages)
  end)

  it("knows kinds of questions, which decide how much is shown", function()
    local dir = place()
    local function kind(...)
      local answer = json.decode(research(dir, {"--json", "--dry-run", ...}).out)
      return answer.kind, #answer.searches
    end
    assert.equal("depth", (kind "Why does a pool wait?"))
    assert.equal("breadth", (kind("list", "the", "pools")))
    assert.equal("fact", (kind "When was the pool made?"))
    assert.same({"depth", 3}, {kind("--kind", "depth", "when pool")})
    assert.same({"fact", 5}, {kind("--backend", "claude", "when pool")})
    assert.same({"breadth", 8}, {kind("--backend", "claude", "list pool")})
    local r = research(dir, {"--kind", "breadth", "pool"})
    for _, file in ipairs{"copy.txt:1", "docs/pool.md:1", "pool.lua:1"} do
      assert.matches(file, r.out, 1, true)
    end
  end)

  it("says that nothing was found", function()
    local r = research(place(), {"qwxyzz"})
    assert.same({1, "# qwxyzz\n\nNothing was found.\n"}, {r.code, r.out}, r.err)
  end)

  it("asks agents with --backend, and puts claims and sources together", function()
    local dir = place()
    local file = h.write(h.tmpdir() .. "/answer", "#!/bin/sh\ncat >/dev/null; cat <<.\n"
      .. json.encode{claims = {{text = "There are four.", sources = {"https://www.example.org/a/",
        "http://example.org/a#top", "pool.lua:2"}}}} .. "\n.\n")
    h.sh("chmod +x " .. file)
    local function ask(fake)
      return research(dir, {"--json", "--backend", "claude", QUESTION, env = {FAKE = fake,
        FAKE_SCRIPT = file, PATH = h.root .. "/spec/support/agents:" .. os.getenv "PATH"}})
    end
    local r = ask "script"
    local answer = json.decode(r.out)
    assert.same({0, 1, 2}, {r.code, #answer.claims, answer.claims[1].said}, r.err)
    assert.same({"https://www.example.org/a/", "pool.lua:2"}, answer.sources)
    assert.same({1, 2}, answer.claims[1].sources)
    r = ask "api-400"
    answer = json.decode(r.out)
    assert.same({3, 2, 1}, {r.code, #answer.failed, #answer.passages})
  end)

  it("searches another folder, and writes a report whole or not at all", function()
    local dir, out = place(), h.tmpdir()
    local r = research(out, {"--in", dir, "--out", "report.md", QUESTION})
    assert.equal(0, r.code, r.err)
    assert.equal(r.out, h.read(out .. "/report.md"))
    assert.matches("\n\n## Passages\n\ncopy.txt:1, docs/pool.md:3\n\n    a POOL", r.out, 1, true)
    r = research(out, {"--in", dir, "--out", "none/report.md", QUESTION})
    assert.same({2, ""}, {r.code, r.out})
    assert.equal("report.md\n", h.sh("ls", {cwd = out}).out)
  end)

  it("refuses what is no question, and no folder", function()
    local dir = place()
    for _, words in ipairs{{}, {""}, {"what is it"}, {"--kind", "deep", "pool"}} do
      assert.equal(2, research(dir, words).code)
    end
    local r = research(dir, {"--in", "none", "pool"})
    assert.same({2, "orun research: none: there is no such folder\n"}, {r.code, r.err})
    assert.equal(1, research(dir, {"\27[31m\xFF qwxyzz $(qwxyzz)"}).code)
  end)

  it("answers from this repository", function()
    local r = research(h.root, {"how does a task wait for others"})
    assert.equal(0, r.code, r.err)
    assert.matches("## Passages", r.out, 1, true)
  end)
end)

describe("sources", function()
  it("are the same where they lead to the same page", function()
    for _, one in ipairs{"https://www.A.org/x/", "http://a.org/x#y", "https://a.org/x?utm_source=z",
        "https://a.org/x?utm_a=1&utm_b=2#c", " https://a.org/x "} do
      assert.equal("a.org/x", sources.key(one), one)
    end
    assert.equal("a.org/x?q=1", sources.key "https://a.org/x?q=1&utm_a=2")
    assert.equal("src/a.c:12", sources.key "src/a.c:12")
    assert.is_true(sources.key "https://a.org/X" ~= sources.key "https://a.org/x")
  end)
end)

describe("the words of a question", function()
  it("are those that say what it is about", function()
    local question <const> = "When does orun.map fail (the X-Y)? A fail."
    assert.same({"orun.map", "fail", "x-y"}, passages.words(question))
    assert.same({}, passages.words "what is it?")
    assert.same({"größe"}, passages.words "größe")
  end)
end)
