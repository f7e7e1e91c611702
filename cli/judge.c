/* --root, --threshold, --policy, --key. */
#include "cli/judge.h"

#include <stdlib.h>

#include "abi/policy.h"
#include "cli/trustsrc.h"
#include "lib/status.h"

enum { OPT_ROOT = 512, OPT_THRESHOLD, OPT_POLICY };

static error_t parse_judge(int key, char *arg, struct argp_state *state)
{
    struct judge_args *a = state->input;
    switch (key) {
    case OPT_ROOT:
        words_add(&a->roots, arg, state);
        return 0;
    case OPT_THRESHOLD:
        a->threshold = (uint32_t)parse_number(arg, state, "--threshold", 1, TRUST_ROOTS_MAX);
        return 0;
    case OPT_POLICY:
        a->policy = arg;
        return 0;
    case 'k':
        a->publisher = arg;
        return 0;
    case ARGP_KEY_END:
        if (a->policy != NULL && a->roots.n == 0) {
            argp_error(state,
                       "--policy needs --root: a policy is believed for the keys that signed it");
        }
        if (a->policy != NULL && a->publisher != NULL) {
            argp_error(state, "--key is for judging without a policy");
        }
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp_option options[] = {
    { "root", OPT_ROOT, "PUB", 0, "a root key to believe; once for each", 10 },
    { "threshold", OPT_THRESHOLD, "K", 0, "signatures that a kernel or policy must have (all)",
      10 },
    { "policy", OPT_POLICY, "BOOT.POL", 0, "judge by this policy, signed by the roots", 10 },
    { "key", 'k', "PUB", 0, "a publisher to believe, without a policy", 10 },
    { 0 },
};
const struct argp judge_argp = { options, parse_judge, NULL, NULL, NULL, NULL, NULL };

const struct argp_child show_children[] = { { &judge_argp, 0, NULL, 0 }, { 0 } };
const struct argp_option show_options[] = {
    { "output", 'o', "FORM", 0, "json or text", 0 },
    { 0 },
};

error_t parse_show(int key, char *arg, struct argp_state *state)
{
    struct show_args *a = state->input;
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &a->judge;
        return 0;
    case 'o':
        parse_form(arg, state, &a->form);
        return 0;
    case ARGP_KEY_ARG:
        words_add(&a->files, arg, state);
        return 0;
    case ARGP_KEY_NO_ARGS:
        argp_error(state, "which file?");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

int judge_policy(const char *path, span_t file, const struct trust_view *trust, struct policy *out)
{
    struct policy_view v;
    uint8_t *room = must_alloc(POLICY_SIGNED_MAX);
    nos_status_t st = policy_extract(file, &v);
    if (st == NOS_OK) {
        st = policy_check_sigs(&v, trust, mspan_of(room, POLICY_SIGNED_MAX));
    }
    if (st == NOS_OK) {
        st = policy_check_epoch(&v, trust->epoch_floor);
    }
    if (st == NOS_OK) {
        st = policy_parse(file, out);
    }
    free(room);
    return st == NOS_OK ? DONE
                        : fail(REFUSED, "%s: %s (%s)", path, status_text(st), status_name(st));
}

static int load_policy(const struct judge_args *a, struct judge_loaded *j)
{
    int rc = file_read(a->policy, NOS_POL_FILE_MAX, &j->policy_file);
    if (rc == DONE) {
        rc = judge_policy(a->policy, buf_span(&j->policy_file), &j->trust, &j->policy);
    }
    j->judge.policy = &j->policy;
    return rc;
}

int judge_load(const struct judge_args *a, struct judge_loaded *out)
{
    int rc = DONE;
    *out = (struct judge_loaded){ 0 };
    if (a->roots.n > 0) {
        rc = trustsrc_read(&a->roots, a->threshold, 0, 0, &out->trust);
        out->judge.trust = &out->trust;
    }
    if (rc == DONE && a->policy != NULL) {
        rc = load_policy(a, out);
    }
    if (rc == DONE && a->publisher != NULL) {
        rc = key_load_public_as(a->publisher, KEY_PUBLISHER, &out->publisher);
        out->judge.publisher_pk = out->publisher.pk;
        out->judge.publisher_id = out->publisher.publisher_id;
    }
    if (rc != DONE) {
        judge_free(out);
    }
    return rc;
}

void judge_free(struct judge_loaded *j)
{
    buf_free(&j->policy_file);
}
