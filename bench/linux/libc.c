/* Linux in the place of sdk/libc: what a program's capsule is linked from, object for object, with
 * a system call where the personality stands. So that both run the same instructions but those
 * which the two systems are responsible for. */
long nos_libc_call(long n, long a, long b, long c, long d, long e, long f)
{
    long r;
    register long r10 __asm__("r10") = d;
    register long r8 __asm__("r8") = e;
    register long r9 __asm__("r9") = f;

    __asm__ volatile("syscall"
                     : "=a"(r)
                     : "0"(n), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
                     : "rcx", "r11", "memory");
    return r;
}
