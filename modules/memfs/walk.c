/* Paths. Nothing is copied: the path, and the targets of symlinks on the way, are read where they
 * lie; a stack says where to go on behind each. */
#include "modules/memfs/tree_impl.h"

struct walk {
    span_t rest[TREE_LINKS_MAX + 1];  // rest[depth] first
    uint32_t depth, links;
    struct node *dir;
};

static bool is_slash(span_t s)
{
    return s.len > 0 && s.data[0] == '/';
}

static bool skip_slashes(span_t *s)
{
    bool any = false;
    while (is_slash(*s)) {
        *s = span_of(s->data + 1, s->len - 1);
        any = true;
    }
    return any;
}

static span_t take_name(span_t *s)
{
    size_t n = 0;
    while (n < s->len && s->data[n] != '/') {
        n++;
    }
    span_t name = span_of(s->data, n);
    *s = span_of(s->data + n, s->len - n);
    return name;
}

/* Is nothing to come any more? `*slash`: a slash came. */
static bool at_end(struct walk *w, bool *slash)
{
    *slash = skip_slashes(&w->rest[w->depth]) || *slash;
    while (w->rest[w->depth].len == 0 && w->depth > 0) {
        w->depth--;
        *slash = skip_slashes(&w->rest[w->depth]) || *slash;
    }
    return w->rest[w->depth].len == 0;
}

static nos_status_t enter_link(struct walk *w, const struct node *link)
{
    if (w->links == TREE_LINKS_MAX) {
        return NOS_FS_LOOP;
    }
    w->links++;
    w->depth += w->rest[w->depth].len == 0 ? 0 : 1;  // what is read to its end needs no place
    w->rest[w->depth] = span_of(link->target, link->target_len);
    if (link->target[0] == '/') {
        w->dir = link->tree->root;
    }
    return NOS_OK;
}

/* What has that name in w->dir; NULL: nothing. */
static nos_status_t step(const struct walk *w, span_t name, struct node **out, struct name **entry)
{
    if (name.len > NOS_FS_NAME_MAX) {
        return NOS_FS_NAME;
    }
    if (w->dir->kind != NOS_FS_KIND_DIR) {
        return NOS_FS_NOT_DIR;
    }
    if (w->dir->names == 0) {
        return NOS_NOT_FOUND;  // it was removed
    }
    bool dot = name_is_dot(name), dots = name_is_dot_dot(name);
    *entry = dot || dots ? NULL : dir_find(w->dir, name);
    *out = dot ? w->dir : dots ? dir_above(w->dir) : *entry != NULL ? (*entry)->node : NULL;
    return NOS_OK;
}

static nos_status_t go(struct walk *w, bool last, struct place *out)
{
    bool slash = false, dir = false;  // dir: the end must be one

    while (!at_end(w, &slash)) {
        struct node *n;
        struct name *e;
        span_t name = take_name(&w->rest[w->depth]);
        nos_status_t st = step(w, name, &n, &e);
        slash = false;
        bool end = st == NOS_OK && at_end(w, &slash);
        if (st == NOS_OK && n != NULL && n->kind == NOS_FS_KIND_LINK && (!end || slash || last)) {
            dir = dir || (end && slash);
            st = enter_link(w, n);
        } else if (st == NOS_OK && end) {
            *out = (struct place){ w->dir, name, n, e, dir || slash };
            return NOS_OK;
        } else if (st == NOS_OK) {
            w->dir = n != NULL ? n : w->dir;
            st = n != NULL ? NOS_OK : NOS_NOT_FOUND;
        }
        if (st != NOS_OK) {
            return st;
        }
    }
    *out = (struct place){ w->dir, SPAN_LIT("."), w->dir, NULL, true };  // nothing but slashes
    return NOS_OK;
}

nos_status_t tree_walk(struct node *from, span_t path, bool last, struct place *out)
{
    struct walk w = { .rest = { path }, .dir = from };

    if (path.len == 0) {
        return NOS_NOT_FOUND;
    }
    if (path.len > NOS_FS_PATH_MAX) {
        return NOS_FS_NAME;
    }
    for (size_t i = 0; i < path.len; i++) {
        if (path.data[i] == 0) {
            return NOS_INVALID;
        }
    }
    if (is_slash(path)) {
        w.dir = from->tree->root;
    }
    nos_status_t st = go(&w, last, out);
    if (st == NOS_OK && out->slash && out->node != NULL && out->node->kind != NOS_FS_KIND_DIR) {
        st = NOS_FS_NOT_DIR;
    }
    return st;
}
