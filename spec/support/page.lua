--- Reads a README: its fenced blocks, and the commands in a shell block.

local h = require "spec.support.helper"

local M = {}

--- The fenced blocks of a page: { kind =, line =, lines =, text =, next = },
--- where `next` is the block after it when only blank lines stand between.
function M.blocks(path)
  local all, open, blank = {}, nil, false
  for number, line in ipairs(h.lines(assert(h.read(path)))) do
    local kind = line:match("^%s*```(.*)$")
    if kind and open then
      open.text = table.concat(open.lines, "\n") .. "\n"
      all[#all + 1], open, blank = open, nil, true
    elseif kind then
      open = { kind = kind, line = number, lines = {}, page = path }
      if blank and all[#all] then all[#all].next = open end
    elseif open then
      open.lines[#open.lines + 1] = line
    elseif line ~= "" then
      blank = false
    end
  end
  assert(not open, path .. ": a fence is left open")
  return all
end

--- The commands of a shell block: { command =, shown = lines }. A command
--- begins with `$ `, goes on after a `\`, and what follows is its output.
function M.commands(block)
  local all, more = {}, false
  for _, line in ipairs(block.lines) do
    local command = line:match("^%$ (.*)$")
    local last = all[#all]
    if command then
      all[#all + 1] = { command = command, shown = {} }
    elseif more then
      last.command = last.command .. "\n" .. line
    elseif last then
      last.shown[#last.shown + 1] = line
    else
      error(("%s:%d: a shell block begins with `$ `"):format(block.page,
        block.line))
    end
    more = (command or more) and line:match("\\$") ~= nil
  end
  return all
end

return M
