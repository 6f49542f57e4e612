/* orun.h — run parallel Lua scripts from your program.
 *
 * This is the only header to install; it is the manual of the C API.
 *
 *     orun_config config = ORUN_CONFIG_INIT;
 *     orun *o;
 *     if (orun_new(&config, &o) != 0)
 *         return 1;
 *     if (orun_run_string(o, "=script", code, strlen(code)) != 0)
 *         fprintf(stderr, "%s\n", orun_errmsg(o));
 *     orun_free(o);
 *
 * Link with -lorun -llua5.4 -luv (see build flags in README.md).
 *
 * Link Lua as a shared library, and C modules of your scripts get a lua_resume
 * and a lua_pcallk of orun's, by which Lua code that they run can be stopped.
 * A program that has liblua5.4.a in it as it is gives them Lua's own: a loop in
 * a coroutine that a C module resumes is stuck then (orun_stuck), and a stop in
 * a callback is an error that the module gets; some, as luv, end the process at
 * it. With both functions renamed in a copy of the archive it is as with a
 * shared library:
 *
 *     objcopy --redefine-sym lua_resume=lua_resume_plain \
 *         --redefine-sym lua_pcallk=lua_pcallk_plain liblua5.4.a liblua-own.a
 *
 * Or give tasks with such modules isolation = "process".
 *
 * What a runtime is. One orun is one Lua state for scripts and one board of
 * tasks with its workers. It has no global state: a program may have several.
 * It installs no signal handler but SIGURG's, with which it interrupts Lua
 * code that is to be stopped (one that was there before is still called), and
 * never touches SIGCHLD or waitpid: child processes belong to a small process,
 * the supervisor, which ends them all however the program ends. A script whose
 * output has lost its reader gets an error, never SIGPIPE.
 *
 * Threads. One thread at a time may be in a call with a runtime; it need not
 * be the same each time. A second one gets ORUN_ETHREAD meanwhile, and changes
 * nothing; only orun_version, orun_interrupt, orun_suspend and orun_resume are
 * for any thread at any time. Different runtimes may be used by different
 * threads at once. Scripts run on the calling thread, which needs 1 MiB of
 * stack; tasks run on orun's own.
 *
 * Processes. Do not fork and go on with a runtime in the child: its threads are
 * not there. Each call says so (ORUN_EFORKED), and the parent's runtime is
 * unharmed. fork and exec is fine. When a C module of the script forks, the
 * script goes on in the child, too: primitives raise ORUN_EFORKED there, and
 * the call that runs it comes back with that error.
 *
 * Errors are 0 or one of the negative codes below; orun_errmsg says more. A
 * pointer that is no runtime, NULL or freed, is ORUN_EINVAL, and not followed:
 * to free twice does nothing (unless a new runtime got the same address).
 * Nothing here exits or calls back.
 */
#ifndef ORUN_H
#define ORUN_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

#ifndef ORUN_ERR_H /* inside orun itself, err.h has the whole list */
enum {
    ORUN_OK = 0,
    ORUN_ENOMEM = -1,    /* out of memory */
    ORUN_EINVAL = -2,    /* an argument makes no sense; errmsg names it */
    ORUN_ESTATE = -4,    /* a script of this runtime made the call */
    ORUN_ESTOPPED = -12, /* orun_interrupt ended the script */
    ORUN_ESYS = -14,     /* the operating system refused */
    ORUN_ESYNTAX = -18,  /* the script could not be read or compiled */
    ORUN_EFAILED = -19,  /* the script raised an error, or a task failed and
                            nobody read it */
    ORUN_EFORKED = -21,  /* called in a fork of the process that made it */
    ORUN_ETHREAD = -23   /* another thread is in a call with the runtime */
};
#endif

typedef struct orun orun;

/* All zero means all defaults, but `size`, which must be set: it lets fields
 * be added at the end without breaking programs that do not know them. */
typedef struct orun_config {
    size_t size;         /* sizeof(orun_config) */
    int workers;         /* Lua tasks at once; 0: as many as processors */
    int processes;       /* programs at once; 0: 5 */
    size_t memory_limit; /* bytes a Lua task's state may use; 0: 1 GiB, or a
                            quarter of the machine's memory if that is less */
    int no_wait;         /* 1: cancel what still runs when a script ends,
                            0: wait for it */
    const char *program; /* the `orun` command that runs tasks which ask for
                            isolation="process": a path, or a name that is
                            looked up in PATH; copied. It must be of the same
                            build as this library. NULL: "orun" */
    size_t backlog;      /* bytes that a run's tasks, their inputs and their
                            results may take in memory; 0: a quarter of it */
    int listed;          /* 1: from its first task on the command `orun tasks`
                            of the same user finds the run, shows what it does
                            and may stop it; 0: nobody does */
    const char *history; /* an absolute path: what tasks take is remembered in
                            this file, and of those that queue the one with the
                            longest work behind it goes first; copied. Folders
                            above it are made. NULL: nothing is remembered, and
                            they go in the order they came */
    int plan;            /* 1: no agent is started (no program, no request of
                            an API): each of their tasks ends at once, with
                            something that has the form of its result; 2: nor
                            are functions. The history is read, not written */
    int trust;           /* 1: Lua code that lies in any project (.orun/agents)
                            may be run, 0: only of the project that the script
                            file lies in, and what `orun trust` was told of */
    int verbose;         /* 1: what is said of a failure that nobody read has
                            its traceback, 0: the message alone */
    size_t keep;         /* so many tasks that have ended are kept, the newest;
                            older ones are forgotten as by orun.forget in Lua,
                            but for failures that nobody has read; 0: all are
                            kept */
} orun_config;

