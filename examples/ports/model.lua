-- A model that runs anywhere: it answers what these examples ask by rules. With
-- orun.agent{name = "general-purpose", preset = "claude"} in its place they ask a real one.

local orun = require "orun"

local RULES <const> = {
  {"^Review the (%a+)", function(what)
    return {findings = {what .. ": too long", what .. ": odd"}}
  end},
  {"^Refute: (.*)", function(finding) return {real = not finding:find "odd"} end},
  {"^Search for .*: (%a+)", function(angle)
    return {urls = {"https://a.org/" .. angle, "https://b.org"}}
  end},
  {"^Read https://(%S+)", function(url) return {claims = {"as " .. url .. " says"}} end},
  {"^Is it true that (.*)?", function(claim) return {real = not claim:find "practice"} end},
  {"^Hunt for bugs in (%a+, round %d+)", function(what)
    local where, round = what:match "(%a+), round (%d+)"
    return {bugs = {("%s %d"):format(where, math.min(tonumber(round), 2))}}
  end},
  {"^Draft a title: (.*)", function(style) return ("A %s title"):format(style) end},
  {"^Which is better%? (.*)", function(both)
    local one, other = both:match "1: (.*) 2: (.*)"
    return {better = one:find "short" and 1 or other:find "short" and 2 or #one < #other and 1 or 2}
  end},
  {"^Write a report: (.*)", function(facts) return "It is so, " .. facts .. "." end},
}

orun.agent{name = "general-purpose", run = function(_, task)
  for _, rule in ipairs(RULES) do
    local found = task.prompt:match(rule[1])
    if found then return rule[2](found) end
  end
  return task.prompt:upper()
end}

return orun
