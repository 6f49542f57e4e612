/* unload.c — a host that opens liborun.so, uses it, and closes it again.
 *
 * It is linked with neither orun nor Lua, as a program in another language is:
 * C modules of scripts find Lua all the same.
 */
#include "check.h"
#include <dlfcn.h>
#include <signal.h>
#include <unistd.h>

static void *
unload_open(const char *path)
{
    void *so = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (!so)
        fprintf(stderr, "%s\n", dlerror());
    CHECK(so);
    return so;
}

/* A runtime, a task in it that loads a C module, and all of it freed. */
static void
unload_use(void *so)
{
    int (*make)(const orun_config *, orun **);
    int (*run)(orun *, const char *, const char *, size_t);
    int (*end)(orun *);
    const char *(*message)(orun *);
    static const char code[] =
        "local r = Task{run = function() return require('lfs')._VERSION end}\n"
        "assert(r.output:find('LuaFileSystem', 1, true), r.error)\n";
    orun *o;
    *(void **)&make = dlsym(so, "orun_new");
    *(void **)&run = dlsym(so, "orun_run_string");
    *(void **)&end = dlsym(so, "orun_free");
    *(void **)&message = dlsym(so, "orun_errmsg");
    CHECK(make && run && end && message);
    CHECK(make(NULL, &o) == 0);
    if (run(o, "=unload", code, strlen(code)) != 0)
        fprintf(stderr, "%s\n", message(o));
    CHECK(*message(o) == '\0');
    CHECK(end(o) == 0);
}

int
main(int argc, char **argv)
{
    CHECK(argc == 2);
    for (int i = 0; i < 3; i++) {
        void *so = unload_open(argv[1]);
        unload_use(so);
        dlclose(so);
        raise(SIGURG); /* the handler is still there */
    }
    puts("kept");
    return 0;
}
