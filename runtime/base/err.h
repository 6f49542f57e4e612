/* err.h — the one list of error codes.
 *
 * Functions return 0 or one of these negative codes. The list is an X-macro,
 * so the code, its name and its sentence cannot drift apart.
 */
#ifndef ORUN_ERR_H
#define ORUN_ERR_H

#define ERR_LIST(X) \
    X(ENOMEM, 1, "out of memory") \
    X(EINVAL, 2, "invalid argument") \
    X(ENOENT, 3, "no such task") \
    X(ESTATE, 4, "not allowed in this state") \
    X(ECYCLE, 5, "the tasks would wait for each other for ever") \
    X(ECLAIMED, 6, "already claimed") \
    X(ERESOLVED, 7, "already resolved") \
    X(EBLOCKED, 8, "blocked by unfinished tasks") \
    X(EREMOVED, 9, "the task was removed") \
    X(ETOOBIG, 10, "over a limit") \
    X(ETIMEOUT, 11, "timed out") \
    X(ESTOPPED, 12, "stopped") \
    X(ESHUTDOWN, 13, "shutting down") \
    X(ESYS, 14, "the operating system refused") \
    X(EPROTO, 15, "malformed data") \
    X(EUNSENDABLE, 16, "a value that cannot be sent between states") \
    X(EDEADLOCK, 17, "nothing is left that could end this wait") \
    X(ESYNTAX, 18, "syntax error") \
    X(EFAILED, 19, "the script failed") \
    X(EDEPTH, 20, "tasks are nested too deeply") \
    X(EFORKED, 21, "this process was forked after orun started") \
    X(EBACKLOG, 22, "the inputs and results of this run fill its backlog") \
    X(ETHREAD, 23, "another thread is in a call with this runtime") \
    X(EENDED, 24, "the task that this is done for has ended") \
    X(EFORGOTTEN, 25, \
      "a handle in its input is that of a task which was " \
      "forgotten")

enum {
    ORUN_OK = 0,
#define X(name, number, text) ORUN_##name = -(number),
    ERR_LIST(X)
#undef X
};

/* The code's name ("ENOMEM") or "?"; a string constant. Any thread. */
const char *err_name(int code);

/* The code's sentence ("out of memory") or "unknown error"; a string
 * constant. Any thread. */
const char *err_text(int code);

#endif
