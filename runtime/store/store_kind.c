/* store_kind.c — the words for the kinds of facts.
 */
#include "store/store_kind.h"

const char *
store_kind_name(uint8_t kind)
{
    switch (kind) {
#define X(name, number, word) \
    case number: return word;
        FACT_KINDS(X)
#undef X
    default: return NULL;
    }
}
