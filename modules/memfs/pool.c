/* A page is cut into objects of one size, behind a head of the same size. Pages with a free object
 * are in the list of their size; a page without any object goes back, so nothing of what was
 * deleted keeps memory. */
#include "modules/memfs/pool.h"

#include <stdint.h>
#include <string.h>

#include "modules/memfs/pages.h"

enum { SMALLEST = 64, CLASSES = 5 };

struct slot {
    struct slot *next;  // wiped when it is taken
};

struct slab {  // the first object's place
    struct slab *next, *prev;
    struct slot *unused;
    uint32_t used, class;
};
_Static_assert(sizeof(struct slab) <= SMALLEST, "fits the first object's place");

static struct slab *partly[CLASSES];

static uint32_t class_of(size_t size)
{
    uint32_t c = 0;
    while (((size_t)SMALLEST << c) < size) {
        c++;
    }
    return c;
}

static void leave(struct slab *s)
{
    struct slab **first = &partly[s->class];
    if (s->prev != NULL) {
        s->prev->next = s->next;
    } else {
        *first = s->next;
    }
    if (s->next != NULL) {
        s->next->prev = s->prev;
    }
    s->next = s->prev = NULL;
}

static void enter(struct slab *s)
{
    s->next = partly[s->class];
    if (s->next != NULL) {
        s->next->prev = s;
    }
    partly[s->class] = s;
}

static struct slab *slab_new(uint32_t class)
{
    size_t size = (size_t)SMALLEST << class;
    uint8_t *page = page_take();

    if (page == NULL) {
        return NULL;
    }
    struct slab *s = (struct slab *)(void *)page;
    s->class = class;
    for (size_t at = FS_PAGE - size; at > 0; at -= size) {
        struct slot *o = (struct slot *)(void *)(page + at);
        o->next = s->unused;
        s->unused = o;
    }
    enter(s);
    return s;
}

void *pool_take(size_t size)
{
    if (size == 0 || size > POOL_MAX) {
        return NULL;
    }
    uint32_t class = class_of(size);
    struct slab *s = partly[class] != NULL ? partly[class] : slab_new(class);
    if (s == NULL) {
        return NULL;
    }
    struct slot *o = s->unused;
    s->unused = o->next;
    o->next = NULL;
    s->used++;
    if (s->unused == NULL) {
        leave(s);
    }
    return o;
}

void pool_give(void *object, size_t size)
{
    if (object == NULL) {
        return;
    }
    struct slab *s = (struct slab *)((uintptr_t)object & ~(uintptr_t)(FS_PAGE - 1));
    struct slot *o = object;

    memset(object, 0, size);
    if (s->unused == NULL) {
        enter(s);
    }
    o->next = s->unused;
    s->unused = o;
    if (--s->used == 0) {
        leave(s);
        memset(s, 0, FS_PAGE);
        page_give(s);
    }
}
