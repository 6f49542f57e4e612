/* orun_config.c — the config of a new runtime: checks and defaults. */
#include "base/sysmem.h"
#include "embed/api_struct.h"
#include "embed/orun_own.h"
#include <unistd.h>

enum {
    ORUN_CONFIG_PROCESSES = 5,    /* programs at once, by default */
    ORUN_CONFIG_MEMORY = 1 << 30, /* of a Lua task, at most, by default */
    ORUN_CONFIG_WORKERS = 10000,  /* Lua tasks at once, at most */
    ORUN_CONFIG_LEAST = offsetof(orun_config, workers) + sizeof(int),
};

/* Is it all that can be? */
static int
orun_config_check(const orun_config *c)
{
    if (c->workers < 0 || c->workers > ORUN_CONFIG_WORKERS)
        return api_error_set(NULL, ORUN_EINVAL,
                             "orun_new: config->workers is %d; expected 0 (as "
                             "many as processors) to %d",
                             c->workers, ORUN_CONFIG_WORKERS);
    if (c->processes < 0)
        return api_error_set(NULL, ORUN_EINVAL,
                             "orun_new: config->processes is %d; expected 0 "
                             "(%d at once) or more",
                             c->processes, ORUN_CONFIG_PROCESSES);
    if (c->plan < 0 || c->plan > 2)
        return api_error_set(NULL, ORUN_EINVAL,
                             "orun_new: config->plan is %d; expected 0, 1 or 2",
                             c->plan);
    if (c->history && c->history[0] != '/')
        return api_error_set(NULL, ORUN_EINVAL,
                             "orun_new: config->history is \"%s\"; expected an "
                             "absolute path",
                             c->history);
    return 0;
}

int
orun_config_read(const orun_config *given, orun_config *c)
{
    *c = (orun_config)ORUN_CONFIG_INIT;
    if (given && !api_struct_read(c, sizeof *c, given, ORUN_CONFIG_LEAST))
        return api_error_set(NULL, ORUN_EINVAL,
                             "orun_new: config->size is %zu, and this library "
                             "knows %zu bytes; set it to sizeof(orun_config) "
                             "(ORUN_CONFIG_INIT does), and what is newer than "
                             "the library to 0",
                             given->size, sizeof *c);
    int e = orun_config_check(c);
    if (e)
        return e;
    long processors = sysconf(_SC_NPROCESSORS_ONLN);
    size_t memory = sysmem_total("");
    if (c->workers == 0)
        c->workers = processors > 0 ? (int)processors : 1;
    if (c->processes == 0)
        c->processes = ORUN_CONFIG_PROCESSES;
    if (c->memory_limit == 0)
        c->memory_limit = memory / 4 < ORUN_CONFIG_MEMORY ? memory / 4
                                                          : ORUN_CONFIG_MEMORY;
    if (c->backlog == 0)
        c->backlog = memory / 4;
    if (!c->program || !*c->program)
        c->program = "orun";
    return 0;
}
