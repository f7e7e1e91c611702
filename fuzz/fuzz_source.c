/* What people write in JSON: manifests, policies, rules of a project, sources of wads. The first
 * byte says which, a zero byte ends the text, what is behind it is each file that it names;
 * nothing: good keys. What is made of it is what the kernel's own parsers accept; what is not is
 * refused with words that a terminal can show. */
#include "abi/module.h"
#include "cli/grants.h"
#include "cli/kel.h"
#include "cli/keyfile.h"
#include "cli/manifestsrc.h"
#include "cli/policysrc.h"
#include "cli/report.h"
#include "cli/wadsrc.h"
#include "fuzz/cli_host.h"
#include "fuzz/fuzz.h"
#include "lib/crypto/blake3.h"
#include "lib/crypto/ed25519.h"
#include "lib/manifest.h"
#include "lib/policy.h"

static span_t text, rest;

static struct buf key_file[2];  // operator's, publisher's

static void make_keys(void)
{
    static const uint8_t seed[2][32] = { { 1 }, { 2 } };
    uint8_t sk[64], pk[32];

    for (int i = 0; i < 2 && key_file[i].data == NULL; i++) {
        struct key_public k = { .type = i == 0 ? KEY_OPERATOR : KEY_PUBLISHER };
        ed25519_keypair_from_seed(k.pk, sk, seed[i]);
        blake3_derive(NOS_CTX_KEY_ID, SPAN_OF(k.pk), k.key_id);
        kel_inception(sk, k.pk, seed[1], k.inception);
        PROMISE(kel_check_inception(SPAN_OF(k.inception), k.publisher_id, pk));
        key_file[i] = key_public_text(&k);
    }
}

static bool file(const char *path, span_t *bytes)
{
    *bytes = strcmp(path, "source.json") == 0   ? text
             : rest.len != 0                    ? rest
             : strstr(path, "operator") != NULL ? buf_span(&key_file[0])
                                                : buf_span(&key_file[1]);
    return true;
}

/* No folder of this machine is read. */
int __wrap_waddir_read(const char *dir, const char *folder, struct wad_draft *d);

int __wrap_waddir_read(const char *dir, const char *folder, struct wad_draft *d)
{
    (void)folder, (void)d;
    return fail(IO_FAILED, "%s is no folder", dir);
}

static void try_manifest(uint8_t how)
{
    const struct module_wishes wish = { .kernel = (how & 1) != 0,
                                        .version = (how & 2) != 0 ? "2.0.0" : NULL };
    struct module_source m = { .manifest = { NULL, 0 } };
    struct manifest parsed;

    if (manifestsrc_read("source.json", &wish, &m) == DONE) {
        PROMISE(manifest_parse(buf_span(&m.manifest), &parsed) == NOS_OK);
        PROMISE(memcmp(parsed.name, m.name, sizeof m.name) == 0);
    }
    buf_free(&m.manifest);
}

static void try_policy(uint8_t how)
{
    const struct policy_wishes wish = { .keys_dir = ".", .n_sig = 1 + how % 4u };
    struct buf out = { NULL, 0 };

    (void)!policysrc_read("source.json", &wish, &out);  // it asks policy_parse itself
    buf_free(&out);
}

static void try_wad(void)
{
    struct wad_source src;
    struct wad_draft draft;

    memset(&src, 0, sizeof src);
    memset(&draft, 0, sizeof draft);
    if (wadsrc_read("source.json", &src, &draft) == DONE) {
        PROMISE(src.n_components <= WAD_COMPONENTS_MAX && src.name[NOS_NAME_MAX] == '\0');
    }
    wadsrc_free(&src);
    draft_free(&draft);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0) {
        return 0;
    }
    const uint8_t *end = memchr(data + 1, 0, size - 1);
    text = span_of(data + 1, end == NULL ? size - 1 : (size_t)(end - data - 1));
    rest = end == NULL ? span_of("", 0) : span_of(end + 1, (size_t)(data + size - end - 1));
    cli_file = file;
    make_keys();
    switch (data[0] % 4) {
    case 0:
        try_manifest(data[0] / 4);
        break;
    case 1:
        try_policy(data[0] / 4);
        break;
    case 2:
        (void)!grants_check("source.json", "rule.json");
        break;
    default:
        try_wad();
    }
    return 0;
}
