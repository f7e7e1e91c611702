/* The mapping. */
#include "cli/oci.h"

#include <stdlib.h>
#include <string.h>

#include "cli/hex.h"
#include "cli/out.h"
#include "cli/report.h"
#include "lib/crypto/sha256.h"
#include "lib/status.h"
#include "lib/wad.h"

#define CONFIG_TYPE "application/vnd.n0n.wad.index.v1"
#define DETACHED_TYPE "application/vnd.n0n.wad.detached.v1"
#define PREFIX "sha256:"

static const char *const lump_types[NOS_WAD_TYPES] = {
    "",
    "application/vnd.n0n.wad.tree.v1",
    "application/vnd.n0n.module.v1",
    "application/octet-stream",
    "text/plain",
    "application/spdx+json",
    "application/vnd.in-toto+json",
    "text/plain",
};

static struct oci_digest digest_text(const uint8_t sha256[32])
{
    struct oci_digest d;
    memcpy(d.text, PREFIX, sizeof(PREFIX));
    hex_encode(span_of(sha256, 32), d.text + sizeof(PREFIX) - 1);
    return d;
}

struct oci_digest oci_digest_of(span_t bytes)
{
    uint8_t hash[SHA256_LEN];
    sha256_hash(bytes, hash);
    return digest_text(hash);
}

bool oci_digest_ok(const char *text)
{
    uint8_t hash[SHA256_LEN];
    return text != NULL && strlen(text) == OCI_DIGEST &&
           hex_decode(text + sizeof(PREFIX) - 1, 64, MSPAN_OF(hash)) &&
           strcmp(digest_text(hash).text, text) == 0;
}

/* --- there --- */

static cJSON *descriptor(const char *type, const char *digest, uint64_t size)
{
    cJSON *d = out_row();
    out_text(d, "mediaType", type);
    out_text(d, "digest", digest);
    out_u64(d, "size", size);
    return d;
}

/** Put a blob and describe it. */
static int put_blob(const struct oci_store *to, const char *type, span_t bytes, cJSON **out)
{
    struct oci_digest d = oci_digest_of(bytes);
    *out = descriptor(type, d.text, bytes.len);
    return to->put(to->self, d.text, bytes);
}

static int put_layers(const struct oci_store *to, const struct wad_loaded *w, cJSON *layers)
{
    struct wad_lump l;
    cJSON *d = NULL;
    int rc = DONE;
    for (uint32_t i = 0; rc == DONE && wad_lump(&w->wad, i, &l); i++) {
        rc = put_blob(to, lump_types[l.type], l.bytes, &d);
        char *name = wad_name_of(w, i);
        if (i > 0) {
            out_text(cJSON_AddObjectToObject(d, "annotations"), "org.opencontainers.image.title",
                     name);
        }
        free(name);
        cJSON_AddItemToArray(layers, d);
    }
    if (rc == DONE && w->wad.detached.len > 0) {
        rc = put_blob(to, DETACHED_TYPE, w->wad.detached, &d);
        cJSON_AddItemToArray(layers, d);
    }
    return rc;
}

int oci_put(const struct oci_store *to, const struct wad_loaded *w, struct buf *manifest)
{
    cJSON *root = out_row(), *config = NULL;
    out_u64(root, "schemaVersion", 2);
    out_text(root, "mediaType", OCI_MANIFEST);
    out_text(root, "artifactType", OCI_ARTIFACT);
    int rc = put_blob(to, CONFIG_TYPE, w->wad.index, &config);
    cJSON_AddItemToObject(root, "config", config);
    cJSON *layers = cJSON_AddArrayToObject(root, "layers");
    if (rc == DONE) {
        rc = put_layers(to, w, layers);
    }
    char *text = cJSON_PrintUnformatted(root);
    if (rc == DONE && text != NULL) {
        buf_add(manifest, span_of(text, strlen(text)));
    }
    free(text);
    cJSON_Delete(root);
    return rc;
}

/* --- and back --- */

static const char *string_of(const cJSON *obj, const char *key)
{
    return cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(obj, key));
}

static bool says(const cJSON *obj, const char *key, const char *text)
{
    const char *s = string_of(obj, key);
    return s != NULL && strcmp(s, text) == 0;
}

static int broken(const struct oci_store *from, const char *why)
{
    return fail(REFUSED, "%s: %s", from->what, why);
}

/** The blob of a digest, of exactly `len` bytes, and those that the digest says. */
static int get_blob(const struct oci_store *from, const char *digest, size_t len, struct buf *out)
{
    int rc = from->get(from->self, digest, len, out);
    if (rc == DONE && out->len != len) {
        rc = fail(REFUSED, "%s: the blob %s has %zu bytes, not %zu", from->what, digest, out->len,
                  len);
    }
    if (rc == DONE && strcmp(oci_digest_of(buf_span(out)).text, digest) != 0) {
        rc = fail(REFUSED, "%s: the blob %s has other bytes", from->what, digest);
    }
    return rc;
}

