/* engine.h — what one run owns: scheduler, workers, states, io.
 *
 * The io thread, the supervisor and the temporary folder are made when they are
 * first needed, so a script without programs and timers starts no thread but
 * its workers (and, in a run that is listed, the io thread; register.h).
 * engine.h is what the runners and the Lua API see of the runtime; orun.h is
 * what an embedding program sees.
 *
 * A part that stands above the engine and is made when it is first needed (the
 * supervisor's client, the control socket, …) registers an EnginePart. The
 * engine knows only that, and calls it when the run is suspended or must end,
 * and when it ends.
 */
#ifndef ORUN_ENGINE_H
#define ORUN_ENGINE_H

#include "base/clock.h"
#include "sched/sched.h"
#include "task/output.h"
#include "thread/loop.h"
#include "thread/pool.h"
#include "vm/vm.h"

typedef struct Engine Engine;
struct LuaRun;
struct orun_config; /* orun.h */

/* The parts there may be, each once. They follow the run and end in this
 * order, and are freed in the reverse one. */
enum {
    PART_REGISTER,
    PART_CONTROL, /* no new connections … */
    PART_HTTP,
    PART_SUPERVISOR, /* … then what runs outside ends */
    PART_COUNT
};

/* Embedded in a part; its functions may be NULL. */
typedef struct EnginePart {
    /* The run's clock was paused or resumed, or its haste has changed. On the
     * io thread. */
    void (*follow)(struct EnginePart *p, Engine *h);
    /* Accept nothing new. Calls that wait are completed, because the workers
     * still run. On the io thread. */
    void (*leave)(struct EnginePart *p);
    /* The workers have ended, or are stuck: end and free it. On the io
     * thread. */
    void (*close)(struct EnginePart *p);
    /* Free one without `close`. Neither a worker nor the io thread runs. */
    void (*free)(struct EnginePart *p);
} EnginePart;

enum { ENGINE_NAMES = 256 }; /* rings, so that thousands are found */

struct Engine {
    /* Never changes once made. */
    Sched sched;
    Clock clock;         /* of the run; any thread pauses it */
    Runner lua, process; /* filled in by the creator of the engine */
    Pool *pool;
    VmPool *vms;
    Folder *folder;
    char **env;                 /* snapshot of the environment */
    char *cwd;                  /* absolute working directory at start */
    char name[32];              /* of the run: when it began, and a number */
    const char *_Atomic script; /* what is run, as it was named: of
                                 * engine_intern; NULL: nothing yet. Set before
                                 * its tasks */
    const char *_Atomic script_file; /* its file, links followed; of a named
                                      * workflow the name; NULL: its code lies
                                      * nowhere */
    bool trust;                      /* Lua code of any project may run */
    int workers;                     /* Lua tasks at once */
    /* Keep the run, which has no task yet, in the store at this path; why not
     * is put into `why`. On the script's thread. Set by the creator; NULL:
     * there is no such thing here. */
    int (*keep)(struct Engine *h, const char *path, Buf *why);
    void *keep_ud;
    atomic_size_t memory_limit; /* of a Lua task, bytes, when it does not say;
                                 * any thread sets it */
    _Atomic(const char *) backend; /* of agents that files describe: a constant;
                                    * NULL: what there is */
    atomic_bool agents_reported;   /* broken agent files were; any thread */
    atomic_bool registered; /* the run is registered already, or registration is
                             * disabled (register.h); any thread */
    char *program;          /* the orun that runs isolated tasks */

    atomic_bool hasty; /* the run is to end; any thread */
    atomic_bool over;  /* … and has; any thread */
    atomic_int refs;   /* the owner's and each guest's: the last frees it */
    _Atomic uint64_t drawn; /* the state that engine_draw goes on from, in
                             * virtual time */
    /* Guarded by the board's lock. */
    List stuck;    /* LuaRuns given up */
    bool forsaken; /* there are LuaRuns that no thread will continue, and
                    * that are never freed */
    List guests;   /* LuaRuns of guests (vm_guest.h), by `stuck` */

    _Atomic(Loop *) loop; /* NULL: not needed yet; set once, under io_lock */
    _Atomic(EnginePart *) parts[PART_COUNT]; /* NULL: not made; set by its
                                              * creator */

    uv_mutex_t io_lock;
    /* Guarded by io_lock: */
    LoopMsg tick_msg;
    bool tick_posted;
    List names[ENGINE_NAMES]; /* interned strings, by their hash */

    /* Of the io thread. */
    uv_timer_t timer;
    bool timer_ready;
    int programs;  /* how many run */
    double ticked; /* of virtual time: when engine_tick saw last what runs, in
                    * real seconds, and … */
    double stood;  /* … since when only Lua code does; 0: it does not */
};

/* Make an engine from a config in which no default is left to be resolved
 * (orun_read_config); its strings are copied. `vm` is for task states. The two
 * runners are to be filled in before there is a task. Errors: ORUN_ENOMEM,
 * ORUN_ESYS. */
int engine_new(const struct orun_config *config, const VmConfig *vm,
               Engine **out) NODISCARD;

/* End everything: cancel tasks, end children, join workers and the io thread;
 * returns true. While a worker is stuck in a C function the memory is kept,
 * because the function may return: false. The last worker to return frees it.
 * Guests' waits end, and the last guest to leave frees it.
 * Not from one of the engine's own threads. */
bool engine_free(Engine *h);

/* The run of a guest, whose other fields are set, joins the engine: the memory
 * stays until the guest has left, for it may have objects that use it. It
 * leaves when no code of it runs. On the thread that runs the guest, while the
 * engine cannot be freed; leaving, at any time. */
void engine_join(Engine *h, struct LuaRun *run);
void engine_part(Engine *h, struct LuaRun *run);

/* A copy of `s` that lives as long as the engine, the same one each time. Any
 * thread; NULL when memory is out. */
const char *engine_intern(Engine *h, const char *s);

/* True the first time it is called with this text in this run (or when out of
 * memory): for messages that are printed once. Any thread. */
bool engine_once(Engine *h, const char *s);

/* Make sure that the run can keep *v, which has no other reference: when half
 * of the backlog is taken, a large value is moved to a file in the run's
 * folder. ORUN_EBACKLOG: no room. Any thread; may block for a file write. */
int engine_keep(Engine *h, struct Value **v) NODISCARD;

/* Random bytes, those that follow from the seed in virtual time; false when the
 * system gives none. Any thread. */
bool engine_draw(Engine *h, void *bytes, size_t n) NODISCARD;

/* The io thread, started when needed. NULL: it cannot be started (see errno); a
 * later call may succeed. Any thread. */
Loop *engine_loop(Engine *h);

/* Stop the programs and pause the clock / let both continue. They return when
 * the supervisor was asked to. Any thread but the io thread, until
 * engine_free. */
void engine_suspend(Engine *h);
void engine_resume(Engine *h);

/* The run is to end, and a supervisor that does not answer must not prevent it;
 * or this is no longer so. Any thread but the io thread, until engine_free. */
void engine_hasten(Engine *h, bool hasty);

#endif
