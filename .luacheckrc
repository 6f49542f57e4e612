-- The primitives are globals of every script; specs are busted's.
std = "lua54"
max_line_length = 100
read_globals = {
  "Task", "TaskOutput", "TaskList", "TaskUpdate", "TaskCreate", "TaskGet",
  "TaskStop", "orun",
}
files["spec"] = {
  std = "lua54+busted",
}
files["examples/testing"] = {
  std = "lua54+busted",
}
