--- orun.command.help: `orun help`, the manual in the terminal, and all of it in files.

local line_width = require "orun.util.line_width"
local options = require "orun.command.options"
local shell_words = require "orun.util.shell_words"
local terminal = require "orun.terminal"
local text = require "orun.manual.text"
local topics = require "orun.manual.topics"

local HELP <const> = [[
usage: orun help [TOPIC...]
       orun help --write FOLDER

Prints what the manual says of a topic: a function (TaskOutput, orun.fan_out or
fan_out), a field (blockedBy), a table ("Task fields", "error kinds"), a chapter by
its title or a word of it, a command, "options", or a function of orun.h. Without a
topic it lists them.

On a terminal the text is shown with a pager: $ORUN_PAGER, else $PAGER, else less.
One that is empty, or "cat", is none.

  --write FOLDER   writes the man pages orun(1), orun(3) and orun-lua(3), the manual
                   as one page of HTML, and the types for editors, to files in
                   FOLDER, which must be there
  --luals          prints these types, as orun --luals does
]]

local OPTIONS <const> = {["--write"] = {"write", options.word, "a folder"}, ["--luals"] = {"luals"}}
local LISTED <const> = 56 -- columns of a topic's line in the list

-- ---- where it goes ----

-- The pager that is wanted, or nil.
local function pager()
  local wanted = os.getenv "ORUN_PAGER" or os.getenv "PAGER" or "less"
  if not terminal.is(1) or wanted == "" or wanted == "cat" or os.getenv "TERM" == "dumb" then
    return nil
  end
  return wanted
end

-- Print it, with the pager if there is one: less ends at once where all fits on the screen.
local function show(words)
  local program = pager()
  local to = program and io.popen(("LESS=${LESS-FRX} LV=${LV--c} %s"):format(program), "w")
  if not to then return options.write(words) end
  to:write(words)
  to:close()
end

-- ---- what ----

local function cut(line)
  return #line > LISTED and line:sub(1, LISTED - 3):gsub("%s*%S*$", "") .. "..." or line
end

-- All topics but fields, by their kinds.
local function list()
  local parts, all = {"orun help TOPIC prints one of these.\n"}, topics.all()
  for _, kind in ipairs(topics.KINDS) do
    parts[#parts + 1] = ("\n%s\n"):format(kind[2])
    for _, topic in ipairs(all) do
      if topic.kind == kind[1] then
        local line = kind[1] ~= "chapter" and cut(topic.line) or ""
        parts[#parts + 1] = ("  %-20s  %s"):format(topic.name, line):gsub("%s+$", "") .. "\n"
      end
    end
  end
  return table.concat(parts)
end

-- What a word means; more than one topic may have the name.
local function about(word, how)
  local found, near = topics.find(word)
  if not found[1] then
    options.refuse("there is no topic %s%s\n'orun help' lists them", shell_words{word},
      near and (", did you mean %s?"):format(near) or "")
  end
  local parts = {}
  for i, topic in ipairs(found) do
    parts[i] = text.render({{kind = "heading", text = topic.name}}, how) .. "\n"
      .. text.render(topic.blocks(), how)
  end
  return table.concat(parts, "\n")
end

return options.command("orun help", HELP, function(...)
  local args = options.read(OPTIONS, {...})
  if args.luals then return options.write(require("orun.manual.types").text()) end
  if args.write then
    if args[1] then options.usage("%s is one word too many", args[1]) end
    return require("orun.manual.files").write(args.write)
  end
  if not args[1] then return show(list()) end
  local screen = terminal.is(1)
  local how = {width = line_width(screen and terminal.size(1) or nil),
    colour = screen and not os.getenv "NO_COLOR" and os.getenv "TERM" ~= "dumb"}
  return show(about(table.concat(args, " "), how))
end)
