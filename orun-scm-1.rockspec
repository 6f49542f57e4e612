-- orun-scm-1.rockspec — orun as a rock: `luarocks --lua-version 5.4 make` here.
--
-- The module goes to where Lua finds it, and with it the command of the same
-- build, which tasks with isolation = "process" need.
rockspec_format = "3.0"
package = "orun"
version = "scm-1"
source = {url = "git+file://."} -- it is built where it is
description = {
  summary = "Parallel tasks for Lua: functions, programs, agents",
  license = "MIT",
}
dependencies = {"lua >= 5.4, < 5.5"}
external_dependencies = {
  UV = {header = "uv.h"},
  YAML = {header = "yaml.h"},
  SQLITE = {header = "sqlite3.h"},
}
build = {
  type = "make",
  build_target = "rock",
  build_variables = {IN_BUILD = "1", CC = "$(CC)"},
  install_target = "rock-install",
  install_variables = {IN_BUILD = "1", CC = "$(CC)", ROCK_LIB = "$(LIBDIR)",
                       ROCK_BIN = "$(BINDIR)"},
}
