--- orun.llm.rope: texts that grow by small pieces, in time that is linear in what came.
--
--     rope.add(t, "text", piece)     -- any number of times
--     rope.settle(t)                 -- t.text is what it was, and the pieces, in order
--
-- Adding to a string copies all of it each time. Here pieces are kept, neighbours of a
-- like size joined, so there are few of them, however many came.

local M = {}

-- t -> {field = {pieces}}
local growing = setmetatable({}, {__mode = "k"})

--- Put a piece into an array of pieces, which table.concat makes the whole of.
function M.put(parts, text)
  parts[#parts + 1] = text
  while #parts > 1 and #parts[#parts - 1] <= #parts[#parts] do
    local last = table.remove(parts)
    parts[#parts] = parts[#parts] .. last
  end
end

--- The text t[field], nil for none yet, grows by `text`; it is read after settle.
function M.add(t, field, text)
  if text == "" then return end
  local fields = growing[t] or {}
  growing[t] = fields
  fields[field] = fields[field] or {t[field] or ""}
  M.put(fields[field], text)
end

--- The texts of t, and of the tables in these arrays, are whole from now on.
function M.settle(t, ...)
  for field, parts in pairs(growing[t] or {}) do t[field] = table.concat(parts) end
  growing[t] = nil
  for _, list in ipairs{...} do
    for _, one in ipairs(list) do M.settle(one) end
  end
end

return M
