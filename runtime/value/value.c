/* value.c — the life of Values and what can be asked of one without Lua.
 *
 * A Value is one block of memory, never changed after it was made, with an
 * atomic count of references; value_write.c makes them from a Lua state and
 * value_read.c turns them back. The layout is in value_form.h.
 */
#include "value/value.h"
#include "base/err.h"
#include "base/mem.h"
#include "value/value_form.h"
#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

Value *
value_hold(Value *v)
{
    if (v)
        atomic_fetch_add_explicit(&v->refs, 1, memory_order_relaxed);
    return v;
}

void
value_drop(Value *v)
{
    if (!v || atomic_fetch_sub_explicit(&v->refs, 1, memory_order_acq_rel) != 1)
        return;
    if (v->mapped)
        munmap(v, value_size(v));
    else
        mem_free(v);
}

/* A Value with room for n bytes and no handles. */
static Value *
value_new(size_t n, bool trusted)
{
    Value *v = n < SIZE_MAX / 2 ? mem_alloc(VALUE_HEAD + n + 1) : NULL;
    if (!v)
        return NULL;
    atomic_init(&v->refs, 1);
    v->n = n;
    v->handles = 0;
    v->trusted = trusted;
    v->mapped = false;
    v->bytes[n] = '\0';
    return v;
}

Value *
value_string(const void *p, size_t n)
{
    unsigned char head[VALUE_HEAD_BYTES + 1 + VALUE_VARINT_MAX];
    unsigned char *end = head;
    *end++ = VALUE_FORM;
    *end++ = 0;
    if (n <= VALUE_SHORT_MAX) {
        *end++ = (unsigned char)(TAG_SHORT + n);
    } else {
        *end++ = TAG_STRING;
        end = value_put_varint(end, n);
    }
    size_t size = (size_t)(end - head);
    Value *v = n < SIZE_MAX / 2 ? value_new(size + n, true) : NULL;
    if (!v)
        return NULL;
    memcpy(v->bytes, head, size);
    if (n)
        memcpy(v->bytes + size, p, n);
    return v;
}

const char *
value_as_string(const Value *v, size_t *n)
{
    if (v->n <= VALUE_HEAD_BYTES || v->bytes[0] != VALUE_FORM)
        return NULL;
    const unsigned char *at = v->bytes + VALUE_HEAD_BYTES;
    const unsigned char *end = v->bytes + v->n;
    uint64_t length;
    if (*at >= TAG_SHORT && *at < TAG_SMALL)
        length = *at++ - (unsigned)TAG_SHORT;
    else if (*at++ != TAG_STRING || !value_get_varint(&at, end, &length))
        return NULL;
    if (length != (size_t)(end - at))
        return NULL;
    *n = (size_t)length;
    return (const char *)at;
}

Value *
value_import(const void *p, size_t n, bool trusted)
{
    Value *v = value_new(n, trusted);
    if (v && n)
        memcpy(v->bytes, p, n);
    return v;
}

const void *
value_bytes(const Value *v, size_t *n)
{
    *n = v->n;
    return v->bytes;
}

size_t
value_handles(const Value *v)
{
    return v->handles;
}

uint64_t
value_handle(const Value *v, size_t i)
{
    uint64_t id;
    memcpy(&id, v->bytes + v->n + 1 + i * sizeof id, sizeof id);
    return id;
}

const char *
value_type_name(const Value *v)
{
    static const char *const names[] = {
        [TAG_NIL] = "nil", [TAG_FALSE] = "boolean", [TAG_TRUE] = "boolean",
        [TAG_NULL] = "userdata", [TAG_GLOBALS] = "table",
        [TAG_BUNDLE] = "table", [TAG_INT] = "number",
        [TAG_INT64] = "number", [TAG_FLOAT] = "number",
        [TAG_STRING] = "string", [TAG_STRING_SHARED] = "string",
        [TAG_TABLE] = "table", [TAG_TABLE_SHARED] = "table",
        [TAG_ARRAY] = "table", [TAG_ARRAY_SHARED] = "table",
        [TAG_FUNCTION] = "function", [TAG_FUNCTION_SHARED] = "function",
        [TAG_LIBRARY] = "function", [TAG_MODULE] = "table",
        [TAG_HANDLE] = "userdata",
    };
    unsigned char tag = v->bytes[VALUE_HEAD_BYTES];
    if (tag >= TAG_SHORT)
        return tag >= TAG_SMALL ? "number" : "string";
    return tag < countof(names) && names[tag] ? names[tag] : "nil";
}

size_t
value_content(const Value *v)
{
    size_t n = 0;
    if (value_as_string(v, &n) || strcmp(value_type_name(v), "nil") == 0)
        return n;
    return v->n - VALUE_HEAD_BYTES;
}

size_t
value_size(const Value *v)
{
    return VALUE_HEAD + v->n + 1 + v->handles * sizeof(uint64_t);
}

size_t
value_held(const Value *v)
{
    return v && !v->mapped ? value_size(v) : 0;
}

static bool
value_write_all(int fd, const char *p, size_t n)
{
    while (n > 0) {
        ssize_t written = write(fd, p, n);
        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0)
            return false;
        p += written;
        n -= (size_t)written;
    }
    return true;
}

int
value_to_file(Value **v, int fd)
{
    size_t n = value_size(*v);
    if (!value_write_all(fd, (const char *)*v, n))
        return ORUN_ESYS;
    Value *there = mmap(NULL, n, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (there == MAP_FAILED)
        return ORUN_ESYS;
    there->mapped = true;
    value_drop(*v);
    *v = there;
    return 0;
}

void
value_rest(const Value *v)
{
    if (v->mapped)
        madvise((void *)v, value_size(v), MADV_DONTNEED);
}
