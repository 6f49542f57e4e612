/* command.c — the table of commands. */
#include "cli/command.h"
#include "base/base.h"

#define COMMAND(word) { #word, \
    "local code = require 'orun.command." #word "'(...)\n" \
    "if code and code ~= 0 then os.exit(code) end\n" }

static const struct {
    const char *word, *code;
} commands[] = {
    COMMAND(agents),
    COMMAND(report),
    COMMAND(trust),
};

const char *
command_code(const char *word)
{
    for (size_t i = 0; i < countof(commands); i++)
        if (strcmp(word, commands[i].word) == 0)
            return commands[i].code;
    return NULL;
}
