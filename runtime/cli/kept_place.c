/* kept_place.c — where runs are kept, by the environment. */
#include "cli/kept_place.h"
#include <stdlib.h>
#include <string.h>

const char *
kept_place_set(bool *none)
{
    const char *set = getenv("ORUN_STORE");
    *none = set && (!*set || strcmp(set, "0") == 0);
    return *none ? NULL : set;
}

bool
kept_place_folder(Buf *path)
{
    const char *state = getenv("XDG_STATE_HOME"), *home = getenv("HOME");
    if (state && state[0] == '/')
        buf_printf(path, "%s/orun/kept/", state);
    else if (home && home[0] == '/')
        buf_printf(path, "%s/.local/state/orun/kept/", home);
    return path->n > 0 && !buf_failed(path);
}
