--- orun.command.interactive: lines, run as they come (`orun repl`, which is `orun -i`).
--
-- As Lua's own program has it: a line that is an expression shows its values, one that
-- is not whole is gone on with, and an error ends only its own. _PROMPT and _PROMPT2 of
-- the script are the prompts.
--
-- On a terminal there is a prompt (api/lib_prompt.h): lines are edited, completed and recalled,
-- tasks in the background go on, and messages about them appear above the line. Otherwise lines
-- come from standard input.

local prompt_names = require "orun.command.prompt_names"
local history = require "orun.command.line_history"
local show_value = require "orun.util.show_value"
local terminal = require "orun.terminal"
local orun = require "orun"

local function prompt_text(name, usual)
  local text = _G[name]
  return text == nil and usual or tostring(text)
end

-- ---- where lines come from: {read = function(prompt) -> line, or nil and why;
--      call = function(f, handler) -> as lib_prompt.h has it; ...} ----

local CLOSES <const> = {__close = function(source) source.close() end}

-- Lines of standard input, whatever that is.
local function input()
  return setmetatable({
    read = function(_, text)
      io.stdout:write(text)
      io.stdout:flush()
      return io.read()
    end,
    call = function(_, f, handler) return nil, xpcall(f, handler) end,
    remember = function() end,
    close = function() end,
  }, CLOSES)
end

-- The prompt of a terminal; nil where there is none.
local function of_terminal()
  if not (terminal.is(0) and terminal.is(1)) then return nil end
  local prompt, why = require "orun.prompt".open(prompt_names)
  if not prompt then return nil end
  local lines, add = history.open()
  for _, line in ipairs(lines) do prompt:remember(line) end
  return setmetatable({
    hint = (why and why .. "\n" or "")
      .. "A local lives for one line; Ctrl-C ends a line, Ctrl-D all of it.\n",
    read = function(_, text) return prompt:read(text) end,
    call = function(_, f, handler) return prompt:call(f, handler) end,
    remember = function(_, line)
      local kept = add(line)
      if kept then prompt:remember(kept) end
    end,
    close = function() prompt:close() end,
    tells_end = true,
  }, CLOSES)
end

-- ---- one chunk ----

-- The chunk of the line and of those behind it that it needs; nil when input has ended or was
-- interrupted, or nil and what is wrong.
local function chunk_of(source, line)
  local code = line:gsub("^=", "return ")
  local chunk = load("return " .. code, "=stdin", "t", _G)
  if chunk then return chunk end
  while true do
    local whole, why = load(code, "=stdin", "t", _G)
    if whole or not why:find("<eof>$") then return whole, why end
    local more, ended = source:read(prompt_text("_PROMPT2", ">> "))
    if not more then return nil, ended ~= "interrupted" and why or nil end
    source:remember(more)
    code = code .. "\n" .. more
  end
end

-- What was raised, with a traceback as far down as the line; a stop is for nobody here.
local function explain(problem)
  if orun.stopping() then return problem end
  local meta = getmetatable(problem)
  local shown = type(problem) == "string" or type(problem) == "number"
    or (type(meta) == "table" and meta.__tostring)
  local text = debug.traceback(shown and tostring(problem)
    or ("(error object is a %s value)"):format(type(problem)), 2)
  local above = text:match("^(.-)\n\t%[orun%]/command/interactive%.lua:")
  return above and above .. "\n\t[C]: in ?" or text
end

-- Print what a chunk has returned.
local function show(...)
  local n = select("#", ...)
  if n == 0 then return end
  local values = {...}
  for i = 1, n do
    if type(values[i]) == "table" then values[i] = show_value(values[i]) end
  end
  local shown, why = pcall(_G.print, table.unpack(values, 1, n))
  if not shown and orun.stopping() then error(why, 0) end
  if not shown then io.stderr:write("error calling 'print' (", tostring(why), ")\n") end
end

-- Run it, and report an error, which ends nothing but this chunk.
local function run(source, chunk)
  local cancelled, ok, why = source:call(function() show(chunk()) end, explain)
  if cancelled then
    local tasks = cancelled == 1 and ", and 1 task cancelled" or cancelled > 1
      and (", and %d tasks cancelled"):format(cancelled) or ""
    io.stderr:write("\ninterrupted", tasks, "\n") -- the terminal has echoed ^C
  elseif not ok then
    if orun.stopping() then error(why, 0) end
    io.stderr:write(tostring(why), "\n")
  end
end

-- ---- the end ----

local OPEN <const> = {pending = true, in_progress = true}

-- What still runs, which the end of a script waits for, or cancels.
local function tell_open()
  local names, n = {}, 0
  for _, entry in ipairs(TaskList{kind = "task"}) do
    if OPEN[entry.status] then
      n = n + 1
      if n <= 5 then names[n] = ("%s (%s)"):format(entry.id, entry.description) end
    end
  end
  if n == 0 then return end
  io.stdout:write(("%d task%s still run%s, until the end or Ctrl-C: %s%s\n"):format(n,
    n == 1 and "" or "s", n == 1 and "s" or "", table.concat(names, ", "), n > 5 and ", ..." or ""))
end

return function()
  local source <close> = of_terminal() or input()
  io.stdout:write(("orun %s, %s\n%s"):format(orun.version, _VERSION, source.hint or ""))
  while true do
    local line, ended = source:read(prompt_text("_PROMPT", "> "))
    if not line and ended ~= "interrupted" then break end
    local chunk, why
    if line then
      source:remember(line)
      chunk, why = chunk_of(source, line)
    end
    if chunk then
      run(source, chunk)
    elseif why then
      io.stderr:write(why, "\n")
    end
  end
  io.stdout:write("\n")
  if source.tells_end then tell_open() end
end
