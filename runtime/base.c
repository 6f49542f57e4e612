/* base.c — the two thread roles that base.h names. */
#include "base.h"

Role role_io;
Role role_worker;
