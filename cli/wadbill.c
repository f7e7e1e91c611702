/* Making them. Built as JSON objects in a fixed order: the same parts give the same bytes. */
#include "cli/wadbill.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cli/cli.h"
#include "cli/hex.h"
#include "lib/base64.h"
#include "lib/crypto/blake3.h"
#include "lib/crypto/ed25519.h"

#define OFF(field) offsetof(struct nos_wad_lump, field)
#define TOOL "nonosctl-" NONOSCTL_VERSION
#define NOTHING_SAID "NOASSERTION"

static void put(cJSON *obj, const char *key, cJSON *value)
{
    if (value == NULL || !cJSON_AddItemToObject(obj, key, value)) {
        exit(fail(IO_FAILED, "out of memory"));
    }
}

static cJSON *list(cJSON *obj, const char *key)
{
    cJSON *l = cJSON_CreateArray();
    put(obj, key, l);
    return l;
}

static cJSON *object(cJSON *obj, const char *key)
{
    cJSON *o = out_row();
    put(obj, key, o);
    return o;
}

static void add_string(cJSON *array, const char *text)
{
    cJSON_AddItemToArray(array, cJSON_CreateString(text));
}

/** Text as its bytes, with a newline at the end, and freed. */
static void finish(cJSON *root, struct buf *out)
{
    char *text = cJSON_Print(root);
    if (text == NULL) {
        exit(fail(IO_FAILED, "out of memory"));
    }
    buf_add(out, span_of(text, strlen(text)));
    buf_add(out, SPAN_LIT("\n"));
    free(text);
    cJSON_Delete(root);
}

/* --- SBOM --- */

static int created(char out[32])
{
    const char *said = getenv("SOURCE_DATE_EPOCH");
    uint64_t at = 0;
    struct tm tm;
    if (said != NULL && (!parse_u64(span_of(said, strlen(said)), &at) || at >> 36 != 0)) {
        return fail(USAGE, "SOURCE_DATE_EPOCH must be seconds since 1970, not %s", said);
    }
    time_t t = (time_t)at;
    gmtime_r(&t, &tm);
    strftime(out, 32, "%Y-%m-%dT%H:%M:%SZ", &tm);
    return DONE;
}

/** Names the parts and their contents: no two documents of one name. */
static void parts_id(const struct wad_draft *d, uint8_t out[32])
{
    struct blake3_ctx c;
    blake3_init(&c);
    for (size_t i = 0; i < d->n; i++) {
        blake3_update(&c, SPAN_OF(d->part[i].row));
        blake3_update(&c, span_of(d->part[i].path, strlen(d->part[i].path) + 1));
    }
    blake3_final(&c, out);
}

static cJSON *package(cJSON *packages, const char *id, const char *name, const char *version)
{
    cJSON *p = out_row();
    cJSON_AddItemToArray(packages, p);
    out_text(p, "SPDXID", id);
    out_text(p, "name", name);
    if (version != NULL) {
        out_text(p, "versionInfo", version);
    }
    return p;
}

static void package_terms(cJSON *p, const char *licence, const char *from, const char *purpose)
{
    out_text(p, "downloadLocation", from != NULL ? from : NOTHING_SAID);
    out_bool(p, "filesAnalyzed", false);
    out_text(p, "licenseConcluded", NOTHING_SAID);
    out_text(p, "licenseDeclared", licence != NULL ? licence : NOTHING_SAID);
    out_text(p, "copyrightText", NOTHING_SAID);
    out_text(p, "primaryPackagePurpose", purpose);
}

static void checksum(cJSON *sums, const char *algorithm, const char *hex)
{
    cJSON *s = out_row();
    cJSON_AddItemToArray(sums, s);
    out_text(s, "algorithm", algorithm);
    out_text(s, "checksumValue", hex);
}

static void relation(cJSON *relations, const char *from, const char *what, const char *to)
{
    cJSON *r = out_row();
    cJSON_AddItemToArray(relations, r);
    out_text(r, "spdxElementId", from);
    out_text(r, "relationshipType", what);
    out_text(r, "relatedSpdxElement", to);
}

