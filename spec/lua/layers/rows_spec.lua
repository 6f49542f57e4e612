--- orun.layers.rows: rows, and how they differ.

local h = require "spec.support.helper"
local orun = require "orun"
local rows = require "orun.layers.rows"

local ADA <const>, BOB <const> = {id = 1, name = "Ada"}, {id = 2, name = "Bob"}

local function difference(want, got) return table.pack(rows.difference(want, got)) end

describe("rows.difference", function()
  it("says nothing when they are the same, with tables in them too", function()
    assert.same({n = 0}, difference({}, {}))
    assert.same({n = 0}, difference({{tags = {"a"}}}, {{tags = {"a"}}}))
  end)

  it("names the row and the field that differs", function()
    assert.same({"the field name is wrong", 'row 2: it is "Eve", expected "Bob"', n = 2},
      difference({ADA, BOB}, {ADA, {id = 2, name = "Eve"}}))
    assert.same({"the field name is missing", 'row 1: expected "Ada"', n = 2},
      difference({ADA}, {{id = 1}}))
    assert.same({"the field age is not expected", "row 1: it is 7", n = 2},
      difference({ADA}, {{id = 1, name = "Ada", age = 7}}))
    assert.equal("the field tags is wrong", difference({{tags = {"a"}}}, {{tags = {"b"}}})[1])
  end)

  it("counts rows that are missing or too many", function()
    assert.same({"1 of 2 rows are missing", 'the first is {"id":2,"name":"Bob"}', n = 2},
      difference({ADA, BOB}, {ADA}))
    assert.same({"1 rows too many", 'the first is {"id":2,"name":"Bob"}', n = 2},
      difference({ADA}, {ADA, BOB}))
  end)
end)

describe("rows.read", function()
  it("finds the rows in a text, at a path too", function()
    assert.same({ADA}, rows.read('[{"id": 1, "name": "Ada"}]'))
    assert.same({}, rows.read("[]"))
    assert.same({ADA}, rows.read('{"data": {"items": [{"id": 1, "name": "Ada"}]}}', "data.items"))
  end)

  it("says what else the text is", function()
    for text, why in pairs{
      ["<html>"] = "it is not JSON", ["{\"a\": 1}"] = "there is no array of rows in it",
      ["[1]"] = "element 1 is no object: 1", ["null"] = "there is no array of rows in it",
    } do
      local got, said = rows.read(text)
      assert.is_nil(got)
      assert.matches(why, said, 1, true)
    end
    assert.matches("no array of rows in it at data", select(2, rows.read('{"data": 1}', "data")))
  end)
end)

describe("rows.query", function()
  if not orun.program "sqlite3" then
    pending("asks a database (there is no sqlite3: .ci/deps test installs it)")
    return
  end

  it("gives what a query of a file does, and changes nothing", function()
    local path = h.tmpdir() .. "/a.db"
    orun.exec{command = {"sqlite3", path, "CREATE TABLE t(id INTEGER, name TEXT)"}, check = true}
    assert.same({}, rows.query(path, "SELECT * FROM t"))
    assert.same({ADA}, rows.query(path, "SELECT 1 AS id, 'Ada' AS name"))
    assert.matches("readonly", (select(2, rows.query(path, "DROP TABLE t"))))
    assert.matches("no such table: u", (select(2, rows.query(path, "SELECT * FROM u"))))
    local got, why = rows.query(path, ".shell touch " .. path .. ".made")
    assert.is_nil(got)
    assert.matches("safe mode", why)
    assert.is_nil(rows.query(path .. ".none", "SELECT 1"))
    assert.is_false(h.exists(path .. ".none"))
  end)
end)
