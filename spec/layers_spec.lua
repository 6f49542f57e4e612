--- The map of runtime/: line 1 of every file, includes that go only down, and
--- calls that come back to no file.

local h = require "spec.support.helper"
local source = require "spec.support.source"

-- Programs of their own: they hold nothing of the runtime but the ground.
local PROGRAMS <const> = {
  ["keeper_main.c"] = true, ["keeper_tree.c"] = true, ["bundle_make.c"] = true,
  ["bundle_method.c"] = true,
}

local function contains(list, item)
  for _, each in ipairs(list or {}) do
    if each == item then return true end
  end
  return false
end

describe("layers", function()
  local files = source.files("runtime", "-name '*.[ch]'")
  local layer, by_name = {}, {}
  for _, file in ipairs(files) do
    by_name[file.name] = file
    layer[file.name] = tonumber((file.lines[1] or ""):match("Layer (%d+)"))
  end

  -- A .c file stands where its header stands; without one, where line 1 says.
  local function layer_of(file)
    local base = file.name:match("^(.*)%.")
    return layer[file.name] or layer[base .. ".h"]
      or layer[base:match("^[^_]+") .. ".h"]
  end

  it("finds the sources", function()
    assert.is_true(#files > 10)
  end)

  it("says on line 1 of each file what it is", function()
    for _, file in ipairs(files) do
      local name, what = (file.lines[1] or ""):match("^/%* ([%w_.]+) — (.+)$")
      assert.equal(file.name, name, file.path .. ": line 1")
      assert.is_true(#what > 10, file.path .. ": line 1 says too little")
    end
  end)

  it("names the layer of each header on line 1", function()
    for _, file in ipairs(files) do
      if file.name:match("%.h$") then
        assert.is_truthy(layer[file.name], file.path .. ": no layer on line 1")
      end
    end
  end)

  it("gives every .c file a layer", function()
    for _, file in ipairs(files) do
      if not PROGRAMS[file.name] then
        assert.is_truthy(layer_of(file), file.path .. ": no layer")
      end
    end
  end)

  it("includes only what exists", function()
    for _, file in ipairs(files) do
      for _, header in ipairs(source.includes(file)) do
        assert.is_true(h.exists("runtime/" .. header),
          ("%s includes %s"):format(file.path, header))
      end
    end
  end)

  it("includes only downwards", function()
    for _, file in ipairs(files) do
      local mine = PROGRAMS[file.name] and 5 or layer_of(file) or -1
      for _, header in ipairs(source.includes(file)) do
        assert.is_true((layer[header] or 99) <= mine,
          ("%s (layer %d) includes %s (layer %s)"):format(file.path, mine,
            header, layer[header]))
      end
    end
  end)

  it("has no circle of headers", function()
    local state = {}
    local function visit(name, path)
      assert.is_true(state[name] ~= "open", path .. " > " .. name)
      if state[name] or not by_name[name] then return end
      state[name] = "open"
      for _, header in ipairs(source.includes(by_name[name])) do
        visit(header, path .. " > " .. name)
      end
      state[name] = "done"
    end
    for _, file in ipairs(files) do visit(file.name, "") end
  end)

  it("includes each file's own header", function()
    for _, file in ipairs(files) do
      local own = file.name:gsub("%.c$", ".h")
      if own ~= file.name and h.exists("runtime/" .. own) then
        assert.is_true(contains(source.includes(file), own),
          file.path .. " does not include " .. own)
      end
    end
  end)
end)

describe("calls", function()
  -- Lua's own, which foreign.c stands in front of when the command is linked:
  -- who calls them does not mean it.
  local function is_luas(symbol) return symbol:match("^lua") ~= nil end

  -- What the objects of the build under test define and want: { [symbol] =
  -- file }, { [file] = { symbol, ... } }. Objects without a source are old.
  local function symbols()
    local folder = h.test_bin:match("^(.*)/")
    local r = h.sh("cd '" .. folder .. "' && nm -A -g -- *.o")
    assert.equal(0, r.code, r.err)
    local home, wanted = {}, {}
    for name, kind, symbol in r.out:gmatch("([%w_]+)%.o:[%x ]* (%a) ([^\n]+)") do
      if h.exists("runtime/" .. name .. ".c") and not is_luas(symbol) then
        if kind == "U" then
          wanted[name] = wanted[name] or {}
          table.insert(wanted[name], symbol)
        elseif kind:match("[TDBRVWC]") then
          home[symbol] = name
        end
      end
    end
    return home, wanted
  end

  it("go one way: no file is called by what it calls", function()
    local home, wanted = symbols()
    local state, path, circles, seen = {}, {}, {}, 0
    local function visit(name)
      state[name], path[#path + 1] = "open", name
      for _, symbol in ipairs(wanted[name] or {}) do
        local to = home[symbol]
        if to and to ~= name then
          seen = seen + 1
          if state[to] == "open" then
            circles[#circles + 1] = ("%s calls %s of %s, from which it is called"
              .. " (%s)"):format(name, symbol, to, table.concat(path, " > "))
          elseif not state[to] then
            visit(to)
          end
        end
      end
      state[name], path[#path] = "done", nil
    end
    local names = {}
    for name in pairs(wanted) do names[#names + 1] = name end
    table.sort(names)
    for _, name in ipairs(names) do
      if not state[name] then visit(name) end
    end
    assert.is_true(seen > 100)
    assert.equal("", table.concat(circles, "\n"))
  end)
end)

describe("folders", function()
  it("are the six of the design", function()
    local found = h.find(".", "-mindepth 1 -maxdepth 1 -type d"
      .. " -not -name '.*' -not -name build")
    assert.same({ "./examples", "./lua", "./runtime", "./spec", "./stdlib" },
      found)
  end)

  it("have a README, or are explained in the one above", function()
    for _, path in ipairs(h.find("runtime lua stdlib examples spec",
        "-type d -not -path '*/corpus/*' -not -path '*/.*'")) do
      local above, name = path:match("^(.*)/([^/]+)$")
      local told = above and (h.read(above .. "/README.md") or "")
        :find(name .. "/", 1, true)
      assert.is_true(h.exists(path .. "/README.md") or told ~= nil,
        path .. " has no README.md, and none above speaks of it")
    end
  end)
end)
