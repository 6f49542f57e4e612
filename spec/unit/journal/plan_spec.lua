--- What a plan compares: parts of keys, in facts that were damaged.

local h = require "spec.support.helper"
local store = require "orun.test".store

local OUTCOME <const>, PART <const> = 2, 21

local function write(dir, prompt)
  h.write(dir .. "/work.lua", ("Task{command = {'echo', %q}, description = 'it'}"):format(prompt))
end

-- What becomes of the task if the run is gone on with.
local function planned(dir)
  local r = h.orun{"plan", "--no-history", "--store", "run.db", "--resume", "work.lua", cwd = dir}
  assert.equal(0, r.code, r.err)
  return r.out:match "\nif the run is gone on with[^\n]*\nt1  ([^\n]*)\n"
end

-- The body of a fact with other bytes in the field of what its task is made of.
local function with_parts(body, change)
  local at, fields = 1, {}
  while at <= #body do
    local tag, bytes, rest = string.unpack("<Bs4", body, at)
    if tag == PART then bytes = change(bytes) end
    fields[#fields + 1] = string.pack("<Bs4", tag, bytes)
    at = rest
  end
  return table.concat(fields)
end

describe("a plan", function()
  it("does not know why, where what was kept of that is damaged", function()
    local damages = {
      function() return "" end,
      function(b) return b:sub(1, -2) end,
      function(b) return b .. "\1" end,
      function(b) return b:sub(1, 1) .. "\255" .. b:sub(3) end,
      function(b) return "\255" .. b:sub(2) end,
      function(b) return ("\0"):rep(#b) end,
      function(b) return b:rep(500) end,
    }
    for i, damage in ipairs(damages) do
      local dir = h.tmpdir()
      write(dir, "a")
      assert.equal(0, h.orun{"-q", "--no-history", "--store", "run.db", "work.lua", cwd = dir}.code)
      do
        local s = assert(store.open(dir .. "/run.db"))
        local run = s:runs()[1].id
        local outcome
        for _, fact in ipairs(s:load(run)) do
          if fact.kind == "outcome" then outcome = fact end
        end
        assert(s:begin(run))
        s:append(OUTCOME, outcome.key, with_parts(outcome.body, damage))
        assert(s:flush())
        s:close()
      end
      write(dir, "b")
      local line = planned(dir)
      assert.is_true(line:find "runs again" ~= nil or line == "is new", i .. line)
      write(dir, "a") -- the result itself is good
      assert.equal("is kept", planned(dir), i)
    end
  end)
end)
