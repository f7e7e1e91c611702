/* The tree of memfs and its requests: each rule by itself. What many of them do together is
 * test_memfs_model. */
#include "modules/memfs/fill.h"
#include "modules/memfs/limits.h"
#include "tests/host/goldwad.h"
#include "tests/host/memfs_host.h"
#include "tests/host/test.h"

enum { BYTES = 1 << 24, NODES = 400 };

static struct tree tree;
static struct session me, other, reader;
static uint8_t windows[3][NOS_FS_WINDOW];
static struct answer said;
static uint64_t now = 1000;

static int fresh(void **state)
{
    (void)state;
    struct session *all[] = { &me, &other, &reader };
    assert_int_equal(tree_begin(&tree, BYTES, NODES), NOS_OK);
    for (unsigned i = 0; i < 3; i++) {
        *all[i] = (struct session){ .id = i + 1, .tree = &tree, .window = MSPAN_OF(windows[i]) };
    }
    reader.read_only = true;
    return 0;
}

/* Nothing of a tree is left when its clients and it have gone. */
static int clean(void **state)
{
    (void)state;
    host_fail = 0;
    session_end(&me);
    session_end(&other);
    session_end(&reader);
    assert_true(host_ended(&tree));
    return 0;
}

/* ---- requests ---- */

static nos_status_t ask(struct session *s, enum nos_fs_op op, uint32_t n, uint64_t a, uint64_t b,
                        uint64_t c, uint64_t d)
{
    const uint64_t word[] = { a, b, c, d };
    return session_serve(s, op, word, n, ++now, &said);
}

static size_t put(struct session *s, size_t at, const char *text)
{
    memcpy(s->window.data + at, text, strlen(text));
    return strlen(text);
}

static nos_status_t open_at(struct session *s, uint64_t at, const char *path, uint64_t flags)
{
    return ask(s, NOS_FS_OPEN, 3, at, flags, put(s, 0, path), 0);
}

static uint64_t opened(struct session *s, const char *path, uint64_t flags)
{
    assert_int_equal(open_at(s, 0, path, flags), NOS_OK);
    return said.word[0];
}

static uint64_t made(struct session *s, const char *path)
{
    return opened(s, path, NOS_FS_READABLE | NOS_FS_WRITABLE | NOS_FS_CREATE);
}

static nos_status_t mkdir_(struct session *s, const char *path)
{
    return ask(s, NOS_FS_MKDIR, 3, 0, put(s, 0, path), 0750, 0);
}

static nos_status_t unlink_(struct session *s, const char *path)
{
    return ask(s, NOS_FS_UNLINK, 3, 0, 0, put(s, 0, path), 0);
}

static nos_status_t rmdir_(struct session *s, const char *path)
{
    return ask(s, NOS_FS_UNLINK, 3, 0, NOS_FS_DIRECTORY, put(s, 0, path), 0);
}

static nos_status_t rename_(struct session *s, const char *from, const char *to)
{
    size_t n = put(s, 0, from);
    return ask(s, NOS_FS_RENAME, 4, 0, n, 0, put(s, n, to));
}

static nos_status_t link_(struct session *s, uint64_t flags, const char *from, const char *to)
{
    size_t n = put(s, 0, from);
    const uint64_t word[] = { 0, flags, n, 0, put(s, n, to) };
    return session_serve(s, NOS_FS_LINK, word, 5, ++now, &said);
}

static nos_status_t symlink_(struct session *s, const char *path, const char *target)
{
    size_t n = put(s, 0, path);
    return ask(s, NOS_FS_SYMLINK, 3, 0, n, put(s, n, target), 0);
}

static nos_status_t stat_(struct session *s, const char *path, uint64_t flags)
{
    return ask(s, NOS_FS_STAT, 3, 0, flags, put(s, 0, path), 0);
}

static nos_status_t write_(struct session *s, uint64_t n, uint64_t at, const char *text)
{
    return ask(s, NOS_FS_WRITE, 3, n, at, put(s, 0, text), 0);
}

static void reads(struct session *s, uint64_t n, uint64_t at, const char *text)
{
    assert_int_equal(ask(s, NOS_FS_READ, 3, n, at, strlen(text) + 1, 0), NOS_OK);
    assert_int_equal(said.word[0], strlen(text));
    assert_memory_equal(s->window.data, text, strlen(text));
}

static uint64_t ino(struct session *s, const char *path)
{
    assert_int_equal(stat_(s, path, 0), NOS_OK);
    return said.word[NOS_FS_STAT_INO];
}

/* ---- files ---- */

static void files(void **state)
{
    (void)state;
    uint64_t f = made(&me, "a");
    assert_int_equal(write_(&me, f, 0, "hello"), NOS_OK);
    assert_int_equal(said.word[0], 5);
    assert_int_equal(write_(&me, f, NOS_FS_END, " you"), NOS_OK);
    assert_int_equal(said.word[1], 9);
    reads(&me, f, 0, "hello you");
    reads(&me, f, 6, "you");
    reads(&me, f, 9, "");
    reads(&me, f, 1 << 20, "");
    assert_int_equal(ask(&me, NOS_FS_TRUNCATE, 2, f, 3, 0, 0), NOS_OK);
    assert_int_equal(ask(&me, NOS_FS_TRUNCATE, 2, f, 6, 0, 0), NOS_OK);
    assert_int_equal(ask(&me, NOS_FS_READ, 3, f, 0, 10, 0), NOS_OK);
    assert_int_equal(said.word[0], 6);
    assert_memory_equal(me.window.data, "hel\0\0", 6);  // what was cut off does not come back
    assert_int_equal(open_at(&me, 0, "b", NOS_FS_READABLE), NOS_NOT_FOUND);
    assert_int_equal(open_at(&me, 0, "a", NOS_FS_CREATE | NOS_FS_EXCLUSIVE), NOS_FS_EXISTS);
    assert_int_equal(open_at(&me, 0, "a", NOS_FS_DIRECTORY), NOS_FS_NOT_DIR);
    assert_int_equal(open_at(&me, 0, "a", 128), NOS_INVALID);
    assert_int_equal(open_at(&me, 0, "a", NOS_FS_EMPTY), NOS_INVALID);
    assert_int_equal(open_at(&me, 0, "a/", NOS_FS_READABLE), NOS_FS_NOT_DIR);
    assert_int_equal(open_at(&me, 0, "c/", NOS_FS_CREATE), NOS_NOT_FOUND);
    assert_int_equal(open_at(&me, 0, "/", NOS_FS_WRITABLE), NOS_FS_IS_DIR);
    (void)opened(&me, "a", NOS_FS_WRITABLE | NOS_FS_EMPTY);
    reads(&me, f, 0, "");
    uint64_t r = opened(&me, "a", NOS_FS_READABLE);
    assert_int_equal(write_(&me, r, 0, "x"), NOS_DENIED);
    assert_int_equal(ask(&me, NOS_FS_TRUNCATE, 2, r, 0, 0, 0), NOS_DENIED);
    uint64_t w = opened(&me, "a", NOS_FS_WRITABLE);
    assert_int_equal(ask(&me, NOS_FS_READ, 3, w, 0, 1, 0), NOS_DENIED);
    assert_int_equal(ask(&me, NOS_FS_CLOSE, 1, r, 0, 0, 0), NOS_OK);
    assert_int_equal(ask(&me, NOS_FS_CLOSE, 1, r, 0, 0, 0), NOS_BAD_HANDLE);
    assert_int_equal(write_(&me, f, NOS_FS_FILE_MAX, "x"), NOS_TOO_BIG);
    assert_int_equal(write_(&me, f, NOS_FS_END - 2, "x"), NOS_TOO_BIG);
    assert_int_equal(ask(&me, NOS_FS_TRUNCATE, 2, f, NOS_FS_FILE_MAX + 1ull, 0, 0), NOS_TOO_BIG);
}

