--- orun debug:api: each fault that can be planted in the shop is found in its layer.

local h = require "spec.support.helper"
local json = require "orun.json"
local orun = require "orun"
local shops = require "spec.support.shop"

-- Each fault: what is said of the layer it is in.
local FAULTS <const> = {
  {"component-rows", "it shows 4 rows, expected 5"},
  {"component-error", "a script of it fails"},
  {"action-status", "it fails"},
  {"action-field", "the field cents is missing"},
  {"action-type", "its answer is not called JSON"},
  {"action-accepts", "it does not refuse what it must"},
  {"data-join", "the field customer is wrong"},
  {"data-limit", "1 of 5 rows are missing"},
  {"database-orphan", "a row of orders refers to none in customers"},
  {"database-value", "it does not hold that an amount is above 0"},
  {"database-table", "it does not have what the query asks for"},
}

local function look(shop, ...)
  return h.orun{cwd = shop.folder, env = shop.env, "debug:api", "--no-sandbox", "--timeout=1m",
                ...}
end

-- The result, and the layers of it that have issues, by name.
local function result_of(shop, ...)
  local r = look(shop, "--json", "--app", shop.app, ...)
  local result = json.decode(r.out)
  assert(result, r.out .. r.err)
  local issues = {}
  for _, layer in ipairs(result.layers) do
    if #layer.issues > 0 then issues[layer.layer] = layer.issues end
  end
  return result, issues, r.code
end

