--- counts: holds what an operation costs, in instructions and allocations, against stored figures.
--
--     make perfcheck            measures, compares with figures.txt, names what is off
--     make perfcheck UPDATE=1   stores what it has measured, for git diff to show
--     ./orun spec/counts/counts.lua [--update]
--                               the same once everything is built
--
-- operations.lua does the operations under valgrind's callgrind, which counts and needs no clock:
-- the figures do not depend on how fast or busy the machine is. What else they could depend on
-- is fixed: seeds of hashes (fixed.c), the environment, which of its copies of memcpy the C
-- library takes. They do depend on who compiled what, so figures.txt has a chapter for each
-- compiler, Lua and C library; where there is none for those at hand, the figures are only printed.
--
-- Exit codes: 0 all is as stored, or nothing is stored for this build; 1 something is off;
-- 2 nothing could be counted.

local CELLS <const> = {"instructions", "mallocs", "blocks", "bytes"}
local FIGURES <const> = "spec/counts/figures.txt"
local SHARE <const> = 0.03                 -- how far from its figure a count may be
local SLACK <const> = {instructions = 10, mallocs = 0.1, blocks = 0.1, bytes = 16}
local TRIES <const> = 5                    -- where threads and programs meet, a run may be odd

-- Each row: its name, its windows in operations.lua, and what is done there. With `of` only what
-- this function and those that it calls do is counted, for each of its calls. With `quiet` there
-- are many windows of one, and the one counts that a fifth of them are below: threads that find
-- their work one piece at a time, or all at once, do more or less for it. So much (10 % on a busy
-- machine) that the instructions of such a row are printed, and not compared.
local ROWS <const> = {
  {"start", "start", "Task, of a function that does nothing"},
  {"start-table", "start-table", "the same, with 20 small tables as input"},
  {"encode", "start-table", "of that: a value is made bytes", of = "value_encode"},
  {"finish", "finish", "a worker runs a function that does nothing"},
  {"restore", "finish", "of that: a state is made pristine", of = "vm_renew"},
  {"finish-table", "finish-table", "a worker takes in and gives back those 20 tables"},
  {"decode", "finish-table", "of that: bytes become a value", of = "value_decode"},
  {"output", "output", "TaskOutput, of a task that has ended"},
  {"output-table", "output-table", "the same, with those 20 tables"},
  {"await", "await", "a task starts another and waits for it"},
  {"create", "create", "TaskCreate"},
  {"claim", "claim", "orun.claim"},
  {"complete", "complete", "TaskUpdate, to completed"},
  {"spawn", "spawn", "orun.exec, without what the supervisor does", quiet = true},
  {"event", "start-watched", "one event, for those who watch", of = "event_add"},
}

-- The program that runs this script.
local PROGRAM <const> = (function()
  local first = 0
  while arg[first - 1] do first = first - 1 end
  return arg[first]
end)()

-- What there is to count of a row of one function.
local CELLS_OF <const> = {"instructions"}

local function fail(text, ...)
  io.stderr:write("perfcheck: ", text:format(...), "\n")
  os.exit(2)
end

local function read(path)
  local file <close> = io.open(path, "rb")
  return file and file:read("a")
end

local function shell(line, ...)
  local words = {...}
  for i, word in ipairs(words) do words[i] = "'" .. word:gsub("'", "'\\''") .. "'" end
  local pipe <close> = assert(io.popen(line:format(table.unpack(words))))
  local text = pipe:read("a")
  return pipe:close() and text, text
end

-- -------------------------------------------------------------- whose figures

-- The processor's family and model: valgrind offers what it has, and libraries use that.
local function processor()
  local text = read "/proc/cpuinfo" or ""
  local family, model = text:match("cpu family%s*: (%d+)"), text:match("model%s*: (%d+)")
  return ("processor %s-%s"):format(family or "?", model or "?")
end

-- Who compiled what: the chapter of figures.txt. nil: that cannot be told.
local function build_of(program)
  local text = assert(read(program))
  local compiler, flags
  for version, words in text:gmatch("GNU C%d+ (%d+)[%d.]* ([^\0\n]*)") do
    if words:find("-fexceptions", 1, true) then compiler, flags = version, words break end
  end
  local lua = text:match("%$LuaVersion: Lua ([%d.]+)")
  local libc, machine = shell "getconf GNU_LIBC_VERSION 2>/dev/null", shell "uname -m"
  if not (compiler and lua and libc and machine) then return end
  return ("gcc %s %s, Lua %s, %s, %s, %s"):format(compiler, flags:match("%-O%w*") or "-O0", lua,
    libc:match("[^\n]+"), machine:match("%S+"), processor())
end

