/* resume.c — builds the command line that a kept run had. */
#include "cli/resume.h"
#include "base/base.h"
#include "base/err.h"
#include "base/mem.h"
#include "cli/kept_place.h"
#include "cli/options.h"
#include "journal/journal_past.h"
#include "task/task.h"
#include "vm/vm_seed.h"
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

typedef struct ResumeLine {
    char **words; /* NULL-terminated; each is allocated */
    int n;
    bool failed;
} ResumeLine;

void
resume_quote(Buf *to, const char *word)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyz0123456789"
                                "ABCDEFGHIJKLMNOPQRSTUVWXYZ_-+=:,./@%^";
    bool odd = false;
    if (*word && !word[strspn(word, plain)]) {
        buf_puts(to, word);
        return;
    }
    for (const char *p = word; *p; p++)
        odd |= (unsigned char)*p < ' ' || *p == 127;
    buf_puts(to, odd ? "\"$(printf '" : "'");
    for (const char *p = word; *p; p++)
        if (odd && ((unsigned char)*p < ' ' || strchr("'\\\177", *p)))
            buf_printf(to, "\\%03o", (unsigned)*p);
        else if (*p == '\'')
            buf_puts(to, "'\\''");
        else
            buf_printf(to, "%s%c", odd && *p == '%' ? "%" : "", *p);
    buf_puts(to, odd ? "')\"" : "'");
}

static void
resume_add(ResumeLine *l, const char *word)
{
    char **words = mem_realloc(l->words, ((size_t)l->n + 2) * sizeof *words);
    if (words) {
        l->words = words;
        words[l->n] = mem_dup(word, strlen(word));
        words[l->n + 1] = NULL;
        l->failed |= !words[l->n++];
    }
    l->failed |= !words;
}

/* How many words of an option that says what is kept, and is given anew; 0: it
 * is another one. */
static int
resume_own(char *const *word)
{
    static const char *const alone[] = { "--no-store", "--retry-failed",
                                         "--resume" };
    if (strcmp(*word, "--store") == 0 || strcmp(*word, "--retry") == 0)
        return word[1] ? 2 : 1;
    if (strncmp(*word, "--store=", 8) == 0 || strncmp(*word, "--retry=", 8) == 0
        || strncmp(*word, "--resume=", 9) == 0)
        return 1;
    for (size_t i = 0; i < countof(alone); i++)
        if (strcmp(*word, alone[i]) == 0)
            return 1;
    return 0;
}

/* Copy options, from words[i] to words[end - 1]; those that say what is kept
 * are left out. */
static void
resume_add_options(ResumeLine *l, char *const *words, int i, int end)
{
    while (i < end) {
        int own = resume_own(&words[i]);
        if (!own)
            resume_add(l, words[i]);
        i += own ? own : 1;
    }
}

/* The store that the command line names, else that of the environment, else the
 * folder of all. */
static bool
resume_store(int argc, char *const *argv, Buf *path)
{
    bool none;
    const char *set = kept_place_set(&none), *named = NULL;
    for (int i = 2; i < argc; i++)
        if (strcmp(argv[i], "--store") == 0 && i + 1 < argc)
            named = argv[i + 1];
        else if (strncmp(argv[i], "--store=", 8) == 0)
            named = argv[i] + 8;
    named = named ? named : set;
    if (!named)
        return kept_place_folder(path);
    buf_puts(path, named);
    return true;
}

/* What runs again: the words after the run (from words[i] on), or all that
 * failed. */
static void
resume_add_again(ResumeLine *l, char *const *words, int i, int end, bool retry)
{
    bool any = false;
    for (int at = i; at < end; at++)
        any |= strcmp(words[at], "--retry-failed") == 0;
    if (any || (retry && (i == end || words[i][0] == '-')))
        resume_add(l, "--retry-failed");
    for (; i < end && words[i][0] != '-'; i++) {
        resume_add(l, "--retry");
        resume_add(l, words[i]);
    }
}

/* The line of the run, with what was given: the ids of tasks (from `given` on),
 * then options. */
