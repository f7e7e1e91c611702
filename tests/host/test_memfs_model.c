/*
 * memfs against a model that is nothing like it: a list of whole path names, each with its bytes.
 * Random requests by a seed, through the same door as a client's; every answer must be the model's.
 * In half of the rounds memory and quotas run out at random: then a request may fail, and nothing
 * may have changed. MEMFS_STEPS says how many (a million: `make soak`), MEMFS_SEED where to begin.
 */
#include "tests/host/memfs_host.h"
#include "tests/host/test.h"

enum {
    STEPS = 30000,
    ROUND = 500, /* requests to one tree */
    NAMES = 4,   /* a to d */
    THINGS = 256,
    PATH = 128,
    BYTES = 600000,
    PIECE = NOS_FS_WINDOW,
    OPENS = 12,
    LINKS_MAX = 16,
};

struct body {  // what a name leads to
    enum nos_fs_kind kind;
    char target[PATH];
    uint8_t *bytes;
    size_t size;
    unsigned names, held;
};

struct thing {  // a name in the model's tree
    bool there;
    char path[PATH];  // from the root; "" is the root itself
    struct body *body;
    unsigned held;  // opened by this name: it stays until it is closed
};

static struct body bodies[THINGS];
static struct thing things[THINGS];
static struct {
    struct thing *thing;  // NULL: closed
    uint64_t number, flags;
} opens[OPENS];

static struct tree tree;
static struct session session;
static uint8_t window[NOS_FS_WINDOW];
static struct answer said;
static uint64_t seed;

static uint64_t draw(uint64_t below)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return seed % below;
}

/* ---- the model: paths are text, and resolved as text ---- */

static struct thing *find(const char *path)
{
    for (unsigned i = 0; i < THINGS; i++) {
        if (things[i].there && strcmp(things[i].path, path) == 0) {
            return &things[i];
        }
    }
    return NULL;
}

static bool is_under(const char *path, const char *dir)
{
    size_t n = strlen(dir);
    return strncmp(path, dir, n) == 0 && path[n] == '/';
}

static bool is_empty(const struct thing *dir)
{
    for (unsigned i = 0; i < THINGS; i++) {
        if (things[i].there && is_under(things[i].path, dir->path)) {
            return false;
        }
    }
    return true;
}

struct where {
    char dir[PATH], name[PATH];  // a directory's own path, and the last name as it stood
    struct thing *thing;
    bool slash;
};

static void parent_of(char *path)
{
    char *last = strrchr(path, '/');
    if (last != NULL) {
        *last = '\0';
    }
}

/* `text` from `at`: by taking names off its front, and putting a symlink's target in front. */
static nos_status_t resolve(const char *at, const char *text, bool last, struct where *out)
{
    char dir[PATH], rest[4096], name[PATH], full[2 * PATH + 1];
    unsigned links = 0;
    bool must_be_dir = false;

    strcpy(dir, text[0] == '/' ? "" : at);
    strcpy(rest, text);
    if (text[0] == '\0') {
        return NOS_NOT_FOUND;
    }
    for (;;) {
        char *p = rest + strspn(rest, "/");
        size_t n = strcspn(p, "/");
        if (n == 0) {
            *out = (struct where){ .name = ".", .thing = find(dir), .slash = true };
            strcpy(out->dir, dir);
            return NOS_OK;
        }
        memcpy(name, p, n);
        name[n] = '\0';
        p += n;
        bool slash = *p == '/';
        p += strspn(p, "/");
        const struct thing *d = find(dir);
        if (d == NULL || d->body->kind != NOS_FS_KIND_DIR) {
            return d == NULL ? NOS_NOT_FOUND : NOS_FS_NOT_DIR;
        }
        if (strcmp(name, ".") == 0) {
            strcpy(full, dir);
        } else if (strcmp(name, "..") == 0) {
            strcpy(full, dir);
            parent_of(full);
        } else {
            snprintf(full, sizeof full, "%s/%s", dir, name);
        }
        struct thing *t = find(full);
        if (t != NULL && t->body->kind == NOS_FS_KIND_LINK && (*p != '\0' || slash || last)) {
            char next[4096];
            if (++links > LINKS_MAX) {
                return NOS_FS_LOOP;
            }
            must_be_dir = must_be_dir || (slash && *p == '\0');
            snprintf(next, sizeof next, "%s%s%s", t->body->target, *p == '\0' ? "" : "/", p);
            if (t->body->target[0] == '/') {
                dir[0] = '\0';
            }
            strcpy(rest, next);
            continue;
        }
        if (*p == '\0') {
            *out = (struct where){ .thing = t, .slash = slash || must_be_dir };
            strcpy(out->dir, dir);
            strcpy(out->name, name);
            return out->slash && t != NULL && t->body->kind != NOS_FS_KIND_DIR ? NOS_FS_NOT_DIR
                                                                               : NOS_OK;
        }
        if (t == NULL) {
            return NOS_NOT_FOUND;
        }
        strcpy(dir, full);
        memmove(rest, p, strlen(p) + 1);
    }
}

