/* journal_folder.c — files of runs, by name, and the oldest removed. */
#include "journal/journal_folder.h"
#include "base/err.h"
#include "base/mem.h"
#include "store/store.h"
#include "task/task.h"
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum {
    JOURNAL_FOLDER_KEPT = 20,
    JOURNAL_FOLDER_DAYS = 30,
};

static const char journal_folder_end[] = ".db";

/* Make the folder with those above it, for the user alone. */
static int
journal_folder_make(const char *path, Buf *why)
{
    char *copy = mem_dup(path, strlen(path));
    if (!copy)
        return ORUN_ENOMEM;
    int e = 0;
    for (char *at = copy + 1; e == 0 && *at; at++) {
        if (*at != '/')
            continue;
        *at = 0;
        if (mkdir(copy, 0700) != 0 && errno != EEXIST) {
            buf_printf(why, "%s: %s", copy, strerror(errno));
            e = ORUN_ESYS;
        }
        *at = '/';
    }
    mem_free(copy);
    return e;
}

static int
journal_folder_is_run(const struct dirent *d)
{
    size_t n = strlen(d->d_name), end = sizeof journal_folder_end - 1;
    return d->d_name[0] != '.' && n > end
        && strcmp(d->d_name + n - end, journal_folder_end) == 0;
}

/* The names of the runs' files, the oldest first (a name begins with when the
 * run began). The caller frees each, and the array. */
static int
journal_folder_names(const char *path, struct dirent ***names)
{
    int n = scandir(path, names, journal_folder_is_run, alphasort);
    return n < 0 ? 0 : n;
}

static char *
journal_folder_path(const char *folder, const char *name, const char *end)
{
    Buf b = { 0 };
    buf_printf(&b, "%s%s%s", folder, name, end);
    return buf_take(&b);
}

int
journal_folder_remove(const char *file, int *pid)
{
    static const char *const ends[] = { "-wal", "-shm", "" };
    if (store_in_use(file, pid))
        return ORUN_ESTATE;
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
        char *path = journal_folder_path("", file, ends[i]);
        if (!path)
            return ORUN_ENOMEM;
        int e = unlink(path) == 0 || errno == ENOENT ? 0 : ORUN_ESYS;
        mem_free(path);
        if (e)
            return e;
    }
    return 0;
}

/* Make room for one more. */
static void
journal_folder_prune(const char *folder)
{
    struct dirent **names;
    time_t oldest = time(NULL) - (time_t)JOURNAL_FOLDER_DAYS * 24 * 3600;
    int n = journal_folder_names(folder, &names), pid,
        kept = 1; /* the new one */
    for (int i = n; i-- > 0;) {
        struct stat st;
        char *path = journal_folder_path(folder, names[i]->d_name, "");
        bool old = path && stat(path, &st) == 0 && st.st_mtime < oldest;
        if (path && (old || kept == JOURNAL_FOLDER_KEPT))
            journal_folder_remove(path, &pid);
        else
            kept++;
        mem_free(path);
        free(names[i]);
    }
    if (n)
        free(names);
}

char **
journal_folder_list(const char *folder)
{
    struct dirent **names;
    int n = journal_folder_names(folder, &names);
    char **files = mem_zalloc((size_t)n + 1, sizeof *files);
    bool failed = !files;
    for (int i = 0; i < n; i++) {
        if (!failed)
            files[i] = journal_folder_path(folder, names[n - 1 - i]->d_name,
                                           "");
        failed = failed || !files[i];
        free(names[n - 1 - i]);
    }
    if (n)
        free(names);
    if (!failed)
        return files;
    task_strings_free(files);
    return NULL;
}

int
journal_folder_add(const char *folder, const char *name, char **out, Buf *why)
{
    int e = journal_folder_make(folder, why);
    if (e)
        return e;
    journal_folder_prune(folder);
    *out = journal_folder_path(folder, name, journal_folder_end);
    return *out ? 0 : ORUN_ENOMEM;
}