static void sparse(void **state)
{
    (void)state;
    uint64_t f = made(&me, "holes");
    assert_int_equal(write_(&me, f, NOS_FS_FILE_MAX - 1, "x"), NOS_OK);
    assert_int_equal(stat_(&me, "holes", 0), NOS_OK);
    assert_int_equal(said.word[NOS_FS_STAT_SIZE], NOS_FS_FILE_MAX);
    assert_int_equal(said.word[NOS_FS_STAT_HELD], 3 * FS_PAGE);  // a page and two tables
    assert_int_equal(ask(&me, NOS_FS_READ, 3, f, 12345, 4096, 0), NOS_OK);
    assert_int_equal(said.word[0], 4096);
    assert_true(span_is_zero(span_of(me.window.data, 4096)));
    assert_int_equal(ask(&me, NOS_FS_TRUNCATE, 2, f, 1 << 20, 0, 0), NOS_OK);
    assert_int_equal(ask(&me, NOS_FS_TRUNCATE, 2, f, 0, 0, 0), NOS_OK);
    assert_int_equal(tree.purse.bytes, 0);
}

static void unlinked_while_open(void **state)
{
    (void)state;
    uint64_t f = made(&me, "a"), was = ino(&me, "a");
    assert_int_equal(write_(&me, f, 0, "still here"), NOS_OK);
    assert_int_equal(unlink_(&other, "a"), NOS_OK);
    assert_int_equal(stat_(&me, "a", 0), NOS_NOT_FOUND);
    reads(&me, f, 0, "still here");
    assert_int_equal(ask(&me, NOS_FS_STAT, 3, f, 0, 0, 0), NOS_OK);
    assert_int_equal(said.word[NOS_FS_STAT_LINKS] & 0xffff, 0);
    (void)made(&me, "a");
    assert_int_not_equal(ino(&me, "a"), was);
    uint64_t held = tree.purse.bytes;
    assert_int_equal(ask(&me, NOS_FS_CLOSE, 1, f, 0, 0, 0), NOS_OK);
    assert_int_equal(tree.purse.bytes, held - FS_PAGE);
    (void)made(&me, "b");
    assert_int_not_equal(ino(&me, "b"), was);  // nor once it has gone
    assert_int_not_equal(ino(&me, "b"), ino(&me, "a"));
}

/* ---- paths ---- */

static void paths_(void **state)
{
    static char name[300], path[1100];
    (void)state;
    assert_int_equal(mkdir_(&me, "d"), NOS_OK);
    assert_int_equal(mkdir_(&me, "d"), NOS_FS_EXISTS);
    assert_int_equal(mkdir_(&me, "d/e/"), NOS_OK);
    assert_int_equal(mkdir_(&me, "x/y"), NOS_NOT_FOUND);
    (void)made(&me, "d/e/f");
    uint64_t f = ino(&me, "/d/e/f");
    assert_int_equal(ino(&me, "//d/.//e/../e/./f"), f);
    assert_int_equal(ino(&me, "../../../d/e/f"), f);
    assert_int_equal(ino(&me, ".."), NOS_FS_ROOT_INO);
    assert_int_equal(ino(&me, ".."), ino(&me, "/"));
    assert_int_equal(stat_(&me, "d/e/f/", 0), NOS_FS_NOT_DIR);
    assert_int_equal(stat_(&me, "d/e/f/..", 0), NOS_FS_NOT_DIR);
    assert_int_equal(stat_(&me, "d/none/..", 0), NOS_NOT_FOUND);
    uint64_t d = opened(&me, "d", 0);
    assert_int_equal(open_at(&me, d, "e/f", NOS_FS_READABLE), NOS_OK);
    assert_int_equal(open_at(&me, d, "../d/e/f", NOS_FS_READABLE), NOS_OK);
    assert_int_equal(open_at(&me, d, "/d/e/f", NOS_FS_READABLE), NOS_OK);
    assert_int_equal(open_at(&me, said.word[0], "x", NOS_FS_READABLE), NOS_FS_NOT_DIR);
    assert_int_equal(open_at(&me, 64, "x", NOS_FS_READABLE), NOS_BAD_HANDLE);
    assert_int_equal(open_at(&me, 65, "x", NOS_FS_READABLE), NOS_BAD_HANDLE);
    assert_int_equal(open_at(&me, UINT64_MAX, "x", NOS_FS_READABLE), NOS_BAD_HANDLE);
    memset(name, 'n', 255);
    assert_int_equal(mkdir_(&me, name), NOS_OK);
    memset(name, 'n', 256);
    assert_int_equal(mkdir_(&me, name), NOS_FS_NAME);
    memset(path, '/', 1023);
    assert_int_equal(ino(&me, path), ino(&me, "/"));
    memset(path, '/', 1024);
    assert_int_equal(stat_(&me, path, 0), NOS_FS_NAME);
    memcpy(me.window.data, "d\0e", 3);
    assert_int_equal(ask(&me, NOS_FS_STAT, 3, 0, 0, 3, 0), NOS_INVALID);
    assert_int_equal(ask(&me, NOS_FS_WHERE, 1, d, 0, 0, 0), NOS_OK);
    assert_memory_equal(me.window.data, "/d", said.word[0]);
    assert_int_equal(ask(&me, NOS_FS_WHERE, 1, 0, 0, 0, 0), NOS_OK);
    assert_int_equal(said.word[0], 1);
}

