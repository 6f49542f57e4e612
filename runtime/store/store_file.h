/* store_file.h — the file of a store: found, checked, locked and watched.
 *
 * All that has to be known of a path before a database may look at it, and
 * that the file is still the one at that path later. Two locks of the kernel,
 * which end with the process that has them, lie on bytes of the file that no
 * database uses: the first is of the open file, so that one handle in all
 * processes has it; the second is of the process, so that another can ask the
 * kernel for its id. They follow the file, whatever it is called.
 *
 * A process must not open a file twice: closing one descriptor of a file would
 * release the locks that SQLite has by another. A list of the open ones sees to
 * that.
 */
#ifndef ORUN_STORE_FILE_H
#define ORUN_STORE_FILE_H

#include "base/base.h"
#include "base/buf.h"
#include "base/list.h"
#include <sys/types.h>

typedef struct StoreFile {
    List link;      /* of the open ones */
    char *path;     /* absolute, its folder without symbolic links */
    char *journal;  /* path of the file that SQLite keeps beside it */
    unsigned flags; /* of StoreFlag */
    int fd;         /* -1 in a second handle of a test */
    dev_t device;
    ino_t inode, journal_inode; /* 0: not seen yet */
} StoreFile;

/* "orun" in a file's header: what says that it is a store. */
enum { STORE_FILE_MARK = 0x6f72756e };

/* Find the file, take its lock (not for STORE_READ) and see that it is a store;
 * where there is none or it is empty, have make() write one to a path beside
 * it, which is then moved there as a whole. Errors as in store.h. */
int store_file_open(StoreFile *f, const char *path, unsigned flags,
                    int (*make)(const char *path, Buf *why),
                    Buf *why) NODISCARD;

/* Have other processes find the id of this one. */
void store_file_sign(StoreFile *f);

/* Does a process have the file open to write it? *pid is its id, 0 when that is
 * not known. Any thread. */
bool store_file_used(const char *path, pid_t *pid);

/* Are the file and its journal still the ones that were opened? 0, or
 * ORUN_ESTATE: what was written since may be in a file without a name. */
int store_file_same(StoreFile *f, Buf *why) NODISCARD;

/* Have the disk keep that a file came to be in the folder of `path`. 0 or
 * ORUN_ESYS. */
int store_file_sync_folder(const char *path) NODISCARD;

void store_file_close(StoreFile *f);

#ifdef ORUN_TEST
/* The type of file system that statfs is to have given; 0: what it gave. */
extern long store_file_fs;

/* As `of`, for a second handle in this process. */
int store_file_again(StoreFile *f, const StoreFile *of) NODISCARD;
#endif

#endif
