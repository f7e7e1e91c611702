/* completion bash. The verbs come from the table; options are asked from --help when they are
 * needed, so the script cannot fall behind the program. */
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"

static error_t parse_completion(int key, char *arg, struct argp_state *state)
{
    bool *good = state->input;
    switch (key) {
    case ARGP_KEY_ARG:
        *good = strcmp(arg, "bash") == 0;
        if (!*good) {
            argp_error(state, "only bash is known");
        }
        return 0;
    case ARGP_KEY_NO_ARGS:
        argp_error(state, "for which shell? Only bash is known");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp argp = {
    NULL,   parse_completion,
    "bash", "Print a completion script: source <(nonosctl completion bash)",
    NULL,   NULL,
    NULL,
};

/** First words, each once; the table keeps verbs of one first word together. */
static void print_first_words(void)
{
    const char *last = "";
    size_t last_len = 0;
    for (size_t i = 0; i < n_verbs; i++) {
        size_t len = strcspn(verbs[i].name, " ");
        if (len != last_len || strncmp(verbs[i].name, last, len) != 0) {
            printf(" %.*s", (int)len, verbs[i].name);
        }
        last = verbs[i].name;
        last_len = len;
    }
}

static void print_second_words(void)
{
    for (size_t i = 0; i < n_verbs; i++) {
        const char *space = strchr(verbs[i].name, ' ');
        if (space != NULL) {
            printf("        %.*s) second=\"$second %s\" ;;&\n", (int)(space - verbs[i].name),
                   verbs[i].name, space + 1);
        }
    }
}

int cmd_completion(int argc, char **argv)
{
    bool good = false;
    parse_args(&argp, argc, argv, &good);
    fputs("# bash completion for nonosctl: source <(nonosctl completion bash)\n"
          "_nonosctl()\n{\n"
          "    local cur=${COMP_WORDS[COMP_CWORD]} second= verb\n"
          "    case ${COMP_WORDS[1]} in\n",
          stdout);
    print_second_words();
    fputs("    esac\n"
          "    if [ \"$COMP_CWORD\" -eq 1 ]; then\n"
          "        mapfile -t COMPREPLY < <(compgen -W \"--help --version",
          stdout);
    print_first_words();
    fputs("\" -- \"$cur\")\n"
          "    elif [ \"$COMP_CWORD\" -eq 2 ] && [ -n \"$second\" ]; then\n"
          "        mapfile -t COMPREPLY < <(compgen -W \"$second\" -- \"$cur\")\n"
          "    elif [[ $cur == -* ]]; then\n"
          "        verb=(\"${COMP_WORDS[1]}\")\n"
          "        [ -z \"$second\" ] || verb+=(\"${COMP_WORDS[2]}\")\n"
          "        mapfile -t COMPREPLY < <(compgen -W \"$(\"${COMP_WORDS[0]}\" \"${verb[@]}\" "
          "--help 2>/dev/null |\n"
          "            grep -oE -- '--[a-z][a-z-]*' | sort -u)\" -- \"$cur\")\n"
          "    else\n"
          "        mapfile -t COMPREPLY < <(compgen -f -- \"$cur\")\n"
          "    fi\n"
          "}\n"
          "complete -o filenames -F _nonosctl nonosctl\n",
          stdout);
    return out_flush();
}
