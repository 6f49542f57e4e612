/* arguments.c — a host that passes what it should not. */
#include "check.h"
#include <limits.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

/* NULL wherever a pointer is taken. */
static void
arguments_null(void)
{
    orun *o = NULL;
    CHECK(orun_new(NULL, NULL) == ORUN_EINVAL);
    CHECK(orun_new(NULL, &o) == ORUN_OK);
    CHECK(orun_run_file(NULL, "x.lua") == ORUN_EINVAL);
    CHECK(orun_run_string(NULL, "=x", "", 0) == ORUN_EINVAL);
    CHECK(orun_set_args(NULL, 0, NULL, 0) == ORUN_EINVAL);
    CHECK(orun_exit_status(NULL) == 2);
    CHECK(strlen(orun_errmsg(NULL)) > 0);
    CHECK(orun_free(NULL) == ORUN_OK);
    orun_interrupt(NULL);

    CHECK(orun_run_file(o, NULL) == ORUN_EINVAL);
    CHECK(strstr(orun_errmsg(o), "orun_run_file: path is NULL"));
    CHECK(orun_run_string(o, "=x", NULL, 3) == ORUN_EINVAL);
    CHECK(strstr(orun_errmsg(o), "orun_run_string: code is NULL"));
    CHECK(orun_set_args(o, 1, NULL, 0) == ORUN_EINVAL);
    CHECK(orun_run_string(o, NULL, "error('x')", 10) == ORUN_EFAILED);
    CHECK(strncmp(orun_errmsg(o), "script:1: x", 11) == 0);
    check_fine(o, "assert(1 + 1 == 2)");
    CHECK(strcmp(orun_errmsg(o), "") == 0);
    CHECK(orun_free(o) == ORUN_OK);
}

/* Watching: once, before the first script, what there is to watch. */
static void
arguments_watch(void)
{
    static const char *const none[] = { "movie=x", NULL };
    static const char *const nowhere[] = { "events=/no/such/folder/e", NULL };
    static const char *const events[] = { "events=/dev/null", NULL };
    orun *o;
    CHECK(orun_watch(NULL, events) == ORUN_EINVAL);
    CHECK(orun_unwatch(NULL) == ORUN_EINVAL);
    CHECK(orun_new(NULL, &o) == ORUN_OK);
    CHECK(orun_watch(o, NULL) == ORUN_EINVAL);
    CHECK(strstr(orun_errmsg(o), "orun_watch: views is NULL"));
    CHECK(orun_watch(o, none) == ORUN_EINVAL);
    CHECK(strstr(orun_errmsg(o), "there is no view \"movie\""));
    CHECK(orun_watch(o, nowhere) == ORUN_EINVAL);
    CHECK(strstr(orun_errmsg(o), "No such file"));
    CHECK(orun_unwatch(o) == ORUN_OK);
    CHECK(orun_watch(o, events) == ORUN_OK);
    CHECK(orun_watch(o, events) == ORUN_ESTATE);
    check_fine(o, "assert(Task{run = function() return 1 end}.output == 1)");
    CHECK(orun_unwatch(o) == ORUN_OK);
    CHECK(orun_watch(o, events) == ORUN_ESTATE);
    check_fine(o, "assert(Task{run = function() return 2 end}.output == 2)");
    CHECK(orun_free(o) == ORUN_OK);
}

/* A run is registered where the config asks for it, as long as it lives. */
static void
arguments_listed(void)
{
    char dir[] = "/tmp/orun-listed-XXXXXX", path[64];
    CHECK(mkdtemp(dir) && setenv("XDG_RUNTIME_DIR", dir, 1) == 0);
    snprintf(path, sizeof path, "%s/orun", dir);
    for (int listed = 0; listed < 2; listed++) {
        orun_config config = ORUN_CONFIG_INIT;
        orun *o;
        config.listed = listed;
        CHECK(orun_new(&config, &o) == ORUN_OK);
        check_fine(o, "Task{run = print}");
        check_fine(
            o,
            listed ? "while not os.execute('ls $XDG_RUNTIME_DIR/orun/*-*') do "
                     "orun.sleep('10ms') end"
                   : "orun.sleep('50ms') "
                     "assert(not os.execute('test -e $XDG_RUNTIME_DIR/orun'))");
        CHECK(orun_free(o) == ORUN_OK);
    }
    CHECK(rmdir(path) == 0 && rmdir(dir) == 0);
}

