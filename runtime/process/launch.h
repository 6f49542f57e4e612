/* launch.h — a program started from any thread.
 *
 * A Launch copies the request, starts the program on the io thread and calls
 * `done` there, once. Tasks that are programs and orun.exec both use it. Texts
 * that the program needs in a file are written to 0600 files, whose paths are
 * put into its arguments; they are removed at its end.
 */
#ifndef ORUN_LAUNCH_H
#define ORUN_LAUNCH_H

#include "engine/engine.h"
#include "process/proc.h"

typedef struct Launch Launch;

/* A text that the program gets in a file, whose path replaces every "{name}" in
 * the arguments. */
typedef struct LaunchFile {
    const char *name; /* of a-z and _ */
    const char *text;
    size_t size;
} LaunchFile;

typedef struct LaunchSpec {
    const char *const *argv; /* NULL-terminated */
    /* "K=V" sets a variable over the snapshot, "K" removes it; each list
     * overrides the ones before; or NULL. */
    char *const *tree_env;
    char *const *type_env;
    char *const *env;
    const char *cwd; /* NULL: orun's own */
    const char *in;  /* stdin; NULL: none */
    size_t in_len;
    const LaunchFile *files;
    size_t file_count;
    const int *fds;   /* what become its 0-2 (-1: /dev/null) instead
                       * of `in` and pipes; NULL: those */
    size_t keep;      /* bytes of stdout kept in memory */
    bool lingers;     /* what it leaves stays until the task is over */
    bool work;        /* it does the task's work, and its output is the
                       * task's (program.h) */
    uint64_t task;    /* for its environment … */
    uint32_t attempt; /* … this, … */
    uint32_t slot;    /* … and this number, if it is not 0 */
    /* Once, on the io thread. */
    void (*done)(Launch *l, const ProcEnd *end, void *ud);
    /* Called when it runs (not called if it ends at once), and after output
     * that is watched for (output.h). Both may be NULL. On the io thread,
     * before `done`. */
    void (*started)(void *ud);
    void (*grew)(void *ud);
    void *ud;
} LaunchSpec;

enum {
    LAUNCH_KEEP = 64 << 10,   /* output bytes kept in memory */
    LAUNCH_RESULT = 32 << 10, /* of them in a result, by default */
    LAUNCH_STDERR = 4 << 10,  /* of stderr in an error text */
};

/* A program that has {prompt_file} in an argument finds its prompt there. */
#define LAUNCH_PROMPT_FILE "prompt_file"

/* Seconds from SIGTERM to SIGKILL, and from that until it is reported as
 * lost. */
#define LAUNCH_GRACE 2.0
#define LAUNCH_LOST (PROC_GIVE_UP_MS / 1e3)

/* The environment of a task's program: orun's own, overridden by `tree`, `type`
 * and `own` (each may be NULL), and the variables of control.h: its id, the
 * number of its slot (0: none) and how it reaches orun. "K=V" sets a variable;
 * "K" in the last three removes it. For task_strings_free; NULL when memory is
 * out. Any thread, not under io_lock. */
char **launch_env(Engine *h, char *const *tree, char *const *type,
                  char *const *own, uint64_t task, uint32_t attempt,
                  uint32_t slot) NODISCARD;

/* Does an argument contain "{name}"? */
bool launch_mentions(const char *const *argv, const char *name);

/* Make one. Everything is copied; the descriptors are owned by it, or closed on
 * an error. Errors: ORUN_ENOMEM, ORUN_ESYS (a file could not be written, or
 * there is no io thread; errno kept). May block for file writes. */
int launch_new(Engine *h, const LaunchSpec *spec, Launch **out) NODISCARD;

/* Start it. Any thread, with no lock held: `done` may be called from inside, on
 * the io thread, when memory is out. */
void launch_go(Launch *l);

/* SIGTERM, then SIGKILL to the whole tree after LAUNCH_GRACE; `hard`: SIGKILL
 * now. Before launch_go it means right after the start. Any thread; before
 * `done` only. */
void launch_stop(Launch *l, bool hard);

/* The task is over: kill what its programs that linger have left. Any
 * thread. */
void launch_task_over(Engine *h, uint64_t task);

/* stdout and stderr, held by l once it has started (NULL before); hold them to
 * keep them. From `done`, or any thread that knows that l lives. */
Output *launch_out(Launch *l);
Output *launch_err(Launch *l);

/* Release the owner's reference; from `done` on, or instead of launch_go. */
void launch_free(Launch *l);

/* Close the descriptors of a spec that will not be used. */
void launch_close(const LaunchSpec *spec);

/* The outcome of a program that has ended: sets state, fault, error, code and
 * signal of *o. `program` is argv[0]. `out` and `err`, which may be NULL, are
 * what it printed; the error of a failed exit says if that is incomplete. */
void launch_outcome(const ProcEnd *end, const char *program, Output *out,
                    Output *err, Outcome *o);

/* Append why it could not be started, when launch_new returned e (with
 * ORUN_ESYS: errno). */
void launch_put_refusal(const char *program, int e, Buf *text);

#endif
