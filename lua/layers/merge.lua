--- orun.layers.merge: what the checks of all layers have found, as one report.
--
--     local merged = merge(jobs, results)
--     print(table.concat(merged.faulty, ", then "))

local checks = require "orun.layers.checks"
local json = require "orun.json"
local orun = require "orun"

-- A layer in lines. What the application says is in them, and begins none.
local function put_lines(lines, one)
  local function put(form, ...) lines[#lines + 1] = orun.clean(form:format(...)) .. "\n" end
  put("%s: %-9s  %s", one.feature, one.layer, #one.issues > 0 and "faulty"
    or one.compared and "none found" or "not compared: " .. one.note)
  for _, issue in ipairs(one.issues) do
    put("    %s: %s (confidence: %s)", issue.issue, issue.evidence, issue.confidence)
  end
end

-- The names of those layers that `fits`, in the order of checks.NAMES.
local function names_of(layers, fits)
  local names = json.array{}
  for _, name in ipairs(checks.NAMES) do
    for _, one in ipairs(layers) do
      local is_new = one.layer == name and names[#names] ~= name
      if is_new and fits(one) then names[#names + 1] = name end
    end
  end
  return names
end

-- The array in the opposite order.
local function reversed(list)
  local other = json.array{}
  for i = #list, 1, -1 do other[#other + 1] = list[i] end
  return other
end

--- Puts them together.
-- @param jobs     array of {feature =, layer =}
-- @param results  array: the result of each, completed
-- @return {faulty = array of layers, the lowest first; layers = array of {feature =, layer =,
--   compared =, note =, issues =}; text = all of it for people}
return function(jobs, results)
  local layers, lines = json.array{}, {}
  for i, job in ipairs(jobs) do
    local found = results[i].output
    layers[i] = {feature = job.feature, layer = job.layer, compared = found.compared,
      note = found.note, issues = found.issues}
    put_lines(lines, layers[i])
  end
  -- The lowest is below all others.
  local faulty = reversed(names_of(layers, function(one) return #one.issues > 0 end))
  local unknown = names_of(layers, function(one) return not one.compared and #one.issues == 0 end)
  lines[#lines + 1] = ("faulty layer: %s\n"):format(faulty[1] and table.concat(faulty, ", then ")
    or not unknown[1] and "none found"
    or ("none found, with %s not compared"):format(table.concat(unknown, ", ")))
  return {faulty = faulty, layers = layers, text = table.concat(lines)}
end
