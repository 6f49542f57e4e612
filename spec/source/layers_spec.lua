--- The map of runtime/: which folder may include and call which, line 1 of every
--- file, calls that come back to no file, and what the READMEs say of all that.

local h = require "spec.support.helper"
local source = require "spec.support.source"

-- What each folder may use beside itself, as its README says, too. supervisor/ is
-- a program of its own, of which others know only the protocol.
local MAY_USE <const> = {
  base = "",
  value = "base",
  thread = "base",
  store = "base value thread",
  remote = "base value thread",
  supervisor = "base",
  task = "base value thread",
  sched = "base value thread task",
  vm = "base value thread task sched",
  engine = "base value thread task sched vm",
  journal = "base value store thread task sched vm engine",
  http = "base value thread task sched vm engine",
  control = "base value thread task sched vm engine",
  process = "base value thread task sched vm engine control supervisor/supervisor_protocol.h",
  runner = "base value thread task sched vm engine control http process",
  api = "base value store thread task sched vm engine journal control http process runner",
  child = "base value thread task sched vm engine control http process runner api",
  view = "base value thread task sched vm engine control http process runner api",
  embed = "base value store thread task sched vm engine journal control http process runner api " ..
    "view",
  cli = "base value store thread task sched vm engine journal control http process runner api " ..
    "view embed child",
}

local function contains(list, item)
  for _, each in ipairs(list or {}) do
    if each == item then return true end
  end
  return false
end

-- May a file of this folder use that header, or (without one) that folder?
local function may_use(folder, other, header)
  if folder == other then return true end
  for word in MAY_USE[folder]:gmatch("%S+") do
    if word == other or word == header then return true end
  end
  return false
end

local function folder_of(path) return path:match("^runtime/(%w+)/") end

