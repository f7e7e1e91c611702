/* musl's way into the kernel, led to ours: in front of musl's own file of this name on the search
 * path. There is no such instruction in a capsule's C library; every number goes to nos_libc_call
 * (sdk/libc/personality.h). */
#pragma GCC visibility push(hidden)
long nos_libc_call(long n, long a, long b, long c, long d, long e, long f);
#pragma GCC visibility pop

#define __SYSCALL_LL_E(x) (x)
#define __SYSCALL_LL_O(x) (x)
#define IPC_64 0

static inline long __syscall0(long n)
{
    return nos_libc_call(n, 0, 0, 0, 0, 0, 0);
}

static inline long __syscall1(long n, long a)
{
    return nos_libc_call(n, a, 0, 0, 0, 0, 0);
}

static inline long __syscall2(long n, long a, long b)
{
    return nos_libc_call(n, a, b, 0, 0, 0, 0);
}

static inline long __syscall3(long n, long a, long b, long c)
{
    return nos_libc_call(n, a, b, c, 0, 0, 0);
}

static inline long __syscall4(long n, long a, long b, long c, long d)
{
    return nos_libc_call(n, a, b, c, d, 0, 0);
}

static inline long __syscall5(long n, long a, long b, long c, long d, long e)
{
    return nos_libc_call(n, a, b, c, d, e, 0);
}

static inline long __syscall6(long n, long a, long b, long c, long d, long e, long f)
{
    return nos_libc_call(n, a, b, c, d, e, f);
}
