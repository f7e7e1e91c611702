/* Loading libcurl by name. */
#include "cli/curl.h"

#include <dlfcn.h>
#include <string.h>

#include "cli/report.h"

#define LIBRARY "libcurl.so.4"

/** ISO C has no way from a pointer to data to one to code but its bytes. */
static bool find(void *library, const char *name, void *call)
{
    void *at = dlsym(library, name);
    memcpy(call, &at, sizeof(at));
    return at != NULL;
}

int curl_load(const struct curl_calls **out)
{
    static struct curl_calls calls;
    static bool loaded;
    if (!loaded) {
        void *library = dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL);
        bool all = library != NULL;
#define X(name) all = all && find(library, #name, &calls.name);
        CURL_CALLS(X)
#undef X
        if (!all || calls.curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
            fail(TOOL_FAILED, "%s is missing, or does not start", LIBRARY);
            hint("apt-get install libcurl4");
            return TOOL_FAILED;
        }
        loaded = true;
    }
    *out = &calls;
    return DONE;
}
