/* vm.c — Lua states: the script's, and pristine pooled ones for tasks.
 *
 * The life of a task's state: vm_take copies the image into a slice, an unused
 * one or a new one, points it at its Vm and seeds its random numbers. vm_give
 * runs the handlers that must run at the end, and keeps the slice for the next
 * task. Nothing is opened, and mostly nothing is closed. If a task made no
 * userdata there is nothing with a finalizer: a task's tables cannot have one,
 * and those of the image do not matter (the three standard files, which stay
 * open, and the list of loaded C libraries, which stay loaded). So lua_close
 * would only free, one by one, blocks that are dropped as a whole.
 *
 * A build with -DORUN_MALLOC_STATES has no slices: every block is malloc'd and
 * every state is opened and closed, so that sanitizers see all of it.
 */
#include "vm/vm.h"
#include "base/err.h"
#include "base/list.h"
#include "base/mem.h"
#include "vm/arena.h"
#include "vm/vm_image.h"
#include "vm/vm_open.h"
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#ifdef ORUN_MALLOC_STATES
enum { VM_SLICES = 0 };
#else
enum { VM_SLICES = 1 };
#endif

enum { VM_POOLED = 64 };

/* A Vm, and what only this file uses. */
typedef struct VmCell {
    Vm vm;
    List link; /* while it is unused */
    Arena *arena;
    bool heap;       /* the arena is malloc'd, not a slice */
    bool closed;     /* by vm_close; nothing is left to run */
    VmImage *image;  /* what it was copied from; NULL: it was opened */
    ArenaImage *own; /* that image with the addresses of this slice */
} VmCell;

struct VmPool {
    VmConfig config; /* paths and `more` under the lock, the rest constant */
    lua_CFunction *more; /* what config.more points to */
    uint64_t seed[2];
    uv_mutex_t lock;
    List resting; /* newest first: its memory is still in the cache */
    size_t resting_count;
    ArenaMap map;
    VmImage *image;
    bool no_image;  /* it could not be made: open every state */
    uint64_t taken; /* states so far */
    size_t out;     /* of them not given back */
};

static inline VmCell *
vm_cell(Vm *vm)
{
    return container_of(vm, VmCell, vm);
}

/* The script's state */

int
vm_script_new(const VmConfig *config, Vm **out)
{
    int e = vm_open_init();
    if (e)
        return e;
    VmCell *cell = mem_zalloc(1, sizeof *cell);
    if (!cell)
        return ORUN_ENOMEM;
    stop_setup(&cell->vm.stop);
    cell->vm.script = true;
    cell->vm.exit_code = -1;
    cell->heap = true;
    cell->arena = arena_heap_new();
    e = cell->arena ? vm_open(&cell->vm, cell->arena, config) : ORUN_ENOMEM;
    if (e)
        goto fail;
    arena_limit(cell->arena, &cell->vm.limit, &cell->vm.over_limit);
    *out = &cell->vm;
    return 0;
fail:
    arena_heap_free(cell->arena);
    stop_destroy(&cell->vm.stop);
    mem_free(cell);
    return e;
}

void
vm_script_free(Vm *vm)
{
    if (!vm)
        return;
    VmCell *cell = vm_cell(vm);
    stop_close_state(&vm->stop, vm->L);
    arena_heap_free(cell->arena);
    stop_destroy(&vm->stop);
    mem_free(cell);
}

/* The pool */

static char *
vmpool_copy(const char *s)
{
    return s ? mem_dup(s, strlen(s)) : NULL;
}

/* States are made anew from now on. With the lock held; returns what to free
 * without it. */
static VmImage *
vmpool_take_image(VmPool *p)
{
    VmImage *old = p->image;
    p->image = NULL;
    p->no_image = false;
    return old && --old->refs == 0 ? old : NULL;
}

