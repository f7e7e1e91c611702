/* lib/wad.h: every rule of docs/formats.md, "Wad", broken alone; every truncation and every flipped
 * bit of a good wad. */
#include "lib/wad.h"
#include "tests/host/goldwad.h"
#include "tests/host/test.h"

/* Shape, hashes, names: the first refusal. */
static nos_status_t judge(span_t file)
{
    struct wad w;
    struct wad_tree t;
    uint32_t at;
    nos_status_t st = wad_parse(file, &w);
    if (st == NOS_OK) {
        st = wad_check(&w, &at);
    }
    return st == NOS_OK ? wad_tree_parse(&w, &t) : st;
}

static const uint8_t detached_good[] = { 1, 0x80, 0, 0, 2, 0, 0, 0, 'p', 'r' };

static void test_golden(void **state)
{
    struct buf f = goldwad_plain(SPAN_OF(detached_good));
    struct wad w, again;
    struct wad_tree t;
    struct wad_lump l;
    struct wad_walk walk = { 0 };
    struct wad_name n;
    uint64_t len;
    uint32_t row;
    uint8_t id[32], want[32];
    (void)state;
    assert_int_equal(judge(buf_span(f)), NOS_OK);
    assert_int_equal(wad_parse(buf_span(f), &w), NOS_OK);
    assert_int_equal(w.n, GOLDWAD_LUMPS);
    assert_int_equal(w.detached.len, sizeof detached_good);
    assert_int_equal(wad_tree_parse(&w, &t), NOS_OK);
    for (size_t i = 0; i < GOLDWAD_PARTS; i++) {
        const struct goldwad_part *p = &goldwad_parts[i];
        assert_true(wad_tree_next(&t, &walk, &n));
        assert_int_equal(n.path.len, strlen(p->path));
        assert_memory_equal(n.path.data, p->path, n.path.len);
        assert_true(wad_lump(&w, n.row, &l));
        assert_int_equal(l.type, p->type);
        assert_int_equal(l.off % 4096, 0);
        assert_int_equal(l.bytes.len, p->bytes.len);
        assert_true(l.bytes.len == 0 || memcmp(l.bytes.data, p->bytes.data, l.bytes.len) == 0);
        assert_true(wad_tree_find(&t, n.path, &row) && row == n.row);
    }
    assert_false(wad_tree_next(&t, &walk, &n));
    assert_false(wad_tree_find(&t, SPAN_LIT("assets"), &row));
    assert_false(wad_lump(&w, w.n, &l));
    assert_int_equal(wad_check_lump(&w, w.n), NOS_NOT_FOUND);
    assert_int_equal(wad_parse_index(w.index, &again, &len), NOS_OK);
    assert_int_equal(again.n, w.n);
    assert_int_equal(len, ((f.len - sizeof detached_good) & ~(size_t)4095) - 4096 + 8);  // the doc
    assert_true(wad_lump(&again, 1, &l) && l.bytes.len == 0 && l.len == 6);
    wad_id(&w, id);
    blake3_hash(span_of(f.data + 8, 8 + 88 * GOLDWAD_LUMPS), want);
    assert_memory_equal(id, want, 32);
    buf_free(&f);
}

/* Lumps: tree, module, two assets, licence, SBOM, provenance, doc. */
enum { MODULE = 1, ASSET = 2, LICENCE = 4, SBOM = 5, PROVENANCE = 6, DOC = 7 };
#define ROW(i) (16 + 88 * (i))

