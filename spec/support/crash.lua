--- The C module `crashes` (crashes.c), built into a folder of its own:
--- `package.cpath = require "spec.support.crash".cpath() .. package.cpath`.

local h = require "spec.support.helper"

local M = {}

local folder

--- The pattern for package.cpath, with its semicolon.
function M.cpath()
  if not folder then
    folder = h.tmpdir()
    local r = h.sh("cc -shared -fPIC -O1 $(pkg-config --cflags lua5.4) -o "
      .. h.quote(folder .. "/crashes.so") .. " " .. h.quote(h.root .. "/spec/support/crashes.c"))
    assert(r.code == 0, r.err)
  end
  return folder .. "/?.so;"
end

--- Remove it again, where nobody else does.
function M.remove()
  os.execute("rm -rf " .. h.quote(folder))
  folder = nil
end

return M
