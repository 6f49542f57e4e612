/* orun_setup.c — what a process sets before its first runtime; versions. */
#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/version.h"
#include "embed/api_error.h"
#include "embed/api_guard.h"
#include "embed/api_struct.h"
#include "orun.h"

MUST_BE((int)ORUN_LOG_DEBUG == (int)LOG_DEBUG);
MUST_BE((int)ORUN_LOG_INFO == (int)LOG_INFO);
MUST_BE((int)ORUN_LOG_WARNING == (int)LOG_WARNING);

const char *
orun_version(void)
{
    return ORUN_VERSION;
}

int
orun_api_version(void)
{
    return ORUN_API_VERSION;
}

int
orun_setup(const orun_process *process)
{
    orun_process p = { .size = sizeof p };
    if (!process)
        return api_error_set(NULL, ORUN_EINVAL, "orun_setup: p is NULL");
    if (!api_struct_read(&p, sizeof p, process, sizeof p))
        return api_error_set(NULL, ORUN_EINVAL,
                             "orun_setup: p->size is %zu; expected "
                             "sizeof(orun_process), %zu",
                             process->size, sizeof p);
    if (api_guard_used())
        return api_error_set(NULL, ORUN_ESTATE,
                             "orun_setup: there has been a runtime in this "
                             "process; call it before the first orun_new");
    mem_from(p.alloc, p.ud);
    log_to(p.log, p.ud);
    return 0;
}
