/* signals.h — the signals of the command `orun`.
 *
 * One thread waits for them, so no handler interrupts other code. A signal that
 * is ignored at the start (nohup) stays ignored.
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

/* Handle the signals for this runtime. Returns 0, or the errno if no thread can
 * be started; the signals then have their default actions. Main thread only. */
int signals_start(orun *o);

/* The runtime is about to be freed: from now on a signal ends the process at
 * once. Returns the signal that has interrupted the script, or 0. */
int signals_finish(void);

/* The reader of the output is gone: end the runtime, or, if there is none, the
 * process at once. Any thread. */
void signals_gone(void);

/* Is it gone? Then further errors are not printed. */
bool signals_unread(void);

/* End the process by this signal, so that its parent sees it. */
void signals_die(int signo);

#endif
