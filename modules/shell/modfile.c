/*
 * What is used of a file is read once, into memory that nobody else has: whoever may write to the
 * file can change it at any time. Of a wad that is its begin (index and names) and the one lump,
 * each held against the index's hashes before it is looked at.
 */
#include "modules/shell/modfile.h"

#include <string.h>

#include "lib/crypto/blake3.h"
#include "lib/mod.h"
#include "lib/status.h"
#include "lib/wad.h"
#include "modules/shell/info.h"
#include "modules/shell/job_impl.h"
#include "modules/shell/place.h"
#include "sdk/print.h"

enum { PAGE = 4096, PROT_READ_WRITE = 3 };

struct source {
    char path[PLACE_PATH];
    const char *module;  // in a wad; NULL: the one that is there
    struct place_file file;
    uint64_t size;
};

struct room {
    nos_handle_t region;
    uint8_t *at;
    size_t len;
};

/* ---- what goes wrong: each step says it, and what the matter is ---- */

static nos_status_t refuse(const struct source *s, const char *what, nos_status_t st)
{
    nos_print("%s: %s: %s (%s)\n", s->path, what, status_text(st), status_name(st));
    job_set_code(CODE_CANNOT);
    return NOS_NO_ANSWER;
}

static nos_status_t not_there(const struct source *s, nos_status_t st)
{
    place_complain("run", s->path, st);
    job_set_code(st == NOS_NOT_FOUND ? CODE_NOT_FOUND : CODE_CANNOT);
    return NOS_NO_ANSWER;
}

/* ---- bytes ---- */

bool modfile_is(const char *word)
{
    while (*word != '\0' && *word != '/' && *word != '.') {
        word++;
    }
    return *word != '\0';
}

/* FILE[:MODULE]: the last colon. */
static nos_status_t open_source(const char *word, struct source *s)
{
    size_t len = strlen(word), cut = len;

    while (cut > 0 && word[cut - 1] != ':') {
        cut--;
    }
    bool named = cut > 0;
    len = named ? cut - 1 : len;
    memcpy(s->path, word, len < sizeof(s->path) ? len : sizeof(s->path) - 1);
    s->path[len < sizeof(s->path) ? len : sizeof(s->path) - 1] = '\0';
    s->module = named ? word + cut : NULL;
    nos_status_t st =
        len < sizeof(s->path) ? place_open(s->path, NOS_FS_READABLE, &s->file) : NOS_FS_NAME;
    if (st != NOS_OK) {
        return not_there(s, st);
    }
    st = place_size(&s->file, &s->size);
    if (st != NOS_OK) {
        place_close(&s->file);
        return not_there(s, st);
    }
    return NOS_OK;
}

static void room_drop(struct room *r)
{
    if (r->at != NULL) {
        nos_ignore(nos_sys_region_unmap(r->at));
    }
    if (r->region.v != 0) {
        nos_ignore(nos_sys_handle_close(r->region));
    }
    *r = (struct room){ .at = NULL };
}

static nos_status_t room_make(const struct source *s, uint64_t len, struct room *r)
{
    void *at = NULL;

    *r = (struct room){ .len = (size_t)len };
    nos_status_t st = len <= MODFILE_MAX ? NOS_OK : NOS_TOO_BIG;
    if (st == NOS_OK) {
        st = nos_sys_region_create((len + PAGE - 1) / PAGE, &r->region);
    }
    if (st == NOS_OK) {
        st = nos_sys_region_map(r->region, PROT_READ_WRITE, &at);
    }
    r->at = at;
    if (st != NOS_OK) {
        room_drop(r);
        nos_print("%s: no room for the %u KiB that are needed of it: %s (%s)\n", s->path,
                  (unsigned)((len + 1023) / 1024), status_text(st), status_name(st));
        job_set_code(CODE_CANNOT);
        return NOS_NO_ANSWER;
    }
    return NOS_OK;
}

