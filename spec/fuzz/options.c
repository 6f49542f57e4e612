/* options.c — the command line: one argument up to each NUL. */
#include "cli/options.h"
#include "fuzz.h"

enum { OPTIONS_ARGUMENTS = 16 };

static void
options_check(const Options *o, int argc, char *const *argv)
{
    FUZZ_MUST(o->config.processes >= 0 && o->config.processes <= 100000);
    FUZZ_MUST(o->config.workers >= 0 && o->config.workers <= 10000);
    if (o->what == OPTIONS_WRONG)
        FUZZ_MUST(o->error && *o->error);
    else
        FUZZ_MUST(!o->error);
    if (o->what != OPTIONS_RUN)
        return;
    FUZZ_MUST(o->command || o->script || o->count > 0 || o->interactive);
    FUZZ_MUST(!o->command || !o->script);
    FUZZ_MUST(o->first >= 0 && o->first < argc);
    if (o->script)
        FUZZ_MUST(o->first < argc && o->script == argv[o->first]);
}

FUZZ(data, n)
{
    char *argv[OPTIONS_ARGUMENTS + 2] = { "orun" };
    int argc = 1;
    char *text = malloc(n + 1);
    FUZZ_MUST(text);
    if (n)
        memcpy(text, data, n);
    text[n] = '\0';
    for (size_t at = 0; at < n && argc <= OPTIONS_ARGUMENTS;
         at += strlen(text + at) + 1)
        argv[argc++] = text + at;
    Options o;
    options_read(&o, argc, argv);
    options_check(&o, argc, argv);
    options_default_views(
        &o, &(OptionsUsual){ .terminal = true, .recorded = true });
    options_check(&o, argc, argv);
    options_free(&o);
    free(text);
    return 0;
}
