--- The last lines of progress stood below what the script had printed after them: views look at
--- what happened ten times a second, and print did not wait for them.

local h = require "spec.support.helper"
local screen = require "spec.support.screen"

local SAY <const> = [[
  local function ended(name) return Task{description = name, run = function() return 1 end} end
]]

-- What the script and the views write into one file: first words of lines, one after another.
local function run(text, options)
  local dir = h.tmpdir()
  h.write(dir .. "/s.lua", SAY .. text)
  local command = "%s --report none %s s.lua >both 2>&1"
  local r = h.sh(command:format(h.quote(h.test_bin), options or ""), {cwd = dir,
    env = {ORUN_PROGRESS = false, TERM = "dumb"}})
  assert.equal(0, r.code, h.read(dir .. "/both"))
  return (h.read(dir .. "/both"):gsub("%s*[%d.]+ [µm]*s  ", "\n"):gsub(" in [%d.]+ [µm]*s", ""))
end

local function order(text, ...)
  local at = 0
  for _, words in ipairs{...} do
    local from = text:find(words, at + 1, true)
    assert.is_truthy(from, ("%q is not in its place in:\n%s"):format(words, text))
    at = from
  end
end

describe("what a script prints stands below what happened before", function()
  it("whatever prints it", function()
    order(run[[
      ended "a" print "1st"
      ended "b" io.write "2nd\n"
      ended "c" io.stdout:write("3rd", "\n")
      ended "d" io.stderr:write "4th\n"
      ended "e" orun.log "5th"
      ended "f" os.execute "echo 6th"
      ended "g" warn "@on" warn "7th"
      ended "h" Task{description = "i", run = function() print "8th" end}
      ended "j" print "last"]],
      "t1 completed: a", "1st", "t2 completed: b", "2nd", "t3 completed: c", "3rd",
      "t4 completed: d", "4th", "t5 completed: e", "5th", "t6 completed: f", "6th",
      "t7 completed: g", "7th", "t8 completed: h", "t9 starts: i", "8th", "t9 completed: i",
      "t10 completed: j", "last")
  end)

  it("and nothing follows the last of it that did not", function()
    assert.matches("\nlast\n$", run[[for i = 1, 50 do ended("n" .. i) end print "last"]])
    assert.matches("\nlast\n$", run[[
      local all = {}
      for i = 1, 5 do all[i] = function() error("no", 0) end end
      assert(#orun.fan_out(all).failed == 5)
      io.write "last\n"]])
  end)

  it("in every way to show progress, and with what programs print", function()
    order(run([[orun.agent{name = "sh", command = {"sh"}}
      Task{subagent_type = "sh", prompt = "echo from within"}
      print "last"]], "--progress none --output grouped"), "from within", "last")
    order(run([[ended "a" print "last"]], "--progress json"), '"ended"', "last", '"run_ended"')
    order(run([[ended "a" print "last"]], "-v"), "t1 completed", "last")
  end)

  it("from several runs and threads at once", function()
    local text = run[[
      orun.fan_out((function()
        local all = {}
        for i = 1, 40 do
          all[i] = function()
            Task{description = "in " .. i, run = function() end}
            print("after " .. i)
          end
        end
        return all
      end)())
      print "last"]]
    for i = 1, 40 do assert.matches("after " .. i .. "\n", text, 1, true) end
    assert.matches("\nlast\n$", text)
  end)

  it("on a terminal", function()
    local dir = h.tmpdir()
    h.write(dir .. "/s.lua", [[
      assert(Task{description = "bad", run = function() error("no luck", 0) end}.status == "failed")
      print "last"]])
    local s <close> = screen.open(h.quote(h.test_bin) .. " --report none s.lua", {cwd = dir})
    assert.matches("bad: no luck\nlast\nexit 0", s:ended(), 1, true)
  end)
end)
