/* Policies: every record of an accepted body is found again by its key. */
#include "fuzz/fuzz.h"
#include "fuzz/tlv_mutate.h"
#include "lib/cap.h"
#include "lib/policy.h"

static void check_publishers(const struct policy *p)
{
    struct nos_pol_publisher r, found;
    for (uint32_t i = 0; policy_publisher_at(p, i, &r); i++) {
        PROMISE(policy_publisher(p, r.id, &found) && memcmp(&r, &found, sizeof r) == 0);
    }
}

static void check_rules(const struct policy *p)
{
    struct nos_pol_rule r, found;
    struct nos_cap cap;
    static const uint8_t nobody[32] = { 0xfe, 0xdc };

    for (uint32_t i = 0; policy_rule_at(p, i, &r); i++) {
        const uint8_t *module = r.match == NOS_MATCH_ID ? r.id : nobody;
        PROMISE(policy_rule(p, module, r.id, r.name_hash, &found));
        for (uint32_t g = 0; g < r.grants_n; g++) {
            PROMISE(policy_grant(p, r.grants_at + g, &cap) && cap_check(&cap) == NOS_OK);
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct policy p;
    struct nos_pol_start s;
    char name[NOS_NAME_MAX];

    if (policy_parse(span_of(data, size), &p) != NOS_OK) {
        return 0;
    }
    check_publishers(&p);
    check_rules(&p);
    PROMISE(p.n_boot >= 1 && policy_boot_file(&p, p.n_boot - 1, name));
    PROMISE(!policy_boot_file(&p, p.n_boot, name) && !policy_start(&p, p.n_start, &s));
    return 0;
}

/* Header and rows of signatures, then records; the header says how long those are. */
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed)
{
    enum { N_SIG = offsetof(struct nos_pol_header, n_sig), ROW = 96, ROWS_MAX = 4 };
    size_t rows = size < NOS_POL_HDR_LEN ? 0 : load_le32(data + N_SIG);
    size_t head = NOS_POL_HDR_LEN + (rows <= ROWS_MAX ? rows : 0) * ROW;

    size = tlv_mutate(data, size, max_size, head, seed);
    if (seed % 8 != 0 && size > head) {
        store_le64(data + offsetof(struct nos_pol_header, body_len), size - head);
    }
    return size;
}
