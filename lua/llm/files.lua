--- orun.llm.files: read_file, list_files, grep, run, for agents that are LLMs.
--
-- Their functions run as tasks of their own, whose prompt is the root: the
-- folder that the first three stay in. What a model asks for is bounded, and what that may
-- take: the length of patterns and paths, the memory and processor time of the programs
-- that search, what is read of their output and of a line. Only files and folders are
-- read: of what else there is some never ends, and some never begins.

local M = {}

local MAX_LINES <const> = 2000
local MAX_READ <const> = 256 << 10
local BLOCK <const> = 64 << 10        -- bytes read at once
local LONGEST_LINE <const> = 16 << 10 -- bytes of one line that are shown

-- What arguments may have, in letters.
local PATH <const>, PATTERN <const>, COMMAND <const> = 4096, 1000, 64 << 10

-- Of a program that searches: KiB of memory, seconds of processor time.
local BOUNDED <const> = {"sh", "-c", "ulimit -v 1048576; ulimit -t 60; exec \"$@\"", "sh"}

local function exec(t)
  t.timeout = t.timeout or "60s"
  t.max_output = t.max_output or MAX_READ
  return orun.exec(t)
end

-- Run a program that searches; what it prints beyond MAX_READ is not waited for.
local function search(words)
  local command = table.move(words, 1, #words, #BOUNDED + 1, {table.unpack(BOUNDED)})
  local log <close> = assert(orun.exec{command = command, stream = true, timeout = "60s",
                                       env = {LC_ALL = "C.UTF-8"}})
  local pieces, size = {}, 0
  while size <= MAX_READ do
    local piece = log:read()
    if not piece then break end
    pieces[#pieces + 1], size = piece, size + #piece
  end
  local text = table.concat(pieces)
  if size > MAX_READ then
    return {output = text:sub(1, MAX_READ):match("^(.*\n)") or text:sub(1, MAX_READ),
            exit_code = 0, truncated = true}
  end
  local r = log:wait()
  return {output = text, exit_code = r.exit_code, error = r.error}
end

-- The root and the path below it with all links followed. Raises when it leads out.
local function inside(task, path)
  local root = task.prompt or "."
  local r = exec{command = {"realpath", "-z", "-m", "--", root,
                            path:sub(1, 1) == "/" and path or root .. "/" .. path}}
  if r.error then error(("cannot resolve %s: %s"):format(path, r.error), 0) end
  local top, full = r.output:match("^([^\0]+)\0([^\0]+)\0$")
  if not top then error(("cannot resolve %s"):format(path), 0) end
  if full ~= top and full:sub(1, #top + 1) ~= top .. "/" and top ~= "/" then
    error(("%s is outside of the folder this agent may see"):format(path), 0)
  end
  return full, top
end

-- Raises when it is not a file, or a folder where that will do.
local function check_file(full, path, or_folder)
  local r = exec{command = {"stat", "-c", "%F", "--", full}, env = {LC_ALL = "C"}}
  if r.error then error(("%s: %s"):format(path, r.stderr:match(": ([^:\n]+)\n$") or r.error), 0) end
  local kind = r.output:match("[^\n]*")
  if not (kind:find("^regular ") or or_folder and kind == "directory") then
    error(("%s: it is a %s"):format(path, kind), 0)
  end
end

-- The lines that a program has printed, sorted, each as `shown` makes it; what is missing of
-- them is said in the last.
local function lines_of(r, nothing, shown)
  if r.error and r.output == "" then error(r.error, 0) end
  local lines = {}
  for line in r.output:gmatch("[^\n]+") do
    if #line > LONGEST_LINE then
      line = ("%s [cut: %d of %d bytes]"):format(line:sub(1, LONGEST_LINE), LONGEST_LINE, #line)
    end
    lines[#lines + 1] = shown and shown(line) or line
  end
  local missing = r.truncated and "and more" or nil
  table.sort(lines)
  if #lines == 0 then return nothing end
  if #lines > MAX_LINES then
    missing = ("and %s%d more"):format(missing and "at least " or "", #lines - MAX_LINES)
    lines = table.move(lines, 1, MAX_LINES, 1, {})
  end
  if r.error then missing = (missing and missing .. "; " or "") .. "not all: " .. r.error end
  if missing then lines[#lines + 1] = ("(%s)"):format(missing) end
  return table.concat(lines, "\n")
end

local function properties(t, required)
  return {type = "object", properties = t, required = required, additionalProperties = false}
end

M.read_file = {
  description = "Read a text file. Returns its lines with their numbers.",
  schema = properties({
    path = {type = "string", maxLength = PATH, description = "of the file, from the root folder"},
    first = {type = "integer", minimum = 1, description = "line to begin with (1)"},
    lines = {type = "integer", minimum = 1, description = "how many (2000)"},
  }, {"path"}),
  run = function(input, task) return require("orun.llm.files").read_lines(input, task) end,
}

-- The lines of a file, one after the other, each as it is shown: of a long one its beginning.
-- Little more than a block is held at a time.
local function lines_in(f)
  local held, at = "", 1
  local function more()
    local block = f:read(BLOCK)
    if not block then return false end
    held, at = held:sub(at) .. block, 1
    return true
  end
  return function()
    local skipped, from = 0
    while true do
      from = held:find("\n", at, true)
      if from then break end
      local size = #held - at + 1
      if size > LONGEST_LINE then -- what follows the shown part is only counted
        skipped = skipped + size - LONGEST_LINE
        held, at = held:sub(at, at + LONGEST_LINE - 1), 1
      end
      if not more() then break end
    end
    if not from and at > #held then return nil end
    local text = held:sub(at, from and from - 1)
    at = (from or #held) + 1
    local size = #text + skipped
    text = text:gsub("\r$", "")
    if size <= LONGEST_LINE then return text end
    return ("%s [cut: %d of %d bytes]"):format(text:sub(1, LONGEST_LINE), LONGEST_LINE, size)
  end
end

function M.read_lines(input, task)
  local full = inside(task, input.path)
  check_file(full, input.path)
  local file, why = io.open(full, "rb")
  if not file then error(why:gsub("^.*: ", input.path .. ": "), 0) end
  local f <close> = file
  local first, most = input.first or 1, math.min(input.lines or MAX_LINES, MAX_LINES)
  local out, size, n, next_line = {}, 0, 0, lines_in(f)
  for line in next_line do
    n = n + 1
    if n >= first then
      if #out >= most or size > MAX_READ then
        out[#out + 1] = ("(and more, from line %d)"):format(n)
        break
      end
      out[#out + 1] = ("%d\t%s"):format(n, line)
      size = size + #line
    end
  end
  if #out == 0 then return n == 0 and "(the file is empty)" or ("(it has %d lines)"):format(n) end
  return table.concat(out, "\n")
end

M.list_files = {
  description = "List the files and folders below a folder, one a line; folders end in /.",
  schema = properties({
    path = {type = "string", maxLength = PATH,
            description = "of the folder, from the root folder (.)"},
    depth = {type = "integer", minimum = 1, maximum = 20, description = "levels (2)"},
    name = {type = "string", maxLength = PATTERN,
            description = "only names that match this pattern, such as *.lua"},
  }),
  run = function(input, task) return require("orun.llm.files").list(input, task) end,
}

function M.list(input, task)
  local full = inside(task, input.path or ".")
  local command = {"find", full, "-mindepth", "1", "-maxdepth", tostring(input.depth or 2),
                   "-not", "-path", "*/.git/*"}
  if input.name then command[#command + 1], command[#command + 2] = "-name", input.name end
  for _, word in ipairs{"(", "-type", "d", "-printf", "%P/\\n", "-o", "-printf", "%P\\n", ")"} do
    command[#command + 1] = word
  end
  return lines_of(search(command), "(nothing)")
end

M.grep = {
  description = "Search files for an extended regular expression. Returns path:line:text, of each "
    .. "file the first 200.",
  schema = properties({
    pattern = {type = "string", minLength = 1, maxLength = PATTERN},
    path = {type = "string", maxLength = PATH,
            description = "file or folder, from the root folder (.)"},
    ignore_case = {type = "boolean"},
  }, {"pattern"}),
  run = function(input, task) return require("orun.llm.files").search(input, task) end,
}

function M.search(input, task)
  local full, top = inside(task, input.path or ".")
  check_file(full, input.path or ".", true)
  local command = {"grep", "-rnHIE", "-D", "skip", "--exclude-dir=.git", "-m", "200"}
  if input.ignore_case then command[#command + 1] = "-i" end
  for _, word in ipairs{"-e", input.pattern, "--", full} do command[#command + 1] = word end
  local r = search(command)
  if r.exit_code == 1 then return "(no match)" end
  return lines_of(r, "(no match)", function(line)
    return line:sub(1, #top + 1) == top .. "/" and line:sub(#top + 2) or line
  end)
end

M.run = {permissions = "full",
  description = "Run a shell command in the root folder. Returns its exit code and output.",
  schema = properties({
    command = {type = "string", minLength = 1, maxLength = COMMAND},
    timeout = {type = "number", exclusiveMinimum = 0, maximum = 86400,
               description = "seconds (120)"},
  }, {"command"}),
  run = function(input, task)
    local r = orun.exec{command = {"sh", "-c", input.command}, cwd = task.prompt,
                        timeout = input.timeout or 120, max_output = 128 << 10}
    return {exit_code = r.exit_code, signal = r.signal, error = r.error, output = r.output,
            stderr = r.stderr}
  end,
}

return M
