/* orun.h — run parallel Lua scripts from your program.
 *
 * This is the only header to install; it is the manual of the C API.
 *
 *     orun *o;
 *     if (orun_new(NULL, &o) != 0
 *         || orun_run_string(o, "=script", code, strlen(code)) != 0)
 *         fprintf(stderr, "%s\n", orun_errmsg(NULL));
 *     orun_free(o);
 *
 * Or, without writing Lua:
 *
 *     uint64_t id;
 *     const orun_result *r;
 *     orun_task t = { sizeof t, .agent = "reviewer", .prompt = "Review a.c" };
 *     if (orun_start(o, &t, &id) || orun_wait(o, id, 60)
 *         || orun_take(o, id, &r))
 *         return fprintf(stderr, "%s\n", orun_errmsg(o)), 1;
 *     fwrite(r->output, 1, r->output_size, stdout);
 *     orun_drop(r);
 *
 * Link with `pkg-config --cflags --libs orun`, which is liborun.so, or with
 * liborun.a, and what `pkg-config --static --libs orun` adds.
 *
 * C modules of your scripts. In a program with liborun.a, link Lua as a shared
 * library: they then call orun's own lua_resume and lua_pcallk, so Lua code
 * that they run can be stopped. In a program linked with a plain liblua5.4.a or
 * liborun.so they call Lua's own: a loop in a coroutine that a C module resumes
 * is then stuck (orun_stuck), and a stop in a callback is an error that the
 * module receives; some modules, such as luv, end the process on it. To have
 * the same with an archive, rename both functions in a copy of it:
 *
 *     objcopy --redefine-sym lua_resume=lua_resume_plain \
 *         --redefine-sym lua_pcallk=lua_pcallk_plain liblua5.4.a liblua-own.a
 *
 * Or run tasks with such modules with isolation = "process".
 *
 * `pairs` gives the fields of equal tables in one order in all states of orun's
 * own program; in yours Lua draws a seed for each state. To have the same with
 * an archive, let its lstate.o ask orun for it:
 *
 *     ar x liblua-own.a lstate.o
 *     objcopy --redefine-sym luaS_hash=vm_seed_make lstate.o
 *     ar r liblua-own.a lstate.o
 *
 * What a runtime is. An orun is a Lua state for scripts, and a board of tasks
 * with its workers. There is no global state: a program may have several. The
 * only signal handler it installs is for SIGURG, which interrupts Lua code that
 * must stop (a handler that was there before is still called). It never touches
 * SIGCHLD or waitpid: child processes belong to a small process, the
 * supervisor, which ends them all however the program ends. A script that
 * writes to an output nobody reads gets an error, never SIGPIPE.
 *
 * Callbacks. Your functions are called in two places only: those of tasks
 * inside orun_dispatch, by the thread that called it; those of agents on
 * threads of orun. No lock of orun is held there.
 *
 * Threads. Each function is [any] or [one]. [any]: any thread may call it, at
 * any time, several at once. [one]: one thread at a time may be in such calls
 * of a runtime; it need not be the same thread each time. A call from a second
 * thread meanwhile returns ORUN_ETHREAD and changes nothing. Different threads
 * may use different runtimes at once. Scripts run on the calling thread, which
 * needs 1 MiB of stack; tasks run on orun's own threads.
 *
 * Processes. Do not use a runtime in the child after a fork: its threads do not
 * exist there. Each call then returns ORUN_EFORKED, and the parent's runtime is
 * unharmed. fork followed by exec is fine. If a C module forks within a script,
 * the script continues in the child, too: primitives raise ORUN_EFORKED there,
 * and the call that runs the script returns that error.
 *
 * Errors. Functions return 0 or one of the negative codes below, and then have
 * changed nothing; orun_errmsg says more. A pointer that is not a runtime
 * (NULL, or freed) is ORUN_EINVAL, and is not followed: freeing twice does
 * nothing, unless a new runtime has the same address. Nothing here exits.
 *
 * Growth. A struct that you fill begins with its size, and gets new fields at
 * its end, eight bytes each. A program that was built with a newer header than
 * the library may run with it: what is newer is refused (ORUN_EINVAL) only
 * where it is not 0. Set all of it (= { sizeof x, … }), padding included.
 */
