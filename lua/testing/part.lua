--- orun.testing.part: what an agent type does in a test, checked, packed and played.
--
-- A part crosses from the test to the script it runs as JSON; a function crosses as its source, so
-- it may use no local variables of outside.

local check = require "orun.util.check"
local code = require "orun.testing.code"

local M = {}

local FIELDS <const> = {output = "any", delay = "any", error = "text", error_kind = "text",
  retry_after = "duration", activity = "text", usage = "table", cost = "any", model = "text",
  session_id = "text"}

-- "(...)" of a duration or {from, to}, in seconds; nil for what is neither.
local function delay_of(v)
  if type(v) ~= "table" then return check.seconds(v), check.seconds(v) end
  return check.seconds(v[1]), check.seconds(v[2])
end

local function pack_function(where, name, f)
  local text, why = code.of(f)
  if not text then error(("%s: agents[%q]: %s"):format(where, name, why), 0) end
  return {code = text}
end

local function pack_outcome(where, name, v)
  if type(v) == "string" then return {output = v} end
  if type(v) ~= "table" then
    error(check.message(where, ("agents[%q]"):format(name), v,
      "expected a text, a table {output=, delay=, ...}, an array of these, or a function"), 0)
  end
  v = check.options(where, v, FIELDS)
  if v.delay and not delay_of(v.delay) then
    error(check.message(where, "delay", v.delay, "expected a duration, or {from, to}"), 0)
  end
  return v
end

--- Parts as JSON can hold them.
-- @param where  the function that messages name
-- @param agents {name = part}
function M.pack(where, agents)
  local packed = {}
  for name, v in pairs(agents) do
    if type(v) == "function" then
      packed[name] = pack_function(where, name, v)
    elseif type(v) == "table" and v[1] ~= nil then
      packed[name] = {outcomes = {}}
      for i, one in ipairs(v) do packed[name].outcomes[i] = pack_outcome(where, name, one) end
    else
      packed[name] = {outcomes = {pack_outcome(where, name, v)}}
    end
  end
  return packed
end

-- The outcome of a call.
local function outcome_of(packed, call)
  if not packed then
    return {error = ("orun.testing: this test has no part for the agent type %q: give one in "
      .. "agents"):format(call.agent), error_kind = "spawn"}
  end
  if not packed.code then
    return packed.outcomes[math.min(call.number, #packed.outcomes)]
  end
  local play = assert(load("return " .. packed.code, "=part of " .. call.agent))()
  return pack_outcome("orun.testing.run", call.agent, play(call))
end

--- Play a part: in the task of the call.
-- @param packed  of M.pack; nil: there is none
-- @param call    as orun.testing has it
-- @return the output; or it fails the task
function M.play(packed, call)
  local o = outcome_of(packed, call)
  if o.activity then orun.report{activity = o.activity} end
  local from, to = delay_of(o.delay or 0)
  orun.sleep(from == to and from or from + orun.random() * (to - from))
  if o.usage or o.cost or o.model or o.session_id then
    orun.report{usage = o.usage, cost = o.cost, model = o.model, session_id = o.session_id}
  end
  if o.error or o.error_kind then
    orun.fail{message = o.error or o.error_kind, kind = o.error_kind or "lua", partial = o.output,
      retry_after = o.retry_after and check.seconds(o.retry_after)}
  end
  return o.output
end

return M
