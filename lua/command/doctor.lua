--- orun.command.doctor: `orun doctor [--json]`, whether orun can work here, and how well.
--
-- Each check gives rows {area, name, state, value, advice}. The state is "ok"; "note", where
-- something is not there that a run may not need; "warn", where runs will suffer; or "fail", where
-- the main job, tasks, cannot be done. One that fails makes the exit code 1.

local backends = require "orun.agents.backends"
local format = require "orun.util.format"
local json = require "orun.json"
local json_line = require "orun.util.json_line"
local options = require "orun.command.options"
local state_dir = require "orun.util.state_dir"

local HELP <const> = "usage: orun doctor [--json]\n\n"
  .. "Tries what runs need, and says what to do where something is missing: tasks,\n"
  .. "libraries, git, the programs that are agents (their version, and whether\n"
  .. "somebody has logged in, as far as their files and the environment tell), limits\n"
  .. "of the system, folders. No agent is asked anything, and nothing is paid for.\n\n"
  .. "Exit code 1: tasks cannot be run here.\n"

local MIB <const>, GIB <const> = 1 << 20, 1 << 30
local FIRST <const> = 10       -- seconds for a program to tell its version
local PROGRAM <const> = 8      -- descriptors that a running program may need
local LEAST_GIT <const> = "2.38" -- of orun.merge

-- Is version `a` older than `b`? By their numbers.
local function older(a, b)
  local of_a, of_b = a:gmatch("%d+"), b:gmatch("%d+")
  for y in of_b do
    local x = tonumber(of_a() or 0)
    if x ~= tonumber(y) then return x < tonumber(y) end
  end
  return false
end

local function set(name)
  local value = os.getenv(name)
  return value and value ~= ""
end

-- ---- the main job ----

-- A Lua task, a program and a task in a process each do what they are for.
local function work(row)
  local tries = {
    {"Lua tasks", {run = function(n) return n + 1 end, input = 41}, 42,
      "report this, with what ORUN_LOG=sched prints"},
    {"programs", {command = {"sh", "-c", "echo done"}}, "done\n",
      "is there a sh in PATH, and may processes be started (ulimit -u, seccomp)?"},
    {"isolated tasks", {run = function(n) return n + 1 end, input = 41, isolation = "process"},
      42, "may this program's file be executed, and is there memory for one more process?"},
  }
  local specs = {}
  for i, try in ipairs(tries) do
    specs[i] = try[2]
    specs[i].timeout = FIRST
  end
  for i, r in ipairs(orun.fan_out(specs)) do
    local name, _, wanted, advice = table.unpack(tries[i])
    local fine = r.ok and r.output == wanted
    row(name, fine and "ok" or "fail", fine and "run" or r.error or "gave a wrong result",
      advice)
  end
end

-- ---- what is installed ----

local function libraries(row, system)
  row("Lua", "ok", system.lua)
  local libuv = system.libuv
  if older(libuv, "1.45") or not older(libuv, "1.49") then
    row("libuv", "ok", libuv)
  else
    row("libuv", "note", libuv .. ", which may hand files to a busy kernel thread",
      "UV_USE_IO_URING=0 in the environment, or libuv 1.49")
  end
  if system.libcurl then
    row("libcurl", "ok", system.libcurl)
  else
    row("libcurl", "note", "none, so no agents by API and no orun.http", system.no_libcurl)
  end
  if system.no_libedit then
    row("libedit", "note", "none, so orun repl edits and recalls no lines", system.no_libedit)
  else
    row("libedit", "ok", "there, for orun repl")
  end
end

-- What the programs of these names print for --version: {[name] = its first line}.
local function versions_of(names)
  local specs, lines = {}, {}
  for i, name in ipairs(names) do
    specs[i] = {command = {name, "--version"}, timeout = FIRST, description = name}
  end
  for i, r in ipairs(orun.fan_out(specs)) do
    lines[names[i]] = r.ok and r.output:match("[^\n]+") or nil
    orun.dismiss(r)
  end
  return lines
end

-- Why the program may be used, or nil: a variable that is set, or the file of a login.
local function login_of(login)
  for _, key in ipairs(login.keys) do
    if set(key) then return key .. " is set" end
  end
  local folder = login.home and set(login.home) and os.getenv(login.home)
    or (os.getenv "HOME" or "") .. "/" .. login.folder
  local file <close> = io.open(folder .. "/" .. login.file)
  return file and "logged in"
end

local function agent(row, name, version)
  local login = require("orun.preset." .. name).login
  if not orun.program(name) then
    row(name, "note", "not installed")
  elseif not version then
    row(name, "warn", "does not tell its version",
      ("try %s --version in a terminal"):format(name))
  else
    local by = login_of(login)
    row(name, by and "ok" or "warn", ("%s, %s"):format(version, by or "not logged in"),
      not by and login.how .. ", or set " .. login.keys[1] or nil)
  end
end