#ifndef ORUN_H
#define ORUN_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

#ifndef ORUN_ERR_H /* inside orun itself, err.h has the whole list */
enum {
    ORUN_OK = 0,
    ORUN_ENOMEM = -1,     /* out of memory */
    ORUN_EINVAL = -2,     /* an argument makes no sense; errmsg names it */
    ORUN_ENOENT = -3,     /* no such task */
    ORUN_ESTATE = -4,     /* not now: a script of this runtime made the call, or
                             a function of yours that it had called */
    ORUN_ERESOLVED = -7,  /* the task was final */
    ORUN_ETIMEOUT = -11,  /* the time is over */
    ORUN_ESTOPPED = -12,  /* orun_interrupt ended the script */
    ORUN_ESHUTDOWN = -13, /* the runtime is being freed */
    ORUN_ESYS = -14,      /* the operating system refused */
    ORUN_ESYNTAX = -18,   /* the script could not be read or compiled */
    ORUN_EFAILED = -19,   /* the script raised an error, or a task failed and
                             its result was never read */
    ORUN_EFORKED = -21,   /* called in a fork of the process that made it */
    ORUN_EBACKLOG = -22,  /* what the run's tasks hold is at its limit */
    ORUN_ETHREAD = -23    /* another thread is in a call with the runtime */
};
#endif

typedef struct orun orun;

/* A zero is the default, except for `size`, which must be set: it allows fields
 * to be added at the end without breaking programs that do not know them. */
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
    int listed;          /* 1: from its first task on, `orun tasks` of the same
                            user finds the run, shows what it does and may stop
                            it; 0: it does not */
    const char *history; /* an absolute path, copied: durations of tasks are
                            kept in this file, and of the tasks that queue, the
                            one with the longest chain of work goes first. Its
                            folders are made. NULL: nothing is kept, and tasks
                            go first come, first served */
    int plan;            /* 1: no agent is started (no program, no API request):
                            each of their tasks ends at once, with a stub of the
                            form of its result; 2: functions, too. The history
                            is read, not written, and a store only with
                            `resume`: what is kept there is not done */
    int trust;           /* 1: Lua code of any project (.orun/agents) may run,
                            0: only code of the project that has the script
                            file, and what `orun trust` has allowed */
    int verbose;         /* 1: messages about failures that were never read have
                            the traceback, 0: only the message */
    size_t keep;         /* how many tasks that have ended are kept, the newest
                            ones; older ones are forgotten, as by orun.forget in
                            Lua, except for failures that were never read; 0:
                            all are kept */
    const char *store;   /* the run survives: what its tasks end with is kept in
                            this file, a result is seen only once it is kept,
                            and `resume` goes on with it after any interruption.
                            A path, copied; one that ends in "/" is a folder,
                            where the run gets a file of its own, and of older
                            ones 20 and none of more than 30 days are left. The
                            file is opened when the first script begins; what is
                            wrong with it is the error of that call. NULL:
                            nothing is kept */
    const char *resume;  /* the id of the run in `store` that is gone on with: a
                            task equal to one that has ended there ends at once,
                            with that result. "": the newest that has not ended
                            well. NULL: a new run. Copied */
    int store_late;      /* 1: nothing is kept, and no file is made, before the
                            first task that is an agent or a program, and a
                            store that cannot be opened then is only reported
                            by orun_kept */
    int resume_failed;   /* 1: with `resume`, what has failed runs again */
    const char *resume_tasks; /* with `resume`: ids of tasks, with a blank
                            between two, that run again, too; as `orun show` has
                            them. NULL: none. Copied */
    size_t virtual_time; /* for tests of scripts, not 0: time stands while Lua
                            code runs, and goes on to the next thing due when
                            nothing does, so an hour of sleeping tasks takes
                            milliseconds. It passes as usual while programs and
                            requests run. What is drawn (orun.random,
                            math.random, the order of `pairs`) follows from
                            this number; with workers = 1 so does the rest */
} orun_config;

