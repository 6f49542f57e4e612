--- orun.starter.merge: something is added to a text, and nothing else in it changes.

local json = require "orun.json"
local merge = require "orun.starter.merge"
local toml = require "orun.agents.toml"

local ROUNDS <const> = 2000
local PATH <const> = {"mcpServers", "orun"}
local ENTRY <const> = {command = "orun", args = json.array{"mcp", "--session"}}

-- A random value as JSON, with blanks wherever they may be.
local function draw(depth)
  local kinds <const> = {"null", "true", "-0.50e+3", "12345678901234567890", '""',
    '"a\\"}]{[,:\\\\"', '"\\u007b é"', "[ ]", "{}", "{\n\t}"}
  local blanks <const> = {"", " ", "\n  ", "\t", "\r\n"}
  local function blank() return blanks[math.random(#blanks)] end
  if depth == 0 or math.random(3) == 1 then return kinds[math.random(#kinds)] end
  local parts, object = {}, math.random(2) == 1
  for i = 1, math.random(3) do
    local key = object and ('"k%d%s"%s:'):format(i, math.random(2) == 1 and '\\"{' or "", blank())
    parts[i] = blank() .. (key or "") .. blank() .. draw(depth - 1) .. blank()
  end
  local text = table.concat(parts, ",")
  return object and "{" .. text .. "}" or "[" .. text .. "]"
end

-- One object, which may have servers already.
local function document()
  local servers = ({"", "", '"mcpServers": {}', '"mcpServers":{"other": %s, "x":1}',
    '"mcpServers" : {\n    "other": %s\n  }'})[math.random(5)]:gsub("%%s", function()
    return draw(2)
  end)
  local parts = {}
  for i = 1, math.random(0, 2) do parts[i] = ('"p%d": %s'):format(i, draw(3)) end
  if servers ~= "" then table.insert(parts, math.random(#parts + 1), servers) end
  local between = ({", ", ",\n  ", ","})[math.random(3)]
  return ({"{", "{\n  ", " { "})[math.random(3)] .. table.concat(parts, between)
    .. ({"}", "\n}\n", " }"})[math.random(3)]
end

describe("merge.json", function()
  it("adds one piece of text at one place, and what is read is the same but for that", function()
    for round = 1, ROUNDS do
      math.randomseed(round)
      local old = document()
      local all = assert(json.decode(old))
      local new = assert(merge.json(old, PATH, ENTRY))
      all.mcpServers = all.mcpServers or {}
      all.mcpServers.orun = ENTRY
      assert.equal(json.encode(all), json.encode((assert(json.decode(new), new))), old)
      local same = 0
      while old:byte(same + 1) == new:byte(same + 1) and same < #old do same = same + 1 end
      local rest = old:sub(same + 1):gsub("^%s+", "") -- blanks in empty braces are not kept
      assert.equal(rest, new:sub(#new - #rest + 1), old .. "\n" .. new)
    end
  end)

  it("changes nothing where it is there already, and says whether that is the same", function()
    for round = 1, 200 do
      math.randomseed(round)
      local new = assert(merge.json(document(), PATH, ENTRY))
      assert.same({new, true}, {merge.json(new, PATH, ENTRY)})
      assert.same({new, false}, {merge.json(new, PATH, {command = "another"})})
    end
  end)

  it("refuses all that is cut off", function()
    local text = '{"a": [1, {"b": "c"}], "mcpServers": {"x": {}}}'
    for n = 1, #text - 1 do
      local new, why = merge.json(text:sub(1, n), PATH, ENTRY)
      assert.is_nil(new, text:sub(1, n))
      assert.matches("not JSON", why)
    end
  end)
end)

describe("merge.toml", function()
  local LINES <const> = "[mcp_servers.orun]\ncommand = \"orun\"\n"

  it("adds a table at the end of all that it can read", function()
    for _, old in ipairs{"", "a = 1", "a = 1\n", "# only this", "[mcp_servers]\n",
        "[mcp_servers.x]\ncommand = 'y'\n[[list]]\na = 1", "mcp_servers.x.command = 'y'\n"} do
      local new = assert(merge.toml(old, {"mcp_servers", "orun"}, LINES))
      assert.equal(old, new:sub(1, #old))
      assert.equal("orun", toml.read(new).mcp_servers.orun.command)
      assert.same({new, true}, {merge.toml(new, {"mcp_servers", "orun"}, LINES)})
    end
  end)
end)

describe("merge.section", function()
  it("keeps every byte outside of its marks", function()
    for _, around in ipairs{{"", ""}, {"a", "b"}, {"a\n\n", "\n\n  b\n"},
        {"\xEF\xBB\xBF# x\r\n", "\0"}} do
      local old = around[1] .. "<!-- orun: begin -->gone<!-- orun: end -->" .. around[2]
      local new = assert(merge.section(old, "## Title\n\n%1 text\n"))
      assert.equal(around[1], new:sub(1, #around[1]))
      assert.equal(around[2], new:sub(#new - #around[2] + 1))
      assert.matches("%1 text", new, 1, true)
      assert.equal(new, merge.section(new, "## Title\n\n%1 text\n"))
    end
  end)
end)
