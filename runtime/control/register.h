/* register.h — registers this run, so that other programs can find it.
 *
 * `orun tasks` finds the runs of its user by their entries in the registry
 * (run_registry.h). An entry says what runs, since when and in which folder,
 * and has the path of the control socket and the script's token, with which a
 * program acts for the run's user:
 *
 *     pid 4711
 *     began 1764165000.250000 (seconds since 1970)
 *     cwd /srv/shop
 *     script plan.lua
 *     token 0123…
 *     socket /tmp/orun-x/control-1.socket
 *
 * The io thread writes the entry when the first task is made, so no script
 * waits for it and one without tasks costs nothing. Embedders enable it with
 * `listed`. A run that cannot be registered works as usual, but is not found.
 */
#ifndef ORUN_REGISTER_H
#define ORUN_REGISTER_H

#include "engine/engine.h"

/* Register the run, unless it is registered or registration is disabled. Called
 * for each new task. Any thread; cheap. */
void register_run(Engine *h);

#endif
