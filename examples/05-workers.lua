--- Pattern 4 of the guide: workers that claim items from a shared list.
--
-- $ orun examples/05-workers.lua
--
-- Ten items, three workers, no item done twice. Item 10 needs item 1, and one
-- more item is found on the way: the workers do both.

local orun = require "orun"

local first
for i = 1, 10 do
  local item = TaskCreate{
    description = ("page %d"):format(i),
    metadata = {words = i * 100},
    blockedBy = i == 10 and {first} or nil,
  }
  first = first or item
end

local results = orun.workers(function(item)
    if item.description == "page 5" then
      TaskCreate{description = "appendix", metadata = {words = 42}}
    end
    return item.metadata.words
  end, {
  limit = 3,
})

local words = 0
for _, result in ipairs(results) do words = words + result.output end
print(("%d items, %d failed, %d words"):format(#results, #results.failed, words))
print(results[#results].description)

--> 11 items, 0 failed, 5542 words
--> appendix
