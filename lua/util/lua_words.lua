--- orun.util.lua_words: the words that Lua keeps for itself, which are no names.
--
--     print(#require "orun.util.lua_words")   --> 22

return {
  "and", "break", "do", "else", "elseif", "end", "false", "for", "function", "goto", "if", "in",
  "local", "nil", "not", "or", "repeat", "return", "then", "true", "until", "while",
}
