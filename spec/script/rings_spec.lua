--- Programs that call back into their run: those that wait for a task lend it their slots, of
--- -j and of pools, and those that would wait for each other for ever are told.

local h = require "spec.support.helper"

-- What all scripts begin with: programs, and Lua code whose programs start tasks.
local AGENTS <const> = [[
  local function ask(agent, prompt, ...)
    return {command = {"sh", "-c",
      '"$ORUN_PROGRAM" task run --agent "$1" --prompt "$2" $3 $4', "sh", agent, prompt, ...},
      check = true}
  end
  orun.agent{name = "leaf", command = {"cat"}}
  orun.agent{name = "branch", run = function(_, task)
    return orun.exec(ask("leaf", task.prompt))
  end}
  orun.agent{name = "deep", run = function(_, task)
    local n = tonumber(task.prompt)
    return n == 0 and "the bottom" or orun.exec(ask("deep", tostring(n - 1)))
  end}
  local function say(result)
    print(result.status, result.error and result.error:match("deadlock: .*") or result.error
      or (result.output:gsub("%s+$", "")))
  end
]]

for _, slots in ipairs{"1", "2"} do
  -- What the script prints with so many programs at once.
  local function printed(text)
    local dir = h.tmpdir()
    h.write(dir .. "/s.lua", AGENTS .. text)
    local r = h.orun{"-q", "-j", slots, "s.lua", cwd = dir, limit = 90}
    return r.out, r.err
  end

  describe("with -j " .. slots .. ", a program that waits for a task", function()
    it("lends it its slot, however deep the programs of Lua tasks are nested", function()
      assert.equal("completed\tx\ncompleted\tthe bottom\n", (printed[[
        say(Task{run = function() return orun.exec(ask("branch", "x")) end})
        say(Task{subagent_type = "deep", prompt = "8"})]]))
    end)

    it("lends it the slot of the pool that its task is in", function()
      assert.equal("completed\tinner\n0\n", (printed[[
        orun.limit("one", 1)
        orun.agent{name = "pooled", run = function()
          return Task{pool = "one", command = {"echo", "inner"}}.output
        end}
        say(Task{pool = "one", run = function() return orun.exec(ask("pooled", "x")) end})
        print(orun.limit("one").used)]]))
    end)

    it("lends it the slot of its type, which has one", function()
      assert.equal("completed\tend\n", (printed[[
        orun.agent{name = "self", limit = 1, command = {"sh", "-c",
          'read n; if [ $n = 0 ]; then echo end; else ' ..
          '"$ORUN_PROGRAM" task run --agent self --prompt "$((n - 1))\n"; fi'}}
        say(Task{subagent_type = "self", prompt = "3\n"})]]))
    end)

    it("lends it to many, which all end", function()
      assert.equal("true\t12\n", (printed[[
        local specs = {}
        for i = 1, 12 do
          local fields = ask(i % 2 == 0 and "leaf" or "branch", "p" .. i)
          specs[i] = i % 3 == 0 and {command = fields.command}
            or {run = function() return orun.exec(fields) end}
        end
        local results = orun.fan_out(specs)
        print(results.ok, #results)]]))
    end)

    it("is told when that would wait for it", function()
      local out = printed[[
        local line = '"$ORUN_PROGRAM" task run --agent leaf --prompt x --blocked-by $ORUN_TASK_ID'
        say(Task{description = "A", command = {"sh", "-c", line}})
        say(Task{description = "B", run = function()
          return orun.exec{command = {"sh", "-c", line}, check = true}
        end})
        say(Task{description = "C", run = function()
          return orun.exec{command = {"sh", "-c", '"$ORUN_PROGRAM" task output ' ..
            '$("$ORUN_PROGRAM" task create --subject x --blocked-by $ORUN_TASK_ID --json | ' ..
            'grep -o "t[0-9][0-9]*" | head -n 1) --wait'}, check = true}
        end})]]
      local line = "failed\tdeadlock: t%d+ %(x%) %-> t%d+ %(NAME%) would wait for each other for "
        .. "ever\n"
      assert.matches("^" .. line:gsub("NAME", "A") .. line:gsub("NAME", "B")
        .. line:gsub("NAME", "C") .. "$", out)
    end)

    it("is told when a ring closes through the files that tasks write", function()
      local told = printed[[
        local function writer(file, other)
          orun.agent{name = other, run = function()
            return Task{writes = {other}, run = function() return "wrote" end}
          end}
          return {description = file, writes = {file}, input = {file, other}, run = function(input)
            TaskUpdate{task_id = TaskCreate{description = input[1]}, status = "completed"}
            while #TaskList{status = "completed"} < 2 do orun.sleep(0.01) end
            return orun.exec{command = ask(input[2], "x").command}
          end}
        end
        local told, words = 0, nil
        for _, result in ipairs(orun.fan_out{writer("f", "g"), writer("g", "f")}) do
          if not result.output.ok then told, words = told + 1, result.output.error end
        end
        print(told, words and words:match("deadlock: .*") or words)]]
      assert.matches("^1\tdeadlock: .*%(writes%).* would wait for each other for ever\n$", told)
    end)
  end)
end