static const struct {
    size_t at, width;
    uint64_t value;
    nos_status_t status;
} fields[] = {
    { 0, 1, 'X', NOS_WAD_MAGIC },
    { 6, 1, 1, NOS_WAD_MAGIC },
    { 7, 1, 2, NOS_WAD_VERSION },
    { 8, 4, 0, NOS_WAD_PARTS },
    { 8, 4, GOLDWAD_LUMPS - 1, NOS_WAD_RESERVED },  // the last row is then padding
    { 8, 4, GOLDWAD_LUMPS + 1, NOS_WAD_TYPE },      // and padding a row
    { 8, 4, 4096, NOS_WAD_TRUNCATED },
    { 8, 4, 4097, NOS_WAD_OVERSIZE },
    { 8, 4, UINT32_MAX, NOS_WAD_OVERSIZE },
    { 12, 4, 1, NOS_WAD_VERSION },
    { ROW(0), 2, 0, NOS_WAD_TYPE },
    { ROW(DOC), 2, 8, NOS_WAD_TYPE },
    { ROW(DOC), 2, 0x8001, NOS_WAD_TYPE },
    { ROW(0) + 2, 2, 1, NOS_WAD_RESERVED },
    { ROW(DOC) + 4, 4, 1, NOS_WAD_RESERVED },
    { ROW(MODULE), 2, NOS_WAD_ASSET, NOS_WAD_ORDER },
    { ROW(LICENCE), 2, NOS_WAD_TREE, NOS_WAD_ORDER },
    { ROW(0) + 8, 8, 0, NOS_WAD_LAYOUT },
    { ROW(0) + 8, 8, 8192, NOS_WAD_LAYOUT },
    { ROW(MODULE) + 8, 8, 4096, NOS_WAD_LAYOUT },  // two lumps in one place
    { ROW(MODULE) + 8, 8, 8193, NOS_WAD_LAYOUT },
    { ROW(MODULE) + 8, 8, UINT64_MAX, NOS_WAD_LAYOUT },
    { ROW(MODULE) + 16, 8, 0, NOS_WAD_PARTS },
    { ROW(MODULE) + 16, 8, 5, NOS_WAD_RESERVED },
    { ROW(MODULE) + 16, 8, 4097, NOS_WAD_LAYOUT },  // into the next
    { ROW(MODULE) + 16, 8, UINT64_MAX, NOS_WAD_OVERSIZE },
    { ROW(MODULE) + 16, 8, UINT64_MAX - 8191, NOS_WAD_OVERSIZE },
    { ROW(DOC) + 16, 8, NOS_WAD_MAX, NOS_WAD_OVERSIZE },
    { ROW(DOC) + 16, 8, NOS_WAD_MAX - 65536, NOS_WAD_TRUNCATED },
    { ROW(DOC) + 24, 1, 0xaa, NOS_WAD_BLAKE3 },
    { ROW(DOC) + 56, 1, 0xaa, NOS_WAD_SHA256 },
};

static void test_one_field_broken(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(fields); i++) {
        struct buf f = goldwad_plain((span_t){ 0 });
        for (size_t k = 0; k < fields[i].width; k++) {
            f.data[fields[i].at + k] = (uint8_t)(fields[i].value >> (8 * k));
        }
        nos_status_t st = judge(buf_span(f));
        if (st != fields[i].status) {
            fail_msg("field row %zu: %d", i, st);
        }
        buf_free(&f);
    }
}

/* Without each part in turn, and with each twice. */
static void test_parts(void **state)
{
    struct goldwad_part p[GOLDWAD_PARTS + 1];
    (void)state;
    for (size_t skip = 0; skip < GOLDWAD_PARTS; skip++) {
        size_t n = 0;
        for (size_t i = 0; i < GOLDWAD_PARTS; i++) {
            if (i != skip) {
                p[n++] = goldwad_parts[i];
            }
        }
        struct buf f = goldwad(p, n, (span_t){ 0 });
        uint16_t type = goldwad_parts[skip].type;
        bool needed = type == NOS_WAD_LICENCE || type == NOS_WAD_SBOM || type == NOS_WAD_PROVENANCE;
        assert_int_equal(judge(buf_span(f)), needed ? NOS_WAD_PARTS : NOS_OK);
        buf_free(&f);
    }
    memcpy(p, goldwad_parts, sizeof goldwad_parts);
    for (unsigned type = NOS_WAD_MODULE; type < NOS_WAD_TYPES; type++) {
        p[GOLDWAD_PARTS] = (struct goldwad_part){ (uint16_t)type, "z", SPAN_LIT("another") };
        struct buf f = goldwad(p, GOLDWAD_PARTS + 1, (span_t){ 0 });
        bool one = type == NOS_WAD_SBOM || type == NOS_WAD_PROVENANCE;
        assert_int_equal(judge(buf_span(f)), one ? NOS_WAD_PARTS : NOS_OK);
        buf_free(&f);
        p[GOLDWAD_PARTS].bytes = (span_t){ NULL, 0 };
        f = goldwad(p, GOLDWAD_PARTS + 1, (span_t){ 0 });
        assert_int_equal(judge(buf_span(f)), type == NOS_WAD_ASSET ? NOS_OK : NOS_WAD_PARTS);
        buf_free(&f);
    }
    const struct goldwad_part none[] = { goldwad_parts[0], goldwad_parts[6], goldwad_parts[7] };
    struct buf f = goldwad(none, 3, (span_t){ 0 });
    assert_int_equal(judge(buf_span(f)), NOS_WAD_PARTS);  // neither module nor asset
    buf_free(&f);
}