static struct thing *model_name(const struct where *w, struct body *b)
{
    for (unsigned i = 1; i < THINGS; i++) {
        struct thing *t = &things[i];
        if (!t->there && t->held == 0) {
            *t = (struct thing){ .there = true, .body = b };
            snprintf(t->path, sizeof t->path, "%.60s/%.60s", w->dir, w->name);
            b->names++;
            return t;
        }
    }
    fail_msg("the model is too small");
    return NULL;
}

static struct thing *model_make(const struct where *w, enum nos_fs_kind kind)
{
    unsigned i = 1;

    while (i < THINGS - 1 && (bodies[i].names != 0 || bodies[i].held != 0)) {
        i++;
    }
    free(bodies[i].bytes);
    bodies[i] = (struct body){ .kind = kind };
    return model_name(w, &bodies[i]);
}

static void model_lose(struct thing *t)
{
    t->there = false;
    t->body->names--;
}

/* ---- requests ---- */

static unsigned done_well[NOS_FS_LINK + 1]; /* how often each operation was done */
static unsigned in_blocks;                  /* and how often a file lay in a block */

static nos_status_t ask(enum nos_fs_op op, uint32_t n, uint64_t a, uint64_t b, uint64_t c,
                        uint64_t d)
{
    const uint64_t word[] = { a, b, c, d };
    nos_status_t st = session_serve(&session, op, word, n, 1, &said);
    done_well[op] += st == NOS_OK ? 1 : 0;
    return st;
}

static void draw_path(char out[PATH])
{
    static const char *const part[] = { "a", "b", "c", "d", "a", "b", "..", "." };
    unsigned n = 1 + (unsigned)draw(3);

    strcpy(out, draw(3) == 0 ? "/" : "");
    for (unsigned i = 0; i < n; i++) {
        strcat(out, part[draw(i + 1 == n ? 6 : 8)]);
        strcat(out, i + 1 < n ? (draw(9) == 0 ? "//" : "/") : draw(12) == 0 ? "/" : "");
    }
    if (draw(25) == 0) {
        strcpy(out, draw(3) == 0 ? "/" : draw(2) == 0 ? ".." : "a/..");
    }
    if (draw(60) == 0) {
        out[0] = '\0';
    }
}

/* An open directory to start from, or the root. */
static uint64_t draw_at(const char **path)
{
    unsigned i = (unsigned)draw(OPENS);
    bool dir =
        draw(4) == 0 && opens[i].thing != NULL && opens[i].thing->body->kind == NOS_FS_KIND_DIR;

    *path = dir ? (opens[i].thing->there ? opens[i].thing->path : "/gone") : "";
    return dir ? opens[i].number : 0;
}

