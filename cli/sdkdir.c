/* A project is built by make: its Makefile includes the SDK's n0n.mk, which calls this program for
 * what is not compiling and linking. So there is one description of the build, and whoever has a
 * build of his own reads it there. */
#include "cli/sdkdir.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/grants.h"
#include "cli/proc.h"
#include "cli/report.h"

/** Takes: `dir`. Gives: its whole path, to be freed, or NULL when it holds no SDK. */
static char *if_sdk(char *dir)
{
    char *mark = must_printf("%s/n0n.mk", dir);
    char *whole = access(mark, R_OK) == 0 ? realpath(dir, NULL) : NULL;
    free(mark);
    free(dir);
    return whole;
}

/** The folder of this program, to be freed; NULL when it cannot be told. */
static char *own_folder(void)
{
    char path[PATH_MAX];
    ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - 1);
    if (n <= 0) {
        return NULL;
    }
    path[n] = '\0';
    char *slash = strrchr(path, '/');
    return slash == NULL ? NULL : must_printf("%.*s", (int)(slash - path), path);
}

int sdk_find(char **out)
{
    const char *named = getenv("N0N_SDK");
    if (named != NULL && named[0] != '\0') {
        *out = if_sdk(must_printf("%s", named));
        if (*out == NULL) {
            fail(IO_FAILED, "$N0N_SDK is %s, where no SDK is: it would have a file n0n.mk", named);
            hint("set it to an unpacked n0n-sdk tarball, or unset it");
        }
        return *out != NULL ? DONE : IO_FAILED;
    }
    char *own = own_folder();
    *out = own == NULL ? NULL : if_sdk(must_printf("%s/..", own));
    if (*out == NULL && own != NULL) {
        *out = if_sdk(must_printf("%s/../sdk/n0n-sdk-" NONOSCTL_VERSION, own));
    }
    free(own);
    if (*out == NULL) {
        fail(IO_FAILED, "there is no SDK beside this nonosctl");
        hint("run the one in an unpacked n0n-sdk tarball, or `make sdk` in N0N-OS's folder; "
             "$N0N_SDK can name another");
        return IO_FAILED;
    }
    return DONE;
}

bool project_here(void)
{
    return access("manifest.json", R_OK) == 0 && access("Makefile", R_OK) == 0;
}

static void run_make(const char *sdk, const char *target)
{
    char *own = realpath("/proc/self/exe", NULL);
    if (own == NULL || setenv("N0N_SDK", sdk, 1) != 0 || setenv("NONOSCTL", own, 1) != 0) {
        _exit(fail(IO_FAILED, "cannot prepare make: %s", strerror(errno)));
    }
    execlp("make", "make", "--no-print-directory", target, (char *)NULL);
    fail(TOOL_FAILED, "cannot run make: %s", strerror(errno));
    hint("install the packages make, clang and lld; gcc for the tests on this machine");
    _exit(TOOL_FAILED);
}

/** `sdk` is there. */
static int make_with(const char *sdk, const char *target)
{
    pid_t pid = fork();
    if (pid < 0) {
        return fail(TOOL_FAILED, "cannot start make: %s", strerror(errno));
    }
    if (pid == 0) {
        run_make(sdk, target);
    }
    int status = proc_wait(pid);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0) {
        return DONE;
    }
    return fail(TOOL_FAILED, "make %s failed: what it says is above", target);
}

int project_make(const char *target)
{
    char *sdk = NULL;
    if (!project_here()) {
        fail(USAGE, "this folder is no project: it has no Makefile with a manifest.json beside it");
        hint("`nonosctl new NAME` makes one, in a folder NAME");
        return USAGE;
    }
    int rc = access("rule.json", F_OK) == 0 ? grants_check("manifest.json", "rule.json") : DONE;
    if (rc == DONE) {
        rc = sdk_find(&sdk);
    }
    if (rc == DONE) {
        rc = make_with(sdk, target);
    }
    free(sdk);
    return rc;
}