/* A config of another version, or filled with nonsense. */
static void
arguments_config(void)
{
    static const size_t sizes[] = { 0,        1,    sizeof(size_t),
                                    SIZE_MAX, 4096, sizeof(orun_config) + 1 };
    orun *o;
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        orun_config config = ORUN_CONFIG_INIT;
        config.size = sizes[i];
        o = (orun *)&config;
        CHECK(orun_new(&config, &o) == ORUN_EINVAL);
        CHECK(o == NULL);
    }
    const orun_config wrong[] = {
        { .size = sizeof(orun_config), .workers = -1 },
        { .size = sizeof(orun_config), .workers = INT_MAX },
        { .size = sizeof(orun_config), .processes = -1 },
        { .size = sizeof(orun_config), .processes = INT_MIN },
        { .size = sizeof(orun_config), .history = "relative" },
        { .size = sizeof(orun_config), .plan = 3 },
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        CHECK(orun_new(&wrong[i], &o) == ORUN_EINVAL && o == NULL);
    /* An older program knew fewer fields: the others are the defaults. */
    orun_config old = { .size = offsetof(orun_config, memory_limit),
                        .workers = 3,
                        .processes = 4,
                        .memory_limit = 1,
                        .no_wait = -1 };
    CHECK(orun_new(&old, &o) == ORUN_OK);
    check_fine(o,
               "local c = orun.config() "
               "assert(c.workers == 3 and c.processes == 4)");
    CHECK(orun_free(o) == ORUN_OK);
}

static void
arguments_args(void)
{
    static const char *const argv[] = { "host", "s.lua", "a b", "" };
    orun *o = check_new();
    CHECK(orun_set_args(o, -1, argv, 0) == ORUN_EINVAL);
    CHECK(orun_set_args(o, 4, argv, -1) == ORUN_EINVAL);
    CHECK(orun_set_args(o, 4, argv, 5) == ORUN_EINVAL);
    CHECK(strstr(orun_errmsg(o), "script is 5"));
    CHECK(orun_set_args(o, 4, argv, 1) == ORUN_OK);
    check_fine(o,
               "assert(arg[-1] == 'host' and arg[0] == 's.lua')"
               "assert(#arg == 2 and arg[1] == 'a b' and arg[2] == '')"
               "assert(select('#', ...) == 2 and ... == 'a b')");
    CHECK(orun_set_args(o, 0, NULL, 0) == ORUN_OK);
    check_fine(o, "assert(#arg == 0 and select('#', ...) == 0)");
    CHECK(orun_free(o) == ORUN_OK);
}

/* What was freed is no runtime: nothing of it is looked at. */
static void
arguments_freed(void)
{
    orun *o = check_new();
    check_fine(o, "Task{run = print, run_in_background = true}");
    CHECK(orun_free(o) == ORUN_OK);
    CHECK(orun_free(o) == ORUN_EINVAL);
    CHECK(check_run(o, "print(1)") == ORUN_EINVAL);
    CHECK(orun_run_file(o, "x.lua") == ORUN_EINVAL);
    CHECK(orun_set_args(o, 0, NULL, 0) == ORUN_EINVAL);
    CHECK(orun_exit_status(o) == 2);
    CHECK(strstr(orun_errmsg(o), "o is not a runtime"));
    orun_interrupt(o);
    int nothing[64] = { 0 };
    CHECK(orun_free((orun *)nothing) == ORUN_EINVAL);
}

