#include "modules/memfs/limits.h"

#include <string.h>

#include "lib/fmt.h"

bool limits_take(struct limits *l, const char *word)
{
    struct {
        span_t name;
        uint64_t *to;
    } key[] = {
        { SPAN_LIT("private_kib="), &l->private_kib },
        { SPAN_LIT("private_nodes="), &l->private_nodes },
        { SPAN_LIT("share_kib="), &l->share_kib },
        { SPAN_LIT("share_nodes="), &l->share_nodes },
    };

    for (size_t i = 0; i < sizeof key / sizeof key[0]; i++) {
        span_t rest = span_of(word, strlen(word)), name;
        uint64_t n;
        if (span_take(&rest, key[i].name.len, &name) && span_equal(name, key[i].name) &&
            parse_u64(rest, &n) && n != 0 && n <= UINT32_MAX) {
            *key[i].to = n;
            return true;
        }
    }
    return false;
}