/** A module speaks for itself: name, version, licence of its manifest. */
static void part_module(const struct wad_part *part, char **name, char **version, char **licence)
{
    const struct module_judge nobody = { 0 };
    struct module_check c;
    char text[64];
    struct fmt f;
    if (module_check(buf_span(&part->bytes), &nobody, &c) != NOS_OK) {
        return;  // the source's reader has refused it
    }
    FMT_INIT(&f, text);
    fmt_version(&f, c.view.version);
    *name = must_printf("%.16s", c.man.name);
    *version = must_printf("%s", text);
    if (c.man.licence.len > 0) {
        *licence = must_printf("%.*s", (int)c.man.licence.len, (const char *)c.man.licence.data);
    }
}

static void part_package(cJSON *packages, cJSON *relations, const struct wad_part *part, size_t i)
{
    char *name = NULL, *version = NULL, *licence = NULL;
    char *id = must_printf("SPDXRef-part-%zu", i);
    if (part->type == NOS_WAD_MODULE) {
        part_module(part, &name, &version, &licence);
    }
    cJSON *p = package(packages, id, name != NULL ? name : part->path, version);
    out_text(p, "packageFileName", part->path);
    package_terms(p, licence, NULL, part->type == NOS_WAD_MODULE ? "APPLICATION" : "FILE");
    cJSON *sums = list(p, "checksums");
    checksum(sums, "SHA256", hex32(part->row + OFF(sha256)).text);
    checksum(sums, "BLAKE3", hex32(part->row + OFF(blake3)).text);
    relation(relations, "SPDXRef-wad", "CONTAINS", id);
    free(id);
    free(name);
    free(version);
    free(licence);
}

static void component_package(cJSON *packages, cJSON *relations, const struct wad_component *c,
                              size_t i)
{
    char *id = must_printf("SPDXRef-component-%zu", i);
    cJSON *p = package(packages, id, c->name, c->version);
    package_terms(p, c->licence, c->url, "SOURCE");
    if (c->sha256 != NULL) {
        checksum(list(p, "checksums"), "SHA256", c->sha256);
    }
    if (c->purl != NULL) {
        cJSON *ref = out_row();
        cJSON_AddItemToArray(list(p, "externalRefs"), ref);
        out_text(ref, "referenceCategory", "PACKAGE-MANAGER");
        out_text(ref, "referenceType", "purl");
        out_text(ref, "referenceLocator", c->purl);
    }
    relation(relations, "SPDXRef-wad", "GENERATED_FROM", id);
    free(id);
}

static void sbom_head(cJSON *root, const struct wad_source *src, const struct wad_draft *d,
                      const char *when)
{
    uint8_t id[32];
    char *name = must_printf("%s-%s", src->name, src->version);
    parts_id(d, id);
    char *space = must_printf("urn:n0n:spdx:%s:%s", name, hex32(id).text);
    out_text(root, "spdxVersion", "SPDX-2.3");
    out_text(root, "dataLicense", "CC0-1.0");
    out_text(root, "SPDXID", "SPDXRef-DOCUMENT");
    out_text(root, "name", name);
    out_text(root, "documentNamespace", space);
    cJSON *info = object(root, "creationInfo");
    out_text(info, "created", when);
    add_string(list(info, "creators"), "Tool: " TOOL);
    free(space);
    free(name);
}

int bill_sbom(const struct wad_source *src, const struct wad_draft *d, struct buf *out)
{
    char when[32];
    int rc = created(when);
    if (rc != DONE) {
        return rc;
    }
    cJSON *root = out_row();
    sbom_head(root, src, d, when);
    cJSON *packages = list(root, "packages"), *relations = list(root, "relationships");
    cJSON *whole = package(packages, "SPDXRef-wad", src->name, src->version);
    package_terms(whole, src->licence, NULL, "ARCHIVE");
    if (src->about != NULL) {
        out_text(whole, "summary", src->about);
    }
    relation(relations, "SPDXRef-DOCUMENT", "DESCRIBES", "SPDXRef-wad");
    for (size_t i = 0; i < d->n; i++) {
        part_package(packages, relations, &d->part[i], i);
    }
    for (size_t i = 0; i < src->n_components; i++) {
        component_package(packages, relations, &src->component[i], i);
    }
    finish(root, out);
    return DONE;
}

