-- Where another user had made /tmp/orun-UID, runs were in a folder beside it; and as soon as
-- the other one was gone, nobody found those that went on.

local h = require "spec.support.helper"

-- A /tmp of our own: as root, or in a name space where we are root. There only we are users.
local ROOT <const> = h.sh("id -u").out == "0\n"
local APART <const> = ROOT and "unshare -m" or "unshare -rm"

local function may_mount()
  return h.sh(APART .. " mount -t tmpfs none /tmp").code == 0
end

-- In a /tmp with `squat` done (NAME is the folder's), a run begins and is looked for; then
-- the folder's name is free, and it is looked for again. `orun` is open as 9, for its own
-- path may be below /tmp. (A run that starts a program was registered before.)
local LINES <const> = [[
  exec 9< "$ORUN_BIN"
  mount -t tmpfs -o mode=1777 none /tmp || exit 1
  if [ -d /run/user ]; then mount -t tmpfs none /run/user; fi
  cd /tmp
  export HOME=/tmp TMPDIR=/tmp NAME=/tmp/orun-$(id -u)
  unset XDG_RUNTIME_DIR
  %s
  mkfifo in out
  code='Task{run = os.time} orun.exec "true" print "up" io.stdout:flush() io.read()'
  /proc/self/fd/9 -e "$code" < in > out &
  exec 8> in 7< out
  read -r up <&7
  /proc/self/fd/9 tasks
  stat -c '%%A %%u' "$NAME-1"
  rm -rf "$NAME"
  /proc/self/fd/9 tasks
  exec 8>&-
  wait
]]

local function found_beside(squat)
  return function()
    if not may_mount() then
      pending("a /tmp of its own needs root, or user name spaces (unshare -rm)")
      return
    end
    local r = h.sh(APART .. " sh -c " .. h.quote(LINES:format(squat)))
    assert.equal(0, r.code, r.err)
    local uid = h.sh(APART .. " id -u").out
    local _, times = r.out:gsub("1 completed\n", "")
    assert.equal(2, times, r.out .. r.err)
    assert.matches("\ndrwx------ " .. uid, r.out, 1, true)
  end
end

describe("a run whose folder's name in /tmp is taken", function()
  it("is found where it is a link, also when that is gone",
    found_beside 'mkdir -m 700 else; ln -s else "$NAME"')
  it("is found where it is a file, also when that is gone", found_beside 'touch "$NAME"')
  it("is found where others may enter, also when that is gone",
    found_beside 'mkdir "$NAME"; chmod 755 "$NAME"')
  it("is found where it is another user's, also when that is gone", function()
    if not ROOT then
      pending("a folder of another user needs root")
      return
    end
    found_beside 'mkdir "$NAME"; chmod 777 "$NAME"; chown 65534 "$NAME"' ()
  end)
end)