-- The chapters of figures.txt: array of {name =, rows = {name -> {cell -> number}}}.
local function stored()
  local chapters, head = {}, {}
  for line in (read(FIGURES) or ""):gmatch("([^\n]*)\n") do
    local name = line:match("^%[(.*)%]$")
    if name then
      chapters[#chapters + 1] = {name = name, rows = {}}
    elseif #chapters == 0 then
      head[#head + 1] = line
    else
      local row, rest = line:match("^(%S+)%s+(.*)$")
      local cells, i = {}, 0
      for number in (rest or ""):gmatch("%S+") do
        i = i + 1
        cells[CELLS[i]] = tonumber(number)
      end
      if row and i > 0 and row ~= "operation" then chapters[#chapters].rows[row] = cells end
    end
  end
  return chapters, head
end

local function chapter_of(chapters, name)
  for _, chapter in ipairs(chapters) do
    if chapter.name == name then return chapter end
  end
end

local function number(cell, n)
  if not n then return "-" end
  return ((cell == "mallocs" or cell == "blocks") and "%.1f" or "%.0f"):format(n)
end

local LINE <const> = "%-13s %12s %8s %8s %8s"

local function store(chapters, head, name, counts)
  local chapter = chapter_of(chapters, name)
  if not chapter then
    chapter = {name = name}
    chapters[#chapters + 1] = chapter
    table.sort(chapters, function(a, b) return a.name < b.name end)
  end
  chapter.rows = counts
  local out = table.move(head, 1, #head, 1, {})
  while out[#out] == "" do out[#out] = nil end
  for _, one in ipairs(chapters) do
    out[#out + 1] = "\n[" .. one.name .. "]"
    out[#out + 1] = LINE:format("operation", table.unpack(CELLS))
    for _, row in ipairs(ROWS) do
      local cells = {}
      for i, cell in ipairs(CELLS) do cells[i] = number(cell, (one.rows[row[1]] or {})[cell]) end
      out[#out + 1] = LINE:format(row[1], table.unpack(cells)):gsub("%s+$", "")
    end
  end
  local file <close> = assert(io.open(FIGURES, "w"))
  assert(file:write(table.concat(out, "\n"), "\n"))
end

-- ---------------------------------------------------------------- counting

-- Only what every processor of the kind has: which of its copies of memcpy and strlen the C
-- library takes is then the same everywhere, and so are its thresholds.
local TUNABLES <const> = "glibc.cpu.hwcaps=-AVX512F,-AVX512VL,-AVX512BW,-AVX2,-AVX,-ERMS,-FSRM,"
  .. "-BMI1,-BMI2,-LZCNT,-MOVBE,-RTM,-SSE4_2,-SSE4_1,-SSSE3:"
  .. "glibc.cpu.x86_non_temporal_threshold=0xc0000:glibc.malloc.arena_max=4"

-- Runs operations.lua under callgrind; returns its lines. All names in its command line are the
-- same wherever the tree and the folder for temporary files are.
local function run(folder, what, options)
  local out, text = shell("cd %s && rm -f callgrind.* && "
    .. "env -i PATH=/usr/bin:/bin HOME=/nonexistent LC_ALL=C.UTF-8 ORUN_PROGRESS=none "
    .. "XDG_STATE_HOME=/nonexistent LD_PRELOAD=./fixed.so GLIBC_TUNABLES=" .. TUNABLES
    .. " valgrind -q --tool=callgrind --dump-before=lib_now --callgrind-out-file=callgrind "
    .. "./orun --no-history --workers 1 " .. options .. " operations.lua gate %s 2>&1",
    folder, what)
  if not out then fail("valgrind or orun failed:\n%s", text) end
  return out
end

-- What callgrind has counted in a window: instructions in all, calls that allocate, and by
-- name what a function and those that it calls took, and how often it was called.
local function window_of(path)
  local text = assert(read(path), path .. " was not written")
  local names, calls, inclusive = {}, {}, {}
  for id, name in text:gmatch("fn=%((%d+)%) ([^\n]+)") do names[id] = name end
  for id, n, cost in text:gmatch("cfn=%((%d+)%)[^\n]*\ncalls=(%d+)[^\n]*\n%S+ (%d+)") do
    local name = names[id]
    calls[name] = (calls[name] or 0) + n
    inclusive[name] = (inclusive[name] or 0) + cost
  end
  return {
    instructions = tonumber(text:match("\nsummary: (%d+)") or text:match("\ntotals: (%d+)")),
    mallocs = (calls.malloc or 0) + (calls.calloc or 0) + (calls.realloc or 0),
    blocks = calls.arena_alloc or 0, calls = calls, inclusive = inclusive,
  }
end

-- The windows of a run by their names: arrays, of three if the row is not a quiet one.
local function windows_of(folder, printed)
  local windows, n = {}, 0
  for name, times, bytes in printed:gmatch("(%S+) (%d+) (%-?%d+)\n") do
    n = n + 1
    local one = window_of(("%s/callgrind.%d"):format(folder, 2 * n))
    one.n, one.bytes = tonumber(times), tonumber(bytes)
    windows[name] = windows[name] or {}
    table.insert(windows[name], one)
  end
  return windows
end

local function quiet(windows)
  local cells = {}
  for _, cell in ipairs(CELLS) do
    local all = {}
    for i, one in ipairs(windows) do all[i] = one[cell] / one.n end
    table.sort(all)
    cells[cell] = all[#all // 5]
  end
  return cells
end

local function row_of(row, windows)
  local its = windows[row[2]] or fail("no window is called %s", row[2])
  if row.quiet then return quiet(its) end
  local _, less, more = table.unpack(its)
  local cells = {}
  if row.of then
    local calls = more.calls[row.of]
    if not calls then
      fail("nothing calls %s in the window %s: ROWS of spec/counts/counts.lua names the function "
        .. "whose part '%s' is", row.of, row[2], row[1])
    end
    cells.instructions = more.inclusive[row.of] / calls
    return cells
  end
  for _, cell in ipairs(CELLS) do
    cells[cell] = math.max(0, (more[cell] - less[cell]) / (more.n - less.n))
  end
  return cells
end

local function measure(folder)
  local windows = windows_of(folder, run(folder, "all", ""))
  local watched = windows_of(folder, run(folder, "watched", "--events /dev/null"))
  for name, three in pairs(watched) do windows[name] = three end
  local counts = {}
  for _, row in ipairs(ROWS) do counts[row[1]] = row_of(row, windows) end
  return counts
end

-- ---------------------------------------------------------------- comparing

local function off(row, cell, count, figure)
  if row.quiet and cell == "instructions" then return false end
  return math.abs(count - figure) > math.max(figure * SHARE, SLACK[cell])
end

-- What is off: array of {row, cell, count, figure}; a row that is not stored is all off.
local function compare(counts, figures)
  local wrong = {}
  for _, row in ipairs(ROWS) do
    local now, before = counts[row[1]], figures[row[1]] or {}
    for _, cell in ipairs(row.of and CELLS_OF or CELLS) do
      if not before[cell] or off(row, cell, now[cell], before[cell]) then
        wrong[#wrong + 1] = {row[1], cell, now[cell], before[cell]}
      end
    end
  end
  return wrong
end

-- The nearest to its figure of several runs, cell by cell.
local function nearest(a, b, figures)
  for name, cells in pairs(a) do
    for cell, count in pairs(cells) do
      local figure = figures[name] and figures[name][cell] or 0
      if math.abs(b[name][cell] - figure) < math.abs(count - figure) then
        cells[cell] = b[name][cell]
      end
    end
  end
end

local function show(counts)
  print(LINE:format("operation", table.unpack(CELLS)) .. "  what it is")
  for _, row in ipairs(ROWS) do
    local cells = {}
    for i, cell in ipairs(CELLS) do cells[i] = number(cell, counts[row[1]][cell]) end
    print(LINE:format(row[1], table.unpack(cells)) .. "  " .. row[3])
  end
end

local function show_wrong(wrong)
  for _, one in ipairs(wrong) do
    local name, cell, count, figure = table.unpack(one)
    if figure then
      print(("%s: %s %s, stored %s (%+.1f %%)"):format(name, cell, number(cell, count),
        number(cell, figure), figure > 0 and 100 * (count / figure - 1) or 100))
    else
      print(("%s: %s %s, nothing stored"):format(name, cell, number(cell, count)))
    end
  end
  print(("%d counts are more than %d %% off. If that is meant: make perfcheck UPDATE=1, and "
    .. "commit %s"):format(#wrong, SHARE * 100, FIGURES))
end

local function main(folder)
  local chapters, head = stored()
  local build = build_of(PROGRAM)
  local chapter = build and chapter_of(chapters, build)
  local counts = measure(folder)
  if arg[1] == "--update" then
    if not build then fail "who compiled orun cannot be told, so nothing is stored" end
    show(counts)
    store(chapters, head, build, counts)
    print("stored for " .. build)
    return 0
  end
  local wrong = chapter and compare(counts, chapter.rows) or {}
  for _ = 2, TRIES do
    if #wrong == 0 then break end
    nearest(counts, measure(folder), chapter.rows)
    wrong = compare(counts, chapter.rows)
  end
  show(counts)
  if not chapter then
    print(("no figures are stored for %s: nothing was compared"):format(
      build or "this compiler"))
  elseif #wrong == 0 then
    print(("all within %d %% of what is stored for %s"):format(SHARE * 100, build))
  else
    show_wrong(wrong)
  end
  return #wrong == 0 and 0 or 1
end

local function with_folder(fn)
  local folder = assert(shell 'mktemp -d "${TMPDIR:-/tmp}/orun-counts.XXXXXX"'):match("[^\n]+")
  local remove <close> = setmetatable({}, {__close = function()
    shell("rm -rf %s", folder)
  end})
  if not shell("cc -shared -fPIC -O1 -o %s spec/counts/fixed.c && p=$(realpath %s) && "
      .. "cp spec/counts/operations.lua %s && cd %s && mkfifo gate && ln -s \"$p\" orun",
      folder .. "/fixed.so", PROGRAM, folder, folder) then
    fail "spec/counts/fixed.c could not be compiled, or there is no place for temporary files"
  end
  return fn(folder), remove
end

os.exit((with_folder(main)))