/* All of `to`, from `at` on. */
static nos_status_t read_all(struct source *s, uint64_t at, mspan_t to)
{
    size_t n = 0, done = 0;
    nos_status_t st = NOS_OK;

    while (st == NOS_OK && n < to.len) {
        st = place_read(&s->file, at + n, mspan_of(to.data + n, to.len - n), &done);
        st = st == NOS_OK && done == 0 ? NOS_IO_ERROR : st;  // it was cut meanwhile
        n += st == NOS_OK ? done : 0;
    }
    return st == NOS_OK ? NOS_OK : refuse(s, "cannot be read", st);
}

/* ---- to the kernel ---- */

/* By its id: what is verified is in the list. */
static nos_status_t info_of(const uint8_t id[32], struct nos_module_info *out)
{
    nos_status_t st;

    for (uint64_t i = 0; (st = INFO(NOS_TOPIC_MODULES, i, out)) == NOS_OK; i++) {
        if (out->status == NOS_OK && memcmp(out->module_id, id, sizeof(out->module_id)) == 0) {
            return NOS_OK;
        }
    }
    return st;
}

/* The region is the kernel's then, whatever it says. */
static nos_status_t verify(const struct source *s, struct room *r, struct nos_module_info *out,
                           nos_handle_t *held)
{
    uint8_t id[32];
    span_t header;

    if (!span_cut(span_of(r->at, r->len), 0, NOS_MOD_HDR_LEN, &header)) {
        return refuse(s, "not run", NOS_MOD_TRUNCATED);
    }
    blake3_derive(NOS_CTX_MODULE_ID, header, id);
    nos_status_t st = nos_sys_region_unmap(r->at);
    r->at = NULL;
    if (st == NOS_OK) {
        st = nos_sys_module_load(shell.node, r->region, r->len, held);
        r->region.v = st == NOS_NO_MEMORY ? r->region.v : 0;  // else it was taken
    }
    if (st == NOS_OK) {
        st = info_of(id, out);
        if (st != NOS_OK) {
            nos_ignore(nos_sys_handle_close(*held));
            *held = (nos_handle_t){ 0 };
        }
    }
    return st == NOS_OK ? NOS_OK : refuse(s, "the kernel refuses it", st);
}

/* Bytes of the file as a module; in a wad, as its row says. */
static nos_status_t load_part(struct source *s, uint64_t at, uint64_t len,
                              const struct wad_lump *row, struct nos_module_info *out,
                              nos_handle_t *held)
{
    struct room r;

    nos_status_t st = room_make(s, len, &r);
    if (st == NOS_OK) {
        st = read_all(s, at, mspan_of(r.at, r.len));
    }
    if (st == NOS_OK && row != NULL) {
        nos_status_t wad = wad_check_bytes(row, span_of(r.at, r.len));
        st = wad == NOS_OK ? NOS_OK : refuse(s, "nothing of it is run", wad);
    }
    if (st == NOS_OK) {
        st = verify(s, &r, out, held);
    }
    room_drop(&r);
    return st;
}

/* ---- wads ---- */

static void say_modules(const struct wad *w, const struct wad_tree *names)
{
    struct wad_walk walk = { 0 };
    struct wad_name n;
    struct wad_lump l;

    while (wad_tree_next(names, &walk, &n)) {
        if (wad_row(w, n.row, &l) && l.type == NOS_WAD_MODULE) {
            nos_print("  %.*s\n", (int)n.path.len, (const char *)n.path.data);
        }
    }
}

/* The row that is meant. `row` has its hashes by itself: they are wanted when the begin is gone. */
static nos_status_t pick(const struct source *s, const struct wad *w, const struct wad_tree *names,
                         struct wad_lump *row)
{
    struct wad_walk walk = { 0 };
    struct wad_name n;
    struct wad_lump l;
    size_t found = 0;

    while (wad_tree_next(names, &walk, &n)) {
        if (wad_row(w, n.row, &l) && l.type == NOS_WAD_MODULE &&
            (s->module == NULL || wad_path_called(n.path, span_of(s->module, strlen(s->module))))) {
            *row = l;
            found++;
        }
    }
    if (found == 1) {
        return NOS_OK;
    }
    nos_print("%s: %s modules%s%s in it%s\n", s->path, found == 0 ? "no" : "several",
              s->module == NULL ? "" : " called ", s->module == NULL ? "" : s->module,
              found == 0 ? "" : "; say FILE:MODULE, one of");
    if (found != 0) {
        say_modules(w, names);
    }
    job_set_code(found == 0 ? CODE_NOT_FOUND : CODE_CANNOT);
    return NOS_NO_ANSWER;
}

