--- orun.command.init: `orun init`, the first files of a project, and what lets an agent use orun.

local files = require "orun.starter.files"
local options = require "orun.command.options"
local steps_of = require "orun.starter.steps"

local HELP <const> = [[
usage: orun init
       orun init --for AGENT [--for AGENT ...]

Writes the first files of a project into this folder: a sample agent type
(.orun/agents), a sample workflow (.orun/workflows), and settings for editors
(.luarc.json). It asks nothing and overwrites nothing.

  --for AGENT   write what lets that agent work with orun instead:
                claude    a skill and the commands /ideate, /spec:decompose,
                          /spec:execute, /debug:api, /debug:browser in .claude;
                          the MCP server in .mcp.json
                codex     a section in AGENTS.md; the server in .codex/config.toml
                gemini    a section in GEMINI.md; the server in .gemini/settings.json
                opencode  a section in AGENTS.md; the server in opencode.json
                and, with a section, .orun/parallel-work.md

A file that is there keeps all it has. The server is added to it, and what stands
between orun's marks in a page is brought up to date. Where something cannot be
added it says why, and nothing at all is written.

Exit codes: 0 done, or there was nothing to do; 1 refused or failed; 2 usage.
]]

local VERB <const> = {write = "wrote", add = "added to", left = "left alone"}

local function say(text, ...) print((orun.clean(text:format(...)))) end

local function agents_of(...)
  local chosen, known = {}, options.one_of(table.unpack(files.AGENTS))
  local args = options.read({["--for"] = {"agent", function(name, word)
    for part in (word .. ","):gmatch("([^,]*),") do chosen[#chosen + 1] = known(name, part) end
    return true
  end, "the name of an agent"}}, {...})
  if args[1] then options.usage("%s is one word too many", args[1]) end
  return chosen
end

-- The home folder's .orun and .claude are the user's, and not a project's.
local function check_place()
  local home = os.getenv "HOME"
  if not orun.real "." then options.refuse "this folder is not there any more" end
  if home and orun.real(home) == orun.real "." then
    options.refuse "this is your home folder; it is for the folder of a project"
  end
end

local function refuse(refused)
  local lines = {}
  for i, step in ipairs(refused) do lines[i] = step.why end
  options.refuse("nothing was written\n  %s", table.concat(lines, "\n  "))
end

local function do_all(steps)
  local changed = 0
  for _, step in ipairs(steps) do
    local what = step.note and step.note .. ", which stays" or step.file.what
    if step.act ~= "left" then
      local ok, why = steps_of.take(step)
      if not ok then options.refuse("%s%s", why, changed > 0 and "; what is told above is there"
        or "; nothing was written") end
      changed = changed + 1
    end
    say("%-10s  %s  (%s)", VERB[step.act], step.file.path, what)
  end
  return changed
end

local function say_next(chosen, steps)
  if not chosen[1] then
    say("Next, when you have read them:\n"
      .. "  orun trust                    lets these files run, as they are now\n"
      .. "  orun survey '.orun/**/*.lua'  the sample workflow\n"
      .. "  orun workflows                all there are; orun init --for claude lets it use them")
  end
  for _, step in ipairs(steps) do
    if step.file.hint and step.act ~= "left" then say("Note: %s", step.file.hint) end
  end
  if chosen[1] and not orun.program "orun" then
    say "Note: there is no orun in PATH, where agents look for it"
  end
end

return options.command("orun init", HELP, function(...)
  local chosen = agents_of(...)
  check_place()
  local steps, refused = steps_of.look(files.of(chosen))
  if refused[1] then refuse(refused) end
  if do_all(steps) > 0 then say_next(chosen, steps) else say "Nothing to do: all of it is there" end
end)
