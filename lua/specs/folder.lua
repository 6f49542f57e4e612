--- orun.specs.folder: the folder of a specification, specs/SLUG, and the files in it.
--
--     local folder = assert(spec_folder.find "specs/dark-mode")
--     print(folder.slug, folder.path .. spec_folder.TASKS)
--
-- The workflows ideate, spec:decompose and spec:execute keep there what they find, in files that
-- people read and change; specs/manifest.json has a number for each.

local check = require "orun.util.check"
local json = require "orun.json"
local orun = require "orun"
local schema = require "orun.schema"
local whole_file = require "orun.util.whole_file"

local M = {}

--- The files, after the folder's path.
M.IDEATION, M.SPECIFICATION = "/01-ideation.md", "/02-specification.md"
M.TASKS, M.LIST = "/03-tasks.json", "/03-tasks.md"
M.IMPLEMENTATION = "/04-implementation.md"

local ROOT <const> = "specs"
local MANIFEST <const> = ROOT .. "/manifest.json"
local MAX_BYTES <const> = 16 << 20
local MAX_SLUG <const> = 48
local TITLE <const> = 80 -- characters
local MANIFEST_SCHEMA <const> = {
  type = "object", required = {"nextNumber", "specs"},
  properties = {
    nextNumber = {type = "integer", minimum = 1},
    specs = {type = "array", items = {type = "object", required = {"slug", "number"},
      properties = {slug = {type = "string"}, number = {type = "integer"}}}},
  },
}

--- A short name made of a text: "Dark mode, please!" is dark-mode-please.
function M.slug(text)
  local slug = text:lower():gsub("[^%w]+", "-"):gsub("^%-+", "")
  if #slug > MAX_SLUG then
    slug = slug:sub(1, MAX_SLUG + 1):gsub("%-[^-]*$", ""):sub(1, MAX_SLUG)
  end
  slug = slug:gsub("%-+$", "")
  return slug ~= "" and slug or "spec"
end

--- How many there are, in words: "1 task", "2 tasks".
function M.count(n, noun)
  return ("%d %s%s"):format(n, noun, n == 1 and "" or noun:find("h$") and "es" or "s")
end

--- A text as one line of so many characters at most, harmless for a terminal.
function M.title(text, most)
  text = orun.clean((text:gsub("%s+", " "):match("^ ?(.-) ?$")))
  most = most or TITLE
  if not utf8.len(text) or utf8.len(text) <= most then return text end
  return text:sub(1, utf8.offset(text, most) - 1) .. "..."
end

--- A number of 16 hexadecimal digits that changes when the text does (FNV-1a).
function M.fingerprint(text)
  local hash = 0xcbf29ce484222325
  for i = 1, #text do hash = (hash ~ text:byte(i)) * 0x100000001b3 end
  return ("%016x"):format(hash)
end

--- The bytes of a file; nil, why not, and whether it is absent.
function M.read(path)
  local real, why, absent = orun.real(path)
  if not real then return nil, ("cannot read %s: %s"):format(path, why), absent == "absent" end
  local file <close>, wrong = io.open(real, "rb")
  if not file then return nil, "cannot read " .. wrong end
  local text, late = file:read(MAX_BYTES + 1)
  if late then return nil, ("cannot read %s: %s"):format(path, late) end
  if text and #text > MAX_BYTES then return nil, path .. " is larger than 16 MiB" end
  return text or ""
end

--- The value in a file of JSON, which has the form of a schema; nil, why, whether it is absent.
function M.read_json(path, form)
  local text, why, absent = M.read(path)
  if not text then return nil, why, absent end
  local value, wrong = json.decode(text)
  if value == nil then return nil, ("%s: %s"):format(path, wrong) end
  local ok, errors = assert(schema.new(form)):check(value)
  if not ok then
    return nil, ("%s does not have the form it needs: %s"):format(path, table.concat(errors, "; "))
  end
  return value
end

-- JSON with a line for each value, whose keys are in order.
local function pretty(value, indent)
  local inner, parts = indent .. "  ", {}
  if type(value) ~= "table" or next(value) == nil then return json.encode(value, {lossy = true}) end
  if json.is_array(value) then
    for i, element in ipairs(value) do parts[i] = inner .. pretty(element, inner) end
    return ("[\n%s\n%s]"):format(table.concat(parts, ",\n"), indent)
  end
  for i, key in ipairs(check.sorted(value)) do
    parts[i] = ("%s%s: %s"):format(inner, json.encode(key), pretty(value[key], inner))
  end
  return ("{\n%s\n%s}"):format(table.concat(parts, ",\n"), indent)
end

--- Writes a file, whole or not at all; true, or nil and why not.
function M.write(path, text)
  local ok, why = whole_file.put(path, text)
  if ok then return true end
  return nil, "cannot write " .. why
end

--- Writes a value as JSON that people can read; true, or nil and why not.
function M.write_json(path, value)
  return M.write(path, pretty(value, "") .. "\n")
end

-- ---- folders ----

--- The names of those there are, in order.
function M.names()
  local names = {}
  for name, kind in pairs(orun.entries(ROOT) or {}) do
    if kind == "folder" then names[#names + 1] = name end
  end
  table.sort(names)
  return names
end

--- The folder that a word means: its path, a file in it, or its name below specs/.
-- @return {path =, slug =, file = the file that the word named, or nil}; nil and why not
function M.find(word)
  word = word:gsub("(.)/+$", "%1")
  local file
  if word:find("%.md$") or word:find("%.json$") then
    file, word = word, word:match("^(.*)/[^/]*$") or "."
  end
  for _, path in ipairs{word, ROOT .. "/" .. word} do
    if orun.entries(path) then
      local slug = (orun.real(path) or path):match("([^/]+)$")
      return {path = path, slug = M.slug(slug), file = file}
    end
  end
  local near = orun.nearest(word:match("[^/]*$"), M.names())
  local all = table.concat(M.names(), ", ")
  return nil, ("there is no specification %s%s"):format(word,
    near and (": did you mean %s/%s?"):format(ROOT, near)
    or all ~= "" and ("; there are %s"):format(all)
    or "; 'orun ideate BRIEF' begins one")
end

--- The folder of a slug, made if it is not there; its path, or nil and why not.
function M.make(slug)
  local path = ROOT .. "/" .. slug
  local made = orun.exec("mkdir", "-p", "--", path)
  if not made.error then return path end
  return nil, ("cannot make the folder %s: %s"):format(path, made.error)
end

-- ---- the manifest ----

--- What is known of all of them; an empty one where there is none. Nil and why not.
function M.manifest()
  local manifest, why, absent = M.read_json(MANIFEST, MANIFEST_SCHEMA)
  if absent then return {nextNumber = 1, specs = json.array{}} end
  return manifest, why
end

--- Notes fields of the one with that slug, which gets the next number if it has none.
-- @return its number; nil and why not
function M.note(slug, fields)
  local manifest, why = M.manifest()
  if not manifest then return nil, why end
  local one
  for _, known in ipairs(manifest.specs) do one = known.slug == slug and known or one end
  if not one then
    one = {slug = slug, number = manifest.nextNumber}
    manifest.nextNumber = manifest.nextNumber + 1
    table.insert(manifest.specs, one)
  end
  for name, value in pairs(fields) do one[name] = value end
  local ok, wrong = M.write_json(MANIFEST, manifest)
  if not ok then return nil, wrong end
  return one.number
end

return M