static void symlinks(void **state)
{
    char name[3] = "l0", target[3] = "l0";
    (void)state;
    assert_int_equal(mkdir_(&me, "d"), NOS_OK);
    (void)made(&me, "d/f");
    assert_int_equal(symlink_(&me, "to", "d"), NOS_OK);
    assert_int_equal(ino(&me, "to/f"), ino(&me, "d/f"));
    assert_int_equal(ino(&me, "to/"), ino(&me, "d"));
    assert_int_equal(ino(&me, "to/../d/f"), ino(&me, "d/f"));
    assert_int_equal(symlink_(&me, "d/up", "../../../d/f"), NOS_OK);
    assert_int_equal(ino(&me, "d/up"), ino(&me, "d/f"));
    assert_int_equal(symlink_(&me, "d/root", "/"), NOS_OK);
    assert_int_equal(ino(&me, "d/root"), ino(&me, "/"));
    assert_int_equal(ino(&me, "d/root/d/root/d/f"), ino(&me, "d/f"));
    assert_int_equal(symlink_(&me, "self", "self"), NOS_OK);
    assert_int_equal(stat_(&me, "self", 0), NOS_FS_LOOP);
    assert_int_equal(stat_(&me, "self", NOS_FS_NOFOLLOW), NOS_OK);
    assert_int_equal(said.word[NOS_FS_STAT_KIND], NOS_FS_KIND_LINK);
    assert_int_equal(open_at(&me, 0, "to", NOS_FS_NOFOLLOW), NOS_FS_LOOP);
    assert_int_equal(ask(&me, NOS_FS_READLINK, 2, 0, put(&me, 0, "d/up"), 0, 0), NOS_OK);
    assert_memory_equal(me.window.data, "../../../d/f", said.word[0]);
    assert_int_equal(ask(&me, NOS_FS_READLINK, 2, 0, put(&me, 0, "d"), 0, 0), NOS_INVALID);
    assert_int_equal(symlink_(&me, "empty", ""), NOS_NOT_FOUND);
    memcpy(me.window.data, "nula\0b", 6);
    assert_int_equal(ask(&me, NOS_FS_SYMLINK, 3, 0, 3, 3, 0), NOS_INVALID);
    // a dangling one: made by opening, not when it is to be new
    assert_int_equal(symlink_(&me, "dangling", "d/new"), NOS_OK);
    assert_int_equal(stat_(&me, "dangling", 0), NOS_NOT_FOUND);
    assert_int_equal(open_at(&me, 0, "dangling", NOS_FS_CREATE | NOS_FS_EXCLUSIVE), NOS_FS_EXISTS);
    assert_int_equal(mkdir_(&me, "dangling"), NOS_FS_EXISTS);
    (void)made(&me, "dangling");
    assert_int_equal(ino(&me, "dangling"), ino(&me, "d/new"));
    assert_int_equal(unlink_(&me, "dangling"), NOS_OK);
    (void)ino(&me, "d/new");
    // sixteen on the way are followed, seventeen are not
    (void)made(&me, "l0");
    for (unsigned i = 1; i <= 17; i++) {
        name[1] = (char)('0' + i);
        assert_int_equal(symlink_(&me, name, target), NOS_OK);
        assert_int_equal(stat_(&me, name, 0), i <= TREE_LINKS_MAX ? NOS_OK : NOS_FS_LOOP);
        target[1] = name[1];
    }
}

static void renames(void **state)
{
    (void)state;
    assert_int_equal(mkdir_(&me, "d"), NOS_OK);
    assert_int_equal(mkdir_(&me, "d/e"), NOS_OK);
    (void)made(&me, "a");
    (void)made(&me, "b");
    uint64_t a = ino(&me, "a");
    uint32_t nodes = tree.nodes;
    assert_int_equal(rename_(&me, "a", "b"), NOS_OK);
    assert_int_equal(ino(&me, "b"), a);
    assert_int_equal(stat_(&me, "a", 0), NOS_NOT_FOUND);
    assert_int_equal(rename_(&me, "b", "d/e/c"), NOS_OK);
    assert_int_equal(ino(&me, "d/e/c"), a);
    assert_int_equal(rename_(&me, "d/e/c", "d/e/c"), NOS_OK);
    assert_int_equal(rename_(&me, "d", "d/e/in"), NOS_INVALID);
    assert_int_equal(rename_(&me, "d", "d"), NOS_OK);
    assert_int_equal(rename_(&me, "d/e/c", "d"), NOS_FS_IS_DIR);
    assert_int_equal(rename_(&me, "d/e", "d/e/c"), NOS_INVALID);
    (void)made(&me, "g");
    assert_int_equal(rename_(&me, "d", "g"), NOS_FS_NOT_DIR);
    assert_int_equal(mkdir_(&me, "h"), NOS_OK);
    assert_int_equal(rename_(&me, "h", "d/e"), NOS_FS_NOT_EMPTY);
    assert_int_equal(rename_(&me, "d/e", "h"), NOS_OK);
    assert_int_equal(ino(&me, "h/c"), a);
    assert_int_equal(rename_(&me, "g", "new/"), NOS_FS_NOT_DIR);
    assert_int_equal(rename_(&me, "none", "x"), NOS_NOT_FOUND);
    assert_int_equal(rename_(&me, "/", "x"), NOS_BUSY);
    assert_int_equal(rename_(&me, "d", "/"), NOS_BUSY);
    assert_int_equal(rename_(&me, "h/.", "x"), NOS_INVALID);
    assert_int_equal(rename_(&me, "h", "d/.."), NOS_BUSY);
    assert_int_equal(tree.nodes, nodes + 1);
    // a symlink is moved, not what it names
    assert_int_equal(symlink_(&me, "l", "h"), NOS_OK);
    assert_int_equal(rename_(&me, "l", "m"), NOS_OK);
    assert_int_equal(stat_(&me, "m", NOS_FS_NOFOLLOW), NOS_OK);
    assert_int_equal(said.word[NOS_FS_STAT_KIND], NOS_FS_KIND_LINK);
}

static uint64_t names(struct session *s, const char *path)
{
    assert_int_equal(stat_(s, path, NOS_FS_NOFOLLOW), NOS_OK);
    return said.word[NOS_FS_STAT_LINKS] & 0xffff;
}

static void hard_links(void **state)
{
    (void)state;
    assert_int_equal(mkdir_(&me, "d"), NOS_OK);
    uint64_t f = made(&me, "a"), before = tree.nodes;
    assert_int_equal(write_(&me, f, 0, "same"), NOS_OK);
    assert_int_equal(link_(&me, 0, "a", "d/b"), NOS_OK);
    assert_true(names(&me, "a") == 2 && names(&me, "d/b") == 2 && ino(&me, "a") == ino(&me, "d/b"));
    reads(&other, opened(&other, "d/b", NOS_FS_READABLE), 0, "same");
    assert_int_equal(tree.nodes, before + 1);  // a name is paid for as a node is
    assert_int_equal(link_(&me, 0, "a", "d/b"), NOS_FS_EXISTS);
    assert_int_equal(link_(&me, 0, "a", "a"), NOS_FS_EXISTS);
    assert_int_equal(link_(&me, 0, "none", "x"), NOS_NOT_FOUND);
    assert_int_equal(link_(&me, 0, "a", "none/x"), NOS_NOT_FOUND);
    assert_int_equal(link_(&me, 0, "a", "x/"), NOS_NOT_FOUND);
    assert_int_equal(link_(&me, 0, "a/", "x"), NOS_FS_NOT_DIR);
    assert_int_equal(link_(&me, 0, "d", "x"), NOS_FS_IS_DIR);
    assert_int_equal(link_(&me, 0, "/", "x"), NOS_FS_IS_DIR);
    assert_int_equal(link_(&me, 1, "a", "x"), NOS_INVALID);
    assert_int_equal(link_(&reader, 0, "a", "x"), NOS_FS_READ_ONLY);
    // of two names of one file neither takes the other's place
    assert_int_equal(rename_(&me, "a", "d/b"), NOS_OK);
    assert_true(names(&me, "a") == 2 && names(&me, "d/b") == 2);
    // a name in the place of another file's leaves that one's other names
    (void)made(&me, "c");
    uint64_t c = ino(&me, "c");
    assert_int_equal(rename_(&me, "c", "a"), NOS_OK);
    assert_true(ino(&me, "a") == c && names(&me, "d/b") == 1);
    assert_int_equal(tree.nodes, before + 1);
    // a name goes, then the last; what is open stays, and cannot get a name again
    assert_int_equal(link_(&me, 0, "d/b", "b"), NOS_OK);
    assert_int_equal(unlink_(&me, "d/b"), NOS_OK);
    assert_int_equal(names(&me, "b"), 1);
    assert_int_equal(unlink_(&me, "b"), NOS_OK);
    reads(&me, f, 0, "same");
    assert_int_equal(ask(&me, NOS_FS_STAT, 3, f, 0, 0, 0), NOS_OK);
    assert_int_equal(said.word[NOS_FS_STAT_LINKS] & 0xffff, 0);
    // a symlink has names too; or what it leads to has
    assert_int_equal(symlink_(&me, "l", "a"), NOS_OK);
    assert_int_equal(link_(&me, NOS_FS_NOFOLLOW, "l", "m"), NOS_OK);
    assert_true(names(&me, "l") == 2 && names(&me, "a") == 1);
    assert_int_equal(link_(&me, 0, "m", "n"), NOS_OK);
    assert_true(names(&me, "n") == 2 && ino(&me, "n") == c);
    // each name costs, up to the tree's quota and to what STAT can tell
    tree.nodes_max = tree.nodes;
    assert_int_equal(link_(&me, 0, "a", "x"), NOS_QUOTA);
    assert_int_equal(unlink_(&me, "n"), NOS_OK);
    assert_int_equal(link_(&me, 0, "a", "x"), NOS_OK);
    tree.nodes_max = NODES;
    struct node *n = me.open[f - 1].node;
    n->names = NODE_NAMES_MAX;
    struct place from = { .node = n }, to = { .dir = tree.root, .name = SPAN_LIT("y") };
    assert_int_equal(tree_link(&from, &to, now), NOS_QUOTA);
    n->names = 0;
    char large[NOS_FS_NAME_MAX + 1] = { 0 };
    memset(large, 'x', NOS_FS_NAME_MAX);
    host_fail = 1;
    assert_int_equal(link_(&me, 0, "a", large), NOS_NO_MEMORY);
    assert_int_equal(names(&me, "a"), 2);
}

