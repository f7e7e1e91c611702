/* Memory of jobs that take steps: how many are out, and none when a test likes. Included once. */
#pragma once

#include <stdlib.h>

#include "kernel/runtime/jobs.h"

static bool no_jobs;
static unsigned jobs;

void *job_alloc(void)
{
    jobs += !no_jobs;
    return no_jobs ? NULL : calloc(1, PAGE_SIZE);
}

void job_free(void *job)
{
    jobs--;
    free(job);
}
