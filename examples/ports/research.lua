-- research.lua — deep research: three searches, each page once, three votes a claim, a report.
--
--     $ orun examples/ports/research.lua

local orun = require "model"

local LINKS <const> = {type = "object", required = {"urls"}}
local CLAIMS <const> = {type = "object", required = {"claims"}}
local VERDICT <const> = {type = "object", required = {"real"}}

local function is_real(result) return result.output.real end

local seen, urls = {}, orun.list{}
for _, found in ipairs(orun.map({"history", "practice", "numbers"}, function(angle)
  return orun.ask("Search for queues: " .. angle, {schema = LINKS}) or {urls = {}}
end)) do
  for _, url in ipairs(found.urls) do
    if not seen[url] then seen[url], urls[#urls + 1] = true, url end
  end
end

local facts = {}
for _, true_here in ipairs(orun.map(urls, function(url)
  local page = orun.ask("Read " .. url, {schema = CLAIMS}) or {claims = {}}
  return orun.list(page.claims):filter(function(claim)
    local vote = {prompt = "Is it true that " .. claim .. "?", schema = VERDICT}
    return orun.quorum({vote, vote, vote}, 2, {accept = is_real}).ok
  end)
end)) do
  table.move(true_here, 1, #true_here, #facts + 1, facts)
end
print(orun.ask("Write a report: " .. table.concat(facts, ", ")))

--> It is so, as a.org/history says, as b.org says, as a.org/numbers says.
