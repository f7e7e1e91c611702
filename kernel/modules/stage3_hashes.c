/* Stage 3: manifest, chunk table, image and symbols are what the signed header says, 16 KiB a step.
 */
#include "kernel/modules/stages_impl.h"

void stage3_begin(struct module_job *j)
{
    mod_hash_init(&j->hasher, &j->view);
}

nos_status_t stage3_hashes(struct module_job *j, bool *done)
{
    return mod_hash_step(&j->hasher, MODULE_STEP, done);
}
