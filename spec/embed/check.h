/* check.h — what the programs of the embedding specs share. */
#ifndef SPEC_EMBED_CHECK_H
#define SPEC_EMBED_CHECK_H

#include "orun.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The program ends at the first promise that is not kept. */
#define CHECK(what) \
    do { \
        if (!(what)) { \
            fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #what); \
            _Exit(9); \
        } \
    } while (0)

/* A runtime with two workers. */
static inline orun *
check_new(void)
{
    orun_config config = ORUN_CONFIG_INIT;
    orun *o;
    config.workers = 2;
    CHECK(orun_new(&config, &o) == ORUN_OK);
    return o;
}

static inline int
check_run(orun *o, const char *code)
{
    return orun_run_string(o, "=host", code, strlen(code));
}

/* Run code that must succeed. */
static inline void
check_fine(orun *o, const char *code)
{
    int e = check_run(o, code);
    if (e)
        fprintf(stderr, "%d: %s\n", e, orun_errmsg(o));
    CHECK(e == ORUN_OK);
}

typedef struct CheckCase {
    const char *name;
    void (*run)(void);
} CheckCase;

/* Run the case that the command line names. */
static inline int
check_main(const CheckCase *cases, size_t n, int argc, char **argv)
{
    for (size_t i = 0; i < n; i++)
        if (argc == 2 && strcmp(argv[1], cases[i].name) == 0) {
            cases[i].run();
            puts("kept");
            return 0;
        }
    fprintf(stderr, "no such case\n");
    return 2;
}

#define CHECK_MAIN(cases) \
    int main(int argc, char **argv) \
    { \
        return check_main(cases, sizeof cases / sizeof *cases, argc, argv); \
    }

#endif