#define ORUN_CONFIG_INIT \
    { sizeof(orun_config), \
      0, \
      0, \
      0, \
      0, \
      NULL, \
      0, \
      0, \
      NULL, \
      0, \
      0, \
      0, \
      0, \
      NULL, \
      NULL, \
      0, \
      0, \
      NULL, \
      0 }

#define ORUN_API_VERSION 3 /* of this header; it grows with what is added */

/* The same of the library: less, when that is older. [any] */
int orun_api_version(void);

/* "0.1.0"; a constant. [any] */
const char *orun_version(void);

enum { ORUN_LOG_DEBUG, ORUN_LOG_INFO, ORUN_LOG_WARNING };

/* What holds for all of the process. */
typedef struct orun_process {
    size_t size; /* sizeof(orun_process) */
    /* Instead of malloc: as realloc, and as free where n is 0; NULL is "no
     * memory", which orun survives. Any thread. Memory that libuv, libcurl and
     * SQLite take for themselves, and the arenas of tasks' Lua states, which
     * are mapped, do not come from here. NULL: malloc. */
    void *(*alloc)(void *ud, void *p, size_t n);
    /* What would go to standard error (orun.log, warnings, lines of views,
     * ORUN_LOG): a line, without its end, safe to print; `level` is one of
     * those above. Any thread; it must not call orun. NULL: standard error.
     * What a script itself writes to io.stderr is not meant. */
    void (*log)(void *ud, int level, const char *line);
    void *ud; /* passed to both */
} orun_process;

/* Set that, before the first runtime of the process. Errors: ORUN_EINVAL (p is
 * NULL, or its size is wrong), ORUN_ESTATE (there has been a runtime). [one],
 * and no other call beside it. */
int orun_setup(const orun_process *p);

/* Make a runtime in *out. `config` may be NULL: all defaults. Errors:
 * ORUN_EINVAL (a bad config, out is NULL), ORUN_ENOMEM, ORUN_ESYS; then *out
 * is NULL, and orun_errmsg(NULL) says why. [any] */
int orun_new(const orun_config *config, orun **out);

/* What is kept of a run with a `store`. */
typedef struct orun_kept_info {
    size_t size;       /* sizeof(orun_kept_info), set by the caller */
    const char *run;   /* the id of the run, for `resume` */
    const char *path;  /* of the file; "": there is none (yet) */
    const char *fault; /* why the store has failed, NULL: it has not */
    size_t kept;       /* results that this runtime has kept */
    size_t found;      /* tasks that ended as in an earlier try */
    size_t unasked;    /* results of earlier tries for which no task asked */
    const char *unasked_names; /* titles of the first of these tasks, "a, b" */
    size_t secret; /* results that were not kept: there is a secret in
                      them … */
    size_t odd;    /* … or a function, or a module */
} orun_kept_info;

/* Fill in *info, whose texts are valid until the next call with this runtime.
 * Errors: ORUN_EINVAL (the runtime has no store, or *info has another size).
 * [one] */
int orun_kept(orun *o, orun_kept_info *info);

/* Attach views, which show what happens from now on: `views` is a
 * NULL-terminated array of "NAME=VALUE", where NAME is an option of the command
 * ("events=FILE", "trace=FILE"; see lua/watching.md). Once, before the first
 * script. Errors: ORUN_EINVAL (errmsg says what is wrong: an unknown view, a
 * file that cannot be written), ORUN_ESTATE (it was called before),
 * ORUN_ENOMEM, ORUN_ESYS. [one] */
int orun_watch(orun *o, const char *const *views);

