/* line_editor.h — lines that somebody types on a terminal.
 *
 * With libedit they are edited, completed and recalled; without it they come as
 * the terminal gives them. The thread that reads a line waits for its keys; all
 * others go on, and what they write stands above the line (terminal.h). One at
 * a time, of one thread, but for line_editor_interrupt.
 */
#ifndef ORUN_LINE_EDITOR_H
#define ORUN_LINE_EDITOR_H

#include "base/buf.h"
#include <poll.h>

typedef struct LineEditor LineEditor;

typedef struct LineEditorUse {
    /* Wait until one of the n descriptors can be read; false: the thread is to
     * read no longer. */
    bool (*wait)(void *ud, struct pollfd *all, nfds_t n);
    /* The line up to the cursor is to be completed: append what is inserted
     * there to `more`, or what is shown, to choose from, to `choice`. */
    void (*complete)(void *ud, const char *text, size_t n, Buf *more,
                     Buf *choice);
    void *ud;
} LineEditorUse;

typedef enum LineEditorNews {
    LINE_EDITOR_TEXT,        /* a line, without its end */
    LINE_EDITOR_END,         /* there will be no more of them */
    LINE_EDITOR_INTERRUPTED, /* line_editor_interrupt was called */
    LINE_EDITOR_STOPPED,     /* `wait` has said so */
} LineEditorNews;

/* For the terminal of standard input and output. *why: NULL, or a constant text
 * that says why lines cannot be edited. 0, or an errno (ENOTTY: no terminal).
 */
int line_editor_open(const LineEditorUse *use, LineEditor **out,
                     const char **why) NODISCARD;

/* The terminal is as it was. NULL is allowed. */
void line_editor_close(LineEditor *e);

/* Read a line; of LINE_EDITOR_TEXT it is appended to `line`. */
LineEditorNews line_editor_read(LineEditor *e, const char *prompt, Buf *line);

/* The line can be recalled from now on. */
void line_editor_remember(LineEditor *e, const char *line);

/* The line that is being read is thrown away. Any thread. */
void line_editor_interrupt(LineEditor *e);

/* Was it called since the last line_editor_late? Then, if line_editor_read has
 * returned TEXT, it came too late for that line. To be called after each
 * line_editor_read, when line_editor_interrupt is called for it no more. */
bool line_editor_late(LineEditor *e);

#endif
