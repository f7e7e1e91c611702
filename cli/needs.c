/* What the modules of an image need: what the machine would only find out when it starts them. */
#include <stdlib.h>
#include <string.h>

#include "cli/image.h"
#include "cli/report.h"
#include "lib/order.h"
#include "lib/status.h"

_Static_assert((int)NOS_BOOT_FILES_MAX <= (int)ORDER_MAX, "a boot volume is a set");

struct needs {
    struct nos_supervision about[NOS_BOOT_FILES_MAX];
    order_set all, started;
};

static void read_all(struct needs *n, const struct image *im)
{
    for (uint32_t i = 0; i < im->n_modules; i++) {
        const struct manifest *m = &im->module[i].check.man;
        struct nos_supervision *a = &n->about[i];
        memcpy(a->name, m->name, sizeof(a->name));
        a->n_needs = (uint32_t)(m->needs.len / NOS_NAME_MAX);
        if (m->needs.len != 0) {
            memcpy(a->needs, m->needs.data, m->needs.len);
        }
        n->all[i] = a;
    }
}

/** Take the module of that name to what is started. False: it is not on the volume. */
static bool take(struct needs *n, const char name[NOS_NAME_MAX])
{
    bool found = false;
    for (size_t i = 0; i < ORDER_MAX; i++) {
        if (n->all[i] != NULL && memcmp(n->all[i]->name, name, NOS_NAME_MAX) == 0) {
            n->started[i] = n->all[i];
            found = true;
        }
    }
    return found;
}

static int take_needs(const char *path, struct needs *n, const struct nos_supervision *of)
{
    for (uint32_t k = 0; k < of->n_needs; k++) {
        if (!take(n, of->needs[k])) {
            fail(REFUSED, "%s: %.16s is started and needs %.16s, which is not among the modules",
                 path, of->name, of->needs[k]);
            hint("add the module, also to \"boot\" in the policy source");
            return REFUSED;
        }
    }
    return DONE;
}

static size_t count(const order_set set)
{
    size_t n = 0;
    for (size_t i = 0; i < ORDER_MAX; i++) {
        n += set[i] != NULL;
    }
    return n;
}

static int close_over(const char *path, struct needs *n)
{
    size_t before = 0;
    int rc = DONE;
    while (rc == DONE && count(n->started) != before) {
        before = count(n->started);
        for (size_t i = 0; rc == DONE && i < ORDER_MAX; i++) {
            rc = n->started[i] == NULL ? DONE : take_needs(path, n, n->started[i]);
        }
    }
    return rc;
}

int image_needs(const char *path, const struct image *im)
{
    struct needs *n = must_alloc(sizeof(*n));
    struct nos_pol_start start;
    uint8_t order[ORDER_MAX];
    size_t placed;
    memset(n, 0, sizeof(*n));
    read_all(n, im);
    bool there = take(n, im->policy.first);
    for (uint32_t i = 0; policy_start(&im->policy, i, &start); i++) {
        there = take(n, start.name) && there;
    }
    int rc = there ? close_over(path, n)
                   : fail(REFUSED, "%s: what the policy starts is not there", path);
    if (rc == DONE && order_start(n->started, order, &placed) != NOS_OK) {
        rc = fail(REFUSED, "%s: %.16s: %s", path, n->started[order[0]]->name,
                  status_text(NOS_NEED_CYCLE));
    }
    free(n);
    return rc;
}