/* Detach the views, because no script will follow: they show the end, and files
 * are complete when this returns. Errors: ORUN_ESYS (errmsg says what could not
 * be shown). orun_free does the same, but cannot report errors. [one] */
int orun_unwatch(orun *o);

/* Add the durations of the tasks so far to the history. Errors, which errmsg
 * explains: ORUN_EINVAL (the file was damaged, and begins anew); and, with the
 * file left as it is, ORUN_ESYS (it cannot be read or written), ORUN_ESTATE
 * (another version of orun wrote it), ORUN_ENOMEM. orun_free does the same, but
 * cannot report errors. [one] */
int orun_save_history(orun *o);

/* What scripts see as `arg`: argv[0] up to argv[argc-1], where argv[script] is
 * arg[0]. What follows it is passed to the script as `...`, too. The strings
 * are copied. Errors: ORUN_EINVAL (script is not in 0 to argc), ORUN_ENOMEM.
 * [one] */
int orun_set_args(orun *o, int argc, const char *const *argv, int script);

/* Run a script file ("-" is standard input) and then wait for its tasks (or
 * cancel them, as configured). May be called again; globals stay, and results
 * of earlier tasks can still be read. What the script returns is ignored.
 * Errors: ORUN_ESYNTAX, ORUN_EFAILED, ORUN_ESTOPPED, ORUN_ENOMEM, ORUN_EINVAL
 * (path is NULL, or the thread has too little stack). os.exit ends the script,
 * not the program. [one] */
int orun_run_file(orun *o, const char *path);

/* The same for `size` bytes of source, at most 16 MiB; no NUL need follow.
 * `name` is for messages: "=name", or "@file", as in Lua; NULL: "=script".
 * [one] */
int orun_run_string(orun *o, const char *name, const char *code, size_t size);

/* The exit status of the last run as a program would give it: what os.exit
 * was given, 0 after success, 1 after a failure, 2 after a syntax error, 130
 * when interrupted; 2 when another thread runs a script. [one] */
int orun_exit_status(orun *o);

/* Why it failed. With NULL: the last call of this thread that did, whatever it
 * was called with; "" if none did. With a runtime: the last call with it of
 * this thread that failed, or the last [one] call with it of any thread,
 * whichever was later; "" if that succeeded. The text is safe to print: what
 * could drive a terminal is escaped, secrets are replaced. Valid until the next
 * call of this thread. [any] */
const char *orun_errmsg(orun *o);

/* The tasks whose threads are still stuck in C functions and were given up:
 * their work cannot be stopped before the process ends. "" if there are none.
 * Valid until the next call with this runtime. [one] */
const char *orun_stuck(orun *o);

/* Stop the running script: it ends with the error "stopped: interrupted", and
 * its tasks are cancelled. Their programs get SIGTERM and two seconds, Lua code
 * runs its clean-up; a second call gives neither more time. A suspended runtime
 * is resumed first. [any]; not from a signal handler. */
void orun_interrupt(orun *o);

/* Suspend the run, as a terminal's Ctrl-Z suspends the command: every program
 * it has started stops, with all its descendants, none is started, and the
 * run's clock is paused, so that time-outs, sleeps and retries continue later
 * where they were. Lua code that runs continues until it waits; to stop it,
 * too, stop the process next. A second call does nothing. [any]; not from a
 * signal handler. */
void orun_suspend(orun *o);

/* Resume the run. A program that had been stopped by others before stays
 * stopped. [any]; not from a signal handler. */
void orun_resume(orun *o);

/* ---- tasks of your program ---- */

/* A task that C has started is like one of Task{} in Lua, with the same
 * options, checks and messages. It belongs to your program and not to the
 * script: a script that ends, fails or is interrupted neither stops it nor
 * waits for it; only orun_stop does, and orun_free. Scripts may run beside, on
 * another thread.
 *
 * IDS are numbers from 1 on (t1 in Lua), never used again: an old one is
 * ORUN_ENOENT and never somebody else's. STRINGS you pass are copied; NULL is
 * "not given"; text is UTF-8 with NUL at its end unless a size stands beside
 * it. TIMEOUTS are seconds of real time; less than 0: for ever. */
