/* What a registry, or a layout folder, says of a wad. The input is blobs, each behind its length
 * (two bytes), and the rest is text: a manifest, an index or an answer. In it "@n" stands for the
 * digest of blob n and "#n" for its length, so that a blob that changes is still the one that is
 * named. What is pulled is a wad that holds, or nothing; a push ends, whatever is answered. */
#include "cli/oci.h"

#include "cli/curl.h"
#include "cli/ocilayout.h"
#include "cli/ocireg.h"
#include "cli/report.h"
#include "fuzz/cli_host.h"
#include "fuzz/fuzz.h"

enum { BLOBS = 10, TEXT = 1 << 14 };

static struct {
    span_t blob[BLOBS];
    struct oci_digest digest[BLOBS];
    size_t n;
    char text[TEXT];
    size_t len;
    span_t rest;  // of the input: what a lying registry chooses by
} said;

static void put(const char *text, size_t len)
{
    len = len < TEXT - said.len ? len : TEXT - said.len;
    memcpy(said.text + said.len, text, len);
    said.len += len;
}

static void expand(span_t text)
{
    char number[24];

    for (size_t i = 0; i < text.len; i++) {
        char c = (char)text.data[i];
        size_t which = i + 1 < text.len ? (size_t)text.data[i + 1] - '0' : BLOBS;
        if ((c != '@' && c != '#') || which >= said.n) {
            put(&c, 1);
            continue;
        }
        i++;
        if (c == '@') {
            put(said.digest[which].text, OCI_DIGEST);
        } else {
            put(number, (size_t)snprintf(number, sizeof number, "%zu", said.blob[which].len));
        }
    }
}

static void hear(span_t in)
{
    span_t two;

    said.n = said.len = 0;
    said.rest = in;
    while (said.n < BLOBS && span_take(&in, 2, &two)) {
        size_t len = load_le16(two.data);
        if (len == 0xffff || !span_take(&in, len < in.len ? len : in.len, &said.blob[said.n])) {
            break;
        }
        said.digest[said.n] = oci_digest_of(said.blob[said.n]);
        said.n++;
    }
    expand(in);
}

static bool find_blob(const char *digest, span_t *out)
{
    for (size_t i = 0; i < said.n; i++) {
        if (strcmp(said.digest[i].text, digest) == 0) {
            *out = said.blob[i];
            return true;
        }
    }
    return false;
}

/* ---- a folder ---- */

static bool file(const char *path, span_t *bytes)
{
    char digest[OCI_DIGEST + 1] = "sha256:";
    const char *name = strrchr(path, '/') + 1;

    if (strcmp(name, "index.json") == 0) {
        *bytes = span_of(said.text, said.len);
        return true;
    }
    strncat(digest, name, 64);
    return find_blob(digest, bytes);
}

/* ---- a registry: libcurl's side ---- */

struct request {
    const char *url, *method;
    curl_write_callback write, header;
    curl_read_callback read;
    void *to, *header_to, *from;
};
static struct request asked;
static long code;

static CURLcode fake_global_init(long flags)
{
    (void)flags;
    return CURLE_OK;
}

static void fake_nothing(void)
{
}

static CURL *fake_init(void)
{
    return &asked;
}

static void fake_cleanup(CURL *c)
{
    PROMISE(c == &asked);
}

static void fake_reset(CURL *c)
{
    PROMISE(c == &asked);
    asked = (struct request){ 0 };
}

static CURLcode fake_setopt(CURL *c, CURLoption what, ...)
{
    va_list ap;

    PROMISE(c == &asked);
    va_start(ap, what);
    if (what == CURLOPT_URL) {
        asked.url = va_arg(ap, const char *);
    } else if (what == CURLOPT_CUSTOMREQUEST) {
        asked.method = va_arg(ap, const char *);
    } else if (what == CURLOPT_WRITEFUNCTION) {
        asked.write = va_arg(ap, curl_write_callback);
    } else if (what == CURLOPT_HEADERFUNCTION) {
        asked.header = va_arg(ap, curl_write_callback);
    } else if (what == CURLOPT_READFUNCTION) {
        asked.read = va_arg(ap, curl_read_callback);
    } else if (what == CURLOPT_WRITEDATA) {
        asked.to = va_arg(ap, void *);
    } else if (what == CURLOPT_HEADERDATA) {
        asked.header_to = va_arg(ap, void *);
    } else if (what == CURLOPT_READDATA) {
        asked.from = va_arg(ap, void *);
    }
    va_end(ap);
    return CURLE_OK;
}

static uint8_t choice(void)
{
    span_t one;
    return span_take(&said.rest, 1, &one) ? one.data[0] : 0;
}

