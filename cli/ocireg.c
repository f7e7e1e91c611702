/* The registry's side of pushing and pulling, by libcurl. Every answer has a bound, every request a
 * time; where an answer sends us is looked at before we go. */
#include "cli/ocireg.h"

#include <stdlib.h>
#include <string.h>

#include "cli/curl.h"
#include "cli/report.h"

enum { LOCATION_MAX = 2048, CONNECT_S = 10, STALLED_S = 30, REDIRECTS_MAX = 5 };

static bool is_low(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

bool ocireg_name_ok(const char *name)
{
    size_t len = strlen(name);
    if (len == 0 || len > 255) {
        return false;
    }
    for (size_t i = 0; i < len; i++) {  // a mark stands between two of the others
        if (!is_low(name[i]) && (strchr("._-/", name[i]) == NULL || i == 0 ||
                                 !is_low(name[i - 1]) || !is_low(name[i + 1]))) {
            return false;
        }
    }
    return true;
}

bool ocireg_tag_ok(const char *tag)
{
    size_t len = strlen(tag);
    if (len == 0 || len > 128 || tag[0] == '.' || tag[0] == '-') {
        return false;
    }
    for (size_t i = 0; i < len; i++) {
        char low = tag[i] >= 'A' && tag[i] <= 'Z' ? (char)(tag[i] - 'A' + 'a') : tag[i];
        if (!is_low(low) && strchr("._-", low) == NULL) {
            return false;
        }
    }
    return true;
}

static bool host_ok(const char *host, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        char low = host[i] >= 'A' && host[i] <= 'Z' ? (char)(host[i] - 'A' + 'a') : host[i];
        if (!is_low(low) && strchr(".-:[]", low) == NULL) {
            return false;
        }
    }
    return len > 0;
}

static bool is_local(const char *host, size_t len)
{
    static const char *const names[] = { "localhost", "127.0.0.1", "[::1]" };
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        size_t n = strlen(names[i]);
        if (len >= n && memcmp(host, names[i], n) == 0 && (len == n || host[n] == ':')) {
            return true;
        }
    }
    return false;
}

int ocireg_open(const char *name, struct oci_registry *out)
{
    const char *slash = strchr(name, '/');
    size_t host = slash == NULL ? 0 : (size_t)(slash - name);
    *out = (struct oci_registry){ 0 };
    if (slash == NULL || !host_ok(name, host) || !ocireg_name_ok(slash + 1)) {
        fail(USAGE, "that is no repository: HOST[:PORT]/NAME:TAG");
        hint("a name has a-z and 0-9, with . _ - / between them");
        return USAGE;
    }
    int rc = curl_load(&out->calls);
    if (rc != DONE) {
        return rc;
    }
    out->local = is_local(name, host);
    out->origin = must_printf("%s://%.*s", out->local ? "http" : "https", (int)host, name);
    out->base = must_printf("%s/v2/%s", out->origin, slash + 1);
    out->curl = out->calls->curl_easy_init();
    if (out->curl == NULL) {
        ocireg_close(out);
        return fail(TOOL_FAILED, "libcurl does not start");
    }
    return DONE;
}

void ocireg_close(struct oci_registry *r)
{
    if (r->curl != NULL) {
        r->calls->curl_easy_cleanup(r->curl);
    }
    free(r->base);
    free(r->origin);
    r->calls->curl_global_cleanup();
    *r = (struct oci_registry){ 0 };
}

/* --- one request --- */

struct request {
    const char *method, *url;
    const char *header; /* Accept or Content-Type; may be NULL */
    span_t body;        /* of PUT */
    size_t max;         /* bytes of an answer */
};

struct answer {
    long code;
    struct buf body;
    size_t max;
    bool too_long;
    char location[LOCATION_MAX];
};

static size_t take_body(char *data, size_t size, size_t n, void *into)
{
    struct answer *a = into;
    size_t len = size * n;
    if (len > a->max - a->body.len) {
        a->too_long = true;
        return 0;  // which ends the transfer
    }
    memcpy(a->body.data + a->body.len, data, len);
    a->body.len += len;
    return len;
}

static size_t take_header(char *data, size_t size, size_t n, void *into)
{
    static const char name[] = "location:";
    struct answer *a = into;
    size_t len = size * n, at = sizeof(name) - 1;
    if (len > at && strncasecmp(data, name, at) == 0) {
        while (at < len && (data[at] == ' ' || data[at] == '\t')) {
            at++;
        }
        while (len > at && (data[len - 1] == '\r' || data[len - 1] == '\n')) {
            len--;
        }
        if (len - at < sizeof(a->location)) {
            memcpy(a->location, data + at, len - at);
            a->location[len - at] = '\0';
        }
    }
    return size * n;
}

