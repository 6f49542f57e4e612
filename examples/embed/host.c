/* host.c — a program of your own that runs parallel Lua with orun inside.
 *
 * Build it where orun was built, and run it:
 *
 *     $ cc -o host -iquote runtime examples/embed/host.c build/liborun.a \
 *         $(pkg-config --cflags --libs lua5.4 libuv) -lm
 *     $ ./host
 *
 * It starts tasks from a string, looks at an error, and shows that two
 * runtimes in one program know nothing of each other.
 */
#include "orun.h"
#include <stdio.h>
#include <string.h>

static const char squares[] =
    "local handles = {}\n"
    "for i = 1, 5 do\n"
    "  handles[i] = Task{run = function(n) return n * n end, input = i,\n"
    "                    run_in_background = true}\n"
    "end\n"
    "for i, handle in ipairs(handles) do\n"
    "  handles[i] = TaskOutput(handle).output\n"
    "end\n"
    "print(table.concat(handles, ' '))\n"
    "total = (total or 0) + #handles\n";

static int
run(orun *o, const char *name, const char *code)
{
    int e = orun_run_string(o, name, code, strlen(code));
    if (e) /* the first line is the message, the rest says where it was */
        printf("error %d: %.*s\n", e, (int)strcspn(orun_errmsg(o), "\n"),
               orun_errmsg(o));
    fflush(stdout);
    return e;
}

int
main(void)
{
    orun_config config = ORUN_CONFIG_INIT;
    orun *one, *two;
    config.workers = 2;
    if (orun_new(&config, &one) != ORUN_OK || orun_new(NULL, &two) != ORUN_OK) {
        fprintf(stderr, "no runtime could be made\n");
        return 1;
    }
    run(one, "=squares", squares);
    run(one, "=squares", squares);
    run(one, "=report", "print('one has', total)");
    run(two, "=report", "print('two has', total)");
    run(two, "=wrong", "Task{promt = 'typo'}");
    run(two, "=unread",
        "Task{run = function() error('lost', 0) end,\n"
        "     run_in_background = true}");
    orun_free(two);
    orun_free(one);
    return 0;
}

/*
 * --> 1 4 9 16 25
 * --> 1 4 9 16 25
 * --> one has	10
 * --> two has	nil
 * --> error -19: wrong:1: Task: unknown field "promt", did you mean 'prompt'?
 * --> error -19: unread:1: t1 failed and its result was never read: lost
 */
