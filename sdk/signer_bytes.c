/* Pure, apart from the calls: the service and whoever verifies link this too. */
#include <string.h>

#include "sdk/signer.h"

static bool context_byte(uint8_t c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '/' ||
           c == '-';
}

bool nos_signer_context(span_t padded, span_t *out)
{
    size_t len = 0;

    while (len < padded.len && len < NOS_SIGNER_CONTEXT && context_byte(padded.data[len])) {
        len++;
    }
    span_t rest = span_of(padded.data + len, padded.len - len);
    if (len == 0 || !span_is_zero(rest)) {
        return false;
    }
    *out = span_of(padded.data, len);
    return true;
}

static size_t put(uint8_t *room, size_t at, span_t part)
{
    if (part.len > 0) {
        memcpy(room + at, part.data, part.len);
    }
    return at + part.len;
}

span_t nos_signer_bytes(span_t module, span_t context, span_t message,
                        uint8_t room[NOS_SIGNER_SIGNED])
{
    static const char prefix[] = NOS_SIGNER_PREFIX;  // with its zero

    size_t at = put(room, 0, span_of(prefix, sizeof prefix));
    at = put(room, at, module);
    room[at++] = 0;
    at = put(room, at, context);
    room[at++] = 0;
    return span_of(room, put(room, at, message));
}
