/* bundle_make.c — turns files into C source, at build time.
 *
 *     bundle_make OUT.c NAME=FILE ...      the table of bundle.h
 *     bundle_make --bytes SYMBOL FILE OUT.c
 *                                          const unsigned char SYMBOL[];
 *                                          const size_t SYMBOL_len;
 *
 * In a file of the table that is Lua, methods of strings become functions
 * (bundle_method.h). Any other becomes Lua that returns the text of the file,
 * and so do the workflows and what `orun init` writes, which are no modules.
 *
 * A program of its own that needs nothing of orun: it runs before the rest is
 * compiled, so it may print and exit. The bytes are written as strings, a line
 * of source a line, which compiles much faster than numbers; the same input
 * gives the same output.
 */
#include "vm/bundle_method.h"
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void
bundle_make_die(const char *what)
{
    fprintf(stderr, "bundle_make: %s: %s\n", what,
            errno ? strerror(errno) : "not understood");
    exit(1);
}

static FILE *
bundle_make_open(const char *path, const char *mode)
{
    FILE *f = fopen(path, mode);
    if (!f)
        bundle_make_die(path);
    return f;
}

/* One byte of a C string. Digits after an octal escape cannot join it when it
 * has all three, and `?` is escaped because two of them begin a trigraph. */
static void
bundle_make_byte(FILE *out, int c)
{
    if (c == '\n')
        fputs("\\n", out);
    else if (c == '"' || c == '\\' || c == '?')
        fprintf(out, "\\%c", c);
    else if (c >= ' ' && c < 127)
        fputc(c, out);
    else
        fprintf(out, "\\%03o", (unsigned)c);
}

/* The whole file, ended by a NUL; *n is its size. */
static char *
bundle_make_read(const char *path, size_t *n)
{
    FILE *in = bundle_make_open(path, "rb");
    size_t size = 1 << 16, got;
    char *p = malloc(size);
    for (*n = 0; p && (got = fread(p + *n, 1, size - *n - 1, in)) > 0;) {
        *n += got;
        if (*n < size - 1)
            continue;
        char *more = realloc(p, size *= 2);
        if (!more)
            free(p);
        p = more;
    }
    if (!p || ferror(in))
        bundle_make_die(path);
    fclose(in);
    p[*n] = '\0';
    return p;
}

/* The bytes as string literals. */
static void
bundle_make_text(FILE *out, const char *p, size_t n)
{
    size_t column = 0;
    fputs("    \"", out);
    for (size_t i = 0; i < n; i++) {
        bundle_make_byte(out, (unsigned char)p[i]);
        if (p[i] == '\n' || ++column == 200) {
            fputs("\"\n    \"", out);
            column = 0;
        }
    }
    fputc('"', out);
}

/* Lua, whose calls of strings' methods do not need the script's `string`.
 * Returns the size. */
static size_t
bundle_make_lua(FILE *out, const char *path)
{
    size_t n;
    int line;
    char *text = bundle_make_read(path, &n);
    char *code = bundle_method_rewrite(text, n, &line);
    if (line) {
        fprintf(stderr,
                "bundle_make: %s:%d: a method of a string is called in "
                "a way that is not understood\n",
                path, line);
        exit(1);
    }
    n = strlen(code);
    bundle_make_text(out, code, n);
    free(code);
    free(text);
    return n;
}

/* Anything else: Lua that returns the bytes as they are. Returns the size. */
static size_t
bundle_make_data(FILE *out, const char *path)
{
    size_t n;
    char *text = bundle_make_read(path, &n);
    char *code = malloc(4 * n + sizeof "return \"\"");
    if (!code)
        bundle_make_die(path);
    char *end = code + sprintf(code, "return \"");
    for (size_t i = 0; i < n; i++)
        if (memchr("\"\\\r\n", text[i], 5)) /* and NUL */
            end += sprintf(end, "\\%03d", text[i]);
        else
            *end++ = text[i];
    *end++ = '"';
    n = (size_t)(end - code);
    bundle_make_text(out, code, n);
    free(code);
    free(text);
    return n;
}

static bool
bundle_make_is_lua(const char *path)
{
    static const char *const texts[] = { "lua/workflow/", "lua/starter/text/" };
    const char *dot = strrchr(path, '.');
    bool lua = dot && strcmp(dot, ".lua") == 0;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        lua = lua && strncmp(path, texts[i], strlen(texts[i])) != 0;
    return lua;
}

static void
bundle_make_close(FILE *out, const char *path)
{
    if (ferror(out) | fclose(out))
        bundle_make_die(path);
}

static void
bundle_make_bytes(const char *symbol, const char *in, const char *path)
{
    FILE *out = bundle_make_open(path, "w");
    fprintf(out,
            "#include <stddef.h>\n"
            "extern const unsigned char %s[];\n"
            "extern const size_t %s_len;\n"
            "const unsigned char %s[] =\n",
            symbol, symbol, symbol);
    size_t n;
    char *bytes = bundle_make_read(in, &n);
    bundle_make_text(out, bytes, n);
    free(bytes);
    fprintf(out, ";\nconst size_t %s_len = %zu;\n", symbol, n);
    bundle_make_close(out, path);
}

static const char bundle_make_find[] =
    "const BundleFile *\n"
    "bundle_find(const char *name)\n"
    "{\n"
    "    for (size_t i = 0; i < bundle_count; i++)\n"
    "        if (strcmp(bundle_files[i].name, name) == 0)\n"
    "            return &bundle_files[i];\n"
    "    return NULL;\n"
    "}\n";

static void
bundle_make_table(const char *path, char **files, int count)
{
    FILE *out = bundle_make_open(path, "w");
    fputs("#include \"vm/bundle.h\"\n"
          "const BundleFile bundle_files[] = {\n",
          out);
    for (int i = 0; i < count; i++) {
        char *equals = strchr(files[i], '=');
        if (!equals)
            bundle_make_die(files[i]);
        *equals = '\0';
        const char *below = strchr(equals + 1, '/');
        fprintf(out, "{ \"%s\", \"%s\",\n", files[i],
                below ? below + 1 : equals + 1);
        size_t n = bundle_make_is_lua(equals + 1)
            ? bundle_make_lua(out, equals + 1)
            : bundle_make_data(out, equals + 1);
        fprintf(out, ",\n  %zu },\n", n);
    }
    fprintf(out, "{ 0, 0, 0, 0 }};\nconst size_t bundle_count = %d;\n%s", count,
            bundle_make_find);
    bundle_make_close(out, path);
}

int
main(int argc, char **argv)
{
    errno = 0;
    if (argc == 5 && strcmp(argv[1], "--bytes") == 0)
        bundle_make_bytes(argv[2], argv[3], argv[4]);
    else if (argc >= 2 && argv[1][0] != '-')
        bundle_make_table(argv[1], argv + 2, argc - 2);
    else
        bundle_make_die("usage: bundle_make OUT.c NAME=FILE ... | "
                        "--bytes SYMBOL FILE OUT.c");
    return 0;
}