describe("orun debug:api", function()
  if not (orun.program "chromium" and orun.program "sqlite3") then
    pending("looks at the shop (chromium or sqlite3 is missing: .ci/deps test installs them)")
    return
  end

  it("says none found of a healthy application", function()
    local shop <close> = shops.open()
    local r = look(shop, "--app", shop.app, "orders", shop.url)
    assert.same({0, [[
orders: component  none found
orders: action     none found
orders: data       none found
orders: database   none found
faulty layer: none found
]]}, {r.code, r.out}, r.err)
  end)

  for _, fault in ipairs(FAULTS) do
    local name, issue = table.unpack(fault)
    local layer = name:match("^%l+")
    it("names the layer, and no other: " .. name, function()
      local shop <close> = shops.open{fault = name}
      local result, issues, code = result_of(shop, shop.url)
      assert.same({layer}, result.faulty)
      assert.same({[layer] = issues[layer]}, issues)
      assert.same({1, 1}, {code, result.exit_code})
      local said = {}
      for _, one in ipairs(issues[layer]) do
        said[one.issue] = true
        assert.is_true(#one.evidence > 0)
        assert.is_true(one.confidence == "high" or one.confidence == "medium")
      end
      assert.is_true(said[issue], name .. ": " .. json.encode(issues))
    end)
  end

  it("prints evidence and confidence, and what could not be compared because of it", function()
    local shop <close> = shops.open{fault = "database-table"}
    local r = look(shop, "--app", shop.app, shop.url)
    assert.equal(1, r.code)
    assert.matches("orders: data +not compared: the database: .*no such table: orders\n", r.out)
    assert.matches("    it does not have what the query asks for: .*no such table: orders "
      .. "%(confidence: high%)\n", r.out)
    assert.matches("\nfaulty layer: database\n$", r.out)
  end)

  it("names all faulty layers, the lowest first", function()
    local shop <close> = shops.open{fault = "component-rows"}
    h.sh([[sqlite3 shop.db "UPDATE orders SET cents = 0 WHERE id = 1"]], {cwd = shop.folder})
    assert.same({"database", "component"}, (result_of(shop, shop.url)).faulty)
  end)

  it("says that it looks at SQLite files only", function()
    local shop <close> = shops.open()
    local app = json.decode(h.read(shop.app))
    h.write(shop.folder .. "/other", "PGDMP, or whatever another database writes")
    for name, said in pairs{
      ["other"] = "./other", ["postgres://u:p@h/d"] = "a database of postgres",
    } do
      app.database = name
      h.write(shop.app, json.encode(app))
      local r = look(shop, "--app", shop.app, shop.url)
      said = said:gsub("^%.", shop.folder) .. " is no SQLite file, and other databases are not "
        .. "looked at\n"
      assert.matches("orders: database   not compared: " .. said, r.out, 1, true)
      assert.matches("orders: data       not compared: the database: " .. said, r.out, 1, true)
      assert.matches("\nfaulty layer: none found, with data, database not compared\n", r.out)
      assert.same({0, nil}, {r.code, r.out:find("u:p", 1, true)})
    end
  end)

  it("looks at a URL alone, and says what it does not know", function()
    local shop <close> = shops.open{fault = "action-status"}
    local r = look(shop, shop.url .. "/api/orders")
    assert.equal(1, r.code)
    assert.matches("/api/orders: action +faulty\n    it fails: GET /api/orders: status 500", r.out)
    assert.matches("\nfaulty layer: action\n", r.out)
    r = look(shop, shop.url .. "/clean.html")
    assert.equal(0, r.code, r.out)
    assert.matches("\nfaulty layer: none found, with data, database not compared\n", r.out)
  end)

  it("asks an agent for the cause, and calls it so", function()
    local shop <close> = shops.open{fault = "action-status"}
    h.write(shop.folder .. "/called.lua", [[
orun.agent{name = "general-purpose", run = function(_, task)
  assert(task.prompt:find("status 500", 1, true), task.prompt)
  return {cause = "it throws", fix = "catch it"}
end}
local r = orun.workflow("debug:api", {..., no_sandbox = true, backend = "claude", timeout = 60})
print(table.concat(r.faulty), r.cause.cause, r.cause.fix, r.exit_code)]])
    local r = h.orun{"called.lua", shop.url .. "/api/orders", cwd = shop.folder}
    assert.equal("action\tit throws\tcatch it\t1\n", r.out, r.err)
  end)

  it("refuses a page that never ends", function()
    local shop <close> = shops.open()
    local r = h.orun{"debug:api", "--timeout=500ms", shop.url .. "/never"}
    assert.same({2, ""}, {r.code, r.out})
    assert.matches("orun debug:api: GET .*/never: no answer within 500 ms", r.err)
  end)
end)

describe("orun debug:api, before it looks,", function()
  local function refused(why, ...)
    local r = h.orun{"debug:api", ...}
    assert.same({2, ""}, {r.code, r.out})
    assert.matches(why, r.err, 1, true)
  end

  it("says what it would look at", function()
    local r = h.orun{"debug:api", "--dry-run", "--app", "examples/shop/app.json", "orders",
                     "http://127.0.0.1:2"}
    assert.same({0, "http://127.0.0.1:2 would be looked at: component, action, data, database of "
      .. "orders\n"}, {r.code, r.out})
  end)

  it("refuses what nobody serves, and what is no URL or feature", function()
    refused("GET http://127.0.0.1:2/: cannot connect (Connection refused)", "http://127.0.0.1:2")
    refused("'ftp://x' is not a URL: expected one that begins with http://", "ftp://x")
    refused("'orders' is not a URL", "orders")
    refused("a URL is expected, or --app FILE")
    refused("'b' is one word too many", "--app", "x", "a", "b")
    local app = "examples/shop/app.json"
    refused("has no feature 'ordres'; it has orders", "--app", app, "ordres", "http://127.0.0.1:2")
    refused("app.json has no url of http, and none is on the command line", "--app", app)
  end)

  it("refuses a file that is none of an application", function()
    local path = h.tmpdir() .. "/app.json"
    refused("cannot read /no/such.json: No such file or directory", "--app", "/no/such.json")
    for text, why in pairs{
      ['{"features":'] = "not JSON", ["[]"] = "expected an object",
      ['{"features": {"x": {"pgae": "/"}}}'] = "/features/x/pgae: there is no such field",
      ['{"features": {}}'] = "/features",
      ['{"features": {"x": {"data": "ls"}}}'] = "/features/x/data",
    } do
      h.write(path, text)
      refused(path .. ": ", "--app", path)
      refused(why, "--app", path)
    end
  end)
end)
