/* A layout folder. Blobs are written before the index names them, so a reader never sees a name
 * without its bytes. */
#include "cli/ocilayout.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "cli/out.h"
#include "cli/report.h"

#define REF_NAME "org.opencontainers.image.ref.name"

static char *blob_path(const struct oci_layout *l, const char *digest)
{
    return must_printf("%s/blobs/sha256/%s", l->dir, strchr(digest, ':') + 1);
}

static int put(void *self, const char *digest, span_t bytes)
{
    struct oci_layout *l = self;
    struct stat st;
    char *path = blob_path(l, digest);
    int rc = stat(path, &st) == 0 ? DONE : file_write(path, bytes, 0644);
    free(path);
    return rc;
}

static int get(void *self, const char *digest, size_t max, struct buf *out)
{
    struct stat st;
    char *path = blob_path(self, digest);
    int rc = stat(path, &st) == 0 && (uintmax_t)st.st_size > max
                 ? fail(REFUSED, "the blob %s has more than %zu bytes", path, max)
                 : file_read(path, max, out);
    free(path);
    return rc;
}

struct oci_store ocilayout_store(struct oci_layout *l)
{
    return (struct oci_store){ .what = l->dir, .self = l, .put = put, .get = get };
}

/** index.json; an empty one when there is none and `make` says so. */
static int load_index(const struct oci_layout *l, bool make, cJSON **out)
{
    char *path = must_printf("%s/index.json", l->dir);
    struct stat st;
    struct buf text = { NULL, 0 };
    cJSON *root = NULL;
    int rc = DONE;
    if (make && stat(path, &st) != 0) {
        root = out_row();
        out_u64(root, "schemaVersion", 2);
        out_text(root, "mediaType", OCI_INDEX);
        cJSON_AddArrayToObject(root, "manifests");
    } else if ((rc = file_read(path, OCI_TEXT_MAX, &text)) == DONE) {
        root = cJSON_ParseWithLength((const char *)text.data, text.len);
        if (!cJSON_IsArray(cJSON_GetObjectItemCaseSensitive(root, "manifests"))) {
            rc = fail(REFUSED, "%s is no index of an OCI layout", path);
            cJSON_Delete(root);
            root = NULL;
        }
    }
    buf_free(&text);
    free(path);
    *out = root;
    return rc;
}

static bool is_tagged(const cJSON *m, const char *tag)
{
    const char *name = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(
        cJSON_GetObjectItemCaseSensitive(m, "annotations"), REF_NAME));
    return name != NULL && strcmp(name, tag) == 0;
}

static int write_text(const struct oci_layout *l, const char *name, const char *text)
{
    char *path = must_printf("%s/%s", l->dir, name);
    int rc = file_write(path, span_of(text, strlen(text)), 0644);
    free(path);
    return rc;
}

/** The entry of `tag` anew, at the end. */
static void set_entry(cJSON *manifests, span_t manifest, const char *tag)
{
    cJSON *m = manifests->child;
    while (m != NULL) {
        cJSON *next = m->next;
        if (is_tagged(m, tag)) {
            cJSON_Delete(cJSON_DetachItemViaPointer(manifests, m));
        }
        m = next;
    }
    cJSON *entry = out_row();
    out_text(entry, "mediaType", OCI_MANIFEST);
    out_text(entry, "digest", oci_digest_of(manifest).text);
    out_u64(entry, "size", manifest.len);
    out_text(entry, "artifactType", OCI_ARTIFACT);
    out_text(cJSON_AddObjectToObject(entry, "annotations"), REF_NAME, tag);
    cJSON_AddItemToArray(manifests, entry);
}

int ocilayout_tag(struct oci_layout *l, span_t manifest, const char *tag)
{
    int rc = put(l, oci_digest_of(manifest).text, manifest);
    cJSON *root = NULL;
    if (rc == DONE) {
        rc = load_index(l, true, &root);
    }
    if (rc != DONE) {
        return rc;
    }
    set_entry(cJSON_GetObjectItemCaseSensitive(root, "manifests"), manifest, tag);
    char *text = cJSON_PrintUnformatted(root);
    rc = write_text(l, "oci-layout", "{\"imageLayoutVersion\":\"1.0.0\"}");
    if (rc == DONE) {
        rc = write_text(l, "index.json", text == NULL ? "" : text);
    }
    free(text);
    cJSON_Delete(root);
    return rc;
}

int ocilayout_find(struct oci_layout *l, const char *tag, struct buf *manifest)
{
    cJSON *root = NULL;
    const cJSON *m, *found = NULL;
    size_t n = 0;
    int rc = load_index(l, false, &root);
    if (rc != DONE) {
        return rc;
    }
    cJSON_ArrayForEach(m, cJSON_GetObjectItemCaseSensitive(root, "manifests"))
    {
        if (tag == NULL || is_tagged(m, tag)) {
            found = m;
            n++;
        }
    }
    const char *digest = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(found, "digest"));
    if (n != 1) {
        rc = fail(REFUSED, "%s has %zu artifacts%s%s", l->dir, n, tag == NULL ? "" : " called ",
                  tag == NULL ? "; say which: oci:FOLDER:TAG" : tag);
    } else if (!oci_digest_ok(digest)) {
        rc = fail(REFUSED, "%s: the digest in index.json is not one of SHA-256", l->dir);
    } else {
        rc = get(l, digest, OCI_TEXT_MAX, manifest);
    }
    if (rc == DONE && strcmp(oci_digest_of(buf_span(manifest)).text, digest) != 0) {
        rc = fail(REFUSED, "%s: the manifest %s has other bytes", l->dir, digest);
        buf_free(manifest);
    }
    cJSON_Delete(root);
    return rc;
}
