/* journal_items.h — items of the list that tasks have made: kept, and put on
 * the list again.
 *
 * The script makes its own items again, each time it runs. A task whose outcome
 * is taken over does not run, so what it, or a task below it, has put on the
 * list is put there for it. The key of such a fact is made of the scope of the
 * maker and how many items it has made before; a later fact of the same key is
 * how the item is by now. Who had claimed it is not kept; what it ended with is
 * an outcome like any other.
 */
#ifndef ORUN_JOURNAL_ITEMS_H
#define ORUN_JOURNAL_ITEMS_H

#include "journal/journal_state.h"

/* Durable.item: under the board's lock. */
void journal_items_note(Durable *d, Task *t);

/* A fact of an earlier try, while the run is read. ORUN_ENOMEM. */
int journal_items_load(Journal *j, const StoredFact *f) NODISCARD;

/* t, whose key is known, takes an outcome over, and is not final yet: put on
 * the list what it has made. On the journal's thread, without a lock. */
void journal_items_again(Journal *j, Task *t);

#endif
