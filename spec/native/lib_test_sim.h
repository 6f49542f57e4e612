/* lib_test_sim.h — the scheduler on a virtual clock.
 *
 * A Sim is a scheduler of its own with a clock that only the spec moves and a
 * runner that does nothing but remember: what was started, resumed, stopped
 * and given up, in order. The spec says when a task ends and how, so every
 * interleaving can be written down and repeated. One thread only.
 */
#ifndef ORUN_LIB_TEST_SIM_H
#define ORUN_LIB_TEST_SIM_H

#include "lib_test.h"
#include "sched/durable.h"
#include "sched/sched.h"
#include "sched/wait.h"

typedef struct SimEvent {
    const char *what;
    uint64_t id;
    uint32_t n;  /* 0: not shown */
    int outcome; /* of a resume: that of its wait */
} SimEvent;

/* A task in the fake runner's hands: its task's `run`. */
typedef struct SimRun {
    List link; /* in sim->running while its code runs, not waits */
    Task *task;
    uint32_t attempt;
    bool lent;    /* … nor for its programs, once it has lent that */
    bool resumed; /* it goes on after a wait: no slot of its kind is owed */
    Wait wait;
    WaitFor what; /* of its last wait */
} SimRun;

/* A task as sim:changes last told it. */
typedef struct SimSeen {
    const Task *claimer;
    uint32_t attempt;
    uint8_t state;
} SimSeen;

/* A look or a seal that was not answered yet. */
typedef struct SimAsked {
    List link; /* in asked */
    Task *task;
    uint32_t id;
    bool seal;
    double at, due; /* when it came; when it answers itself, INFINITY: never */
    Outcome o;      /* of a seal */
} SimAsked;

/* What keeps the run (lib_test_sim_durable.c). */
typedef struct SimDurable {
    Durable durable;
    List asked;              /* SimAskeds, in the order they came */
    uint64_t random;         /* 0: only the spec answers */
    bool no_looks, no_seals; /* none is taken */
} SimDurable;

typedef struct Sim {
    Sched sched;
    Clock clock;
    Runner runner;
    SimDurable durable;
    size_t given;    /* bytes of all tasks when they were added */
    double now, due; /* virtual seconds; when somebody asked for a tick */
    List running;    /* SimRuns, in the order they were started or resumed */
    List granted;    /* tasks (by job.link): started, not begun (manual) */
    List collectors; /* SimCollectors */
    Wait script;     /* the script's own wait, and … */
    WaitFor script_what; /* … what it is for */
    Op op;
    SimEvent *events;
    size_t event_count, event_cap;
    SimSeen *seen; /* by id */
    size_t seen_count, seen_cap;
    bool manual;    /* a start is only begun by sim:begin */
    bool no_ladder; /* stop gives no next rung, as for programs */
    bool lowered;   /* some limit was made smaller */
} Sim;

/* What its userdata is called. */
#define LIB_SIM "orun.test.sim"

/* The Sim at argument 1. */
Sim *lib_sim(lua_State *L);

/* The task whose id is at `idx`; raises for an unknown one. */
Task *lib_sim_task(lua_State *L, Sim *sim, int idx);

/* What the fake has of t (a task that runs); raises when it has not. */
SimRun *lib_sim_run(lua_State *L, Task *t);

/* The task has left the fake's hands. */
void lib_sim_forget(Task *t);

/* Remember an event. */
void lib_sim_note(Sim *sim, const char *what, const Task *t, uint32_t n);

/* The outcome that arguments 3 to 5 tell: state, fault, error. */
Outcome lib_sim_told(lua_State *L);

/* Start or resume, as the runner does it. */
void lib_sim_go(Sim *sim, Task *t);

/* The name of a Wait's outcome ("timed_out"). */
const char *lib_sim_outcome_name(int outcome);

/* With what the table at 1 says of it in its field `durable`: nil, a seed, or
 * anything else to have all answered by the spec. */
void lib_sim_durable_open(lua_State *L, Sim *sim);
void lib_sim_durable_close(Sim *sim);

/* When something answers itself next; answer the first that is due then. */
double lib_sim_durable_due(const Sim *sim);
void lib_sim_durable_answer_due(Sim *sim);

/* Methods, by file. */
int lib_sim_add(lua_State *L); /* lib_test_sim_add.c */
int lib_sim_agent(lua_State *L);
int lib_sim_limit(lua_State *L);
int lib_sim_slots(lua_State *L);
int lib_sim_spend(lua_State *L);
int lib_sim_wait(lua_State *L); /* lib_test_sim_wait.c */
int lib_sim_outcome(lua_State *L);
int lib_sim_program(lua_State *L);
int lib_sim_program_over(lua_State *L);
int lib_sim_collector(lua_State *L);
int lib_sim_op_done(lua_State *L);
int lib_sim_closes(lua_State *L);
void lib_sim_free_collectors(Sim *sim);
int lib_sim_claim(lua_State *L); /* lib_test_sim_claim.c */
int lib_sim_claim_next(lua_State *L);
int lib_sim_resolve(lua_State *L);
int lib_sim_release(lua_State *L);
int lib_sim_block(lua_State *L);
int lib_sim_info(lua_State *L); /* lib_test_sim_look.c */
int lib_sim_figures(lua_State *L);
int lib_sim_check(lua_State *L);  /* lib_test_sim_check.c */
int lib_sim_events(lua_State *L); /* lib_test_sim_watch.c */
int lib_sim_changes(lua_State *L);
int lib_sim_asked(lua_State *L); /* lib_test_sim_durable.c */
int lib_sim_pending(lua_State *L);
int lib_sim_looked(lua_State *L);
int lib_sim_sealed(lua_State *L);
int lib_sim_answer_any(lua_State *L);
int lib_sim_kept(lua_State *L);
int lib_sim_refuse(lua_State *L);

#endif
