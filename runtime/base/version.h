/* version.h — which orun this is. */
#ifndef ORUN_VERSION_H
#define ORUN_VERSION_H

#define ORUN_VERSION "0.1.0"

/* Differs for every change of the source: what two processes that exchange
 * functions must agree on. Made during the build. */
extern const char build_id[];

#endif
