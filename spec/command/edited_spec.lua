--- A script that is edited between a crash and `--resume`: the task whose work is another one
--- runs again, and what uses its result; nothing else does.

local h = require "spec.support.helper"

-- A program that tells that it has begun, and prints what it never printed before.
local PROGRAM <const> = [[echo A >>"$RAN"; read -r w </proc/sys/kernel/random/uuid; ]]

local CLAUDE <const> = "#!/bin/sh\ncat >/dev/null\n" .. PROGRAM .. [[
printf '{"type":"result","subtype":"success","is_error":false,"result":"%s",' $w
printf '"session_id":"s","num_turns":1,"total_cost_usd":0.01,'
printf '"usage":{"input_tokens":1,"output_tokens":1}}\n'
]]

-- Task a is what the case says, b uses its result, c has nothing to do with it.
local SCRIPT <const> = [[
local orun = require "orun"
local PROGRAM = [=[%s]=]
local SAYS = PROGRAM .. "echo $w"
local function word(name)
  local f <close> = assert(io.open(os.getenv "RAN", "a"))
  f:write(name, "\n")
  local id <close> = assert(io.open "/proc/sys/kernel/random/uuid")
  return id:read "l"
end
local function out()
  io.open("out", "w"):close()
  return word "A"
end
%s
fields.run_in_background = true
local a = Task(fields)
local b = orun.start{input = {of = a}, run = function(input)
  word "B"
  return input.of
end}
local c = orun.start{input = "c", run = function() return word "C" end}
for _, r in ipairs(orun.wait_all{a, b, c}) do
  assert(r.status == "completed", r.error)
end
if not io.open "go" then
  os.execute("kill -9 " .. io.open "/proc/self/stat":read "n")
  orun.sleep(1000)
end
]]

-- Name, and what makes `fields`; "<x|y>" is x in the first run and y in the next.
local COUNTS <const> = {
  {"prompt", [[orun.agent{name = "p", command = {"sh", "-c", SAYS}}
    local fields = {subagent_type = "p", prompt = "<one|two>"}]]},
  {"input", [[local fields = {run = function() return word "A" end, input = "<one|two>"}]]},
  {"input, deep in it",
    [[local fields = {run = function() return word "A" end, input = {1, {x = {<1|2>}}}}]]},
  {"model", [[orun.agent{name = "cl", preset = "claude"}
    local fields = {subagent_type = "cl", prompt = "p", model = "<haiku|sonnet>"}]]},
  {"schema", [[local json = PROGRAM .. [=[printf '{"n":"%s"}' $w]=]
    local fields = {command = {"sh", "-c", json}, schema = {type = "object",
      properties = {<n|m> = {type = "string"}}}}]]},
  {"model of the type", [[orun.agent{name = "cl", preset = "claude", model = "<haiku|sonnet>"}
    local fields = {subagent_type = "cl", prompt = "p"}]]},
  {"system prompt of the type",
    [[orun.agent{name = "cl", preset = "claude", system = "<Be kind.|Be brief.>"}
    local fields = {subagent_type = "cl", prompt = "p"}]]},
  {"tools of the type",
    [[orun.agent{name = "cl", preset = "claude", tools = {"Read", "<Grep|Glob>"}}
    local fields = {subagent_type = "cl", prompt = "p"}]]},
  {"argv of the type", [[orun.agent{name = "p", command = {"sh", "-c", SAYS, "<x|y>"}}
    local fields = {subagent_type = "p", prompt = "p"}]]},
  {"env of the type",
    [[orun.agent{name = "p", command = {"sh", "-c", SAYS}, env = {V = "<1|2>"}}
    local fields = {subagent_type = "p", prompt = "p"}]]},
  {"cwd of the type",
    [[orun.agent{name = "p", command = {"sh", "-c", SAYS}, cwd = "<d1|d2>"}
    local fields = {subagent_type = "p", prompt = "p"}]]},
  {"code of the type", [[orun.agent{name = "f", run = function() return word "A" .. "<x|y>" end}
    local fields = {subagent_type = "f", prompt = "p"}]]},
  {"contents of reads", [[
    do local f <close> = io.open("data", "w") f:write "<old|new>" end
    local fields = {reads = {"data"}, writes = {"out"}, run = out}]]},
  {"a file more below reads", [[
    do local f <close> = io.open("d1/<a|b>", "w") end
    local fields = {reads = {"d1"}, writes = {"out"}, run = out}]]},
  {"code", [[local fields = {run = function() return word "A" .. "<x|y>" end}]]},
  {"helper", [[local function helper(x) return x .. "<x|y>" end
    local fields = {run = function() return helper(word "A") end}]]},
  {"captured value", [[local limit = {most = <1|2>}
    local fields = {run = function() return word "A" .. limit.most end}]]},
  {"command", [[local fields = {command = {"sh", "-c", SAYS, "<x|y>"}}]]},
  {"env", [[local fields = {command = {"sh", "-c", SAYS}, env = {V = "<1|2>"}}]]},
  {"cwd", [[local fields = {command = {"sh", "-c", SAYS}, cwd = "<d1|d2>"}]]},
  {"max_output", [[local fields = {command = {"sh", "-c", SAYS}, max_output = <1000|2000>}]]},
  {"key", [[local fields = {key = "<k1|k2>", run = function() return word "A" end}]]},
  {"what it waits for", [[
    local first = orun.start{input = "<1|2>", run = function(n) return n end}
    local fields = {blockedBy = {first}, run = function() return word "A" end}]]},
}

