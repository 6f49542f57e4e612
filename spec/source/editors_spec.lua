--- What editors and GitHub are told agrees with what make, luacheck and the README say.

local h = require "spec.support.helper"
local json = require "orun.json"

describe("make compdb", function()
  it("has every C file, with a command that compiles it", function()
    local path = h.tmpdir() .. "/compdb.json"
    local r = h.sh("unset MAKEFLAGS MAKELEVEL; make VARIANT= IN_BUILD=1 compdb COMPDB="
      .. h.quote(path))
    assert.equal(0, r.code, r.err)
    local commands = {}
    for _, entry in ipairs(json.decode(h.read(path))) do
      assert.equal(h.root, entry.directory)
      commands[entry.file] = entry.command
    end
    local files = h.find("runtime spec/native", "-name '*.c'")
    for _, file in ipairs(files) do assert.is_string(commands[file], file) end
    local command = commands[files[1]]:gsub(" %-o %S+", " -o /dev/null"):gsub(" %-M%S+", "")
    local checked = h.sh(command)
    assert.equal(0, checked.code, checked.err)
  end)
end)

describe("the Lua language server", function()
  it("knows the globals that luacheck knows", function()
    local known = {}
    for _, name in ipairs(json.decode(h.read(".luarc.json"))["diagnostics.globals"]) do
      known[name] = true
    end
    local names = h.read(".luacheckrc"):match("read_globals = (%b{})")
    for name in names:gmatch('"(%w+)"') do assert.is_true(known[name], name) end
  end)
end)

describe("the workflow", function()
  local text = h.read(".github/workflows/make.yml")

  it("runs the commands of the README on the systems of the README", function()
    local workflow = assert(orun.yaml(text))
    local job = workflow.jobs.debian
    local commands = {}
    for _, step in ipairs(job.steps) do commands[step.run or ""] = true end
    local page = h.read("README.md")
    for command in page:match("\n## Try it\n.-```console\n(.-)```"):gmatch("%$ ([^\n]+)") do
      assert.is_true(commands[command], command)
    end
    local systems = {}
    local tested = h.read("runtime/embedding.md"):match("\n| tested with ([^\n]*)")
    for release in tested:gmatch("Debian (%d+)") do
      systems[#systems + 1] = release
    end
    assert.same(systems, job.strategy.matrix.release)
    assert.equal("debian:${{ matrix.release }}", job.container.image)
  end)
end)
