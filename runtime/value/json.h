/* json.h — a Value as JSON text, for agents that are programs.
 *
 * The text is made by the bundled module orun.json in a Lua state of its own,
 * so there is one set of rules for what JSON a value is.
 */
#ifndef ORUN_JSON_H
#define ORUN_JSON_H

#include "base/base.h"
#include "base/buf.h"

struct Value;
struct ValueOps;

/* Say what the source of orun.json is; it must stay. Once, before threads. */
void json_init(const char *source, size_t n);

/* Give back what is kept for the next call. When no other thread is in here. */
void json_close(void);

/* Append `v` as JSON to `out`, on one line. Errors: ORUN_EUNSENDABLE (then
 * `why` says what has no JSON, as in "input.f: a function cannot be written as
 * JSON"), ORUN_ENOMEM. Bytes that are not UTF-8 become U+FFFD;
 * handles inside become what ops->resolve pushes. Any
 * thread; never raises. */
int json_from_value(const struct Value *v, const struct ValueOps *ops, Buf *out,
                    Buf *why) NODISCARD;

#endif
