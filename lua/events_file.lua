--- orun.events_file: the events of a run in a file, written and read back.
--
-- The first line is {"event":"run","version":1,"orun":VERSION,"begun":DATE,"processors":N}, the
-- last {"event":"run_ended","at":SECONDS}; between them stand the events that view.lua
-- documents, in the order they happened, with their fields. Fields and events may be added;
-- what is there keeps its meaning while the version stays. A record that was cut has
-- {"event":"record_cut","at":SECONDS,"why":TEXT} where it stops.

local json = require "orun.json"
local json_line = require "orun.json_line"
local refusal = require "orun.refusal"
local run_model = require "orun.run_model"

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
-- @param busy the part of the machine's processors that was used meanwhile, or nil
function Writer:close(now, busy)
  self:put{event = "run_ended", at = now, busy = busy}
  self:finish()
end

-- The model that a line adds to; raises when it is no event.
local function add_line(model, line, n)
  local ok, event = pcall(json.decode, line)
  if not ok or type(event) ~= "table" or type(event.event) ~= "string" then
    error(("line %d is no event"):format(n), 0)
  end
  if n == 1 and event.event ~= "run" then error("it does not begin with a run", 0) end
  if event.event == "run" and event.version ~= VERSION then
    error(("its version is %s; this orun reads version %d"):format(tostring(event.version),
      VERSION), 0)
  end
  model:add(event)
end

--- The model of the run whose events are in the file. A last line that is not whole was
--- being written when the run was killed: it is left out.
-- @return a model, or nil and why there is none
function M.read(path)
  local file <close>, why = io.open(path, "rb")
  if not file then return nil, why end
  local model, n = run_model.new(), 0
  local line = file:read("L")
  while line do
    n = n + 1
    local ok, wrong = pcall(add_line, model, line, n)
    local last = line:sub(-1) ~= "\n"
    if not ok and not (last and n > 1) then
      return nil, ("%s is no record of a run: %s"):format(path, wrong)
    end
    line = file:read("L")
  end
  if n == 0 then return nil, ("%s is no record of a run: it is empty"):format(path) end
  return model
end

return M
