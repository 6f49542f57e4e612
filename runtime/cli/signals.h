/* signals.h — the signals of the command `orun`.
 *
 * They are taken by one thread that waits for them, so no handler runs in the
 * middle of anything. One that somebody had ignored at the start (nohup) stays
 * ignored.
 *
 *   INT TERM HUP   the first interrupts the script: tasks are cancelled, their
 *   USR1 USR2      programs have their grace, Lua code its clean-up; the second
 *                  skips both; a second later the process ends, whatever
 *                  happens: what still runs is named, the temporary folder
 *                  goes, and the supervisor ends what is left
 *   TSTP           the programs stop, the run's clock is paused, orun stops
 *   CONT           all go on where they were
 *   PIPE           is ignored: who finds that the reader of its output has gone
 *                  says so (signals_gone), which interrupts likewise; in the
 *                  end the process dies of the signal
 *   QUIT and the rest do what they do to any program: where that is its end,
 *   the supervisor ends the programs.
 */
#ifndef ORUN_SIGNALS_H
#define ORUN_SIGNALS_H

#include "base/err.h"
#include "orun.h"
#include <stdbool.h>

/* The signals as a program finds them after login, whatever was blocked here,
 * but for a closed pipe: that is an error of the write. Before any thread. */
void signals_tidy(void);

/* Take the signals for this runtime. 0, or the errno when there is no thread
 * to be had; then they do what they do to any program. On the main thread. */
int signals_start(orun *o);

/* The runtime is about to be freed: from now on a signal ends the process at
 * once. The one that has interrupted the script meanwhile, or 0. */
int signals_finish(void);

/* The reader of what is printed has gone. Without a runtime to be ended the
 * process ends at once. Any thread. */
void signals_gone(void);

/* Has it? Then there is nobody to tell what else is wrong. */
bool signals_unread(void);

/* End as this signal ends a program, so that who started it knows. */
void signals_die(int signo);

#endif
