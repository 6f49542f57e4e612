--- Every code block of every README runs; spec/README.md has the rules.

local expect = require "spec.support.expect"
local h = require "spec.support.helper"
local page = require "spec.support.page"

-- Blocks of these kinds show something that is not run.
local SHOWN <const> = { [""] = true, text = true, json = true, yaml = true,
                        markdown = true, make = true }

-- Commands that change the machine, or would run this suite inside itself:
-- for make, that the target exists is what is checked.
local NOT_RUN <const> = { ["apt-get"] = true, sudo = true, git = true,
                          make = true, cd = true }

-- A place like the tree where a reader would type: ./orun and orun both work,
-- and what a command writes is thrown away.
local function workshop()
  local dir = h.tmpdir()
  h.sh(([[mkdir bin && ln -s %s bin/orun && ln -s bin/orun orun
    cp -r %s/examples %s/stdlib %s/spec . && ln -s %s/runtime runtime
    mkdir build && ln -s %s build/liborun.a]]):format(h.bin, h.root, h.root,
    h.root, h.root, h.lib), { cwd = dir })
  return dir
end

local function shell(command, dir)
  return h.sh(command .. " 2>&1",
    { cwd = dir, limit = 120, env = { PATH = dir .. "/bin:"
      .. os.getenv("PATH") } })
end

local function check_make(command)
  local makefile = h.read("Makefile")
  for word in command:gsub("^%s*make", ""):gmatch("%S+") do
    if not word:find("=", 1, true) and word ~= "&&" then
      assert.is_truthy(("\n" .. makefile):match("\n[^\n#]*%f[%w]"
        .. word:gsub("%p", "%%%0") .. "%f[^%w][^\n]*:")
        or h.exists(word), "no such target: " .. command)
    end
  end
end

local function check_command(step, dir)
  local first = step.command:match("^%S+")
  if first == "make" then return check_make(step.command) end
  if NOT_RUN[first] then return end
  local r = shell(step.command, dir)
  if #step.shown > 0 then
    assert.is_nil(expect.difference(h.lines(r.out), step.shown))
  else
    assert.equal(0, r.code, step.command .. "\n" .. r.out)
  end
end

-- The name a block gives itself on its first line: `-- plan.lua`.
local function name_of(block)
  return block.lines[1] and block.lines[1]:match("^%-%-+ ([%w_./-]+%.lua)")
end

-- A named block that a later command runs is not run by itself.
local function is_used(name, blocks)
  for _, block in ipairs(blocks) do
    if block.kind == "console" and block.text:find(name, 1, true) then
      return true
    end
  end
  return false
end

local function run_lua(block, dir, blocks)
  local name = name_of(block)
  h.write(dir .. "/" .. (name or "block.lua"), block.text)
  if name and is_used(name, blocks) then return end
  local r = shell("./orun " .. (name or "block.lua"), dir)
  assert.equal(0, r.code, r.out)
  local shown = block.next
  if shown and (shown.kind == "text" or shown.kind == "") then
    assert.is_nil(expect.difference(h.lines(r.out), shown.lines))
  end
end

local function run_c(block, dir)
  h.write(dir .. "/block.c", block.text)
  local r = shell("cc -fsyntax-only -Wall -Werror -iquote runtime"
    .. " -Ispec/fuzz $(pkg-config --cflags lua5.4) block.c", dir)
  assert.equal(0, r.code, r.out)
end

local function run_block(block, dir, blocks)
  if block.kind == "lua" then
    run_lua(block, dir, blocks)
  elseif block.kind == "console" then
    for _, step in ipairs(page.commands(block)) do check_command(step, dir) end
  elseif block.kind == "c" then
    run_c(block, dir)
  else
    assert.is_true(SHOWN[block.kind],
      ("%s:%d: a block of kind %q"):format(block.page, block.line, block.kind))
  end
end

-- The lines of a page outside of its fences.
local function prose(path)
  local lines, fenced = {}, false
  for _, line in ipairs(h.lines(assert(h.read(path)))) do
    if line:match("^%s*```") then
      fenced = not fenced
    elseif not fenced then
      lines[#lines + 1] = line
    end
  end
  return lines
end

-- What links to a page's headings end in, as GitHub makes it: { [anchor] = level }.
local function anchors(path)
  local found = {}
  for _, line in ipairs(prose(path)) do
    local level, title = line:match("^(#+) (.+)$")
    if level then
      local anchor = title:lower():gsub("[^%w%-_ ]", ""):gsub(" ", "-")
      found[anchor] = #level
    end
  end
  return found
end

-- Why a link of a page leads nowhere, or nil.
local function broken(page_path, target)
  if target:match("^https?:") then return end
  local file, anchor = target:match("^([^#]*)#?(.*)$")
  local path = file == "" and page_path or (page_path:match("^.*/") or "") .. file
  if not h.exists(path) then return target .. ": no such file" end
  if anchor ~= "" and not anchors(path)[anchor] then return target .. ": no such heading" end
end

describe("README", function()
  -- A README may have further pages beside it; text/ is what orun init writes.
  local pages = h.find("README.md runtime lua stdlib examples spec",
    "-name '*.md' -not -path '*/text/*' -not -path '*/corpus/*'")

  it("stands in every folder", function()
    assert.is_true(#pages >= 6)
  end)

  it("links to files and headings that exist", function()
    local problems, seen = {}, 0
    for _, path in ipairs(pages) do
      for _, line in ipairs(prose(path)) do
        for target in line:gmatch("%]%(([^)]+)%)") do
          local problem = broken(path, target)
          problems[#problems + 1] = problem and path .. ": " .. problem
          seen = seen + 1
        end
      end
    end
    assert.is_true(seen > 20)
    assert.equal("", table.concat(problems, "\n"))
  end)

  it("names files and folders that exist", function()
    local problems, seen = {}, 0
    for _, path in ipairs(pages) do
      for _, line in ipairs(prose(path)) do
        for name in line:gmatch("`(%l+/[%w_./-]+)`") do
          local top = name:match("^%l+/")
          -- In capitals is what the reader replaces: NAME, NNN, X/Y.
          local real = not name:match("%u%u") and not name:match("/%u%f[%A]")
          if h.exists(top) and top ~= "build/" and real then
            seen = seen + 1
            if not h.exists(name) then problems[#problems + 1] = path .. ": " .. name end
          end
        end
      end
    end
    assert.is_true(seen > 10)
    assert.equal("", table.concat(problems, "\n"))
  end)

  it("is the first page, and no more", function()
    assert.is_true(#h.lines(h.read("README.md")) <= 200)
  end)

  it("lists its chapters at the top, where a page lists any", function()
    local problems, lists = {}, 0
    for _, path in ipairs(pages) do
      local list = assert(h.read(path)):match("\nContents: (.-)\n\n")
      lists = lists + (list and 1 or 0)
      for anchor, level in pairs(list and anchors(path) or {}) do
        if level == 2 and not list:find("(#" .. anchor .. ")", 1, true) then
          problems[#problems + 1] = path .. ": " .. anchor .. " is not listed"
        end
      end
    end
    table.sort(problems)
    assert.is_true(lists >= 7)
    assert.equal("", table.concat(problems, "\n"))
  end)

  for _, path in ipairs(pages) do
    local blocks, dir = page.blocks(path), nil
    for _, block in ipairs(blocks) do
      local what = ("%s:%d (%s)"):format(path, block.line, block.kind)
      it("runs " .. what, function()
        dir = dir or workshop()
        run_block(block, dir, blocks)
      end)
    end
  end
end)
