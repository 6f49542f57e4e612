/* orun_keep.c — the store of a run: what its tasks end with survives. */
#include "base/err.h"
#include "base/mem.h"
#include "embed/orun_own.h"
#include "journal/journal.h"
#include "sched/lifecycle.h"

typedef struct OrunKeep OrunKeep;

enum { ORUN_KEEP_BROKEN = 74 }; /* exit status: EX_IOERR of sysexits.h */

struct OrunKeep {
    JournalConfig config;
    char *store, *resume;
    char **args;
    Journal *journal; /* NULL: no script has begun */
    Buf texts;        /* of orun_kept */
};

int
orun_keep_new(orun *o, const orun_config *c)
{
    if (!c->store)
        return 0;
    OrunKeep *k = o->keep = mem_zalloc(1, sizeof *k);
    if (!k)
        return ORUN_ENOMEM;
    k->store = mem_dup(c->store, strlen(c->store));
    k->resume = c->resume ? mem_dup(c->resume, strlen(c->resume)) : NULL;
    k->config.late = c->store_late != 0;
    k->config.again = c->resume_failed != 0;
    return k->store && (k->resume || !c->resume) ? 0 : ORUN_ENOMEM;
}

int
orun_keep_args(orun *o, int argc, const char *const *argv)
{
    OrunKeep *k = o->keep;
    if (!k)
        return 0;
    task_strings_free(k->args);
    k->args = mem_zalloc((size_t)argc + 1, sizeof *k->args);
    for (int i = 0; k->args && i < argc; i++)
        if (!(k->args[i] = mem_dup(argv[i], strlen(argv[i]))))
            return ORUN_ENOMEM;
    return k->args ? 0 : ORUN_ENOMEM;
}

/* The store has failed: nothing more is begun, and nothing is shown that is not
 * kept. */
static void
orun_keep_broken(void *ud)
{
    orun_interrupt(ud);
}

int
orun_keep_begin(orun *o, const char *script)
{
    OrunKeep *k = o->keep;
    if (!k || k->journal)
        return 0;
    k->config.path = k->store;
    k->config.resume = k->resume;
    k->config.args = k->args;
    k->config.script = script;
    k->config.broken = orun_keep_broken;
    k->config.ud = o;
    int e = journal_open(o->engine, &k->config, &k->journal, &o->message);
    if (e && !o->message.n)
        buf_puts(&o->message, err_text(e));
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
    task_strings_free(k->args);
    mem_free(k->store);
    mem_free(k->resume);
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
    *info = (orun_kept_info){ .size = sizeof *info, .run = "", .path = "" };
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
    info->secret = n.secret;
    info->odd = n.odd;
    return 0;
}

int
orun_kept(orun *o, orun_kept_info *info)
{
    int e = api_guard_enter(orun_guard(o));
    if (e)
        return e;
    e = orun_keep_tell(o, info);
    api_guard_leave(&o->guard);
    return e;
}
