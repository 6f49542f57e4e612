--- orun.watch.output: what a task prints, as a page of watch/init.lua.
--
-- A window of the output is kept, pieces that lie beside each other: it follows the end, as
-- long as that is in sight, and is moved by scrolling past its edges.
--
-- Glossary
--   piece    an answer of RunOutput (control/run_tools.lua): text, and its offset in the output
--   window   the text from `from` to `to`, bytes of the output
--   rows     the text as lines that have room

local format = require "orun.util.format"
local hints = require "orun.watch.hints"
local terminal = require "orun.terminal"
local words = require "orun.watch.words"

local PIECE <const> = 32 << 10    -- bytes asked for at once
local WINDOW <const> = 256 << 10  -- bytes kept
local HELP <const> = {{"Up Down PageUp PageDown Home End", 4}, {"e other stream", 3}, {"s stop", 2},
                      {"q back", 1}}
local HEAD <const> = 3            -- lines above the text, where there is room

-- A line of the output as a person sees it: without colours, and of what a program has
-- written over, the last.
local function seen(line)
  line = line:gsub("\27%[[%d;:]*m", ""):gsub("\r+$", "")
  return (line:match("[^\r]*$"):gsub("\t", "    "))
end

return function(watch, entry, stop)
  local page = {pace = 0.25}
  local stream = "stdout"
  local text, from, size, final, attempt  -- the window; text is nil at first
  local want = "end"                      -- "end", "start", "before", "after"
  local rows, columns = {}, 0             -- as lines of so many columns
  local top, height, following = 1, 10, true

  local function to() return from + #text end

  local function wrap()
    rows = {}
    if not text or text == "" then return end
    local last = text:sub(-1) == "\n" and text:sub(1, -2) or text
    for line in (last .. "\n"):gmatch("([^\n]*)\n") do
      terminal.wrap(seen(line), columns, rows)
    end
  end

  local function settle()
    local lowest = math.max(1, #rows - height + 1)
    top = following and lowest or math.max(1, math.min(top, lowest))
  end

  function page.ask()
    local args = {task_id = entry.id, stream = stream, limit = PIECE, attempt = attempt}
    if not text then want = "end" end
    page.asked = want
    if want == "end" then
      args.offset, args.attempt = -PIECE, nil
    elseif want == "start" then
      args.offset = 0
    elseif want == "before" then
      args.offset = math.max(0, from - PIECE)
      args.limit = math.max(1, from - args.offset)
    else
      args.offset = to()
    end
    return "RunOutput", args
  end

  -- Keep no more than a window: what is far from what is looked at goes.
  local function trim(first)
    if #text <= WINDOW then return end
    local cut = first and (text:find("\n", #text - WINDOW // 2, true) or #text - WINDOW // 2)
    if cut then
      text, from = text:sub(cut + 1), from + cut
    else
      text = text:sub(1, WINDOW // 2)
    end
  end

  local function put_before(piece)
    local below = #rows - top
    text, from = piece.text .. text, piece.offset
    following = false
    trim(false)
    wrap()
    top = math.max(1, #rows - below)
  end

  function page.take(piece)
    local asked, anew = page.asked, attempt and piece.attempt ~= attempt
    entry, size, final, attempt = piece.task, piece.size, piece.final, piece.attempt
    if want == asked then want = "after" end
    if asked == "before" and not anew and piece.offset + #piece.text == from then
      put_before(piece)
    elseif asked == "after" and not anew and piece.offset == to() then
      if piece.text == "" then return end
      text = text .. piece.text
      trim(true)
      wrap()
    else
      text, from = piece.text, piece.offset
      if asked == "start" then top = 1 end
      wrap()
    end
    settle()
    if following and to() < size then watch:hurry() end
  end

  -- ---- keys ----

  local function scroll(by)
    local lowest = math.max(1, #rows - height + 1)
    local wanted = top + by
    following = by > 0 and wanted >= lowest and (not text or to() >= size)
    top = math.max(1, math.min(wanted, lowest))
    if not text then return end
    if wanted < 1 and from > 0 then
      want = "before"
      watch:hurry()
    elseif wanted > lowest and to() < size then
      want = "after"
      watch:hurry()
    end
  end

  local function jump(where)
    want, following = where, where == "end"
    if where == "start" and text and from == 0 then want, top = "after", 1 end
    if where == "end" then settle() end
    watch:hurry()
  end

  local keys = {
    up = function() scroll(-1) end,
    down = function() scroll(1) end,
    page_up = function() scroll(-height) end,
    page_down = function() scroll(height) end,
    home = function() jump("start") end,
    ["end"] = function() jump("end") end,
    e = function()
      stream = stream == "stdout" and "stderr" or "stdout"
      text, attempt, rows, following = nil, nil, {}, true
      watch:hurry()
    end,
    s = function() stop(entry) end,
    q = function() watch:pop() end,
  }
  keys.k, keys.j, keys.g, keys.G = keys.up, keys.down, keys.home, keys["end"]
  keys.escape, keys.left, keys[" "] = keys.q, keys.q, keys.page_down

  function page.key(key)
    if keys[key] then keys[key]() end
  end

  -- ---- lines ----

  local function facts()
    local parts = {words.state(entry)}
    if entry.elapsed then parts[#parts + 1] = format.duration(entry.elapsed) end
    if entry.agent then parts[#parts + 1] = entry.agent end
    if entry.model then parts[#parts + 1] = entry.model end
    local tokens = words.tokens(entry)
    if tokens then parts[#parts + 1] = tokens .. " tokens" end
    parts[#parts + 1] = words.cost(entry)
    parts[#parts + 1] = words.note(entry)
    return table.concat(parts, "  ")
  end

  local function where()
    if not text then return stream .. ": asking ..." end
    if size == 0 then return stream .. (final and ": nothing" or ": nothing yet") end
    local shown = following and (final and "the end" or "following") or "scrolled"
    return ("%s: %s, %s"):format(stream, format.bytes(size), shown)
  end

  function page.lines(wide, high)
    local head = high >= 8 and HEAD or 1
    if wide ~= columns then
      columns = wide
      wrap()
    end
    height = high - head - 1
    settle()
    local name = entry.id .. (entry.description and "  " .. entry.description or "")
    local lines = {{(name:gsub("%s+", " ")), style = "bold"}}
    if head > 1 then
      lines[2] = {facts(), style = entry.state == "failed" and "bad" or nil}
      lines[3] = {where(), style = "dim"}
    end
    for i = top, top + height - 1 do lines[#lines + 1] = {rows[i] or ""} end
    lines[high] = {hints(HELP, wide), style = "dim"}
    return lines
  end

  return page
end
