/* The smallest program that has what a module can have: code, read-only data, a relocated pointer,
 * zeroed memory. */
static int zeroed[64];
static const char text[] = "tiny";
const char *pointer = text;

__attribute__((noinline)) int helper(int a)
{
    return a + zeroed[a & 63] + pointer[0];
}

void _start(void);
void _start(void)
{
    for (;;) {
        zeroed[1] = helper(3);
    }
}