/* Rows that no writer makes. */
static void test_rows(void **state)
{
    struct buf f = goldwad_plain((span_t){ 0 });
    (void)state;
    memcpy(f.data + ROW(ASSET + 1) + 24, f.data + ROW(ASSET) + 24, 32);
    assert_int_equal(judge(buf_span(f)), NOS_WAD_ORDER);  // one lump twice
    buf_free(&f);
    f = goldwad_plain((span_t){ 0 });
    f.data[ROW(0)] = NOS_WAD_MODULE;  // no tree
    memset(f.data + ROW(0) + 24, 0, 32);
    assert_int_equal(judge(buf_span(f)), NOS_WAD_PARTS);
    f.data[ROW(0)] = f.data[ROW(MODULE)] = NOS_WAD_TREE;  // two
    assert_int_equal(judge(buf_span(f)), NOS_WAD_PARTS);
    buf_free(&f);
}

static nos_status_t with_detached(span_t detached)
{
    struct buf f = goldwad_plain(detached);
    nos_status_t st = judge(buf_span(f));
    buf_free(&f);
    return st;
}

static void test_detached(void **state)
{
    static const uint8_t low[] = { 1, 0x7f, 0, 0, 0, 0, 0, 0 },
                         twice[] = { 1, 0x80, 0, 0, 0, 0, 0, 0, 1, 0x80, 0, 0, 0, 0, 0, 0 };
    static const uint8_t unknown[] = { 9, 0x90, 0, 0, 1, 0, 0, 0, 7 },
                         cut[] = { 1, 0x80, 0, 0, 2, 0, 0, 0, 1 };
    struct buf big = buf_new(NOS_WAD_DETACHED_MAX + 1);
    (void)state;
    assert_int_equal(with_detached(SPAN_OF(detached_good)), NOS_OK);
    assert_int_equal(with_detached(SPAN_OF(unknown)), NOS_OK);
    assert_int_equal(with_detached(SPAN_OF(low)), NOS_WAD_DETACHED);
    assert_int_equal(with_detached(SPAN_OF(twice)), NOS_WAD_DETACHED);
    assert_int_equal(with_detached(SPAN_OF(cut)), NOS_WAD_DETACHED);
    memcpy(big.data, detached_good, 4);
    store_le32(big.data + 4, NOS_WAD_DETACHED_MAX - 8);
    assert_int_equal(with_detached(span_of(big.data, NOS_WAD_DETACHED_MAX)), NOS_OK);
    store_le32(big.data + 4, NOS_WAD_DETACHED_MAX - 7);
    assert_int_equal(with_detached(buf_span(big)), NOS_WAD_OVERSIZE);
    buf_free(&big);
}

static void test_truncations(void **state)
{
    struct buf f = goldwad_plain(SPAN_OF(detached_good));
    size_t end = f.len - sizeof detached_good - 4096 + 8;  // of the last lump
    (void)state;
    for (size_t len = 0; len < f.len; len++) {
        struct buf b = buf_copy(span_of(f.data, len));
        nos_status_t want = len < end ? NOS_WAD_TRUNCATED : NOS_WAD_DETACHED;
        if (len > end && len < f.len - sizeof detached_good) {
            want = NOS_WAD_TRUNCATED;  // in the padding before the detached area
        } else if (len == end) {
            want = NOS_OK;  // what is detached may be taken off
        }
        nos_status_t st = judge(buf_span(b));
        if (st != want) {
            fail_msg("%zu of %zu bytes: %d, wanted %d", len, f.len, st, want);
        }
        buf_free(&b);
    }
    buf_free(&f);
}

