--- orun.starter.steps: what is to be done for each file of `orun init`, and doing it.
--
--     local steps, refused = steps_of.look(files)
--     for _, step in ipairs(steps) do print(step.act, step.file.path) end
--
-- To look changes nothing: so all is known before anything is written. Files appear whole or not at
-- all. A link counts as what it leads to, and nothing is written outside of this folder.
--
-- Glossary
--   step  {file = one of starter/files.lua, act =, and what that needs}; `act` is
--           "write"   a new file: text
--           "add"     to a file that is there, `real`: text, all of it
--           "left"    it is there, and is left alone; `note` says why, where it is not as wanted
--           "refuse"  it cannot be done: why

local merge = require "orun.starter.merge"
local trust = require "orun.agents.trust"
local whole_file = require "orun.util.whole_file"

local M = {}

-- Is there a name in that folder, whatever it leads to?
local function kind_of(path)
  local folder, name = path:match("^(.*/)([^/]*)$")
  return (orun.entries(folder or "./") or {})[name or path]
end

-- Why a file must not be written there, or nil: the part of its path that exists leads elsewhere.
local function outside(path, root)
  local at = path
  repeat
    local real = orun.real(at)
    if real then
      if trust.within(real, root) then return nil end
      return ("%s leads to %s, which is outside of this folder"):format(at, real)
    elseif kind_of(at) == "broken link" then
      return ("%s is a link that leads nowhere"):format(at)
    end
    at = at:match("^(.*)/[^/]*$")
  until not at
end

-- The new text; nil and why not, or nil where the same is there; and a note.
local function merged(file, text)
  if file.section then return merge.section(text, file.section) end
  local new, same
  if file.lines then
    new, same = merge.toml(text, file.member, file.lines)
  else
    new, same = merge.json(text, file.member, file.value)
  end
  local name = table.concat(file.member, ".")
  return new, new == text and not same and "it has another " .. name or new == nil and same or nil
end

local function refuse(file, why)
  return {file = file, act = "refuse", why = ("%s: %s%s"):format(file.path, why,
    file.byhand and ("; mend that, or %s"):format(file.byhand) or "")}
end

local function step_of(file, root)
  local real, why, absent = orun.real(file.path)
  if not real and absent ~= "absent" then return refuse(file, why) end
  if real and file.text then
    local note = trust.text(real) ~= file.text and "it is not as this orun writes it" or nil
    return {file = file, act = "left", note = note}
  end
  local strays = outside(file.path, root)
  if strays then return {file = file, act = "refuse", why = strays} end
  if file.instead and orun.real(file.instead) and not real then
    return refuse({path = file.instead, byhand = file.byhand},
      "it is there in place of " .. file.path .. ", and may hold comments")
  end
  local text = file.base or ""
  if real then
    text, why = trust.text(real)
    if not text then return refuse(file, why) end
  end
  if file.text then return {file = file, act = "write", text = file.text} end
  local new, note = merged(file, text)
  if not new then return refuse(file, note) end
  if real and new == text then return {file = file, act = "left", note = note} end
  return {file = file, act = real and "add" or "write", text = new, real = real}
end

--- What is to be done.
-- @param files  as starter/files.lua has them
-- @return array of steps, and of those among them that are refused
function M.look(files)
  local steps, refused, root = {}, {}, orun.real "."
  for i, file in ipairs(files) do
    steps[i] = step_of(file, root)
    if steps[i].act == "refuse" then refused[#refused + 1] = steps[i] end
  end
  return steps, refused
end

--- Do one that is to be written or added.
-- @return true; nil and why not
function M.take(step)
  local path = step.real or step.file.path
  if not step.real and orun.real(path) then
    return nil, path .. " has come meanwhile, and is left as it is"
  end
  local folder = path:match("^(.*)/[^/]*$")
  local made = folder and orun.exec("mkdir", "-p", "--", folder)
  if made and made.error then
    return nil, ("cannot make the folder %s: %s"):format(folder,
      ((made.stderr or ""):match("([^:\n]+)\n*$") or made.error):gsub("^%s+", ""))
  end
  local ok, why = whole_file.put(path, step.text, step.real)
  if not ok then return nil, "cannot write " .. why end
  return true
end

return M