/* Tasks that still run are ended, with their clean-up, and waited for. */
static void
arguments_free_running(void)
{
    orun_config config = ORUN_CONFIG_INIT;
    orun *o;
    config.no_wait = 1;
    CHECK(orun_new(&config, &o) == ORUN_OK);
    check_fine(o,
               "item = TaskCreate{description = 'x'}"
               "for i = 1, 20 do Task{run = function() orun.sleep('1h') end,"
               " run_in_background = true} end "
               "Task{run = function() while true do end end,"
               " run_in_background = true}");
    CHECK(orun_free(o) == ORUN_OK);
}

/* Bytes with a length: no NUL is needed behind, any may be inside. */
static void
arguments_bytes(void)
{
    orun *o = check_new();
    const char *code = "x = 'in'; x = 'beyond'";
    CHECK(orun_run_string(o, "=x", code, 8) == ORUN_OK);
    char *exact = malloc(11);
    memcpy(exact, "y = 'a\0b\xff' ", 11);
    CHECK(orun_run_string(o, "=x", exact, 11) == ORUN_OK);
    free(exact);
    check_fine(o, "assert(x == 'in' and y == 'a\\0b\\xff')");
    CHECK(orun_run_string(o, "=x", "", 0) == ORUN_OK);
    CHECK(orun_run_string(o, "=x", "return false", 12) == ORUN_OK);
    CHECK(orun_run_string(o, "=x", "\0", 1) == ORUN_ESYNTAX);
    /* Longer than any script may be, and than an int: not read at all. */
    CHECK(orun_run_string(o, "=x", code, (size_t)INT_MAX + 1) == ORUN_EINVAL);
    CHECK(orun_run_string(o, "=x", code, SIZE_MAX) == ORUN_EINVAL);
    CHECK(strstr(orun_errmsg(o), "a script may have 16777216 bytes"));
    CHECK(orun_free(o) == ORUN_OK);
}

/* os.exit is the script's end, not the host's. */
static void
arguments_exit(void)
{
    orun *o = check_new();
    CHECK(check_run(o, "while true do pcall(os.exit, 7) end") == ORUN_OK);
    CHECK(orun_exit_status(o) == 7);
    CHECK(check_run(o, "coroutine.wrap(os.exit)(true)") == ORUN_OK);
    CHECK(orun_exit_status(o) == 0);
    CHECK(check_run(o, "error('x')") == ORUN_EFAILED);
    CHECK(orun_exit_status(o) == 1);
    CHECK(check_run(o, "x = = 1") == ORUN_ESYNTAX);
    CHECK(orun_exit_status(o) == 2);
    CHECK(orun_free(o) == ORUN_OK);
}

/* Durations are remembered where the host says so, and nowhere else. */
static void
arguments_history(void)
{
    static const char code[] =
        "for _, key in ipairs{'a', 'b'} do "
        "Task{key = key, run = function() return {} end} end";
    char path[4096], text[200] = "";
    orun_config config = ORUN_CONFIG_INIT;
    orun *o = check_new();
    check_fine(o, code);
    CHECK(orun_save_history(o) == ORUN_OK && orun_free(o) == ORUN_OK);
    CHECK(getcwd(path, sizeof path - 20));
    strcat(path, "/kept/history");
    config.history = path;
    CHECK(orun_new(&config, &o) == ORUN_OK);
    memset(path, '/', 5); /* it was copied */
    check_fine(o, code);
    CHECK(orun_free(o) == ORUN_OK);
    FILE *file = fopen("kept/history", "r+");
    CHECK(file && fread(text, 1, sizeof text - 1, file) > 0);
    CHECK(strstr(text, "\nk%0Aa 1 ") && strstr(text, "\nk%0Ab 1 "));
    CHECK(fseek(file, 0, SEEK_SET) == 0 && fputs("damaged", file) >= 0);
    fclose(file);
    CHECK(getcwd(path, sizeof path - 20));
    strcat(path, "/kept/history");
    CHECK(orun_new(&config, &o) == ORUN_OK);
    check_fine(o, code);
    CHECK(orun_save_history(o) == ORUN_EINVAL);
    CHECK(strstr(orun_errmsg(o), "damaged"));
    CHECK(orun_save_history(o) == ORUN_OK && orun_free(o) == ORUN_OK);
    config.history = "/dev/null/history";
    CHECK(orun_new(&config, &o) == ORUN_OK);
    check_fine(o, code);
    CHECK(orun_save_history(o) == ORUN_ESYS);
    CHECK(strstr(orun_errmsg(o), "/dev/null/history: Not a directory"));
    CHECK(orun_free(o) == ORUN_OK);
}

