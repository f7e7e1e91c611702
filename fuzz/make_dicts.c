/* Dictionaries for libFuzzer, from the constants of the formats: FOLDER/TARGET. */
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "abi/audit.h"
#include "abi/bootinfo.h"
#include "abi/caps.h"
#include "abi/crash.h"
#include "abi/manage.h"
#include "abi/policy.h"
#include "abi/postmortem.h"
#include "abi/wad.h"
#include "lib/span.h"

static const char *folder;
static FILE *out;

static void begin(const char *target)
{
    char path[512];

    snprintf(path, sizeof path, "%s/%s", folder, target);
    out = fopen(path, "w");
    if (out == NULL) {
        perror(path);
        exit(1);
    }
}

static void end(void)
{
    if (fclose(out) != 0) {
        perror(folder);
        exit(1);
    }
}

static void word(const void *bytes, size_t len)
{
    const uint8_t *p = bytes;

    fputc('"', out);
    for (size_t i = 0; i < len; i++) {
        fprintf(out, "\\x%02x", p[i]);
    }
    fputs("\"\n", out);
}

static void text(const char *s)
{
    word(s, strlen(s));
}

static void texts(const char *first, ...)
{
    va_list ap;

    va_start(ap, first);
    for (const char *s = first; s != NULL; s = va_arg(ap, const char *)) {
        text(s);
    }
    va_end(ap);
}

static void le16(unsigned v)
{
    uint8_t two[2];
    store_le16(two, (uint16_t)v);
    word(two, sizeof two);
}

static void tags(unsigned from, unsigned to)
{
    for (unsigned t = from; t <= to; t++) {
        le16(t);
    }
}

/* One format: its magic. */
static void magic(const char *target, const char *bytes, size_t len)
{
    begin(target);
    word(bytes, len);
    end();
}

/* The names that a source may use, as JSON strings and as keys. */
static void json_words(void)
{
    static const char *const name[] = {
#define X(name, value, ...) #name,
        NOS_CLASS_LIST(X) NOS_RIGHT_LIST(X) NOS_CAP_KIND_LIST(X)
#undef X
    };
    char quoted[64];

    for (size_t i = 0; i < sizeof name / sizeof name[0]; i++) {
        snprintf(quoted, sizeof quoted, "\"%s\"", name[i]);
        for (char *p = quoted; *p != '\0'; p++) {
            *p = (char)(*p >= 'A' && *p <= 'Z' ? *p - 'A' + 'a' : *p);
        }
        text(quoted);
    }
    texts("\"CoreExec\"", "\"IO\"", "\"Network\"", "\"IPC\"", "\"Memory\"", "\"Crypto\"", NULL);
    texts("\"name\":", "\"version\":", "\"sec_version\":", "\"about\":", "\"licence\":",
          "\"classes\":[", "\"caps\":[", "\"kind\":", "\"rights\":[", "\"limits\":{",
          "\"restart\":{", "\"filter\":[", "\"sched\":{", "\"children\":{", "\"control\":{",
          "\"needs\":[", "\"private\":true", "\"epoch\":", "\"publishers\":[", "\"rules\":[",
          "\"boot\":[", "\"first\":", "\"start\":[", "\"grants\":[", "\"modules\":[",
          "\"licences\":[", "\"//\":", "\\u001b", "\"0x3f8\"", "1e3", NULL);
}

static const char *const command[] = {
    "help", "ps",   "caps", "modules", "mem",  "log",   "audit",    "crash",  "about",
    "load", "kill", "stop", "upgrade", "run",  "env",   "export",   "unset",  "echo",
    "cd",   "pwd",  "jobs", "fg",      "wait", "clear", "poweroff", "uptime", "reboot",
};

int main(int argc, char **argv)
{
    if (argc != 2) {
        fprintf(stderr, "usage: make-dicts FOLDER\n");
        return 2;
    }
    folder = argv[1];
    mkdir(folder, 0755);
    begin("manifest");
    tags(NOS_MAN_SEMVER, NOS_MAN_ABOUT);
    tags(NOS_MAN_SYMBOLS, NOS_MAN_SYMBOLS);
    tags(0x8000, NOS_MAN_PRIVATE);
    end();
    begin("policy");
    word(NOS_MAGIC_POL, 8);
    tags(NOS_POL_OPERATOR, NOS_POL_START);
    end();
    begin("request");
    tags(NOS_MG_HELLO, NOS_MG_UPLOAD);
    tags(NOS_MG_LOAD, NOS_MG_SHARE);
    tags(NOS_MG_DEBUGGED, NOS_MG_DEBUGGED);
    tags(NOS_MG_DEBUG, NOS_MG_DEBUG_RUN);
    end();
    begin("source");
    json_words();
    end();
    begin("oci");
    texts("\"digest\":\"@0\"", "\"digest\":\"@1\"", "\"size\":#0", "\"size\":#1", "\"layers\":[",
          "\"config\":{", "\"mediaType\":", "\"application/vnd.n0n.wad.index.v1\"",
          "\"application/vnd.n0n.wad.detached.v1\"",
          "\"artifactType\":", "\"application/vnd.n0n.wad.v1\"", "\"manifests\":[",
          "\"annotations\":{", "\"org.opencontainers.image.ref.name\":\"1.0\"", "http://localhost/",
          "//", NULL);
    end();
    begin("prompt");
    texts(" | ", " && ", " || ", "2>&1", "2>>", ">>", "${", "$?", "$NAME", "NAME=", "\x1b[A",
          "\x1b[D", "\x1b[3~", "\xff", "\r", "\\\"", "'", NULL);
    end();
    begin("shell");
    for (size_t i = 0; i < ARRAY_LEN(command); i++) {
        text(command[i]);
    }
    texts("hello", "cat", "./m", "./m:x", " | ", " && ", " || ", " &\r", ">f", ">>f", "<f", "2>&1",
          "$?", "; ", "\r", "\t", "\x03", "\x04", "\x1b[A", NULL);
    end();
    begin("term");
    texts("\x1b[", "\x1b[2J", "\x1b[K", "\x1b[0m", "\x1b[7m", "\x1b[38;5;1m", "\x1b[9999;9999H",
          "\xc3\xa9", "\xf0\x9f\x98\x80", NULL);
    end();
    begin("gdb");
    texts("$g#67", "$qSupported", "vCont;", "vCont;r1,2:1", "Xfer:features:read:", "target.xml",
          "$Z0,", "$m", "$M", "$X", "}", "#", NULL);
    end();
    begin("acpi");
    texts("RSD PTR ", "XSDT", "RSDT", "APIC", "FACP", "DSDT", "_S5_", NULL);
    end();
    begin("audit");
    word(NOS_MAGIC_AUDIT, 8);
    word(NOS_MAGIC_AUDIT_PROOF, 8);
    end();
    magic("mod", NOS_MAGIC_MOD, 8);
    magic("wad", NOS_MAGIC_WAD, 8);
    magic("frame", NOS_MG_MAGIC, 4);
    magic("trust", NOS_TRUST_MAGIC, 8);
    magic("crash", NOS_CRASH_MAGIC, 4);
    magic("postmortem", NOS_PM_MAGIC, sizeof NOS_PM_MAGIC - 1);
    magic("elf",
          "\x7f"
          "ELF",
          4);
    magic("psf", "\x72\xb5\x4a\x86", 4);
    return 0;
}