/* Can a state be opened as the pool is to? */
static int
vmpool_try(VmPool *p)
{
    VmCell cell = { .vm = { .exit_code = -1 } };
    cell.arena = arena_heap_new();
    if (!cell.arena)
        return ORUN_ENOMEM;
    stop_setup(&cell.vm.stop);
    uv_mutex_lock(&p->lock);
    int e = vm_open(&cell.vm, cell.arena, &p->config);
    uv_mutex_unlock(&p->lock);
    if (e == 0)
        stop_close_state(&cell.vm.stop, cell.vm.L);
    arena_heap_free(cell.arena);
    stop_destroy(&cell.vm.stop);
    return e;
}

int
vmpool_add_open(VmPool *p, lua_CFunction open)
{
    uv_mutex_lock(&p->lock);
    size_t n = p->config.more_count;
    lua_CFunction *all = mem_realloc(p->more, (n + 1) * sizeof *all);
    VmImage *old = NULL;
    if (all) {
        all[n] = open;
        p->config.more = p->more = all;
        p->config.more_count = n + 1;
        old = vmpool_take_image(p);
    }
    uv_mutex_unlock(&p->lock);
    vm_image_free(old);
    int e = all ? vmpool_try(p) : ORUN_ENOMEM;
    if (e && all) {
        uv_mutex_lock(&p->lock);
        p->config.more_count = n;
        uv_mutex_unlock(&p->lock);
    }
    return e;
}

int
vmpool_set_path(VmPool *p, const char *path, const char *cpath)
{
    char *new_path = vmpool_copy(path), *new_cpath = vmpool_copy(cpath);
    if ((path && !new_path) || (cpath && !new_cpath)) {
        mem_free(new_path);
        mem_free(new_cpath);
        return ORUN_ENOMEM;
    }
    uv_mutex_lock(&p->lock);
    char *old_path = (char *)p->config.path;
    char *old_cpath = (char *)p->config.cpath;
    p->config.path = new_path;
    p->config.cpath = new_cpath;
    VmImage *old = vmpool_take_image(p);
    uv_mutex_unlock(&p->lock);
    mem_free(old_path);
    mem_free(old_cpath);
    vm_image_free(old);
    return 0;
}

void
vmpool_path(VmPool *p, Buf *out)
{
    uv_mutex_lock(&p->lock);
    if (p->config.path)
        buf_puts(out, p->config.path);
    uv_mutex_unlock(&p->lock);
}

static void
vmpool_seed(VmPool *p)
{
    p->seed[0] = p->config.seed;
    if (p->config.seed
        || getrandom(p->seed, sizeof p->seed, GRND_NONBLOCK) == sizeof p->seed)
        return;
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    p->seed[0] = (uint64_t)t.tv_nsec ^ (uint64_t)t.tv_sec << 30;
    p->seed[1] = (uint64_t)getpid() ^ (uint64_t)(uintptr_t)p << 16;
}

int
vmpool_new(const VmConfig *config, VmPool **out)
{
    int e = vm_open_init();
    if (e)
        return e;
    VmPool *p = mem_zalloc(1, sizeof *p);
    if (!p)
        return ORUN_ENOMEM;
    p->config = *config;
    p->config.path = p->config.cpath = NULL;
    if (p->config.pooled == 0)
        p->config.pooled = VM_POOLED;
    uv_mutex_init(&p->lock);
    list_init(&p->resting);
    arena_map_init(&p->map);
    vmpool_seed(p);
    e = vmpool_set_path(p, config->path, config->cpath);
    if (e) {
        vmpool_free(p);
        return e;
    }
    *out = p;
    return 0;
}

static void
vmpool_drop_image(VmImage *image)
{
    if (image && --image->refs == 0)
        vm_image_free(image);
}

static void
vmpool_free_cell(VmPool *p, VmCell *cell)
{
    if (cell->heap)
        arena_heap_free(cell->arena);
    else if (cell->arena)
        arena_map_give(&p->map, cell->arena);
    vmpool_drop_image(cell->image);
    arena_image_free(cell->own);
    stop_destroy(&cell->vm.stop);
    mem_free(cell);
}

