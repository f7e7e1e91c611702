#pragma once
/* libcurl, loaded by the verbs that need it. Linked, it and the 27 libraries behind it would cost
 * every other verb 30 ms at its start, three times what that takes. */
#define CURL_DISABLE_TYPECHECK
#include <curl/curl.h>

#include <stdbool.h>

#include "lib/compiler.h"

// clang-format off: it never comes to rest here
#define CURL_CALLS(X) \
    X(curl_global_init) \
    X(curl_global_cleanup) \
    X(curl_easy_init) \
    X(curl_easy_cleanup) \
    X(curl_easy_reset) \
    X(curl_easy_setopt) \
    X(curl_easy_perform) \
    X(curl_easy_getinfo) \
    X(curl_easy_strerror) \
    X(curl_slist_append) \
    X(curl_slist_free_all)
// clang-format on

struct curl_calls {
#define X(name) __typeof__(name) *name;
    CURL_CALLS(X)
#undef X
};

/** Load it, once. Gives: `*out`. Errors: TOOL_FAILED, reported. */
MUST_CHECK int curl_load(const struct curl_calls **out);
