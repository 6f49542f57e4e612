--- orun.schema.typed: results that have a form, Task{schema=}.
--
-- The agent is told the schema, its answer's JSON is found and checked, and an
-- answer that does not fit goes back with what is wrong, TRIES times; then the
-- task has failed with error_kind "schema". A Lua function is not asked again:
-- what it returns fits, or its task has failed.
--
-- Glossary
--   checker   what orun.schema.new returns

local answer = require "orun.schema.extract"
local json = require "orun.json"
local schema = require "orun.schema"

local M = {}

--- How often an agent may put its answer right.
M.TRIES = 2

--- Raise unless it is a schema that can be checked in full.
function M.check(root)
  local checker, wrong = schema.new(root)
  if not checker then error("Task: schema" .. (wrong:find("^/") and "" or ": ") .. wrong, 0) end
  return checker
end

--- The attempt ends: this is what is wrong with the last answer.
-- @param errors   array of text
-- @param partial  the answer
function M.miss(errors, partial)
  orun.fail{kind = "schema", partial = partial,
            message = "the answer does not have the form asked for: " .. table.concat(errors, "; ")}
end

--- Ask until the answer fits.
-- @param root    the schema, or nil: then the first answer is given as it is
-- @param prompt  what the agent is to do
-- @param ask     function(text, again) -> the agent's answer; again is true when text is a
--   correction to what was asked before
-- @return the value, decoded
function M.ask(root, prompt, ask)
  if root == nil then return ask(prompt, false) end
  local checker = M.check(root)
  local text = ask(prompt .. "\n\n" .. answer.ask(root), false)
  for try = 0, M.TRIES do
    local value, errors = answer.find(text, checker)
    if value ~= nil then return value end
    if try == M.TRIES then M.miss(errors, text) end
    text = ask(answer.refuse(errors), true)
  end
end

--- The value of what a program, or C code, has given as its result.
-- @param root  the schema, or nil: any JSON will do
-- @param text  all that it has printed
-- @return the value, decoded; raises as orun.fail when the text is not JSON of that form
function M.read(root, text)
  local value, why = json.decode(text)
  if value == nil then
    why = text:find("%S") and why or "nothing was printed"
    orun.fail{kind = "schema", partial = text,
              message = ("the output is not JSON%s: %s"):format(
                root and ", which schema asks for" or "", why)}
  end
  if root == nil then return value end
  local ok, errors = M.check(root):check(value)
  if not ok then
    orun.fail{kind = "schema", partial = value,
              message = "the output does not have the form asked for: "
                .. table.concat(errors, "; ")}
  end
  return value
end

--- A function(input, task) whose result is checked by task.schema.
function M.around(f)
  return function(input, task)
    local value = f(input, task)
    local ok, errors = M.check(task.schema):check(value)
    if not ok then
      orun.fail{kind = "schema", partial = value,
                message = "the result does not have the form asked for: "
                  .. table.concat(errors, "; ")}
    end
    return value
  end
end

return M
