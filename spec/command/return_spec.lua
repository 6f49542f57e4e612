--- What a script returns: a failure in words, or a table for other programs.

local h = require "spec.support.helper"

-- Exit code, standard output and standard error of a script.
local function run(text, ...)
  local dir = h.tmpdir()
  h.write(dir .. "/s.lua", text)
  local words = {...}
  words[#words + 1] = "s.lua"
  words.cwd = dir
  local r = h.orun(words)
  return {r.code, r.out, r.err}
end

describe("a script's return", function()
  it("fails with false, or nil and a text", function()
    assert.same({1, "", "orun: the script returned false\n"}, run "return false")
    assert.same({1, "", "orun: no input\n"}, run "return false, 'no input'")
    assert.same({1, "", "orun: no input\n"}, run "return nil, 'no input', 2")
    assert.same({1, "", "orun: no input\n"}, run("return nil, 'no input'", "-e", "x = 1"))
    assert.equal(1, h.orun{"-e", "return false"}.code)
    assert.equal(0, h.orun{"-e", "return false", "-e", "x = 1"}.code)
  end)

  it("means nothing else", function()
    for _, what in ipairs{"", "nil", "true", "0", "'text'", "{1}", "nil, 1", "nil, nil, 'x'",
                          "print"} do
      assert.same({0, "", ""}, run("return " .. what), what)
    end
  end)

  it("cancels what runs, as an error does", function()
    local r = run [[
      orun.start{run = function() orun.sleep "1h" end}
      return false, "enough"
    ]]
    assert.same({1, "", "orun: enough\n"}, r)
  end)

  it("prints a table with --json", function()
    assert.same({0, '{"a":[1,2.5,"x"]}\n', ""}, run("return {a = {1, 2.5, 'x'}}", "--json"))
    assert.same({0, "first\n{}\n", ""}, run("print 'first' return {}", "--json"))
    assert.same({0, '{"b":true}\n', ""}, run("return {b = true}", "--json", "-e", "x = 1"))
    assert.same({0, "", ""}, run("return 'text'", "--json"))
    assert.same({1, "", "orun: why\n"}, run("return nil, 'why'", "--json"))
    local r = run("return {f = print}", "--json")
    assert.equal(1, r[1])
    assert.matches("^orun: %-%-json: .*return", r[3])
  end)

  it("is the exit code where a plain table has one", function()
    assert.same({7, "", ""}, run "return {exit_code = 7}")
    assert.same({255, '{"exit_code":255}\n', ""}, run("return {exit_code = 255}", "--json"))
    for _, other in ipairs{"256", "-1", "2.5", "'3'", "2.0", "true"} do
      assert.equal(0, run(("return {exit_code = %s}"):format(other))[1], other)
    end
    assert.equal(0, run("return setmetatable({}, {__index = {exit_code = 3}})")[1])
    local r = run [[local r = Task{command = {"false"}} return r, r.status]]
    assert.equal(0, r[1])
  end)

  it("is not looked at when os.exit ends the script", function()
    assert.equal(3, run("os.exit(3) return false")[1])
  end)
end)
