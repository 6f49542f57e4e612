--- `orun pool`: a program for each argument.

local h = require "spec.support.helper"
local json = require "orun.json"

local function pool(opts)
  for i, word in ipairs{"--no-history", "-q", "pool"} do table.insert(opts, i, word) end
  opts.cwd = opts.cwd or h.tmpdir()
  return h.orun(opts)
end

-- The lines, in order of the alphabet.
local function sorted(text)
  local lines = h.lines(text)
  table.sort(lines)
  return lines
end

describe("orun pool", function()
  it("puts the argument into the words, whole or in part", function()
    local r = pool{"-k", "printf", "[%s]", "{}", "x{.}y", "{/}", "{//}", "{/.}", "{#}", "{?}", "\n",
      ":::", "a/b.tar.gz", "plain", "/top", ".hidden"}
    assert.same({"[a/b.tar.gz][xa/b.tary][b.tar.gz][a][b.tar][1][{?}][", "][plain][xplainy][plain]"
      .. "[.][plain][2][{?}][", "][/top][x/topy][top][/][top][3][{?}][",
      "][.hidden][x.hiddeny][.hidden][.][.hidden][4][{?}][", "]"}, h.lines(r.out), r.err)
    assert.equal("end a\n", pool{"echo", "end", ":::", "a"}.out)
  end)

  it("gives each word as it is, whatever is in it", function()
    local hostile = {"", " ", "it's", '"', "a\nb", "$(touch ran)", "`touch ran`", "\\", "*", "-n",
      "\xFF\xC3", "{}", "{#}", "\27[31m", "--", ":::"}
    local dir = h.tmpdir()
    local args = {"-k", "printf", "%s\\0", ":::", cwd = dir}
    for _, word in ipairs(hostile) do args[#args + 1] = word end
    local r = pool(args)
    assert.equal(table.concat(hostile, "\0") .. "\0", r.out, r.err)
    assert.is_false(h.exists(dir .. "/ran"))
  end)

  it("reads lines of a file or standard input, and what ends with a zero byte", function()
    local dir = h.tmpdir()
    h.write(dir .. "/list", "one\n\nlast")
    local r = pool{"-k", "-a", "list", "printf", "<%s>\\n", cwd = dir}
    assert.equal("<one>\n<>\n<last>\n", r.out)
    assert.equal("<one>\n", pool{"printf", "<%s>\\n", stdin = "one"}.out)
    assert.equal("<a\nb><><c>", pool{"-k", "-0", "printf", "<%s>", stdin = "a\nb\0\0c"}.out)
    assert.same({0, ""}, {pool{"echo", stdin = ""}.code, pool{"echo", ":::"}.out})
    r = pool{"echo", stdin = "a\0b\nc\n"}
    assert.same({1, "c\n"}, {r.code, r.out})
    assert.matches("there is a zero byte in it; is -0 meant?", r.err, 1, true)
  end)

  it("reads no more than there is room for", function()
    local dir = h.tmpdir()
    -- The second line comes when the first program has ended, which needs only the first.
    local r = h.sh(([[mkfifo gate
      { echo first; read -r _ <gate; echo second; } | %s -q --no-history pool -j2 \
        sh -c 'echo $0; test $0 = second || echo >gate']]):format(h.quote(h.bin)), {cwd = dir})
    assert.equal("first\nsecond\n", r.out, r.err)
  end)

  it("counts failures in its exit code, up to 101", function()
    assert.equal(0, pool{"true", ":::", "1", "2"}.code)
    assert.equal(2, pool{"sh", "-c", "exit $0", ":::", "0", "1", "2"}.code)
    assert.equal(1, pool{"/no/such", ":::", "a"}.code)
    local lines = {}
    for i = 1, 103 do lines[i] = tostring(i) end
    assert.equal(101, pool{"false", stdin = table.concat(lines, "\n")}.code)
    local r = pool{"--json", "false", ":::", "1"}
    assert.same({jobs = 1, failed = 1, exit_code = 1}, json.decode(r.out))
  end)

  it("stops soon or now after a failure, with its exit code", function()
    local dir = h.tmpdir()
    local function halt(how, code)
      local r = pool{"-j1", "--halt", how, "sh", "-c", code, ":::", "1", "2", "3", cwd = dir}
      return {r.code, r.out}
    end
    assert.same({5, "1\n"}, halt("soon", "echo $0; exit 5"))
    assert.same({5, "1\n"}, halt("now", "echo $0; exit 5"))
    local r = pool{"-j2", "--halt", "now", "sh", "-c", "test $0 = 1 && exit 7; exec sleep 1000",
      ":::", "1", "2", "3"}
    assert.equal(7, r.code)
  end)

  it("tries again, and ends what takes too long", function()
    local dir = h.tmpdir()
    local r = pool{"--retry", "2", "sh", "-c", "echo x >>tries; test $(wc -l <tries) = 2", ":::",
      "a", cwd = dir}
    assert.same({0, "x\nx\n"}, {r.code, h.read(dir .. "/tries")}, r.err)
    r = pool{"--timeout", "50ms", "--joblog", "log", "sleep", ":::", "1000", cwd = dir}
    assert.equal(1, r.code)
    assert.matches("timed out", r.err)
    assert.matches("\t-1\t15\tsleep 1000\n$", h.read(dir .. "/log"))
  end)

  it("keeps the order, and marks the lines", function()
    local dir = h.tmpdir()
    h.sh("mkfifo gate", {cwd = dir})
    local r = pool{"-j2", "--keep-order", "--tag", "sh", "-c",
      "test $0 = a && read -r x <gate; test $0 = b && echo >gate; printf '%s\\n2' $0", ":::", "a",
      "b", cwd = dir}
    assert.equal("a\ta\na\t2\nb\tb\nb\t2\n", r.out, r.err)
  end)

  it("gives those that run numbers of their own", function()
    local r = pool{"-j2", "echo", "{%}", ":::", "a", "b", "c", "d"}
    for _, n in ipairs(h.lines(r.out)) do assert.matches("^[12]$", n) end
    r = pool{"-j1", "sh", "-c", "echo {%} $ORUN_SLOT $0", "{}", ":::", "a", "b"}
    assert.same({"1 1 a", "1 1 b"}, sorted(r.out))
  end)

  it("writes a job log as GNU parallel does, a line each", function()
    local dir = h.tmpdir()
    pool{"-j1", "--joblog", "log", "sh", "-c", "echo $0; test \"$0\" = ok || kill -9 $$", ":::",
      "ok", "a\nb", cwd = dir}
    local lines = h.lines(h.read(dir .. "/log"))
    assert.equal("Seq\tHost\tStarttime\tJobRuntime\tSend\tReceive\tExitval\tSignal\tCommand",
      lines[1])
    local command = "sh -c 'echo $0; test \"$0\" = ok || kill -9 $$' "
    local number <const> = "%d+%.%d%d%d"
    assert.matches("^1\t:\t" .. number .. "\t +" .. number .. "\t0\t3\t0\t0\t", lines[2])
    assert.equal(command .. "ok", lines[2]:match("[^\t]*$"))
    assert.matches("^2\t:\t" .. number .. "\t +" .. number .. "\t0\t4\t0\t9\t", lines[3])
    assert.equal(command .. "$'a\\012b'", lines[3]:match("[^\t]*$"))
    assert.equal(3, #lines)
  end)

  it("keeps results in a folder, all of the output", function()
    local dir = h.tmpdir()
    local r = pool{"--results", "deep/out", "sh", "-c", "seq $0; echo e >&2", ":::", "1", "40000",
      cwd = dir}
    assert.equal(0, r.code, r.err)
    assert.equal("1\n", h.read(dir .. "/deep/out/1/stdout"))
    assert.equal("e\n", h.read(dir .. "/deep/out/2/stderr"))
    assert.equal(h.sh("seq 40000").out, h.read(dir .. "/deep/out/2/stdout"))
    assert.equal("stderr\nstdout\n", h.sh("ls deep/out/1", {cwd = dir}).out)
    r = pool{"--results", "/proc/none", "true", ":::", "1"}
    assert.equal(255, r.code)
    assert.matches("^orun pool: cannot make /proc/none/1", r.err)
    r = pool{"--joblog", "/dev/full", "true", ":::", "1"}
    assert.same({255, "orun pool: cannot write /dev/full: No space left on device\n"},
      {r.code, r.err})
  end)

  it("shows what it would run, and runs nothing", function()
    local dir = h.tmpdir()
    local r = pool{"--dry-run", "touch", "{%}", "{}", ":::", "it's", "b", cwd = dir}
    assert.equal("touch '{%}' 'it'\\''s'\ntouch '{%}' b\n", r.out)
    assert.equal("", h.sh("ls", {cwd = dir}).out)
    assert.equal('{"jobs":2}\n', pool{"--dry-run", "--json", "touch", ":::", "a", "b"}.out)
  end)

  it("refuses what makes no sense", function()
    assert.equal(2, pool{}.code)
    assert.equal(2, pool{":::", "a"}.code)
    assert.equal(2, pool{"-a", "x", "echo", ":::", "a"}.code)
    assert.equal(2, pool{"--halt", "later", "echo", ":::", "a"}.code)
    local r = pool{"-a", "none", "echo"}
    assert.same({255, "orun pool: cannot read none: No such file or directory\n"}, {r.code, r.err})
    assert.equal("-k\n", pool{"echo", "-k", ":::"}.out .. pool{"echo", ":::", "-k"}.out)
  end)

  it("goes on after an interruption, with what had not ended", function()
    local dir = h.tmpdir()
    local p = h.start{"-q", "--no-history", "--store", "run.db", "pool", "-j1", "sh", "-c",
      "echo $0 >>ran; test $0 != b || test -e go || exec sleep 1000; echo $0 {%}", "{}", ":::", "a",
      "b", "c", cwd = dir}
    h.wait_for(function() return (h.read(dir .. "/ran") or "") == "a\nb\n" end)
    p:kill("INT")
    local r = p:wait()
    assert.same({2, "a 1\n"}, {r.signal, r.out})
    h.write(dir .. "/go", "")
    r = h.orun{"resume", "--store", dir .. "/run.db", "-q"}
    assert.same({0, "a 1\nb 1\nc 1\n"}, {r.code, r.out}, r.err)
    assert.equal("a\nb\nb\nc\n", h.read(dir .. "/ran"))
  end)
end)
