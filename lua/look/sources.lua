--- orun.look.sources: what agents have said, and on what grounds, as one list.
--
--     local claims, list = sources.merge{
--       {claims = {{text = "It is so.", sources = {"https://a.org/x#y"}}}}}
--
-- Addresses that lead to the same page are one source: the scheme, "www.", a slash at the end,
-- what follows "#" and what only counts visitors make no difference.

local json = require "orun.json"

local M = {}

--- What a source is compared by.
-- @usage require "orun.look.sources".key "HTTP://www.A.org/x/?utm_source=y#z"  --> a.org/x
function M.key(source)
  local text = source:match("^%s*(.-)%s*$")
  local host, rest = text:match("^%a+://([^/?#]*)([^#]*)")
  if not host then return text end
  rest = rest:gsub("([?&])utm_[^&]*", "%1"):gsub("&+", "&"):gsub("%?&", "?"):gsub("[?&]+$", "")
  return host:lower():gsub("^www%.", "") .. rest:gsub("/$", "")
end

--- @param answers  array of {claims = {{text =, sources = array}}}
-- @return array of {text =, sources = numbers, said = by how many}; array of sources
function M.merge(answers)
  local claims, list, known, numbers = json.array{}, json.array{}, {}, {}
  local function number(source)
    local key = M.key(source)
    if not numbers[key] then
      list[#list + 1] = source
      numbers[key] = #list
    end
    return numbers[key]
  end
  for _, answer in ipairs(answers) do
    for _, claim in ipairs(answer.claims) do
      local key = claim.text:lower():gsub("%W+", " "):match("^ ?(.-) ?$")
      local one = known[key]
      if not one then
        one = {text = claim.text, sources = json.array{}, said = 0, has = {}}
        known[key] = one
        claims[#claims + 1] = one
      end
      one.said = one.said + 1
      for _, source in ipairs(claim.sources or {}) do
        local n = number(source)
        if not one.has[n] then table.insert(one.sources, n) end
        one.has[n] = true
      end
    end
  end
  for _, one in ipairs(claims) do one.has = nil end
  return claims, list
end

return M
