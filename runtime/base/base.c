/* base.c — the two thread roles that base.h names. */
#include "base/base.h"

Role role_io;
Role role_worker;
