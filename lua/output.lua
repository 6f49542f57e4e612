--- orun.output: reads what a task prints, while it prints and afterwards.
--
--     local orun = require "orun"
--     orun.agent{name = "count", command = {"seq", "100000"}}
--     local count = Task{subagent_type = "count", prompt = "x", run_in_background = true}
--     local log, lines = orun.output(count), 0
--     for line in log:lines() do lines = lines + 1 end
--     print(lines, log:tail(1))  --> 100000	100000
--
-- Nothing but the piece in hand is in memory, however much there is.
--
-- Glossary
--   reader   what orun.output returns: a task, and a position in its output
--   source   where a reader's bytes come from: source(offset, max, timeout, attempt)
--            returns what orun.read_output does

local orun = require "orun"
local check = require "orun.util.check"
local lines = require "orun.util.lines"

local PIECE <const> = 64 * 1024
local STREAMS <const> = {"stdout", "stderr"}

local Reader = {__name = "orun.reader"}
Reader.__index = Reader

local function task_source(task, stream)
  return function(offset, max, timeout, attempt)
    return orun.read_output(task, stream == "stderr", offset, max, timeout, attempt)
  end
end

-- Of what orun.exec gave: its file when there is one, else its text.
local function exec_source(text, path)
  return function(offset, max)
    if not path then return text:sub(offset + 1, offset + max), offset, #text, true, 1 end
    local file <close> = assert(io.open(path, "rb"))
    local size = assert(file:seek("end"))
    file:seek("set", offset)
    return max > 0 and file:read(max) or "", offset, size, true, 1
  end
end

-- Where the bytes begin that are whole characters: a piece cut at any byte may
-- begin with up to three bytes that belong to one before it.
local function first_character(bytes)
  local at = 1
  while at <= 4 and at <= #bytes and bytes:byte(at) & 0xC0 == 0x80 do at = at + 1 end
  return at <= 4 and at or 1
end

--- Reads on, and waits for more while the task runs.
-- @param n        at most so many bytes (65536)
-- @param timeout  the longest wait: seconds or "30s"; nil: for ever
-- @return 1 to n bytes, exactly as they were printed; nil at the end;
--         nil, "timeout" when the time is up
function Reader:read(n, timeout)
  n = n or PIECE
  check.argument("reader:read", "n", n, "count")
  local bytes, from, _, _, attempt = self.source(self.offset, n, timeout, self.attempt)
  if not bytes then return nil, from end
  self.offset, self.attempt = from + #bytes, attempt
  if bytes ~= "" then return bytes end
  return nil
end

--- Iterates over lines, without their ends, and waits for more while the task
-- runs. A line longer than `longest` bytes (1 MiB) comes in pieces of that size.
-- @param longest  bytes of a line, at most
-- @return an iterator: line
function Reader:lines(longest)
  return lines(self, longest)
end

--- The last lines of what there is by now; the position stays where it is.
-- @param n    how many lines (10)
-- @param max  at most so many bytes (65536): when they begin within a line, they
--             begin with a whole character of it
-- @return the lines, with their ends but the last one's
function Reader:tail(n, max)
  n, max = n or 10, max or PIECE
  check.argument("reader:tail", "n", n, "count")
  check.argument("reader:tail", "max", max, "count")
  local size = self:size()
  local from = math.max(0, size - max - 1) -- and the byte before
  local bytes = self.source(from, size - from, 0, 0)
  local starts = {size <= max and 1 or nil}
  for at in bytes:gmatch("()\n") do
    if at < #bytes then starts[#starts + 1] = at + 1 end
  end
  local first = starts[math.max(1, #starts - n + 1)]
  if #starts < n and size > max and starts[1] ~= 2 then
    first = 1 + first_character(bytes:sub(2))
  end
  return (bytes:sub(first):gsub("\n$", ""))
end

--- Moves to an offset in bytes; a negative one counts from the end of what there
-- is by now. Without one it only tells.
-- @return the position
function Reader:seek(offset)
  if offset == nil then return self.offset end
  if math.type(offset) ~= "integer" then
    error(check.message("reader:seek", "offset", offset,
      "expected a whole number; a negative one counts from the end"), 2)
  end
  if offset < 0 then offset = math.max(0, self:size() + offset) end
  self.offset = offset
  return offset
end

--- How many bytes were printed by now.
function Reader:size()
  local _, _, size = self.source(0, 0, 0, 0)
  return size
end

--- A reader at the beginning of a task's output. It may be made before the task
-- runs; when a retry prints anew, the reader goes on with that from its beginning.
-- @param task    a handle, an id or a result; or what orun.exec gave
-- @param stream  "stdout" or "stderr" (of a task that is a program)
-- @return the reader
local function output(task, stream)
  stream = stream or "stdout"
  check.argument("orun.output", "stream", stream, STREAMS)
  local source
  if type(task) == "table" and type(rawget(task, "stderr")) == "string" then
    local file = stream == "stderr" and "stderr_file" or "output_file"
    local text = stream == "stderr" and "stderr" or "output"
    source = exec_source(rawget(task, text), rawget(task, file))
  else
    source = task_source(task, stream)
  end
  local reader = setmetatable({source = source, offset = 0, attempt = 0}, Reader)
  reader:size() -- raises if it is not a task
  return reader
end

return output
