/* version.h — the version of this orun. Layer 0 (ground). */
#ifndef ORUN_VERSION_H
#define ORUN_VERSION_H

#define ORUN_VERSION "0.1.0"

#endif