struct part { /* of a wad: where a module lies, and what it must be */
    struct wad_lump row;
    uint8_t blake3[32], sha256[32];
};

static nos_status_t find_part(const struct source *s, span_t head, struct part *p)
{
    static struct wad w;
    static struct wad_tree names;

    nos_status_t st = wad_parse_head(head, s->size, &w);
    st = st == NOS_OK ? wad_check_lump(&w, 0) : st;
    st = st == NOS_OK ? wad_tree_parse(&w, &names) : st;
    if (st != NOS_OK) {
        return refuse(s, "nothing of it is run", st);
    }
    st = pick(s, &w, &names, &p->row);
    if (st == NOS_OK) {
        memcpy(p->blake3, p->row.blake3, sizeof(p->blake3));
        memcpy(p->sha256, p->row.sha256, sizeof(p->sha256));
        p->row.blake3 = p->blake3;
        p->row.sha256 = p->sha256;
    }
    return st;
}

static nos_status_t load_wad(struct source *s, span_t first, struct nos_module_info *out,
                             nos_handle_t *held)
{
    struct room head;
    struct part p;
    uint64_t len = 0;

    nos_status_t st = wad_head_len(first, &len);
    if (st == NOS_OK && len > s->size) {
        st = NOS_WAD_TRUNCATED;
    }
    if (st != NOS_OK) {
        return refuse(s, "nothing of it is run", st);
    }
    st = room_make(s, len, &head);
    if (st == NOS_OK) {
        st = read_all(s, 0, mspan_of(head.at, head.len));
    }
    if (st == NOS_OK) {
        st = find_part(s, span_of(head.at, head.len), &p);
    }
    room_drop(&head);
    return st == NOS_OK ? load_part(s, p.row.off, p.row.len, &p.row, out, held) : st;
}

/* ---- a file ---- */

/* What it is to be; which version of that, and whether it is one, is looked at by who reads it. */
static bool begins(span_t file, const char magic[8])
{
    span_t name;
    return span_cut(file, 0, 7, &name) && memcmp(name.data, magic, name.len) == 0;
}

static nos_status_t load_open(struct source *s, struct nos_module_info *out, nos_handle_t *held)
{
    static uint8_t first[NOS_WAD_PAGE];
    size_t len = s->size < sizeof(first) ? (size_t)s->size : sizeof(first);

    nos_status_t st = read_all(s, 0, mspan_of(first, len));
    if (st != NOS_OK) {
        return st;
    }
    span_t begin = span_of(first, len);
    if (begins(begin, NOS_MAGIC_WAD)) {
        return load_wad(s, begin, out, held);
    }
    if (!begins(begin, NOS_MAGIC_MOD)) {
        nos_print("%s: neither a module nor a wad\n", s->path);
        job_set_code(CODE_CANNOT);
        return NOS_NO_ANSWER;
    }
    if (s->module != NULL) {
        nos_print("%s: it is no wad: it has no module %s\n", s->path, s->module);
        job_set_code(CODE_CANNOT);
        return NOS_NO_ANSWER;
    }
    return load_part(s, 0, s->size, NULL, out, held);
}

static bool may_load(void)
{
    struct nos_handle_info h;

    return nos_sys_handle_info(shell.node, &h, sizeof(h)) == NOS_OK &&
           (h.rights & NOS_RIGHT_LOAD) != 0;
}

nos_status_t modfile_load(const char *word, struct nos_module_info *out, nos_handle_t *held)
{
    static struct source s;

    if (!may_load()) {
        nos_print("%s: the policy does not let the prompt load modules (node: load)\n", word);
        job_set_code(CODE_CANNOT);
        return NOS_NO_ANSWER;
    }
    nos_status_t st = open_source(word, &s);
    if (st == NOS_OK) {
        st = load_open(&s, out, held);
        place_close(&s.file);
    }
    return st;
}