void
vmpool_free(VmPool *p)
{
    if (!p)
        return;
    uv_mutex_lock(&p->lock);
    bool in_use = p->out > 0;
    uv_mutex_unlock(&p->lock);
    if (in_use)
        return;
    List *resting;
    while ((resting = list_shift(&p->resting)))
        vmpool_free_cell(p, container_of(resting, VmCell, link));
    vmpool_drop_image(p->image);
    arena_map_free(&p->map);
    uv_mutex_destroy(&p->lock);
    mem_free((char *)p->config.path);
    mem_free((char *)p->config.cpath);
    mem_free(p->more);
    mem_free(p);
}

/* Make the pool's image if there is none. The only error is ORUN_ENOMEM; after
 * other failures states are opened one by one. */
static int
vmpool_make_image(VmPool *p)
{
    if (p->image || p->no_image)
        return 0;
    VmCell cell = { .vm = { .exit_code = -1 } };
    void *slice = VM_SLICES ? arena_map_take(&p->map) : NULL;
    if (!slice)
        return 0;
    cell.arena = arena_in(slice);
    int e = vm_open(&cell.vm, cell.arena, &p->config);
    if (!e)
        e = vm_image_new(cell.arena, cell.vm.L, cell.vm.co, &p->image);
    arena_drop(cell.arena);
    arena_forget(slice);
    arena_map_give(&p->map, slice);
    p->no_image = e && e != ORUN_ENOMEM;
    return p->no_image ? 0 : e;
}

/* An unused cell, or a new one, with memory for a state. */
static VmCell *
vmpool_get_cell(VmPool *p)
{
    VmCell *cell;
    for (List *resting; (resting = list_shift(&p->resting)) != NULL;) {
        p->resting_count--;
        cell = container_of(resting, VmCell, link);
        if (cell->heap || p->image)
            return cell;
        vmpool_free_cell(p, cell); /* there was no memory for a new image */
    }
    cell = mem_zalloc(1, sizeof *cell);
    if (!cell)
        return NULL;
    stop_setup(&cell->vm.stop);
    void *slice = p->image ? arena_map_take(&p->map) : NULL;
    cell->heap = !slice;
    cell->arena = slice ? arena_in(slice) : arena_heap_new();
    if (cell->arena)
        return cell;
    vmpool_free_cell(p, cell);
    return NULL;
}

/* Decide which image the cell is made from. False if it had to be opened
 * instead, and could not be. */
static bool
vmpool_choose(VmPool *p, VmCell *cell)
{
    if (cell->heap)
        return vm_open(&cell->vm, cell->arena, &p->config) == 0;
    if (cell->image == p->image)
        return true;
    vmpool_drop_image(cell->image);
    arena_image_free(cell->own);
    cell->own = NULL;
    cell->image = p->image;
    cell->image->refs++;
    return true;
}

/* A cell that is used for the second time gets an image with its own addresses,
 * so that making it pristine is a plain copy. */
static void
vm_lay(VmCell *cell, bool again)
{
    const ArenaImage *image = cell->own ? cell->own : cell->image->arena;
    char *slice = (char *)cell->arena;
    if (!again)
        arena_touch(slice, arena_image_size(image));
    arena_image_lay(image, slice);
    if (again && !cell->own && arena_image_new(cell->arena, &cell->own) != 0)
        cell->own = NULL;
    cell->vm.L = (lua_State *)(void *)(slice + cell->image->L);
    cell->vm.co = (lua_State *)(void *)(slice + cell->image->co);
    vm_open_point(cell->vm.L, &cell->vm);
    vm_open_point(cell->vm.co, &cell->vm);
}

static uint64_t *
vm_random(VmCell *cell)
{
    if (!cell->image)
        return vm_image_random(cell->vm.L);
    if (!cell->image->random)
        return NULL;
    return (uint64_t *)(void *)((char *)cell->arena + cell->image->random);
}

