/* command.h — the commands of `orun WORD`.
 *
 * Part of the command line, not of the library. A word in the place of a
 * script's name is a command if it is in the table of command.c; a script of
 * that name is run as ./WORD, or after "--". All but `orun plan` and `orun
 * repl` are each a bundled module, lua/command/WORD.lua, that returns a
 * function: it is called with the arguments and returns the exit code, nil for
 * 0.
 */
#ifndef ORUN_COMMAND_H
#define ORUN_COMMAND_H

#include "base/buf.h"

/* What a command needs to run. */
typedef enum CommandNeeds {
    COMMAND_STATE,   /* a Lua state of its own, no runtime: see client.h. The
                      * word is the first argument */
    COMMAND_RUNTIME, /* a runtime: it runs in the script's state. Options of a
                      * run may precede the word */
    COMMAND_SCRIPT,  /* a script, and options of its own: see options.c. The
                      * word is the first argument */
    COMMAND_AGAIN,   /* a run that was kept, which is begun again: see
                      * resume.h. The word is the first argument */
    COMMAND_LINES,   /* what is typed: the word stands for the option -i */
} CommandNeeds;

/* Is `word` a command of this kind? */
bool command_is(const char *word, CommandNeeds needs);

/* Append the words of all commands, in order, with blanks between them. */
void command_words(Buf *to);

#endif
