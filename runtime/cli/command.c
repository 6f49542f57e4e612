/* command.c — the table of commands. */
#include "cli/command.h"
#include "base/base.h"

static const struct {
    const char *word;
    CommandNeeds needs;
} commands[] = {
    { "agents", COMMAND_RUNTIME },    { "complete", COMMAND_STATE },
    { "doctor", COMMAND_RUNTIME },    { "gc", COMMAND_STATE },
    { "help", COMMAND_STATE },        { "init", COMMAND_RUNTIME },
    { "mcp", COMMAND_STATE },         { "output", COMMAND_STATE },
    { "plan", COMMAND_SCRIPT },       { "repl", COMMAND_LINES },
    { "report", COMMAND_RUNTIME },    { "resume", COMMAND_AGAIN },
    { "retry", COMMAND_AGAIN },       { "rm", COMMAND_STATE },
    { "runs", COMMAND_STATE },        { "show", COMMAND_STATE },
    { "task", COMMAND_STATE },        { "tasks", COMMAND_STATE },
    { "test", COMMAND_RUNTIME },      { "trust", COMMAND_RUNTIME },
    { "workflows", COMMAND_RUNTIME },
};

bool
command_is(const char *word, CommandNeeds needs)
{
    for (size_t i = 0; i < countof(commands); i++)
        if (strcmp(word, commands[i].word) == 0)
            return commands[i].needs == needs;
    return false;
}

void
command_words(Buf *to)
{
    for (size_t i = 0; i < countof(commands); i++)
        buf_printf(to, "%s%s", i ? " " : "", commands[i].word);
}