/* --- a file of which only the begin is read, and one lump --- */

/* The first refusal of who reads it so: head, tree, names, and its module. */
static nos_status_t judge_head(span_t file)
{
    struct wad w;
    struct wad_tree t;
    struct wad_lump l;
    span_t head, bytes, first = span_of(file.data, file.len < 4096 ? file.len : 4096);
    uint64_t len;
    nos_status_t st = wad_head_len(first, &len);
    if (st == NOS_OK) {
        st = span_cut(file, 0, len, &head) ? wad_parse_head(head, file.len, &w) : NOS_WAD_TRUNCATED;
    }
    st = st == NOS_OK ? wad_check_lump(&w, 0) : st;
    st = st == NOS_OK ? wad_tree_parse(&w, &t) : st;
    if (st == NOS_OK) {
        assert_int_equal(wad_check_lump(&w, 1), NOS_NOT_FOUND);  // it was not read
        assert_false(wad_lump(&w, 1, &l));
        assert_true(wad_row(&w, 1, &l) && l.type == NOS_WAD_MODULE && l.bytes.len == 0);
        assert_true(span_cut(file, l.off, l.len, &bytes));  // the head promises it
        st = wad_check_bytes(&l, bytes);
    }
    return st;
}

static void test_head(void **state)
{
    struct buf f = goldwad_plain(SPAN_OF(detached_good));
    struct wad w, head;
    struct wad_lump l, row;
    uint64_t len;
    (void)state;
    assert_int_equal(judge_head(buf_span(f)), NOS_OK);
    assert_int_equal(wad_parse(buf_span(f), &w), NOS_OK);
    assert_true(wad_lump(&w, 0, &l));
    assert_int_equal(wad_head_len(span_of(f.data, 4096), &len), NOS_OK);
    assert_int_equal(len, l.off + l.len);
    assert_int_equal(wad_parse_head(span_of(f.data, len), f.len, &head), NOS_OK);
    for (uint32_t i = 0; wad_lump(&w, i, &l); i++) {
        assert_true(wad_row(&head, i, &row));
        assert_true(row.type == l.type && row.off == l.off && row.len == l.len);
        assert_int_equal(wad_check_bytes(&row, l.bytes), NOS_OK);
    }
    assert_false(wad_row(&head, w.n, &row));
    size_t end = f.len - sizeof detached_good - 4096 + 8;  // of the last lump
    for (size_t n = 0; n <= f.len; n++) {
        struct buf b = buf_copy(span_of(f.data, n));
        nos_status_t st = judge_head(buf_span(b));
        if (st != (n < end ? NOS_WAD_TRUNCATED : NOS_OK)) {
            fail_msg("%zu of %zu bytes: %d", n, f.len, st);
        }
        buf_free(&b);
    }
    for (size_t n = 0; n < len; n++) {
        struct buf b = buf_copy(span_of(f.data, n));
        assert_int_equal(wad_parse_head(buf_span(b), f.len, &head), NOS_WAD_TRUNCATED);
        buf_free(&b);
    }
    buf_free(&f);
}

/* Each bit of what is read is held to; of the others none is looked at. */
static void test_head_every_bit(void **state)
{
    struct buf f = goldwad_plain((span_t){ 0 });
    struct wad w;
    struct wad_lump tree, module;
    (void)state;
    assert_int_equal(wad_parse(buf_span(f), &w), NOS_OK);
    assert_true(wad_lump(&w, 0, &tree) && wad_lump(&w, 1, &module));
    for (size_t at = 0; at < f.len; at++) {
        bool other = at >= 16 + 88 * 2 && at < 16 + 88 * GOLDWAD_LUMPS;  // a row with its hashes
        bool read = at < tree.off + tree.len || (at >= module.off && at < module.off + module.len);
        for (unsigned bit = 0; bit < (read || other ? 8 : 1); bit++) {
            f.data[at] ^= (uint8_t)(1u << bit);
            nos_status_t st = judge_head(buf_span(f));
            bool good = st <= NOS_WAD_TRUNCATED && st >= NOS_WAD_DETACHED;
            if (other ? !good && st != NOS_OK : good != read) {
                fail_msg("byte %zu bit %u: %d", at, bit, st);
            }
            f.data[at] ^= (uint8_t)(1u << bit);
        }
    }
    // lengths that wrap, and one beyond all bounds
    store_le64(f.data + ROW(0) + 16, UINT64_MAX);
    assert_int_equal(judge_head(buf_span(f)), NOS_WAD_OVERSIZE);
    store_le64(f.data + ROW(0) + 16, NOS_WAD_MAX);
    assert_int_equal(judge_head(buf_span(f)), NOS_WAD_OVERSIZE);
    buf_free(&f);
}