static size_t put(size_t at, const char *text)
{
    memcpy(window + at, text, strlen(text));
    return strlen(text);
}

/* Did memory run out? Then what the model expects is not done, and that is all. */
static bool ran_out(nos_status_t st)
{
    return host_fail != 0 && (st == NOS_NO_MEMORY || st == NOS_QUOTA);
}

static const char *now_doing;
static uint64_t now_round; /* MEMFS_SEED to see it again */

static void same(nos_status_t st, nos_status_t want, const char *path)
{
    if (st != want) {
        fail_msg("round %llu: %s %s: %d, the model says %d", (unsigned long long)now_round,
                 now_doing, path, st, want);
    }
}

/* One that is open, if any is. */
static uint64_t draw_file(void)
{
    uint64_t first = draw(OPENS), n = 0;

    while (n < OPENS && (opens[(first + n) % OPENS].thing == NULL ||
                         opens[(first + n) % OPENS].thing->body->kind != NOS_FS_KIND_FILE)) {
        n++;
    }
    return (first + n) % OPENS;
}

static void step_open(void)
{
    char path[PATH];
    const char *from;
    struct where w;
    uint64_t at = draw_at(&from), flags = draw(4), i = draw(OPENS);

    if (opens[i].thing != NULL) {
        return;
    }
    draw_path(path);
    flags |= draw(2) == 0 ? (uint64_t)NOS_FS_CREATE : 0;
    flags |= draw(5) == 0 ? (uint64_t)NOS_FS_EXCLUSIVE : 0;
    flags |= draw(5) == 0 && (flags & NOS_FS_WRITABLE) != 0 ? (uint64_t)NOS_FS_EMPTY : 0;
    flags |= draw(6) == 0 ? (uint64_t)NOS_FS_DIRECTORY : 0;
    flags |= draw(6) == 0 ? (uint64_t)NOS_FS_NOFOLLOW : 0;
    bool create = (flags & NOS_FS_CREATE) != 0, excl = create && (flags & NOS_FS_EXCLUSIVE) != 0;
    nos_status_t want = resolve(from, path, (flags & NOS_FS_NOFOLLOW) == 0 && !excl, &w);
    const struct thing *t = want == NOS_OK ? w.thing : NULL;
    bool dir = t != NULL && t->body->kind == NOS_FS_KIND_DIR;
    if (want == NOS_OK && t == NULL) {
        want = create && (flags & NOS_FS_DIRECTORY) == 0 && !w.slash ? NOS_OK : NOS_NOT_FOUND;
    } else if (want == NOS_OK) {
        want = excl                                      ? NOS_FS_EXISTS
               : t->body->kind == NOS_FS_KIND_LINK       ? NOS_FS_LOOP
               : (flags & NOS_FS_DIRECTORY) != 0 && !dir ? NOS_FS_NOT_DIR
               : dir && (flags & (NOS_FS_WRITABLE | NOS_FS_EMPTY | NOS_FS_CREATE)) != 0
                   ? NOS_FS_IS_DIR
                   : NOS_OK;
    }
    nos_status_t st = ask(NOS_FS_OPEN, 3, at, flags, put(0, path), 0);
    if (ran_out(st)) {
        return;
    }
    same(st, want, path);
    if (st == NOS_OK) {
        struct thing *got = w.thing != NULL ? w.thing : model_make(&w, NOS_FS_KIND_FILE);
        if ((flags & NOS_FS_EMPTY) != 0) {
            got->body->size = 0;
        }
        assert_int_equal(said.word[1], got->body->kind);
        opens[i].thing = got;
        opens[i].number = said.word[0];
        opens[i].flags = flags;
        got->held++;
        got->body->held++;
    }
}

static void step_close(void)
{
    uint64_t i = draw(OPENS);

    if (opens[i].thing != NULL) {
        same(ask(NOS_FS_CLOSE, 1, opens[i].number, 0, 0, 0), NOS_OK, "");
        opens[i].thing->held--;
        opens[i].thing->body->held--;
        opens[i].thing = NULL;
    }
}

