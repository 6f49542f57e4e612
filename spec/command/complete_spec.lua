--- `orun complete`, and what bash, zsh and fish make of it: every option and command there is.

local h = require "spec.support.helper"

local home, dir -- of the user, and where things are typed

-- What `orun complete` offers after these words: the words, as a set and in order.
local function offered(...)
  local r = h.orun{cwd = dir, env = {HOME = home, XDG_STATE_HOME = home .. "/state",
    XDG_CONFIG_HOME = false, ORUN_STORE = false}, "complete", "--", ...}
  assert.same({0, ""}, {r.code, r.err})
  local list, set = {}, {}
  for word in r.out:gmatch("([^\t\n]+)[^\n]*\n") do
    list[#list + 1], set[word] = word, true
  end
  return set, list
end

local function names_in(file, pattern)
  local names = {}
  for name in h.read(h.root .. "/runtime/cli/" .. file):gmatch(pattern) do
    names[#names + 1] = name
  end
  assert(#names > 10)
  return names
end

local function all(set, names)
  for _, name in ipairs(names) do assert.is_true(set[name], name .. " is not offered") end
end

setup(function()
  home = h.tmpdir()
  dir = home
end)

describe("orun complete", function()
  it("offers every option", function()
    local of_run, of_plan = offered "-", offered("plan", "-")
    for _, name in ipairs(names_in("options.c", '\n    { "(%-[^"]+)", \'')) do
      assert.is_true(of_run[name] or of_plan[name], name .. " is not offered")
      assert.is_true(of_plan[name], name .. " is not offered to a plan")
    end
    assert.is_nil(of_run["--dot"])
  end)

  it("offers every command, workflows and files", function()
    local set = offered ""
    all(set, names_in("command.c", '{ "(%l+)", COMMAND_'))
    all(set, {"review", "spec:execute", ":files"})
    assert.same({"spec:decompose", "spec:execute", ":files"}, select(2, offered "spec:"))
  end)

  it("offers the options that a command reads", function()
    for _, name in ipairs(names_in("command.c", '{ "(%l+)", COMMAND_')) do
      local set = offered(name, "--")
      local text = h.read(("%s/lua/command/%s.lua"):format(h.root, name)) or ""
      assert.is_true(set["--help"], name)
      if name ~= "task" and name ~= "complete" then -- which has commands of its own
        for option in text:gmatch('%["(%-%-%l[%l-]*)"%] = ') do
          assert.is_true(set[option], ("%s %s is not offered"):format(name, option))
        end
      end
    end
    all(offered("task", ""), {"list", "claim", "update", "run", "stop"})
    all(offered("task", "run", "--p"), {"--prompt", "--permissions"})
  end)

  it("offers the options that a workflow reads", function()
    for _, name in ipairs(select(2, offered "")) do
      local path = ("%s/lua/workflow/%s.lua"):format(h.root, (name:gsub(":", "/")))
      local text = h.read(path)
      local set = text and offered(name, "-") or {}
      for option in (text or ""):gmatch('%["(%-%-%l[%l-]*)"%] = ') do
        assert.is_true(set[option], ("%s %s is not offered"):format(name, option))
      end
    end
  end)

  for words, expected in pairs{
    ["--progress|"] = "auto tty plain json none", ["--progress=t"] = "--progress=tty",
    ["-q|--report|"] = "full short none", ["pool|--halt|"] = "soon now",
    ["spec:execute|--on-failure|s"] = "skip stop", ["task|run|--permissions|"] = "read edit full",
    ["init|--for|c"] = "claude codex", ["review|--backend|o"] = "opencode openai",
    ["workflows|--copy|re"] = "research review", ["-j|"] = "", ["--retry=t"] = "",
    ["bench|"] = "guide", ["tasks|d"] = "drain", ["--store|"] = ":files", ["--store="] = ":files",
    ["a.lua|-"] = ":files", ["--|re"] = ":files", ["-e|print(1)|--st"] = "--store --strict",
    ["plan|-j4|--do"] = "--dot --dot=", ["trust|--remove|"] = ":files", ["nosuch|"] = ":files",
    ["test|"] = ":files", ["tasks|stop|a"] = "all",
    ["help|orun.fan"] = "orun.fan_out", ["help|retr"] = "retry",
    ["help|fan"] = "fan_out", ["help|orun_stop"] = "orun_stop", ["help|blockedB"] = "blockedBy",
    ["re"] = "repl report resume retry research review :files",
  } do
    it("knows what follows " .. words, function()
      local list = {}
      for word in (words .. "|"):gmatch("(.-)|") do list[#list + 1] = word end
      assert.equal(expected, table.concat(select(2, offered(table.unpack(list))), " "))
    end)
  end

  it("offers agent types, also those of the project", function()
    h.sh("mkdir -p project/.claude/agents", {cwd = home})
    dir = home .. "/project"
    h.write(dir .. "/.claude/agents/ours.md", "---\nname: ours\ndescription: x\n---\nDo.\n")
    all(offered("bench", "--agent", ""), {"ours", "Explore", "Plan", "general-purpose"})
    dir = home
  end)

  it("offers workflows of the project, trusted or not, and runs nothing of them", function()
    h.sh("mkdir -p flows/.orun/workflows", {cwd = home})
    dir = home .. "/flows"
    h.write(dir .. "/.orun/workflows/evil.lua", "-- orun evil: \27[31mred\n"
      .. "-- usage: orun evil [options] $(touch ran)\n--\n--   --foo FILE  \27]0;title\7 x\n"
      .. "--   --`touch ran`  y\nio.open('ran', 'w')\n")
    assert.same({"evil", ":files"}, select(2, offered "ev"))
    local r = h.orun{cwd = dir, "complete", "--", "ev"}
    assert.is_nil(r.out:find("\27", 1, true))
    assert.same({"--foo", "--help"}, select(2, offered("evil", "-")))
    assert.same({":files"}, select(2, offered("evil", "--foo", "")))
    assert.same({}, select(2, offered("evil", "")))
    assert.is_false(h.exists(dir .. "/ran"))
    dir = home
  end)

  it("offers the runs that were kept, and their tasks", function()
    local file = home .. "/kept.db"
    local made = h.orun{cwd = home, "--store", file, "-e",
      'TaskOutput(Task{command = {"echo", "x"}, description = "say it"})'}
    assert.equal(0, made.code, made.err)
    local id = h.orun{cwd = home, "runs", "--json", "--store", file}.out:match('"id":%s*"(.-)"')
    for _, words in ipairs{{"show"}, {"rm"}, {"resume"}, {"output"}} do
      assert.is_true(offered(words[1], "--store", file, "")[id], words[1])
    end
    assert.is_true(offered("--store", file, "--resume=")["--resume=" .. id])
    assert.same({"t1"}, select(2, offered("output", "--store", file, id, "t")))
    assert.same({"t1"}, select(2, offered("retry", "--store", file, "t")))
  end)

  it("is silent about stores that cannot be read, and refuses other words", function()
    h.write(home .. "/bad.db", "no store")
    assert.same({}, (offered("show", "--store", home .. "/bad.db", "")))
    local r = h.orun{cwd = home, "complete", "re"}
    assert.equal(2, r.code)
    assert.matches("-- is expected before the words", r.err, 1, true)
    assert.matches("^usage: orun complete", h.orun{"complete", "--help"}.out)
  end)
end)

-- What bash offers for a line, typed in a folder with two files.
local function in_bash(line, breaks)
  local code = [[
source "$1/runtime/cli/shell/orun.bash"
compopt() { printf 'compopt %s\n' "$*" >>options; }
]] .. (breaks and "COMP_WORDBREAKS=" .. h.quote(breaks) .. "\n" or "") .. [[
shift
cut=("$@") COMP_WORDS=("${cut[@]}") COMP_CWORD=$((${#cut[@]} - 1))
_orun "$ORUN_BIN"
printf '%s\n' "${COMPREPLY[@]}"
]]
  h.write(home .. "/try.bash", code)
  local words = {}
  for i, word in ipairs(line) do words[i] = h.quote(word) end
  local r = h.sh(("rm -f options; ORUN_BIN=%s bash try.bash %s %s"):format(h.quote(h.bin),
    h.quote(h.root), table.concat(words, " ")), {cwd = home, env = {HOME = home,
    XDG_STATE_HOME = home .. "/state"}})
  assert.same({0, ""}, {r.code, r.err})
  local set = {}
  for word in r.out:gmatch("[^\n]+") do set[word] = true end
  return set, r.out, h.read(home .. "/options")
end

describe("bash", function()
  it("has every option", function()
    local of_run, of_plan = in_bash{"orun", "-"}, in_bash{"orun", "plan", "-"}
    for _, name in ipairs(names_in("options.c", '\n    { "(%-[^"]+)", \'')) do
      assert.is_true(of_run[name] or of_plan[name], name)
    end
  end)

  it("puts together what it cuts at colons and equals signs", function()
    assert.equal("decompose\nexecute\n", select(2, in_bash{"orun", "spec", ":", ""}))
    assert.equal("execute\n", select(2, in_bash{"orun", "spec", ":", "ex"}))
    assert.equal("spec:execute\n", select(2, in_bash({"orun", "spec:ex"}, " \t\n")))
    assert.equal("tty\n", select(2, in_bash{"orun", "--progress", "=", "t"}))
    assert.is_true(in_bash{"orun", "spec", ":", "execute", "--on"}["--on-failure"])
    assert.is_true(in_bash{"orun", "--report", "=", "full", "rev"}["review"])
  end)

  it("has its own files where orun has no words, and files among the words", function()
    local _, out, told = in_bash{"orun", "--store", ""}
    assert.equal("\n", out)
    assert.equal("compopt +o default\ncompopt -o default\n", told)
    _, out, told = in_bash{"orun", "-j", ""}
    assert.same({"\n", "compopt +o default\n"}, {out, told})
    h.sh("mkdir -p 'review of x' && : >'review it'", {cwd = home})
    local set = in_bash{"orun", "rev"}
    assert.is_true(set.review and set["review\\ it"] and set["review\\ of\\ x/"])
  end)
end)
