/* newcapsule: greets. At the prompt: load newcapsule NAME */
#include <string.h>

#include "greeting.h"
#include "sdk/print.h"
#include "sdk/start.h"

/* sdk/print.h's nos_print formats as printf does; without it the capsule is a page smaller. */
static int say(const char *text)
{
    return nos_console_write(span_of(text, strlen(text))) == NOS_OK ? 0 : 1;
}

int nos_main(void)
{
    const char *who = nos_arg();
    char line[80];

    if (!greeting(line, sizeof line - 1, who[0] != '\0' ? who : "world")) {
        (void)say("newcapsule: that name is too long\n");
        return 1;
    }
    line[strlen(line) + 1] = '\0';
    line[strlen(line)] = '\n';
    return say(line);
}