/* A file in a session of its own: at one offset with who lent it, and nothing else is there. */
static void lent(void **state)
{
    (void)state;
    struct session *one = &other, *two = &reader;
    uint64_t f = made(&me, "a"), r = opened(&me, "a", NOS_FS_READABLE);

    *one = (struct session){ .id = 7, .window = MSPAN_OF(windows[1]) };
    *two = (struct session){ .id = 8, .window = MSPAN_OF(windows[2]) };
    assert_int_equal(mkdir_(&me, "d"), NOS_OK);
    assert_int_equal(write_(&me, f, 0, "0123456789"), NOS_OK);
    assert_int_equal(write_(&me, f, NOS_FS_HERE, "x"), NOS_INVALID);  // it is not lent
    assert_int_equal(ask(&me, NOS_FS_SEEK, 2, f, 3, 0, 0), NOS_INVALID);
    assert_int_equal(session_lend(&me, 60, 0, one), NOS_BAD_HANDLE);
    assert_int_equal(session_lend(&me, opened(&me, "d", 0), 0, one), NOS_FS_IS_DIR);
    assert_int_equal(session_lend(&me, f, 4, one), NOS_OK);
    reads(one, 1, NOS_FS_HERE, "456789");
    assert_int_equal(ask(&me, NOS_FS_SEEK, 2, f, NOS_FS_HERE, 0, 0), NOS_OK);
    assert_int_equal(said.word[0], 10);
    assert_int_equal(ask(&me, NOS_FS_SEEK, 2, f, NOS_FS_END, 0, 0), NOS_INVALID);
    assert_int_equal(ask(&me, NOS_FS_SEEK, 2, f, 2, 0, 0), NOS_OK);
    assert_int_equal(write_(one, 1, NOS_FS_HERE, "ab"), NOS_OK);
    assert_int_equal(said.word[1], 4);
    assert_int_equal(write_(one, 1, 0, "Z"), NOS_OK);  // elsewhere: nothing moves
    reads(&me, f, NOS_FS_HERE, "456789");
    assert_int_equal(write_(&me, f, NOS_FS_END, "end"), NOS_OK);
    assert_int_equal(ask(one, NOS_FS_SEEK, 2, 1, NOS_FS_HERE, 0, 0), NOS_OK);
    assert_int_equal(said.word[0], 13);
    // lent again: the offset is what it is; as much as it was opened for, and no more
    assert_int_equal(session_lend(one, 1, 0, two), NOS_OK);
    assert_int_equal(ask(two, NOS_FS_SEEK, 2, 1, NOS_FS_HERE, 0, 0), NOS_OK);
    assert_int_equal(said.word[0], 13);
    session_end(two);
    assert_int_equal(session_lend(&me, r, 0, two), NOS_OK);
    assert_int_equal(write_(two, 1, 0, "x"), NOS_DENIED);
    // nothing else is there: no name, no directory, no root
    assert_int_equal(open_at(one, 0, "a", NOS_FS_READABLE), NOS_BAD_HANDLE);
    assert_int_equal(open_at(one, 1, "a", NOS_FS_READABLE), NOS_FS_NOT_DIR);
    assert_int_equal(open_at(one, 1, "/a", NOS_FS_READABLE), NOS_FS_NOT_DIR);
    assert_int_equal(stat_(one, "/", 0), NOS_BAD_HANDLE);
    assert_int_equal(ask(one, NOS_FS_STAT, 3, 0, 0, 0, 0), NOS_BAD_HANDLE);
    assert_int_equal(ask(one, NOS_FS_CHMOD, 3, 0, 0, 0, 0), NOS_BAD_HANDLE);
    assert_int_equal(ask(one, NOS_FS_LIST, 3, 0, 0, 100, 0), NOS_BAD_HANDLE);
    assert_int_equal(ask(one, NOS_FS_WHERE, 1, 0, 0, 0, 0), NOS_BAD_HANDLE);
    assert_int_equal(unlink_(one, "a"), NOS_BAD_HANDLE);
    assert_int_equal(rename_(one, "a", "b"), NOS_BAD_HANDLE);
    assert_int_equal(link_(one, 0, "a", "b"), NOS_BAD_HANDLE);
    assert_int_equal(mkdir_(one, "e"), NOS_BAD_HANDLE);
    assert_int_equal(symlink_(one, "e", "a"), NOS_BAD_HANDLE);
    // it outlives the name, and who lent it
    assert_int_equal(unlink_(&me, "a"), NOS_OK);
    assert_int_equal(ask(&me, NOS_FS_CLOSE, 1, f, 0, 0, 0), NOS_OK);
    reads(one, 1, 0, "Z1ab456789end");
    assert_int_equal(ask(one, NOS_FS_CLOSE, 1, 1, 0, 0, 0), NOS_OK);
}

