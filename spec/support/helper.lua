--- What specs need to run orun like a user would: a command line, its input,
--- its output and its exit code, and folders that vanish afterwards.
---
--- `ORUN_BIN` (made absolute by run.sh) is the program under test, so the
--- sanitizer builds run the very same specs. `ORUN_WRAP` is put before it
--- (valgrind), `ORUN_SLOW` stretches the time limits. Works in any Lua 5.4.

local M = {}

local SIGNALS <const> = { INT = 2, QUIT = 3, ABRT = 6, KILL = 9, SEGV = 11,
                          TERM = 15, HUP = 1, STOP = 19, CONT = 18, TSTP = 20,
                          USR1 = 10, USR2 = 12, WINCH = 28 }

--- `s` as one word of a POSIX shell.
function M.quote(s)
  return "'" .. tostring(s):gsub("'", "'\\''") .. "'"
end

local quote = M.quote

--- The bytes of a file; nil and a message when it cannot be read.
function M.read(path)
  local file <close>, err = io.open(path, "rb")
  if not file then return nil, err end
  return file:read("a")
end

--- Make (or replace) a file; raises when that fails. Gives the path back.
function M.write(path, text)
  local file <close> = assert(io.open(path, "wb"))
  assert(file:write(text))
  return path
end

--- Is there a file or folder at `path`?
function M.exists(path)
  local file = io.open(path, "rb")
  if file then file:close() end
  return file ~= nil
end

local function line_of(cmd)
  local pipe <close> = assert(io.popen(cmd, "r"))
  return (assert(pipe:read("l"), "no answer from: " .. cmd))
end

--- The root of the source tree: specs are started there.
M.root = os.getenv("ORUN_ROOT") or line_of("pwd -P")

--- How much slower than usual the program under test is (1 = not at all).
M.slow = tonumber(os.getenv("ORUN_SLOW")) or 1

--- What is under test: "", "asan", "tsan", "ubsan" or "valgrind".
M.variant = os.getenv("ORUN_VARIANT") or ""

--- Absolute path of the program under test.
M.bin = os.getenv("ORUN_BIN") or M.root .. "/orun"

--- Absolute path of the test build, which has `require "orun.test"`.
M.test_bin = os.getenv("ORUN_TEST_BIN") or M.root .. "/build/test/orun"

--- Absolute path of the library under test.
M.lib = os.getenv("ORUN_LIB") or M.root .. "/build/liborun.a"

local wrap <const> = os.getenv("ORUN_WRAP") or ""

-- Folders that are made but not given yet: one call of mkdir makes many.
local folders = {}
local FOLDERS <const> = 32

