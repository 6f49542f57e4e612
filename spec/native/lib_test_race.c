/* lib_test_race.c — many threads claim the same items.
 *
 * The one place where the unit specs use the board from real threads: each
 * claims, gives back and resolves as fast as it can, and whoever holds an item
 * says so in `holder`. Two holders at once, or two winners, are counted.
 */
#include "base/mem.h"
#include "lib_test.h"
#include "sched/claim.h"
#include "sched/lifecycle.h"
#include "sched/sched.h"
#include <lauxlib.h>
#include <pthread.h>
#include <stdatomic.h>

enum { LIB_RACE_THREADS = 16, LIB_RACE_ITEMS = 4096 };

typedef struct LibRace {
    Sched sched;
    Clock clock;
    Runner runner;
    int threads, items;
    bool next; /* claim whatever is next, not each item in turn */
    Task *item[LIB_RACE_ITEMS];
    Task *who[LIB_RACE_THREADS];
    pthread_barrier_t go;
    atomic_int next_who, both;
    atomic_int holder[LIB_RACE_ITEMS], wins[LIB_RACE_ITEMS];
} LibRace;

static double
lib_race_now(Clock *c)
{
    (void)c;
    return 0;
}

static int
lib_race_wake_at(Clock *c, double at)
{
    (void)c;
    (void)at;
    return 0;
}

static void
lib_race_start(Runner *r, Task *t)
{
    uint32_t attempt;
    (void)lifecycle_begin(&container_of(r, LibRace, runner)->sched, t, NULL,
                          &attempt);
}

static void
lib_race_won(LibRace *race, const Task *item, Task *who, bool give_back)
{
    size_t i = (size_t)item->id - 1 - (size_t)race->threads;
    if (atomic_exchange(&race->holder[i], 1))
        race->both++;
    atomic_store(&race->holder[i], 0);
    if (give_back) {
        if (claim_release(&race->sched, race->item[i], who))
            race->both++;
        return;
    }
    race->wins[i]++;
    Outcome o = { .state = TASK_COMPLETED, .code = -1 };
    if (claim_resolve(&race->sched, race->item[i], who, &o))
        race->both++;
}

static void *
lib_race_main(void *arg)
{
    LibRace *race = arg;
    Task *who = race->who[race->next_who++];
    size_t open = 1;
    pthread_barrier_wait(&race->go);
    for (int i = 0; !race->next && i < race->items; i++)
        if (claim_item(&race->sched, race->item[i], who, NULL) == 0)
            lib_race_won(race, race->item[i], who, false);
    for (int i = 0; race->next && open; i++) {
        Task *item;
        if (claim_next(&race->sched, who, NULL, &item, &open))
            continue;
        if (item)
            lib_race_won(race, item, who, i % 3 == 0);
    }
    return NULL;
}

static Task *
lib_race_add(LibRace *race, TaskKind kind)
{
    Task *t, draft = { .kind = (uint8_t)kind };
    Task *root = race->sched.board.root;
    return lifecycle_add(&race->sched, &draft, root, NULL, 0, &t) ? NULL : t;
}

static void
lib_race_run(LibRace *race)
{
    pthread_t thread[LIB_RACE_THREADS];
    pthread_barrier_init(&race->go, NULL, (unsigned)race->threads);
    for (int i = 0; i < race->threads; i++)
        if (pthread_create(&thread[i], NULL, lib_race_main, race))
            abort(); /* the others would wait for it for ever */
    for (int i = 0; i < race->threads; i++)
        pthread_join(thread[i], NULL);
    pthread_barrier_destroy(&race->go);
}

static LibRace *
lib_race_new(lua_State *L)
{
    LibRace *race = lua_newuserdatauv(L, sizeof *race, 0);
    memset(race, 0, sizeof *race);
    race->threads = (int)lib_test_number(L, 1, "threads", 4);
    race->items = (int)lib_test_number(L, 1, "items", 100);
    race->next = lib_test_flag(L, 1, "next");
    luaL_argcheck(
        L, race->threads <= LIB_RACE_THREADS && race->items <= LIB_RACE_ITEMS,
        1, "too many");
    race->clock = (Clock){ .now = lib_race_now, .wake_at = lib_race_wake_at };
    race->runner = (Runner){ .start = lib_race_start };
    return race;
}

/* race{threads=4, items=100, next=false} -> {winners of each item}, how often
 * an item had two holders */
static int
lib_test_race(lua_State *L)
{
    luaL_checktype(L, 1, LUA_TTABLE);
    LibRace *race = lib_race_new(L);
    if (sched_init(&race->sched, &race->clock,
                   (const int[SLOT_KINDS]){ race->threads, 1, 1 },
                   lifecycle_timer_due))
        return luaL_error(L, "out of memory");
    race->sched.runner[TASK_LUA] = &race->runner;
    bool made = true;
    for (int i = 0; i < race->threads && made; i++)
        made = (race->who[i] = lib_race_add(race, TASK_LUA)) != NULL;
    for (int i = 0; i < race->items && made; i++)
        made = (race->item[i] = lib_race_add(race, TASK_ITEM)) != NULL;
    if (made)
        lib_race_run(race);
    sched_destroy(&race->sched);
    lua_createtable(L, race->items, 0);
    for (int i = 0; i < race->items; i++) {
        lua_pushinteger(L, race->wins[i]);
        lua_rawseti(L, -2, i + 1);
    }
    lua_pushinteger(L, race->both);
    return 2;
}

int
luaopen_test_race(lua_State *L)
{
    lua_pushcfunction(L, lib_test_race);
    return 1;
}