static void removed_directories(void **state)
{
    (void)state;
    assert_int_equal(mkdir_(&me, "d"), NOS_OK);
    assert_int_equal(mkdir_(&me, "d/e"), NOS_OK);
    assert_int_equal(rmdir_(&me, "d"), NOS_FS_NOT_EMPTY);
    assert_int_equal(unlink_(&me, "d"), NOS_FS_IS_DIR);
    assert_int_equal(rmdir_(&me, "d/e/."), NOS_INVALID);
    assert_int_equal(rmdir_(&me, "d/e/.."), NOS_INVALID);
    assert_int_equal(rmdir_(&me, "/"), NOS_BUSY);
    (void)made(&me, "f");
    assert_int_equal(rmdir_(&me, "f"), NOS_FS_NOT_DIR);
    assert_int_equal(unlink_(&me, "none"), NOS_NOT_FOUND);
    uint64_t e = opened(&me, "d/e", 0);
    assert_int_equal(rmdir_(&me, "d/e"), NOS_OK);
    assert_int_equal(open_at(&me, e, "x", NOS_FS_CREATE), NOS_NOT_FOUND);
    assert_int_equal(open_at(&me, e, "..", 0), NOS_NOT_FOUND);
    assert_int_equal(ask(&me, NOS_FS_WHERE, 1, e, 0, 0, 0), NOS_NOT_FOUND);
    assert_int_equal(ask(&me, NOS_FS_LIST, 3, e, 0, 4096, 0), NOS_OK);
    assert_int_equal(said.word[0], 0);
    assert_int_equal(rmdir_(&me, "d"), NOS_OK);
}

static void listing(void **state)
{
    enum { N = 100 };
    char name[16];
    uint64_t cookie = 0;
    unsigned seen[N] = { 0 }, after = 0;

    (void)state;
    for (unsigned i = 0; i < N; i++) {
        snprintf(name, sizeof name, "f%02u", i);
        (void)made(&me, name);
        assert_int_equal(ask(&me, NOS_FS_CLOSE, 1, said.word[0], 0, 0, 0), NOS_OK);
    }
    // in pieces, while what was seen goes, and new ones come
    for (unsigned round = 0;; round++) {
        assert_int_equal(ask(&me, NOS_FS_LIST, 3, 0, cookie, 150, 0), NOS_OK);
        span_t e, all = span_of(me.window.data, said.word[0]);
        uint8_t copy[150];
        if (all.len == 0) {
            break;
        }
        memcpy(copy, all.data, all.len);
        all.data = copy;
        while (all.len > 0) {
            uint8_t len;
            assert_true(span_u8(all, NOS_FS_ENTRY_LEN, &len));
            assert_true(span_take(&all, NOS_FS_ENTRY_NAME + (size_t)len, &e));
            cookie = load_le64(e.data + NOS_FS_ENTRY_COOKIE);
            snprintf(name, sizeof name, "%.*s", len, (const char *)e.data + NOS_FS_ENTRY_NAME);
            assert_int_equal(load_le64(e.data + NOS_FS_ENTRY_INO), ino(&me, name));
            if (name[0] == 'f') {
                seen[strtoul(name + 1, NULL, 10)]++;
                assert_int_equal(unlink_(&me, name), NOS_OK);
            } else {
                after++;
            }
        }
        if (round < 5) {
            snprintf(name, sizeof name, "n%02u", round);
            (void)made(&me, name);
        }
    }
    for (unsigned i = 0; i < N; i++) {
        assert_int_equal(seen[i], 1);
    }
    assert_int_equal(after, 5);
    assert_int_equal(ask(&me, NOS_FS_LIST, 3, 0, 0, 20, 0), NOS_INVALID);
    assert_int_equal(ask(&me, NOS_FS_LIST, 3, 0, 0, NOS_FS_WINDOW + 1, 0), NOS_BAD_MESSAGE);
}

static void times(void **state)
{
    (void)state;
    uint64_t f = made(&me, "a"), t = now;
    assert_int_equal(stat_(&me, "a", 0), NOS_OK);
    assert_int_equal(said.word[NOS_FS_STAT_CHANGE], t);
    assert_int_equal(stat_(&me, "/", 0), NOS_OK);
    assert_int_equal(said.word[NOS_FS_STAT_CHANGE], t);
    assert_int_equal(write_(&me, f, 0, "x"), NOS_OK);
    t = now;
    reads(&me, f, 0, "x");
    assert_int_equal(stat_(&me, "a", 0), NOS_OK);
    assert_int_equal(said.word[NOS_FS_STAT_CHANGE], t);
    assert_int_equal(said.word[NOS_FS_STAT_ACCESS], t + 1);
    uint64_t r = opened(&reader, "a", NOS_FS_READABLE);
    reads(&reader, r, 0, "x");
    assert_int_equal(stat_(&me, "a", 0), NOS_OK);
    assert_int_equal(said.word[NOS_FS_STAT_ACCESS], t + 1);  // who may only read leaves no trace
    assert_int_equal(ask(&me, NOS_FS_TIMES, 3, f, 7, 8, 0), NOS_OK);
    assert_int_equal(stat_(&me, "a", 0), NOS_OK);
    assert_int_equal(said.word[NOS_FS_STAT_ACCESS], 7);
    assert_int_equal(said.word[NOS_FS_STAT_CHANGE], 8);
    assert_int_equal(said.word[NOS_FS_STAT_STATUS], now - 1);
}

/* ---- who may what ---- */

static void read_only(void **state)
{
    (void)state;
    assert_int_equal(mkdir_(&me, "d"), NOS_OK);
    uint64_t f = made(&me, "d/f");
    assert_int_equal(write_(&me, f, 0, "text"), NOS_OK);
    uint64_t r = opened(&reader, "d/f", NOS_FS_READABLE);
    reads(&reader, r, 0, "text");
    assert_int_equal(open_at(&reader, 0, "d/f", NOS_FS_WRITABLE), NOS_FS_READ_ONLY);
    assert_int_equal(open_at(&reader, 0, "d/f", NOS_FS_WRITABLE | NOS_FS_EMPTY), NOS_FS_READ_ONLY);
    assert_int_equal(open_at(&reader, 0, "d/g", NOS_FS_CREATE), NOS_FS_READ_ONLY);
    assert_int_equal(mkdir_(&reader, "e"), NOS_FS_READ_ONLY);
    assert_int_equal(unlink_(&reader, "d/f"), NOS_FS_READ_ONLY);
    assert_int_equal(rmdir_(&reader, "d"), NOS_FS_READ_ONLY);
    assert_int_equal(rename_(&reader, "d/f", "g"), NOS_FS_READ_ONLY);
    assert_int_equal(symlink_(&reader, "l", "d"), NOS_FS_READ_ONLY);
    assert_int_equal(ask(&reader, NOS_FS_TIMES, 3, r, 1, 1, 0), NOS_FS_READ_ONLY);
    assert_int_equal(write_(&reader, r, 0, "x"), NOS_DENIED);
    assert_int_equal(ask(&reader, NOS_FS_TRUNCATE, 2, r, 0, 0, 0), NOS_DENIED);
    assert_int_equal(ask(&reader, NOS_FS_MAP, 2, r, NOS_FS_WRITABLE, 0, 0), NOS_DENIED);
    assert_int_equal(ask(&reader, NOS_FS_LOCK, 4, r, NOS_FS_ALONE, 0, 9), NOS_DENIED);
    assert_int_equal(ask(&reader, NOS_FS_MAP, 2, r, 0, 0, 0), NOS_OK);
    reads(&me, f, 0, "text");
    // mapping a hole fills it: not at the cost of those who may write
    f = made(&me, "hole");
    assert_int_equal(ask(&me, NOS_FS_TRUNCATE, 2, f, 1 << 20, 0, 0), NOS_OK);
    r = opened(&reader, "hole", NOS_FS_READABLE);
    uint64_t held = tree.purse.bytes;
    assert_int_equal(ask(&reader, NOS_FS_MAP, 2, r, 0, 0, 0), NOS_FS_READ_ONLY);
    assert_int_equal(tree.purse.bytes, held);
}

