--- orun ideate: looks at the code and at what is written for a brief, and writes it down.
--
-- usage: orun ideate [options] BRIEF...
--
-- Two things happen at once. The code is explored: files by kind, entry points, which files
-- mention the words of the brief, the tests near them, their history in git. And what is
-- written is searched: the project's pages, and the manual pages of the system. If the brief
-- speaks of a fault ("broken", "crash", "fix", ...) the likely places of its cause follow, with
-- what speaks for each. What remains open is asked on a terminal. All of it goes to
-- specs/SLUG/01-ideation.md, and specs/manifest.json gets a number for it.
--
-- Functions, git and grep do that. With --backend agents explore, do research and look for
-- causes as well, and begin with what was found.
--
--   --slug NAME     the name of the folder; made of the brief unless given
--   --force         write over an ideation that is there
--   -y, --yes       ask nothing; what is recommended is noted as assumed
--   --backend NAME  let agents work: claude, codex, gemini, opencode, anthropic, openai
--   -j N            so many programs at once (5)
--   --dry-run       print the words that are looked for, and where it would go
--   --json          print what was found, as JSON
--
-- The exit code is 0, 1 if something failed (then nothing is written), 2 for wrong usage.

local ideation = require "orun.specs.ideation"
local json = require "orun.json"
local look = require "orun.flow.look"
local options = require "orun.command.options"
local orun = require "orun"
local questions = require "orun.flow.questions"
local spec_folder = require "orun.specs.folder"
local start_steps = require("orun.flow.steps").new

local args = options.arguments({
  ["--slug"] = {"slug", options.word, "a name"}, ["--force"] = {"force"},
  check = function(args)
    if not table.concat(args, " "):find("%w") then
      options.usage('a brief is expected, as in: orun ideate "dark mode for the settings page"')
    end
  end,
}, ...)
local steps = start_steps("orun ideate", args)
local brief = table.concat(args, " ")
local slug = spec_folder.slug(args.slug or brief)
local place = "specs/" .. slug .. spec_folder.IDEATION
local words, bug_words = look.words(brief), json.array(look.bug_words(brief))

-- ---- before anything starts ----

if args.dry_run then
  return options.answer(args, {slug = slug, path = place, words = words, bug_words = bug_words},
    ("would look for: %s\nwords of a fault: %s\nwould write: %s\n"):format(
      table.concat(words, ", "), bug_words[1] and table.concat(bug_words, ", ") or "none", place))
end
if orun.real(place) and not args.force then
  steps:fail("%s is there; --force writes over it, --slug NAME takes another folder", place)
end
steps:must(spec_folder.manifest())

-- ---- exploration and research at once ----

orun.phase "explore and research"
local maps = orun.start{description = "map the code", input = words, run = function(list)
  return require("orun.flow.look").at(list)
end}
local research = steps:start{title = "research", prompt = ideation.research_prompt(brief),
  schema = ideation.RESEARCH, input = words, run = function(list)
    local seek = require "orun.flow.look"
    local docs = seek.docs(list, (seek.files()))
    return require("orun.specs.ideation").research(docs, seek.pages(list))
  end}
local map = steps:output(maps)
local exploration = steps:start{title = "explore the code", agent = "Explore", input = map,
  prompt = ideation.explore_prompt(brief, map), schema = ideation.EXPLORATION,
  run = function(found) return require("orun.specs.ideation").exploration(found) end}
local causes
if bug_words[1] then
  orun.phase "root cause"
  causes = steps:start{title = "look for the cause", agent = "Explore", input = map,
    prompt = ideation.causes_prompt(brief, map), schema = ideation.CAUSES,
    run = function(found) return require("orun.specs.ideation").causes(found) end}
end
local all = {slug = slug, brief = brief, title = spec_folder.title(brief), bug_words = bug_words,
  created = os.date "!%Y-%m-%d", map = map, exploration = steps:output(exploration),
  research = steps:output(research), causes = causes and steps:output(causes)}

-- ---- what remains open ----

all.decisions = json.array(questions.ask(all.exploration.questions,
  not (args.yes or args.json or args.called) and questions.possible()))

-- ---- synthesis ----

orun.phase "write"
steps:must(spec_folder.make(slug))
all.number = steps:must(spec_folder.note(slug, {title = all.title, status = "ideation",
  created = all.created}))
steps:must(spec_folder.write(place, ideation.page(all)))
return options.answer(args, {slug = slug, number = all.number, path = place, words = words,
    bug_words = bug_words, files = map.files, components = #all.exploration.components,
    approaches = #all.research.approaches, sources = #(all.research.sources or {}),
    hypotheses = all.causes and #all.causes.hypotheses or 0, decisions = all.decisions},
  ([[
%s
  %d files, %d components, %d tests near them, %d approaches, %d sources%s
Next: write specs/%s/02-specification.md, then 'orun spec:decompose specs/%s'
]]):format(place, map.files, #all.exploration.components, #map.tests, #all.research.approaches,
    #(all.research.sources or {}), all.causes and (", %d places of the cause"):format(
    #all.causes.hypotheses) or "", slug, slug))