#define ORUN_CONFIG_INIT \
    { sizeof(orun_config), 0, 0, 0, 0, NULL, 0, 0, NULL, 0, 0, 0, 0 }

/* "0.1.0"; a constant. Any thread. */
const char *orun_version(void);

/* Make a runtime in *out. `config` may be NULL: all defaults. Errors:
 * ORUN_EINVAL (a bad config, out is NULL), ORUN_ENOMEM, ORUN_ESYS; then *out
 * is NULL. */
int orun_new(const orun_config *config, orun **out);

/* Show what happens from now on: `views` is a NULL-terminated array of
 * "NAME=VALUE", of which the names are the command's options of that name
 * ("events=FILE", "trace=FILE"; see README.md). Once, before the first script.
 * Errors: ORUN_EINVAL (errmsg says what is wrong: an unknown view, a file that
 * cannot be written), ORUN_ESTATE (it was called before), ORUN_ENOMEM,
 * ORUN_ESYS. */
int orun_watch(orun *o, const char *const *views);

/* No script will follow: what is watched shows its end, and files are complete
 * when this returns. Errors: ORUN_ESYS (errmsg says what could not be shown).
 * orun_free does it, too, but cannot tell. */
int orun_unwatch(orun *o);

/* Add what the tasks so far took to the history. Errors, which errmsg explains:
 * ORUN_EINVAL (it was damaged, and began anew); and, where it is left alone,
 * ORUN_ESYS (it cannot be read or written), ORUN_ESTATE (another version of
 * orun wrote it), ORUN_ENOMEM. orun_free does it, too, but cannot tell. */
int orun_save_history(orun *o);

/* What scripts see as `arg`: argv[0] up to argv[argc-1], where argv[script] is
 * arg[0]. What follows it is passed to the script as `...`, too. The strings
 * are copied. Errors: ORUN_EINVAL (script is not in 0 to argc), ORUN_ENOMEM. */
int orun_set_args(orun *o, int argc, const char *const *argv, int script);

/* Run a script file ("-" is standard input) and then wait for its tasks (or
 * cancel them, as configured). May be called again; globals stay, tasks of
 * earlier runs can still be asked for. Errors: ORUN_ESYNTAX, ORUN_EFAILED,
 * ORUN_ESTOPPED, ORUN_ENOMEM, ORUN_EINVAL (path is NULL, or the thread has too
 * little stack). os.exit ends the script, not the program. */
int orun_run_file(orun *o, const char *path);

/* The same for `size` bytes of source, at most 16 MiB; no NUL need follow.
 * `name` is for messages: "=name", or "@file", as in Lua; NULL: "=script". */
int orun_run_string(orun *o, const char *name, const char *code, size_t size);

/* The exit status of the last run as a program would give it: what os.exit
 * was given, 0 after success, 1 after a failure, 2 after a syntax error, 130
 * when interrupted. */
int orun_exit_status(orun *o);

/* What the last error was about; "" after success. It may be printed: what
 * could drive a terminal is written out, secrets are replaced. Valid until the
 * next call with this runtime. When it may not be called now, why. */
const char *orun_errmsg(orun *o);

/* Which tasks' threads are still stuck in C functions, and were given up, so
 * that their work cannot be stopped before the process ends; "" when none is.
 * Valid until the next call with this runtime. */
const char *orun_stuck(orun *o);

/* Stop the running script: it ends with the error "stopped: interrupted", and
 * its tasks are cancelled: their programs get SIGTERM and two seconds, Lua code
 * its clean-up. A second call lets neither have more time. A runtime that is
 * suspended is resumed first. Any thread; not from a signal handler. */
void orun_interrupt(orun *o);

/* Suspend the run, as a terminal's Ctrl-Z suspends the command: every program
 * it has started stops with all that descends from it, none is started, and the
 * run's clock stands still, so time-outs, sleeps and retries go on later where
 * they were. Lua code that runs goes on until it waits; whoever wants it to
 * stop, too, stops the process next. Twice is as good as once. Any thread; not
 * from a signal handler. */
void orun_suspend(orun *o);

/* Go on. What had stopped by itself before stays stopped. Any thread; not from
 * a signal handler. */
void orun_resume(orun *o);

/* Cancel what runs, wait for it (children are ended within seconds) and free
 * all. What threads use that are stuck (orun_stuck) is not freed before they
 * have come back. NULL is fine. Errors: those of any call; then nothing is
 * freed. It is ORUN_ETHREAD while another thread runs a script: orun_interrupt,
 * then ask again. */
int orun_free(orun *o);

#ifdef __cplusplus
}
#endif
#endif
