-- A model's 1e999, or arguments nested deep, failed its whole conversation with an internal
-- error, as did a tool that gave inf; a pattern of 100 KB took gigabytes, a FIFO waited a
-- minute, and a line of a gigabyte was read whole.

local h = require "spec.support.helper"
local json = require "orun.json"

-- What tools answer to calls, {name, arguments in JSON}, in a script's task.
local function answers(tools, calls, opts)
  local r = h.script(([[
    local json = orun.json
    local calls = json.decode %q
    local r = Task{memory_limit = "24MiB", input = calls, run = function(calls)
      local json, say = require "orun.json", {}
      local function give(v) return function() return v end end
      local tools = require("orun.llm.tools").open(require("orun.llm.tools").check("a", %s), ".")
      for i, call in ipairs(calls) do
        say[i] = {id = "c" .. i, name = call[1], input = json.decode(call[2])}
      end
      local out = {}
      for i, one in ipairs(tools:answer(say)) do
        out[i] = (one.failed and "F " or "") .. one.text
      end
      return out
    end}
    print(r.output and json.encode(r.output, {lossy = true}) or r.error)]]):format(
    json.encode(calls), tools), opts)
  local list = json.decode(r.out)
  assert.is_table(list, r.out .. r.err)
  return list
end

describe("a tool call that makes no sense", function()
  it("is told to the model as that tool's error", function()
    local deep = ('{"x":%s1%s}'):format(("["):rep(110), ("]"):rep(110))
    local list = answers([[{{name = "echo", description = "d", run = function(i) return i end},
      "TaskCreate"}]], {{"echo", '{"x":1}'}, {"echo", '{"x":1e999}'}, {"echo", deep},
      {"echo", '{"x":[-1e999]}'}, {"TaskCreate", '{"subject":"s","metadata":{"x":1e999}}'}})
    assert.equal('{"x":1}', list[1])
    for _, i in ipairs{2, 4, 5} do
      assert.matches("^F error: the arguments ", list[i])
    end
    assert.matches("^F error: the arguments cannot be used: .*deep", list[3])
    assert.equal(5, #list)
  end)

  it("is what the rest of the conversation goes on after", function()
    local anthropic, s = require "orun.llm.anthropic", {}
    local function event(e) anthropic.event(s, e.type, json.encode(e)) end
    event{type = "message_start", message = {model = "m", usage = {input_tokens = 1}}}
    event{type = "content_block_start", index = 0, content_block = {type = "tool_use", id = "c",
      name = "x"}}
    event{type = "content_block_delta", index = 0, delta = {partial_json = '{"a":1e999}'}}
    event{type = "message_delta", usage = {output_tokens = -3}, delta = {stop_reason = "tool_use"}}
    event{type = "message_stop"}
    local turn = assert(anthropic.finish(s))
    assert.same({input_tokens = 1}, turn.usage)
    assert.is_string(json.encode(anthropic.said(s)))
  end)

  it("may be one whose result has no JSON", function()
    local list = answers([[{
      {name = "inf", description = "d", run = function() return {a = 1 / 0} end},
      {name = "bytes", description = "d", run = function() return {a = "\xff"} end}}]],
      {{"inf", "{}"}, {"bytes", "{}"}})
    assert.matches("^F error: what the tool gave has no JSON: result%.a: JSON has no number",
      list[1])
    assert.equal('{"a":"\u{FFFD}"}', list[2])
  end)
end)

describe("usage that makes no sense", function()
  it("is left out and told once", function()
    local r = h.script([[
      local preset = require "orun.preset"
      local names = {input_tokens = "i", output_tokens = "o"}
      for _ = 1, 2 do
        print(orun.json.encode(preset.usage({i = -1, o = 5}, names)),
          preset.usage({i = 1 / 0}, names), preset.usage({i = 1e300}, names),
          preset.usage({i = "7"}, names), preset.dollars(-1), (preset.dollars(1 / 0)))
      end]])
    local line = '{"output_tokens":5}\tnil\tnil\tnil\tnil\tnil\n'
    assert.equal(line .. line, r.out)
    assert.equal(2, select(2, r.err:gsub("\n", "")), r.err)
    assert.matches("usage: an agent reported input_tokens = -1, which is left out", r.err, 1, true)
  end)
end)

describe("the tools that read files", function()
  local FILES <const> = '{"read_file", "list_files", "grep", "run"}'

  it("take no pattern, path or command of any length", function()
    local long = ("a"):rep(100 << 10)
    local list = answers(FILES, {{"grep", json.encode{pattern = long}},
      {"grep", json.encode{pattern = "a", path = long}}, {"read_file", json.encode{path = long}},
      {"list_files", json.encode{path = long}}, {"list_files", json.encode{name = long}},
      {"run", json.encode{command = long}}})
    for _, text in ipairs(list) do
      assert.matches("^F error: the arguments do not fit: .*102400 characters, "
        .. "expected at most", text)
    end
  end)

  it("bound the memory that a pattern takes", function()
    local dir = h.tmpdir()
    h.write(dir .. "/a", "aaa\n")
    local pattern = "((((a{1,99}){1,99}){1,99}){1,99}){1,99}x"
    local list = answers(FILES, {{"grep", json.encode{pattern = pattern}}}, {cwd = dir})
    assert.matches("^F error: exit code 2: grep: [Mm]emory exhausted", list[1])
  end)

  it("read only files and folders", function()
    local dir = h.tmpdir()
    h.sh("mkfifo pipe; mkdir sub; mkfifo sub/pipe", {cwd = dir})
    local list = answers(FILES, {{"grep", '{"pattern":"a","path":"pipe"}'},
      {"read_file", '{"path":"pipe"}'}, {"grep", '{"pattern":"nothing","path":"sub"}'}},
      {cwd = dir})
    assert.equal("F error: pipe: it is a fifo", list[1])
    assert.equal("F error: pipe: it is a fifo", list[2])
    assert.equal("(no match)", list[3])
  end)

  it("hold little of a long line, and show where it was cut", function()
    local dir = h.tmpdir()
    h.sh("printf 'one\\n' >a; head -c 50000000 /dev/zero | tr '\\0' x >>a; printf '\\nlast' >>a",
      {cwd = dir})
    local list = answers(FILES, {{"read_file", '{"path":"a"}'},
      {"read_file", '{"path":"a","first":3}'}, {"grep", '{"pattern":"xxx","path":"a"}'}},
      {cwd = dir})
    assert.matches("^1\tone\n2\tx+ %[cut: 16384 of 50000000 bytes%]\n3\tlast$", list[1])
    assert.equal("3\tlast", list[2])
    assert.is_true(#list[3] < 300 << 10)
    assert.equal("a:2:xxxxx", list[3]:sub(1, 9))
  end)

  it("read lines as they are", function()
    local dir = h.tmpdir()
    h.write(dir .. "/a", "x\r\n\n" .. ("y"):rep(70000) .. "\nz\n")
    h.write(dir .. "/b", "")
    local list = answers(FILES, {{"read_file", '{"path":"a"}'}, {"read_file", '{"path":"b"}'},
      {"read_file", '{"path":"a","first":9}'}, {"read_file", '{"path":"a","lines":2}'}},
      {cwd = dir})
    assert.matches("^1\tx\n2\t\n3\ty+ %[cut: 16384 of 70000 bytes%]\n4\tz$", list[1])
    assert.equal("(the file is empty)", list[2])
    assert.equal("(it has 4 lines)", list[3])
    assert.equal("1\tx\n2\t\n(and more, from line 3)", list[4])
  end)
end)

describe("tools that a task's permissions keep from an agent", function()
  it("are not told of, are refused, and are denials", function()
    local r = h.script([[
      orun.agent{name = "a", permissions = "read", run = function()
        local tools = require "orun.llm.tools"
        local t = tools.open(tools.check("a", {"read_file", "run", {name = "mine",
          description = "d", permissions = "edit", run = print}}), ".", "read")
        local names = {}
        for i, one in ipairs(t:offered()) do names[i] = one.name end
        return table.concat(names, ",") .. " " .. t:answer{{id = "c", name = "run",
          input = {command = "rm x"}}}[1].text
      end}
      local r = Task{subagent_type = "a", prompt = "x"}
      print(r.output)
      print(orun.json.encode(r.denials))]])
    assert.equal('read_file error: the tool run is not allowed: the task\'s permissions are '
      .. '"read"\n[{"tool":"run","what":"rm x"}]\n', r.out, r.err)
  end)
end)
