--- orun.view.progress: what goes on, while it does, on standard error.
--
-- value is "MODE" or "MODE verbose": tty, lines at the foot of the terminal (view/footer.lua);
-- prompt, as tty, and a line for what has ended, where somebody types at a prompt; plain, lines
-- (view/lines.lua); json, the events as record/file.lua has them; auto, tty where standard error
-- is a terminal that can do it, else plain; none.
--
-- NO_COLOR in the environment, set and not empty, leaves out colours; with TERM=dumb nothing is
-- drawn.

local events_file = require "orun.record.file"
local foot = require "orun.view.footer"
local plain = require "orun.view.lines"
local refusal = require "orun.util.refusal"
local run_model = require "orun.record.model"

local MODES <const> = {
  auto = true, tty = true, prompt = true, plain = true, json = true, none = true,
}

local PACE <const> = 0.09 -- seconds between two draws of the foot, at least
local BEGIN <const> = 0.3 -- seconds until there is something to show: most scripts are over then

-- The tokens and the cost that all tasks have told of.
local function sums(look)
  local told = {} -- by a task's id, so far
  look.tokens, look.cost = 0, 0
  return function(t)
    local before = told[t.id] or {0, 0}
    local tokens, cost = foot.tokens_of(t.report) or 0, t.report.cost or 0
    look.tokens, look.cost = look.tokens + tokens - before[1], look.cost + cost - before[2]
    told[t.id] = {tokens, cost}
  end
end

-- Sets that the foot shows, kept up to date event by event: function(t, e).
local function sets(look)
  look.under_way, look.queued, look.open, look.phases = {}, {}, {}, {}

  local function phase_of(t)
    local p = look.phases[t.phase] or {all = 0, ended = 0}
    look.phases[t.phase] = p
    return p
  end

  return function(t, e)
    look.under_way[t] = run_model.at_work(t.state) or nil
    look.open[t] = not t.ended and t.kind ~= "item" or nil
    look.queued[t] = t.state == "queued" or nil
    if t.phase and e.event == "added" then phase_of(t).all = phase_of(t).all + 1 end
    if t.phase and e.event == "ended" then phase_of(t).ended = phase_of(t).ended + 1 end
  end
end

local function colours()
  local no = os.getenv("NO_COLOR")
  if no and no ~= "" then return function(_, text) return text end end
  return function(number, text) return ("\27[%dm%s\27[0m"):format(number, text) end
end

-- The last line of what a task's program has printed.
local function last_line_of(v)
  return function(id)
    local text = v.output(id, false, -300, 300) or ""
    return text:match("([^\r\n]*[^%s])%s*$") or ""
  end
end

-- At a prompt a line is printed for each failure, and for the end of a task that a line has
-- started, unless a line waits for that task and will show its result.
local function news(model)
  local waits_for
  return function(e)
    if not e.task and (e.event == "waits" or e.event == "goes_on") then waits_for = e.other end
    local t = model.by_id[e.task]
    if e.event ~= "ended" or not t or t.kind == "item" then return false end
    return e.status == "failed" or not t.parent and e.task ~= waits_for
  end
end

local function failures_only(e)
  return e.status == "failed"
end

local function tty(v, at_prompt)
  local model = v.model()
  local look = {colour = colours(), fit = v.fit, last_line = last_line_of(v)}
  local keep_sets, add_report = sets(look), sums(look)
  local told = at_prompt and news(model) or failures_only
  local lines = plain.new({put = v.put, only = true, bare = at_prompt}, model) -- above the foot
  local begun, live
  local drawn = -PACE
  local view = {}
  v.shows(at_prompt and "ended" or "failed")

  function view.close(now)
    v.close_foot()
    lines.close(now)
  end

  function view.event(e)
    local tells, t = told(e), model.by_id[e.task]
    if not t then return end
    if not live then keep_sets(t, e) end
    if e.event == "reported" then add_report(t) end
    if tells then lines.event(e) end
  end

  function view.brief(its_model)
    model, live = its_model, true
    sets(look)
    lines.brief(its_model)
    told = failures_only
  end

  function view.tick(now)
    lines.tick(now)
    begun = begun or model.total > 0 and now
    look.rows, look.columns = v.size()
    if not begun or now - begun < BEGIN or not look.rows or now - drawn < PACE then return end
    drawn = now
    if live then
      look.under_way = {}
      for _, t in pairs(model.by_id) do look.under_way[t] = true end
    end
    look.now, look.eta = now, foot.eta(look.open, now)
    v.foot(table.concat(foot.lines(model, look), "\n") .. "\n")
  end

  return view
end

-- Standard error, as a file.
local function stderr_of(v)
  local now, file = {}, {}
  function file.setvbuf() end
  function file:write(...)
    now[#now + 1] = table.concat{...}
    return self
  end
  function file:flush()
    if now[1] then v.put(table.concat(now)) end
    now = {}
    return self
  end
  file.close = file.flush
  return file
end

local function as_json(v)
  v.shows()
  local writer = events_file.writer(stderr_of(v), "standard error", v.processors())
  return {
    event = function(e) writer:put(e) end,
    tick = function() writer:flush() end,
    close = function(now) writer:close(now, v.busy()) end,
  }
end

local function can_draw(v)
  local term = os.getenv("TERM")
  return term ~= "dumb" and term ~= nil and v.size() ~= nil
end

return function(value, v)
  local mode, verbose = value:match("^(%S*)%s*(.*)$")
  if not MODES[mode] then
    refusal.raise("--progress: %q is not a way to show progress: auto, tty, plain, json or none",
      mode)
  end
  if mode == "auto" then mode = can_draw(v) and "tty" or "plain" end
  local at_prompt = mode == "prompt"
  if at_prompt then mode = can_draw(v) and "tty" or "plain" end
  if mode == "tty" then
    if not v.size() then refusal.raise("--progress tty: standard error is not a terminal") end
    if not v.open_foot() then mode = "plain" end
  end
  if mode == "tty" then return tty(v, at_prompt) end
  if mode == "json" then return as_json(v) end
  if mode == "none" then return {done = true} end
  v.shows(table.unpack(verbose == "verbose" and plain.ALL or plain.USUAL))
  return plain.new({put = v.put, verbose = verbose == "verbose"}, v.model())
end