/* Data: told, and nothing is refused because of it. */
static void modes(void **state)
{
    (void)state;
    assert_int_equal(open_at(&me, 0, "f", NOS_FS_CREATE | 04640ull << NOS_FS_MODE_AT), NOS_OK);
    uint64_t f = said.word[0];
    assert_int_equal(stat_(&me, "f", 0), NOS_OK);
    assert_int_equal(said.word[NOS_FS_STAT_LINKS] >> NOS_FS_MODE_AT, 04640);
    (void)opened(&me, "f", NOS_FS_CREATE | 0777ull << NOS_FS_MODE_AT);  // it is there already
    assert_int_equal(stat_(&me, "f", 0), NOS_OK);
    assert_int_equal(said.word[NOS_FS_STAT_LINKS] >> NOS_FS_MODE_AT, 04640);
    assert_int_equal(mkdir_(&me, "d"), NOS_OK);
    assert_int_equal(stat_(&me, "d", 0), NOS_OK);
    assert_int_equal(said.word[NOS_FS_STAT_LINKS] >> NOS_FS_MODE_AT, 0750);
    assert_int_equal(ask(&me, NOS_FS_CHMOD, 3, f, 0, 0, 0), NOS_OK);
    assert_int_equal(stat_(&me, "f", 0), NOS_OK);
    assert_int_equal(said.word[NOS_FS_STAT_LINKS] >> NOS_FS_MODE_AT, 0);
    assert_int_equal(said.word[NOS_FS_STAT_STATUS], now - 1);
    (void)opened(&me, "f", NOS_FS_READABLE | NOS_FS_WRITABLE);
    assert_int_equal(symlink_(&me, "l", "f"), NOS_OK);
    assert_int_equal(ask(&me, NOS_FS_CHMOD, 3, 0, 07777, put(&me, 0, "l"), 0), NOS_OK);
    assert_int_equal(stat_(&me, "f", 0), NOS_OK);
    assert_int_equal(said.word[NOS_FS_STAT_LINKS] >> NOS_FS_MODE_AT, 07777);
    assert_int_equal(ask(&me, NOS_FS_CHMOD, 3, f, 010000, 0, 0), NOS_INVALID);
    assert_int_equal(ask(&me, NOS_FS_MKDIR, 3, 0, put(&me, 0, "x"), 010000, 0), NOS_INVALID);
    assert_int_equal(open_at(&me, 0, "x", NOS_FS_CREATE | 010000ull << NOS_FS_MODE_AT),
                     NOS_INVALID);
    assert_int_equal(ask(&me, NOS_FS_CHMOD, 3, 0, 0, put(&me, 0, "x"), 0), NOS_NOT_FOUND);
    assert_int_equal(ask(&me, NOS_FS_CHMOD, 3, 60, 0, 0, 0), NOS_BAD_HANDLE);
    assert_int_equal(ask(&reader, NOS_FS_CHMOD, 3, 0, 0, put(&reader, 0, "f"), 0),
                     NOS_FS_READ_ONLY);
}

/* Numbers are a session's own. */
static void numbers(void **state)
{
    (void)state;
    uint64_t f = made(&me, "a");
    assert_int_equal(ask(&other, NOS_FS_READ, 3, f, 0, 1, 0), NOS_BAD_HANDLE);
    assert_int_equal(ask(&other, NOS_FS_CLOSE, 1, f, 0, 0, 0), NOS_BAD_HANDLE);
    for (unsigned i = 1; i < SESSION_OPENS; i++) {
        (void)opened(&me, "a", NOS_FS_READABLE);
    }
    assert_int_equal(open_at(&me, 0, "a", NOS_FS_READABLE), NOS_NO_SLOT);
    assert_int_equal(open_at(&other, 0, "a", NOS_FS_READABLE), NOS_OK);
    assert_int_equal(ask(&me, NOS_FS_CLOSE, 1, f, 0, 0, 0), NOS_OK);
    assert_int_equal(opened(&me, "a", 0), f);
    for (unsigned op = 0; op < 40; op++) {  // one word too many, and operations that are none
        assert_int_equal(ask(&me, op, 6, 0, 0, 0, 0), NOS_BAD_MESSAGE);
    }
    assert_int_equal(ask(&me, NOS_FS_READ, 3, 2, 0, NOS_FS_WINDOW + 1, 0), NOS_BAD_MESSAGE);
    assert_int_equal(ask(&me, NOS_FS_READ, 3, 2, 0, UINT64_MAX, 0), NOS_BAD_MESSAGE);
    assert_int_equal(ask(&me, NOS_FS_RENAME, 4, 0, UINT64_MAX, 0, 1), NOS_FS_NAME);
    assert_int_equal(ask(&me, NOS_FS_MKDIR, 3, 0, 0, 0, 0), NOS_NOT_FOUND);
}

static void quotas(void **state)
{
    (void)state;
    uint64_t f = made(&me, "a");
    tree.purse.bytes_max = 4 * FS_PAGE;
    assert_int_equal(ask(&me, NOS_FS_WRITE, 3, f, 0, NOS_FS_WINDOW, 0), NOS_OK);
    assert_int_equal(said.word[0], 3 * FS_PAGE);  // and a table
    assert_int_equal(ask(&me, NOS_FS_WRITE, 3, f, 3 * FS_PAGE, 1, 0), NOS_QUOTA);
    assert_int_equal(stat_(&me, "a", 0), NOS_OK);
    assert_int_equal(said.word[NOS_FS_STAT_SIZE], 3 * FS_PAGE);
    assert_int_equal(ask(&me, NOS_FS_WRITE, 3, f, 0, 100, 0),
                     NOS_OK);                                       // what it has, it may change
    assert_int_equal(ask(&me, NOS_FS_MAP, 2, f, 0, 0, 0), NOS_OK);  // needs no table
    assert_int_equal(ask(&me, NOS_FS_CLOSE, 1, said.word[0], 0, 0, 0), NOS_OK);
    assert_int_equal(ask(&me, NOS_FS_TRUNCATE, 2, f, 1 << 20, 0, 0), NOS_OK);  // a hole is free
    assert_int_equal(ask(&me, NOS_FS_MAP, 2, f, 0, 0, 0), NOS_QUOTA);          // until it is mapped
    assert_true(tree.purse.bytes <= tree.purse.bytes_max);
    tree.nodes_max = tree.nodes + 1;
    assert_int_equal(mkdir_(&me, "d"), NOS_OK);
    assert_int_equal(mkdir_(&me, "e"), NOS_QUOTA);
    assert_int_equal(symlink_(&me, "e", "d"), NOS_QUOTA);
    assert_int_equal(open_at(&me, 0, "e", NOS_FS_CREATE), NOS_QUOTA);
    assert_int_equal(rename_(&me, "d", "e"), NOS_OK);
    assert_int_equal(rmdir_(&me, "e"), NOS_OK);
    assert_int_equal(mkdir_(&me, "e"), NOS_OK);
    uint64_t d = opened(&me, "e", 0);
    assert_int_equal(rmdir_(&me, "e"), NOS_OK);
    assert_int_equal(mkdir_(&me, "f"), NOS_QUOTA);  // it is held, so it counts
    assert_int_equal(ask(&me, NOS_FS_CLOSE, 1, d, 0, 0, 0), NOS_OK);
    assert_int_equal(mkdir_(&me, "f"), NOS_OK);
}