static void test_called(void **state)
{
    static const struct {
        const char *path, *name;
        bool called;
    } row[] = {
        { "modules/sort.mod", "sort", true },   { "modules/sort.mod", "sort.mod", true },
        { "modules/sort", "sort", true },       { "modules/sort.mod", "modules/sort.mod", true },
        { "sort.mod", "sort", true },           { "modules/sort.mod", "modules/sort", false },
        { "modules/sort.mod", "sor", false },   { "modules/sort.mod", "ort", false },
        { "modules/sort.mod", "", false },      { "modules/sort.mod", "sort.mo", false },
        { "modules/sort.mode", "sort", false }, { "modules/sort.mod", "modules", false },
        { "modules/.mod", "", true },           { "modules/sort.mod", "/sort.mod", false },
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(row); i++) {
        if (wad_path_called(span_of(row[i].path, strlen(row[i].path)),
                            span_of(row[i].name, strlen(row[i].name))) != row[i].called) {
            fail_msg("%s, %s", row[i].path, row[i].name);
        }
    }
}

/* The lump that byte `at` lies in; -1: in none. */
static int lump_at(const struct wad *w, size_t at)
{
    struct wad_lump l;
    for (uint32_t i = 0; wad_lump(w, i, &l); i++) {
        if (at >= l.off && at < l.off + l.bytes.len) {
            return (int)i;
        }
    }
    return -1;
}

static void test_every_bit(void **state)
{
    struct buf f = goldwad_plain((span_t){ 0 });
    struct wad w;
    (void)state;
    assert_int_equal(wad_parse(buf_span(f), &w), NOS_OK);
    size_t index_end = 16 + 88 * GOLDWAD_LUMPS;
    for (size_t at = 0; at < f.len; at++) {
        int lump = at < index_end ? 0 : lump_at(&w, at);
        for (unsigned bit = 0; bit < (lump < 0 ? 1 : 8); bit++) {  // padding: one bit a byte
            f.data[at] ^= (uint8_t)(1u << (lump < 0 ? at % 8 : bit));
            nos_status_t st = judge(buf_span(f));
            bool good = lump < 0          ? st == NOS_WAD_RESERVED
                        : at >= index_end ? st == NOS_WAD_BLAKE3
                                          : st <= NOS_WAD_TRUNCATED && st >= NOS_WAD_SHA256;
            if (!good) {
                fail_msg("byte %zu bit %u: %d", at, bit, st);
            }
            f.data[at] ^= (uint8_t)(1u << (lump < 0 ? at % 8 : bit));
        }
    }
    assert_int_equal(judge(buf_span(f)), NOS_OK);
    buf_free(&f);
}

/* --- names --- */

static nos_status_t with_path(const char *path)
{
    struct goldwad_part p[GOLDWAD_PARTS];
    memcpy(p, goldwad_parts, sizeof p);
    p[GOLDWAD_PARTS - 1].path =
        path;  // the last one, so that what begins with t or later is in order
    struct buf f = goldwad(p, GOLDWAD_PARTS, (span_t){ 0 });
    nos_status_t st = judge(buf_span(f));
    buf_free(&f);
    return st;
}

