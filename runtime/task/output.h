/* output.h — what a program prints, kept in bounded memory.
 *
 * The first `keep` bytes stay in memory; when more comes, everything goes to
 * a file in the run's folder, so a flood costs disk and not memory and no byte
 * is lost. One thread writes (io), any thread may read meanwhile, and may ask
 * to be told of the next write: an Output has its own small lock, and files are
 * read outside it. An Output is counted:
 * the last drop frees it (its file stays until the run's folder goes).
 */
#ifndef ORUN_OUTPUT_H
#define ORUN_OUTPUT_H

#include "base/base.h"
#include "base/buf.h"
#include "task/folder.h"

typedef struct Output Output;

/* An empty Output with one holder; NULL when memory is out. `keep`: bytes kept
 * in memory before the file is started (at least 1). With no folder, what is
 * past `keep` is dropped and output_error says so. */
Output *output_new(Folder *f, size_t keep) NODISCARD;

/* One holder more, one less; the last drop frees. NULL is fine. Any thread. */
Output *output_hold(Output *o);
void output_drop(Output *o);

/* Append; false when not all of it is kept. A disk that is full, or nearly so
 * (1 GiB or a twentieth of it is left to others), loses nothing silently: the
 * error sticks, later bytes are dropped, and output_error returns its text. One
 * thread at a time. */
bool output_write(Output *o, const void *p, size_t n);

/* No more will be written: the file's descriptor is closed. By the writer. */
void output_end(Output *o);

/* It has ended: of more than `keep` bytes none stays in memory, if they can be
 * in the file instead. By the writer. */
void output_rest(Output *o, size_t keep);

/* Bytes of memory it holds; NULL is fine. Any thread. */
size_t output_held(Output *o);

/* `grew` is called after the next write, and after one that output_watch has
 * asked about; by the writer, with no lock held. Before the first write. */
void output_on_growth(Output *o, void (*grew)(void *ud), void *ud);

/* Ask to be told of the next write. True when there are more than `have` bytes
 * already. Any thread. */
bool output_watch(Output *o, size_t have);

/* Copy up to n bytes from offset `from` on; returns how many, fewer where the
 * output ends (or its file was cut by somebody else). Any thread. */
size_t output_read_at(Output *o, size_t from, char *to, size_t n);

/* Bytes kept so far. Any thread. */
size_t output_size(Output *o);

/* NULL, or why bytes could not be kept (lives as long as o). Any thread. */
const char *output_error(Output *o);

/* Keep a copy of fd, which makes room for the file's descriptor when that has
 * to be made; and see that there is one more for others. 0, or the errno when
 * they cannot be had. Before the first write. */
int output_reserve(Output *o, int fd) NODISCARD;

/* Copy at most `max` bytes from the start into `to`. When there is more, the
 * copy is cut after its last whole line (or at `max` when there is none) and
 * a line "[cut: N of M bytes; the whole is in PATH]" follows, and true is
 * returned; the file is made then if it was not there. Any thread. */
bool output_copy(Output *o, size_t max, Buf *to);

/* Copy the last `max` bytes at most into `to`; returns how many there are
 * before them. Any thread. */
size_t output_tail(Output *o, size_t max, Buf *to);

/* The file that holds all of it (lives as long as o): NULL while all is in
 * memory. Any thread. */
const char *output_path(Output *o);

#endif
