/* Stage 1: header and shape. Nothing is believed yet but that the bytes add up. */
#include "kernel/modules/stages_impl.h"

nos_status_t stage1_extract(struct module_job *j)
{
    nos_status_t st = mod_extract(j->file, &j->view);
    if (st != NOS_OK) {
        return st;
    }
    mod_id(&j->view, j->id);
    // A kernel is the loader's to run: in a running system it is a kind of file that is not known
    // here.
    return (j->view.flags & NOS_MOD_FLAG_KERNEL) == 0 ? NOS_OK : NOS_MOD_VERSION;
}