static const struct {
    const char *path;
    bool ok;
} paths[] = {
    { "t", true },
    { "t/u/v", true },
    { "t..", true },
    { "t/.u", true },
    { "t/...", true },
    { "t u", true },
    { "t/\xc3\xa9", true },
    { "", false },
    { "/t", false },
    { "t/", false },
    { "t//u", false },
    { "..", false },
    { ".", false },
    { "../t", false },
    { "t/..", false },
    { "t/../../u", false },
    { "t/./u", false },
    { "./t", false },
    { "/", false },
    { "t\\u", false },
    { "..\\t", false },
    { "t\n", false },
    { "t\x1b[1m", false },
    { "t/\xff", false },
    { "t\xc0\xae", false },
    { "t\xe2\x80\xae", false },
    { "/etc/passwd", false },
};

static void test_paths(void **state)
{
    char longest[NOS_WAD_PATH_MAX + 2];
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
        span_t path = span_of(paths[i].path, strlen(paths[i].path));
        nos_status_t st = with_path(paths[i].path);
        if (st != (paths[i].ok ? NOS_OK : NOS_WAD_PATH) || wad_path_ok(path) != paths[i].ok) {
            fail_msg("%s: %d", paths[i].path, st);
        }
    }
    assert_false(wad_path_ok(SPAN_LIT("a\0b")));
    memset(longest, 't', sizeof longest);
    longest[255] = '/';
    longest[511] = '/';
    assert_true(wad_path_ok(span_of(longest, 255)));
    assert_true(wad_path_ok(span_of(longest, 511)));
    longest[511] = 't';
    assert_false(wad_path_ok(span_of(longest, 512)));  // a step of 256 bytes
    longest[300] = '/';
    assert_true(wad_path_ok(span_of(longest, 512)));
    assert_false(wad_path_ok(span_of(longest, 513)));
    assert_false(wad_path_ok(span_of(longest + 256, 44 + 1)));  // ends in a slash
}

static void test_order(void **state)
{
    (void)state;
    assert_true(wad_path_compare(SPAN_LIT("a"), SPAN_LIT("a/b")) < 0);
    assert_true(wad_path_compare(SPAN_LIT("a/b"), SPAN_LIT("a-b")) < 0);
    assert_true(wad_path_compare(SPAN_LIT("a\xff"), SPAN_LIT("b")) < 0);
    assert_true(wad_path_compare(SPAN_LIT("b"), SPAN_LIT("a")) > 0);
    assert_int_equal(wad_path_compare(SPAN_LIT("a/b"), SPAN_LIT("a/b")), 0);
    assert_true(wad_path_above(SPAN_LIT("a"), SPAN_LIT("a/b")));
    assert_false(wad_path_above(SPAN_LIT("a"), SPAN_LIT("ab/c")));
    assert_false(wad_path_above(SPAN_LIT("a/b"), SPAN_LIT("a/b")));
    struct {
        const char *a, *b;
        nos_status_t status;
    } pairs[] = {
        { "t/u", "t/v", NOS_OK },        { "t", "t-u", NOS_OK },       { "t/v", "t-u", NOS_OK },
        { "t/v", "t/u", NOS_WAD_NAMES }, { "t", "t", NOS_WAD_NAMES },   // one name twice
        { "t-u", "t/v", NOS_WAD_NAMES }, { "t", "t/u", NOS_WAD_PATH },  // a file that is a folder
        { "t", "t/u/v", NOS_WAD_PATH },
    };
    for (size_t i = 0; i < ARRAY_LEN(pairs); i++) {
        struct goldwad_part p[GOLDWAD_PARTS + 1];
        memcpy(p, goldwad_parts, sizeof goldwad_parts);
        p[GOLDWAD_PARTS - 1].path = pairs[i].a;
        p[GOLDWAD_PARTS] = (struct goldwad_part){ NOS_WAD_ASSET, pairs[i].b, SPAN_LIT("x") };
        struct buf f = goldwad(p, GOLDWAD_PARTS + 1, (span_t){ 0 });
        nos_status_t st = judge(buf_span(f));
        if (st != pairs[i].status) {
            fail_msg("%s, %s: %d", pairs[i].a, pairs[i].b, st);
        }
        buf_free(&f);
    }
}

/* Change the tree lump, make its hashes right. */
static nos_status_t tree_with(size_t at, uint32_t value)
{
    struct buf f = goldwad_plain((span_t){ 0 });
    store_le32(f.data + load_le64(f.data + ROW(0) + 8) + at, value);
    goldwad_rehash(f, 0);
    nos_status_t st = judge(buf_span(f));
    buf_free(&f);
    return st;
}

