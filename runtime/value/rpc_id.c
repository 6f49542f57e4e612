/* rpc_id.c — where the id of a message is, by its braces and quotes. */
#include "value/rpc_id.h"

static void
rpc_id_keep(RpcId *id, char c)
{
    if (id->value && id->n < sizeof id->text)
        id->text[id->n++] = c;
    if (id->key && id->name_n < sizeof id->name)
        id->name[id->name_n++] = c;
}

static void
rpc_id_in_string(RpcId *id, char c)
{
    rpc_id_keep(id, c);
    if (id->escaped || c == '\\')
        id->escaped = !id->escaped;
    else if (c == '"')
        id->string = false;
}

static void
rpc_id_value_ended(RpcId *id)
{
    id->found = id->found || id->value;
    id->value = false;
}

static void
rpc_id_open(RpcId *id, char c)
{
    rpc_id_keep(id, c);
    if (id->depth++ == 0)
        id->object = id->key = c == '{';
}

static void
rpc_id_shut(RpcId *id, char c)
{
    if (id->depth == 1)
        rpc_id_value_ended(id);
    rpc_id_keep(id, c);
    if (id->depth > 0)
        id->depth--;
}

/* A colon or a comma of the message itself. */
static void
rpc_id_between(RpcId *id, char c)
{
    static const char name[] = "\"id\"";
    if (c == ':' && id->key) {
        id->value = id->name_n == sizeof name - 1
            && memcmp(id->name, name, sizeof name - 1) == 0;
        id->n = id->value ? 0 : id->n;
        id->key = false;
    } else if (c == ',') {
        rpc_id_value_ended(id);
        id->key = id->object;
    }
    id->name_n = 0;
}

void
rpc_id_feed(RpcId *id, const char *p, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        char c = p[i];
        if (id->string) {
            rpc_id_in_string(id, c);
        } else if (c == '{' || c == '[') {
            rpc_id_open(id, c);
        } else if (c == '}' || c == ']') {
            rpc_id_shut(id, c);
        } else if (id->depth == 1 && (c == ':' || c == ',')) {
            rpc_id_between(id, c);
        } else if (!strchr(" \t\r", c) || c == '\0') {
            id->string = c == '"';
            rpc_id_keep(id, c);
        }
    }
}

const char *
rpc_id_text(const RpcId *id, size_t *n)
{
    *n = id->n;
    return id->found && id->depth == 0 && id->n < sizeof id->text ? id->text
                                                                  : NULL;
}
