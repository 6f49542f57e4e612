--- What the system refuses: descriptors, processes, threads, room on the disk,
--- folders. Each ends in what was wanted or in an error that names the cause,
--- and never in less output than there was.

local h = require "spec.support.helper"

-- A program that has system calls of others refused (refuse.c), built once.
local refuse

local EAGAIN <const>, ENOMEM <const>, ENFILE <const>, EACCES <const> = 11, 12, 23, 13
local ENOSPC <const>, EROFS <const>, ENOSYS <const> = 28, 30, 38

setup(function()
  refuse = h.tmpdir() .. "/refuse"
  assert.equal(0, h.sh("cc -std=c11 -o " .. h.quote(refuse) .. " spec/support/refuse.c").code)
end)

-- Run a script under `refuse CALL ERRNO FIRST LAST`.
local function refused(call, errno, first, last, script, options)
  local dir = h.tmpdir()
  h.write(dir .. "/script.lua", script)
  options = options or {}
  options.cwd = dir
  local r = h.sh(("%s %s %d %d %d %s script.lua"):format(h.quote(refuse), call, errno, first,
    last, h.quote(h.bin)), options)
  if r.code == 125 then pending("system calls cannot be filtered here") end
  return r
end

-- Run a script with a limit of the shell's ulimit.
local function limited(limit, script)
  local dir = h.tmpdir()
  h.write(dir .. "/script.lua", script)
  -- What the suite's own caller has left open is not the program's.
  local line = ([[for fd in /proc/$$/fd/*; do
      fd=${fd##*/}
      [ "$fd" -lt 3 ] || eval "exec $fd>&-"
    done
    ulimit %s
    exec %s script.lua]]):format(limit, h.quote(h.bin))
  return h.sh("exec bash -c " .. h.quote(line), {cwd = dir})
end

local CAT <const> = [[
  orun.agent{name = "cat", command = {"cat"}}
  local lua = Task{run = function() orun.sleep(0.01) return "lua" end, run_in_background = true}
  local r = Task{subagent_type = "cat", prompt = "cat"}
  print(r.output ~= "" and r.output, r.error_kind, TaskOutput(lua).output)
  print(r.error)]]

-- Sanitizers need more memory and threads than the limits of some tests leave.
local function plain_only()
  if h.variant ~= "" then pending("only in the plain build") end
end

describe("without processes to be had, orun", function()
  it("F12 tries again, and nobody notices", function()
    for _, errno in ipairs{EAGAIN, ENOMEM} do
      -- The first is the supervisor itself.
      local r = refused("fork", errno, 2, 5, CAT)
      assert.equal("cat\tnil\tlua\nnil\n", r.out, r.err)
    end
  end)

  it("F12 tries again when it is the supervisor that cannot start", function()
    local r = refused("fork", EAGAIN, 1, 4, CAT)
    assert.equal("cat\tnil\tlua\nnil\n", r.out, r.err)
  end)

  it("F12 gives up after some seconds, and others go on meanwhile", function()
    local dir = h.tmpdir()
    h.write(dir .. "/script.lua", CAT)
    -- Side by side, for each takes those seconds.
    h.sh(("for n in 1 2; do %s fork %d $n 0 %s script.lua >$n.out 2>$n.err & done; wait"):format(
      h.quote(refuse), EAGAIN, h.quote(h.bin)), {cwd = dir})
    for first, step in ipairs{"supervisor", "fork"} do
      local r = {out = h.read(dir .. "/" .. first .. ".out"),
                 err = h.read(dir .. "/" .. first .. ".err")}
      if r.out == "" and r.err == "" then pending("system calls cannot be filtered here") end
      assert.matches("^false\tspawn\tlua\n", r.out, 1, r.err)
      assert.matches("cannot start 'cat': " .. step
        .. ": Resource temporarily unavailable (EAGAIN)", r.out, 1, true)
      assert.matches("ulimit -u", r.out, 1, true)
    end
  end)

  it("F12 ends at once a task that is stopped while it waits for one", function()
    local r = refused("fork", EAGAIN, 1, 0, [[
      orun.agent{name = "cat", command = {"cat"}, timeout = "50ms"}
      local r = Task{subagent_type = "cat", prompt = "x"}
      print(r.status, r.error_kind, orun.now() > 0)]])
    assert.equal("failed\ttimeout\ttrue\n", r.out, r.err)
  end)
end)

