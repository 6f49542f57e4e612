/* bundle_method.c — methods of strings as functions, at build time.
 *
 * The source becomes tokens. Before the colon of a call of one of the methods
 * stands a prefix expression, whose first token is found by going back over
 * calls, indices and names; there the new call begins. What is written in
 * between, comments too, stays as it is.
 */
#include "vm/bundle_method.h"
#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct Token {
    size_t at, n;    /* in the text */
    char kind;       /* n: name, k: keyword, s: string, 0: number; or itself */
    int line, match; /* of a closing bracket: the opening one */
    char *before;    /* what is put in front of it */
    const char *now; /* what stands in its place; NULL: itself */
} Token;

typedef struct Method {
    const char *text;
    size_t size, at;
    int line;
    Token *tokens;
    int count, room;
} Method;

static const char *const bundle_method_names[] = {
    "byte",  "find", "format", "gmatch",  "gsub", "len",    "lower",
    "match", "pack", "rep",    "reverse", "sub",  "unpack", "upper",
};

static const char bundle_method_keywords[] =
    " and break do else elseif end false for function goto if in local nil not "
    "or repeat return then true until while ";

static void *
bundle_method_grow(void *p, size_t size)
{
    p = realloc(p, size);
    if (!p)
        exit(1);
    return p;
}

static bool
bundle_method_is(const Method *m, const Token *t, const char *word)
{
    return strlen(word) == t->n && memcmp(m->text + t->at, word, t->n) == 0;
}

/* ---- tokens ---- */

/* The bytes of a long bracket at `at`, 0 when there is none. */
static size_t
bundle_method_long(const Method *m, size_t at)
{
    size_t level = 0;
    char close[64];
    const char *s = m->text + at;
    if (*s != '[')
        return 0;
    while (s[1 + level] == '=' && level < 60)
        level++;
    if (s[1 + level] != '[')
        return 0;
    snprintf(close, sizeof close, "]%.*s]", (int)level, s + 1);
    const char *end = strstr(s, close);
    return end ? (size_t)(end - s) + level + 2 : m->size - at;
}

static size_t
bundle_method_quoted(const char *s)
{
    size_t n = 1;
    while (s[n] && s[n] != *s)
        n += s[n] == '\\' && s[n + 1] ? 2 : 1;
    return n + 1;
}

/* Blanks and comments. */
static size_t
bundle_method_skip(const Method *m)
{
    const char *s = m->text + m->at;
    if (isspace((unsigned char)*s))
        return 1;
    if (m->at == 0 && *s == '#')
        return strcspn(s, "\n");
    if (strncmp(s, "--", 2) != 0)
        return 0;
    size_t n = bundle_method_long(m, m->at + 2);
    return n ? n + 2 : strcspn(s, "\n");
}

static void
bundle_method_read(Method *m, Token *t)
{
    const char *s = m->text + m->at;
    size_t n = bundle_method_long(m, m->at);
    *t = (Token){ .at = m->at, .n = 1, .kind = *s, .line = m->line };
    if (n || *s == '"' || *s == '\'') {
        t->n = n ? n : bundle_method_quoted(s);
        t->kind = 's';
    } else if (isalpha((unsigned char)*s) || *s == '_') {
        while (isalnum((unsigned char)s[t->n]) || s[t->n] == '_')
            t->n++;
        char word[64];
        snprintf(word, sizeof word, " %.*s ", (int)t->n, s);
        t->kind = strstr(bundle_method_keywords, word) ? 'k' : 'n';
    } else if (isdigit((unsigned char)*s)) {
        while (isalnum((unsigned char)s[t->n]) || s[t->n] == '.')
            t->n++;
        t->kind = '0';
    } else if (strncmp(s, "...", 3) == 0 || strncmp(s, "::", 2) == 0
               || strncmp(s, "..", 2) == 0) {
        t->n = strncmp(s, "...", 3) == 0 ? 3 : 2;
        t->kind = '+';
    }
}

static void
bundle_method_pass(Method *m, size_t n)
{
    for (; n; n--)
        m->line += m->text[m->at++] == '\n';
}

/* Match the closing bracket that was read last. */
static void
bundle_method_match(Method *m)
{
    Token *t = &m->tokens[m->count - 1];
    char open = t->kind == ')' ? '(' : t->kind == ']' ? '[' : '{';
    int i = m->count - 2;
    if (t->kind != ')' && t->kind != ']' && t->kind != '}')
        return;
    while (i >= 0 && m->tokens[i].kind != open)
        i = strchr(")]}", m->tokens[i].kind) ? m->tokens[i].match - 1 : i - 1;
    t->match = i < 0 ? 0 : i;
}

