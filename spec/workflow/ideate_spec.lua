--- `orun ideate`: what is found for a brief.

local h = require "spec.support.helper"
local json = require "orun.json"
local places = require "spec.support.specification"
local repo = require "spec.support.repo"
local screen = require "spec.support.screen"

-- A small project: an exporter, its test, a page, a fault.
local function project()
  local place = places.new()
  repo.sh(place.dir, [[
    rm -r specs
    mkdir -p src spec
    printf 'function export_rows()\n  -- FIX''ME quoting is broken\nend\n' > src/exporter.lua
    printf 'require "exporter"\nexport_rows()\n' > src/main.lua
    printf 'require "exporter"\n' > src/cli.lua
    printf 'describe("exporter")\n' > spec/exporter_spec.lua
    printf '# Guide\n\n## How export works\n\nIt writes rows.\n' > GUIDE.md
    git add -A; git commit -q -m 'export writes rows']])
  return place
end

local PAGE <const> = "/specs/export-of-rows/01-ideation.md"

describe("orun ideate", function()
  it("writes what functions, git and grep find for the words of the brief", function()
    local place = project()
    local r = place:orun("ideate", "--slug", "export of rows", "export", "of", "rows")
    assert.equal(0, r.code, r.err)
    local page = h.read(place.dir .. PAGE)
    for _, text in ipairs{"`src/exporter.lua`: mentions export, rows",
      "1: function export_rows()", "- `src/main.lua`\n",
      "spec/exporter_spec.lua (near src/exporter.lua)",
      "`src/exporter.lua` is named by 2 files: src/cli.lua, src/main.lua",
      "- `src/main.lua` names `src/exporter.lua`", "GUIDE.md:3: How export works",
      "export writes rows", ".lua 4", "new cases in spec/exporter_spec.lua** (assumed)",
      "does not speak of a fault"} do
      assert.is_truthy(page:find(text, 1, true), text .. "\n" .. page)
    end
    local manifest = json.decode(h.read(place.dir .. "/specs/manifest.json"))
    assert.same({2, "export-of-rows", 1}, {manifest.nextNumber, manifest.specs[1].slug,
      manifest.specs[1].number})
    assert.equal("", repo.sh(place.dir, "git status --porcelain -- src spec GUIDE.md"))
  end)

  it("looks for the cause where the brief speaks of a fault", function()
    local place = project()
    local r = place:orun("ideate", "--json", "the export is broken")
    local found = json.decode(r.out)
    assert.same({"broken"}, found.bug_words)
    local page = h.read(place.dir .. "/" .. found.path)
    assert.is_truthy(page:find("1. `src/exporter.lua`\n   - it mentions export", 1, true), page)
    assert.is_truthy(page:find("line 2 says: -- FIX" .. "ME quoting is broken", 1, true), page)
  end)

  it("finds its way in orun's own source", function()
    local dir = h.tmpdir()
    h.sh(("cp -r %s/lua %s/README.md . && mkdir -p spec && cp -r %s/spec/lua spec"):format(
      h.quote(h.root), h.quote(h.root), h.quote(h.root)), {cwd = dir})
    local r = h.orun{"--no-history", "--no-store", "-q", "ideate", "--slug", "m",
      "merging worktrees fails when a branch is gone", cwd = dir}
    assert.equal(0, r.code, r.err)
    local page = h.read(dir .. "/specs/m/01-ideation.md")
    local map = page:match("### Primary components\n\n(.-)\n\n")
    assert.matches("`lua/worktree/place.lua`", map:match("^[^\n]+\n[^\n]+\n[^\n]+"), 1, true)
    assert.matches("spec/lua/worktree/", page, 1, true)
    assert.matches("lua/limits.md:%d+: Worktrees: many writers, one repository", page)
  end)

  it("fails, and says why, where the search does", function()
    local place = project()
    local r = h.sh(("PATH=/none\nexport PATH\n%s --no-history --no-store -q ideate export"):format(
      h.quote(h.bin)), {cwd = place.dir})
    assert.equal(1, r.code)
    assert.matches("who mentions export: .*grep", r.err)
    assert.is_false(h.exists(place.dir .. "/specs"))
  end)

  it("has the words of the brief looked for as they are", function()
    local place = project()
    for _, brief in ipairs{"--", "-e 'x", "$(touch ran)", "`touch ran`", "\27[31m x", "%d (x [a"} do
      local r = place:orun("ideate", "--json", "--force", "--slug", "x", "--", "export " .. brief)
      assert.equal(0, r.code, r.err)
    end
    assert.is_false(h.exists(place.dir .. "/ran"))
  end)

  it("works where there is no git", function()
    local dir = h.tmpdir()
    h.write(dir .. "/export.c", "int export_rows(void);\n")
    local r = h.orun{"--no-history", "--no-store", "-q", "ideate", "--json", "export", cwd = dir}
    assert.equal(1, json.decode(r.out).components, r.err)
    assert.matches("There is no git repository here",
      h.read(dir .. "/specs/export/01-ideation.md"))
  end)

  it("asks what remains open on a terminal, and takes an answer in other words", function()
    local place = project()
    local terminal <close> = screen.open(h.quote(h.bin)
      .. " --no-history --no-store -q ideate --slug a export", {cwd = place.dir})
    terminal:shows "1/3 +Which part"
    terminal:keys("2", "Enter")
    terminal:shows "2/3 +What must stay"
    terminal:keys("the colours", "Enter")
    terminal:shows "3/3 +What proves"
    terminal:keys "Enter"
    assert.matches("exit 0", terminal:ended())
    local page = h.read(place.dir .. "/specs/a/01-ideation.md")
    assert.matches("%*%*the colours%*%*\n", page)
    assert.matches("%*%*new cases in spec/exporter_spec.lua%*%*\n", page)
  end)

  it("lets agents explore, do research and look for the cause, by their schemas", function()
    local place = project()
    place:claude [[
      prompt=$(cat)
      case $prompt in
        *"Explore this codebase"*) echo '{"components": [{"path": "src/exporter.lua", "what":
          "makes rows"}], "shared": ["src/io"], "flow": "rows to text", "blast_radius": ["cli"],
          "questions": [{"question": "Which quotes?", "options": ["double", "single"]}]}' ;;
        *"Research how"*) echo '{"approaches": [{"name": "RFC 4180", "description": "as others do",
          "pros": ["known"]}], "recommendation": "take it", "sources": ["rfc4180"]}' ;;
        *) echo '{"hypotheses": [{"path": "src/exporter.lua", "why": "no quoting", "evidence":
          ["src/exporter.lua:2"]}]}' ;;
      esac]]
    local found, err = place:json("ideate", "--json", "--backend", "claude", "fix export")
    assert.same({1, 1, 1}, {found.approaches, found.components, found.hypotheses}, err)
    local page = h.read(place.dir .. "/specs/fix-export/01-ideation.md")
    for _, text in ipairs{"makes rows", "rows to text", "### RFC 4180", "take it", "no quoting",
      "Which quotes? **double** (assumed)"} do
      assert.is_truthy(page:find(text, 1, true), text .. "\n" .. page)
    end
  end)

  it("writes nothing when an agent fails", function()
    local place = project()
    place:claude "echo no json at all"
    local r = place:orun("ideate", "--backend", "claude", "export")
    assert.equal(1, r.code)
    assert.matches("does not have the form asked for", r.err)
    assert.is_false(h.exists(place.dir .. "/specs/manifest.json"))
  end)

  it("refuses what it cannot do, with nothing written", function()
    local place = project()
    assert.equal(2, place:orun("ideate").code)
    assert.equal(2, place:orun("ideate", "--", " - ").code)
    assert.equal(0, place:orun("ideate", "--dry-run", "export").code)
    assert.is_false(h.exists(place.dir .. "/specs"))
    h.sh("mkdir specs && echo '{' > specs/manifest.json", {cwd = place.dir})
    local r = place:orun("ideate", "export")
    assert.matches("specs/manifest.json: not JSON", r.err)
    assert.same({1, "specs/manifest.json"}, {r.code,
      h.sh("find specs -type f", {cwd = place.dir}).out:gsub("\n", "") .. ""})
    h.sh("rm -r specs && echo > specs", {cwd = place.dir})
    r = place:orun("ideate", "export")
    assert.equal(1, r.code)
    assert.matches("specs", r.err)
  end)

  it("does not write over an ideation unless told to", function()
    local place = project()
    assert.equal(0, place:orun("ideate", "export").code)
    local r = place:orun("ideate", "export")
    assert.same({1, true}, {r.code, r.err:find("--force writes over it", 1, true) ~= nil})
    assert.equal(0, place:orun("ideate", "--force", "export").code)
    assert.equal(1, #json.decode(h.read(place.dir .. "/specs/manifest.json")).specs)
  end)
end)
