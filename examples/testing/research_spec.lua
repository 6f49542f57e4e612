--- A workflow that asks agents, tested without any: `orun test examples/testing`.
--
-- `orun research` asks three agents for a "why". In virtual time their minutes take none, and what
-- they say, how long it takes them and how they fail is what the test wants it to be.

local testing = require "orun.testing"

local WORDS <const> = {"--backend", "claude", "--json", "Why do glaciers move?"}

--- What an agent of the workflow answers: claims with sources.
local function claims(text, source)
  return {claims = {{text = text, sources = {source}}}}
end

--- The workflow, with agents that play this part.
local function research(part)
  return testing.run{script = "research", args = WORDS, agents = {["general-purpose"] = part},
    jobs = 5}
end

describe("orun research", function()
  it("asks its agents at the same time, each from another side", function()
    local run = research{
      {delay = "5m", output = claims("Ice flows under its own weight.", "https://a.example/ice")},
      {delay = "9m", output = claims("Meltwater lets it slide.", "https://b.example/melt")},
      {delay = "2m", output = claims("Ice flows under its own weight.", "https://a.example/ice")},
    }
    assert.equal(0, run.exit_code, run.err)
    assert.equal(3, #run.calls)
    assert.not_equal(run.calls[1].prompt, run.calls[2].prompt)
    assert.equal(9, run.duration // 60) -- minutes: those of the slowest, and none really
    local _, times = run.out:gsub("Ice flows under its own weight", "")
    assert.equal(1, times)              -- what two of them say stands there once
  end)

  it("tells when one of them fails, and gives what the others found", function()
    local run = research{
      {delay = "5m", output = claims("Ice flows under its own weight.", "https://a.example/ice")},
      {delay = "1m", error = "the context is full"},
      {delay = "3m", output = claims("Meltwater lets it slide.", "https://b.example/melt")},
    }
    assert.equal(3, run.exit_code)      -- "something was found, but one of those who looked failed"
    assert.truthy(run.out:find("Meltwater", 1, true))
  end)
end)
