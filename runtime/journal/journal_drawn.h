/* journal_drawn.h — what code draws is kept, and drawn again by a later try;
 * and the session that an agent has, with which it goes on.
 *
 * The key of a drawn value is made of the task that draws, its attempt, the
 * kind, and how many of that kind it has drawn before. A task whose outcome was
 * there and is not taken over (a failure is to run again) draws anew. A value
 * is appended without waiting for the disk: what comes of it is kept later, and
 * a fact is durable only with all before it.
 */
#ifndef ORUN_JOURNAL_DRAWN_H
#define ORUN_JOURNAL_DRAWN_H

#include "journal/journal_state.h"

/* Of one kind and attempt: what is drawn beyond that is not kept. */
enum { JOURNAL_DRAWN_MAX = 100000 };

/* The three of Durable: with the board's lock held. */
bool journal_drawn_recall(Durable *d, Task *t, uint32_t attempt, DrawnKind kind,
                          unsigned char value[DRAWN_SIZE]);
void journal_drawn_note(Durable *d, Task *t, uint32_t attempt, DrawnKind kind,
                        const unsigned char value[DRAWN_SIZE]);
bool journal_drawn_by(Durable *d, const unsigned char key[TASK_KEY_SIZE],
                      uint64_t *id);

/* Append a fact of its own block, or, unless it `keeps`, free it; without a
 * wait. With the board's lock held. */
void journal_drawn_append(Journal *j, Fact *f, bool keeps);

/* Durable.session */
void journal_drawn_session(Durable *d, Task *t);

/* Append the body of the fact with this key that an earlier try has kept;
 * false: there is none, or it cannot be read. Blocks on the disk. Any thread.
 */
bool journal_drawn_body(Journal *j, const unsigned char key[TASK_KEY_SIZE],
                        Buf *body);

/* Append the session that the task with this key had in an earlier try, if it
 * had one. On the journal's thread. */
void journal_drawn_resumed(Journal *j, const unsigned char own[TASK_KEY_SIZE],
                           Buf *session);

/* A fact of an earlier try, while the run is read. */
void journal_drawn_load(Journal *j, const StoredFact *f, ResumeEntry *e);

/* The run has a store from now on (`store`: it has), or will never have one. On
 * the journal's thread, or before there is one. */
void journal_drawn_open(Journal *j, bool store);

#endif