--- A new empty folder that is its user's only. run.sh removes it at the end of the file.
function M.tmpdir()
  if #folders == 0 then
    local top = os.getenv("ORUN_SPEC_TMP") or os.getenv("TMPDIR") or "/tmp"
    local line = ("cd \"$(mktemp -d %s)\" && mkdir -m 700 $(seq %d) && pwd -P"):format(
      quote(top .. "/orun-spec.XXXXXX"), FOLDERS)
    local parent = line_of(line)
    for i = FOLDERS, 1, -1 do folders[#folders + 1] = parent .. "/" .. i end
  end
  return table.remove(folders)
end

-- Remove a folder; most have the files of a run and no more.
local function remove(files)
  for _, name in ipairs{"in", "out", "err"} do os.remove(files.dir .. "/" .. name) end
  if not os.remove(files.dir) then os.execute("rm -rf " .. quote(files.dir)) end
end

-- What is changed of the environment. What orun remembers of a run goes with it, unless
-- told where it is to stay.
local function env_of(opts, files)
  local env = { XDG_STATE_HOME = files.dir .. "/state" }
  for name, value in pairs(opts.env or {}) do env[name] = value end
  return env
end

-- The words of `opts` and what surrounds them, as one shell command that
-- becomes the program: no shell stays in between, so signals are seen as such.
local function command_of(opts, files, limit)
  local words = { "exec env --default-signal=INT,QUIT" }
  local names, env = {}, env_of(opts, files)
  for name in pairs(env) do names[#names + 1] = name end
  table.sort(names)
  for _, name in ipairs(names) do
    if env[name] == false then
      table.insert(words, 2, "-u " .. quote(name))
    else
      words[#words + 1] = quote(name .. "=" .. env[name])
    end
  end
  if limit then words[#words + 1] = ("timeout -k 5 %g"):format(limit) end
  for _, word in ipairs(opts) do words[#words + 1] = word end
  return table.concat(words, " ")
end

local function files_of(opts)
  local dir = M.tmpdir()
  local files = { dir = dir, out = dir .. "/out", err = dir .. "/err",
                  stdin = "/dev/null" }
  if opts.stdin then files.stdin = M.write(dir .. "/in", opts.stdin) end
  return files
end

local function redirected(cmd, opts, files)
  return ("cd %s && %s <%s >%s 2>%s"):format(quote(opts.cwd or M.root), cmd,
    quote(files.stdin), quote(files.out), quote(files.err))
end

local function result_of(files, how, code)
  local signal = how == "signal" and code or nil
  return { code = signal and 128 + signal or code, signal = signal,
           out = M.read(files.out) or "", err = M.read(files.err) or "" }
end

-- Run words that are already quoted; 120 seconds (times slow) unless told: a limit is
-- there for what hangs, and not for a machine with other work.
local function run(words, opts)
  local files = files_of(opts)
  words.env = opts.env
  local cmd = command_of(words, files, (opts.limit or 120) * M.slow)
  local _, how, code = os.execute(redirected(cmd, opts, files))
  local result = result_of(files, how, code)
  remove(files)
  return result
end

local function orun_words(opts)
  local words = { wrap, quote(opts.bin or M.bin) }
  for _, word in ipairs(opts) do words[#words + 1] = quote(word) end
  return words
end

--- Run a shell command line; `opts` as for `orun`.
---   h.sh("ls | wc -l") -> { code =, signal =, out =, err = }
function M.sh(cmd, opts)
  return run({ "/bin/sh -c " .. quote(cmd) }, opts or {})
end

--- Run orun: `h.orun{ "script.lua", "arg", stdin = "text", cwd = dir,
--- env = { NAME = "value", GONE = false }, limit = 10 }`.
--- Gives { code =, signal =, out =, err = }: `code` as a shell would say it
--- (128 + signal), 124 after `limit` seconds (120 unless told). `bin =
--- h.test_bin` runs the test build.
function M.orun(opts)
  return run(orun_words(opts), opts)
end

--- Run a script given as text, in a folder of its own where it is called
--- `script.lua`; `opts` as for `orun` (its words are the script's arguments).
---   h.script("print(...)", { "hello" }).out == "hello\n"
function M.script(text, opts)
  opts = opts or {}
  local all = { "script.lua" }
  for key, value in pairs(opts) do
    all[math.type(key) and key + 1 or key] = value
  end
  all.cwd = opts.cwd or M.tmpdir()
  M.write(all.cwd .. "/script.lua", text)
  return M.orun(all)
end

--- What a script printed that must end well: stdout, stderr. Takes what `script` does.
function M.printed(text, opts)
  local r = M.script(text, opts)
  assert(r.code == 0, r.err)
  return r.out, r.err
end

local Running <const> = { __name = "spec.running" }
Running.__index = Running

--- Start orun and go on: `local p = h.start{ "script.lua" }`, `opts` as for
--- `orun`. `p.pid` is orun's own process. With `job = true` it is a job as an
--- interactive shell has them, in a process group of its own, so SIGTSTP stops
--- it.
function M.start(opts)
  local files = files_of(opts)
  local words = orun_words(opts)
  words.env = opts.env
  local cmd = redirected(command_of(words, files), opts, files)
  local rc = quote(files.dir .. "/rc")
  -- A job that is stopped ends the wait, too; it is waited for again.
  local script = ("sh -c %s & echo $! >%s; while :; do wait $!; code=$?; "
    .. "kill -0 $! 2>/dev/null || break; sleep 0.05; done; "
    .. "echo $code >%s.new; mv %s.new %s"):format(quote(cmd), quote(files.dir .. "/pid"),
    rc, rc, rc)
  local shell = opts.job and "bash -mc" or "sh -c"
  os.execute(("%s %s >/dev/null 2>&1 &"):format(shell, quote(script)))
  local self = setmetatable({ files = files }, Running)
  M.wait_for(function() return (M.read(files.dir .. "/pid") or "") ~= "" end)
  self.pid = tonumber(M.read(files.dir .. "/pid"))
  return self
end

--- Send a signal by its name: `p:kill("TERM")`.
function Running:kill(name)
  assert(SIGNALS[name], "unknown signal: " .. tostring(name))
  os.execute(("kill -%s %d 2>/dev/null"):format(name, self.pid))
end

--- What it has printed so far: stdout, stderr.
function Running:printed()
  return M.read(self.files.out) or "", M.read(self.files.err) or ""
end

--- Its state, as the kernel's letter: "S" asleep, "R" running, "T" stopped; nil
--- when it is gone.
function Running:state()
  local stat = M.read(("/proc/%d/stat"):format(self.pid))
  return stat and stat:match("%) (%a)")
end

--- Wait for its end (60 seconds unless told); the result as `orun` gives it,
--- or nil when it still runs.
function Running:wait(limit)
  local path = self.files.dir .. "/rc"
  if not M.wait_for(function() return M.exists(path) end, limit) then
    return nil, "still running"
  end
  local code = tonumber(M.read(path))
  if code > 128 then return result_of(self.files, "signal", code - 128) end
  return result_of(self.files, "exit", code)
end

local has_orun, orun = pcall(require, "orun")
local INTERVAL <const> = 0.01

local function nap()
  if has_orun then orun.sleep(INTERVAL) else os.execute("sleep " .. INTERVAL) end
end

--- Ask `done` every 10 ms until it gives something true, which is given back;
--- nil after `limit` seconds (60 unless told, times slow).
function M.wait_for(done, limit)
  for _ = 1, (limit or 60) * M.slow // INTERVAL do
    local answer = done()
    if answer then return answer end
    nap()
  end
  return nil, "timed out"
end

--- The first of `try(0.3)`, `try(3)` and `try(30)` that comes back with something true: for
--- what must get so far in its time and then be ended by it, on a machine that may have
--- other work. A test that needs no more than the first is quick, and none depends on that.
function M.in_time(try)
  for _, seconds in ipairs{0.3, 3, 30} do
    local answer = try(seconds * M.slow)
    if answer then return answer end
  end
  error("not even in 30 s", 2)
end

--- The pieces of `text` between newlines (none after the last one).
function M.lines(text)
  local all = {}
  for line in (text:gsub("([^\n])$", "%1\n")):gmatch("(.-)\n") do
    all[#all + 1] = line
  end
  return all
end

--- Sorted paths below `where` (relative to the root) that `find` gives for
--- `test`: `h.find("runtime", "-name '*.h'")`.
function M.find(where, test)
  local all = M.lines(M.sh(("find %s %s | LC_ALL=C sort"):format(where,
    test or "")).out)
  return all
end

return M