static void test_tree(void **state)
{
    struct wad w;
    struct wad_tree t;
    (void)state;
    assert_int_equal(tree_with(0, GOLDWAD_PARTS), NOS_OK);
    assert_int_equal(tree_with(0, GOLDWAD_PARTS - 1), NOS_WAD_PATH);  // a row read as text
    assert_int_equal(tree_with(0, 0), NOS_WAD_NAMES);
    assert_int_equal(tree_with(0, UINT32_MAX), NOS_WAD_NAMES);
    assert_int_equal(tree_with(4, 1), NOS_WAD_NAMES);
    assert_int_equal(tree_with(8, 0), NOS_WAD_NAMES);              // a name of the tree itself
    assert_int_equal(tree_with(8, GOLDWAD_LUMPS), NOS_WAD_NAMES);  // of no lump
    assert_int_equal(tree_with(8, UINT32_MAX), NOS_WAD_NAMES);
    assert_int_equal(tree_with(8, SBOM), NOS_WAD_NAMES);  // now the licence has none
    assert_int_equal(tree_with(12, 0), NOS_WAD_PATH);
    assert_int_equal(tree_with(12, UINT32_MAX), NOS_WAD_NAMES);
    size_t last = 8 + 8 * (GOLDWAD_PARTS - 1);
    assert_int_equal(tree_with(last + 4, 13), NOS_WAD_NAMES);  // a byte left over
    assert_int_equal(tree_with(last + 4, 15), NOS_WAD_NAMES);
    struct goldwad_part p[GOLDWAD_PARTS + 1];  // a path that takes the last one's bytes
    memcpy(p, goldwad_parts, sizeof goldwad_parts);
    p[GOLDWAD_PARTS] = (struct goldwad_part){ NOS_WAD_ASSET, "zz", SPAN_LIT("hello") };
    struct buf f = goldwad(p, GOLDWAD_PARTS + 1, (span_t){ 0 });
    assert_int_equal(judge(buf_span(f)), NOS_OK);
    store_le32(f.data + load_le64(f.data + ROW(0) + 8) + last + 4, 14 + 2);
    goldwad_rehash(f, 0);
    assert_int_equal(judge(buf_span(f)), NOS_WAD_NAMES);
    buf_free(&f);
    f = goldwad_plain((span_t){ 0 });  // nothing is said of a tree that is refused
    assert_int_equal(wad_parse(buf_span(f), &w), NOS_OK);
    f.data[4096] ^= 1;
    memset(&t, 0x5a, sizeof t);
    assert_int_equal(wad_tree_parse(&w, &t), NOS_WAD_NAMES);
    assert_int_equal(t.n, 0x5a5a5a5a);
    buf_free(&f);
}

static void test_index_alone(void **state)
{
    struct buf f = goldwad_plain((span_t){ 0 });
    struct wad w;
    uint64_t len = 7;
    size_t n = 8 + 88 * GOLDWAD_LUMPS;
    (void)state;
    for (size_t i = 0; i < n; i++) {
        struct buf b = buf_copy(span_of(f.data + 8, i));
        assert_int_equal(wad_parse_index(buf_span(b), &w, &len), NOS_WAD_TRUNCATED);
        buf_free(&b);
    }
    assert_int_equal(wad_parse_index(span_of(f.data + 8, n + 1), &w, &len), NOS_WAD_OVERSIZE);
    assert_int_equal(len, 7);
    assert_int_equal(wad_parse_index(span_of(f.data + 8, n), &w, &len), NOS_OK);
    assert_int_equal(len, f.len);
    buf_free(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_golden),   cmocka_unit_test(test_one_field_broken),
        cmocka_unit_test(test_parts),    cmocka_unit_test(test_rows),
        cmocka_unit_test(test_detached), cmocka_unit_test(test_truncations),
        cmocka_unit_test(test_head),     cmocka_unit_test(test_head_every_bit),
        cmocka_unit_test(test_called),   cmocka_unit_test(test_every_bit),
        cmocka_unit_test(test_paths),    cmocka_unit_test(test_order),
        cmocka_unit_test(test_tree),     cmocka_unit_test(test_index_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
