/* bundle.h — the files of lua/ and stdlib/ inside the binary.
 *
 * bundle_make, which runs before anything else is built, turns lua/ and
 * stdlib/ into build/bundle.c: all that is declared here. Source and not
 * bytecode, so any Lua 5.4 can be linked and errors show lines. The chunk of a
 * module is called `[orun]/FILE`. A file that is not Lua is data: its module
 * returns its text (`require "orun.report.page.css"`), as does that of a
 * workflow (lua/workflow/), which is a script.
 */
#ifndef ORUN_BUNDLE_H
#define ORUN_BUNDLE_H

#include "base/base.h"

typedef struct BundleFile {
    const char *name; /* the module's: "orun.llm.sse" */
    const char *file; /* its own, below lua/ or stdlib/: "llm/sse.lua" */
    const char *text; /* Lua, NUL-terminated */
    size_t size;      /* without that NUL */
} BundleFile;

extern const BundleFile bundle_files[];
extern const size_t bundle_count;

/* The file of that name, or NULL. Any thread. */
const BundleFile *bundle_find(const char *name);

#endif