describe("layers", function()
  local files = source.files("runtime", "-name '*.[ch]'")
  local by_name = {}
  for _, file in ipairs(files) do by_name[file.path:match("^runtime/(.*)$")] = file end

  it("finds the sources, each in a folder that the table has", function()
    assert.is_true(#files > 100)
    for _, file in ipairs(files) do
      local folder = folder_of(file.path)
      local public = file.path:find("^runtime/orun[_%a]*%.h$")
      assert.is_true(public ~= nil or MAY_USE[folder] ~= nil, file.path)
    end
  end)

  it("gives each file a name of its own, whatever its folder", function()
    local seen = {} -- an archive knows objects by their name only
    for _, file in ipairs(files) do
      assert.is_nil(seen[file.name], ("%s and %s"):format(file.path, seen[file.name]))
      seen[file.name] = file.path
    end
  end)

  it("says on line 1 of each file what it is", function()
    for _, file in ipairs(files) do
      local name, what = (file.lines[1] or ""):match("^/%* ([%w_.]+) — (.+)$")
      assert.equal(file.name, name, file.path .. ": line 1")
      assert.is_true(#what > 10, file.path .. ": line 1 says too little")
    end
  end)

  it("includes only what exists and what its folder may use", function()
    for _, file in ipairs(files) do
      for _, header in ipairs(source.includes(file)) do
        local told = ("%s includes %s"):format(file.path, header)
        assert.is_true(h.exists("runtime/" .. header), told)
        local folder, other = folder_of(file.path), header:match("^(%w+)/")
        assert.is_true(not other or may_use(folder, other, header), told)
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
    for name in pairs(by_name) do visit(name, "") end
  end)

  it("includes each file's own header", function()
    for name, file in pairs(by_name) do
      local own = name:gsub("%.c$", ".h")
      if own ~= name and by_name[own] then
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

  -- What the objects of the build under test define and want, by the names of
  -- their sources: { [symbol] = file }, { [file] = { symbol, ... } }. Objects
  -- without a source are old.
  local function symbols()
    local folder = h.test_bin:match("^(.*)/")
    local r = h.sh("cd '" .. folder .. "' && find . -name '*.o' | xargs nm -A -g --")
    assert.equal(0, r.code, r.err)
    local home, wanted = {}, {}
    for name, kind, symbol in r.out:gmatch("%./([%w_/]+)%.o:[%x ]* (%a) ([^\n]+)") do
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

  local home, wanted = symbols()
  local names = {}
  for name in pairs(wanted) do names[#names + 1] = name end
  table.sort(names)

  it("go one way: no file is called by what it calls", function()
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
    for _, name in ipairs(names) do
      if not state[name] then visit(name) end
    end
    assert.is_true(seen > 100)
    assert.equal("", table.concat(circles, "\n"))
  end)

  it("stay in the folders that a folder may use", function()
    local wrong = {}
    for _, name in ipairs(names) do
      for _, symbol in ipairs(wanted[name]) do
        local folder, other = name:match("^%w+"), (home[symbol] or name):match("^%w+")
        if not may_use(folder, other) then
          wrong[#wrong + 1] = ("%s calls %s of %s"):format(name, symbol, home[symbol])
        end
      end
    end
    assert.equal("", table.concat(wrong, "\n"))
  end)
end)

describe("the README of each folder of lua/", function()
  -- The folders of lua/ whose modules a folder requires, also where the name is put together.
  local function required(folder)
    local uses = {}
    for _, file in ipairs(source.files("lua/" .. folder, "-name '*.lua'")) do
      for _, line in ipairs(file.lines) do
        if line:match("require") and not line:match("^%s*%-%-") then
          for name in line:gmatch('"orun%.([%w_]+)') do
            if name ~= folder and h.exists("lua/" .. name .. "/") then uses[name] = true end
          end
        end
      end
    end
    return uses
  end

  local function sorted(set)
    local list = {}
    for name in pairs(set) do list[#list + 1] = name end
    table.sort(list)
    return table.concat(list, " ")
  end

  for _, path in ipairs(h.find("lua", "-mindepth 1 -maxdepth 1 -type d")) do
    local folder = path:match("[^/]+$")
    local page = path .. "/README.md"

    it("names the files and the folders used by " .. folder, function()
      local text = assert(h.read(page), page .. " is missing")
      local told, files = {}, {}
      for name in text:gmatch("\n| `([%w_.]+)` |") do told[name] = true end
      for _, file in ipairs(h.find(path, "-type f -not -name README.md")) do
        files[file:match("[^/]+$")] = true
      end
      assert.equal(sorted(files), sorted(told), page)

      local uses = {}
      for name in text:match("\nUses (.-)\n\n"):gmatch("%]%(%.%./([%w_]+)%)") do
        uses[name] = true
      end
      assert.equal(sorted(required(folder)), sorted(uses), page)
    end)
  end
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
      local mirrored = path:gsub("^spec/unit/", "runtime/"):gsub("^spec/lua/", "lua/")
      local above, name = path:match("^(.*)/([^/]+)$")
      local told = above and (h.read(above .. "/README.md") or h.read("spec/README.md"))
        :find(name .. "/", 1, true)
      assert.is_true(h.exists(path .. "/README.md") or told ~= nil
        or mirrored ~= path and h.exists(mirrored),
        path .. " has no README.md, and none above speaks of it")
    end
  end)
end)

describe("the README of a folder of runtime/", function()
  local files = source.files("runtime", "-name '*.[ch]'")
  local folders, named = {}, {} -- { [folder] = { [name of a file] = true } }
  for _, file in ipairs(files) do
    local folder = folder_of(file.path)
    if folder and not named[folder] then
      named[folder], folders[#folders + 1] = {}, folder
    end
    if folder then named[folder][file.name:match("^[^.]+")] = true end
  end

  local function page(folder) return h.read("runtime/" .. folder .. "/README.md") end

  local function words(text, pattern)
    local list = {}
    for word in text:gmatch("`(" .. pattern .. ")`") do list[#list + 1] = word end
    return list
  end

  it("says what the folder may use", function()
    for _, folder in ipairs(folders) do
      local told = assert(page(folder):match("\nMay use (.-)%.%s"), folder)
      assert.equal(MAY_USE[folder], table.concat(words(told, "[%w_./]+"), " "), folder)
    end
  end)

  it("names each file once, and no other", function()
    local wrong = {}
    for _, folder in ipairs(folders) do
      local told = {}
      for row in page(folder):gmatch("\n| (`[^|]*`) |") do
        for _, name in ipairs(words(row, "[%w_]+")) do
          if told[name] or not named[folder][name] then
            wrong[#wrong + 1] = ("%s/README.md names %s"):format(folder, name)
          end
          told[name] = true
        end
      end
      for name in pairs(named[folder]) do
        if not told[name] then
          wrong[#wrong + 1] = ("%s/README.md does not name %s"):format(folder, name)
        end
      end
    end
    table.sort(wrong)
    assert.equal("", table.concat(wrong, "\n"))
  end)

  it("speaks of functions, types and files that there are", function()
    local known, wrong = {}, {}
    for _, file in ipairs(files) do
      for _, line in ipairs(file.lines) do
        for word in line:gmatch("[%a_][%w_]*") do known[word] = true end
      end
    end
    for _, path in ipairs(h.find("runtime", "-name README.md")) do
      for _, name in ipairs(words(h.read(path), "[%a_][%w_.%s]*")) do
        for word in name:gmatch("[%a_][%w_]*") do
          if not known[word] then
            wrong[#wrong + 1] = ("%s speaks of %s"):format(path, word)
          end
        end
      end
      for _, name in ipairs(words(h.read(path), "%w[%w_/]*/[%w_.]*")) do
        if not h.exists(name) and not h.exists("runtime/" .. name) then
          wrong[#wrong + 1] = ("%s speaks of %s"):format(path, name)
        end
      end
    end
    assert.equal("", table.concat(wrong, "\n"))
  end)
end)
