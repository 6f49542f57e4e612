/* journal_items.h — items of the list that tasks have made: kept, and put on
 * the list again.
 *
 * The script makes its own items again, each time it runs. A task whose outcome
 * is taken over does not run, so what it, or a task below it, has put on the
 * list is put there for it. The key of such a fact is made of the scope of the
 * maker and how many items it has made before; a later fact of the same key is
 * how the item is by now. Who had claimed it is not kept; what it ended with is
 * an outcome like any other.
 *
 * The items that block it, and the handles in its input, are named by the keys
 * of their tasks: the script's task of this try that has that key, the item
 * that was put on the list again, or one that stands in for a task which does
 * not run (journal_stand_in.h). An item in whose input there is a handle of a
 * task whose outcome was not kept is not put on the list; that is told.
 */
#ifndef ORUN_JOURNAL_ITEMS_H
#define ORUN_JOURNAL_ITEMS_H

#include "journal/journal_state.h"

/* Durable.item: under the board's lock. */
void journal_items_note(Durable *d, Task *t);

/* The item t could be claimed, so what it waits for has ended: that has a name
 * by now. Under the board's lock. */
void journal_items_ready(Journal *j, Task *t);

/* A fact of an earlier try, while the run is read. ORUN_ENOMEM. */
int journal_items_load(Journal *j, const StoredFact *f) NODISCARD;

/* t, whose key is known, takes an outcome over, and is not final yet: put on
 * the list what it has made. On the journal's thread, without a lock. */
void journal_items_again(Journal *j, Task *t);

#endif
