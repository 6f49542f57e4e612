--- A repository with a specification in it, for the specs of spec:decompose and spec:execute.

local h = require "spec.support.helper"
local json = require "orun.json"
local repo = require "spec.support.repo"

local Place = {}
Place.__index = Place

local M = {}

--- Three tasks that make files, the third of both others.
M.TEXT = [[
# Demo

## Overview
Files are made, each from what those before it hold, so that there is an order.

## Phase 1: Ground

### Make one
Files: one.txt
Acceptance: one.txt holds "1".
```sh run
echo run >> "$RAN"
echo 1 > one.txt
```
```sh check
grep -q 1 one.txt
```

### Make two
Files: two.txt
Acceptance: two.txt holds "2".
```sh run
echo run >> "$RAN"
echo 2 > two.txt
```

## Phase 2: Top

### Join them
Depends on: Make one, 1.2
Acceptance: both.txt has two lines.
```sh run
echo run >> "$RAN"
cat one.txt two.txt > both.txt
```
]]

--- A place: a repository with specs/demo/02-specification.md.
-- @param text   the specification; nil: M.TEXT
-- @param plain  true: a folder that is no repository
function M.new(text, plain)
  local place = setmetatable({dir = plain and h.tmpdir() or repo.new()}, Place)
  assert(h.sh("mkdir -p " .. h.quote(place.dir .. "/specs/demo")).code == 0)
  place:write("02-specification.md", text or M.TEXT)
  return place
end

function Place:path(name) return ("%s/specs/demo/%s"):format(self.dir, name) end
function Place:write(name, text) return h.write(self:path(name), text) end
function Place:read(name) return h.read(self:path(name)) end

--- Runs `orun ARGUMENTS` there; its result. `env` as of helper.orun.
function Place:orun(...)
  local opts = {"--no-history", "--no-store", "-q", ...}
  opts.cwd, opts.env = self.dir, self.env or {}
  opts.env.RAN = self.dir .. "/ran"
  return h.orun(opts)
end

--- The same with --json; its result as a table, and what was printed to standard error.
function Place:json(...)
  local r = self:orun(...)
  return json.decode(r.out), r.err, r.code
end

--- How many commands have run.
function Place:ran()
  return #h.lines(h.read(self.dir .. "/ran") or "")
end

--- The tasks of 03-tasks.json.
function Place:tasks()
  return json.decode(assert(self:read "03-tasks.json")).tasks
end

--- The names of the files in specs/demo, in one text.
function Place:files()
  local names = {}
  for _, path in ipairs(h.find(self.dir .. "/specs/demo", "-type f")) do
    names[#names + 1] = path:match("[^/]+$")
  end
  table.sort(names)
  return table.concat(names, " ")
end

--- Lets claude be a program that gets the prompt as input and prints the answer.
function Place:claude(script)
  local path = h.write(h.tmpdir() .. "/answer", "#!/bin/sh\n" .. script)
  assert(h.sh("chmod +x " .. h.quote(path)).code == 0)
  self.env = {FAKE = "script", FAKE_SCRIPT = path, ORUN_BACKEND = "",
    PATH = h.root .. "/spec/support/agents:" .. os.getenv "PATH"}
end

return M
