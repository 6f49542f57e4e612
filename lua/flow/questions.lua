--- orun.flow.questions: questions with a few answers, asked at a terminal.
--
--     local decisions = questions.ask({{question = "Which port?", options = {"80", "8080"}}}, true)
--     print(decisions[1].answer)
--
-- The first option is the recommended one. It is taken, as an assumption, where nobody can be
-- asked.

local terminal = require "orun.terminal"

local M = {}

--- Can somebody answer?
function M.possible()
  return terminal.is(0) and terminal.is(1)
end

-- One answer: a number is that option, nothing the first, other words are taken as they are.
local function answer(number, count, question)
  io.write(("\n%d/%d  %s\n"):format(number, count, orun.clean(question.question)))
  for i, option in ipairs(question.options) do
    io.write(("  %d  %s%s\n"):format(i, orun.clean(option), i == 1 and " (recommended)" or ""))
  end
  io.write "number, other words, or Enter for 1: "
  io.flush()
  local line = io.read()
  if not line then return nil end
  line = line:match("^%s*(.-)%s*$")
  return question.options[line == "" and 1 or math.tointeger(tonumber(line)) or 0]
    or line ~= "" and line
end

--- Asks them one after the other.
-- @param list  array of {question =, options = array, the recommended one first}
-- @param ask   false: take what is recommended
-- @return array of {question =, answer =, assumed = true where nobody was asked}
function M.ask(list, ask)
  local decisions = {}
  for i, question in ipairs(list) do
    local given = ask and answer(i, #list, question) or nil
    if ask and not given then ask = false end -- input has ended
    decisions[i] = {question = question.question, answer = given or question.options[1],
                    assumed = not given or nil}
  end
  return decisions
end

return M