describe("without threads to be had, orun", function()
  it("says so, and runs what it can", function()
    plain_only()
    for first = 1, 4 do
      local r = refused("thread", EAGAIN, first, 0, [[
        local a = Task{run = function() return "lua" end}
        print(a.output or a.error)
        local b = orun.exec and select(2, pcall(orun.exec, "echo", "program"))
        print(type(b) == "table" and (b.error or b.output) or b)]])
      local lua, program = r.out:match("^([^\n]*)\n(.*)$")
      assert.is_truthy(lua == "lua" or lua:find("no worker could be started: ", 1, true), r.out)
      assert.is_truthy(program == "program\n\n"
        or program:find("cannot start 'echo': Resource temporarily unavailable", 1, true), r.out)
      assert.equal(first == 1, r.err:find("thread for signals", 1, true) ~= nil, r.err)
      assert.equal(0, r.code, r.err)
    end
  end)

  it("ends on a signal even when no thread waits for it", function()
    plain_only()
    local r = refused("thread", EAGAIN, 1, 1, [[
      local pid = io.open("/proc/self/stat"):read("n")
      os.execute("kill -TERM " .. pid)
      orun.sleep(60)]])
    assert.equal(143, r.code, r.out .. r.err)
  end)

  it("does not hang where a wait needs one more", function()
    plain_only()
    for first = 1, 5 do
      local r = refused("thread", EAGAIN, first, 0, [[
        local r = Task{run = function()
          local t = {2, 1}
          table.sort(t, function(a, b)
            local x = Task{run = function(v) return v[1] < v[2] end, input = {a, b}}
            if x.status ~= "completed" then error(x.error, 0) end
            return x.output
          end)
          return t[1]
        end}
        print(r.output or r.error)]])
      assert.is_truthy(r.out == "1\n" or r.out:find("no worker could be started", 1, true)
        or r.out:find("cannot wait: there is no memory, or no thread", 1, true)
        or r.out:find("no other can be started", 1, true), r.out .. r.err)
    end
  end)
end)