/* The body that is asked for, or the text; with a code, and a place to go to, that may be wrong. */
static CURLcode fake_perform(CURL *c)
{
    static const long codes[] = { 200, 202, 201, 404, 401, 500, 200, 202 };
    char room[64], header[128];
    uint8_t how = choice();
    span_t body = span_of(said.text, said.len), part;
    const char *digest = strstr(asked.url, "/blobs/sha256:");

    PROMISE(c == &asked && asked.url != NULL && asked.method != NULL);
    PROMISE(strncmp(asked.url, "http://localhost/", 17) == 0);  // it was sent nowhere else
    while (asked.read != NULL && asked.read(room, 1, sizeof room, asked.from) > 0) {
    }
    part = span_of(said.rest.data, said.rest.len < 100 ? said.rest.len : 100);
    int n = snprintf(header, sizeof header, "Location: %s%.*s\r\n", how & 8 ? "/v2/up" : "",
                     (int)part.len, (const char *)part.data);
    (void)asked.header(header, 1, (size_t)n, asked.header_to);
    if (digest != NULL && (!find_blob(digest + 7, &body) || (how & 16) != 0)) {
        code = (how & 32) != 0 ? 200 : 404;
    } else {
        code = (how & 64) != 0                     ? codes[how % ARRAY_LEN(codes)]
               : strcmp(asked.method, "POST") == 0 ? 202
               : strcmp(asked.method, "PUT") == 0  ? 201
                                                   : 200;
    }
    while (body.len > 0 && span_take(&body, body.len < 999 ? body.len : 999, &part)) {
        char *bytes = malloc(part.len);
        PROMISE(bytes != NULL);
        memcpy(bytes, part.data, part.len);
        size_t took = asked.write(bytes, 1, part.len, asked.to);
        free(bytes);
        if (took != part.len) {
            return CURLE_WRITE_ERROR;
        }
    }
    return how == 255 ? CURLE_OPERATION_TIMEDOUT : CURLE_OK;
}

static CURLcode fake_getinfo(CURL *c, CURLINFO what, ...)
{
    va_list ap;

    PROMISE(c == &asked && what == CURLINFO_RESPONSE_CODE);
    va_start(ap, what);
    *va_arg(ap, long *) = code;
    va_end(ap);
    return CURLE_OK;
}

static const char *fake_strerror(CURLcode st)
{
    return st == CURLE_OK ? "fine" : "not fine";
}

static struct curl_slist *fake_append(struct curl_slist *l, const char *text)
{
    (void)text;
    return l;
}

static void fake_free(struct curl_slist *l)
{
    PROMISE(l == NULL);
}

int curl_load(const struct curl_calls **out)
{
    static const struct curl_calls calls = {
        fake_global_init, fake_nothing, fake_init,     fake_cleanup, fake_reset, fake_setopt,
        fake_perform,     fake_getinfo, fake_strerror, fake_append,  fake_free,
    };
    *out = &calls;
    return DONE;
}

/* ---- what is done with them ---- */

static void pull(const struct oci_store *from, span_t manifest)
{
    struct buf wad = { NULL, 0 };
    struct wad_loaded w;

    if (oci_get(from, manifest, &wad) == DONE) {
        PROMISE(wad_take(&wad, &w) == DONE);
        wad_unload(&w);
        return;
    }
    PROMISE(wad.data == NULL);
}

static void from_folder(void)
{
    struct oci_layout l = { "folder" };
    struct oci_store s = ocilayout_store(&l);
    struct buf manifest = { NULL, 0 };

    pull(&s, span_of(said.text, said.len));
    if (ocilayout_find(&l, choice() % 2 == 0 ? NULL : "1.0", &manifest) == DONE) {
        pull(&s, buf_span(&manifest));
    }
    buf_free(&manifest);
    (void)!ocilayout_tag(&l, SPAN_LIT("{}"), "1.0");
}

static void with_registry(void)
{
    struct oci_registry r;
    struct buf manifest = { NULL, 0 };

    PROMISE(ocireg_open("localhost/wads/one", &r) == DONE);
    struct oci_store s = ocireg_store(&r);
    if (ocireg_find(&r, "1.0", &manifest) == DONE) {
        pull(&s, buf_span(&manifest));
    }
    buf_free(&manifest);
    for (size_t i = 0; i < said.n && i < 2; i++) {
        (void)!s.put(s.self, said.digest[i].text, said.blob[i]);
    }
    (void)!ocireg_tag(&r, span_of(said.text, said.len), "1.0");
    ocireg_close(&r);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2) {
        return 0;
    }
    cli_file = file;
    hear(span_of(data + 1, size - 1));
    if (data[0] % 2 == 0) {
        from_folder();
    } else {
        with_registry();
    }
    return 0;
}
