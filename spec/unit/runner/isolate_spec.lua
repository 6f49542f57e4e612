-- What orun makes of a process that does not keep to the protocol
-- (runtime/runner/isolate.c). The process is a script that says what it is told to.

local h = require "spec.support.helper"
local crash = require "spec.support.crash"
local frame = require "orun.test".frame

local HELLO <const> = frame.make(frame.HELLO, orun.version, frame.build)

-- A program that sends these bytes, and then does `after`.
local function program(bytes, after)
  local dir = h.tmpdir()
  h.write(dir .. "/bytes", bytes)
  local path = h.write(dir .. "/program", ("#!/bin/sh\ncat %s >&0\n%s\n"):format(
    h.quote(dir .. "/bytes"), after or "exec sleep 1000"))
  assert(h.sh("chmod +x " .. h.quote(path)).code == 0)
  return path
end

-- What `use` gives for a task that this program runs.
local function with(path, fields, use)
  local own_program <const> = frame.program(path)
  local _ <close> = setmetatable({}, {__close = function() frame.program(own_program) end})
  fields.run, fields.isolation = function() return "ran" end, "process"
  return use(Task(fields))
end

-- The result of a task that this program runs.
local function run_by(path, fields)
  return with(path, fields or {}, function(r) return r end)
end

local function failed(kind, text, r)
  assert.equal("failed", r.status)
  assert.equal(kind, r.error_kind, r.error)
  assert.is_truthy(r.error:find(text, 1, true), r.error)
end

-- An END frame: completed, with nothing.
local function ended(state, fault, code)
  return frame.make(frame.END, state or 3, fault or 0, code or 0, { "" }, { "" }, { "" },
    { "" })
end

describe("a process that runs an isolated task", function()
  it("is believed when it keeps to the protocol", function()
    assert.equal("completed", run_by(program(HELLO .. ended(), "exit 0")).status)
    -- And it need not end by itself.
    assert.equal("completed", run_by(program(HELLO .. ended())).status)
  end)

  for _, case in ipairs {
    { "garbage", ("no frame at all "):rep(2), "this is not a frame" },
    { "another form", HELLO:sub(1, 4) .. "\2" .. HELLO:sub(6), "another form" },
    { "an unknown kind", HELLO:sub(1, 6) .. "\99" .. HELLO:sub(8), "unknown kind" },
    { "a length of 0xFFFFFFFF", HELLO:sub(1, 8) .. "\xFF\xFF\xFF\xFF" .. HELLO:sub(13),
      "too long" },
    { "a wrong checksum", HELLO:sub(1, -2) .. "x", "wrong checksum" },
    { "a call before the greeting", frame.make(frame.CALL, "TaskList"), "a CALL frame" },
    { "two greetings", HELLO .. HELLO, "a HELLO frame out of place" },
    { "a frame that only orun sends", HELLO .. frame.make(frame.REPLY, 1), "a REPLY frame" },
    { "a greeting without a build", frame.make(frame.HELLO, orun.version), "a HELLO frame" },
    { "an end with no fields", HELLO .. frame.make(frame.END), "END frame" },
    { "an end in no final state", HELLO .. ended(2), "END frame" },
    { "an end by a fault of its choice", HELLO .. ended(4, 3), "END frame" },
    { "bytes after the end", HELLO .. ended() .. "x", "END frame" },
    { "two ends", HELLO .. ended() .. ended(), "END frame" },
    { "calls without waiting", HELLO .. frame.make(frame.CALL, "TaskList")
      .. frame.make(frame.CALL, "TaskList"), "CALL frame" },
  } do
    it("D15 is killed, and its task lost, for " .. case[1], function()
      local r = run_by(program(case[2]))
      failed("lost", "protocol: ", r)
      failed("lost", case[3], r)
    end)
  end

  it("D15 is lost when it ends in the middle of a frame", function()
    for _, n in ipairs { 1, 15, 16, #HELLO - 1 } do
      failed("lost", "protocol: ", run_by(program(HELLO:sub(1, n), "exit 0")))
    end
    failed("lost", "in the middle of a frame", run_by(program(HELLO .. ended():sub(1, 20),
      "exit 0")))
  end)

  it("is lost when it ends before it greets", function()
    failed("lost", "ended with exit code 3 before it greeted", run_by(program("", "exit 3")))
    failed("lost", "before it greeted", run_by("/bin/true"))
  end)

  it("must be of the same build", function()
    local r = run_by(program(frame.make(frame.HELLO, "9.9", "other")))
    failed("spawn", "is orun 9.9 (build other), and this is orun " .. orun.version, r)
    failed("spawn", "(build " .. frame.build .. ")", r)
  end)

  it("must be there", function()
    failed("spawn", "cannot start '/nowhere/orun'", run_by("/nowhere/orun"))
    failed("spawn", "cannot start 'no-such-orun-anywhere'", run_by("no-such-orun-anywhere"))
  end)

  it("is looked up in PATH", function()
    failed("lost", "'true' ended", run_by("true"))
  end)

  it("is ended at the time-out when it says nothing", function()
    for _, bytes in ipairs { HELLO, "" } do
      local r, seconds
      local said = h.tmpdir() .. "/said"
      local path = program(bytes, (": >%s; exec sleep 1000"):format(h.quote(said)))
      h.in_time(function(timeout)
        r, seconds = run_by(path, { timeout = timeout }), timeout
        return h.exists(said)
      end)
      failed("timeout", "timed out after ", r)
      assert.is_true(r.duration >= seconds)
    end
  end)

  it("gets an error for a call that makes no sense", function()
    local heard = h.tmpdir() .. "/heard"
    local path = program(HELLO .. frame.make(frame.CALL, "no_such_primitive"),
      "exec cat >" .. h.quote(heard))
    with(path, { run_in_background = true }, function(task)
      assert(h.wait_for(function()
        return (h.read(heard) or ""):find("malformed call", 1, true)
      end), "no answer came")
      TaskStop(task)
      assert.equal("cancelled", TaskOutput(task).status)
    end)
  end)
end)

describe("an isolated task whose C code speaks for it", function()
  package.cpath = crash.cpath() .. package.cpath

  local function speaks(name, bytes)
    return Task { isolation = "process", input = { name, bytes }, run = function(call)
      require "crashes"[call[1]](call[2])
      return TaskList()
    end }
  end

  it("D15 is lost for bytes that are no frame", function()
    failed("lost", "this is not a frame", speaks("say", ("x"):rep(100)))
  end)

  it("D15 is lost when it floods, with frames or without", function()
    failed("lost", "this is not a frame", speaks("flood", ("x"):rep(1000)))
    failed("lost", "protocol: ", speaks("flood", frame.make(frame.CALL, "TaskGet")))
  end)

  it("D15 is lost when it hangs up", function()
    failed("lost", "the connection was closed", speaks("hang_up"))
  end)
end)
