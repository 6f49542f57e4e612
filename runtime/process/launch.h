/* launch.h — a program started from any thread.
 *
 * A Launch copies what it is told, starts the program on the io thread and
 * calls `done` there, once. Tasks that are programs and orun.exec are both made
 * of it. Texts that go with the program are written to 0600 files, whose paths
 * stand in its arguments; they are removed at its end.
 */
#ifndef ORUN_LAUNCH_H
#define ORUN_LAUNCH_H

#include "engine/engine.h"
#include "process/proc.h"

typedef struct Launch Launch;

/* A text that the program gets in a file: its path replaces every "{name}" in
 * the arguments. */
typedef struct LaunchFile {
    const char *name; /* of a-z and _ */
    const char *text;
    size_t size;
} LaunchFile;

typedef struct LaunchSpec {
    const char *const *argv;  /* NULL-terminated */
    /* "K=V" over the snapshot, "K" to be without; each over the ones before;
     * or NULL. */
    char *const *tree_env;
    char *const *type_env;
    char *const *env;
    const char *cwd;          /* NULL: orun's own */
    const char *in;           /* stdin; NULL: none */
    size_t in_len;
    const LaunchFile *files;
    size_t file_count;
    const int *fds;           /* what become its 0-2 (-1: /dev/null) instead
                               * of `in` and pipes; NULL: those */
    size_t keep;              /* bytes of stdout kept in memory */
    bool lingers;             /* what it leaves stays until the task is over */
    bool work;                /* it is the task's work, and its output the
                               * task's (program.h) */
    uint64_t task;            /* for its environment … */
    uint32_t attempt;         /* … and this */
    /* Once, on the io thread. */
    void (*done)(Launch *l, const ProcEnd *end, void *ud);
    /* It runs (left out when its end comes at once); and after output that
     * somebody watches for (output.h). Both may be NULL, and come on the io
     * thread, before `done`. */
    void (*started)(void *ud);
    void (*grew)(void *ud);
    void *ud;
} LaunchSpec;

enum {
    LAUNCH_KEEP = 64 << 10,   /* output bytes kept in memory */
    LAUNCH_RESULT = 32 << 10, /* of them in a result, when not said otherwise */
    LAUNCH_STDERR = 4 << 10,  /* of stderr in an error text */
};

/* A program that has {prompt_file} in an argument finds its prompt there. */
#define LAUNCH_PROMPT_FILE "prompt_file"

/* Seconds between SIGTERM and SIGKILL, and from then on until it is given up as
 * lost. */
#define LAUNCH_GRACE 2.0
#define LAUNCH_LOST (PROC_GIVE_UP_MS / 1e3)

/* The environment of a task's program: orun's own, over it `tree`, `type` and
 * `own` (each may be NULL), and what control.h puts there: its id and how it
 * reaches orun. "K=V" sets a variable, in the last three "K" takes it away. For
 * task_strings_free; NULL when memory is out. Any thread, not under io_lock. */
char **launch_env(Engine *h, char *const *tree, char *const *type,
                  char *const *own, uint64_t task, uint32_t attempt) NODISCARD;

/* Does an argument hold "{name}"? */
bool launch_mentions(const char *const *argv, const char *name);

/* Make one; everything is copied, and the descriptors are taken, whatever
 * comes. Errors: ORUN_ENOMEM, ORUN_ESYS (a file could not be written, or no io
 * thread; errno kept). May block for file writes. */
int launch_new(Engine *h, const LaunchSpec *spec, Launch **out) NODISCARD;

/* Start it. Any thread, with no lock held: `done` may be called from inside, on
 * the io thread, when memory is out. */
void launch_go(Launch *l);

/* SIGTERM, then SIGKILL to the whole tree after LAUNCH_GRACE; `hard`: SIGKILL
 * now. Before launch_go it means right after the start. Any thread; before
 * `done` only. */
void launch_stop(Launch *l, bool hard);

/* The task is over: what its programs left behind, because they linger, is to
 * go. Any thread. */
void launch_task_over(Engine *h, uint64_t task);

/* stdout, stderr: held by l once started (NULL before); hold to keep. From
 * `done`, or any thread that knows l lives. */
Output *launch_out(Launch *l);
Output *launch_err(Launch *l);

/* Give the owner's part back; from `done` on, or instead of launch_go. */
void launch_free(Launch *l);

/* Close the descriptors of a spec that is not used after all. */
void launch_close(const LaunchSpec *spec);

/* What an ended program means for a result: fills state, fault, error, code
 * and signal of `o`. `program` is argv[0]; `out` and `err`, which may be NULL,
 * what it printed: what is missing of that is told with an exit that failed. */
void launch_judge(const ProcEnd *end, const char *program, Output *out,
                  Output *err, Outcome *o);

/* Say that and why launch_new gave e (with ORUN_ESYS, errno). */
void launch_put_refusal(const char *program, int e, Buf *text);

#endif
