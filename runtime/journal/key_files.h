/* key_files.h — what is in files and folders, as a hash.
 *
 * Of a file its bytes count; of a symbolic link where it leads, which is not
 * followed; of a folder the names in it and what each of them is. What is not
 * there counts as missing, what cannot be read by the error. Of pipes, sockets
 * and devices only what they are counts: they are not opened. Neither times nor
 * permissions nor owners count. Folders named `.git` are left out, and so is
 * what lies at or below one of the paths `but`: what a task writes is no
 * reason to do it again.
 */
#ifndef ORUN_KEY_FILES_H
#define ORUN_KEY_FILES_H

#include "base/base.h"
#include "base/digest.h"

enum {
    KEY_FILES_DEPTH = 64,       /* folders in folders; beyond counts as ELOOP */
    KEY_FILES_PIECE = 64 << 10, /* bytes that are read at once */
};

/* The hash of what is at `path`, but for the n paths `but`; all are absolute
 * and plain (writes_path). ORUN_ENOMEM. Blocks on the file system; any
 * thread. */
int key_files_hash(const char *path, char *const *but, size_t n,
                   unsigned char hash[DIGEST_SIZE]) NODISCARD;

#endif