/** Digest and size of a descriptor of at most `max` bytes; false: it is none. */
static bool read_descriptor(const cJSON *d, size_t max, const char **digest, size_t *size)
{
    const cJSON *n = cJSON_GetObjectItemCaseSensitive(d, "size");
    *digest = string_of(d, "digest");
    if (!oci_digest_ok(*digest) || !cJSON_IsNumber(n) || n->valuedouble < 0 ||
        n->valuedouble > (double)max) {
        return false;
    }
    *size = (size_t)n->valuedouble;
    return (double)*size == n->valuedouble;
}

static int get_index(const struct oci_store *from, const cJSON *root, struct buf *index,
                     struct wad *w, uint64_t *len)
{
    const cJSON *config = cJSON_GetObjectItemCaseSensitive(root, "config");
    const char *digest;
    size_t size;
    if (!says(root, "artifactType", OCI_ARTIFACT) || !says(config, "mediaType", CONFIG_TYPE)) {
        return broken(from, "the manifest is not a wad's (" OCI_ARTIFACT ")");
    }
    if (!read_descriptor(config, NOS_WAD_INDEX_HDR + NOS_WAD_LUMPS_MAX * (size_t)NOS_WAD_ROW,
                         &digest, &size)) {
        return broken(from, "the manifest's config is malformed");
    }
    int rc = get_blob(from, digest, size, index);
    if (rc != DONE) {
        return rc;
    }
    nos_status_t st = wad_parse_index(buf_span(index), w, len);
    return st == NOS_OK ? DONE
                        : fail(REFUSED, "%s: the index: %s (%s)", from->what, status_text(st),
                               status_name(st));
}

/** One layer into its place in the file. */
static int get_lump(const struct oci_store *from, const cJSON *layer, const struct wad *w,
                    uint32_t i, struct buf *file)
{
    struct wad_lump l;
    const char *digest;
    size_t size;
    struct buf bytes = { NULL, 0 };
    if (!wad_lump(w, i, &l) || !read_descriptor(layer, NOS_WAD_MAX, &digest, &size) ||
        strcmp(digest, digest_text(l.sha256).text) != 0) {
        return broken(from, "a layer is not the lump that the index has there");
    }
    mspan_t room = { NULL, 0 };
    int rc = get_blob(from, digest, size, &bytes);
    if (rc == DONE && (size != l.len ||
                       !mspan_cut(mspan_of(file->data, file->len), (size_t)l.off, size, &room))) {
        rc = broken(from, "a layer has another length than its lump");
    }
    if (rc == DONE && room.data != NULL && size > 0) {
        memcpy(room.data, bytes.data, size);
    }
    buf_free(&bytes);
    return rc;
}

static int get_detached(const struct oci_store *from, const cJSON *layer, struct buf *file)
{
    const char *digest;
    size_t size;
    struct buf bytes = { NULL, 0 };
    if (!says(layer, "mediaType", DETACHED_TYPE) ||
        !read_descriptor(layer, NOS_WAD_DETACHED_MAX, &digest, &size)) {
        return broken(from, "there are more layers than lumps");
    }
    int rc = get_blob(from, digest, size, &bytes);
    if (rc == DONE) {
        buf_add_zero(file, (NOS_WAD_PAGE - file->len % NOS_WAD_PAGE) % NOS_WAD_PAGE);
        buf_add(file, buf_span(&bytes));
    }
    buf_free(&bytes);
    return rc;
}

static int get_layers(const struct oci_store *from, const cJSON *layers, const struct wad *w,
                      struct buf *file)
{
    const cJSON *layer = cJSON_IsArray(layers) ? layers->child : NULL;
    int rc = DONE;
    for (uint32_t i = 0; rc == DONE && i < w->n; i++) {
        if (layer == NULL) {
            return broken(from, "there are fewer layers than lumps");
        }
        rc = get_lump(from, layer, w, i, file);
        layer = layer->next;
    }
    if (rc == DONE && layer != NULL) {
        rc = layer->next != NULL ? broken(from, "there are more layers than lumps")
                                 : get_detached(from, layer, file);
    }
    return rc;
}

/** The file that was put together passes what any wad must. */
static int check_whole(const struct oci_store *from, struct buf *file)
{
    struct wad_loaded w;
    int rc = wad_take(file, &w);
    if (rc != DONE) {
        rc = fail(REFUSED, "%s: %s (%s)", from->what, status_text(w.status), status_name(w.status));
    }
    *file = w.file;
    return rc;
}

int oci_get(const struct oci_store *from, span_t manifest, struct buf *file)
{
    cJSON *root = cJSON_ParseWithLength((const char *)manifest.data, manifest.len);
    struct buf index = { NULL, 0 };
    struct wad w = { 0 };
    uint64_t len = 0;
    int rc = root == NULL ? broken(from, "the manifest is not JSON")
                          : get_index(from, root, &index, &w, &len);
    if (rc == DONE) {
        buf_add(file, SPAN_LIT(NOS_MAGIC_WAD));
        buf_add(file, buf_span(&index));
        buf_add_zero(file, (size_t)len - file->len);
        rc = get_layers(from, cJSON_GetObjectItemCaseSensitive(root, "layers"), &w, file);
    }
    if (rc == DONE) {
        rc = check_whole(from, file);
    }
    if (rc != DONE) {
        buf_free(file);
    }
    buf_free(&index);
    cJSON_Delete(root);
    return rc;
}
