/* value_rename.c — handles are renamed where they stand: each has room for any
 * id (VALUE_HANDLE_BYTES), so no offset in the bytes changes.
 *
 * Items follow one another without ends, so one pass over them finds the
 * handles, however deep they are.
 */
#include "value/value_rename.h"
#include "base/mem.h"
#include "value/value_form.h"

typedef struct ValueRenamer {
    unsigned char *at, *end;
    const ValueRename *names;
    size_t n;
} ValueRenamer;

static bool
value_rename_skip(ValueRenamer *r, uint64_t n)
{
    if (n > (size_t)(r->end - r->at))
        return false;
    r->at += n;
    return true;
}

static bool
value_rename_varint(ValueRenamer *r, uint64_t *x)
{
    const unsigned char *at = r->at;
    if (!value_get_varint(&at, r->end, x))
        return false;
    r->at += at - r->at;
    return true;
}

/* The id that comes next is renamed, in as many bytes as it has. */
static bool
value_rename_handle(ValueRenamer *r)
{
    unsigned char *from = r->at;
    uint64_t was, is;
    size_t i = 0;
    if (!value_rename_varint(r, &was))
        return false;
    while (i < r->n && r->names[i].was != was)
        i++;
    if (i == r->n)
        return false;
    is = r->names[i].is;
    for (; from < r->at; is >>= 7)
        *from++ = (unsigned char)((is & 0x7F) | 0x80);
    from[-1] &= 0x7F;
    return is == 0;
}

/* One item, without what is in it, which comes next. */
static bool
value_rename_item(ValueRenamer *r)
{
    unsigned char tag = *r->at++;
    uint64_t n;
    if (tag >= TAG_SMALL)
        return true;
    if (tag >= TAG_SHORT)
        return value_rename_skip(r, tag - TAG_SHORT);
    switch (tag) {
    case TAG_NIL:
    case TAG_FALSE:
    case TAG_TRUE:
    case TAG_NULL: return true;
    case TAG_INT:
    case TAG_REF: return value_rename_varint(r, &n);
    case TAG_INT64:
    case TAG_FLOAT:
    case TAG_TABLE:
    case TAG_TABLE_SHARED:
    case TAG_ARRAY:
    case TAG_ARRAY_SHARED: return value_rename_skip(r, 8);
    case TAG_STRING:
    case TAG_STRING_SHARED:
        return value_rename_varint(r, &n) && value_rename_skip(r, n);
    case TAG_HANDLE: return value_rename_handle(r);
    default: return false;
    }
}

Value *
value_rename(const void *p, size_t size, const ValueRename *names, size_t n)
{
    size_t ids = n * sizeof(uint64_t);
    bool sane = size > VALUE_HEAD_BYTES && size < SIZE_MAX / 4
        && n <= UINT32_MAX;
    Value *v = sane ? mem_alloc(VALUE_HEAD + size + 1 + ids) : NULL;
    if (!v)
        return NULL;
    atomic_init(&v->refs, 1);
    v->n = size;
    v->handles = (uint32_t)n;
    v->trusted = false;
    v->mapped = false;
    memcpy(v->bytes, p, size);
    v->bytes[size] = '\0';
    for (size_t i = 0; i < n; i++)
        memcpy(v->bytes + size + 1 + i * sizeof names[i].is, &names[i].is,
               sizeof names[i].is);
    ValueRenamer r = { v->bytes + VALUE_HEAD_BYTES, v->bytes + size, names, n };
    while (r.at < r.end)
        if (!value_rename_item(&r)) {
            value_drop(v);
            return NULL;
        }
    return v;
}
