/* What is said to lie in a dump lies there, and every record that is counted can be had. */
#include "fuzz/fuzz.h"
#include "lib/postmortem.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct postmortem p;
    span_t got;

    if (postmortem_find(span_of(data, size), &p) != NOS_OK) {
        PROMISE(p.records.len == 0);
        return 0;
    }
    PROMISE(fuzz_inside(p.records, span_of(data, size)) && p.records.len == p.head.len);
    for (uint32_t topic = 0; topic < 12; topic++) {
        if (postmortem_record(&p, topic, 0, &got) == NOS_OK) {
            PROMISE(fuzz_inside(got, p.records));
        }
    }
    return 0;
}
