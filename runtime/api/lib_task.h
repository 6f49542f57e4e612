/* lib_task.h — the primitives as Lua functions.
 *
 * Each file of lib_*.c is a group of functions: they check their arguments,
 * make one call down, and push what came of it. What they share is here.
 */
#ifndef ORUN_LIB_TASK_H
#define ORUN_LIB_TASK_H

#include "task/output.h"
#include "task/task.h"
#include "vm/park.h"
#include <lua.h>

/* What raises is done first; then, with nothing to lose, things are made. A
 * message of the second part is kept here until all is given back. */
typedef struct LibWhy {
    char text[512];
} LibWhy;

/* The script's state is being closed, and finalizers run: what is made for Lua
 * to free would not be freed any more. */
bool lib_closing(const LuaRun *run);

/* Keep the message in `b` (freed); when there is none, memory was out. */
void lib_why(LibWhy *why, const char *fn, struct Buf *b);

/* Say in `why` that the backlog has no room, and what to do about it. */
void lib_why_backlog(LibWhy *why, const char *fn, LuaRun *run);

/* Read `model` at idx, NULL when nil: the name of a model. */
const char *lib_model(lua_State *L, const char *fn, int idx);

/* The n paths of the array at idx, checked, seen from `cwd`; NULL when memory
 * is out. Raises nothing. Blocks on the file system. */
struct Writes *lib_writes(lua_State *L, struct Engine *h, int idx,
                          lua_Integer n, const char *cwd);

/* Read `retry` at idx: a number of tries, or {max=, backoff=, on=}. */
Retry lib_retry(lua_State *L, const char *fn, int idx);

/* Read `permissions` at idx, a TaskPermission: "read", "edit" or "full"; NONE
 * for nil. */
uint8_t lib_permissions(lua_State *L, const char *fn, int idx);

/* What a task of `agent` (NULL: of none) may do: as `permissions` at idx or its
 * type says, and never more than the task that starts it. */
uint8_t lib_granted(lua_State *L, const char *fn, int idx,
                    const struct AgentType *agent);

/* Raise: a command's session is not known, so it cannot go on with one. */
int lib_no_resume(lua_State *L, const char *fn);

/* What isolates a task. */
typedef struct Isolation {
    bool process;  /* a process of its own */
    bool worktree; /* a git worktree of its own */
} Isolation;

/* Read `isolation` at idx, of a Lua task or of a program: "process", "worktree"
 * or an array of both; nothing is neither. */
Isolation lib_isolation(lua_State *L, const char *fn, int idx, bool lua);

/* Read `base` at idx, NULL when nil: what a worktree begins at. Raises when
 * there is none. */
const char *lib_base(lua_State *L, const char *fn, int idx, bool worktree);

/* Check an `env` table at idx: names without "=", and strings, or false to be
 * without that variable. Those that are secrets are known as such from then
 * on. */
void lib_check_env(lua_State *L, const char *fn, int idx);

struct ValueOps;

/* value_encode of the argument `name` at idx by the rules of `base`. What is
 * copied without a metatable that it acts by is told on standard error, once a
 * run. Raises nothing. */
int lib_code_encode(lua_State *L, const char *fn, const char *name, int idx,
                    const struct ValueOps *base, struct Value **out,
                    struct Buf *why);

/* Push the box in which the encoding of the function at idx is kept: a userdata
 * whose Value is NULL the first time; nil when it may not be kept, because the
 * function captures something. Only in the script: a task's state stays free of
 * userdata, which makes it cheap to end. */
void lib_code_box(lua_State *L, int idx);

/* `require` in tasks finds what it finds in the script: hand package.path and
 * cpath on when the script changed them (they are compared by address). */
void lib_code_sync_path(lua_State *L, LuaRun *run);

/* The agent type of that name: defined in the script, or found in a file or
 * among the built-in ones, which defines it. Raises Task's error when there is
 * none. Reads files the first time. */
const struct AgentType *lib_agent_find(lua_State *L, const char *name);

/* Check a command at idx, a non-empty array of strings and numbers; returns its
 * length. */
lua_Integer lib_check_command(lua_State *L, const char *fn, int idx);

/* Push a new table with its n entries as strings. */
void lib_command_strings(lua_State *L, int idx, lua_Integer n);

/* A NULL-terminated copy of its n entries; NULL when memory is out. */
char **lib_command_copy(lua_State *L, int idx, lua_Integer n);

/* What a task that is this command is called: one line, mem_free; NULL when
 * memory is out. */
char *lib_command_title(char *const *argv);

/* Make secrets of the variables named in the array at idx (nil: none), whose
 * values are in the checked `env` at `env` or in orun's environment. */
void lib_read_secrets(lua_State *L, const char *fn, int idx, int env);

/* Raise when an argument of the checked `command` holds a secret, other than
 * those named in the array at `expose` (nil: none). */
void lib_check_exposed(lua_State *L, const char *fn, int command, int expose);

/* "K=V" (and "K") strings of a checked table; NULL with *failed set on no
 * memory. */
char **lib_env(lua_State *L, int idx, bool *failed);

/* Is it the run's own task, or one that this has started, however far down, or
 * claimed? Of the script all are. */
