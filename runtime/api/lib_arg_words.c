/* lib_arg_words.c — the known word that an unknown one was meant for.
 *
 * Users of make, xargs, a subprocess module or a workflow engine write what is
 * right there, and anybody mistypes. No such word is accepted; a message names
 * ours.
 */
#include "api/lib_arg.h"
#include <ctype.h>
#include <lauxlib.h>

typedef struct ArgWords {
    const char *ours;
    const char *theirs; /* each between blanks; small letters only */
} ArgWords;

/* When several of ours may be meant, the first that is known counts. */
static const ArgWords arg_words[] = {
    { "command",
      " cmd argv args exec execute executable shell program process "
      "cmdline commandline sh bash script " },
    { "args", " arguments argv options flags " },
    { "run", " fn func function callback handler body call lambda code work " },
    { "blockedBy",
      " deps dep dependson depends dependencies dependency after "
      "needs requires waitfor waitsfor blockers blockedon "
      "upstream prerequisites " },
    { "cwd",
      " dir workdir workingdir workingdirectory directory folder chdir "
      "path root " },
    { "env", " environment environ envs vars variables envvars " },
    { "description", " name title label subject summary desc activeform " },
    { "name", " title label id description " },
    { "subagent_type", " agent agenttype type agentname subagent worker " },
    { "run_in_background",
      " background async bg detached nowait inbackground "
      "parallel " },
    { "input",
      " data arg param params parameters payload stdin value values "
      "args inputs " },
    { "prompt",
      " message instructions instruction question text query "
      "details content " },
    { "timeout", " timelimit deadline maxtime ttl timeoutms expires seconds " },
    { "retry", " retries tries attempts maxretries maxattempts maxtries " },
    { "pool",
      " limit concurrency queue semaphore slots jobs maxparallel "
      "parallelism parallel maxworkers workers " },
    { "limit",
      " pool concurrency queue semaphore jobs maxparallel parallelism "
      "parallel maxworkers workers " },
    { "slots", " size limit concurrency max count capacity " },
    { "writes", " files outputs outfiles targets locks lock touches " },
    { "memory_limit", " memory mem maxmemory ram memlimit " },
    { "max_output", " outputlimit maxbytes maxsize buffer " },
    { "task_id", " id taskid task handle " },
    { "block", " wait blocking await join " },
    { "metadata", " meta tags labels annotations extra " },
    { "owner", " assignee claimedby worker " },
    { "output", " result results value returns stdout " },
    { "error", " reason message err why " },
    { "priority", " prio nice urgency weight " },
    { "isolation", " sandbox isolated isolate worktree " },
    { "key", " idempotencykey cachekey idempotency " },
    { "schema", " jsonschema responseformat outputschema format " },
    { "status", " state " },
    { "backoff", " delay sleep pause interval " },
    { "max", " times tries attempts retries limit maxretries maxattempts " },
    { "on", " when kinds errors only " },
    { "url", " uri address endpoint href " },
    { "headers", " header " },
    { "body", " data payload content " },
    { "items", " tasks list jobs " },
    { "addBlockedBy", " blockedby deps dependson after needs " },
    { "addBlocks", " blocks before " },
};

/* `word` without blanks, dashes, underscores and capitals, between two blanks;
 * false when it is too long for any of ours. */
static bool
arg_plain(const char *word, char *to, size_t size)
{
    size_t n = 0;
    to[n++] = ' ';
    for (; *word && n + 3 < size; word++)
        if (isalnum((unsigned char)*word))
            to[n++] = (char)tolower((unsigned char)*word);
    to[n++] = ' ';
    to[n] = '\0';
    return !*word && n > 2;
}

const char *
arg_meant(const char *word, const char *const *known, int n)
{
    char plain[32];
    if (!arg_plain(word, plain, sizeof plain))
        return NULL;
    for (size_t i = 0; i < countof(arg_words); i++) {
        if (!strstr(arg_words[i].theirs, plain))
            continue;
        for (int k = 0; k < n; k++)
            if (strcmp(known[k], arg_words[i].ours) == 0)
                return known[k];
    }
    return NULL;
}

/* How many letters are wrong, missing, too many or swapped with the next one:
 * the distance of optimal string alignment, without regard to case. */
static int
arg_distance(const char *a, const char *b)
{
    enum { MAX = 32 };
    size_t n = strlen(a), m = strlen(b);
    int row[MAX + 1][MAX + 1];
    if (n > MAX || m > MAX)
        return MAX;
    for (size_t i = 0; i <= n; i++)
        row[i][0] = (int)i;
    for (size_t j = 0; j <= m; j++)
        row[0][j] = (int)j;
    for (size_t i = 1; i <= n; i++)
        for (size_t j = 1; j <= m; j++) {
            int x = a[i - 1] | 32, y = b[j - 1] | 32;
            int best = row[i - 1][j - 1] + (x != y);
            if (row[i - 1][j] + 1 < best)
                best = row[i - 1][j] + 1;
            if (row[i][j - 1] + 1 < best)
                best = row[i][j - 1] + 1;
            if (i > 1 && j > 1 && x == (b[j - 2] | 32) && y == (a[i - 2] | 32)
                && row[i - 2][j - 2] + 1 < best)
                best = row[i - 2][j - 2] + 1;
            row[i][j] = best;
        }
    return row[n][m];
}

const char *
arg_nearest(const char *word, const char *const *known, int n)
{
    const char *best = arg_meant(word, known, n);
    if (best)
        return best;
    int near = (int)(strlen(word) / 3) + 1;
    for (int i = 0; i < n; i++) {
        int d = arg_distance(word, known[i]);
        if (d < near) {
            near = d;
            best = known[i];
        }
    }
    return best;
}

/* nearest(word, {known, …}) -> the known word nearest to it, or nil */
int
lib_nearest(lua_State *L)
{
    const char *known[64];
    int n = 0;
    luaL_checktype(L, 2, LUA_TTABLE);
    lua_settop(L, 2);
    luaL_checkstack(L, countof(known) + 4, NULL);
    while (n < (int)countof(known) && lua_rawgeti(L, 2, n + 1) == LUA_TSTRING)
        known[n++] = lua_tostring(L, -1);
    lua_pushstring(L, arg_nearest(luaL_checkstring(L, 1), known, n));
    return 1;
}
