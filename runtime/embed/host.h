/* host.h — the tasks that the embedding program has started.
 *
 * Each is noted from its start until the host has been told of its end: by its
 * `done`, by orun_next or by orun_wait. What there is to tell is in two queues,
 * `due` for orun_dispatch and `ended` for orun_next; a descriptor is readable
 * while one of them is not empty. All of it is behind the board's lock, which
 * is not held while the host is called.
 */
#ifndef ORUN_HOST_H
#define ORUN_HOST_H

#include "base/err.h"
#include "embed/api_guard.h"
#include "orun.h"
#include "sched/wait.h"
#include "vm/park.h"

/* One task. */
typedef struct HostTask {
    struct Host *host;
    struct HostTask *same; /* the next with the same hash */
    uint64_t id;
    void (*done)(orun *o, uint64_t id, void *ud);
    void (*more)(orun *o, uint64_t id, void *ud);
    void *ud;
    Wait end, growth;
    List due, ended;     /* in the host's queues, or alone */
    bool is_final, grew; /* to be told */
    bool told;           /* … and the first was */
    bool calling;        /* `done` or `more` is being called */
} HostTask;

/* A thread in orun_wait. */
typedef struct HostWait {
    List link;
    Wait wait;
    uv_cond_t go;
} HostWait;

/* An event for the host. */
typedef struct HostLine {
    List link;
    size_t n;
    char text[]; /* with NUL behind */
} HostLine;

/* Lua code that acts for the host, on its thread (host_guest.h). */
typedef struct HostGuest {
    List link;
    LuaRun run;
} HostGuest;

typedef struct Host {
    /* Never changes. */
    orun *o;
    Sched *sched;
    ApiGuard *guard;

    /* Guarded by the board's lock: */
    HostTask **tasks; /* by id, a hash table of `places` chains */
    size_t places, count;
    List due, ended;
    size_t expected; /* tasks that orun_next has still to give */
    uv_cond_t next;  /* for orun_next: one has come, or none will */
    List waits, guests;
    int fd;           /* -1: nobody has asked for it */
    bool lit;         /* it is readable */
    bool closing;     /* all waits end */
    bool dispatching; /* a thread is in orun_dispatch */
    void (*event)(orun *o, const char *line, size_t n, void *ud);
    void *event_ud;    /* both: orun_on_event's; NULL: nobody listens */
    List lines;        /* HostLines, for it … */
    size_t line_bytes; /* … and what they take */
    size_t lost;       /* lines for which there was no room */
} Host;

/* Set up; take down, when no task can end any more and nobody is in a call. */
void host_init(Host *h, orun *o, Sched *s, ApiGuard *guard);
void host_destroy(Host *h);

/* orun_free has begun: all that wait for tasks of this runtime are to end. */
void host_close(Host *h);

/* May tasks be noted from now on? ORUN_ENOMEM. */
int host_ready(Host *h) NODISCARD;

/* Note t, which is new and may have ended; `note` has its functions, and is the
 * host's from then on. Inside an epoch. */
void host_add(Host *h, HostTask *note, Task *t);

/* Wait until t is final: 0, ORUN_ETIMEOUT, ORUN_ESHUTDOWN or ORUN_ENOMEM.
 * Seconds; less than 0: for ever. Inside an epoch. */
int host_wait(Host *h, Task *t, double timeout);

/* As orun_next. */
int host_next(Host *h, double timeout, uint64_t *id);

/* The task is forgotten, or its end was told: nobody else tells of it, but its
 * `done`. With the board's lock held. */
void host_told(Host *h, uint64_t id);

/* Who is told of events from now on; NULL: nobody. */
void host_tell_lines(Host *h,
                     void (*event)(orun *o, const char *line, size_t n,
                                   void *ud),
                     void *ud);

/* An event, as a line. Lost when the host is far behind, or memory is out. Any
 * thread. */
void host_put_line(Host *h, const char *line, size_t n);

/* As orun_fd, and orun_dispatch. */
int host_fd(Host *h);
int host_dispatch(Host *h);

#endif
