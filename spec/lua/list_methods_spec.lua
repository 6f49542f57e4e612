--- orun.list: the methods of a task list.

local h = require "spec.support.helper"

local List = require "orun.list"

local function list(...)
  return setmetatable({...}, List)
end

describe("list:filter", function()
  local a = {id = "t1", status = "pending", blockedBy = {}}
  local b = {id = "t2", status = "pending", blockedBy = {"t1"}}
  local c = {id = "t3", status = "completed", blockedBy = {}, owner = "t9"}

  it("keeps what a function wants", function()
    local kept = list(a, b, c):filter(function(item) return #item.blockedBy == 0 end)
    assert.equal(2, #kept)
    assert.equal(a, kept[1])
    assert.equal(c, kept[2])
  end)

  it("keeps what has all the fields given", function()
    assert.equal(b, list(a, b, c):filter{status = "pending", unblocked = false}[1])
    assert.equal(a, list(a, b, c):filter{status = "pending", unblocked = true}[1])
    assert.equal(2, #list(a, b, c):filter{status = "pending"})
    assert.equal(3, #list(a, b, c):filter{status = {"completed", "pending"}})
    assert.equal(1, #list(a, b, c):filter{owner = "t9", status = {"completed"}})
    assert.equal(0, #list(a, b, c):filter{owner = "nobody"})
    assert.equal(3, #list(a, b, c):filter{})
  end)

  it("gives a list, so that calls can be chained", function()
    local ids = list(a, b, c):filter{status = "pending"}:map(function(item) return item.id end)
    assert.same({"t1", "t2"}, {ids[1], ids[2]})
    assert.equal(List, getmetatable(ids))
  end)

  it("takes any field of other arrays, and those of entries only of these", function()
    local own = orun.list{{name = "x", done = false}, {name = "y"}, 7}
    assert.same({{name = "x", done = false}}, {table.unpack(own:filter{name = "x"})})
    assert.equal(1, #own:filter{done = false})
    assert.equal(0, #orun.list{}:filter{name = "x"})
    local named = orun.files("list_methods_spec.lua", "spec/lua"):filter{
      name = "list_methods_spec.lua"}
    assert.equal(1, #named)
    assert.equal(0, #list(a, b, c):filter{fresh = true, skipped = "x", cached = true})
    assert.matches("filter: unknown field \"stats\", did you mean 'status'?",
      select(2, pcall(list(a).filter, list(a), {stats = 1})), 1, true)
  end)

  it("refuses other conditions", function()
    local ok, message = pcall(list(a).filter, list(a), "pending")
    assert.is_false(ok)
    assert.equal('filter: the condition = "pending": expected a function or a table of fields',
      message)
  end)
end)

describe("list:map", function()
  it("gives the function the item and its place", function()
    local out = list({n = 1}, {n = 2}):map(function(item, i) return item.n * 10 + i end)
    assert.same({11, 22}, {out[1], out[2]})
  end)
end)

describe("a task list", function()
  it("has the methods, and claims its first free item", function()
    local r = h.script[[
      TaskCreate{description = "a"}
      local b = TaskCreate{description = "b", metadata = {hot = true}}
      local hot = TaskList():filter(function(item) return item.metadata ~= nil end)
      local item = hot:claim()
      print(item.description, item.status, item.id == b.id)
      print(hot:claim())
      print(table.concat(TaskList():map(function(i) return i.description end), " "))
    ]]
    assert.equal("b\tin_progress\ttrue\nnil\na b\n", r.out, r.err)
  end)
end)