static void mapped(void **state)
{
    (void)state;
    uint64_t f = made(&me, "a");
    assert_int_equal(ask(&me, NOS_FS_MAP, 2, f, 0, 0, 0), NOS_INVALID);  // it has no bytes
    assert_int_equal(write_(&me, f, 5000, "text"), NOS_OK);
    assert_int_equal(ask(&me, NOS_FS_MAP, 2, f, 0, 0, 0), NOS_OK);
    assert_int_equal(said.lent, 1);
    assert_int_equal(said.word[1], 5004);
    uint64_t m = said.word[0];
    const struct data *d = &me.open[f - 1].node->file.data;
    assert_int_equal(d->block.pages, 2);
    assert_memory_equal(d->block.at + 5000, "text", 4);
    assert_int_equal(write_(&me, f, 5000, "TEXT"), NOS_OK);  // who maps it sees it
    assert_memory_equal(d->block.at + 5000, "TEXT", 4);
    assert_int_equal(ask(&me, NOS_FS_READ, 3, m, 0, 1, 0), NOS_BAD_HANDLE);
    assert_int_equal(write_(&me, f, 8192, "more"), NOS_OK);
    reads(&me, f, 8192, "more");
    assert_int_equal(ask(&me, NOS_FS_MAP, 2, f, 0, 0, 0), NOS_BUSY);
    assert_int_equal(ask(&me, NOS_FS_TRUNCATE, 2, f, 0, 0, 0), NOS_OK);
    assert_true(span_is_zero(span_of(d->block.at, 8192)));  // wiped, and there while it is mapped
    assert_int_equal(unlink_(&me, "a"), NOS_OK);
    assert_int_equal(ask(&me, NOS_FS_CLOSE, 1, f, 0, 0, 0), NOS_OK);
    assert_int_equal(host_blocks, 1);
    assert_int_equal(host_lent, 1);
    assert_int_equal(ask(&me, NOS_FS_CLOSE, 1, m, 0, 0, 0), NOS_OK);
    assert_int_equal(host_blocks, 0);
    // what a mapping leaves behind the end is not the file's when it grows
    f = made(&me, "g");
    assert_int_equal(write_(&me, f, 0, "text"), NOS_OK);
    assert_int_equal(ask(&me, NOS_FS_MAP, 2, f, NOS_FS_WRITABLE, 0, 0), NOS_OK);
    m = said.word[0];
    d = &me.open[f - 1].node->file.data;
    memset(d->block.at + 4, 'x', FS_PAGE - 4);
    assert_int_equal(write_(&me, f, 8, "end"), NOS_OK);
    assert_memory_equal(d->block.at, "text\0\0\0\0end", 11);
    assert_int_equal(ask(&me, NOS_FS_TRUNCATE, 2, f, 100, 0, 0), NOS_OK);
    assert_true(span_is_zero(span_of(d->block.at + 11, 89)));
    assert_int_equal(ask(&me, NOS_FS_CLOSE, 1, m, 0, 0, 0), NOS_OK);
    // a file that became large by being written lies in a block already
    f = made(&me, "b");
    for (uint64_t at = 0; at < 1 << 20; at += NOS_FS_WINDOW) {
        assert_int_equal(ask(&me, NOS_FS_WRITE, 3, f, at, NOS_FS_WINDOW, 0), NOS_OK);
    }
    assert_int_equal(me.open[f - 1].node->file.data.block.pages, 256);
    assert_int_equal(me.open[f - 1].node->file.data.pages, 0);
    // one with holes does not
    f = made(&me, "c");
    assert_int_equal(write_(&me, f, 1 << 20, "x"), NOS_OK);
    assert_int_equal(me.open[f - 1].node->file.data.block.pages, 0);
}

/* ---- locks ---- */

static nos_status_t lock_(struct session *s, uint64_t n, uint64_t kind, uint64_t a, uint64_t b)
{
    return ask(s, NOS_FS_LOCK, 4, n, kind, a, b);
}

static void locks(void **state)
{
    enum { RW = NOS_FS_READABLE | NOS_FS_WRITABLE };
    (void)state;
    uint64_t f = made(&me, "a"), g = opened(&other, "a", RW);
    assert_int_equal(lock_(&me, f, NOS_FS_ALONE, 10, 19), NOS_OK);
    assert_int_equal(lock_(&me, f, NOS_FS_ALONE, 10, 19), NOS_OK);  // its own is never in the way
    assert_int_equal(lock_(&other, g, NOS_FS_SHARED, 19, 19), NOS_WOULD_BLOCK);
    assert_int_equal(lock_(&other, g, NOS_FS_SHARED, 20, 29), NOS_OK);
    assert_int_equal(lock_(&other, g, NOS_FS_SHARED, 0, 9), NOS_OK);
    assert_int_equal(lock_(&me, f, NOS_FS_SHARED, 0, 100), NOS_OK);  // shared from now on
    assert_int_equal(lock_(&other, g, NOS_FS_SHARED, 10, 19), NOS_OK);
    assert_int_equal(lock_(&other, g, NOS_FS_ALONE, 50, 50), NOS_WOULD_BLOCK);
    assert_int_equal(lock_(&me, f, NOS_FS_UNLOCK, 40, 60), NOS_OK);  // out of the middle
    assert_int_equal(lock_(&other, g, NOS_FS_ALONE, 40, 60), NOS_OK);
    assert_int_equal(lock_(&other, g, NOS_FS_ALONE, 39, 39), NOS_WOULD_BLOCK);
    assert_int_equal(lock_(&other, g, NOS_FS_ALONE, 61, 61), NOS_WOULD_BLOCK);
    assert_int_equal(lock_(&me, f, NOS_FS_TEST | NOS_FS_ALONE, 0, UINT64_MAX), NOS_OK);
    assert_int_not_equal(said.word[0], NOS_FS_UNLOCK);
    assert_int_equal(lock_(&me, f, NOS_FS_TEST | NOS_FS_ALONE, 200, UINT64_MAX), NOS_OK);
    assert_int_equal(said.word[0], NOS_FS_UNLOCK);
    assert_int_equal(lock_(&me, f, NOS_FS_ALONE, 9, 8), NOS_INVALID);
    assert_int_equal(lock_(&me, f, 3, 0, 1), NOS_INVALID);
    assert_int_equal(lock_(&me, f, 8, 0, 1), NOS_INVALID);
    // closing any number of the file lets go of everything on it
    uint64_t second = opened(&other, "a", NOS_FS_READABLE);
    assert_int_equal(ask(&other, NOS_FS_CLOSE, 1, second, 0, 0, 0), NOS_OK);
    assert_int_equal(lock_(&other, g, NOS_FS_ALONE, 100, 100),
                     NOS_WOULD_BLOCK);  // its own, that is
    second = opened(&me, "a", 0);       // to walk from, or to say its times: no file that was open
    assert_int_equal(ask(&me, NOS_FS_CLOSE, 1, second, 0, 0, 0), NOS_OK);
    assert_int_equal(lock_(&other, g, NOS_FS_ALONE, 100, 100), NOS_WOULD_BLOCK);
    assert_int_equal(lock_(&me, f, NOS_FS_ALONE, 0, UINT64_MAX), NOS_OK);
    session_end(&me);
    assert_int_equal(lock_(&other, g, NOS_FS_ALONE, 0, UINT64_MAX), NOS_OK);
    for (uint64_t i = 0; lock_(&other, g, NOS_FS_SHARED, 2 * i, 2 * i) == NOS_OK; i++) {
        assert_true(i < NODE_LOCKS_MAX);
    }
    assert_int_equal(lock_(&other, g, NOS_FS_SHARED, 500, 500), NOS_NO_SLOT);
    assert_int_equal(lock_(&other, g, NOS_FS_UNLOCK, 0, UINT64_MAX), NOS_OK);
    assert_null(other.open[g - 1].node->file.locks);
}