/* A plan starts no program. */
static void
arguments_plan(void)
{
    orun_config config = ORUN_CONFIG_INIT;
    orun *o;
    config.plan = 1;
    CHECK(orun_new(&config, &o) == ORUN_OK);
    check_fine(o,
               "orun.agent{name = 'x', command = {'/none'}} "
               "local r = Task{subagent_type = 'x', prompt = 'x'} "
               "assert(r.status == 'completed' and r.output == '')");
    CHECK(orun_free(o) == ORUN_OK);
}

extern orun *back_host;
orun *back_host;

/* A script's C module calls the runtime that runs the script. */
static void
arguments_back(void)
{
    back_host = check_new();
    check_fine(back_host,
               "package.cpath = './?.so' "
               "assert(require 'back' == 42)");
    check_fine(back_host, "x = 1");
    CHECK(orun_free(back_host) == ORUN_OK);
}

/* A run is kept, and gone on with by another runtime. */
static void
arguments_store(void)
{
    static const char code[] = "n = 0\n"
                               "for i = 1, 3 do\n"
                               "  if Task{run = function(x) return x end, "
                               "input = i}.cached then n = n + 1 end\n"
                               "end\n"
                               "assert(n == expected, n)";
    orun_config c = ORUN_CONFIG_INIT;
    orun_kept_info k = { .size = sizeof k };
    orun *o;
    remove("kept.db");
    for (int round = 0; round < 2; round++) {
        c.store = "kept.db";
        c.resume = round ? "" : NULL;
        CHECK(orun_new(&c, &o) == ORUN_OK);
        check_fine(o, round ? "expected = 3" : "expected = 0");
        check_fine(o, code);
        CHECK(orun_kept(o, &k) == ORUN_OK);
        CHECK(k.kept == (round ? 0 : 3) && k.found == (round ? 3 : 0));
        CHECK(*k.run && strstr(k.path, "kept.db") && !k.fault && !k.unasked);
        k.size--;
        CHECK(orun_kept(o, &k) == ORUN_EINVAL && *orun_errmsg(o));
        k.size++;
        CHECK(orun_free(o) == ORUN_OK);
    }
    c.store = "/dev/null";
    CHECK(orun_new(&c, &o) == ORUN_OK);
    CHECK(check_run(o, "x = 1") != ORUN_OK
          && strstr(orun_errmsg(o), "/dev/null"));
    CHECK(orun_free(o) == ORUN_OK);
    o = check_new();
    CHECK(orun_kept(o, &k) == ORUN_EINVAL && orun_kept(o, NULL) == ORUN_EINVAL);
    CHECK(orun_free(o) == ORUN_OK);
}

static const CheckCase cases[] = {
    { "null", arguments_null },
    { "config", arguments_config },
    { "args", arguments_args },
    { "freed", arguments_freed },
    { "free-running", arguments_free_running },
    { "bytes", arguments_bytes },
    { "exit", arguments_exit },
    { "back", arguments_back },
    { "watch", arguments_watch },
    { "listed", arguments_listed },
    { "watch", arguments_watch },
    { "history", arguments_history },
    { "plan", arguments_plan },
    { "store", arguments_store },
};

CHECK_MAIN(cases)
