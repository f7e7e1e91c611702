/* mkchain RULE: a chain of two blocks, well signed by GOLDEN_ISSUER and then by whoever must, of
 * which the second breaks that one rule; to standard output. `mkchain issuer` says whom to believe.
 */
#include <stdio.h>
#include <string.h>

#include "lib/token.h"
#include "tests/host/golden.h"

static bool break_rule(const char *rule, struct token *t)
{
    if (strcmp(rule, "rights") == 0) {
        t[1].rights |= NOS_RIGHT_RECV;
    } else if (strcmp(rule, "classes") == 0) {
        t[1].classes |= NOS_CLASS_IO;
    } else if (strcmp(rule, "object") == 0) {
        t[1].obj[0] ^= 1;
    } else if (strcmp(rule, "window") == 0) {
        t[1].exp = 0;
    } else if (strcmp(rule, "depth") == 0) {
        t[1].depth = 1;
        memset(t[1].next_pk, 1, 32);
    } else if (strcmp(rule, "audience") == 0) {
        t[0].rights = t[1].rights = NOS_RIGHT_CALL;
    } else if (strcmp(rule, "link") == 0) {
        memset(t[0].next_pk, 1, 32);
    } else {
        return strcmp(rule, "none") == 0;
    }
    return true;
}

int main(int argc, char **argv)
{
    struct token t[2];
    const char *rule = argc == 2 ? argv[1] : "";

    if (strcmp(rule, "issuer") == 0) {
        struct golden_key k = golden_key(GOLDEN_ISSUER);
        for (size_t i = 0; i < sizeof k.pk; i++) {
            printf("%02x", k.pk[i]);
        }
        return 0;
    }
    golden_blocks(t, 2);
    if (!break_rule(rule, t)) {
        return 2;
    }
    struct buf b = golden_chain(t, 2);
    bool written = fwrite(b.data, 1, b.len, stdout) == b.len;
    buf_free(&b);
    return written ? 0 : 1;
}
