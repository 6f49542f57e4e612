/* key_files.c — a walk over files, each opened below the folder it is in.
 *
 * A folder's names are read and sorted before any of them is looked at, and a
 * folder is open while what is below it is walked. What the hash of a thing is
 * taken of begins with a letter: f a file, l a link, d a folder, o another
 * thing, m a missing one, e an error.
 */
#include "journal/key_files.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"
#include "task/writes.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

typedef struct KeyFiles {
    char *const *but;
    size_t but_n;
    char *piece; /* KEY_FILES_PIECE bytes */
    Buf path;    /* of what is in hand */
    bool failed; /* memory is out */
} KeyFiles;

static void key_files_one(KeyFiles *k, int folder, const char *name, int depth,
                          unsigned char hash[DIGEST_SIZE]);

/* A thing of which there is only one number to tell. */
static void
key_files_plain(char letter, int number, unsigned char hash[DIGEST_SIZE])
{
    unsigned char bytes[] = { (unsigned char)letter, (unsigned char)number };
    digest_of(bytes, sizeof bytes, hash);
}

static void
key_files_error(int error, unsigned char hash[DIGEST_SIZE])
{
    bool missing = error == ENOENT || error == ENOTDIR;
    key_files_plain(missing ? 'm' : 'e', missing ? 0 : error, hash);
}

/* Is the thing in hand one of those that do not count? */
static bool
key_files_left_out(const KeyFiles *k)
{
    const char *path = k->path.p;
    for (size_t i = 0; i < k->but_n; i++)
        if (writes_inside(path, k->but[i]))
            return true;
    return false;
}

/* ---- the kinds of things ---- */

static void
key_files_bytes(KeyFiles *k, int fd, unsigned char hash[DIGEST_SIZE])
{
    Digest digest;
    ssize_t n;
    digest_begin(&digest);
    digest_add(&digest, "f", 1);
    while ((n = read(fd, k->piece, KEY_FILES_PIECE)) != 0) {
        if (n > 0)
            digest_add(&digest, k->piece, (size_t)n);
        else if (errno != EINTR)
            break;
    }
    if (n < 0)
        key_files_error(errno, hash);
    else
        digest_end(&digest, hash);
}

static void
key_files_link(int folder, const char *name, unsigned char hash[DIGEST_SIZE])
{
    char to[PATH_MAX + 1];
    to[0] = 'l';
    ssize_t n = readlinkat(folder, name, to + 1, sizeof to - 1);
    if (n < 0)
        key_files_error(errno, hash);
    else
        digest_of(to, (size_t)n + 1, hash);
}

/* ---- folders ---- */

typedef struct KeyNames {
    Buf text;      /* the names, with their NULs */
    size_t *begin; /* where each begins */
    size_t n, cap;
} KeyNames;

static int
key_files_by_name(const void *a, const void *b, void *text)
{
    return strcmp((const char *)text + *(const size_t *)a,
                  (const char *)text + *(const size_t *)b);
}

static bool
key_files_add_name(KeyNames *names, const char *name)
{
    if (names->n == names->cap) {
        size_t cap = names->cap ? names->cap * 2 : 32;
        size_t *more = mem_realloc(names->begin, cap * sizeof *more);
        if (!more)
            return false;
        names->begin = more;
        names->cap = cap;
    }
    names->begin[names->n++] = names->text.n;
    buf_put(&names->text, name, strlen(name) + 1);
    return !buf_failed(&names->text);
}

/* The names in the folder, sorted; an errno. */
static int
key_files_names(DIR *dir, KeyNames *names)
{
    const struct dirent *entry;
    errno = 0;
    while ((entry = readdir(dir)) != NULL) {
        const char *name = entry->d_name;
        if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0
            || strcmp(name, ".git") == 0)
            continue;
        if (!key_files_add_name(names, name))
            return ENOMEM;
        errno = 0;
    }
    if (errno == 0 && names->n > 1)
        qsort_r(names->begin, names->n, sizeof *names->begin, key_files_by_name,
                names->text.p);
    return errno;
}

static void
key_files_each(KeyFiles *k, int fd, const KeyNames *names, int depth,
               Digest *digest)
{
    size_t length = k->path.n;
    for (size_t i = 0; i < names->n && !k->failed; i++) {
        const char *name = names->text.p + names->begin[i];
        unsigned char hash[DIGEST_SIZE];
        if (length > 1) /* it is not the root */
            buf_putc(&k->path, '/');
        buf_puts(&k->path, name);
        buf_cstr(&k->path);
        k->failed = buf_failed(&k->path);
        if (!k->failed && !key_files_left_out(k)) {
            key_files_one(k, fd, name, depth + 1, hash);
            digest_add(digest, name, strlen(name) + 1);
            digest_add(digest, hash, sizeof hash);
        }
        k->path.n = length;
    }
}

/* Closes fd. */
static void
key_files_folder(KeyFiles *k, int fd, int depth,
                 unsigned char hash[DIGEST_SIZE])
{
    KeyNames names = { .n = 0 };
    Digest digest;
    DIR *dir = depth < KEY_FILES_DEPTH ? fdopendir(fd) : NULL;
    int error = dir               ? key_files_names(dir, &names)
        : depth < KEY_FILES_DEPTH ? errno
                                  : ELOOP;
    if (error == ENOMEM) {
        k->failed = true;
    } else if (error) {
        key_files_error(error, hash);
    } else {
        digest_begin(&digest);
        digest_add(&digest, "d", 1);
        key_files_each(k, fd, &names, depth, &digest);
        digest_end(&digest, hash);
    }
    mem_free(names.begin);
    buf_free(&names.text);
    if (dir)
        closedir(dir);
    else
        close(fd);
}

/* ---- the walk ---- */

/* What is called `name` in the folder. It may become another thing between two
 * looks: what is opened is never a link and never waits, and is looked at
 * again. */
static void
key_files_one(KeyFiles *k, int folder, const char *name, int depth,
              unsigned char hash[DIGEST_SIZE])
{
    struct stat st;
    if (fstatat(folder, name, &st, AT_SYMLINK_NOFOLLOW) != 0) {
        key_files_error(errno, hash);
        return;
    }
    if (S_ISLNK(st.st_mode)) {
        key_files_link(folder, name, hash);
        return;
    }
    if (!S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode)) {
        key_files_plain('o', (int)((st.st_mode & S_IFMT) >> 12), hash);
        return;
    }
    int fd = openat(folder, name,
                    O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
    if (fd < 0 || fstat(fd, &st) != 0) {
        key_files_error(errno, hash);
    } else if (S_ISDIR(st.st_mode)) {
        key_files_folder(k, fd, depth, hash);
        return;
    } else if (S_ISREG(st.st_mode)) {
        key_files_bytes(k, fd, hash);
    } else {
        key_files_plain('o', (int)((st.st_mode & S_IFMT) >> 12), hash);
    }
    if (fd >= 0)
        close(fd);
}

int
key_files_hash(const char *path, char *const *but, size_t n,
               unsigned char hash[DIGEST_SIZE])
{
    KeyFiles k = { .but = but, .but_n = n };
    k.piece = mem_alloc(KEY_FILES_PIECE);
    buf_puts(&k.path, path);
    buf_cstr(&k.path);
    k.failed = !k.piece || buf_failed(&k.path);
    if (!k.failed && key_files_left_out(&k))
        key_files_plain('w', 0, hash);
    else if (!k.failed)
        key_files_one(&k, AT_FDCWD, path, 0, hash);
    mem_free(k.piece);
    buf_free(&k.path);
    return k.failed ? ORUN_ENOMEM : 0;
}