static void
bundle_method_scan(Method *m)
{
    while (m->at < m->size) {
        size_t skip = bundle_method_skip(m);
        if (skip) {
            bundle_method_pass(m, skip);
            continue;
        }
        if (m->count == m->room) {
            m->room = m->room ? m->room * 2 : 1024;
            m->tokens = bundle_method_grow(m->tokens,
                                           (size_t)m->room * sizeof *m->tokens);
        }
        bundle_method_read(m, &m->tokens[m->count++]);
        bundle_method_match(m);
        bundle_method_pass(m, m->tokens[m->count - 1].n);
    }
}

/* ---- calls ---- */

/* Can a call or an index follow the token at i? */
static bool
bundle_method_ends_prefix(const Method *m, int i)
{
    return i >= 0 && strchr("n)]s}", m->tokens[i].kind) != NULL;
}

/* Of a call whose arguments begin after i: where what is called ends. */
static int
bundle_method_callee(const Method *m, int i)
{
    bool named = m->tokens[i].kind == 'n' && i > 1;
    return named && m->tokens[i - 1].kind == ':' ? i - 2 : i;
}

/* The first token of the prefix expression that ends at i; -1: not found. */
static int
bundle_method_start(const Method *m, int i)
{
    while (i >= 0) {
        const Token *t = &m->tokens[i];
        if (t->kind == 'n' && i > 1 && m->tokens[i - 1].kind == '.')
            i -= 2;
        else if (t->kind == 'n')
            return i;
        else if (t->kind == ']')
            i = t->match - 1;
        else if (t->kind == ')' && !bundle_method_ends_prefix(m, t->match - 1))
            return t->match;
        else if (t->kind == ')' || t->kind == '}')
            i = bundle_method_callee(m, t->match - 1);
        else if (t->kind == 's')
            i = bundle_method_callee(m, i - 1);
        else
            return -1;
    }
    return -1;
}

static bool
bundle_method_known(const Method *m, const Token *t)
{
    size_t n = sizeof bundle_method_names / sizeof *bundle_method_names;
    for (size_t i = 0; t->kind == 'n' && i < n; i++)
        if (bundle_method_is(m, t, bundle_method_names[i]))
            return true;
    return false;
}

/* The tokens at i and behind it are ":", a method and "(". Gives the line when
 * that is not understood, else 0: objects of our own have no such methods. */
static int
bundle_method_change(Method *m, int i)
{
    Token *t = &m->tokens[i];
    int start = i > 0 ? bundle_method_start(m, i - 1) : -1;
    if (start < 0 || t[2].kind != '(')
        return t->line;
    if (start > 0 && bundle_method_is(m, &m->tokens[start - 1], "function"))
        return t->line;
    bool alone = t[3].kind == ')';
    Token *first = &m->tokens[start];
    const char *rest = first->before ? first->before : "";
    size_t n = t[1].n + strlen(rest) + 16;
    char *before = bundle_method_grow(NULL, n);
    snprintf(before, n, "_string.%.*s(%s%s", (int)t[1].n, m->text + t[1].at,
             alone ? "(" : "", rest);
    free(first->before);
    first->before = before;
    t->now = alone ? ")" : ",";
    t[1].now = t[2].now = "";
    return 0;
}

/* ---- the whole ---- */

static char *
bundle_method_write(const Method *m)
{
    size_t n = m->size + 1, at = 0, from = 0;
    for (int i = 0; i < m->count; i++)
        n += m->tokens[i].before ? strlen(m->tokens[i].before) + 1 : 1;
    char *out = bundle_method_grow(NULL, n);
    for (int i = 0; i < m->count; i++) {
        Token *t = &m->tokens[i];
        const char *before = t->before ? t->before : "";
        const char *now = t->now ? t->now : m->text + t->at;
        size_t size = t->now ? strlen(now) : t->n;
        memcpy(out + at, m->text + from, t->at - from);
        at += t->at - from;
        memcpy(out + at, before, strlen(before));
        at += strlen(before);
        memcpy(out + at, now, size);
        at += size;
        from = t->at + t->n;
        free(t->before);
    }
    memcpy(out + at, m->text + from, m->size - from);
    out[at + m->size - from] = '\0';
    return out;
}

char *
bundle_method_rewrite(const char *text, size_t n, int *line)
{
    Method m = { .text = text, .size = n, .line = 1 };
    *line = 0;
    bundle_method_scan(&m);
    for (int i = 0; i + 3 < m.count && !*line; i++)
        if (m.tokens[i].kind == ':'
            && bundle_method_known(&m, &m.tokens[i + 1]))
            *line = bundle_method_change(&m, i);
    char *out = bundle_method_write(&m);
    free(m.tokens);
    return out;
}
