/* kept_place.h — where a run is kept that does not say it on its command line.
 */
#ifndef ORUN_KEPT_PLACE_H
#define ORUN_KEPT_PLACE_H

#include "base/buf.h"
#include <stdbool.h>

/* The store that ORUN_STORE names; NULL: it names none, and with *none nothing
 * is to be kept (it is empty or "0"). */
const char *kept_place_set(bool *none);

/* Append the folder of runs that are kept by default: "…/orun/kept/" in the
 * user's state folder. False: there is no such folder, or memory is out. */
bool kept_place_folder(Buf *path);

#endif
