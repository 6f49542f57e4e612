--- orun.record.file: the events of a run in a file, written and read back.
--
-- The first line is {"event":"run","version":1,"orun":VERSION,"begun":DATE,"processors":N}, the
-- last {"event":"run_ended","at":SECONDS}; between them stand the events that view/init.lua
-- documents, in the order they happened, with their fields. Fields and events may be added;
-- what is there keeps its meaning while the version stays. A record that was cut has
-- {"event":"record_cut","at":SECONDS,"why":TEXT} where it stops.

local json = require "orun.json"
local json_line = require "orun.util.json_line"
local refusal = require "orun.util.refusal"
local run_model = require "orun.record.model"

local M = {}

local VERSION <const> = 1

local Writer = {}
Writer.__index = Writer

--- Write events to a file that is open and empty; the file is the writer's.
-- @param name for messages
-- @param processors how many the run may use
function M.writer(file, name, processors)
  local self = setmetatable({file = file, name = name, bytes = 0}, Writer)
  file:setvbuf("full", 1 << 16)
  self:put{event = "run", version = VERSION, orun = orun.version,
           begun = os.date("!%Y-%m-%dT%H:%M:%SZ"), processors = processors}
  return self
end

local function check(self, ok, problem)
  if not ok then refusal.raise("cannot write events to %s: %s", self.name, problem) end
end

--- One more event. Raises when it cannot be written, as flush and close do.
function Writer:put(event)
  local line = json_line(event)
  check(self, self.file:write(line, "\n"))
  self.bytes = self.bytes + #line + 1
end

function Writer:flush() check(self, self.file:flush()) end

--- No more will be written.
function Writer:finish() check(self, self.file:close()) end

--- The run is over at `now`.
-- @param busy how busy the machine was meanwhile (record/busy.lua), or nil
function Writer:close(now, busy)
  self:put{event = "run_ended", at = now, busy = busy}
  self:finish()
end

-- What fields hold, those of view/init.lua; of others nothing is asked. A number is finite and not
-- negative.
local TEXTS <const> = {"task", "parent", "kind", "agent", "description", "key", "phase",
  "file", "limit", "error", "error_kind", "status", "activity", "model", "session_id", "name",
  "why", "by", "other", "for", "output", "expected_of", "begun", "orun"}
local WHOLE <const> = {"line", "attempt", "attempts", "bytes", "printed", "input_tokens",
  "output_tokens", "exit_code", "signal", "processors"}
local NUMBERS <const> = {"at", "cost", "cpu", "delay", "duration", "wait", "expected",
  "expected_cost", "expected_idle", "busy"}
local LARGEST <const> = 1e15
local KINDS <const> = {lua = true, program = true, item = true}
local ENDS <const> = {completed = true, failed = true, cancelled = true}

local function is_text(value) return type(value) == "string" end

local function is_number(value)
  return math.type(value) ~= nil and value >= 0 and value <= LARGEST
end

local function is_whole(value) return math.type(value) == "integer" and is_number(value) end

-- The first field with a value that it cannot have; nil: there is none.
local function wrong_field(e)
  for _, kind in ipairs{{TEXTS, is_text}, {WHOLE, is_whole}, {NUMBERS, is_number}} do
    for _, name in ipairs(kind[1]) do
      if e[name] ~= nil and not kind[2](e[name]) then return name end
    end
  end
  if e.priority ~= nil and math.type(e.priority) ~= "integer" then return "priority" end
end

-- The same for the fields that are tables, and those that an event must have.
local function wrong_part(e)
  if e.event ~= "run" and e.at == nil then return "at" end
  if e.event == "added" and not e.task then return "task" end
  if e.event == "added" and not KINDS[e.kind] then return "kind" end
  if e.event == "ended" and not ENDS[e.status] then return "status" end
  if e.event == "phase" and not e.name then return "name" end
  if (e.event == "queued" or e.event == "waits") and not e["for"] then return "for" end
  for _, name in ipairs{"blockedBy", "half_written", "limits", "worktree"} do
    if e[name] ~= nil and type(e[name]) ~= "table" then return name end
  end
  for _, name in ipairs{"blockedBy", "half_written"} do
    for _, word in ipairs(e[name] or {}) do
      if type(word) ~= "string" then return name end
    end
  end
  for name, slots in pairs(e.limits or {}) do
    if type(name) ~= "string" or math.type(slots) ~= "integer" or slots < 1 then return "limits" end
  end
end

-- Adds a line to the model; raises if it is not an event.
local function add_line(model, line, n)
  local ok, event = pcall(json.decode, line)
  if not ok or type(event) ~= "table" or type(event.event) ~= "string" then
    error("it has no event", 0)
  end
  if n == 1 and event.event ~= "run" then error("it does not begin with a run", 0) end
  if event.event == "run" and (n > 1 or event.version ~= VERSION) then
    error(n > 1 and "a second run begins" or ("its version is %s; this orun reads version %d")
      :format(tostring(event.version), VERSION), 0)
  end
  local field = wrong_field(event) or wrong_part(event)
  if field then error(("'%s' is missing or has a wrong value"):format(field), 0) end
  if event.at and event.at < model.now then error("its time is before the line above's", 0) end
  if event.event == "added" and model.by_id[event.task] then error("its task is there twice", 0) end
  model:add(event)
end

-- The file, open; nil and why not; and what to call it.
local function source(path)
  if path == "-" then return io.stdin, nil, "standard input" end
  local file, why = io.open(path, "rb")
  return file, why, path
end

--- The model of the run whose events are in the file. A last line that is not whole was
--- being written when the run was killed: it is left out.
-- @param path  "-" is standard input
-- @return a model, or nil and why there is none: "FILE:LINE: not an event file of orun: ..."
function M.read(path)
  local file <close>, why, name = source(path)
  if not file then return nil, why end
  local model, n = run_model.new(), 0
  local line, problem = file:read("L")
  while line do
    n = n + 1
    local ok, wrong = pcall(add_line, model, line, n)
    local last = line:sub(-1) ~= "\n"
    if not ok and not (last and n > 1) then
      return nil, ("%s:%d: not an event file of orun: %s"):format(name, n, wrong)
    end
    line, problem = file:read("L")
  end
  if problem then return nil, ("%s: %s"):format(name, problem) end
  if n == 0 then return nil, ("%s:1: not an event file of orun: it is empty"):format(name) end
  return model
end

return M
