/* Stage 4: the manifest is well-formed, asks only for what a module may ask for, and belongs to
 * this header. */
#include <string.h>

#include "kernel/modules/stages_impl.h"

nos_status_t stage4_manifest(const struct module_job *j, struct module *m)
{
    nos_status_t st = manifest_parse(j->view.manifest, &m->man);
    if (st == NOS_OK) {
        st = manifest_check_header(&m->man, &j->view);
    }
    if (st == NOS_OK) {
        m->view = j->view;
        memcpy(m->id, j->id, sizeof m->id);
        memcpy(m->name, m->man.name, NOS_NAME_MAX);  // the bytes behind stay zero
    }
    return st;
}
