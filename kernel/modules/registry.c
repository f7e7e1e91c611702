/*
 * What was verified in this boot, and what was refused. A verified module keeps its frames: a
 * capsule is always made from the bytes that were hashed. Modules that came at run time and run
 * nowhere are dropped, oldest first, when the registry is full; boot modules stay.
 */
#include <string.h>

#include "kernel/audit/audit.h"
#include "kernel/core/panic.h"
#include "kernel/memory/cache.h"
#include "kernel/memory/frame.h"
#include "kernel/modules/stages_impl.h"
#include "lib/status.h"

static struct cache module_cache = CACHE(module);
static struct module *modules;
static uint32_t n_modules;
static uint64_t frames;
static struct refusal refusals[MODULE_REFUSALS]; /* a ring; entry n % MODULE_REFUSALS */
static uint32_t n_refusals;

/* ---- verified ---- */

struct module *registry_new(void)
{
    struct module *m = cache_alloc(&module_cache);
    if (m != NULL) {
        obj_init(&m->obj, NOS_TYPE_MODULE);
    }
    return m;
}

void file_frames_free(paddr_t base, uint32_t pages, bool boot)
{
    if (boot) {
        frame_donate(base, (uint64_t)pages * PAGE_SIZE);
    } else {
        frame_free_run(base, pages);
    }
}

void module_destroy(struct obj *o)
{
    struct module *m = CONTAINER_OF(o, struct module, obj);
    if (m->base.v != 0) {
        frames -= m->pages;
        file_frames_free(m->base, m->pages, m->boot);
    }
    audit_forget(&m->record);
    cache_free(&module_cache, m);
}

/* Nobody but the registry knows it any more. */
static bool is_idle(const struct module *m)
{
    return !m->boot && m->running == 0 && m->obj.refs == 1;
}

static bool drop_oldest_idle(void)
{
    struct module **at = &modules;
    while (*at != NULL && !is_idle(*at)) {
        at = &(*at)->next;
    }
    struct module *m = *at;
    if (m == NULL) {
        return false;
    }
    *at = m->next;
    n_modules--;
    obj_put(&m->obj);
    return true;
}

nos_status_t registry_room(void)
{
    return n_modules < MODULES_MAX || drop_oldest_idle() ? NOS_OK : NOS_QUOTA;
}

void registry_add(struct module *m)
{
    struct module **at = &modules;

    KASSERT(n_modules < MODULES_MAX);
    while (*at != NULL) {
        at = &(*at)->next;
    }
    *at = m;
    n_modules++;
    frames += m->pages;
}

struct module *module_find_id(const uint8_t id[32])
{
    struct module *m = modules;
    while (m != NULL && memcmp(m->id, id, sizeof m->id) != 0) {
        m = m->next;
    }
    return m;
}

struct module *module_find(const char name[NOS_NAME_MAX])
{
    struct module *best = NULL;
    for (struct module *m = modules; m != NULL; m = m->next) {
        bool same = memcmp(m->name, name, NOS_NAME_MAX) == 0;
        if (same && (best == NULL || m->view.version >= best->view.version)) {
            best = m;
        }
    }
    return best;
}

uint64_t module_frames(void)
{
    return frames;
}

/* ---- refused ---- */

/* The same file refused again for the same reason is one line of the listing, but each time a
 * record of the log. */
static bool is_listed(const struct refusal *r)
{
    for (uint32_t i = MODULE_REFUSALS; i-- > 0;) {  // one that was not written has status NOS_OK
        const struct refusal *o = &refusals[i];
        if (o->status == r->status && memcmp(o->id, r->id, sizeof o->id) == 0 &&
            memcmp(o->name, r->name, sizeof o->name) == 0) {
            return true;
        }
    }
    return false;
}

