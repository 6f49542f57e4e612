/* rpc_id.h — the id of a JSON-RPC message that is not kept.
 *
 * A message that is too long is refused, and the refusal must carry the id that
 * the message has, or its sender waits for ever. The id may be before or after
 * what makes the message long. So the message is looked at while it is dropped,
 * a piece at a time, and the text of its id is all that is kept.
 */
#ifndef ORUN_RPC_ID_H
#define ORUN_RPC_ID_H

#include "base/base.h"

enum { RPC_ID_SIZE = 256 }; /* bytes of an id's text at most */

typedef struct RpcId { /* zeroed at first */
    size_t depth;      /* of braces and brackets that are open */
    bool object;       /* the message is an object */
    bool string;       /* inside of a string … */
    bool escaped;      /* … after a backslash */
    bool key;          /* a name of the message is due, or at hand */
    bool value;        /* inside of the value of "id" */
    bool found;        /* that value has ended */
    size_t name_n;     /* bytes of the name at hand, quotes included */
    char name[8];
    size_t n; /* bytes of the value, blanks left out */
    char text[RPC_ID_SIZE];
} RpcId;

/* Look at the next piece of the message. */
void rpc_id_feed(RpcId *id, const char *p, size_t n);

/* The text of the id, JSON as it stood there, once all of the message was fed;
 * NULL: the message has none, or one that is too long. */
const char *rpc_id_text(const RpcId *id, size_t *n);

#endif