static bool
resume_build(const JournalPast *past, int argc, char *const *argv, int given,
             ResumeLine *l, Buf *why)
{
    int options = given;
    while (options < argc && argv[options][0] != '-')
        options++;
    int n = 0;
    while (past->args && past->args[n])
        n++;
    Options o;
    options_read(&o, n, past->args);
    int first = o.what == OPTIONS_RUN ? o.first : 0;
    options_free(&o);
    if (n == 0 || (first == 0 && o.what != OPTIONS_RUN)) {
        buf_puts(why,
                 "the run was not begun by a command line that could be "
                 "repeated");
        return false;
    }
    int end = first ? first : n;
    bool dashes = first > 1 && strcmp(past->args[first - 1], "--") == 0;
    resume_add(l, argv[0]);
    resume_add_options(l, past->args, 1, dashes ? end - 1 : end);
    resume_add_options(l, argv, options, argc);
    resume_add(l, "--store");
    resume_add(l, past->file);
    Buf id = { 0 };
    buf_printf(&id, "--resume=%s", past->id);
    resume_add(l, buf_cstr(&id));
    buf_free(&id);
    resume_add_again(l, argv, given, argc, strcmp(argv[1], "retry") == 0);
    if (dashes)
        resume_add(l, "--");
    for (int i = first; first && i < n; i++)
        resume_add(l, past->args[i]);
    if (l->failed)
        buf_puts(why, err_text(ORUN_ENOMEM));
    return !l->failed;
}

/* Be where the run was; its file keeps its name. */
static bool
resume_go(JournalPast *past, Buf *why)
{
    char *full = past->file ? realpath(past->file, NULL) : NULL;
    if (full) {
        mem_free(past->file);
        past->file = mem_dup(full, strlen(full));
        free(full);
    }
    if (past->file && past->cwd && chdir(past->cwd) == 0)
        return true;
    buf_printf(why, "cannot go to the folder where the run began, %s: %s",
               past->cwd ? past->cwd : "?", strerror(errno));
    return false;
}

/* Is it the id of a task, and not the end of a run's? */
static bool
resume_is_task(const char *word)
{
    return word[0] == 't' && word[1] >= '0' && word[1] <= '9';
}

/* Only `orun retry` takes tasks. */
static bool
resume_words_fit(int argc, char *const *argv, int given, Buf *why)
{
    bool retry = strcmp(argv[1], "retry") == 0;
    bool fit = retry || given >= argc || argv[given][0] == '-';
    if (!fit)
        buf_printf(why,
                   "%s is one word too many: orun resume [RUN] [OPTION...]",
                   argv[given]);
    return fit;
}

bool
resume_read(int *argc, char ***argv, Buf *why)
{
    JournalPast past;
    ResumeLine line = { .n = 0 };
    Buf path = { 0 };
    const char *run = *argc > 2 && (*argv)[2][0] != '-' ? (*argv)[2] : NULL;
    if (run && strcmp((*argv)[1], "retry") == 0 && resume_is_task(run))
        run = NULL;
    int given = run ? 3 : 2;
    if (!resume_words_fit(*argc, *argv, given, why))
        return false;
    bool fine = resume_store(*argc, *argv, &path);
    if (!fine)
        buf_puts(why,
                 "there is no state folder (HOME, XDG_STATE_HOME): say "
                 "--store FILE");
    fine = fine
        && journal_past_find(buf_cstr(&path), run, NULL, &past, why) == 0;
    buf_free(&path);
    if (!fine)
        return false;
    fine = resume_go(&past, why)
        && resume_build(&past, *argc, *argv, given, &line, why);
    journal_past_free(&past);
    if (!fine) {
        task_strings_free(line.words);
        return false;
    }
    *argc = line.n;
    *argv = line.words;
    return true;
}

void
resume_seed(const char *store, const char *run, const char *script, bool named)
{
    JournalPast past;
    Buf why = { 0 };
    char *file = script && !named ? realpath(script, NULL) : NULL;
    const char *wanted = named ? script : file;
    if (journal_past_find(store, run, *run ? NULL : wanted, &past, &why) == 0) {
        if (past.seed)
            vm_seed_set(past.seed);
        journal_past_free(&past);
    }
    free(file);
    buf_free(&why);
}
