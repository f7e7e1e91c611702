/* newcapsule: greets. At the prompt: load newcapsule NAME */
#include <stdio.h>

#include "greeting.h"

int main(int argc, char **argv)
{
    char line[80];

    if (!greeting(line, sizeof line, argc > 1 ? argv[1] : "world")) {
        fputs("newcapsule: that name is too long\n", stderr);
        return 1;
    }
    puts(line);
    return 0;
}