/* Random numbers of its own: a stretch of the pool's sequence (splitmix64)
 * becomes the generator's state, which is all that randomseed would change. */
static void
vm_seed(VmCell *cell, const uint64_t seed[2], uint64_t number)
{
    uint64_t *random = vm_random(cell);
    for (unsigned i = 0; random && i < 4; i++) {
        uint64_t z = seed[0] + (number * 4 + i + 1) * 0x9e3779b97f4a7c15u;
        z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
        z = (z ^ z >> 27) * 0x94d049bb133111ebu;
        random[i] = z ^ z >> 31 ^ seed[1];
    }
}

/* Make the cell's state pristine, its random numbers the `number`-th. */
static Vm *
vm_begin(VmPool *p, VmCell *cell, bool again, uint64_t number)
{
    Vm *vm = &cell->vm;
    if (cell->image)
        vm_lay(cell, again);
    vm_seed(cell, p->seed, number);
    vm->owner = p->config.ud;
    vm->limit = 0;
    vm->over_limit = false;
    vm->exit_code = -1;
    stop_reset(&vm->stop);
    arena_limit(cell->arena, &vm->limit, &vm->over_limit);
    return vm;
}

Vm *
vm_take(VmPool *p)
{
    uv_mutex_lock(&p->lock);
    VmCell *cell = vmpool_make_image(p) == 0 ? vmpool_get_cell(p) : NULL;
    bool again = cell && cell->image;
    if (cell && !vmpool_choose(p, cell)) {
        vmpool_free_cell(p, cell);
        cell = NULL;
    }
    uint64_t number = p->taken++;
    p->out += cell != NULL;
    uv_mutex_unlock(&p->lock);
    return cell ? vm_begin(p, cell, again, number) : NULL;
}

bool
vm_dirty(const Vm *vm)
{
    const VmCell *cell = container_of(vm, VmCell, vm);
    return !cell->image || lua_status(vm->co) != LUA_OK
        || arena_userdata(cell->arena) > cell->image->userdata;
}

void
vm_close(Vm *vm)
{
    VmCell *cell = vm_cell(vm);
    vm->limit = 0; /* the handlers must be able to finish */
    if (lua_status(vm->co) != LUA_OK)
        stop_close(&vm->stop, vm->co);
    if (!cell->image || arena_userdata(cell->arena) > cell->image->userdata)
        stop_close_state(&vm->stop, vm->L);
    cell->closed = true;
}

/* Run the handlers and finalizers of a task, and drop its memory. */
static void
vm_end(VmCell *cell)
{
    if (!cell->closed)
        vm_close(&cell->vm);
    cell->closed = false;
    arena_drop(cell->arena);
}

void
vm_give(VmPool *p, Vm *vm)
{
    VmCell *cell = vm_cell(vm);
    vm_end(cell);
    uv_mutex_lock(&p->lock);
    p->out--;
    bool keep = cell->image && p->resting_count < p->config.pooled;
    if (keep) {
        list_after(&p->resting, &cell->link);
        p->resting_count++;
    }
    uv_mutex_unlock(&p->lock);
    if (keep)
        return;
    if (!cell->heap)
        arena_forget(cell->arena);
    uv_mutex_lock(&p->lock);
    vmpool_free_cell(p, cell);
    uv_mutex_unlock(&p->lock);
}

bool
vm_renew(VmPool *p, Vm *vm)
{
    VmCell *cell = vm_cell(vm);
    uv_mutex_lock(&p->lock);
    bool current = cell->image && cell->image == p->image;
    uint64_t number = p->taken++;
    uv_mutex_unlock(&p->lock);
    if (!current)
        return false;
    vm_end(cell);
    vm_begin(p, cell, true, number);
    return true;
}

bool
vm_over_limit(const Vm *vm, int status)
{
    const VmCell *cell = container_of(vm, VmCell, vm);
    return vm->over_limit
        || (status == LUA_ERRMEM && arena_refused(cell->arena));
}