/* ---- trees of wads ---- */

static nos_status_t fill(struct buf f, uint32_t *files)
{
    struct wad w;
    struct wad_tree names;

    nos_status_t st = fill_check(buf_span(f), &w, &names);
    return st == NOS_OK ? fill_tree(&w, &names, &tree, ++now, files) : st;
}

static void filled(void **state)
{
    struct buf f = goldwad_plain(span_of(NULL, 0));
    uint32_t files = 0;

    (void)state;
    assert_int_equal(fill(f, &files), NOS_OK);
    assert_int_equal(files, 3);
    uint64_t a = opened(&reader, "a", NOS_FS_READABLE);
    reads(&reader, a, 0, "hello");
    assert_int_equal(stat_(&me, "a", 0), NOS_OK);
    assert_int_equal(said.word[NOS_FS_STAT_LINKS], 1 | 0444ull << NOS_FS_MODE_AT);
    assert_int_equal(stat_(&me, "c", 0), NOS_OK);
    assert_int_equal(said.word[NOS_FS_STAT_LINKS], 1 | 0555ull << NOS_FS_MODE_AT);
    assert_int_equal(stat_(&me, "c/d", 0), NOS_OK);
    assert_int_equal(said.word[NOS_FS_STAT_SIZE], 0);
    assert_int_equal(tree.nodes, 5);  // and of what is no asset nothing
    assert_int_equal(fill(f, &files), NOS_FS_EXISTS);
    assert_int_equal(tree.nodes, 5);
    reads(&reader, a, 0, "hello");
    buf_free(&f);
}

/* Every flipped bit of a lump, every cut: not a name of it is there. */
static void filled_wrongly(void **state)
{
    struct buf f = goldwad_plain(span_of(NULL, 0));
    uint32_t files = 0;

    (void)state;
    for (uint32_t i = 0; i < GOLDWAD_LUMPS; i++) {
        const uint8_t *row = f.data + 16 + 88 * (size_t)i;
        for (uint64_t at = 0; at < load_le64(row + 16); at++) {
            f.data[load_le64(row + 8) + at] ^= 1;
            assert_int_equal(fill(f, &files), NOS_WAD_BLAKE3);
            f.data[load_le64(row + 8) + at] ^= 1;
        }
        goldwad_row(f.data + 16 + 88 * (size_t)i, load_le16(row), SPAN_LIT("other"));
        assert_int_not_equal(fill(f, &files), NOS_OK);
        buf_free(&f);
        f = goldwad_plain(span_of(NULL, 0));
    }
    for (size_t len = 0; len < f.len; len += 1 + len / 50) {
        assert_int_not_equal(fill((struct buf){ f.data, len }, &files), NOS_OK);
    }
    assert_int_equal(tree.nodes, 1);
    buf_free(&f);
}

/* What a path in a wad could be, were it not looked at. */
static void filled_outside(void **state)
{
    static const char *const path[] = { "assets/../x", "assets/./x", "assets//x", "/assets/x",
                                        "assets/x/",   "../x",       "assets\\x", "assets/x\n" };
    uint32_t files = 0;

    (void)state;
    for (size_t i = 0; i < sizeof path / sizeof path[0]; i++) {
        struct goldwad_part p[GOLDWAD_PARTS];
        memcpy(p, goldwad_parts, sizeof p);
        p[1].path = path[i];
        struct buf f = goldwad(p, GOLDWAD_PARTS, span_of(NULL, 0));
        nos_status_t st = fill(f, &files);
        if (st != NOS_WAD_PATH && st != NOS_WAD_NAMES) {
            fail_msg("%s: %d", path[i], st);
        }
        p[1].path = p[2].path;  // twice
        buf_free(&f);
        f = goldwad(p, GOLDWAD_PARTS, span_of(NULL, 0));
        assert_int_equal(fill(f, &files), NOS_WAD_NAMES);
        p[1].path = "assets/a";
        p[2].path = "assets/a/b";  // a file and a folder
        buf_free(&f);
        f = goldwad(p, GOLDWAD_PARTS, span_of(NULL, 0));
        assert_int_equal(fill(f, &files), NOS_WAD_PATH);
        buf_free(&f);
    }
    assert_int_equal(tree.nodes, 1);
}

/* No room for all of it: then nothing is there. */
static void filled_to_the_brim(void **state)
{
    static const char big[20000] = "text";
    struct goldwad_part p[GOLDWAD_PARTS];
    uint32_t files = 0;

    (void)state;
    memcpy(p, goldwad_parts, sizeof p);
    p[2].bytes = span_of((const uint8_t *)big, sizeof big);
    struct buf f = goldwad(p, GOLDWAD_PARTS, span_of(NULL, 0));
    const uint32_t nodes = tree.nodes_max;
    tree.purse.bytes_max = 3 * FS_PAGE;
    assert_int_equal(fill(f, &files), NOS_QUOTA);
    assert_true(tree.nodes == 1 && tree.purse.bytes == 0);
    tree.purse.bytes_max = 100 * FS_PAGE;
    tree.nodes_max = 4;
    assert_int_equal(fill(f, &files), NOS_QUOTA);
    assert_true(tree.nodes == 1 && tree.purse.bytes == 0);
    tree.nodes_max = nodes;
    assert_int_equal(fill(f, &files), NOS_OK);
    buf_free(&f);
}

static void limits(void **state)
{
    static const char *const bad[] = {
        "",
        "share_kib",
        "share_kib=",
        "share_kib=0",
        "share_kib=-1",
        "share_kib=1k",
        "sharekib=1",
        "share_kib=4294967296",
        "share_kib=99999999999999999999",
        "share_kib =1",
        "share",
    };
    (void)state;
    struct limits l = LIMITS_DEFAULT;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_false(limits_take(&l, bad[i]));
    }
    assert_memory_equal(&l, &LIMITS_DEFAULT, sizeof l);
    assert_true(limits_take(&l, "share_kib=4294967295") && l.share_kib == UINT32_MAX);
    assert_true(limits_take(&l, "private_kib=1") && l.private_kib == 1);
    assert_true(limits_take(&l, "private_nodes=20") && l.private_nodes == 20);
    assert_true(limits_take(&l, "share_nodes=007") && l.share_nodes == 7);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, fresh, clean)
        T(files),
        T(sparse),
        T(unlinked_while_open),
        T(paths_),
        T(symlinks),
        T(renames),
        T(hard_links),
        T(lent),
        T(listing),
        T(times),
        T(removed_directories),
        T(read_only),
        T(numbers),
        T(quotas),
        T(limits),
        T(mapped),
        T(locks),
        T(modes),
        T(filled),
        T(filled_wrongly),
        T(filled_outside),
        T(filled_to_the_brim),
#undef T
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