static void step_write(void)
{
    uint64_t i = draw_file(), len = draw(4) == 0 ? draw(PIECE + 1) : draw(60), at = draw(4);
    struct thing *t = opens[i].thing;

    if (t == NULL || t->body->kind != NOS_FS_KIND_FILE) {
        return;
    }
    bool end = draw(3) == 0 && t->body->size + len <= BYTES;
    at = end ? t->body->size : at == 0 ? draw(BYTES - PIECE) : draw(t->body->size + 5000);
    at = at + len <= BYTES ? at : 0;
    for (uint64_t b = 0; b < len; b++) {
        window[b] = (uint8_t)(seed + b * 7);
    }
    nos_status_t st = ask(NOS_FS_WRITE, 3, opens[i].number, end ? NOS_FS_END : at, len, 0);
    if (ran_out(st)) {
        return;
    }
    same(st, (opens[i].flags & NOS_FS_WRITABLE) != 0 ? NOS_OK : NOS_DENIED, t->path);
    if (st == NOS_OK && said.word[0] > 0) {
        uint64_t n = said.word[0];
        assert_true(n == len || (host_fail != 0 && n < len));
        if (t->body->bytes == NULL) {
            t->body->bytes = calloc(1, BYTES);
        }
        if (at > t->body->size) {
            memset(t->body->bytes + t->body->size, 0, at - t->body->size);
        }
        memcpy(t->body->bytes + at, window, n);
        t->body->size = at + n > t->body->size ? at + n : t->body->size;
        assert_int_equal(said.word[1], at + n);
    }
}

static void step_read(void)
{
    uint64_t i = draw_file(), at = draw(BYTES), len = draw(NOS_FS_WINDOW + 1);
    struct thing *t = opens[i].thing;

    at = t != NULL && draw(4) != 0 ? draw(t->body->size + 10) : at;

    if (t == NULL || t->body->kind != NOS_FS_KIND_FILE) {
        return;
    }
    nos_status_t st = ask(NOS_FS_READ, 3, opens[i].number, at, len, 0);
    same(st, (opens[i].flags & NOS_FS_READABLE) != 0 ? NOS_OK : NOS_DENIED, t->path);
    in_blocks += session.open[opens[i].number - 1].node->file.data.block.pages != 0;
    if (st == NOS_OK) {
        uint64_t there = at < t->body->size ? t->body->size - at : 0;
        assert_int_equal(said.word[0], there < len ? there : len);
        assert_true(said.word[0] == 0 || memcmp(window, t->body->bytes + at, said.word[0]) == 0);
    }
}

static void step_truncate(void)
{
    uint64_t i = draw_file(), size = draw(3) == 0 ? 0 : draw(BYTES) / (1 + draw(20));
    struct thing *t = opens[i].thing;

    if (t == NULL || t->body->kind != NOS_FS_KIND_FILE) {
        return;
    }
    nos_status_t st = ask(NOS_FS_TRUNCATE, 2, opens[i].number, size, 0, 0);
    same(st, (opens[i].flags & NOS_FS_WRITABLE) != 0 ? NOS_OK : NOS_DENIED, t->path);
    if (st == NOS_OK) {
        if (t->body->bytes == NULL) {
            t->body->bytes = calloc(1, BYTES);
        }
        if (size > t->body->size) {
            memset(t->body->bytes + t->body->size, 0, size - t->body->size);
        }
        t->body->size = size;
    }
}

