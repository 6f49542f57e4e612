--- A terminal whose screen can be read: one pane of a tmux server of its own.
---
---   local screen <close> = screen.open("orun script.lua", {columns = 80, rows = 24})
---   screen:shows("3 running")

local h = require "spec.support.helper"

local M = {}
local Screen = {}
Screen.__index = Screen

local function tmux(self, words)
  return h.sh(("tmux -u -S %s -f /dev/null %s"):format(h.quote(self.socket), words),
    {env = {TMUX = false}})
end

--- Run a shell command in a new terminal.
-- @param opts  {columns= (80), rows= (24), cwd=, env={NAME=value}}
function M.open(command, opts)
  opts = opts or {}
  local dir = h.tmpdir()
  local self = setmetatable({socket = dir .. "/tmux", done = dir .. "/done"}, Screen)
  -- The folder of h.sh's own goes when tmux has started.
  local env = {"TERM=screen", "ORUN_PROGRESS=", h.quote("XDG_STATE_HOME=" .. dir .. "/state")}
  for name, value in pairs(opts.env or {}) do env[#env + 1] = h.quote(name .. "=" .. value) end
  h.write(dir .. "/run.sh",
    ("cd %s\ntrap : INT\nenv %s %s\necho \"exit $?\"\ntouch %s\nexec cat\n"):format(
    h.quote(opts.cwd or dir), table.concat(env, " "), command, h.quote(self.done)))
  local r = tmux(self, ("new-session -d -x %d -y %d sh %s"):format(opts.columns or 80,
    opts.rows or 24, h.quote(dir .. "/run.sh")))
  assert(r.code == 0, r.err)
  return self
end

--- The lines that stand there, without blanks and empty lines at their ends. More words for
--- tmux's capture-pane: "-S -" has what went off at the top too, "-e" colours.
function Screen:text(words)
  local text = tmux(self, "capture-pane -p " .. (words or "")).out
  return (text:gsub("[ \t]+\n", "\n"):gsub("%s+$", ""))
end

--- Wait until the screen matches a pattern; gives its text then.
function Screen:shows(pattern)
  local text
  local ok = h.wait_for(function()
    text = self:text()
    return text:find(pattern) ~= nil
  end)
  assert(ok, ("the screen never showed %q but:\n%s"):format(pattern, text))
  return text
end

--- Wait for the command's end; gives the screen's text.
function Screen:ended()
  assert(h.wait_for(function() return h.exists(self.done) end), "it still runs:\n" .. self:text())
  return self:shows("exit %d+")
end

--- Give the terminal another size, and wait until programs in it are told of that: tmux does so
--- some time after it has moved what is on the screen.
function Screen:resize(columns, rows)
  tmux(self, ("resize-window -x %d -y %d"):format(columns, rows))
  local tty = tmux(self, "display-message -p '#{pane_tty}'").out:gsub("%s+$", "")
  local size = ("%d %d\n"):format(rows, columns)
  assert(h.wait_for(function() return h.sh("stty -F " .. tty .. " size").out == size end),
    "the terminal never was of that size")
end

--- Press keys, as tmux calls them: "C-c", "Enter", "a".
function Screen:keys(...)
  for _, key in ipairs{...} do tmux(self, "send-keys " .. h.quote(key)) end
end

--- Type text, letter by letter.
function Screen:types(text)
  tmux(self, "send-keys -l -- " .. h.quote(text))
end

function Screen:close()
  tmux(self, "kill-server")
end

Screen.__close = Screen.close

return M