typedef struct orun_task {
    size_t size; /* sizeof(orun_task) */

    /* One of these does it; all NULL: the agent "general-purpose". */
    const char *agent;       /* the name of an agent type */
    const char *const *argv; /* a command, NULL at its end, no shell */
    const char *lua;         /* the body of a Lua function, called with the
                                input and the task: "local input, task = ..." */

    const char *prompt;
    size_t prompt_size; /* bytes of it; 0: strlen(prompt) */
    const char *input;  /* a JSON text */
    const char *description;
    const uint64_t *after; /* it starts when these have completed */
    size_t after_count;
    double timeout;      /* seconds of one attempt; 0: as the agent has it */
    const char *options; /* every other field of Task{}, a JSON object:
                            {"retry": 2, "writes": ["src"], "priority": 5} */

    /* Called by orun_dispatch, on its thread, or NULL. */
    void (*done)(orun *o, uint64_t id, void *ud); /* it is final; the last */
    void (*more)(orun *o, uint64_t id, void *ud); /* orun_read has more; told
                                 once for however many writes, and at its end */
    void *ud;                                     /* passed to both */
} orun_task;

/* Start it, now or when it may. Errors: ORUN_EINVAL (orun_errmsg has the words
 * of Task in Lua: "unknown field \"promt\", did you mean 'prompt'?"),
 * ORUN_ENOENT (a task in `after`), ORUN_EBACKLOG, ORUN_ESHUTDOWN, ORUN_ENOMEM;
 * ORUN_ESYS and others when the runtime's store cannot be opened. The thread
 * needs 256 KiB of stack. [any] */
int orun_start(orun *o, const orun_task *task, uint64_t *id);

/* Wait until the task is final: 0. Errors: ORUN_ETIMEOUT, ORUN_ENOENT,
 * ORUN_ESHUTDOWN, ORUN_EINVAL (no number). Any task and list item of the
 * runtime may be waited for. A function that orun_dispatch called and that
 * waits for what another such function would do waits for ever. [any] */
int orun_wait(orun *o, uint64_t id, double timeout);

/* The next task without `done` that has become final, in the order they did,
 * each once; one that orun_wait has waited for, or that was forgotten, is none
 * of them. Errors: ORUN_ETIMEOUT, ORUN_ESHUTDOWN, ORUN_ENOENT: none is left to
 * come. [any] */
int orun_next(orun *o, double timeout, uint64_t *id);

/* Cancel the task, and what it has started. It is final a little later: its
 * code may clean up. Errors: ORUN_ENOENT, ORUN_ERESOLVED (it was final). [any]
 */
int orun_stop(orun *o, uint64_t id);

/* The task is final, and nobody will ask for it again: all that it holds is
 * freed, so that a host may run for weeks. Of its record, 216 bytes stay until
 * all 4,096 of its neighbours are forgotten. Its `done` is still called.
 * Errors: ORUN_ENOENT, ORUN_ESTATE (it is not final, or a thread is stuck in
 * it). [any]
 */
int orun_forget(orun *o, uint64_t id);

/* ---- results ---- */

enum {
    ORUN_PENDING, /* it waits, or queues */
    ORUN_RUNNING,
    ORUN_COMPLETED, /* this and those after it are final */
    ORUN_FAILED,
    ORUN_CANCELLED
};

