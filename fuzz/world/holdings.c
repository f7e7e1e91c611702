/* Handles, what is revoked by them, and memory: kept as a kernel does. */
#include "fuzz/world/world_impl.h"

#include "abi/info.h"
#include "fuzz/fuzz.h"
#include "sdk/guard.h"

uint32_t world_cell(uint32_t parent)
{
    if (world.n_cells == WORLD_CELLS - 1) {
        longjmp(world.out, 1);
    }
    world.parent[++world.n_cells] = parent;
    return world.n_cells;
}

uint32_t world_give(uint32_t type, uint32_t pages)
{
    for (uint32_t i = 1; i < WORLD_HANDLES; i++) {
        if (!world.thing[i].open) {
            world.thing[i] = (struct thing){ true, type, pages, world_cell(0) };
            world.n_open++;
            return i;
        }
    }
    longjmp(world.out, 1);  // it hoards: no test of anything
}

struct thing *world_find(uint64_t h)
{
    return h > 0 && h < WORLD_HANDLES && world.thing[h].open ? &world.thing[h] : NULL;
}

nos_status_t world_close(uint64_t h)
{
    struct thing *t = world_find(h);
    if (t == NULL) {
        return NOS_BAD_HANDLE;
    }
    t->open = false;
    world.n_open--;
    return NOS_OK;
}

nos_status_t world_map(uint64_t h, uint64_t *at)
{
    const struct thing *t = world_find(h);
    struct mapping *m = world.map;

    if (t == NULL || t->type != NOS_TYPE_REGION) {
        return t == NULL ? NOS_BAD_HANDLE : NOS_WRONG_TYPE;
    }
    while (m < world.map + WORLD_MAPPINGS && m->at != NULL) {
        m++;
    }
    if (m == world.map + WORLD_MAPPINGS) {
        return NOS_QUOTA;
    }
    *m = (struct mapping){ calloc(t->pages, PAGE), (size_t)t->pages * PAGE, h, t->cell };
    PROMISE(m->at != NULL);
    world_fill(m->at, m->len < 512 ? m->len : 512);
    *at = (uint64_t)m->at;
    return NOS_OK;
}

static struct mapping *mapping_at(uint64_t at)
{
    for (struct mapping *m = world.map; m < world.map + WORLD_MAPPINGS; m++) {
        if (m->at != NULL && (uint64_t)m->at == at) {
            return m;
        }
    }
    return NULL;
}

static void drop(struct mapping *m)
{
    free(m->at);
    m->at = NULL;
}

nos_status_t world_unmap(uint64_t at)
{
    struct mapping *m = mapping_at(at);

    if (m == NULL) {
        return NOS_NOT_FOUND;
    }
    drop(m);
    return NOS_OK;
}

static bool below(uint32_t cell, uint32_t of)
{
    while (cell != of && cell != 0) {
        cell = world.parent[cell];
    }
    return cell == of;
}

nos_status_t world_revoke(uint64_t h)
{
    const struct thing *t = world_find(h);

    for (struct mapping *m = world.map; t != NULL && m < world.map + WORLD_MAPPINGS; m++) {
        if (m->at != NULL && below(m->cell, t->cell)) {
            drop(m);
        }
    }
    return t == NULL ? NOS_BAD_HANDLE : NOS_OK;
}

void world_meddle(void)
{
    uint8_t which = world_byte() % WORLD_MAPPINGS;
    struct mapping *m = &world.map[which];
    uint64_t where = world_word() % 64 * 4;

    if (m->at != NULL) {
        store_le64(m->at + where, world_word());
    }
}

mspan_t world_memory(uint64_t handle)
{
    for (const struct mapping *m = world.map; m < world.map + WORLD_MAPPINGS; m++) {
        if (m->at != NULL && m->of == handle) {
            return mspan_of(m->at, m->len);
        }
    }
    return mspan_of(NULL, 0);
}

span_t world_mapped(uint64_t at)
{
    const struct mapping *m = mapping_at(at);
    return m == NULL ? span_of(NULL, 0) : span_of(m->at, m->len);
}

unsigned world_handles(void)
{
    return world.n_open;
}

unsigned world_mappings(void)
{
    unsigned n = 0;
    for (uint32_t i = 0; i < WORLD_MAPPINGS; i++) {
        n += world.map[i].at != NULL;
    }
    return n;
}

/* Memory of another capsule: touched beyond its end it is as if that capsule had ended; and it may
 * end at any time. */
bool nos_guarded(const struct nos_guard_range *range, void (*run)(void *), void *arg)
{
    const uint8_t *from = range->from;

    for (const struct mapping *m = world.map; m < world.map + WORLD_MAPPINGS; m++) {
        if (m->at != NULL && from >= m->at && from <= m->at + m->len) {
            if (range->len > (size_t)(m->at + m->len - from) || world_byte() == 254) {
                return false;
            }
            run(arg);
            return true;
        }
    }
    return false;
}
