/* fact.c — the body of a fact: fields that lie inside it, or refused. */
#include "store/fact.h"
#include "fuzz.h"

FUZZ(data, n)
{
    FactField f;
    Buf again = { 0 };
    size_t seen = 0;
    int more;
    fact_first(&f, data, n);
    while ((more = fact_next(&f)) > 0) {
        FactForm form;
        int64_t number;
        double real;
        FUZZ_MUST(f.p == data + seen + 5 && f.n <= n - seen - 5);
        seen += 5 + f.n;
        (void)fact_tag_name(f.tag, &form);
        FUZZ_MUST(fact_int(&f, &number) == (f.n == 8));
        FUZZ_MUST(fact_number(&f, &real) == (f.n == 8));
        fact_put(&again, (FactTag)f.tag, f.p, f.n);
    }
    /* What was read is, written again, the bytes that were read. */
    FUZZ_MUST(more == 0 ? seen == n : seen < n && fact_next(&f) == more);
    FUZZ_MUST(!buf_failed(&again) && again.n == seen);
    FUZZ_MUST(seen == 0 || memcmp(again.p, data, seen) == 0);
    for (int tag = 0; tag < 80; tag++) {
        int found = fact_find(data, n, (FactTag)tag, &f);
        FUZZ_MUST(found <= 0 || f.tag == tag);
    }
    buf_free(&again);
    return 0;
}