/* Read it by pointer only: new fields are added at its end. */
typedef struct orun_result {
    uint64_t id;
    int state;              /* one of those above */
    int exit_code;          /* of its program; -1: none */
    int signal;             /* that ended its program; 0: none */
    int attempts;           /* begun so far */
    const char *error_kind; /* "exit", "timeout", …; NULL when it completed */
    const char *error;      /* why; NULL when it completed */
    const char *output;     /* a text's bytes as they are, with NUL behind; of
                               a program that runs, what it has printed; NULL:
                               the output is no text, or there is none */
    size_t output_size;
    const char *json; /* the output as JSON; NULL: there is none, as it
                         is not final, or a function */
    size_t json_size;
    int cut;         /* 1: `output` is its beginning, and then a line
                        that says so; orun_read has all of it */
    int reserved;    /* 0 */
    double duration; /* seconds of its last attempt, so far */
    double cost;     /* US dollars; NAN: not told */
    int64_t input_tokens, output_tokens, cache_read_tokens, cache_write_tokens,
        reasoning_tokens;                      /* -1: not told */
    const char *model, *session_id, *activity; /* NULL: not told */
    const char *traceback; /* of a Lua function that raised; or NULL */
} orun_result;

/* What is known of the task now, final or not; a failure counts as read. Yours
 * until orun_drop. Secrets are replaced in `error`, not in the output. Errors:
 * ORUN_ENOENT, ORUN_EINVAL (r is NULL), ORUN_ENOMEM; then *r is NULL. [any] */
int orun_take(orun *o, uint64_t id, const orun_result **r);

/* Free it; NULL is fine. Also after orun_free. [any] */
void orun_drop(const orun_result *r);

/* Copy what the task has printed to `stream` (1: stdout, or a function's text;
 * 2: stderr), from that offset on, while it runs or later, without waiting for
 * more (`more` tells of that). *got: how many bytes; *end, unless it is NULL: 1
 * when no more will come. An attempt that is made again prints anew, from 0.
 * Errors: ORUN_ENOENT, ORUN_EINVAL (the stream; an offset beyond what is there;
 * the output is no text), ORUN_ESYS (its file cannot be read). [any] */
int orun_read(orun *o, uint64_t id, int stream, uint64_t offset, void *to,
              size_t size, size_t *got, int *end);

/* ---- your own loop: poll, epoll, io_uring, libuv, glib ---- */

/* A descriptor that is readable WHILE there is something for orun_dispatch or
 * orun_next: level-triggered, nothing to re-arm (edge-triggered epoll works,
 * too, if you then dispatch until that gives 0). Do not read or close it; take
 * it out of your loop before orun_free. The same each time. -1 and errno: there
 * is none. [any] */
int orun_fd(orun *o);

/* Call the functions that are due, on this thread; returns how many were
 * called, 0 at once when none is due. It never blocks, and ends after those
 * that were due at its start. No lock is held while they are called: they may
 * make all [any] calls; [one] calls, orun_dispatch and orun_free are
 * ORUN_ESTATE there. They must return: neither longjmp nor exceptions may leave
 * them. Once orun_free has begun nothing is called any more. Errors:
 * ORUN_ETHREAD (another thread is in this call), ORUN_ESTATE. A script may run
 * on another thread meanwhile. [any], one at a time */
int orun_dispatch(orun *o);

/* Each thing that happens, inside orun_dispatch, as a line of JSON without its
 * end (lua/watching.md has the events); within a tenth of a second. A host that
 * is 8 MiB behind loses lines, and is told how many by one whose event is
 * "lost". orun_unwatch has all of them ready for orun_dispatch. NULL: no more.
 * The first time before orun_watch, and before the first script and task.
 * Errors: ORUN_ESTATE, ORUN_ENOMEM, ORUN_ESYS. [one] */
int orun_on_event(orun *o,
                  void (*event)(orun *o, const char *line, size_t n, void *ud),
                  void *ud);

/* ---- everything else ---- */

/* Make one of the calls that programs of tasks have (`orun task`, MCP), in the
 * script's name: orun_ask(o, "TaskList", "{\"status\": \"pending\"}", &reply).
 * They are Task, TaskOutput, TaskStop, TaskList, TaskGet, TaskCreate,
 * TaskUpdate, TaskClaim, RunTasks, RunOutput, RunStop, RunDrain, and, of Lua's
 * orun.config, orun.limit and orun.agent, Config, Limit (with "name") and
 * Agent. `args` is a JSON object, or NULL: none. Ids in JSON are texts, "t5"
 * for 5. *reply: JSON, to be freed with orun_free_text. Where a call waits, the
 * thread blocks. Errors: ORUN_EINVAL (the arguments), ORUN_EFAILED (it was
 * refused, and orun_errmsg says why), ORUN_ESHUTDOWN, ORUN_ENOMEM; then *reply
 * is NULL. [any]
 */
