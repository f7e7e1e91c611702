/* Who a program is, what it may use, and what it has used. A capsule is a user of its own: owner
 * and group 0, alone in its session. What would make it another is EPERM. */
#include <errno.h>
#include <sched.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/sysinfo.h>
#include <sys/time.h>
#include <sys/times.h>

#include "sdk/libc/personality.h"

enum { PAGE = 4096, NS_PER_S = 1000000000, NS_PER_US = 1000, NS_PER_TICK = 10000000 };

static nos_status_t about(struct nos_capsule_info *info)
{
    return nos_sys_self_info(info, sizeof *info);
}

/* ---- names ---- */

long libc_zero(const struct nos_libc_args *x)
{
    (void)x;
    return 0;
}

/* To be who one is. */
static bool is_own(long id)
{
    return id == 0 || (int)id == -1;
}

long libc_be(const struct nos_libc_args *x)
{
    return (int)x->a[0] == 0 ? 0 : -EPERM;
}

long libc_be_two(const struct nos_libc_args *x)
{
    return is_own(x->a[0]) && is_own(x->a[1]) ? 0 : -EPERM;
}

long libc_be_three(const struct nos_libc_args *x)
{
    return is_own(x->a[2]) ? libc_be_two(x) : -EPERM;
}

long libc_who_three(const struct nos_libc_args *x)
{
    for (int i = 0; i < 3; i++) {
        *(unsigned *)x->a[i] = 0;
    }
    return 0;
}

long libc_getppid(const struct nos_libc_args *x)
{
    struct nos_capsule_info info;
    (void)x;
    return about(&info) == NOS_OK ? (long)info.parent : 0;
}

static bool is_self(long pid)
{
    return pid == 0 || (uint32_t)pid == nos_self()->capsule;
}

long libc_getpgid(const struct nos_libc_args *x)
{
    return is_self(x->a[0]) ? (long)nos_self()->capsule : -ESRCH;
}

long libc_setpgid(const struct nos_libc_args *x)
{
    const int to = (int)x->a[1];
    return to < 0 ? -EINVAL : !is_self(x->a[0]) ? -ESRCH : is_self(to) ? 0 : -EPERM;
}

/* ---- the mask of modes ---- */

static uint32_t mask = 022;

uint32_t nos_libc_mask(void)
{
    return mask;
}

long libc_umask(const struct nos_libc_args *x)
{
    return (long)__atomic_exchange_n(&mask, (uint32_t)x->a[0] & 0777, __ATOMIC_RELAXED);
}

/* ---- limits ---- */

static long limit(long which, struct rlimit *out)
{
    struct nos_capsule_info info;
    nos_status_t st = about(&info);
    rlim_t most = RLIM_INFINITY;

    if (which < 0 || which >= RLIMIT_NLIMITS) {
        return -EINVAL;
    }
    if (st != NOS_OK) {
        return -nos_libc_errno(st);
    }
    if (which == RLIMIT_AS || which == RLIMIT_DATA || which == RLIMIT_RSS) {
        most = (rlim_t)info.mem_limit * PAGE;
    } else if (which == RLIMIT_NOFILE) {
        most = NOS_LIBC_FILES;
    } else if (which == RLIMIT_CORE || which == RLIMIT_MEMLOCK || which == RLIMIT_RTPRIO) {
        most = 0;
    }
    *out = (struct rlimit){ most, most };
    return 0;
}

/* The manifest said what it may have: a program cannot say less of itself, and never more. */
long libc_prlimit(const struct nos_libc_args *x)
{
    const struct rlimit *set = (const struct rlimit *)x->a[2];
    struct rlimit now;

    if (!is_self(x->a[0])) {
        return -ESRCH;
    }
    long r = limit(x->a[1], &now);
    if (r == 0 && set != NULL && set->rlim_cur > set->rlim_max) {
        r = -EINVAL;
    } else if (r == 0 && set != NULL &&
               (set->rlim_cur != now.rlim_cur || set->rlim_max != now.rlim_max)) {
        r = -EPERM;
    }
    if (r == 0 && x->a[3] != 0) {
        *(struct rlimit *)x->a[3] = now;
    }
    return r;
}

/* ---- what was used ---- */

long libc_getrusage(const struct nos_libc_args *x)
{
    struct rusage *out = (struct rusage *)x->a[1];
    struct nos_capsule_info info;
    nos_status_t st = about(&info);

    if (x->a[0] != RUSAGE_SELF && x->a[0] != RUSAGE_CHILDREN) {
        return -EINVAL;
    }
    if (st != NOS_OK) {
        return -nos_libc_errno(st);
    }
    memset(out, 0, offsetof(struct rusage, __reserved));  // as far as Linux's goes
    if (x->a[0] == RUSAGE_SELF) {
        out->ru_utime.tv_sec = (time_t)(info.cpu_ns / NS_PER_S);
        out->ru_utime.tv_usec = (suseconds_t)(info.cpu_ns % NS_PER_S / NS_PER_US);
        out->ru_maxrss = (long)info.mem_pages * (PAGE / 1024);
    }
    return 0;
}

long libc_times(const struct nos_libc_args *x)
{
    struct tms *out = (struct tms *)x->a[0];
    struct nos_capsule_info info;
    nos_status_t st = about(&info);

    if (st != NOS_OK) {
        return -nos_libc_errno(st);
    }
    if (out != NULL) {
        *out = (struct tms){ .tms_utime = (clock_t)(info.cpu_ns / NS_PER_TICK) };
    }
    return (long)(nos_now_ns() / NS_PER_TICK);
}

/* Of the machine it is told nothing but the time: memory is its own. */
long libc_sysinfo(const struct nos_libc_args *x)
{
    struct sysinfo *out = (struct sysinfo *)x->a[0];
    struct nos_capsule_info info;
    nos_status_t st = about(&info);

    if (st != NOS_OK) {
        return -nos_libc_errno(st);
    }
    memset(out, 0, offsetof(struct sysinfo, __reserved));
    out->uptime = nos_now_ns() / NS_PER_S;
    out->totalram = info.mem_limit;
    out->freeram = info.mem_limit > info.mem_pages ? info.mem_limit - info.mem_pages : 0;
    out->mem_unit = PAGE;
    out->procs = 1;
    return 0;
}

/* ---- scheduling: a thread has the capsule's priority, which the policy bounds ---- */

long libc_sched_get(const struct nos_libc_args *x)
{
    if (x->a[1] != 0) {
        *(struct sched_param *)x->a[1] = (struct sched_param){ 0 };
    }
    return 0;
}

long libc_sched_set(const struct nos_libc_args *x)
{
    const struct sched_param *p = (const struct sched_param *)x->a[2];
    return x->a[1] != SCHED_OTHER || p->sched_priority != 0 ? -EPERM : 0;
}

long libc_sched_range(const struct nos_libc_args *x)
{
    return x->a[0] == SCHED_OTHER || x->a[0] == SCHED_BATCH || x->a[0] == SCHED_IDLE ? 0 : -EINVAL;
}

long libc_getpriority(const struct nos_libc_args *x)
{
    (void)x;
    return 20;  // Linux's way to say 0
}

long libc_setpriority(const struct nos_libc_args *x)
{
    return x->a[2] == 0 ? 0 : -EPERM;
}
