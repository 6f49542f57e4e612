/* slots.h — which task may run now: limits, and writes that overlap.
 *
 * A ready task is offered: it takes a slot of each limit it is under (its named
 * pool, its agent type's, its kind's) and its writes, all or none, or queues at
 * the first one that is full. When a slot comes free the head of that queue is
 * offered again. Nothing polls. A task that waits gives its slots back and
 * takes them again before it goes on, so nesting cannot deadlock a limit. It
 * keeps its writes to the end of its attempt: tasks below it pass, and a task
 * that queues for writes holds nobody up while a task that waits for others
 * has them (slots_passed). A wait that would close a cycle is refused (wait.h).
 *
 * Tasks that queue at a limit that has a slot, and for which there is no slot
 * of their kind, stay there (limit.h: a line for each kind), known to that
 * kind. Moving all of them to its queue and back with each slot that comes free
 * would cost the square of their number.
 *
 * What is granted lands in the scheduler's starts: with the lock held, and then
 * sched_unlock, unless said otherwise.
 */
#ifndef ORUN_SLOTS_H
#define ORUN_SLOTS_H

#include "sched/sched.h"

/* Offer what has come free at these limits to the tasks that queue there, in
 * order. */
void slots_serve(Sched *s, struct Limit *const *l, int n);

/* Nothing blocks t: it is ready. Unless it is first looked up (durable.h) an
 * item can be claimed now, and any other task enters. */
void slots_ready(Sched *s, Task *t);

/* t was looked up, and has no outcome: as slots_ready goes on. */
void slots_go(Sched *s, Task *t);

/* Whether what keeps the run has t: it is looked up, or sealed. */
void slots_with_store(Sched *s, Task *t, bool with);

/* t has become ready: grant it, or queue it. One that is being stopped is
 * granted at once, so that it can end. */
void slots_enter(Sched *s, Task *t);

/* The same for one that was ready before and keeps its ticket. */
void slots_offer(Sched *s, Task *t);

/* Is t in a queue for slots or writes, to begin or to go on? */
bool slots_queues(const Task *t);

/* Give t, which queues, another rank: it waits for the same, in a new place. */
void slots_rerank(Sched *s, Task *t, float rank);

/* t, ready and not granted, leaves the queue it is in. */
void slots_leave(Sched *s, Task *t);

/* The same, without serving others yet: true if slots_serve_writers is due. */
bool slots_unqueue(Sched *s, Task *t);

/* Offer again, in order, the tasks that wait for writes. */
void slots_serve_writers(Sched *s);

/* The code of running t waits: give back its slot of its kind, and (all: it is
 * for other tasks that it waits) the others. */
void slots_rest(Sched *s, Task *t, bool all);

/* An attempt of t has ended: it gives back all it holds, writes too. */
void slots_quit(Sched *s, Task *t);

/* The same, and t is final. Where ranks count, slots_serve_freed decides which
 * task gets that, once it is known which are ready because of this end. */
void slots_release(Sched *s, Task *t);
void slots_serve_freed(Sched *s);

/* Tasks are about to become ready, several maybe: where ranks count all queue
 * until slots_serve_freed, so that the most urgent is among the first. */
void slots_hold(Sched *s);

/* A program waits for another task on behalf of t: others get the slots of t,
 * but not its writes, until it goes on. It then does so without asking, so a
 * limit may be exceeded for a while. */
void slots_lend(Sched *s, Task *t);
void slots_return(Sched *s, Task *t);

/* Running t is to start a program: may it? It has a slot for that then, which
 * all programs of its code share. Else slots_queue_program, when its code has
 * stopped: t gives back the slot of its kind and goes on (t->woken) when it has
 * both. It keeps its named slots: nobody who waits for those has one of the
 * kind for programs, so no circle closes. */
bool slots_program(Sched *s, Task *t) NODISCARD;
void slots_queue_program(Sched *s, Task *t);

/* The last program of t's code has ended. */
void slots_programs_over(Sched *s, Task *t);

/* Its wait has ended: start it (t->woken) when it has its slots again. */
void slots_wake(Sched *s, Task *t);

/* The named pool, made with one slot when new. slots > 0 sets how many, `spec`
 * (NULL: as it is) what else it asks. NULL when memory is out. Takes the lock
 * itself, any thread. */
struct Limit *slots_limit(Sched *s, const char *name, int slots,
                          const MeterSpec *spec);

/* The named pool, NULL when there is none. Takes the lock itself, any thread.
 */
struct Limit *slots_find(Sched *s, const char *name);

/* The names of at most `room` of them, which last as long as the scheduler;
 * returns how many. Takes the lock itself, any thread. */
int slots_names(Sched *s, const char **names, int room);

/* As slots_limit, made without a bound when new: for all tasks that use one API
 * key. */
struct Limit *slots_account(Sched *s, const char *name);

/* Count what agents spend in the run, from now on; called before the
 * first type is made, and maybe again. ORUN_ENOMEM. Takes the lock itself, any
 * thread. */
int slots_count_run(Sched *s) NODISCARD;

/* Set what is asked of all tasks of agents together, a limit called "run".
 * ORUN_ENOMEM, or ORUN_ESTATE: it was not set before there were tasks, which
 * would not have been counted. Takes the lock itself, any thread. */
int slots_whole(Sched *s, const MeterSpec *spec) NODISCARD;

/* Change the priority; a task that queues takes its new place. Takes the lock
 * itself, any thread. */
void slots_set_priority(Sched *s, Task *t, int priority);

/* Change the slots of a kind. Takes the lock itself, any thread. */
void slots_set(Sched *s, SlotKind kind, int slots);

#endif
