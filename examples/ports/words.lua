-- words.lua — a Snakemake workflow: only what the wanted file needs is made, and only when it
-- is older than what it is made of.
--
--     $ orun examples/ports/words.lua

local orun = require "orun"
local dir, _ <close> = require "scratch" [[
  mkdir texts counts; echo one two three > texts/a.txt; echo four > texts/b.txt]]

local RULES <const> = {
  {"^total$", {"counts/a.n", "counts/b.n"}, 'cat "$@" | tee "$0"'},
  {"^counts/(.+)%.n$", {"texts/%1.txt"}, 'wc -w < "$1" > "$0"'},
}
local function want(path, made)
  for _, rule in ipairs(RULES) do
    local needs = orun.list(rule[2]):map(function(need) return (path:gsub(rule[1], need)) end)
    made[path] = made[path] or path:match(rule[1]) and orun.start{description = path, cwd = dir,
      reads = needs, writes = {path}, command = {"sh", "-c", rule[3], path, table.unpack(needs)},
      blockedBy = needs:filter(function(need) return want(need, made) end)
        :map(function(need) return made[need] end)}
  end
  return made[path]
end
print(TaskOutput(want("total", {})).output, TaskOutput(want("total", {})).fresh)

--> ~ %s*3
--> ~ %s*1
--> 	true
