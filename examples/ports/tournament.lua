-- tournament.lua — four drafts; a judge compares two at a time, until one is left.
--
--     $ orun examples/ports/tournament.lua

local orun = require "model"

local CHOICE <const> = {type = "object", required = {"better"}}

local drafts = orun.map({"short", "plain", "funny", "odd"}, function(style)
  return orun.ask("Draft a title: " .. style)
end)
while #drafts > 1 do
  drafts = orun.map(orun.chunks(drafts, 2), function(pair)
    local prompt = ("Which is better? 1: %s 2: %s"):format(pair[1], pair[2])
    return pair[2] and pair[orun.ask(prompt, {schema = CHOICE}).better] or pair[1]
  end)
end
print(drafts[1])

--> A short title
