/* path.c — declared writes: absolute, plain, and at rest once they are so. */
#include "base/mem.h"
#include "fuzz.h"
#include "task/writes.h"

static bool
path_is_plain(const char *p)
{
    size_t n = strlen(p);
    if (*p != '/' || (n > 1 && p[n - 1] == '/') || strstr(p, "//"))
        return false;
    for (const char *part = p; (part = strchr(part, '/')) != NULL;) {
        size_t length = strcspn(++part, "/");
        if ((length == 1 && part[0] == '.')
            || (length == 2 && part[0] == '.' && part[1] == '.'))
            return false;
    }
    return true;
}

/* The working folder up to the first newline, then the path. */
FUZZ(data, n)
{
    FuzzBytes bytes = { data, n };
    char *cwd = fuzz_string(&bytes, 100, true, NULL);
    char *path = malloc(bytes.n + 1);
    FUZZ_MUST(path);
    size_t length = bytes.n;
    fuzz_fill(&bytes, path, length);
    path[length] = '\0';
    if (*cwd)
        *cwd = '/';
    char *first = writes_path(*cwd ? cwd : "/", path);
    FUZZ_MUST(first && path_is_plain(first));
    char *again = writes_path("/else", first);
    FUZZ_MUST(again && strcmp(first, again) == 0);
    Writes one = { .n = 1, .paths = &first }, root = one;
    char *top = "/";
    root.paths = &top;
    FUZZ_MUST(writes_overlap(&one, &one));
    FUZZ_MUST(writes_overlap(&one, &root) && writes_overlap(&root, &one));
    mem_free(first);
    mem_free(again);
    free(path);
    free(cwd);
    return 0;
}