local DOES_NOT <const> = {
  {"the name of the type", [[orun.agent{name = "<one|two>", command = {"sh", "-c", SAYS}}
    local fields = {subagent_type = "<one|two>", prompt = "p"}]]},
  {"what is said of it, and when it may run", [[
    local fields = {run = function() return word "A" end, description = "<one|two>",
      priority = <1|2>, timeout = <100|200>, retry = {max = <1|2>}, phase = "<p|q>"}]]},
  {"lines above it", [[<|-- a line


    ]] .. "\n" .. [[>local fields = {run = function() return word "A" end}]]},
}

local function run(dir, which, text)
  local edited = text:gsub("<([^<>|]*)|([^<>|]*)>", which == 1 and "%1" or "%2")
  h.write(dir .. "/work.lua", SCRIPT:format(PROGRAM, edited))
  os.remove(dir .. "/ran")
  local words = {"--no-history", "-q", "--store", "run.db", cwd = dir,
    env = {RAN = dir .. "/ran", PATH = dir .. ":" .. os.getenv "PATH"}}
  if h.exists(dir .. "/run.db") then words[#words + 1] = "--resume" end
  words[#words + 1] = "work.lua"
  local r = h.orun(words)
  local ran = h.lines(h.read(dir .. "/ran") or "")
  table.sort(ran)
  return r, table.concat(ran, " ")
end

local function case(text, expected)
  local dir = h.tmpdir()
  assert.equal(0, h.sh(("cd %s && mkdir d1 d2"):format(h.quote(dir))).code)
  h.write(dir .. "/claude", CLAUDE)
  assert.equal(0, h.sh("chmod +x " .. h.quote(dir .. "/claude")).code)
  local r, ran = run(dir, 1, text)
  assert.same({9, "A B C"}, {r.signal, ran}, r.err)
  h.write(dir .. "/go", "")
  r, ran = run(dir, 1, text)
  assert.same({0, ""}, {r.code, ran}, r.err)
  r, ran = run(dir, 2, text)
  assert.same({0, expected}, {r.code, ran}, r.err)
  r, ran = run(dir, 2, text)
  assert.same({0, ""}, {r.code, ran}, r.err)
end

describe("between a crash and --resume, another", function()
  for _, one in ipairs(COUNTS) do
    it(one[1] .. " has that task and its users run again", function() case(one[2], "A B") end)
  end
end)

describe("between a crash and --resume, a change of", function()
  for _, one in ipairs(DOES_NOT) do
    it(one[1] .. " has nothing run again", function() case(one[2], "") end)
  end
end)
