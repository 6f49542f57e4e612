/* keeper_launch.h — starts the keeper program, and ends it.
 *
 * Its bytes are inside the library; they are executed from a memfd or, where
 * that is refused, from a private file that is removed at once. With
 * posix_spawn the host is never forked.
 */
#ifndef ORUN_KEEPER_LAUNCH_H
#define ORUN_KEEPER_LAUNCH_H

#include "base/base.h"

typedef struct KeeperLink {
    int fd;  /* our end of the socket, non-blocking */
    int pid; /* the keeper's; waited for by the one who launched it */
} KeeperLink;

/* Start a keeper and fill in `link`. It removes `folder` (NULL: none) when orun
 * is killed. TMPDIR of `env` is one place for the file
 * that may be needed. Errors: ORUN_ESYS with errno, `link` untouched. */
int keeper_launch(KeeperLink *link, const char *folder,
                  const char *const *env) NODISCARD;

/* Ask it to end, and wait up to `ms` milliseconds for that; what it still has
 * to say is lost. False when it takes longer. */
bool keeper_launch_ends(const KeeperLink *link, unsigned ms);

/* See that it is dead, and reap it. */
void keeper_launch_bury(const KeeperLink *link);

#endif