int orun_ask(orun *o, const char *call, const char *args, char **reply);

/* Free a reply of orun_ask; NULL is fine. [any] */
void orun_free_text(char *text);

/* Cancel what runs, wait for it (child processes end within seconds) and free
 * everything. What threads use that are stuck (orun_stuck) is freed only when
 * they return. Other threads may be in [any] calls meanwhile: they end with
 * ORUN_ESHUTDOWN, and are waited for. NULL is fine. On an error nothing is
 * freed: ORUN_ETHREAD while another thread runs a script (call orun_interrupt,
 * then try again). [any] */
int orun_free(orun *o);

/* ---- agents in C ---- */

/* An agent type in C does tasks, as a type that orun.agent{} defines: tasks of
 * Lua are of it by Task{subagent_type = "lookup", input = x}, with every other
 * field that Task takes. So a tool in C is an agent, too.
 *
 *     start(c)  -- anything, on any thread, for as long as it takes -->
 *         orun_call_text(c), orun_call_json(c) or orun_call_fail(c)
 *
 * A call is one attempt at a task; a retry is another one. It is the agent's
 * from `start` on until the agent ends it, which it must once, well or not: on
 * any thread, inside `start` or later. A call that nobody ends is a task that
 * never ends, unless a time-out or a cancel stops it. To be stopped, it has its
 * `stop` called, or `start` asks orun_call_stopped; and then `grace` seconds to
 * be ended. After that orun gives it up: the task ends as stopped, and what the
 * agent says of it later is ORUN_ESHUTDOWN. The agent must end it all the same,
 * when it can, even after orun_free, because only then is it released.
 *
 * `start` runs on a worker and `stop` on another thread of orun; both may
 * block, and may make all [any] calls; [one] calls, orun_dispatch and orun_free
 * are ORUN_ESTATE there. A `start` that returns at once, having handed the call
 * to a thread or a loop of yours, takes no thread while the work goes on; one
 * that does the work itself takes one, so give the type `slots`. The task ends
 * when it was ended and both have returned. One that has not a second after the
 * call was given up is left alone with its thread (orun_stuck).
 *
 * No C++ exception and no longjmp may leave them: nobody is there to catch it,
 * and the process would end (std::terminate). Catch it, and call
 * orun_call_fail. */

/* Read it by this pointer only: it grows at its end. Everything in it stays as
 * it is until `release`. */
typedef struct orun_call {
    void *data;              /* yours; NULL at first */
    uint64_t id;             /* of the task: 7 is what scripts call "t7" */
    const char *prompt;      /* its bytes … */
    size_t prompt_size;      /* … and how many; 0: there is none */
    const char *input;       /* a JSON text; NULL: there is none. Tasks in it
                                are replaced by their outputs */
    const char *model;       /* that is asked for, or NULL */
    const char *cwd;         /* the folder to work in, absolute: that of the
                                task's worktree, if it has one */
    int64_t attempt;         /* from 1 */
    const char *schema;      /* JSON: of the result that is wanted, which orun
                                checks; NULL: any will do */
    const char *permissions; /* "none", "read", "edit" or "full"; NULL: the type
                                has none */
    const char *session_id;  /* of the session to continue (retry.resume), which
                                an earlier attempt reported; NULL: begin one */
} orun_call;

