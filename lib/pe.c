/*
 * PE/COFF, only as far as the section table: DOS header -> "PE\0\0" -> file header -> section
 * headers.
 */
#include "lib/pe.h"

#include <string.h>

enum {
    DOS_LFANEW = 0x3c,
    COFF_SECTIONS = 4 + 2,
    COFF_OPTIONAL_LEN = 4 + 16,
    COFF_LEN = 4 + 20,
    MACHINE_AMD64 = 0x8664,
    SECTION_LEN = 40,
    SECTION_RAW_LEN = 16,
    SECTION_RAW_OFF = 20,
    SECTIONS_MAX = 96,
    NAME_LEN = 8,
};

/* The section table. */
static bool pe_sections(span_t pe, span_t *table)
{
    uint16_t machine, n, optional;
    uint32_t lfanew;
    span_t dos, coff, magic, rest;

    return span_cut(pe, 0, 2, &dos) && span_equal(dos, SPAN_LIT("MZ")) &&
           span_le32(pe, DOS_LFANEW, &lfanew) && span_from(pe, lfanew, &coff) &&
           span_cut(coff, 0, 4, &magic) && span_equal(magic, SPAN_LIT("PE\0\0")) &&
           span_le16(coff, 4, &machine) && machine == MACHINE_AMD64 &&
           span_le16(coff, COFF_SECTIONS, &n) && n <= SECTIONS_MAX &&
           span_le16(coff, COFF_OPTIONAL_LEN, &optional) &&
           span_from(coff, COFF_LEN + (size_t)optional, &rest) &&
           span_cut(rest, 0, (size_t)n * SECTION_LEN, table);
}

static bool name_matches(span_t section, const char *name)
{
    char padded[NAME_LEN] = { 0 };
    size_t n = strlen(name);

    memcpy(padded, name, n < NAME_LEN ? n : NAME_LEN);
    return n <= NAME_LEN && memcmp(section.data, padded, NAME_LEN) == 0;
}

nos_status_t pe_find_section(span_t pe, const char *name, size_t *off, size_t *len)
{
    span_t table, section, raw;
    uint32_t raw_off = 0, raw_len = 0;
    bool found = false;

    if (!pe_sections(pe, &table)) {
        return NOS_TRUST_FORMAT;
    }
    for (size_t at = 0; span_cut(table, at, SECTION_LEN, &section); at += SECTION_LEN) {
        if (!name_matches(section, name)) {
            continue;
        }
        if (found || !span_le32(section, SECTION_RAW_OFF, &raw_off) ||
            !span_le32(section, SECTION_RAW_LEN, &raw_len) ||
            !span_cut(pe, raw_off, raw_len, &raw)) {
            return NOS_TRUST_FORMAT;
        }
        found = true;
    }
    if (!found) {
        return NOS_NOT_FOUND;
    }
    *off = raw_off;
    *len = raw_len;
    return NOS_OK;
}
