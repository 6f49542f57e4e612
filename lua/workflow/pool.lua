--- orun pool: runs a program for each argument, so many at once.
--
-- usage: orun pool [options] PROGRAM [WORD...] ::: ARG...
--        orun pool [options] -a FILE PROGRAM [WORD...]
--        ... | orun pool [options] PROGRAM [WORD...]
--
-- The arguments are those after ":::", or the lines of FILE or of standard input, which are
-- read only when there is room for one more. There is no shell: each word is one argument of
-- the program, whatever is in it. In the words these are replaced, wherever they stand:
--
--   {}    the argument; it is added at the end if there is none of these
--   {.}   the argument without its ending    {/}   its name, without folders
--   {//}  its folder                         {/.}  its name without its ending
--   {#}   its number, from 1                 {%}   the number of its slot, 1 to N of -j
--
-- What a program prints comes in one piece when it has ended.
--
--   -j N            so many at once (5)
--   -a, --arg-file FILE
--                   the arguments are its lines
--   -0, --null      they end with a zero byte, not with a line
--   --retry N       tries after one that has failed
--   --timeout TIME  the longest time for each try: 30s, 5m
--   --keep-order    output in the order of the arguments
--   --tag           each line of output begins with the argument and a tab
--   --results DIR   output also goes to DIR/NUMBER/stdout and stderr
--   --joblog FILE   a line for each program that has ended, as GNU parallel writes it
--   --halt WHEN     after a failure: soon (nothing more starts) or now (what runs is stopped)
--   --dry-run       print the commands, and run none of them
--   --json          at the end print how many there were, as JSON; no other output
--
-- The exit code is how many have failed, 101 for more than 100; with --halt it is that of the
-- last one that failed. A run that was interrupted goes on with 'orun resume': what has ended
-- is not run again. (It is kept on a terminal, or with 'orun --store FILE pool ...'. What came from
-- standard input must be given to it again.)

local orun = require "orun"
local fill = require "orun.flow.fill"
local items = require "orun.flow.items"
local job_log = require "orun.flow.job_log"
local numbers = require "orun.pattern.numbers"
local options = require "orun.command.options"
local printed = require "orun.flow.printed"
local shell_words = require "orun.util.shell_words"

local MOST <const> = 100 -- failures that an exit code can tell
local BROKEN <const> = 255 -- the exit code when it cannot go on
local TITLE <const>, KEY <const> = 200, 128 -- bytes of those of a task
local OPTIONS <const> = {
  first = true,
  ["-a"] = {"file", options.word, "a file"}, ["--arg-file"] = {"file", options.word, "a file"},
  ["-0"] = {"null"}, ["--null"] = {"null"}, ["--tag"] = {"tag"}, ["-k"] = {"ordered"},
  ["--keep-order"] = {"ordered"}, ["--retry"] = {"retry", options.count, "a number"},
  ["--timeout"] = {"timeout", options.duration, "a time"},
  ["--results"] = {"results", options.word, "a folder"},
  ["--joblog"] = {"joblog", options.word, "a file"},
  ["--halt"] = {"halt", options.one_of("soon", "now"), "soon or now"},
}

-- The words are the command, up to ":::", and the arguments.
function OPTIONS.check(args)
  args.command = {}
  for i, word in ipairs(args) do
    if word == ":::" then
      args.given = table.move(args, i + 1, #args, 1, {})
      break
    end
    args.command[i] = word
  end
  if #args.command == 0 then
    options.usage("a program is expected, as in: orun pool wc -l {} ::: FILE...")
  end
  if args.given and args.file then options.usage("arguments come from -a or :::, not from both") end
end

local args = options.arguments(OPTIONS, ...)
local limit = args.jobs or orun.config().processes
local slots, free = numbers(), {} -- of those that run; their numbers
local jobs, failed, done, last = {}, 0, 0, 0 -- `jobs`: by number, those whose output is due
local numbered = table.concat(args.command, " "):find("{%}", 1, true)
local fail = options.failing("orun pool", args, BROKEN)
local log

-- The i-th job: its command, and the task that runs it.
local function job_of(item, i)
  local job = {item = item, number = i}
  free[i] = slots:take(i)
  job.words = fill(args.command, item, {["{#}"] = i, ["{%}"] = free[i]})
  -- A number of its slot does not make it another command for a run that goes on.
  local same = numbered and shell_words(fill(args.command, item, {["{#}"] = i, ["{%}"] = "%"}))
  job.key = same and #same <= KEY and same or nil
  jobs[i] = job
  if item:find("\0", 1, true) then
    return {run = function() error("there is a zero byte in it; is -0 meant?", 0) end}
  end
  return {command = job.words, description = shell_words(job.words):sub(1, TITLE), slot = free[i],
          key = job.key, retry = args.retry, timeout = args.timeout}
end

-- All that is printed of a job, which is then forgotten.
local function tell(job)
  local result = job.result
  if not args.json then
    printed.copy(result, "stdout", io.stdout, args.tag and job.item)
    printed.copy(result, "stderr", io.stderr, args.tag and job.item)
  end
  io.stdout:flush()
  if result.error and result.error_kind ~= "exit" then
    orun.log(("orun pool: %s: %s"):format(shell_words(job.words), result.error))
  end
  jobs[job.number] = nil
  orun.forget(result)
end

local function ended(result, i)
  local job, cancelled = jobs[i], result.status == "cancelled"
  job.result = result
  slots:free(i)
  done = done + 1
  if result.status == "failed" then
    failed, last = failed + 1, result.exit_code or result.signal and 128 + result.signal or 1
  end
  if args.results and not cancelled then
    local ok, why = printed.keep(result, ("%s/%d"):format(args.results, i))
    if not ok then fail("%s", why) end
  end
  if log and not cancelled then
    local ok, why = log:put(i, result, job.words)
    if not ok then fail("cannot write %s", why) end
  end
  if not args.ordered then return tell(job) end
  while jobs[args.next] and jobs[args.next].result do
    args.next = args.next + 1
    tell(jobs[args.next - 1])
  end
end

local function each_given()
  for _, item in ipairs(args.given) do coroutine.yield(item) end
end

local file, why = io.stdin, nil
if args.file and args.file ~= "-" then file, why = io.open(args.file, "rb") end
if not file then return fail("cannot read %s", why) end
local next_item = args.given and coroutine.wrap(each_given) or items(file, args.null and "\0")
if args.dry_run then
  for item in next_item do
    done = done + 1
    local words = fill(args.command, item, {["{#}"] = done, ["{%}"] = "{%}"})
    if not args.json then print(shell_words(words)) end
  end
  return options.answer(args, {jobs = done})
end
if args.joblog then
  log, why = job_log.open(args.joblog)
  if not log then return fail("cannot write %s", why) end
end
args.next = 1
orun.phase "pool"
orun.fan_out(next_item, job_of, {limit = limit, each = ended,
  on_failure = args.halt and (args.halt == "now" and "stop" or "drain")})
if log then
  file, why = log:close()
  if not file then fail("cannot write %s", why) end
end
local code = args.halt and last or math.min(failed, MOST + 1)
return options.answer(args, {jobs = done, failed = failed, exit_code = code})
