/* Checking them. The bytes are a stranger's: sizes are bounded, strings are compared and never
 * shown, and a signature is looked at before what it covers. */
#include <stdlib.h>
#include <string.h>

#include "cli/hex.h"
#include "cli/report.h"
#include "cli/wadbill.h"
#include "lib/base64.h"
#include "lib/crypto/ed25519.h"
#include "lib/sigs.h"

enum { BILL_MAX = 16 << 20 };

static cJSON *parse(span_t text)
{
    return text.len > BILL_MAX ? NULL : cJSON_ParseWithLength((const char *)text.data, text.len);
}

static const char *string_of(const cJSON *obj, const char *key)
{
    return cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(obj, key));
}

static bool says(const cJSON *obj, const char *key, const char *text)
{
    const char *s = string_of(obj, key);
    return s != NULL && strcmp(s, text) == 0;
}

static bool sums_have(const cJSON *sums, const char *sha256)
{
    const cJSON *s;
    cJSON_ArrayForEach(s, sums)
    {
        if (says(s, "algorithm", "SHA256")) {
            return says(s, "checksumValue", sha256);
        }
    }
    return false;
}

/* The items of a list, sorted by the path that each is about: a stranger's list may be long, and in
 * any order. */
struct item {
    const char *path;
    const cJSON *about;
};

static int by_path(const void *a, const void *b)
{
    return strcmp(((const struct item *)a)->path, ((const struct item *)b)->path);
}

/** Those items of `all` that have `key`. Gives: an array to be freed. */
static struct item *sorted(const cJSON *all, const char *key, size_t *n)
{
    struct item *items = must_alloc((size_t)cJSON_GetArraySize(all) * sizeof(*items));
    const cJSON *at;
    *n = 0;
    cJSON_ArrayForEach(at, all)
    {
        const char *path = string_of(at, key);
        if (path != NULL) {
            items[(*n)++] = (struct item){ path, at };
        }
    }
    qsort(items, *n, sizeof(*items), by_path);
    return items;
}

/** Does the item that is about `path` have that hash? */
static bool has_hash(const struct item *items, size_t n, const char *path, const uint8_t sha256[32])
{
    const struct item key = { path, NULL };
    const struct item *found = bsearch(&key, items, n, sizeof(*items), by_path);
    struct hex32 hash = hex32(sha256);
    if (found == NULL) {
        return false;
    }
    const cJSON *sums = cJSON_GetObjectItemCaseSensitive(found->about, "checksums");
    return sums != NULL ? sums_have(sums, hash.text)
                        : says(cJSON_GetObjectItemCaseSensitive(found->about, "digest"), "sha256",
                               hash.text);
}

/** Is every name of the wad there with its SHA-256? The two lists themselves need not be. */
static bool covers(const struct wad_loaded *w, const cJSON *all, const char *key)
{
    struct wad_walk walk = { 0 };
    struct wad_name n;
    struct wad_lump l;
    size_t count = 0;
    struct item *items = sorted(all, key, &count);
    bool good = cJSON_IsArray(all);
    while (good && wad_tree_next(&w->tree, &walk, &n) && wad_lump(&w->wad, n.row, &l)) {
        if (l.type != NOS_WAD_SBOM && l.type != NOS_WAD_PROVENANCE) {
            char *path = must_printf("%.*s", (int)n.path.len, (const char *)n.path.data);
            good = has_hash(items, count, path, l.sha256);
            free(path);
        }
    }
    free(items);
    return good;
}

const char *bill_check_sbom(const struct wad_loaded *w)
{
    cJSON *root = parse(wad_only(&w->wad, NOS_WAD_SBOM));
    const char *why = NULL;
    if (root == NULL || !says(root, "spdxVersion", "SPDX-2.3")) {
        why = "the SBOM is not SPDX 2.3 in JSON";
    } else if (!covers(w, cJSON_GetObjectItemCaseSensitive(root, "packages"), "packageFileName")) {
        why = "the SBOM does not name every part with its SHA-256";
    }
    cJSON_Delete(root);
    return why;
}

