/* value_cycle.h — the nodes of a graph, each after what it links to.
 *
 * In a cycle there is no such order. What a node in a cycle is, is found by
 * rounds: in the first, all nodes of the cycle count as the same; in each
 * later one a node is made of what the round before made of those it links to.
 * Rounds tell more and more nodes apart; once one tells no more apart than that
 * before it, no later one does. A node's hash is then made of all that this
 * round made, and which of them is its own. So it depends on nothing but what
 * can be seen by following links: not on where the cycle was entered, and a
 * cycle that is written out twice as long is the same one.
 */
#ifndef ORUN_VALUE_CYCLE_H
#define ORUN_VALUE_CYCLE_H

#include "value/value_graph.h"

/* Links that are followed before a tangle of cycles is given up: so many, and
 * each link and node of the graph so often. */
enum { VALUE_CYCLE_WORK = 1 << 20, VALUE_CYCLE_EACH = 32 };

/* Make node->hash of what the node is and of the hashes of those it links to.
 * 0 or an error, which ends it all. */
typedef int ValueCycleHash(void *ctx, ValueNode *node);

/* Call `make` for each node that the whole leads to, as said above. Errors:
 * those of `make`; ORUN_ENOMEM; ORUN_ETOOBIG, a tangle. */
int value_cycle_hash(ValueGraph *g, ValueCycleHash *make, void *ctx) NODISCARD;

#endif
