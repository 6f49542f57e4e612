--- Careless and hostile use comes in kinds. Each has a row, and each row is a
--- test that names it, or a group that does: it("A6 refuses …"), "B7 to B10 wait
--- …", "E1 and E2 hold …". This looks that none is missing, wherever it stands.

local h = require "spec.support.helper"

--- The groups, and how many rows each has.
local GROUPS <const> = {
  {name = "A", rows = 21, about = "calls of Task"},
  {name = "B", rows = 17, about = "calls of TaskOutput, and where one may wait"},
  {name = "C", rows = 16, about = "the list: states, claims, dependencies"},
  {name = "D", rows = 17, about = "values between states"},
  {name = "E", rows = 20, about = "what a task's code may try"},
  {name = "F", rows = 18, about = "what programs do"},
  {name = "G", rows = 10, about = "what HTTP servers do"},
  {name = "H", rows = 18, about = "the command and its surroundings"},
  {name = "I", rows = 16, about = "the store of a run's facts"},
  {name = "J", rows = 12, about = "the C API in its hosts"},
}

--- Rows that have nothing to be about, as long as this holds.
local NOT_THERE <const> = {
  B12 = "a wait inside an on_done callback: there are no callbacks",
  C11 = "an explicit id or key that is taken: ids are orun's own; `key` names a history",
  I15 = "servers of NATS: no store is there",
}

--- The rows that the name of a test begins with: "B7 to B10 …" are four.
local function rows_of(name)
  local rows, at = {}, 1
  local group, last, join
  while true do
    local letter, number, after = name:match("^(%u)(%d+)()", at)
    if not letter then return rows end
    number = tonumber(number)
    for n = join == " to " and letter == group and last + 1 or number, number do
      rows[#rows + 1] = letter .. n
    end
    group, last = letter, number
    for _, word in ipairs{" to ", " and ", ", "} do
      if name:sub(after, after + #word - 1) == word then join = word end
    end
    at = after + #(join or "")
    if name:sub(after, at - 1) ~= join then return rows end
  end
end

--- Every row that a test names, with the tests' places.
local function named()
  local tests = {}
  for _, path in ipairs(h.find("spec", "-name '*_spec.lua'")) do
    local number = 0
    for line in (h.read(path) .. "\n"):gmatch("([^\n]*)\n") do
      number = number + 1
      local name = line:match('^%s*it%(+"([^"]*)') or line:match('^%s*describe%(+"([^"]*)')
      for _, row in ipairs(rows_of(name or "")) do
        tests[row] = tests[row] or {}
        table.insert(tests[row], path .. ":" .. number)
      end
    end
  end
  return tests
end

describe("careless use", function()
  local tests = named()

  it("is read from the names of tests", function()
    assert.same({"A6"}, rows_of("A6 refuses a prompt"))
    assert.same({"B7", "B8", "B9", "B10"}, rows_of("B7 to B10 wait"))
    assert.same({"E1", "E2"}, rows_of("E1 and E2 hold"))
    assert.same({"D3", "D4", "D6"}, rows_of("D3, D4 and D6 are"))
    assert.same({}, rows_of("refuses A6"))
  end)

  for _, group in ipairs(GROUPS) do
    it("has a test for each of its rows: " .. group.about, function()
      local missing = {}
      for i = 1, group.rows do
        local row = group.name .. i
        if not tests[row] and not NOT_THERE[row] then missing[#missing + 1] = row end
      end
      assert.equal("", table.concat(missing, " "))
    end)
  end

  it("has no test of a row that there is not", function()
    local rows = {}
    for _, group in ipairs(GROUPS) do
      for i = 1, group.rows do rows[group.name .. i] = true end
    end
    for row, places in pairs(tests) do
      assert.is_truthy(rows[row] and not NOT_THERE[row], places[1])
    end
  end)
end)