/* A mapping, compared and closed at once. */
static void step_map(void)
{
    uint64_t i = draw_file();
    struct thing *t = opens[i].thing;

    if (t == NULL || t->body->kind != NOS_FS_KIND_FILE) {
        return;
    }
    nos_status_t st = ask(NOS_FS_MAP, 2, opens[i].number, 0, 0, 0);
    if (ran_out(st)) {
        return;
    }
    same(st,
         (opens[i].flags & NOS_FS_READABLE) == 0 ? NOS_DENIED
         : t->body->size == 0                    ? NOS_INVALID
                                                 : NOS_OK,
         t->path);
    if (st == NOS_OK) {
        const struct data *d = &session.open[said.word[0] - 1].node->file.data;
        assert_int_equal(said.word[1], t->body->size);
        assert_memory_equal(d->block.at, t->body->bytes, t->body->size);
        same(ask(NOS_FS_CLOSE, 1, said.word[0], 0, 0, 0), NOS_OK, "");
    }
}

static void step_make(void)
{
    char path[PATH], target[PATH];
    const char *from;
    struct where w;
    uint64_t at = draw_at(&from);
    bool link = draw(2) == 0;

    draw_path(path);
    draw_path(target);
    nos_status_t want = resolve(from, path, false, &w);
    want = want == NOS_OK && w.thing != NULL ? NOS_FS_EXISTS : want;
    if (want == NOS_OK && link && (w.slash || target[0] == '\0')) {
        want = NOS_NOT_FOUND;
    }
    size_t n = put(0, path);
    nos_status_t st = link ? ask(NOS_FS_SYMLINK, 3, at, n, put(n, target), 0)
                           : ask(NOS_FS_MKDIR, 3, at, n, 0755, 0);
    if (ran_out(st)) {
        return;
    }
    same(st, want, path);
    if (st == NOS_OK) {
        struct thing *t = model_make(&w, link ? NOS_FS_KIND_LINK : NOS_FS_KIND_DIR);
        strcpy(t->body->target, link ? target : "");
    }
}

static nos_status_t may_lose(const struct where *w, bool dir)
{
    const struct thing *t = w->thing;

    if (t == NULL) {
        return NOS_NOT_FOUND;
    }
    if (t->path[0] == '\0') {
        return NOS_BUSY;
    }
    if (w->name[0] == '.') {
        return NOS_INVALID;
    }
    if (dir != (t->body->kind == NOS_FS_KIND_DIR)) {
        return dir ? NOS_FS_NOT_DIR : NOS_FS_IS_DIR;
    }
    return dir && !is_empty(t) ? NOS_FS_NOT_EMPTY : NOS_OK;
}

static void step_unlink(void)
{
    char path[PATH];
    const char *from;
    struct where w;
    uint64_t at = draw_at(&from), dir = draw(2);

    draw_path(path);
    nos_status_t want = resolve(from, path, false, &w);
    want = want == NOS_OK ? may_lose(&w, dir != 0) : want;
    same(ask(NOS_FS_UNLINK, 3, at, dir * NOS_FS_DIRECTORY, put(0, path), 0), want, path);
    if (want == NOS_OK) {
        model_lose(w.thing);
    }
}

static nos_status_t may_move(const struct where *w, const struct where *v)
{
    const struct thing *t = w->thing;
    bool dir = t != NULL && t->body->kind == NOS_FS_KIND_DIR;

    if (t == NULL) {
        return NOS_NOT_FOUND;
    }
    if (t->path[0] == '\0' || (v->thing != NULL && v->thing->path[0] == '\0')) {
        return NOS_BUSY;
    }
    if (w->name[0] == '.' || v->name[0] == '.' ||
        (dir && (strcmp(v->dir, t->path) == 0 || is_under(v->dir, t->path)))) {
        return NOS_INVALID;
    }
    if (v->slash && !dir) {
        return NOS_FS_NOT_DIR;
    }
    return v->thing == NULL || v->thing->body == t->body ? NOS_OK : may_lose(v, dir);
}

