/* Signature rows of a file that is being signed. */
#include "cli/sigslots.h"

#include <stdlib.h>
#include <string.h>

#include "lib/sigs.h"

static bool waits(const uint8_t *row)
{
    return span_is_zero(span_of(row, 31)) && span_is_zero(span_of(row + 32, 64));
}

void sigslots_init(mspan_t rows)
{
    memset(rows.data, 0, rows.len);
    for (size_t i = 0; i < rows.len / SIG_ROW; i++) {
        rows.data[i * SIG_ROW + 31] = (uint8_t)(i + 1);
    }
}

size_t sigslots_open(span_t rows)
{
    size_t n = 0;
    for (size_t i = 0; i < rows.len / SIG_ROW; i++) {
        n += waits(rows.data + i * SIG_ROW);
    }
    return n;
}

static int by_key_id(const void *a, const void *b)
{
    return memcmp(a, b, 32);
}

/** Where a signature by this key goes; NULL: nowhere. */
static uint8_t *place_for(mspan_t rows, const uint8_t key_id[32])
{
    uint8_t *open = NULL;
    for (size_t i = 0; i < rows.len / SIG_ROW; i++) {
        uint8_t *row = rows.data + i * SIG_ROW;
        if (memcmp(row, key_id, 32) == 0) {
            return row;
        }
        if (open == NULL && waits(row)) {
            open = row;
        }
    }
    return open;
}

bool sigslots_put(mspan_t rows, const uint8_t key_id[32], const uint8_t sig[64], bool replace)
{
    uint8_t *row = place_for(rows, key_id);
    if (row == NULL && replace && rows.len >= SIG_ROW) {
        row = rows.data;
    }
    if (row == NULL) {
        return false;
    }
    memcpy(row, key_id, 32);
    memcpy(row + 32, sig, 64);
    qsort(rows.data, rows.len / SIG_ROW, SIG_ROW, by_key_id);
    return true;
}