local function programs(row)
  local there, found = {}, false
  for _, name in ipairs{"git", table.unpack(backends.PROGRAMS)} do
    if orun.program(name) then there[#there + 1] = name end
  end
  local lines = versions_of(there)
  local git = lines.git and lines.git:match("%d[%d.]*")
  if not git then
    row("git", "note", "not installed, so no worktrees and no orun review", "install git")
  else
    local old = older(git, LEAST_GIT)
    row("git", old and "warn" or "ok", git,
      old and ("orun.merge needs %s"):format(LEAST_GIT) or nil)
  end
  for _, name in ipairs(backends.PROGRAMS) do
    agent(row, name, lines[name])
    found = found or lines[name]
  end
  for _, name in ipairs(backends.LLMS) do
    local key = name:upper() .. "_API_KEY"
    local given = set(key)
    row(name .. " API", given and "ok" or "note", key .. (given and " is set" or " is not set"))
    found = found or given
  end
  if not found then
    row("agents", "note", "none can be used here: tasks are functions and programs",
      "install one of these, or set a key")
  end
end

-- ---- what the system allows ----

-- The number in a file of the control groups or the kernel, or nil.
local function number_in(path)
  local file <close> = io.open(path)
  return file and math.tointeger(tonumber(file:read("l") or ""))
end

-- How many processes the control group of this process may have, and has.
local function group_processes()
  for line in io.lines "/proc/self/cgroup" do
    local path = line:match("^0::(.*)$") or line:match("^%d+:pids:(.*)$")
    local top = path and (line:find("^0:") and "/sys/fs/cgroup" or "/sys/fs/cgroup/pids") .. path
    local most = top and number_in(top .. "/pids.max")
    if most then return most, number_in(top .. "/pids.current") or 0 end
  end
end

local function limits(row, system)
  local config = orun.config()
  row("processors", "ok", ("%d; %d Lua tasks at once (--workers), %d programs (-j)"):format(
    system.processors, config.workers, config.processes))
  local free = system.memory_free or system.memory
  row("memory", free < 512 * MIB and "warn" or "ok", ("%s, %s of it free"):format(
    format.bytes(system.memory), format.bytes(free)),
    free < 512 * MIB and "agents take some 300 MiB each: -j 1, or memory = in their types" or nil)
  local files = system.descriptors
  local needed = (config.processes + config.http) * PROGRAM
  row("descriptors", files and files < needed and "warn" or "ok", tostring(files or "no limit"),
    files and files < needed and ("ulimit -n %d: -j %d and %d requests may need so many"):format(
      needed, config.processes, config.http) or nil)
  local most, now = group_processes()
  local users = system.user_processes
  local room = math.min(users or math.huge, most and most - now or math.huge)
  row("processes", room < 64 and "warn" or "ok", room == math.huge and "no limit"
    or ("%d%s"):format(math.tointeger(room), most and room == most - now
      and " more in this control group" or " for this user"),
    room < 64 and "ulimit -u, or pids.max of the container" or nil)
end

-- ---- where files go ----

local function folders(row, system, temp)
  local path = os.tmpname()
  local there = path and io.open(path, "w")
  if there then there:close() end
  if path then os.remove(path) end
  local low = system.disk_free and system.disk_free < GIB
  row("temporary", not there and "warn" or low and "warn" or "ok", not there
    and temp .. " cannot be written to" or ("%s, %s free"):format(temp,
      format.bytes(system.disk_free or 0)),
    not there and "set TMPDIR to a folder of yours: prompts and long outputs are kept there"
    or low and "long outputs are kept there: set TMPDIR to a larger disk" or nil)
  local state, why = state_dir.folder()
  row("state", state and "ok" or "warn", state or why,
    not state and "set XDG_STATE_HOME: kept runs, records and times of tasks are there" or nil)
end

-- ---- the command ----

local CHECKS <const> = {
  {"work", work}, {"libraries", libraries}, {"programs", programs}, {"limits", limits},
  {"folders", folders},
}

local function examine()
  local temp = os.getenv "TMPDIR" or "/tmp"
  local system, rows = orun.system(temp), json.array{}
  for _, check in ipairs(CHECKS) do
    local area = check[1]
    local ok, why = pcall(check[2], function(name, state, value, advice)
      rows[#rows + 1] = {area = area, name = name, state = state, value = value,
        advice = state ~= "ok" and advice or nil}
    end, system, temp)
    if not ok then
      rows[#rows + 1] = {area = area, name = area, state = area == "work" and "fail" or "warn",
        value = tostring(why)}
    end
  end
  return rows
end

local MARKS <const> = {ok = "ok", note = "-", warn = "!", fail = "FAILS"}

local function print_text(rows)
  print("orun " .. orun.version)
  local area
  for _, r in ipairs(rows) do
    if r.area ~= area then print(("\n%s"):format(r.area)) end
    area = r.area
    print(("  %-5s  %-14s  %s"):format(MARKS[r.state], r.name, format.line(r.value, 1000)))
    if r.advice then print(("         %-14s  -> %s"):format("", format.line(r.advice, 1000))) end
  end
end

return options.command("orun doctor", HELP, function(...)
  local args = options.read({["--json"] = {"json"}}, {...})
  if args[1] then options.usage("%s is one word too many", args[1]) end
  local rows, failed = examine(), false
  for _, r in ipairs(rows) do failed = failed or r.state == "fail" end
  if args.json then
    print(json_line{version = orun.version, ok = not failed, checks = rows})
  else
    print_text(rows)
    print(failed and "\norun cannot do its work here: see FAILS above."
      or "\norun can work here.")
  end
  return failed and 1 or 0
end)
