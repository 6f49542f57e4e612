--- orun.command.complete: `orun complete`, what may be typed next, for shells.
--
-- runtime/cli/shell has what calls it in bash, zsh and fish. Options and words are those of the
-- texts of help (usage.lua); what stands there in capitals is a kind of value, and KINDS has the
-- ones there are of it. Nothing is run for that, and no file of Lua.

local backends = require "orun.agents.backends"
local files = require "orun.starter.files"
local find = require "orun.flow.find"
local format = require "orun.util.format"
local json = require "orun.json"
local kept = require "orun.kept.runs"
local live = require "orun.control.runs"
local options = require "orun.command.options"
local records = require "orun.record.store"
local tasks = require "orun.kept.tasks"
local usage = require "orun.command.usage"

local HELP <const> = [[
usage: orun complete -- [WORD...] LAST

Prints the words that LAST may become after these words of orun's command line, each in
a line, with a tab and what it means behind it. A line ":files" says that it may be a
file as well. The completions of bash, zsh and fish that are installed with orun call it.
]]

local MOST <const> = 100 -- runs, and tasks of one

-- What may be typed: {main = the text of `orun --help`, words, last, found = lines, known =
-- options, args = words before `last` that are no options, store = of --store}.
local Line = {}
Line.__index = Line

function Line:add(word, about)
  if word:sub(1, #self.last) ~= self.last or word:find("%c") then return end
  about = format.line(about or "", 70)
  self.found[#self.found + 1] = about ~= "" and word .. "\t" .. about or word
end

function Line:add_files() self.files = true end

-- ---- values ----

function Line:kept_runs()
  local place, own = kept.place(self.store)
  return place and kept.all(place, own) or {}
end

local function add_kept(line)
  for i, run in ipairs(line:kept_runs()) do
    if i > MOST then break end
    line:add(run.id, ("%s, %s"):format(run.state, run.script or "?"))
  end
end

local function add_live(line)
  for _, run in ipairs(live.all() or {}) do line:add(run.name, run.script) end
end

local function add_records(line)
  for _, name in ipairs(records.names() or {}) do line:add(name) end
  line:add_files()
end

-- Of the run that is named before, or the newest.
local function add_tasks(line)
  local runs = line:kept_runs()
  local named = line.args[1] and kept.matching(runs, line.args[1])
  local run = named and #named == 1 and named[1] or runs[1]
  for i, task in ipairs(run and tasks.of(run) or {}) do
    if i > MOST then break end
    line:add(task.name, task.description)
  end
end

-- Which there are depends on what is installed, and on settings: a runtime knows.
local function add_agents(line)
  local pipe <close> = io.popen(arg.program .. " agents --json 2>/dev/null")
  local list = pipe and json.decode(pipe:read("a")) or {}
  for _, agent in ipairs(list.agents or {}) do line:add(agent.name, agent.description) end
end

local function add_workflows(line)
  for _, one in ipairs(find.list()) do
    if not one.hidden then line:add(one.name, one.about) end
  end
end

-- Those of one word, each once: retry is a command and a function. A function of orun is a topic by
-- its bare name, too, and by its whole one where that is begun.
local function add_topics(line)
  local seen = {}
  for _, topic in ipairs(require "orun.manual.topics".all()) do
    local bare = topic.kind == "function" and line.last:sub(1, 5) ~= "orun." and topic.others[1]
    local name = bare or topic.name
    if not name:find("%s") and not seen[name] then line:add(name, topic.line) end
    seen[name] = true
  end
end

local function add_all(list)
  return function(line)
    for _, word in ipairs(list) do line:add(word) end
  end
end

local function add_backends(line)
  for _, list in ipairs{backends.PROGRAMS, backends.LLMS} do add_all(list)(line) end
end

-- Of capitals, or of the option whose value it is, or of those of one command.
local KINDS <const> = {
  RUN = add_kept, ["tasks RUN"] = add_live, ["report RUN"] = add_records, TASK = add_tasks,
  TOPIC = add_topics,
  FILE = Line.add_files, DIR = Line.add_files, FOLDER = Line.add_files, PATH = Line.add_files,
  PROGRAM = Line.add_files,
  TYPE = add_agents, AGENT = add_all(files.AGENTS), ["--agent"] = add_agents,
  ["--backend"] = add_backends, ["--show"] = add_workflows, ["--copy"] = add_workflows,
}

-- What a word of a usage line stands for.
function Line:add_word(word)
  local kind = KINDS[("%s %s"):format(self.command, word)] or KINDS[word]
  if kind then
    kind(self)
  elseif word:find("^%l+$") then
    self:add(word)
  elseif word:find("[./]") then
    self:add_files()
  end
end

function Line:add_values(name, option)
  if KINDS[name] then
    KINDS[name](self)
  elseif option.choices then
    add_all(option.choices)(self)
  elseif option.value:find("%u") then
    self:add_word(option.value)
  end
end

-- ---- words ----

-- The option that a word is: its name, what is known of it, and the value in it or nil.
function Line:option(word)
  local name, value = word:match("^(%-%-[%w-]+)=(.*)$")
  if not name and #word > 2 and word:find("^%-%w") and not self.known[word] then
    name, value = word:sub(1, 2), word:sub(3)
  end
  name = name or word
  return name, self.known[name], value
end

-- Read words from `at` on; with `first` up to the first that is no option. Returns where that is.
function Line:read(at, first)
  while at < #self.words do
    local word = self.words[at]
    local name, option, value = self:option(word)
    if not self.plain and word == "--" then
      self.plain = true
    elseif self.plain or word == "-" or word:sub(1, 1) ~= "-" then
      self.args[#self.args + 1] = word
      if first then return at end
    elseif option and option.value and not option.inline and not value then
      at = at + 1
      if at == #self.words then self.waiting = name end
      value = self.words[at]
    end
    if name == "--store" then self.store = value end
    at = at + 1
  end
end

function Line:add_options()
  local names = options.names(self.known, "")
  for _, name in ipairs(names) do
    local option = self.known[name]
    self:add(name, option.about)
    if option.inline then self:add(name .. "=", option.about) end
  end
  if not self.known["--help"] then self:add("--help", "print what it does and takes") end
end

-- What `last` may become, if that is an option, its value, or one of these words. Returns whether
-- it is a word.
function Line:add_next(words)
  local name, option, value = self:option(self.last)
  if self.waiting then
    self:add_values(self.waiting, self.known[self.waiting])
  elseif not self.plain and value and option and option.value then
    local before = self.last:sub(1, #self.last - #value)
    self.last = value
    local from = #self.found
    self:add_values(name, option)
    for i = from + 1, #self.found do self.found[i] = before .. self.found[i] end
  elseif not self.plain and self.last:sub(1, 1) == "-" then
    self:add_options()
  else
    for _, word in ipairs(words) do self:add_word(word) end
    return true
  end
end

-- ---- commands ----

-- The options of a run, and those of a plan.
local function of_main(text, plan)
  local at = text:find("\norun plan starts")
  local known = usage.options(text:sub(1, at))
  for name, option in pairs(plan and usage.options(text:sub(at)) or {}) do known[name] = option end
  return known
end

-- Behind `orun task`: one of its commands, or what that takes.
function Line:add_commands(text, at)
  local commands = usage.commands(text)
  self:read(at)
  local one = commands[self.args[1]]
  if not one then
    self.known = {}
    if self.last:sub(1, 1) == "-" then self:add_options() end
    for _, name in ipairs(options.names(commands, "")) do self:add(name) end
    return
  end
  self.args, self.known, self.waiting, self.plain = {}, one.known, nil, nil
  self.known["--json"] = self.known["--json"] or {about = ""}
  self:read(at)
  self:add_next(one.words)
end

-- Behind the name of a command or of a workflow.
function Line:add_of(name, text, at)
  local words = usage.words(text, "orun " .. name)
  self.command, self.args = name, {}
  if words[1] == "COMMAND" then return self:add_commands(text, at) end
  if text ~= self.main then self.known = usage.options(text, "orun " .. name) end
  self:read(at)
  self:add_next(words)
end

-- The text of help of a command: its own, or the main one; nil: there is no such command.
local function text_of(line, name)
  if not (" " .. line.commands .. " "):find(" " .. name .. " ", 1, true) then return nil end
  local module = "orun.command." .. name:gsub("^init$", "")
  local ok = pcall(require, (module:gsub("%.$", "")))
  return ok and options.HELP["orun " .. name] or line.main
end

-- Behind a script's name there are files, which is all that is known of it.
function Line:add_behind(name, at)
  local text = not self.plain and text_of(self, name)
  if name == "plan" and text then
    self.known, self.args = of_main(self.main, true), {}
    self:read(at, true)
    return self.args[1] and self:add_files() or self:add_next{"script.lua"}
  end
  local flow = not text and not self.plain and find.find(name)
  if text or flow then return self:add_of(name, text or find.head(flow.text), at) end
  self:add_files()
end

function Line:add_names()
  for name in self.commands:gmatch("%S+") do
    self:add(name, usage.about(self.main, "orun " .. name))
  end
  add_workflows(self)
end

local function complete(line)
  line.known = of_main(line.main)
  local at = line:read(1, true)
  if at then return line:add_behind(line.args[1], at + 1) end
  if line:add_next{"script.lua"} and not line.plain then line:add_names() end
end

return options.command("orun complete", HELP, function(dashes, ...)
  if dashes == "--help" or dashes == "-h" then error({help = true}, 0) end
  if dashes ~= "--" then options.usage "-- is expected before the words" end
  local words = {...}
  local line = setmetatable({main = arg.help, commands = arg.commands, words = words, found = {},
    args = {}, last = words[#words] or "", command = ""}, Line)
  complete(line)
  if line.files then line.found[#line.found + 1] = ":files" end
  if line.found[1] then options.write(table.concat(line.found, "\n") .. "\n") end
end)
