--- orun.view.output: what the programs of tasks print, on standard error (--output MODE).
--
--   grouped  all of a task's when it has ended, under a line that names it
--   tagged   line by line while they come, each with its task's id
--   none
--
-- What a retry prints stands after what the attempt before printed, of whose last tenth of a
-- second some may be missing. Text that could drive the terminal is written out.

local how = require "orun.record.how"
local refusal = require "orun.util.refusal"
local title = require "orun.record.title"

local PIECE <const> = 64 << 10

-- Returns the new text of a stream, and whether more may be ready.
local function read(v, id, stream)
  local text, _, attempt = v.output(id, stream.err, stream.offset, PIECE)
  if not text then return "", false end
  if attempt ~= stream.attempt then
    if stream.attempt then -- it prints anew
      local rest = stream.rest
      stream.attempt, stream.offset, stream.rest = attempt, 0, ""
      return rest ~= "" and rest .. "\n" or "", true
    end
    stream.attempt = attempt
  end
  stream.offset = stream.offset + #text
  return text, #text == PIECE
end

-- The whole lines of what is new, tagged; at the end also one that is not whole.
local function tagged_lines(v, id, stream, last, out)
  repeat
    local text, more = read(v, id, stream)
    stream.rest = stream.rest .. text
    local from, to = 1, stream.rest:find("\n", 1, true)
    while to do
      out[#out + 1] = ("%s| %s\n"):format(stream.tag, stream.rest:sub(from, to - 1))
      from = to + 1
      to = stream.rest:find("\n", from, true)
    end
    stream.rest = stream.rest:sub(from)
    if #stream.rest > PIECE or last and not more and stream.rest ~= "" then
      out[#out + 1] = ("%s| %s\n"):format(stream.tag, stream.rest)
      stream.rest = ""
    end
    if #out > 1000 then
      v.put(table.concat(out))
      for i = #out, 1, -1 do out[i] = nil end
    end
  until not more
end

local function streams_of(id)
  local streams = {}
  for i, err in ipairs{false, true} do
    streams[i] = {err = err, offset = 0, rest = "", tag = ("%-4s"):format(id)}
  end
  return streams
end

local function tagged(v)
  local running = {} -- id -> its streams

  local function look(id, last)
    local out = {}
    for _, stream in ipairs(running[id]) do tagged_lines(v, id, stream, last, out) end
    if out[1] then v.put(table.concat(out)) end
  end

  return {
    event = function(e)
      if e.event == "added" and e.kind == "program" then
        running[e.task] = streams_of(e.task)
      elseif e.event == "ended" and running[e.task] then
        look(e.task, true)
        running[e.task] = nil
      end
    end,
    tick = function()
      for id in pairs(running) do look(id, false) end
    end,
  }
end

local function grouped(v)
  local model = v.model()
  return {event = function(e)
    local t = model.by_id[e.task]
    if e.event ~= "ended" or not t or t.kind ~= "program" then return end
    v.put(("---- %s: %s\n"):format(title.named(t), how(e)))
    for _, stream in ipairs(streams_of(t.id)) do
      local text, more, last
      repeat
        text, more = read(v, t.id, stream)
        v.put(text)
        last = text ~= "" and text:sub(-1) or last
      until not more
      if last and last ~= "\n" then v.put("\n") end
    end
  end}
end

local MODES <const> = {
  grouped = grouped, tagged = tagged, none = function() return {done = true} end,
}

return function(value, v)
  local mode = MODES[value]
  if not mode then
    refusal.raise("--output: %q is not a way to show output: grouped, tagged or none", value)
  end
  if value ~= "none" then v.shows("ended") end
  return mode(v)
end
