/* Stage 2: the publisher that the header names is in the policy, not revoked, and signed the
 * header. */
#include "kernel/modules/stages_impl.h"

nos_status_t stage2_signature(const struct module_job *j)
{
    struct nos_pol_publisher pub;

    if (!policy_publisher(policy_get(), j->view.publisher_id, &pub)) {
        return NOS_PUB_UNKNOWN;
    }
    if ((pub.flags & NOS_PUBLISHER_REVOKED) != 0) {
        return NOS_PUB_REVOKED;
    }
    nos_status_t st = mod_check_sigs_publisher(&j->view, pub.pk);
    if (st != NOS_OK) {
        return st;
    }
    return j->view.sec_version >= pub.sec_min ? NOS_OK : NOS_SEC_VERSION;
}
