--- What tasks of one agent type took in one script was told as what they would take in another,
--- and the mean of a second and a minute as what the next would take.

local h = require "spec.support.helper"
local json = require "cjson"

-- A folder of state whose history, of version 2, knows these lines.
local function state(lines)
  local dir = h.tmpdir()
  h.sh("mkdir " .. h.quote(dir .. "/orun"))
  h.write(dir .. "/orun/history", "orun history 2\n" .. table.concat(lines, "\n") .. "\n")
  return dir
end

-- What the events of a script in the file tell of the tasks it adds: {expected, expected_of}.
local function expected(path, text, dir)
  h.write(path, text)
  local events = h.tmpdir() .. "/events"
  local r = h.orun{"--events", events, path, env = {XDG_STATE_HOME = dir}}
  assert.equal(0, r.code, r.err)
  local all = {}
  for line in io.lines(events) do
    local e = json.decode(line)
    if e.event == "added" then all[#all + 1] = {e.expected or false, e.expected_of} end
  end
  return all
end

local AGENT <const> = 'orun.agent{name = "a", run = function() return 1 end}\n'

describe("an estimate", function()
  it("is of the same script, agent type and description", function()
    local folder = h.tmpdir()
    local path = folder .. "/one.lua"
    local dir = state{("d%s%%0Aa%%0Along 2 9000000 0 0 0 0 n 7"):format(path),
                      "aa 9 50000000 0 0 0 0 n 7"}
    local text <const> = AGENT .. [[
      Task{subagent_type = "a", prompt = "x", description = "long"}
      Task{subagent_type = "a", prompt = "x", description = "other"}]]
    assert.same({{9, "description"}, {false}}, expected(path, text, dir))
    assert.same({{false}, {false}}, expected(folder .. "/two.lua", text, dir))
  end)

  it("is of the same script and key, or of a key of an older history", function()
    local folder = h.tmpdir()
    local path = folder .. "/one.lua"
    local text <const> = 'Task{run = os.time, key = "k"} Task{run = os.time, key = "old"}'
    local dir = state{("k%s%%0Ak 2 9000000 0 0 0 0 n 7"):format(path), "oold 1 4000000 0 0 0 0 n 7"}
    assert.same({{9, "key"}, {4, "key"}}, expected(path, text, dir))
    local second = expected(folder .. "/two.lua", text, dir)
    assert.is_false(second[1][1])
  end)

  it("is none where tasks took very different times", function()
    local path = h.tmpdir() .. "/one.lua"
    local dir = state{("d%s%%0A%%0Aone 2 9000000 0 8000000 0 0 n 7"):format(path),
                      ("d%s%%0A%%0Atwo 2 9000000 0 2000000 0 0 n 7"):format(path)}
    assert.same({{false}, {9, "description"}}, expected(path, [[
      Task{run = os.time, description = "one"}
      Task{run = os.time, description = "two"}]], dir))
  end)

  it("is read from a file of the first version, which goes on as one of the second", function()
    local path = h.tmpdir() .. "/one.lua"
    local dir = state{}
    h.write(dir .. "/orun/history", ("orun history 1\nkk 2 9000000 0 0 n 7\n"
      .. "l%s:2 2 4000000 0 0 n 7\naa 2 3000000 0 0 n 7\n"):format(path))
    assert.same({{9, "key"}, {4, "line"}},
      expected(path, 'Task{run = os.time, key = "k"}\nTask{run = os.time}', dir))
    local text = h.read(dir .. "/orun/history")
    assert.matches("^orun history 2\n", text)
    assert.matches("\naa 2 3000000 0 0 0 0 n 7\n", text)
    assert.matches("\nok 2 9000000 0 0 0 0 n 7\n", text)
  end)
end)