void registry_refuse(const struct refusal *r, enum module_stage stage, uint32_t actor)
{
    char name[NOS_NAME_MAX + 1] = { 0 };

    memcpy(name, r->name, NOS_NAME_MAX);
    audit_add(NOS_AUDIT_REFUSE, actor, r->status, r->id, stage, 0, name);
    klog("module %s refused in stage %u: %s (%d)", name[0] != 0 ? name : "(unnamed)",
         (unsigned)stage, status_text(r->status), r->status);
    if (!is_listed(r)) {
        refusals[n_refusals % MODULE_REFUSALS] = *r;
        n_refusals = n_refusals + 1 < 2 * MODULE_REFUSALS ? n_refusals + 1
                                                          : MODULE_REFUSALS;  // never wraps to few
    }
}

void registry_refuse_start(const struct module *m, enum module_stage stage, nos_status_t st,
                           uint32_t actor)
{
    struct refusal r = { .status = st,
                         .sec_version = m->view.sec_version,
                         .version = m->view.version };
    memcpy(r.name, m->name, sizeof r.name);
    memcpy(r.id, m->id, sizeof r.id);
    memcpy(r.publisher_id, m->view.publisher_id, sizeof r.publisher_id);
    registry_refuse(&r, stage, actor);
    audit_cause(&m->record);
}

/* ---- listing ---- */

static void copy_text(char *to, size_t room, span_t text)
{
    size_t n = text.len < room ? text.len : room;
    /* uncovered(1): checked text does not begin inside a character */
    while (n > 0 && n < text.len && (text.data[n] & 0xc0) == 0x80) {
        n--;  // do not cut a character in two
    }
    memcpy(to, text.data, n);
}

static void describe(const struct module *m, struct nos_module_info *out)
{
    *out = (struct nos_module_info){ .status = NOS_OK,
                                     .sec_version = m->view.sec_version,
                                     .version = m->view.version,
                                     .image_len = m->view.image_len,
                                     .classes = m->man.classes,
                                     .capsules = m->running };
    memcpy(out->name, m->name, sizeof out->name);
    memcpy(out->module_id, m->id, sizeof out->module_id);
    memcpy(out->publisher_id, m->view.publisher_id, sizeof out->publisher_id);
    copy_text(out->semver, sizeof out->semver, m->man.semver);
    copy_text(out->about, sizeof out->about, m->man.about);
}

nos_status_t module_supervision(uint32_t n, struct nos_supervision *out)
{
    const struct module *m = modules;

    for (; m != NULL && n > 0; n--) {
        m = m->next;
    }
    if (m == NULL) {
        return NOS_NOT_FOUND;
    }
    *out = (struct nos_supervision){ .version = m->view.version,
                                     .control = m->man.control,
                                     .n_needs = (uint32_t)(m->man.needs.len / NOS_NAME_MAX) };
    memcpy(out->name, m->name, sizeof out->name);
    memcpy(out->module_id, m->id, sizeof out->module_id);
    copy_text((char *)out->needs, sizeof out->needs, m->man.needs);
    return NOS_OK;
}

static void describe_refusal(const struct refusal *r, struct nos_module_info *out)
{
    *out = (struct nos_module_info){ .status = r->status,
                                     .sec_version = r->sec_version,
                                     .version = r->version };
    memcpy(out->name, r->name, sizeof out->name);
    memcpy(out->module_id, r->id, sizeof out->module_id);
    memcpy(out->publisher_id, r->publisher_id, sizeof out->publisher_id);
}

nos_status_t module_info(uint32_t n, struct nos_module_info *out)
{
    uint32_t kept = n_refusals < MODULE_REFUSALS ? n_refusals : MODULE_REFUSALS;
    const struct module *m = modules;

    for (; m != NULL && n > 0; n--) {
        m = m->next;
    }
    if (m != NULL) {
        describe(m, out);
        return NOS_OK;
    }
    if (n >= kept) {
        return NOS_NOT_FOUND;
    }
    describe_refusal(&refusals[(n_refusals - kept + n) % MODULE_REFUSALS], out);
    return NOS_OK;
}
