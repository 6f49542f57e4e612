/* announce.h — a run says where it is found.
 *
 * `orun tasks` finds the runs of its user by their entries in the registry
 * (run_registry.h): what runs, since when, where its control socket is, and the
 * script's token, which says that whoever has it acts for the run's user. An
 * entry has the lines
 *
 *     pid 4711
 *     began 1764165000.250000 (seconds since 1970)
 *     cwd /srv/shop
 *     script plan.lua
 *     token 0123…
 *     socket /tmp/orun-x/control-1.socket
 *
 * It is made with the first task, by the io thread, so that nobody waits for
 * it, and only where it is wanted: a script without tasks pays nothing. A run
 * that cannot be announced is not found, and runs as ever.
 */
#ifndef ORUN_ANNOUNCE_H
#define ORUN_ANNOUNCE_H

#include "engine/engine.h"

/* There is a task: announce the run, unless that was done or is not wanted. Any
 * thread; cheap. */
void announce_run(Engine *h);

#endif
