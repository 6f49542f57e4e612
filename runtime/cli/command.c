/* command.c — the table of commands. */
#include "cli/command.h"
#include "api/lib_arg.h"
#include "base/base.h"

static const struct {
    const char *word;
    CommandNeeds needs;
} commands[] = {
    { "agents", COMMAND_RUNTIME }, { "gc", COMMAND_STATE },
    { "mcp", COMMAND_STATE },      { "output", COMMAND_STATE },
    { "plan", COMMAND_SCRIPT },    { "report", COMMAND_RUNTIME },
    { "resume", COMMAND_AGAIN },   { "retry", COMMAND_AGAIN },
    { "rm", COMMAND_STATE },       { "runs", COMMAND_STATE },
    { "show", COMMAND_STATE },     { "task", COMMAND_STATE },
    { "tasks", COMMAND_STATE },    { "trust", COMMAND_RUNTIME },
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
command_explain(const char *word, Buf *to)
{
    const char *words[countof(commands)];
    int n = countof(commands);
    for (int i = 0; i < n; i++)
        words[i] = commands[i].word;
    buf_printf(to, "'%s' is neither a script nor a command", word);
    const char *near = arg_nearest(word, words, n);
    if (near)
        buf_printf(to, ": did you mean 'orun %s'?", near);
    for (int i = 0; !near && i < n; i++)
        buf_printf(to, "%s %s",
                   i == 0          ? "; the commands are"
                       : i + 1 < n ? ","
                                   : " and",
                   words[i]);
}
