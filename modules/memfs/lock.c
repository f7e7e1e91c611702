/* Record locks, as POSIX has them: what an owner locks anew replaces what it had there. Two spare
 * records are taken first, so that a change cannot fail half done. */
#include "modules/memfs/pool.h"
#include "modules/memfs/tree_impl.h"

static bool overlaps(const struct lock *l, uint64_t first, uint64_t last)
{
    return l->first <= last && l->last >= first;
}

static void lock_end(struct lock **at)
{
    struct lock *l = *at;
    *at = l->next;
    pool_give(l, sizeof *l);
}

void locks_end(struct node *n)
{
    while (n->file.locks != NULL) {
        lock_end(&n->file.locks);
    }
}

static const struct lock *in_way(const struct node *n, const struct lock *want)
{
    const struct lock *l = n->file.locks;
    while (l != NULL && (l->owner == want->owner || !overlaps(l, want->first, want->last) ||
                         (!l->alone && !want->alone))) {
        l = l->next;
    }
    return l;
}

static size_t count(const struct node *n)
{
    size_t all = 0;
    for (const struct lock *l = n->file.locks; l != NULL; l = l->next) {
        all++;
    }
    return all;
}

/* What `owner` has of first..last is no longer locked. `*spare` is used up when that is in the
 * middle of one lock. */
static void clear(struct node *n, uint64_t owner, uint64_t first, uint64_t last,
                  struct lock **spare)
{
    for (struct lock **at = &n->file.locks; *at != NULL;) {
        struct lock *l = *at;
        if (l->owner != owner || !overlaps(l, first, last)) {
            at = &l->next;
        } else if (l->first >= first && l->last <= last) {
            lock_end(at);
        } else if (l->first < first && l->last > last) {
            struct lock *behind = *spare;
            *spare = NULL;
            *behind = *l;
            behind->first = last + 1;
            l->last = first - 1;
            l->next = behind;
            return;  // no other of this owner overlaps
        } else {
            l->first = l->first < first ? l->first : last + 1;
            l->last = l->first < first ? first - 1 : l->last;
            at = &l->next;
        }
    }
}

nos_status_t node_lock(struct node *n, uint64_t owner, enum nos_fs_lock kind, uint64_t first,
                       uint64_t last, struct lock *in_the_way)
{
    bool test = (kind & NOS_FS_TEST) != 0;
    uint32_t what = (uint32_t)kind & ~(uint32_t)NOS_FS_TEST;
    bool unlock = what == NOS_FS_UNLOCK;
    const struct lock want = {
        .owner = owner, .first = first, .last = last, .alone = what == NOS_FS_ALONE
    };

    if (last < first || what > NOS_FS_ALONE) {
        return NOS_INVALID;
    }
    const struct lock *other = unlock ? NULL : in_way(n, &want);
    if (other != NULL) {
        *in_the_way = *other;
        return NOS_WOULD_BLOCK;
    }
    if (test) {
        return NOS_OK;
    }
    if (unlock && first == 0 && last == UINT64_MAX) {
        clear(n, owner, first, last, NULL);  // nothing is left to be kept: cannot fail
        return NOS_OK;
    }
    if (count(n) + 2 > NODE_LOCKS_MAX) {
        return NOS_NO_SLOT;
    }
    struct lock *spare = pool_take(sizeof *spare), *own = unlock ? NULL : pool_take(sizeof *own);
    nos_status_t st = spare == NULL || (!unlock && own == NULL) ? NOS_NO_MEMORY : NOS_OK;
    if (st == NOS_OK) {
        clear(n, owner, first, last, &spare);
    }
    if (st == NOS_OK && own != NULL) {
        *own = want;
        own->next = n->file.locks;
        n->file.locks = own;
        own = NULL;
    }
    pool_give(spare, sizeof *spare);
    pool_give(own, sizeof *own);
    return st;
}
