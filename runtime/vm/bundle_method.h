/* bundle_method.h — methods of strings as functions, in the build. */
#ifndef ORUN_BUNDLE_METHOD_H
#define ORUN_BUNDLE_METHOD_H

#include <stddef.h>

/* The Lua source of `n` bytes, ended by a NUL, with each s:format(x) and its
 * like as _string.format(s, x), on the same line: bundled Lua must not depend
 * on what a script makes of `string`, or of the metatable of strings. In new
 * memory; *line is 0, or that of what was not understood. */
char *bundle_method_rewrite(const char *text, size_t n, int *line);

#endif