/** The key that the judge believes and that has this id. */
static bool believed_key(const struct module_judge *judge, const char *keyid, uint8_t pk[32])
{
    struct nos_pol_publisher pub;
    uint8_t id[32];
    if (judge->policy == NULL) {
        memcpy(pk, judge->publisher_pk, 32);
        key_id_of(pk, id);
        return strcmp(hex32(id).text, keyid) == 0;
    }
    for (uint32_t i = 0; policy_publisher_at(judge->policy, i, &pub); i++) {
        key_id_of(pub.pk, id);
        if ((pub.flags & NOS_PUBLISHER_REVOKED) == 0 && strcmp(hex32(id).text, keyid) == 0) {
            memcpy(pk, pub.pk, 32);
            return true;
        }
    }
    return false;
}

static bool decode(const cJSON *obj, const char *key, struct buf *out)
{
    const char *text = string_of(obj, key);
    size_t len = text == NULL ? 0 : strlen(text), n = len / 4 * 3;
    if (len == 0 || len % 4 != 0) {
        return false;
    }
    n -= (size_t)(text[len - 1] == '=') + (size_t)(text[len - 2] == '=');
    buf_add_zero(out, n);
    return base64_decode(span_of(text, len), mspan_of(out->data, out->len));
}

/** The one signature of an envelope over `body`. */
static const char *check_signature(const cJSON *envelope, span_t body,
                                   const struct module_judge *judge, enum bill_signed *state)
{
    const cJSON *all = cJSON_GetObjectItemCaseSensitive(envelope, "signatures");
    const cJSON *one = cJSON_IsArray(all) ? all->child : NULL;
    const char *keyid = string_of(one, "keyid");
    struct buf sig = { NULL, 0 }, msg = { NULL, 0 };
    const char *why = NULL;
    uint8_t pk[32];
    if (one == NULL || one->next != NULL || keyid == NULL || !decode(one, "sig", &sig) ||
        sig.len != ED25519_SIG_LEN) {
        why = "the provenance's envelope does not have one signature";
    } else if (judge->policy == NULL && judge->publisher_pk == NULL) {
        *state = BILL_SIGNED;
    } else if (!believed_key(judge, keyid, pk)) {
        why = "the provenance is signed by somebody who was not named to be believed";
    } else {
        bill_dsse_bytes(body, &msg);
        *state = BILL_BELIEVED;
        why = ed25519_verify(sig.data, buf_span(&msg), pk)
                  ? NULL
                  : "the provenance's signature does not verify";
    }
    buf_free(&sig);
    buf_free(&msg);
    return why;
}

static const char *check_statement(const struct wad_loaded *w, span_t body)
{
    cJSON *root = parse(body);
    const char *why = NULL;
    if (root == NULL || !says(root, "_type", "https://in-toto.io/Statement/v1") ||
        !says(root, "predicateType", "https://slsa.dev/provenance/v1")) {
        why = "the provenance is not an in-toto statement v1 of SLSA provenance v1";
    } else if (!covers(w, cJSON_GetObjectItemCaseSensitive(root, "subject"), "name")) {
        why = "the provenance does not name every part with its SHA-256";
    }
    cJSON_Delete(root);
    return why;
}

const char *bill_check_provenance(const struct wad_loaded *w, const struct module_judge *judge,
                                  enum bill_signed *state)
{
    span_t text = wad_only(&w->wad, NOS_WAD_PROVENANCE);
    struct buf body = { NULL, 0 };
    const char *why = NULL;
    cJSON *root = parse(text);
    *state = BILL_UNSIGNED;
    if (string_of(root, "payloadType") == NULL) {
        why = check_statement(w, text);
    } else if (!says(root, "payloadType", BILL_PAYLOAD_TYPE) || !decode(root, "payload", &body)) {
        why = "the provenance's envelope is malformed";
    } else {
        why = check_signature(root, buf_span(&body), judge, state);
        why = why == NULL ? check_statement(w, buf_span(&body)) : why;
    }
    buf_free(&body);
    cJSON_Delete(root);
    return why;
}