/* --- provenance --- */

static void subjects(cJSON *root, const struct wad_draft *d)
{
    cJSON *all = list(root, "subject");
    for (size_t i = 0; i < d->n; i++) {
        if (d->part[i].type == NOS_WAD_SBOM) {
            continue;  // made beside this, not built
        }
        cJSON *s = out_row();
        cJSON_AddItemToArray(all, s);
        out_text(s, "name", d->part[i].path);
        cJSON *digest = object(s, "digest");
        out_text(digest, "sha256", hex32(d->part[i].row + OFF(sha256)).text);
        out_text(digest, "blake3", hex32(d->part[i].row + OFF(blake3)).text);
    }
}

static void dependencies(cJSON *definition, const struct wad_source *src)
{
    cJSON *all = list(definition, "resolvedDependencies");
    for (size_t i = 0; i < src->n_components; i++) {
        const struct wad_component *c = &src->component[i];
        const char *uri = c->purl != NULL ? c->purl : c->url;
        if (uri == NULL && c->sha256 == NULL) {
            continue;  // a name is nothing that can be fetched again
        }
        cJSON *one = out_row();
        cJSON_AddItemToArray(all, one);
        out_text(one, "name", c->name);
        if (uri != NULL) {
            out_text(one, "uri", uri);
        }
        if (c->sha256 != NULL) {
            out_text(object(one, "digest"), "sha256", c->sha256);
        }
    }
}

static void statement(const struct wad_source *src, const struct wad_draft *d, const char *builder,
                      struct buf *out)
{
    cJSON *root = out_row();
    out_text(root, "_type", "https://in-toto.io/Statement/v1");
    subjects(root, d);
    out_text(root, "predicateType", "https://slsa.dev/provenance/v1");
    cJSON *predicate = object(root, "predicate");
    cJSON *definition = object(predicate, "buildDefinition");
    out_text(definition, "buildType", "urn:n0n:wad-build:v1");
    cJSON *parameters = object(definition, "externalParameters");
    out_text(parameters, "name", src->name);
    out_text(parameters, "version", src->version);
    dependencies(definition, src);
    cJSON *run = object(object(predicate, "runDetails"), "builder");
    out_text(run, "id", builder);
    out_text(object(run, "version"), "nonosctl", NONOSCTL_VERSION);
    finish(root, out);
}

void bill_dsse_bytes(span_t body, struct buf *out)
{
    char *head =
        must_printf("DSSEv1 %zu %s %zu ", strlen(BILL_PAYLOAD_TYPE), BILL_PAYLOAD_TYPE, body.len);
    buf_add(out, span_of(head, strlen(head)));
    buf_add(out, body);
    free(head);
}

static void out_base64(cJSON *row, const char *key, span_t bytes)
{
    size_t room = (bytes.len + 2) / 3 * 4 + 1;
    char *text = must_alloc(room);
    struct fmt f;
    fmt_init(&f, text, room);
    base64_put(&f, bytes);
    out_text(row, key, text);
    free(text);
}

static void envelope(span_t body, const struct key_secret *signer, struct buf *out)
{
    uint8_t sig[ED25519_SIG_LEN];
    struct buf signed_bytes = { NULL, 0 };
    bill_dsse_bytes(body, &signed_bytes);
    ed25519_sign(sig, buf_span(&signed_bytes), signer->sk);
    buf_free(&signed_bytes);
    cJSON *root = out_row();
    out_text(root, "payloadType", BILL_PAYLOAD_TYPE);
    out_base64(root, "payload", body);
    cJSON *one = out_row();
    cJSON_AddItemToArray(list(root, "signatures"), one);
    out_text(one, "keyid", hex32(signer->pub.key_id).text);
    out_base64(one, "sig", SPAN_OF(sig));
    finish(root, out);
}

void bill_provenance(const struct wad_source *src, const struct wad_draft *d, const char *builder,
                     const struct key_secret *signer, struct buf *out)
{
    struct buf body = { NULL, 0 };
    statement(src, d, builder, signer == NULL ? out : &body);
    if (signer != NULL) {
        envelope(buf_span(&body), signer, out);
    }
    buf_free(&body);
}