static size_t give_body(char *room, size_t size, size_t n, void *from)
{
    span_t *left = from, part;
    size_t want = size * n < left->len ? size * n : left->len;
    if (!span_take(left, want, &part) || want == 0) {
        return 0;
    }
    memcpy(room, part.data, want);
    return want;
}

static void set_method(const struct oci_registry *r, const struct request *q, span_t *left)
{
    CURL *c = r->curl;
    r->calls->curl_easy_setopt(c, CURLOPT_CUSTOMREQUEST, q->method);
    if (strcmp(q->method, "HEAD") == 0) {
        r->calls->curl_easy_setopt(c, CURLOPT_NOBODY, 1L);
    } else if (strcmp(q->method, "GET") != 0) {
        r->calls->curl_easy_setopt(c, CURLOPT_UPLOAD, 1L);
        r->calls->curl_easy_setopt(c, CURLOPT_READFUNCTION, give_body);
        r->calls->curl_easy_setopt(c, CURLOPT_READDATA, left);
        r->calls->curl_easy_setopt(c, CURLOPT_INFILESIZE_LARGE, (curl_off_t)q->body.len);
    }
}

static void set_limits(const struct oci_registry *r, const struct request *q)
{
    CURL *c = r->curl;
    bool follows = strcmp(q->method, "GET") == 0;  // what it brings is compared with its digest
    r->calls->curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
    r->calls->curl_easy_setopt(c, CURLOPT_CONNECTTIMEOUT, (long)CONNECT_S);
    r->calls->curl_easy_setopt(c, CURLOPT_LOW_SPEED_LIMIT, 1L);
    r->calls->curl_easy_setopt(c, CURLOPT_LOW_SPEED_TIME, (long)STALLED_S);
    r->calls->curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, r->local ? "http" : "https");
    r->calls->curl_easy_setopt(c, CURLOPT_REDIR_PROTOCOLS_STR, r->local ? "http" : "https");
    r->calls->curl_easy_setopt(c, CURLOPT_FOLLOWLOCATION, follows ? 1L : 0L);
    r->calls->curl_easy_setopt(c, CURLOPT_MAXREDIRS, (long)REDIRECTS_MAX);
    if (r->local) {
        r->calls->curl_easy_setopt(c, CURLOPT_NOPROXY, "*");
    }
}

/** Ask. Gives: `a`, its body to be released. Errors: NODE_SILENT, reported. */
static int ask(struct oci_registry *r, const struct request *q, struct answer *a)
{
    CURL *c = r->curl;
    span_t left = q->body;
    struct curl_slist *headers = r->calls->curl_slist_append(NULL, "Expect:");
    if (q->header != NULL) {
        headers = r->calls->curl_slist_append(headers, q->header);
    }
    *a = (struct answer){ .max = q->max, .body = { must_alloc(q->max), 0 } };
    r->calls->curl_easy_reset(c);
    r->calls->curl_easy_setopt(c, CURLOPT_URL, q->url);
    r->calls->curl_easy_setopt(c, CURLOPT_HTTPHEADER, headers);
    r->calls->curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, take_body);
    r->calls->curl_easy_setopt(c, CURLOPT_WRITEDATA, a);
    r->calls->curl_easy_setopt(c, CURLOPT_HEADERFUNCTION, take_header);
    r->calls->curl_easy_setopt(c, CURLOPT_HEADERDATA, a);
    set_limits(r, q);
    set_method(r, q, &left);
    CURLcode code = r->calls->curl_easy_perform(c);
    r->calls->curl_easy_getinfo(c, CURLINFO_RESPONSE_CODE, &a->code);
    r->calls->curl_slist_free_all(headers);
    if (a->too_long) {
        return fail(REFUSED, "%s answers %s with more than %zu bytes", r->origin, q->method,
                    a->max);
    }
    return code == CURLE_OK ? DONE
                            : fail(NODE_SILENT, "%s does not answer: %s", r->origin,
                                   r->calls->curl_easy_strerror(code));
}

/** What an answer that was not wanted means. */
static int refused(const struct oci_registry *r, const char *what, const struct answer *a)
{
    fail(NODE_REFUSED, "%s refused %s: HTTP status %ld", r->base, what, a->code);
    if (a->code == 401 || a->code == 403) {
        hint("it asks for credentials, which nonosctl does not have");
    } else if (a->code == 404) {
        hint("nothing there is called so");
    }
    return NODE_REFUSED;
}