static void model_move(struct thing *t, const struct where *to)
{
    char was[PATH], path[2 * PATH + 1];

    if (to->thing != NULL && to->thing->body == t->body) {
        return;
    }
    if (to->thing != NULL) {
        model_lose(to->thing);
    }
    strcpy(was, t->path);
    for (unsigned i = 0; i < THINGS; i++) {
        if (things[i].there && (&things[i] == t || is_under(things[i].path, was))) {
            snprintf(path, sizeof path, "%s/%s%s", to->dir, to->name, things[i].path + strlen(was));
            assert_true(strlen(path) < PATH);
            strcpy(things[i].path, path);
        }
    }
}

static void step_rename(void)
{
    char path[PATH], other[PATH];
    const char *from, *to;
    struct where w, v;
    uint64_t at = draw_at(&from), into = draw_at(&to);

    draw_path(path);
    draw_path(other);
    nos_status_t want = resolve(from, path, false, &w);
    want = want == NOS_OK ? resolve(to, other, false, &v) : want;
    want = want == NOS_OK ? may_move(&w, &v) : want;
    size_t n = put(0, path);
    nos_status_t st = ask(NOS_FS_RENAME, 4, at, n, into, put(n, other));
    if (ran_out(st)) {
        return;
    }
    same(st, want, path);
    if (st == NOS_OK) {
        model_move(w.thing, &v);
    }
}

static void step_link(void)
{
    char path[PATH], other[PATH];
    const char *from, *to;
    struct where w, v;
    uint64_t at = draw_at(&from), into = draw_at(&to), flags = draw(2) * NOS_FS_NOFOLLOW;

    draw_path(path);
    draw_path(other);
    nos_status_t want = resolve(from, path, flags == 0, &w);
    want = want == NOS_OK ? resolve(to, other, false, &v) : want;
    if (want == NOS_OK) {
        want = w.thing == NULL                          ? NOS_NOT_FOUND
               : w.thing->body->kind == NOS_FS_KIND_DIR ? NOS_FS_IS_DIR
               : v.thing != NULL                        ? NOS_FS_EXISTS
               : v.slash                                ? NOS_NOT_FOUND
                                                        : NOS_OK;
    }
    size_t n = put(0, path), m = put(n, other);
    const uint64_t word[] = { at, flags, n, into, m };
    nos_status_t st = session_serve(&session, NOS_FS_LINK, word, 5, 1, &said);
    if (ran_out(st)) {
        return;
    }
    same(st, want, path);
    if (st == NOS_OK) {
        done_well[NOS_FS_LINK]++;
        (void)model_name(&v, w.thing->body);
    }
}

static void step_stat(void)
{
    char path[PATH];
    const char *from;
    struct where w;
    uint64_t at = draw_at(&from), flags = draw(2) * NOS_FS_NOFOLLOW;

    draw_path(path);
    if (path[0] == '\0') {
        return;
    }
    nos_status_t want = resolve(from, path, flags == 0, &w);
    want = want == NOS_OK && w.thing == NULL ? NOS_NOT_FOUND : want;
    same(ask(NOS_FS_STAT, 3, at, flags, put(0, path), 0), want, path);
    if (want == NOS_OK) {
        assert_int_equal(said.word[NOS_FS_STAT_KIND], w.thing->body->kind);
        assert_int_equal(said.word[NOS_FS_STAT_LINKS] & 0xffff, w.thing->body->names);
        if (w.thing->body->kind == NOS_FS_KIND_FILE) {
            assert_int_equal(said.word[NOS_FS_STAT_SIZE], w.thing->body->size);
        }
    }
}

static void step_where(void)
{
    const char *path;
    uint64_t at = draw_at(&path);

    if (at != 0) {
        bool gone = strcmp(path, "/gone") == 0;
        same(ask(NOS_FS_WHERE, 1, at, 0, 0, 0), gone ? NOS_NOT_FOUND : NOS_OK, path);
        if (!gone) {
            const char *want = path[0] == '\0' ? "/" : path;
            assert_int_equal(said.word[0], strlen(want));
            assert_memory_equal(window, want, said.word[0]);
        }
    }
}

