/* A module from a file of either kind. */
#include "cli/loadable.h"

#include "abi/manage.h"
#include "cli/report.h"
#include "cli/wadload.h"
#include "lib/status.h"

/** Takes: `file`, a wad. */
static int from_wad(const char *path, const char *module, struct buf *file, struct buf *out)
{
    struct wad_loaded w;
    span_t bytes;
    int rc = wad_take(file, &w);
    if (rc != DONE) {
        rc = fail(REFUSED, "%s: %s (%s); nothing of it is used", path, status_text(w.status),
                  status_name(w.status));
    }
    if (rc == DONE) {
        rc = wad_module(&w, path, module, &bytes);
    }
    if (rc == DONE) {
        buf_add(out, bytes);
    }
    wad_unload(&w);
    return rc;
}

int loadable_read(const char *path, const char *module, struct buf *out)
{
    struct buf file = { NULL, 0 };
    int rc = file_read(path, NOS_WAD_MAX, &file);
    if (rc != DONE) {
        return rc;
    }
    if (is_wad(buf_span(&file))) {
        rc = from_wad(path, module, &file, out);
    } else if (module != NULL) {
        rc = fail(USAGE, "--module chooses from a wad; %s is none", path);
    } else {
        *out = file;
        file = (struct buf){ NULL, 0 };
    }
    if (rc == DONE && out->len > NOS_MG_UPLOAD_MAX) {
        rc = fail(IO_FAILED, "the module in %s has %zu bytes; at most %d can be sent to a node",
                  path, out->len, NOS_MG_UPLOAD_MAX);
    }
    if (rc != DONE) {
        buf_free(out);
    }
    buf_free(&file);
    return rc;
}