enum { ERROR_MAX = 65536 };

/** A request whose answer is in its code alone. */
static int simple(struct oci_registry *r, const struct request *q, long want, const char *what)
{
    struct answer a;
    int rc = ask(r, q, &a);
    if (rc == DONE && a.code != want) {
        rc = refused(r, what, &a);
    }
    buf_free(&a.body);
    return rc;
}

/** Where to put the bytes of an upload that was begun: a place on the same registry, with the
 * digest. NULL: it sends us elsewhere. */
static char *upload_url(const struct oci_registry *r, const char *location, const char *digest)
{
    size_t origin = strlen(r->origin);
    bool same = strncmp(location, r->origin, origin) == 0 && location[origin] == '/';
    if (!same && (location[0] != '/' || location[1] == '/')) {
        return NULL;
    }
    return must_printf("%s%s%cdigest=%s", same ? "" : r->origin, location,
                       strchr(location, '?') == NULL ? '?' : '&', digest);
}

static int upload(struct oci_registry *r, const char *digest, span_t bytes)
{
    struct answer a;
    char *start = must_printf("%s/blobs/uploads/", r->base);
    int rc = ask(r, &(struct request){ .method = "POST", .url = start, .max = ERROR_MAX }, &a);
    if (rc == DONE && a.code != 202) {
        rc = refused(r, "an upload", &a);
    }
    char *url = rc == DONE ? upload_url(r, a.location, digest) : NULL;
    if (rc == DONE && url == NULL) {
        rc = fail(NODE_REFUSED, "%s sends the upload to another place", r->base);
    }
    if (rc == DONE) {
        const struct request q = { .method = "PUT",
                                   .url = url,
                                   .header = "Content-Type: application/octet-stream",
                                   .body = bytes,
                                   .max = ERROR_MAX };
        rc = simple(r, &q, 201, "a blob");
    }
    buf_free(&a.body);
    free(start);
    free(url);
    return rc;
}

static int put(void *self, const char *digest, span_t bytes)
{
    struct oci_registry *r = self;
    struct answer a;
    char *url = must_printf("%s/blobs/%s", r->base, digest);
    int rc = ask(r, &(struct request){ .method = "HEAD", .url = url, .max = ERROR_MAX }, &a);
    buf_free(&a.body);
    if (rc == DONE && a.code != 200) {
        rc = a.code == 404 ? upload(r, digest, bytes) : refused(r, "the question for a blob", &a);
    }
    free(url);
    return rc;
}

static int fetch(struct oci_registry *r, const struct request *q, const char *what, struct buf *out)
{
    struct answer a;
    int rc = ask(r, q, &a);
    if (rc == DONE && a.code != 200) {
        rc = refused(r, what, &a);
    }
    if (rc != DONE) {
        buf_free(&a.body);
        return rc;
    }
    *out = a.body;
    return DONE;
}

static int get(void *self, const char *digest, size_t max, struct buf *out)
{
    struct oci_registry *r = self;
    char *url = must_printf("%s/blobs/%s", r->base, digest);
    // An error's text needs room too; what is wrong with a blob of another length the caller says.
    const struct request q = { .method = "GET",
                               .url = url,
                               .max = max > ERROR_MAX ? max : ERROR_MAX };
    int rc = fetch(r, &q, "a blob", out);
    free(url);
    return rc;
}

struct oci_store ocireg_store(struct oci_registry *r)
{
    return (struct oci_store){ .what = r->base, .self = r, .put = put, .get = get };
}

int ocireg_tag(struct oci_registry *r, span_t manifest, const char *tag)
{
    char *url = must_printf("%s/manifests/%s", r->base, tag);
    const struct request q = { .method = "PUT",
                               .url = url,
                               .header = "Content-Type: " OCI_MANIFEST,
                               .body = manifest,
                               .max = ERROR_MAX };
    int rc = simple(r, &q, 201, "the manifest");
    free(url);
    return rc;
}

int ocireg_find(struct oci_registry *r, const char *tag, struct buf *manifest)
{
    char *url = must_printf("%s/manifests/%s", r->base, tag);
    const struct request q = {
        .method = "GET", .url = url, .header = "Accept: " OCI_MANIFEST, .max = OCI_TEXT_MAX
    };
    int rc = fetch(r, &q, "the manifest", manifest);
    if (rc == DONE && oci_digest_ok(tag) &&
        strcmp(oci_digest_of(buf_span(manifest)).text, tag) != 0) {
        rc = fail(REFUSED, "%s: the manifest %s has other bytes", r->base, tag);
        buf_free(manifest);
    }
    free(url);
    return rc;
}
