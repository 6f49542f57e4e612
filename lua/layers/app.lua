--- orun.layers.app: what an application says of its layers, in a file of JSON.
--
--     local app, why = app.read "shop.json"
--     print(app.features.orders.action)
--
-- SCHEMA has its form. Paths in it, and the words of `data` that begin with "./", are relative to
-- the folder of the file.
--
-- Glossary
--   feature  something that users see: it has a part in each layer
--   rows     what a feature shows, as a query of the database gives them

local json = require "orun.json"
local schema = require "orun.schema"

local M = {}

local text <const> = {type = "string", minLength = 1}
local texts <const> = {type = "array", items = text, minItems = 1}

M.SCHEMA = {
  type = "object", required = {"features"}, additionalProperties = false, properties = {
    url = text,      -- where it is served, unless the command line says so
    database = text, -- an SQLite file
    invariants = {   -- name -> query that returns a row for each offence
      type = "object", additionalProperties = text,
    },
    features = {type = "object", minProperties = 1, additionalProperties = {
      type = "object", additionalProperties = false, properties = {
        page = text,    -- the path of the page
        element = text, -- a selector: one element for each row
        shows = texts,  -- fields of a row that its element has in its text
        action = text,  -- the path that answers with the rows
        path = text,    -- where they are in its answer: "data.items"
        refuses = {     -- requests that it must refuse
          type = "array", items = {
            type = "object", required = {"path", "body"}, additionalProperties = false,
            properties = {method = text, path = text, body = {}},
          },
        },
        data = texts,   -- a program: data access alone, which prints the rows
        query = {anyOf = {text, texts}}, -- what the rows are in truth; an array: its lines
      },
    }},
  },
}

--- Reads one.
-- @return the table, with `folder`, and each query as one text; nil and a message
function M.read(path)
  local file <close>, why = io.open(path, "rb")
  if not file then return nil, "cannot read " .. why end
  local bytes
  bytes, why = file:read("a")
  if not bytes then return nil, ("cannot read %s: %s"):format(path, why) end
  local app
  app, why = json.decode(bytes)
  if app == nil then return nil, ("%s: %s"):format(path, why) end
  local checker = assert(schema.new(M.SCHEMA))
  local ok, errors = checker:check(app)
  if not ok then return nil, ("%s: %s"):format(path, table.concat(errors, "; ")) end
  for _, feature in pairs(app.features) do
    local lines = feature.query
    feature.query = type(lines) == "table" and table.concat(lines, "\n") or lines
  end
  app.folder = path:match("^(.*)/[^/]*$") or "."
  return app
end

return M
