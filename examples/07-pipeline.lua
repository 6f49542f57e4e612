--- Items through stages, with no barrier between the stages.
--
-- $ orun examples/07-pipeline.lua
--
-- Fetch, parse, summarise: each page goes on as soon as its own stage is done.
-- One page is broken; that is its result, and harms no other.

local orun = require "orun"

local pages = {
  {url = "/home", body = "title=Home;words=120"},
  {url = "/about", body = "<<<garbage>>>"},
  {url = "/jobs", body = "title=Jobs;words=80"},
}

local results = orun.pipeline(pages,
  function(page) return page.body end,
  function(body)
    local title, words = body:match("^title=(%a+);words=(%d+)$")
    if not title then error("not a page", 0) end
    return {title = title, words = math.tointeger(words)}
  end,
  function(parsed, page, index)
    return ("%d. %s (%s): %d words"):format(index, parsed.title, page.url, parsed.words)
  end)

for i, result in ipairs(results) do
  if result.ok then
    print(result.output)
  else
    -- The first line of an error is what was raised; the rest says where.
    local why = result.error:match("[^\n]+")
    print(("%d. %s failed in stage %d: %s"):format(i, pages[i].url, result.stage, why))
  end
end

--> 1. Home (/home): 120 words
--> 2. /about failed in stage 2: not a page
--> 3. Jobs (/jobs): 80 words
