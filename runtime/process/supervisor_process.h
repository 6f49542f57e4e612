/* supervisor_process.h — starts the supervisor's process, and ends it.
 *
 * The bytes of its program are inside the library. They are executed from a
 * memfd or, where that is refused, from a private file that is removed at once.
 * It is started with posix_spawn, so the embedder is never forked.
 */
#ifndef ORUN_SUPERVISOR_PROCESS_H
#define ORUN_SUPERVISOR_PROCESS_H

#include "base/base.h"

typedef struct SupervisorProcess {
    int fd;  /* our end of the socket, non-blocking */
    int pid; /* waited for by the code that started it */
} SupervisorProcess;

/* Start it and set *p. It removes `folder` (NULL: none) if orun is killed.
 * TMPDIR of `env` is one place for the file that may be needed. Errors:
 * ORUN_ESYS with errno, and *p untouched. */
int supervisor_process_start(SupervisorProcess *p, const char *folder,
                             const char *const *env) NODISCARD;

/* Ask it to end, and wait up to `ms` milliseconds for that; what it still sends
 * is dropped. False when it takes longer. */
bool supervisor_process_end(const SupervisorProcess *p, unsigned ms);

/* Kill it, unless it has ended, and reap it. */
void supervisor_process_kill(const SupervisorProcess *p);

#endif
