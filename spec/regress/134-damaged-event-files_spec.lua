--- A damaged file of events given to `orun report` ended in an internal error of Lua.

local h = require "spec.support.helper"
local events_file = require "orun.record.file"
local report = require "orun.report.metrics"
local report_html = require "orun.report.html"
local report_text = require "orun.report.text"

local WHOLE <const> = {
  '{"event":"run","version":1,"orun":"0.1.0","begun":"2026-01-31T12:00:00Z"}',
  '{"at":0,"event":"script","name":"s.lua"}', '{"at":0.1,"event":"phase","name":"one"}',
  '{"agent":"a","at":0.2,"description":"d","event":"added","file":"s.lua","kind":"program",'
    .. '"limits":{"process":5},"line":3,"task":"t1"}',
  '{"at":0.2,"event":"ready","task":"t1"}',
  '{"at":0.3,"event":"queued","for":"slot","limit":"process","task":"t1"}',
  '{"at":0.4,"attempt":1,"event":"started","task":"t1"}',
  '{"at":0.5,"delay":0.1,"error":"no","error_kind":"exit","event":"retry","task":"t1"}',
  '{"at":0.6,"attempt":2,"event":"started","task":"t1"}',
  '{"at":0.7,"cost":0.5,"event":"reported","input_tokens":12,"output_tokens":3,"task":"t1"}',
  '{"at":0.8,"blockedBy":["t1"],"event":"added","kind":"lua","task":"t2"}',
  '{"at":0.8,"event":"waits","file":"s.lua","for":"task","line":4,"other":"t1"}',
  '{"at":0.9,"attempts":2,"bytes":3,"duration":0.3,"event":"ended","exit_code":0,"output":"x",'
    .. '"half_written":["/x"],"status":"failed","task":"t1"}',
  '{"at":0.9,"event":"goes_on"}', '{"at":0.9,"bytes":3,"event":"read","task":"t1"}',
  '{"at":1.5,"event":"run_ended"}',
}
local ODD <const> = {"null", "true", "-1", "1e999", "-1e999", "1.5", "99999999999999999999999",
  '""', '"x"', "[]", "{}", '[{"a":1}]', '"\\u0000"', "1e308"}

local path
local pages = 0

-- Read the text, and show all that can be shown of it; gives the message, nil when it was shown.
local function shown(text)
  h.write(path, text)
  local model, why = events_file.read(path)
  if not model then return why end
  local figures = report.of(model)
  report_text.full(figures, 100)
  pages = pages + 1
  if pages % 50 == 0 then report_html.page(model, figures) end -- it is long
end

-- Lines, of which the n-th is changed by the function.
local function changed(n, f)
  local lines = table.move(WHOLE, 1, #WHOLE, 1, {})
  lines[n] = f(lines[n])
  return table.concat(lines, "\n") .. "\n"
end

describe("a damaged file of events", function()
  setup(function() path = h.tmpdir() .. "/e" end)

  local function check(text)
    local ok, why = pcall(shown, text)
    assert.is_true(ok, ("%s\nfor\n%s"):format(why, text))
    if why then
      assert.equal(path .. ":", why:sub(1, #path + 1))
      assert.matches("^%d+: not an event file of orun: ", why:sub(#path + 2))
    end
  end

  it("is read when it is whole", function()
    assert.is_nil(shown(table.concat(WHOLE, "\n") .. "\n"))
  end)

  it("is told with its line, or shown, whichever field has which value", function()
    for n, line in ipairs(WHOLE) do
      for before, after in line:gmatch('()"[%w_]+":()') do
        local rest = line:sub(after)
        local _, to = rest:find("^[%[{].-[%]}]")
        if not to then _, to = rest:find('^"[^"]*"') end
        if not to then _, to = rest:find("^[%d.]+") end
        for _, odd in ipairs(ODD) do
          check(changed(n, function() return line:sub(1, after - 1) .. odd .. rest:sub(to + 1) end))
        end
        local name = line:sub(before, after - 1)
        check(changed(n, function() -- the field is missing
          return (line:sub(1, before - 1) .. rest:sub(to + 1)):gsub("{,", "{"):gsub(",,", ",")
            :gsub(",}", "}"), name
        end))
      end
    end
  end)

  it("is told with its line when it is cut, or holds garbage", function()
    local text = table.concat(WHOLE, "\n") .. "\n"
    for at = 1, #text, 7 do
      check(text:sub(1, at))
      check(text:sub(1, at) .. "\0\xFF\27" .. text:sub(at + 3))
    end
    for n = 1, #WHOLE do
      check(changed(n, function() return "" end))
      check(changed(n, function(line) return line .. "\n" .. line end))
    end
    check("\0")
    check("")
  end)

  it("ends the command with that line", function()
    local dir = h.tmpdir()
    h.write(dir .. "/e", changed(4, function(line) return (line:gsub('"d"', "[1]")) end))
    local r = h.orun{"report", "e", cwd = dir}
    assert.same({1, "", "orun report: e:4: not an event file of orun: "
      .. "'description' is missing or has a wrong value\n"}, {r.code, r.out, r.err})
  end)
end)
