--- The tables of the reference, in lua/README.md and stdlib/README.md, have what the code has:
--- each name that the code takes or gives is a row, and each row is in the code. What the code
--- takes is read from what it says about a name that there is not; the fields of results from
--- the functions that set them, and from results.

local h = require "spec.support.helper"
local orun = require "orun"
local repo = require "spec.support.repo"
local source = require "spec.support.source"

local LUA <const>, STDLIB <const> = "lua/README.md", "stdlib/README.md"

-- ---- the tables ----

local function cells_of(line)
  local cells = {}
  for cell in line:gmatch("|([^|]*)") do cells[#cells + 1] = cell:match("^%s*(.-)%s*$") end
  table.remove(cells) -- behind the last bar
  return cells
end

-- The n-th table below a heading: array of rows {names =, FIELD = text, …}.
local function rows_of(page, heading, n)
  local rows, columns, under, count = {}, nil, false, 0
  for _, line in ipairs(h.lines(assert(h.read(page)))) do
    if line:match("^#+ ") then under = line:match("^#+ (.*)$") == heading end
    if under and line:match("^|") then
      local cells = cells_of(line)
      if not columns then
        columns, count = cells, count + 1
      elseif not line:match("^|[-|]+$") and count == (n or 1) then
        local row = {names = {}, line = line}
        for i, column in ipairs(columns) do row[column] = cells[i] end
        assert(#cells == #columns, "cells are missing: " .. line)
        for name in cells[1]:gmatch("`([^`]+)`") do row.names[#row.names + 1] = name end
        rows[#rows + 1] = row
      end
    else
      columns = nil
    end
  end
  assert(rows[1], ("%s has no table %d below %q"):format(page, n or 1, heading))
  return rows
end

-- The names of rows, each once.
local function names_of(rows, wanted)
  local set = {}
  for _, row in ipairs(rows) do
    for _, name in ipairs(row.names) do
      if not wanted or wanted(row) then
        assert.is_nil(set[name], name .. " has two rows")
        set[name] = row
      end
    end
  end
  return set
end

-- What is in one of two sets only, in words.
local function difference(code, told, page)
  local all = {}
  for name in pairs(code) do
    if not told[name] then all[#all + 1] = ("%s: no row for %s"):format(page, name) end
  end
  for name in pairs(told) do
    if not code[name] then all[#all + 1] = ("%s: %s is not in the code"):format(page, name) end
  end
  table.sort(all)
  return table.concat(all, "\n")
end

local function same(code, told, page)
  assert.is_true(next(code) ~= nil)
  assert.equal("", difference(code, told, page))
end

-- ---- the code ----

-- The names that a message lists behind one that there is not.
local function listed(message)
  local set = {}
  message = tostring(message)
  local list = message:match(" there are (.*)$") or message:match(" it has (.*)$")
  assert(list, "no names in: " .. message)
  for name in list:gsub(" and ", ", "):gmatch("[%a_][%w_]*") do set[name] = true end
  return set
end

-- What a function takes in the table that is its last argument.
local function taken(fn, ...)
  local args = table.pack(...)
  args[args.n + 1] = {zzzzzzzzz = 1}
  local ok, message = pcall(fn, table.unpack(args, 1, args.n + 1))
  assert(not ok)
  return listed(message)
end

local function merged(...)
  local all = {}
  for _, set in ipairs{...} do
    for name in pairs(set) do all[name] = true end
  end
  return all
end

local function agent_fields(more)
  more.name, more.zzzzzzzzz = "one", 1
  local _, message = pcall(orun.agent, more)
  return listed(message)
end

-- The lines of C functions, by name: { [name] = text }.
local function bodies(path)
  local all = {}
  for _, file in ipairs(source.files(path, "-name '*.c'")) do
    for _, fn in ipairs(source.functions(file)) do
      all[fn.name] = table.concat(file.lines, "\n", fn.line, fn.line + fn.length - 1)
    end
  end
  return all
end

-- The fields that these C functions set.
local function set_in(all, functions)
  local set = {}
  for _, name in ipairs(functions) do
    local body = assert(all[name], name .. " is not a function of these files")
    for field in body:gmatch('_set[%w_]*%(%s*L,%s*"([%w_]+)"') do set[field] = true end
    for field in body:gmatch('_text%(L, "([%w_]+)", p') do set[field] = true end
    for field in body:gmatch('_setfield%(L, %-?%w+, "([%w_]+)"') do set[field] = true end
  end
  return set
end

-- The names in a cell: `{a=, b=}`.
local function inside(cell)
  local set = {}
  for name in cell:gmatch("([%a_][%w_]*)=") do set[name] = true end
  return set
end

local function without(set, rows)
  for _, row in ipairs(rows) do
    for name in pairs(inside(row.shape)) do
      if not row.names[1]:match("^" .. name .. "$") then set[name] = nil end
    end
  end
  return set
end

-- ---- functions ----

describe("the reference's functions", function()
  local rows = rows_of(LUA, "Functions")
  local folders = {}
  for _, path in ipairs(h.find("lua", "-mindepth 1 -maxdepth 1 -type d")) do
    folders[path:match("[^/]+$")] = true
  end

  it("are those of orun", function()
    local code, calls = {}, {}
    for name, value in pairs(orun) do
      if not folders[name] or type(value) == "function" then
        code[name:match("^Task") and name or "orun." .. name] = true
      end
    end
    for _, path in ipairs(h.find("lua stdlib", "-maxdepth 1 -name '*.lua'")) do
      code["orun." .. path:match("([%w_]+)%.lua$")] = true
    end
    code["orun.testing"] = true -- of the folders with an init.lua the one for users
    for name, row in pairs(names_of(rows)) do
      if row.call:sub(1, #name + 1) ~= "`" .. name then calls[#calls + 1] = name end
    end
    same(code, merged(names_of(rows), names_of(rows_of(LUA, "For the modules", 2))), LUA)
    assert.equal("", table.concat(calls, " "))
  end)

  it("are globals, where they have no orun before them", function()
    for name in pairs(names_of(rows)) do
      assert.is_true(name:match("^orun%.") ~= nil or _G[name] == orun[name], name)
    end
  end)

  it("take the fields that their calls show", function()
    local before = {["orun.as_completed"] = {{}}, ["orun.retry"] = {print},
      ["orun.limit"] = {"pool"}}
    local seen = 0
    for name, row in pairs(names_of(rows)) do
      local shown = row.call:gsub("→.*", ""):match("{([^}]*=[^}]*)}")
      if shown and not shown:match("=, …$") and not shown:match("= value") then
        local fn = orun[name:gsub("^orun%.", "")]
        same(taken(fn, table.unpack(before[name] or {})), inside("{" .. shown), name)
        seen = seen + 1
      end
    end
    assert.is_true(seen > 10)
  end)

  it("are one table", function()
    for _, row in ipairs(rows) do
      assert.equal(1, #row.names)
      assert.is_true(row.does ~= "", row.line)
    end
  end)
end)

-- ---- fields that functions take ----

describe("the reference's fields", function()
  it("of Task are those it takes", function()
    local code = taken(orun.Task)
    for name in pairs(code) do
      local ok, message = pcall(orun.Task, {run = print, [name] = "x"})
      if not ok and message:match(": " .. name .. " is now ") then code[name] = nil end
    end
    assert.is_nil(code.limit)
    same(code, names_of(rows_of(LUA, "Fields of Task")), LUA)
  end)

  it("of orun.agent are those that each kind of type takes", function()
    local rows = rows_of(LUA, "Fields of orun.agent")
    local kinds = {run = agent_fields{run = print}, command = agent_fields{command = {"x"}},
      preset = agent_fields{preset = "claude"}, api = agent_fields{api = "anthropic"}}
    same(merged(kinds.run, kinds.preset, kinds.api), names_of(rows), LUA)
    for kind in pairs(kinds) do
      local own = names_of(rows, function(row) return row.of == "all" or row.of:find(kind) end)
      -- The message of a type with `run` or `command` lists what either may have.
      for name in pairs(own) do assert.is_true(kinds[kind][name], kind .. ": " .. name) end
      if kind == "preset" or kind == "api" then same(kinds[kind], own, LUA .. ", " .. kind) end
    end
  end)

  it("of orun.config are those it takes, and gives", function()
    local told = names_of(rows_of(LUA, "Names of orun.config"))
    same(taken(orun.config), told, LUA)
    for name in pairs(orun.config()) do assert.is_table(told[name]) end
  end)

  it("of orun.exec are those it takes", function()
    same(taken(orun.exec), names_of(rows_of(LUA, "orun.exec: a program of one's own")), LUA)
  end)

  it("of orun.http are those it takes", function()
    same(taken(orun.http), names_of(rows_of(LUA, "orun.http: a request")), LUA)
  end)
end)

-- ---- patterns ----

-- How a pattern is called, before its options.
local PATTERNS <const> = {fan_out = {{}}, map = {{}, print}, batches = {{}}, pipeline = {{}, print},
  workers = {print}, race = {{print}}, quorum = {{print}, 1}, analyze_then = {print}}

describe("the reference's options", function()
  it("are those that all patterns take", function()
    same(require "orun.pattern.run".OPTIONS,
      names_of(rows_of(STDLIB, "What they have in common")), STDLIB)
  end)

  it("of a pattern are those it takes beside", function()
    local common = names_of(rows_of(STDLIB, "What they have in common"))
    local rows = rows_of(STDLIB, "What they have in common", 2)
    for pattern, before in pairs(PATTERNS) do
      local own = names_of(rows, function(row)
        return (", " .. row.of .. ","):find(" " .. pattern .. ",", 1, true)
      end)
      same(taken(orun[pattern], table.unpack(before)), merged(common, own),
        STDLIB .. ", " .. pattern)
    end
  end)

  it("have their defaults and shapes from the code", function()
    local OPTIONS <const> = require "orun.pattern.run".OPTIONS
    for name, row in pairs(names_of(rows_of(STDLIB, "What they have in common"))) do
      if type(OPTIONS[name]) == "table" then
        local words = {}
        for word in row.shape:gmatch('`"([%w_]+)"`') do words[#words + 1] = word end
        assert.same(OPTIONS[name], words, name)
        assert.equal(('`"%s"`'):format(words[1]), row.default)
      end
    end
  end)
end)

-- ---- results ----

-- Prints the names of all fields of results, tasks' arguments and entries; $1 is a repository.
local SEEN <const> = [[
local seen = {result = {}, array = {}, task = {}, entry = {}}
local function see(kind, t)
  for name in pairs(t) do
    if type(name) == "string" then seen[kind][name] = true end
  end
  return t
end
local function result(spec) return see("result", Task(spec)) end
local function file(name, text)
  local f <close> = io.open(name, "w")
  f:write(text)
end

orun.agent{name = "busy", command = {"sh"}, env = {A = "1"}}
orun.agent{name = "told", run = function(_, task)
  orun.report{activity = "thinks", usage = {input_tokens = 1}, cost = 1, model = "m",
    session_id = "s", denials = {{tool = "x", what = "y"}}}
  if task.prompt == "stay" then orun.sleep "1h" end
  return {task = task}
end}
result{run = function() return 1 end, description = "one"}
result{run = function() error{} end}
result{run = function() error "plain" end}
result{run = function() orun.skip "none" end}
file("in", "x")
result{command = {"cp", "in", "out"}, reads = {"in"}, writes = {"out"}}
result{command = {"cp", "in", "out"}, reads = {"in"}, writes = {"out"}}
result{command = {"sh", "-c", "echo x >half; exit 3"}, reads = {"in"}, writes = {"half"}}
result{command = {"sh", "-c", "kill -9 $$"}}
result{command = {"seq", 99}, max_output = 10}
result{subagent_type = "told", prompt = "go"}
local staying = orun.start{subagent_type = "told", prompt = "stay"}
while not see("result", TaskOutput{task_id = staying, timeout = "10ms"}).activity do end
TaskStop(staying)
orun.limit("one", {slots = 1})
local first = orun.start{run = orun.sleep, input = "1h", pool = "one"}
local second = orun.start{run = print, pool = "one"}
see("result", TaskOutput{task_id = second, block = false})
TaskStop(first)
orun.limit("slow", {rate = "1/h"})
local early = orun.start{run = math.abs, input = 1, pool = "slow"}
local late = orun.start{run = math.abs, input = 1, pool = "slow"}
TaskOutput(early)
see("result", TaskOutput{task_id = late, block = false})
TaskStop(late)
see("result", orun.exec{command = {"sh", "-c", "seq 99; seq 99 >&2; exit 1"}, max_output = 10})

see("result", see("array", orun.fan_out({print}, {timeout = "1h"}))[1])
see("array", orun.fan_out({function() orun.sleep "1h" end}, {timeout = "1ms"}))
see("result", orun.pipeline({1}, math.abs)[1])
see("array", orun.batches({{tasks = {{name = "a", run = print}}}}, {progress = false}))
see("array", orun.workers(function() end, {items = {{description = "x"}}}))
see("array", orun.analyze_then({run = function() return {print} end}, {
  meanwhile = function() return 1 end}))

orun.agent{name = "may", permissions = "full", run = function(_, task)
  if task.attempt == 1 then
    orun.report{session_id = "s", session = {cost = 1, usage = {input_tokens = 1}}}
    error "again"
  end
  return {task = task}
end}
local gave = {subagent_type = "may", schema = {type = "object"}, model = "m", permissions = "read",
  env = {A = "1"}, cwd = ".", description = "look", prompt = "x",
  retry = {max = 1, backoff = 0, resume = true}}
see("task", Task(gave).output.task)
local tree = result{isolation = "worktree", cwd = ..., run = function(_, task)
  file("new", "x")
  return task
end}
see("task", tree.output)

local a = TaskCreate{description = "a", prompt = "p", input = 1, metadata = {x = 1}}
TaskUpdate{task_id = a.id, status = "in_progress", owner = "me"}
see("entry", TaskGet(a.id))
for _, entry in ipairs(TaskList{kind = "all"}) do see("entry", entry) end
print(orun.json.encode(seen))
os.exit(0)
]]

describe("the reference's fields of what there comes back", function()
  local api, vm = bodies("runtime/api"), bodies("runtime/vm")
  local all = setmetatable({}, {__index = function(_, name) return api[name] or vm[name] end})
  local seen

  local function seen_in(kind)
    if not seen then
      local r = h.script(SEEN, {repo.new(), limit = 120})
      assert.equal(0, r.code, r.err)
      seen = orun.json.decode(r.out:match("([^\n]*)\n$"))
      local dir <const> = h.tmpdir()
      h.write(dir .. "/kept.lua", "print(Task{run = function() end}.cached)")
      h.orun{"--store", dir .. "/run.db", dir .. "/kept.lua"}
      r = h.orun{"-q", "--store", dir .. "/run.db", "--resume", dir .. "/kept.lua"}
      seen.result.cached = r.out == "true\n" or nil
    end
    return seen[kind]
  end

  local REPORTED <const> = set_in(all, {"lib_report_push", "lib_push_reason"})

  it("of results are those that are set", function()
    local rows = rows_of(LUA, "Fields of a result")
    local code = merged(REPORTED, set_in(all, {"lib_push_result", "task_result_push",
      "task_result_set", "task_result_set_error", "task_result_set_half"}),
      set_in(all, {"lib_program_push_end"}), {index = true, stage = true}) -- of patterns
    same(code, names_of(rows), LUA)
  end)

  it("of results are all in results", function()
    same(seen_in("result"), names_of(rows_of(LUA, "Fields of a result")), LUA)
  end)

  it("of arrays of results are all in such arrays", function()
    same(seen_in("array"), names_of(rows_of(STDLIB, "What they have in common", 3)), STDLIB)
  end)

  it("of entries are those that are set, and all in entries", function()
    local told = names_of(rows_of(LUA, "Fields of an entry"))
    same(set_in(all, {"lib_push_entry", "lib_push_item", "lib_entry_set_metadata"}), told, LUA)
    for name in pairs(told) do
      if name ~= "skipped" and name ~= "fresh" and name ~= "cached" then
        assert.is_true(seen_in("entry")[name], name)
      end
    end
    for name in pairs(seen_in("entry")) do
      assert.is_truthy(told[name] or REPORTED[name], name)
    end
  end)

  it("of a task's second argument are those that are set, and all in one", function()
    local rows = rows_of(LUA, "Fields of a task's second argument")
    local told, pushed = names_of(rows), {}
    for name in pairs(vm) do
      if name:match("^task_entry_push") then pushed[#pushed + 1] = name end
    end
    assert.is_true(#pushed >= 5)
    same(without(set_in(all, pushed), rows), told, LUA)
    same(seen_in("task"), told, LUA)
  end)
end)

-- ---- error kinds ----

describe("the reference's error kinds", function()
  local told = names_of(rows_of(LUA, "Error kinds"))

  it("are those that there are", function()
    local code = {}
    local faults = h.read("runtime/task/task.h"):match("#define TASK_FAULTS%(X%)(.-)/%*")
    for word in faults:gmatch('X%([%w_]+, "([%w_]+)"%)') do code[word] = word ~= "none" or nil end
    same(code, told, LUA)
  end)

  it("are taken by retry", function()
    for name in pairs(told) do
      local task = orun.Task{run = print, retry = {on = {name}}, run_in_background = true}
      assert.is_true(orun.TaskOutput(task).ok)
    end
  end)

  it("say which may be given to orun.fail", function()
    local _, message = pcall(orun.fail, {kind = "zzzzzzzzz", message = "x"})
    local code = {}
    for word in message:match("expected one of (.*)$"):gmatch("%w+") do code[word] = true end
    same(code, names_of(rows_of(LUA, "Error kinds"), function(row)
      return row["given by"]:find("orun.fail", 1, true)
    end), LUA)
  end)
end)