/* Every name that the tree has is one of the model's, and as many. */
static void compare_all(void)
{
    unsigned there = 0;

    for (unsigned i = 0; i < THINGS; i++) {
        struct thing *t = &things[i];
        if (t->there) {
            const char *path = i == 0 ? "/" : t->path;
            same(ask(NOS_FS_STAT, 3, 0, NOS_FS_NOFOLLOW, put(0, path), 0), NOS_OK, path);
            assert_int_equal(said.word[NOS_FS_STAT_KIND], t->body->kind);
        }
        const struct body *b = &bodies[i];  // each of its names counts, and one that has none
        there += b->names != 0 ? b->names : b->held != 0;
    }
    assert_int_equal(tree.nodes, there);
    assert_true(tree.purse.bytes <= tree.purse.bytes_max);
}

/* ---- rounds ---- */

static void begin(bool scarce)
{
    host_fail = 0;
    assert_int_equal(tree_begin(&tree, scarce ? 200000 : 16 << 20, scarce ? 60 : THINGS - 8),
                     NOS_OK);
    session = (struct session){ .id = 1, .tree = &tree, .window = MSPAN_OF(window) };
    memset(things, 0, sizeof things);
    memset(bodies, 0, sizeof bodies);
    bodies[0] = (struct body){ .kind = NOS_FS_KIND_DIR, .names = 1 };
    things[0] = (struct thing){ .there = true, .body = &bodies[0] };
    memset(opens, 0, sizeof opens);
    host_fail = scarce ? 12 : 0;
}

static void end(void)
{
    compare_all();
    session_end(&session);
    assert_true(host_ended(&tree));
    for (unsigned i = 0; i < THINGS; i++) {
        free(bodies[i].bytes);
    }
}

static const struct {
    const char *name;
    void (*run)(void);
} steps[] = {
    { "open", step_open },     { "open", step_open },         { "close", step_close },
    { "write", step_write },   { "write", step_write },       { "read", step_read },
    { "read", step_read },     { "truncate", step_truncate }, { "map", step_map },
    { "make", step_make },     { "make", step_make },         { "unlink", step_unlink },
    { "unlink", step_unlink }, { "rename", step_rename },     { "rename", step_rename },
    { "stat", step_stat },     { "where", step_where },       { "link", step_link },
    { "where", step_where },
};

static uint64_t number_of(const char *name, uint64_t otherwise)
{
    const char *text = getenv(name);
    return text == NULL ? otherwise : strtoull(text, NULL, 0);
}

static void rounds(void **state)
{
    uint64_t all = number_of("MEMFS_STEPS", STEPS), first = number_of("MEMFS_SEED", 1);

    (void)state;
    for (uint64_t done = 0, r = 0; done < all; r++) {
        seed = (first + r) * 0x9e3779b97f4a7c15ull | 1;
        host_seed = seed ^ 0x5555;
        begin(r % 2 == 1);
        now_round = first + r;
        for (unsigned i = 0; i < ROUND; i++, done++) {
            uint64_t s = draw(sizeof steps / sizeof steps[0]);
            now_doing = steps[s].name;
            steps[s].run();
            assert_int_equal(host_dirty, 0);
        }
        end();
    }
    for (unsigned op = NOS_FS_OPEN; op <= NOS_FS_LINK; op++) {  // none of this was in vain
        bool asked = op != NOS_FS_LIST && op != NOS_FS_READLINK && op != NOS_FS_LOCK &&
                     op != NOS_FS_TIMES && op != NOS_FS_ROOM && op != NOS_FS_CHMOD;
        if (asked && done_well[op] <= all / 2000) {
            fail_msg("operation %u was done %u times", op, done_well[op]);
        }
    }
    if (in_blocks <= all / 500) {
        fail_msg("files lay in blocks %u times", in_blocks);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(rounds) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
