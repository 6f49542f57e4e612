--- orun research: gathers what answers a question, with the sources.
--
-- usage: orun research [options] QUESTION...
--
-- The documents and the source below this folder and the manual pages are searched at once for
-- what the question is about; passages that say the same are shown once, the best first. With
-- --backend agents look, too, each from another side, and give what they claim with their
-- sources; claims and sources that are the same are put together. How many look, and how much
-- is shown, is a matter of the kind of question:
--
--   fact     one answer is expected (who, when, which, how many): few passages that have all of
--            the words; two agents that do not know of each other
--   depth    one thing is to be understood (why, how): three agents
--   breadth  what there is (list, compare, options): many passages, five agents
--
--   --kind KIND      fact, depth or breadth; default: by the words of the question
--   --in DIR         search there, and not in this folder
--   --out FILE       write the report to FILE, as Markdown: whole, or not at all
--   --backend NAME   ask agents: claude, codex, gemini, opencode, anthropic, openai
--   -j N             so many agents at once
--   --dry-run        say who would look, and look nowhere
--   --json           print it as JSON
--
-- Exit codes: 0 something was found, 1 nothing was, 2 wrong options, or it cannot be searched or
-- written, 3 something was, but one of those who looked failed.

local orun = require "orun"
local json = require "orun.json"
local options = require "orun.command.options"
local passages = require "orun.look.passages"
local sources = require "orun.look.sources"
local whole_file = require "orun.util.whole_file"

local OPTIONS <const> = {
  ["--kind"] = {"kind", options.one_of("fact", "depth", "breadth"), "fact, depth or breadth"},
  ["--in"] = {"root", options.word, "a folder"}, ["--out"] = {"out", options.word, "a file"},
}
local BLIND <const>, INCOMPLETE <const> = 2, 3
local KINDS <const> = {
  fact = {shown = 3, agents = 2, all = true}, depth = {shown = 6, agents = 3},
  breadth = {shown = 15, agents = 5},
}
-- Words by which a question is of a kind; the first that has one.
local SIGNS <const> = {
  {"breadth", "list compare options alternatives which ways different overview kinds versus vs"},
  {"fact", "who when where many much version default what"},
}
local SIDES <const> = {"what the best sources say", "what speaks against the usual answer",
  "how it is done in practice", "numbers and dates, each checked twice",
  "what else there is that is like it"}
local CLAIMS <const> = {
  type = "object", required = {"claims"}, properties = {claims = {type = "array", items = {
    type = "object", required = {"text", "sources"}, properties = {text = {type = "string"},
      sources = {type = "array", items = {type = "string"}}}}}},
}

function OPTIONS.check(args)
  args.question = table.concat(args, " ")
  if not args.question:find("%S") then options.usage("a question is expected") end
  args.words = passages.words(args.question)
  if #args.words == 0 then
    options.usage("%s: no word of it says what it is about", args.question)
  end
end

local args = options.arguments(OPTIONS, ...)
local fail = options.failing("orun research", args, BLIND)
local root = orun.real(args.root or ".")
if not (root and orun.entries(root)) then return fail("%s: there is no such folder", args.root) end

local function kind_of(question)
  local text = " " .. question:lower():gsub("%W+", " ") .. " "
  for _, sign in ipairs(SIGNS) do
    for word in sign[2]:gmatch("%S+") do
      if text:find(" " .. word .. " ", 1, true) then return sign[1] end
    end
  end
  return "depth"
end

local kind = args.kind or kind_of(args.question)
local how = KINDS[kind]

-- ---- who looks ----

local specs = {}
for i, place in ipairs(passages.PLACES) do
  specs[i] = {description = "search " .. place, input = {place, root, args.words},
    run = function(input) return require "orun.look.passages".search(table.unpack(input)) end}
end
local searches = #specs
for i = 1, args.backend and how.agents or 0 do
  specs[#specs + 1] = {description = ("agent %d: %s"):format(i, SIDES[i]), schema = CLAIMS,
    permissions = "read", cwd = root, prompt = ("Answer a question, by research. Look for %s. "
      .. "Give each claim its sources: addresses, or files with line numbers. Claim nothing "
      .. "without one.\n\nThe question: %s"):format(SIDES[i], args.question)}
end
if args.dry_run then
  local names = {}
  for i, spec in ipairs(specs) do names[i] = spec.description end
  return options.answer(args, {kind = kind, words = args.words, searches = names},
    ("%s: %s\n  %s\n"):format(kind, table.concat(args.words, ", "), table.concat(names, "\n  ")))
end

-- ---- they look, and what they found is put together ----

orun.phase "research"
local lists, answers, failed = {}, {}, json.array{}
for i, result in ipairs(orun.fan_out(specs)) do
  if result.status ~= "completed" then
    failed[#failed + 1] = {by = specs[i].description, error = result.error}
  elseif i <= searches then
    lists[#lists + 1] = result.output.passages
  else
    answers[#answers + 1] = result.output
  end
end
local claims, list = sources.merge(answers)
local found = passages.merge(lists)
local need = how.all and #args.words or 1
for i = #found, 1, -1 do
  local few = found[i].score < need and found[1].score >= need
  if i > how.shown or few then table.remove(found, i) end
end

local function line_of(text) return (orun.clean(text):gsub("%s+", " ")) end

local text = {("# %s\n"):format(line_of(args.question))}
local function write(form, ...) text[#text + 1] = form:format(...) end
for i, claim in ipairs(claims) do
  if i == 1 then write("\n## Claims\n\n") end
  local said = claim.said > 1 and (", said by %d"):format(claim.said) or ""
  write("- %s [%s]%s\n", line_of(claim.text), table.concat(claim.sources, ", "), said)
end
for i, source in ipairs(list) do
  if i == 1 then write("\n## Sources\n\n") end
  write("%d. %s\n", i, line_of(source))
end
for i, one in ipairs(found) do
  if i == 1 then write("\n## Passages\n") end
  write("\n%s\n\n    %s\n", line_of(table.concat(one.places, ", ")),
    (orun.clean(one.text):gsub("\n", "\n    ")))
end
if #found + #claims == 0 then write("\nNothing was found.\n") end
for _, one in ipairs(failed) do write("\nNot looked at by %s: %s\n", one.by, line_of(one.error)) end
local report = table.concat(text)

local answer = {question = args.question, kind = kind, words = args.words, claims = claims,
  sources = list, passages = found, failed = failed,
  exit_code = #found + #claims == 0 and 1 or #failed > 0 and INCOMPLETE or 0}
if args.out then
  local ok, wrong = whole_file.put(args.out, report)
  if not ok then return fail("cannot write %s", wrong) end
end
return options.answer(args, answer, report)
