/* key_modules.h — what is in the source of Lua modules, as a hash.
 *
 * A Value names a module that its function captures or requires. What counts of
 * it is its source, where package.path of tasks finds it; and that of the
 * modules which it requires by a name that stands in its text, and so on. Of
 * orun's own modules, of modules in C and of what is not found only the name
 * counts: they are not the script's to edit.
 *
 * A source is read once, and again only when its file has changed (inode, size,
 * times).
 */
#ifndef ORUN_KEY_MODULES_H
#define ORUN_KEY_MODULES_H

#include "base/base.h"
#include "base/digest.h"

enum {
    KEY_MODULES_NAME = 200, /* bytes of a name; longer ones are not found */
    KEY_MODULES_TEXT = 16 << 20, /* bytes of a source that count */
    KEY_MODULES_MAX = 1000,      /* modules that one of them leads to */
};

typedef struct KeyModules KeyModules;

/* NULL when memory is out. */
KeyModules *key_modules_new(void);

/* NULL is fine. */
void key_modules_free(KeyModules *m);

/* The hash of the module called so (n bytes), which `path`, a package.path,
 * leads to; zeros when only the name counts. ORUN_ENOMEM. Blocks on the file
 * system; any thread. */
int key_modules_hash(KeyModules *m, const char *path, const char *name,
                     size_t n, unsigned char hash[DIGEST_SIZE]) NODISCARD;

#endif
