--- `orun spec:decompose`: a list of tasks made of a specification.

local h = require "spec.support.helper"
local places = require "spec.support.specification"

local function by_subject(tasks)
  local by = {}
  for _, task in ipairs(tasks) do by[task.subject] = task end
  return by
end

describe("orun spec:decompose", function()
  it("writes a list whose descriptions are complete, with dependencies and counts", function()
    local place = places.new()
    local r = place:orun("spec:decompose", "specs/demo")
    assert.equal(0, r.code, r.err)
    assert.matches("phase 1, Ground: 2 tasks\n  phase 2, Top: 1 task\n", r.out)
    assert.matches("3 tasks, 2 dependencies, 2 batches: [1.1 1.2] [2.1]\n", r.out, 1, true)
    assert.matches("critical path: 1.1 -> 2.1\n", r.out, 1, true)
    local by = by_subject(place:tasks())
    assert.same({"1.1", "1.2"}, by["Join them"].dependencies)
    assert.same({{"one.txt"}, {"1.2"}, 1}, {by["Make one"].files, by["Make one"].parallelWith,
      by["Make one"].phase})
    assert.matches("one.txt holds \"1\"", by["Make one"].description, 1, true)
    assert.matches("each from what those before it hold", by["Make one"].description)
    assert.same({"sh", "-e", "-c", "grep -q 1 one.txt"}, by["Make one"].check)
    assert.matches("### 2.1 Join them\n\n- Batch: 2", place:read "03-tasks.md", 1, true)
    assert.equal("02-specification.md 03-tasks.json 03-tasks.md", place:files())
  end)

  it("takes blocks and fields behind an item for the item's, other text for all", function()
    local place = places.new()
    place:write("02-specification.md", [[
# Empty files

## Phase 1: Read

All of it is in one.c, and nothing else changes.

- Make reading of an empty file give no passage at all; done when out/a.txt says so

```sh run
echo "- no item" >out/a.txt
```

```sh check
test -s out/a.txt
```

- [ ] Show in the list of results that an empty file has nothing; done when it is shown
Files: two.c
Depends on: nothing

It may be slow.
]])
    local r = place:orun("spec:decompose", "specs/demo")
    assert.equal(0, r.code, r.err)
    local first, second, third = table.unpack(place:tasks())
    assert.is_nil(third)
    assert.same({"sh", "-e", "-c", 'echo "- no item" >out/a.txt'}, first.command)
    assert.same({"sh", "-e", "-c", "test -s out/a.txt"}, first.check)
    assert.same({{"two.c"}}, {second.files, second.command})
    for _, task in ipairs{first, second} do
      assert.matches("What holds for all of the phase Read:\nAll of it is in one.c",
        task.description, 1, true)
      assert.matches("It may be slow.", task.description, 1, true)
    end
  end)

  it("does nothing when nothing has changed, and prints only with --dry-run", function()
    local place = places.new()
    local planned = place:json("spec:decompose", "demo", "--dry-run", "--json")
    assert.same({"full", 3, "02-specification.md"}, {planned.mode, planned.tasks, place:files()})
    place:orun("spec:decompose", "demo")
    local before = place:read "03-tasks.json"
    assert.equal("skip", place:json("spec:decompose", "demo", "--json").mode)
    assert.equal(before, place:read "03-tasks.json")
  end)

  it("brings a list up to date: what is done stays, what is the same keeps its number", function()
    local place = places.new()
    place:orun("spec:decompose", "demo")
    place:write("04-implementation.md", "## Session 1\n\n### completed 1.1 Make one\n")
    place:write("02-specification.md", (places.TEXT:gsub('holds "1"', 'holds "1" twice')
      :gsub("### Join them", "### Make zero\nAcceptance: zero.txt is empty, as zero is.\n\n%0")
      :gsub("### Make two.-\n\n", "")))
    place:write("02-specification.md", (place:read("02-specification.md"):gsub("Make one, 1.2",
      "Make one")))
    local r, err = place:json("spec:decompose", "demo", "--json")
    assert.same({"incremental", 2, 1, 1, 1}, {r.mode, r.added, r.kept + r.changed, r.removed,
      #r.phases - 1}, err)
    local by = by_subject(place:tasks())
    assert.equal('Acceptance: one.txt holds "1".', by["Make one"].description:match("Accept[^\n]*"))
    assert.same({"1.3", {"1.1"}}, {by["Update: Make one"].id, by["Update: Make one"].dependencies})
    assert.same({"2.1", {"1.3"}}, {by["Join them"].id, by["Join them"].dependencies})
    assert.same({"2.2", {"1.3"}}, {by["Make zero"].id, by["Make zero"].dependencies})
    assert.is_nil(by["Make two"])
    place:write("03-tasks.json", (place:read("03-tasks.json"):gsub('"description": "Make zero',
      '"agent": "Plan", %0')))
    place:write("02-specification.md", place:read "02-specification.md" .. "\n")
    place:orun("spec:decompose", "demo")
    assert.equal("Plan", by_subject(place:tasks())["Make zero"].agent)
    r = place:json("spec:decompose", "demo", "--json", "--full")
    assert.same({"full", 3}, {r.mode, r.added})
  end)

  it("refuses tasks that need the specification, what is not there, and cycles", function()
    for text, message in pairs{
      ["### a\nDo it as specified. Acceptance: none."] = 'says "as specified"',
      ["### a\nshort"] = "too few to do it without the specification",
      ["### a\n" .. ("words "):rep(30)] = "does not say when it is done",
      ["### a\nDepends on: nope"] = "task 1.1 depends on nope, which is not there",
      ["### a\nDepends on: b\n### b\nDepends on: a\n"] = "cycle: 1.1 -> 1.2 -> 1.1",
      [""] = "too few",
    } do
      local place = places.new("# x\n\n## Phase 1: p\n" .. text)
      local r = place:orun("spec:decompose", "demo")
      assert.equal(1, r.code, text)
      assert.matches(message, r.err, 1, true)
      assert.equal("02-specification.md", place:files())
    end
    local r = places.new("# only a title\n"):orun("spec:decompose", "demo")
    assert.matches("describes no task", r.err)
  end)

  it("names a specification that is meant, a file that lacks, and one that is broken", function()
    local place = places.new()
    assert.matches("did you mean specs/demo?", place:orun("spec:decompose", "specs/demi").err, 1,
      true)
    assert.matches("there are demo", place:orun("spec:decompose", "xyz").err, 1, true)
    assert.equal(2, place:orun("spec:decompose").code)
    assert.equal(2, place:orun("spec:decompose", "demo", "more").code)
    place:write("03-tasks.json", '{"tasks": [')
    local r = place:orun("spec:decompose", "demo")
    assert.same({1, '{"tasks": ['}, {r.code, place:read "03-tasks.json"})
    assert.matches("03-tasks.json: not JSON", r.err, 1, true)
    assert.equal(0, place:orun("spec:decompose", "--full", "demo").code)
    os.remove(place:path "02-specification.md")
    assert.matches("there is no specs/demo/02-specification.md yet",
      place:orun("spec:decompose", "demo").err, 1, true)
  end)

  it("lets an agent make the list, and again when it is not complete", function()
    local place = places.new()
    place:claude [[
      case $(cat) in
        *"was refused"*"as specified"*) said='Make the file a and fill it with the letter a, three
          times, as a poem. Acceptance: it is there.' ;;
        *) said='as specified' ;;
      esac
      echo '{"tasks": [{"id": "1.1", "phase": 1, "phaseName": "p", "subject": "Make a",
        "description": "'$said'", "dependencies": []}]}']]
    local r, err = place:json("spec:decompose", "demo", "--json", "--backend", "claude")
    assert.equal(1, r and r.tasks, err)
    assert.matches("as a poem", place:tasks()[1].description)
  end)

  it("leaves both files as they were when one cannot be written", function()
    local place = places.new()
    h.sh("mkdir specs/demo/03-tasks.md", {cwd = place.dir})
    local r = place:orun("spec:decompose", "demo")
    assert.equal(1, r.code)
    assert.matches("cannot write specs/demo/03-tasks.md", r.err, 1, true)
    assert.equal("02-specification.md", place:files())
  end)
end)
