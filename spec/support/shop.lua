--- The shop of the examples (examples/shop), built once, and started with a fault in it.
---
---   local shop <close> = shops.open{fault = "data-join"}
---   h.orun{"debug:api", "--app", shop.app, shop.url}
---
--- It is in a folder of its own, and ends with the variable.

local h = require "spec.support.helper"
local orun = require "orun"

local M = {}

local Shop <const> = {__name = "spec.shop"}
Shop.__index = Shop

local built

-- The program, built once.
local function program()
  if not built then
    built = h.tmpdir() .. "/shop"
    local r = h.sh(("cc -O1 -o %s %s -pthread -lsqlite3"):format(h.quote(built),
      h.quote(h.root .. "/examples/shop/shop.c")))
    assert(r.code == 0, r.err)
  end
  return built
end

--- Start one; options: fault, the name of a fault that is planted (none).
function M.open(o)
  local folder = h.tmpdir()
  local env = {SHOP_FAULT = o and o.fault or ""}
  local r = h.sh(("cp -r %s/examples/shop/pages %s/examples/shop/app.json . && cp %s shop"):format(
    h.quote(h.root), h.quote(h.root), h.quote(program())), {cwd = folder})
  assert(r.code == 0, r.err)
  orun.exec{command = {"./shop", "make", "shop.db"}, cwd = folder, env = env, check = true}
  local self = setmetatable({folder = folder, app = folder .. "/app.json", env = env}, Shop)
  self.server = assert(orun.exec{stream = true, cwd = folder, env = env,
                                 command = {"./shop", "serve", "shop.db", "pages"}})
  self.url = "http://127.0.0.1:" .. assert(self.server:lines()(), "the shop does not start")
  return self
end

--- End it.
function Shop:close() self.server:close() end

Shop.__close = Shop.close

return M
