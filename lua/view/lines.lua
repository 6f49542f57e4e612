--- orun.view.lines: what goes on, as lines: one when a task starts, one when it ends.
--
-- Where more happens at once than anybody can read, the rest of that tenth of a second is
-- counted in one line; failures always have their own. Of a run that is looked at in brief a
-- line every five seconds says how far it is, and failures have theirs.

local format = require "orun.util.format"
local how = require "orun.record.how"
local title = require "orun.record.title"

local M = {}

local MOST <const> = 20 -- lines of one look, but for failures

local function first_line(text)
  return (text or ""):match("^[^\r\n]*")
end

local function started(t, e, verbose)
  if e.event == "started" and e.attempt == 1 then
    return ("%s starts: %s"):format(t.id, title.of(t))
  elseif e.event == "claimed" then
    return ("%s is claimed%s: %s"):format(t.id, e.by and " by " .. e.by or "", title.of(t))
  elseif verbose and e.event == "started" then
    return ("%s starts again, attempt %d"):format(t.id, e.attempt)
  end
end

local function spent(report)
  local words = {}
  local n = report and (report.input_tokens or 0) + (report.output_tokens or 0) or 0
  if n > 0 then words[1] = ", " .. format.count(n) .. " tokens" end
  if report and report.cost then words[#words + 1] = ", " .. format.cost(report.cost) end
  return table.concat(words)
end

local function ended(t, e)
  local text = how(e)
  if t.started and not e.cached then
    text = text .. " in " .. format.duration(e.duration or 0)
  end
  if (e.attempts or 1) > 1 then text = ("%s, %d attempts"):format(text, e.attempts) end
  if e.cached and e.status ~= "completed" then text = text .. ", as in an earlier try" end
  text = text .. spent(t.report)
  if e.status ~= "completed" then
    return ("%s %s: %s: %s"):format(t.id, text, title.of(t), first_line(e.error or e.error_kind))
  end
  local why = e.skipped and ": " .. first_line(e.skipped) or ""
  return ("%s %s: %s%s"):format(t.id, text, title.of(t), why)
end

-- What only the curious want to know.
local function detail(t, e)
  if e.event == "queued" then
    return ("%s is queued for %s"):format(t.id, e.limit or e["for"])
  elseif e.event == "waits" and e.other then
    return ("%s waits for %s"):format(t.id, e.other)
  elseif e.event == "reported" and e.activity then
    return ("%s: %s"):format(t.id, e.activity)
  end
end

local function of_event(t, e, verbose)
  if e.event == "phase" then return "phase " .. (e.name or "?") end
  if not t then return nil end
  if e.event == "ended" then return ended(t, e) end
  if e.event == "retry" then
    return ("%s failed (%s), again in %s: %s"):format(t.id, e.error_kind,
      format.duration(e.delay or 0), first_line(e.error))
  elseif e.event == "throttled" then
    return ("%s is throttled by %s for %s"):format(t.id, e.limit or "its limit",
      format.duration(e.wait or 0))
  end
  return started(t, e, verbose) or verbose and detail(t, e) or nil
end

-- What is worth a line when there are too many: what is not as it should be.
local BRIEF <const> = {phase = true, ended = true, retry = true, throttled = true}
local PACE <const> = 5 -- seconds between two lines that count

--- The names of the events that may have a line, and those that do when verbose.
M.USUAL = {"started", "claimed", "phase", "ended", "retry", "throttled"}
M.ALL = {"queued", "waits", "reported", table.unpack(M.USUAL)}

-- How far it is.
local function progress_of(model)
  local c = model.counts
  local text = ("... %d of %d done"):format(c.completed or 0, model.total)
  for _, state in ipairs{"failed", "cancelled"} do
    if (c[state] or 0) > 0 then text = ("%s, %d %s"):format(text, c[state], state) end
  end
  return text
end

--- A display of lines.
-- @param look  {put=function(text), verbose=, only=true: of what its user passes on, and no counts;
--   bare=true: without the time}
-- @param model the model of the run
-- @return {event=, tick=, brief=, close=} for view/init.lua
function M.new(look, model)
  local now, lines, left = {}, 0, 0
  local view = {}
  local function stamp(at) return look.bare and "" or ("%9s  "):format(format.duration(at)) end
  local live, counted, printed = false, -PACE, nil -- printed: the last line of counts

  function view.event(e)
    if live and not BRIEF[e.event] then return end
    local text = of_event(model.by_id[e.task], e, look.verbose)
    if not text then return end
    if lines >= MOST and e.status ~= "failed" then
      left = left + 1
      return
    end
    lines = lines + 1
    now[#now + 1] = stamp(e.at) .. text:match("^[^\r\n]*") .. "\n"
    printed = nil
  end

  -- A line that counts, when there is news, at its pace or (last) now.
  local function count(at, last)
    if not live or look.only or at - counted < PACE and not last then return end
    local text = progress_of(model)
    if text == printed then return end
    counted, printed = at, text
    now[#now + 1] = stamp(at) .. text .. "\n"
  end

  local function put(at, last)
    if left > 0 then
      local words = left == 1 and "line" or "lines"
      now[#now + 1] = ("%s... and %d %s more\n"):format(stamp(at), left, words)
    end
    count(at, last)
    if now[1] then look.put(table.concat(now)) end
    now, lines, left = {}, 0, 0
  end

  function view.brief(its_model) model, live = its_model, true end
  function view.tick(at) put(at, false) end
  function view.close(at) put(at, true) end
  return view
end

return M
