/* orun_own.c — how calls of the C API begin, end, and say what is wrong. */
#include "embed/orun_own.h"
#include "base/sanitize.h"

int
orun_enter(orun *o, const char *fn)
{
    int e = api_guard_enter(orun_guard(o));
    return e ? orun_refuse(o, e, fn) : 0;
}

int
orun_hold(orun *o, const char *fn)
{
    int e = api_guard_hold(orun_guard(o));
    return e ? orun_refuse(o, e, fn) : 0;
}

int
orun_leave(orun *o, int code)
{
    o->said = api_error_now();
    if (code)
        api_error_set(o, code, "%s", orun_message(o, code));
    api_guard_leave(&o->guard);
    return code;
}

int
orun_refuse(orun *o, int code, const char *fn)
{
    const char *why = err_text(code);
    if (code == ORUN_EINVAL)
        why = o ? "o is not a runtime (it was freed, or never one)"
                : "o is NULL";
    else if (code == ORUN_ESTATE)
        why = "called by a script of this runtime, or by a function that it "
              "calls";
    return api_error_set(o, code, "%s: %s", fn, why);
}

int
orun_fail(orun *o, int code, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    buf_clear(&o->message);
    buf_vprintf(&o->message, format, args);
    va_end(args);
    return code;
}

void
orun_make_safe(orun *o)
{
    Buf safe = { 0 };
    sanitize_put(&safe, o->message.p, o->message.n, SANITIZE_TEXT);
    safe.failed |= buf_failed(&o->message); /* orun_errmsg reports that */
    buf_free(&o->message);
    o->message = safe;
}

const char *
orun_message(orun *o, int code)
{
    if (buf_failed(&o->message))
        return err_text(ORUN_ENOMEM);
    return o->message.n || code == 0 ? buf_cstr(&o->message) : err_text(code);
}