describe("with few descriptors, orun", function()
  local MANY <const> = [[
    orun.agent{name = "cat", command = {"cat"}}
    orun.agent{name = "file", command = {"cat", "{prompt_file}"}}
    orun.agent{name = "flood", command = {"head", "-c", "300000", "/dev/zero"}}
    local kinds = {"cat", "file", "flood"}
    local tasks, files, why, fine = {}, {}, nil, 0
    for i = 1, 12 do
      tasks[i] = Task{subagent_type = kinds[i % 3 + 1], prompt = "p" .. i,
                      run_in_background = true}
    end
    for i = 1, 12 do
      local r = TaskOutput(tasks[i])
      if r.status == "completed" then
        fine = fine + 1
        if i % 3 == 2 then
          assert(r.output:find("of 300000 bytes", 1, true), "cut short")
          files[#files + 1] = r.output_file -- looked at when no program is to start any more
        else
          assert(r.output == "p" .. i, r.output)
        end
        collectgarbage()
      else
        why = why or r.error
      end
    end
    for _, path in ipairs(files) do
      local file <close> = io.open(path)
      assert(file:seek("end") == 300000, "file cut short")
    end
    print(fine, why)]]

  it("F13 starts fewer programs at once, and all are done", function()
    for _, n in ipairs{64, 32, 24} do
      local r = limited("-n " .. n, MANY)
      assert.equal("12\tnil\n", r.out, n .. r.err)
    end
  end)

  it("F13 fails what cannot run even alone, and names the limit", function()
    for _, n in ipairs{14, 11, 8, 6} do
      local r = limited("-n " .. n, MANY)
      assert.equal(0, r.code, r.err)
      assert.matches("^0\tcannot start '", r.out, 1, r.err)
      assert.matches("Too many open files (EMFILE); the process may have " .. n
        .. " open files (ulimit -n)", r.out, 1, true)
    end
  end)

  it("F13 tells the truth at any limit", function()
    for n = 12, 23 do
      local r = limited("-n " .. n, MANY)
      assert.equal(0, r.code, n .. r.err)
      local fine, why = r.out:match("^(%d+)\t(.*)\n$")
      assert.is_truthy(fine == "12" or why:find("Too many open files", 1, true), r.out)
    end
  end)

  it("F13 waits for those of the system, too", function()
    local r = refused("pipe", ENFILE, 9, 12, MANY)
    assert.equal("12\tnil\n", r.out, r.err)
  end)

  it("F13 says so when the system has none", function()
    local r = refused("pipe", ENFILE, 9, 0, [[
      orun.agent{name = "cat", command = {"cat"}}
      local first
      for i = 1, 9 do
        local r = Task{subagent_type = "cat", prompt = "x"}
        first = first or r.error
      end
      print(first)]])
    assert.matches("cannot start 'cat': pipe: Too many open files in system (ENFILE)", r.out, 1,
      true)
    assert.matches("fs.file-max", r.out, 1, true)
  end)

  it("gives a Lua task that opens too many files an error of its own", function()
    local r = limited("-n 40", [[
      local r = Task{run = function()
        local all = {}
        for i = 1, 100 do
          local f, why = io.open("script.lua")
          if not f then return why end
          all[i] = f
        end
      end}
      print(r.output)
      print(orun.exec("echo", "others go on").output)]])
    assert.equal("script.lua: Too many open files\nothers go on\n\n", r.out, r.err)
  end)
end)

describe("with a full disk, orun", function()
  local FLOOD <const> = [[
    orun.agent{name = "flood", command = {"head", "-c", "1000000", "/dev/zero"}}
    local r = Task{subagent_type = "flood", prompt = "x"}
    print(r.status, r.error_kind)
    print(r.error)
    local e = orun.exec{command = {"head", "-c", "1000000", "/dev/zero"}, max_output = "80KiB"}
    print(e.error_kind)
    print(e.error)]]

  it("fails a task whose output cannot be kept, and says from where on", function()
    for _, first in ipairs{1, 4} do
      local r = refused("write:/output-", ENOSPC, first, 0, FLOOD)
      local where = "output past %d+ bytes was not kept: No space left on device\n"
      assert.matches("^failed\tlost\n" .. where .. "lost\n" .. where .. "$", r.out, 1, r.err)
    end
  end)

  it("leaves some of the disk to others, and ends a program that prints without end", function()
    local dir = h.tmpdir()
    h.write(dir .. "/crowded.c", [[
      #include <sys/statvfs.h>
      int fstatvfs(int fd, struct statvfs *disk)
      {
          (void)fd;
          *disk = (struct statvfs){.f_frsize = 4096, .f_blocks = 25600, .f_bavail = 1024};
          return 0;
      }]])
    local made = h.sh("cc -shared -fPIC -o crowded.so crowded.c", {cwd = dir})
    assert.equal(0, made.code, made.err)
    local r = h.orun{"-e", [[
      local endless = orun.start{command = {"yes"}}
      local long = orun.start{command = {"head", "-c", "1000000", "/dev/zero"}}
      local r = TaskOutput(endless)
      print(r.status, r.error_kind, r.error)
      print(TaskOutput(long).status, orun.exec("yes").error_kind)]], env = {
      LD_PRELOAD = dir .. "/crowded.so",
      ASAN_OPTIONS = "verify_asan_link_order=0:detect_leaks=0",
    }}
    local error = "output past 167%d+ bytes was not kept: "
      .. "only 4 MiB of its disk are free, and 5 are left to others"
    assert.matches("^failed\tlost\t" .. error .. "\ncompleted\tlost\n$", r.out, 1, r.err)
  end)

  it("tells who reads a program's output where it breaks off", function()
    local r = refused("write:/output-", ENOSPC, 4, 0, [[
      local r = orun.exec{command = {"head", "-c", "1000000", "/dev/zero"}, stream = true}
      local n, piece, message, kind = 0
      repeat
        piece, message, kind = r:read()
        n = n + #(piece or "")
      until not piece
      print(n, message, kind, r:wait().error_kind)
      print(pcall(function() for _ in r:lines() do end end))]])
    local n, past, message = r.out:match("^(%d+)\toutput past (%d+)( bytes[^\n]*)\tlost\tlost\n")
    assert.equal(n, past, r.out .. r.err)
    assert.matches("^ bytes was not kept: No space left on device$", message)
    assert.matches("\nfalse\t.*output past %d+ bytes was not kept", r.out)
  end)

  it("does not start a program whose prompt cannot be written", function()
    local r = refused("write:/prompt_file-", ENOSPC, 1, 0, [[
      orun.agent{name = "file", command = {"cat", "{prompt_file}"}}
      local r = Task{subagent_type = "file", prompt = "x"}
      print(r.status, r.error_kind, r.output)
      print(r.error)]])
    assert.equal("failed\tspawn\tnil\ncannot start 'cat': No space left on device (ENOSPC)\n",
      r.out, r.err)
  end)

  it("goes on where files may not be longer", function()
    local r = limited("-f 200", FLOOD)
    assert.equal(0, r.code, r.err)
    assert.matches("^failed\tlost\noutput past %d+ bytes was not kept: File too large\nlost\n",
      r.out, 1, r.err)
  end)

  it("tells of a program that failed by itself what of its output is missing, too", function()
    local r = limited("-f 200", [[
      local flood = {"sh", "-c", "head -c 1000000 /dev/zero; echo why >&2; exit 3"}
      orun.agent{name = "flood", command = flood}
      local r = Task{subagent_type = "flood", prompt = "x"}
      print(r.status, r.error_kind, r.error)
      local e = orun.exec{command = flood, max_output = "80KiB"}
      print(e.exit_code, e.error_kind, e.error)]])
    local what = "exit code 3 %(output past %d+ bytes was not kept: File too large%): why\n"
    assert.matches(("^failed\texit\t%s3\tlost\t%s$"):format(what, what), r.out, 1, r.err)
  end)

  it("fails when what was printed does not fit", function()
    local r = h.sh(("ulimit -f 20; %s -e 'for i = 1, 1e4 do print(i) end' >out; echo $?"):format(
      h.quote(h.bin)), {cwd = h.tmpdir()})
    assert.equal("1\n", r.out)
    assert.matches("^orun: cannot write to standard output", r.err)
  end)
end)

describe("without a place for its files, orun", function()
  it("keeps what fits into memory, and says what does not", function()
    local r = refused("mkdir", EROFS, 1, 0, [[
      orun.agent{name = "flood", command = {"head", "-c", "1000000", "/dev/zero"}}
      orun.agent{name = "file", command = {"cat", "{prompt_file}"}}
      print(orun.exec("echo", "fits").output)
      print(Task{subagent_type = "flood", prompt = "x"}.error)
      print(Task{subagent_type = "file", prompt = "x"}.error)]])
    assert.equal([[
fits

output past 65536 bytes was not kept: Read-only file system
cannot start 'cat': Read-only file system (EROFS)
]], r.out, r.err)
  end)

  it("starts the supervisor from a file where memory cannot be executed", function()
    for _, call in ipairs{"memfd", "execve:/proc/self/fd"} do
      local dir = h.tmpdir()
      local r = refused(call, call == "memfd" and ENOSYS or EACCES, 1, 0, CAT,
        {env = {TMPDIR = dir}})
      assert.equal("cat\tnil\tlua\nnil\n", r.out, r.err)
      assert.equal("", h.sh("ls -A " .. h.quote(dir)).out)
    end
  end)

  it("goes on where nothing in TMPDIR can be executed", function()
    local dir = h.tmpdir()
    local r = refused("execve:" .. dir, EACCES, 1, 0, CAT, {env = {TMPDIR = dir}})
    assert.equal("cat\tnil\tlua\nnil\n", r.out, r.err)
  end)
end)

describe("with little memory, orun", function()
  it("ends in the result or in an error, whatever the limit", function()
    plain_only()
    for kib = 6000, 30000, 1500 do
      local r = limited("-v " .. kib, [[
        local r = Task{run = function() return ("x"):rep(100000) end}
        if r.status == "completed" then
          print(#r.output)
        else
          error(r.error, 0)
        end]])
      assert.is_true(r.code < 128, kib .. ": " .. r.code .. r.err)
      if r.code == 0 then
        assert.equal("100000\n", r.out)
      else -- the last is the system's word, before orun begins
        assert.matches("memory", r.err:gsub("no worker could be started", "memory")
          :gsub("cannot map", "memory"):gsub("failed to map", "memory"), 1, true)
      end
    end
  end)
end)
