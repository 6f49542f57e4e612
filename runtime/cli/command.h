/* command.h — what `orun WORD` does other than run a script.
 *
 * Of the command only; not in the library. (`orun plan` runs a script: see
 * options.c.) A word is a command when it stands
 * where a script's name would, as it is in the table of command.c: a script of
 * that name is run as ./WORD, or after "--". A command is a bundled module,
 * lua/command/WORD.lua, that gives a function: it is called with the arguments
 * in the script's state and gives the exit code, 0 when it gives nothing.
 */
#ifndef ORUN_COMMAND_H
#define ORUN_COMMAND_H

/* The Lua code that runs the command `word`, a constant; NULL when it is none.
 * Any thread. */
const char *command_code(const char *word);

#endif