bool lib_related(const LuaRun *run, const Task *t);

/* Is it one that the run's task had to wait for before it began? */
bool lib_related_blocks(const LuaRun *run, const Task *t);

/* Raise when the run's task may not end `t`, which the value at idx means. */
void lib_related_must(lua_State *L, const char *fn, const Task *t, int idx);

/* Raise unless the script itself, or somebody with its token, calls. */
void lib_related_script(lua_State *L, const char *what);

/* Refuse a wait that could never end because what it is for waits for the
 * caller, or needs writes that the caller has. */
void lib_related_cycle(lua_State *L, const WaitFor *what);

/* A wait has ended so: raises for a ring that closed meanwhile; true, with nil
 * and "timeout" pushed, when its time was up. */
bool lib_related_waited(lua_State *L, int outcome);

/* Push the result of a task as TaskOutput returns it. */
void lib_push_result(lua_State *L, Task *t, bool timed_out);

/* The table on top tells that t has failed: until somebody looks at that there,
 * the failure counts as unread. */
void lib_hide_failure(lua_State *L, Task *t);

/* Wait for t (until deadline) and give its result: `return lib_await(...)`. */
int lib_await(lua_State *L, const char *fn, Task *t, double deadline);

enum {
    LIB_MAX_LABEL = 64 << 10,  /* bytes of a description */
    LIB_MAX_PROMPT = 16 << 20, /* bytes of a prompt */
};

/* An Output and a copy of some of it, held by a userdata so that nothing is
 * lost when Lua raises. */
typedef struct LibOutput {
    Output *output;
    Buf text;
} LibOutput;

/* Push an empty one. */
LibOutput *lib_output_box(lua_State *L);

/* Where what a task prints is, as of now: in an Output, or in a string (of a
 * final task, so it stays). Both NULL: its result is a value that is no
 * text. */
typedef struct LibSource {
    Output *output;
    const char *text;
    size_t size;
    bool final;
    lua_Integer attempt; /* with the transcript's number above it */
} LibSource;

/* Look where that is; the box keeps it. Takes the board's lock. */
LibSource lib_source_find(struct Sched *s, Task *t, bool err, LibOutput *box);

/* Push the bytes at the offset, at most `max`; raises when the file that has
 * them cannot be read. */
void lib_source_push(lua_State *L, const LibSource *from, size_t offset,
                     size_t max);

/* Push what output_copy gives, and give back what that did. */
bool lib_output_push(lua_State *L, LibOutput *box, size_t max);

/* Push n bytes of o from the offset on, where there are so many; raises when
 * its file cannot be read. */
void lib_output_push_at(lua_State *L, const char *fn, Output *o, size_t offset,
                        size_t n);

/* Put the draft on the board, where it is *out, blocked by the n tasks from
 * index `first` on and by those that handles inside its input stand for. Errors
 * as lifecycle_add. */
int lib_add(lua_State *L, Task *draft, int first, lua_Integer n, Task **out);

/* Push a task as TaskList shows it: {id, kind, description, status, owner,
 * blockedBy, metadata, attempts, priority, subagent_type}. lib_push_item adds
 * what a worker needs, prompt and input. */
void lib_push_entry(lua_State *L, Task *t);
void lib_push_item(lua_State *L, Task *t);

/* Argument 1 may have names of Claude Code's own tools: taskId; of TaskCreate
 * subject and activeForm; of TaskUpdate these and description. It is replaced
 * by a table with ours. */
void lib_names_id(lua_State *L, const char *fn);
void lib_names_create(lua_State *L, const char *fn);
void lib_names_update(lua_State *L, const char *fn);

/* Remember it; of a call made for an isolated task, the line there. */
void lib_where(lua_State *L, Task *t);

/* Lua functions. */
int lib_task(lua_State *L);
int lib_task_output(lua_State *L);
int lib_task_stop(lua_State *L);
int lib_dismiss(lua_State *L);
int lib_read_output(lua_State *L);
int lib_task_create(lua_State *L);
int lib_task_list(lua_State *L);
int lib_task_get(lua_State *L);
int lib_task_update(lua_State *L);
int lib_claim(lua_State *L);
int lib_clean(lua_State *L);
int lib_entries(lua_State *L);
int lib_real(lua_State *L);
int lib_private_folder(lua_State *L);
int lib_private_file(lua_State *L);
int lib_program_path(lua_State *L);
int lib_script_place(lua_State *L);
int lib_yaml(lua_State *L);
int lib_collector(lua_State *L);
int lib_agent(lua_State *L);
int lib_exec(lua_State *L);
int lib_http(lua_State *L);
int lib_forget(lua_State *L);
int lib_sleep(lua_State *L);
int lib_now(lua_State *L);
int lib_phase(lua_State *L);
int lib_peek(lua_State *L);
int lib_unread(lua_State *L);
int lib_stopping(lua_State *L);
int lib_once(lua_State *L);
int lib_report(lua_State *L);
int lib_key(lua_State *L);
int lib_log(lua_State *L);
int lib_limit(lua_State *L);
int lib_config(lua_State *L);
int lib_control(lua_State *L);

#endif