/* Fields that are 0 or NULL have their defaults. */
typedef struct orun_agent {
    size_t size; /* sizeof(orun_agent) */
    const char *name;
    const char *description; /* for those who choose among types */
    void (*start)(orun_call *c, void *ud);   /* do it, or begin to */
    void (*stop)(orun_call *c, void *ud);    /* end it soon. Once at most, maybe
                                                while `start` runs or another
                                                thread ends the call: then c is
                                                still there, until `release`.
                                                NULL: nothing is called */
    void (*release)(orun_call *c, void *ud); /* the last use of c and c->data,
                                                once for each start, on whatever
                                                thread was the last to need c.
                                                NULL: nothing to free */
    void *ud;     /* passed to the three; it must outlive the runtime, and each
                     call that is ended later */
    size_t slots; /* of its tasks at once, at most 1,000,000; 0: no bound */
    double timeout;      /* seconds of an attempt; 0: none */
    double grace;        /* seconds from a stop to being given up; 0: 2 */
    const char *options; /* the other fields of orun.agent{}, a JSON object:
                            {"retry": 2, "rate": "60/min", "isolation":
                            "worktree"}; the same check, the same messages */
} orun_agent;

/* From now on tasks may be of this type; a name used again hides the older
 * type, whose tasks go on. The struct and its texts are copied. In a run with a
 * `store` two types are the same if name, cwd, env and permissions are: put a
 * version into the name when outcomes of older code are not to count.
 * The thread needs 256 KiB of stack. Errors: ORUN_EINVAL (orun_errmsg says
 * what), ORUN_ESHUTDOWN, ORUN_EFORKED, ORUN_ENOMEM. [any] */
int orun_add_agent(orun *o, const orun_agent *type);

/* End the call with a text of n bytes, any bytes. It is what the task's result
 * has as output, after what orun_call_write has appended; with a schema it must
 * be JSON. c is not to be used afterwards, but by a `stop` that runs. Errors, c
 * being gone all the same: ORUN_ESHUTDOWN (it had been given up: nobody hears
 * of it), ORUN_ENOMEM and ORUN_EINVAL (text is NULL and n is not 0: the task
 * fails). And with nothing done, as far as it can be seen: ORUN_ESTATE (it has
 * been ended), ORUN_EINVAL (c is no call, or was released), ORUN_EFORKED. [any;
 * also after orun_free] */
int orun_call_text(orun_call *c, const void *text, size_t n);

/* The same with a JSON text: the output is its value. What is not JSON fails
 * the task, with error_kind "schema". */
int orun_call_json(orun_call *c, const char *json);

/* The same: the attempt has failed. `kind` is its error_kind, which retry may
 * name: "exit", "http", "rate", "timeout", "schema", "budget", "conflict",
 * "lost", "spawn", "signal" or "lua"; or "cancelled", which ends the task as
 * cancelled. NULL: "lua"; another one is ORUN_EINVAL, and "lua". `why` is its
 * error; secrets in it are replaced. What was appended is its output. */
int orun_call_fail(orun_call *c, const char *kind, const char *why);

/* Should it end? 1: it is being stopped, was given up, or has been ended; 0: it
 * is to go on; or one of these errors, which count as true, too: ORUN_EINVAL (c
 * is no call, or was released), ORUN_EFORKED. [any] */
int orun_call_stopped(orun_call *c);

/* Append to its output, which others may read while it comes; a result has its
 * first 32 KiB (max_output), and the file that has the rest. Several threads
 * may append at once: each piece stays in one piece. Errors: those of
 * orun_call_text, the call being there all the same; ORUN_ESYS: the disk took
 * no more, and the task will fail. May block for a file write. [any] */
int orun_call_write(orun_call *c, const void *bytes, size_t n);

/* Tell of its work: a JSON object with the fields of orun.report{}, such as
 * {"activity": "reading", "usage": {"input_tokens": 20}, "cost": 0.01}. Counts
 * are those of the attempt so far. It is shown while it runs, in its result,
 * and charged to budgets. The thread needs 256 KiB of stack. Errors: as
 * orun_call_write; ORUN_EINVAL also: what orun.report would refuse. [any] */
int orun_call_report(orun_call *c, const char *json);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif
#endif
