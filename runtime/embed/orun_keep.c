/* orun_keep.c — the store of a run: what its tasks end with survives. */
#include "base/err.h"
#include "base/mem.h"
#include "embed/orun_own.h"
#include "journal/journal.h"
#include "journal/journal_unasked.h"
#include <sys/stat.h>

typedef struct OrunKeep OrunKeep;

enum {
    ORUN_KEEP_BROKEN = 74, /* exit status: EX_IOERR of sysexits.h */
    ORUN_KEEP_NAMES = 5    /* of results no longer asked for */
};

struct OrunKeep {
    JournalConfig config;
    char *store, *resume, *again;
    Journal *journal; /* NULL: no script has begun */
    Buf texts;        /* of orun_kept */
};

int
orun_keep_new(orun *o, const orun_config *c)
{
    if (!c->store || (c->plan && !c->resume))
        return 0; /* a plan keeps nothing */
    OrunKeep *k = o->keep = mem_zalloc(1, sizeof *k);
    if (!k)
        return ORUN_ENOMEM;
    k->store = mem_dup(c->store, strlen(c->store));
    k->resume = c->resume ? mem_dup(c->resume, strlen(c->resume)) : NULL;
    k->again = c->resume_tasks
        ? mem_dup(c->resume_tasks, strlen(c->resume_tasks))
        : NULL;
    k->config.late = c->store_late != 0;
    k->config.plan = c->plan != 0;
    k->config.again = c->resume_failed != 0;
    k->config.again_tasks = k->again;
    bool copied = k->store && (k->resume || !c->resume)
        && (k->again || !c->resume_tasks);
    return copied ? 0 : ORUN_ENOMEM;
}

int
orun_keep_args(orun *o, int argc, const char *const *argv)
{
    if (o->keep && o->keep->journal)
        return 0; /* the run is begun again as it was begun */
    char **copy = mem_zalloc((size_t)argc + 1, sizeof *copy);
    bool failed = !copy;
    for (int i = 0; !failed && i < argc; i++)
        failed = !(copy[i] = mem_dup(argv[i], strlen(argv[i])));
    task_strings_free(o->argv);
    o->argv = copy;
    return failed ? ORUN_ENOMEM : 0;
}

/* The store has failed: nothing more is begun, and nothing is shown that is not
 * kept. */
static void
orun_keep_broken(void *ud)
{
    orun_interrupt(ud);
}

static int
orun_keep_open(orun *o, const char *script, Buf *why)
{
    OrunKeep *k = o->keep;
    k->config.path = k->store;
    k->config.resume = k->resume;
    k->config.args = o->argv;
    k->config.script = script;
    k->config.broken = orun_keep_broken;
    k->config.ud = o;
    int e = journal_open(o->engine, &k->config, &k->journal, why);
    if (e && !why->n)
        buf_puts(why, err_text(e));
    return e;
}

int
orun_keep_begin(orun *o, const char *script)
{
    uv_mutex_lock(&o->keeping);
    bool open = o->keep && !o->keep->journal;
    int e = open ? orun_keep_open(o, script, &o->message) : 0;
    uv_mutex_unlock(&o->keeping);
    return e;
}

int
orun_keep_start(orun *o)
{
    Buf why = { 0 };
    uv_mutex_lock(&o->keeping);
    const char *script = o->engine->script;
    bool open = o->keep && !o->keep->journal;
    int e = open ? orun_keep_open(o, script ? script : "host", &why) : 0;
    uv_mutex_unlock(&o->keeping);
    if (e)
        api_error_set(o, e, "orun_start: %s", buf_cstr(&why));
    buf_free(&why);
    return e;
}

/* Do both name one file? */
static bool
orun_keep_same(const char *path, const char *other)
{
    struct stat a, b;
    return stat(path, &a) == 0 && stat(other, &b) == 0 && a.st_dev == b.st_dev
        && a.st_ino == b.st_ino;
}

/* The run is to be kept at `path` instead of where it would be by default.
 * ORUN_ESTATE: it is too late for that. */
static int
orun_keep_move(orun *o, const char *path, Buf *why)
{
    OrunKeep *k = o->keep;
    bool begun = o->engine->sched.board.count > 1;
    if (k->journal && !begun && k->config.late && !k->config.resume) {
        journal_close(k->journal, 0); /* it has made no file yet */
        k->journal = NULL;
    } else if (k->journal && orun_keep_same(journal_path(k->journal), path)) {
        return 0; /* as the command line has it */
    } else if (k->journal || begun) {
        buf_puts(why,
                 k->journal ? "the run is kept in " : "a task has begun: ");
        buf_puts(why, k->journal ? k->store : "say it before the first one");
        return ORUN_ESTATE;
    }
    char *copy = mem_dup(path, strlen(path));
    mem_free(k->store);
    k->store = copy;
    k->config.late = false;
    return copy ? 0 : ORUN_ENOMEM;
}

/* With `keeping` held. */
static int
orun_keep_set(orun *o, const char *path, Buf *why)
{
    if (!o->keep && !(o->keep = mem_zalloc(1, sizeof *o->keep)))
        return ORUN_ENOMEM;
    int e = orun_keep_move(o, path, why);
    if (e || o->keep->journal)
        return e;
    return orun_keep_open(o, o->engine->script, why);
}

int
orun_keep_config(Engine *h, const char *path, Buf *why)
{
    orun *o = h->keep_ud;
    if (h->sched.plan && !o->keep)
        return 0; /* it keeps nothing */
    uv_mutex_lock(&o->keeping);
    int e = orun_keep_set(o, path, why);
    uv_mutex_unlock(&o->keeping);
    return e;
}

int
orun_keep_ended(orun *o, int code)
{
    Journal *j = o->keep ? o->keep->journal : NULL;
    if (!j || !journal_broken(j))
        return code;
    buf_clear(&o->message);
    o->status = ORUN_KEEP_BROKEN;
    buf_printf(&o->message,
               "%s; the run was ended, and no result was shown that is not "
               "kept",
               journal_fault(j));
    return ORUN_ESYS;
}

void
orun_keep_free(orun *o)
{
    OrunKeep *k = o->keep;
    if (!k)
        return;
    journal_close(k->journal, o->status);
    mem_free(k->store);
    mem_free(k->resume);
    mem_free(k->again);
    buf_free(&k->texts);
    mem_free(k);
    o->keep = NULL;
}

/* ---- what a host is told ---- */

static int
orun_keep_tell(orun *o, orun_kept_info *info)
{
    OrunKeep *k = o->keep;
    if (!k || !info || info->size != sizeof *info) {
        buf_clear(&o->message);
        buf_printf(&o->message, "orun_kept: %s",
                   k ? "info has another size" : "the run has no store");
        return ORUN_EINVAL;
    }
    *info = (orun_kept_info){
        .size = sizeof *info, .run = "", .path = "", .unasked_names = ""
    };
    if (!k->journal)
        return 0;
    JournalCounts n;
    journal_count(k->journal, &n);
    info->run = journal_run(k->journal);
    info->path = journal_path(k->journal);
    info->fault = journal_fault(k->journal);
    info->kept = n.kept;
    info->found = n.found;
    info->unasked = n.unasked;
    buf_clear(&k->texts);
    journal_unasked_tell(k->journal, ORUN_KEEP_NAMES, &k->texts);
    info->unasked_names = buf_cstr(&k->texts);
    info->secret = n.secret;
    info->odd = n.odd;
    return 0;
}

int
orun_kept(orun *o, orun_kept_info *info)
{
    int e = orun_enter(o, "orun_kept");
    if (e)
        return e;
    return orun_leave(o, orun_keep_tell(o, info));
}
