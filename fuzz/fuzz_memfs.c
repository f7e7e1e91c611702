/* memfs: the input is what two clients of one tree ask, one of whom may only read, and who was lent
 * a file by them; and what they write to their windows meanwhile. Whatever it is: nothing of the
 * reader's changes a byte, quotas hold, and when both have gone everything is wiped and given back.
 */
#include "fuzz/fuzz.h"
#include "tests/host/memfs_host.h"

enum { STEP = 48, BYTES_MAX = 1 << 20, NODES_MAX = 64 };

enum { LEND = 23 /* as operation: by one of the first two */ };

static uint8_t window[3][NOS_FS_WINDOW];

static uint64_t word_of(const uint8_t *p)
{
    uint64_t w = load_le64(p);
    return (w >> 56 & 1) != 0 ? w : w & 0xff;  // small ones are found more easily
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct tree tree;
    struct answer a;
    struct session s[3] = {
        { .id = 1, .tree = &tree, .window = MSPAN_OF(window[0]) },
        { .id = 2, .tree = &tree, .window = MSPAN_OF(window[1]), .read_only = true },
    };

    PROMISE(tree_begin(&tree, BYTES_MAX, NODES_MAX) == NOS_OK);
    for (size_t at = 0; at + STEP <= size; at += STEP) {
        const uint8_t *p = data + at;
        unsigned who = (p[0] & 0x80) != 0 ? 2 : p[0] & 1;
        const uint64_t word[] = { word_of(p + 8), word_of(p + 16), word_of(p + 24), word_of(p + 32),
                                  word_of(p + 40) };
        uint64_t bytes = tree.purse.bytes;
        uint32_t nodes = tree.nodes;
        memcpy(window[who] + (p[2] & 15), p + 3, 5);
        if (p[1] % 24 == LEND && who != 2) {
            session_end(&s[2]);
            s[2] = (struct session){ .id = 3, .window = MSPAN_OF(window[2]) };
            (void)session_lend(&s[who], word[0], word[1], &s[2]);
            continue;
        }
        if (who == 2 && s[2].tree == NULL) {
            continue;
        }
        nos_status_t st = session_serve(&s[who], p[1] % 24, word, (p[0] >> 1) % 6, at, &a);
        PROMISE(st != NOS_OK || a.n_words <= 8);
        PROMISE(tree.purse.bytes <= BYTES_MAX && tree.nodes <= NODES_MAX && host_dirty == 0);
        // a reader takes nothing: mapping may save tables, closing end what has no name any more
        PROMISE(who != 1 || (tree.purse.bytes <= bytes && tree.nodes <= nodes));
    }
    session_end(&s[0]);
    session_end(&s[1]);
    session_end(&s[2]);
    tree_end(&tree);
    PROMISE(tree.purse.bytes == 0 && tree.nodes == 0);
    PROMISE(host_pages == 0 && host_blocks == 0 && host_lent == 0 && host_dirty == 0);
    return 0;
}
