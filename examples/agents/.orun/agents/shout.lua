-- The fields of orun.agent; the name is the file's.
return {
  description = "Says it in capitals.",
  command = {"tr", "a-z", "A-Z"},
  limit = 2,
}
