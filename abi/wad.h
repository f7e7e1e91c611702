/* The .wad file: a package of modules and what belongs to them.
 *
 *   magic | index | zero pad to 4096 | lump, zero pad to 4096 | ... | last lump
 *   and, when there is one: zero pad to 4096 | detached area
 *
 * Spec: docs/formats.md, "Wad". Structures are here for offsets and sizes only: file bytes are
 * never cast. All integers are little-endian. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define NOS_MAGIC_WAD "N0NWAD\0\1" /* 8 bytes; the last one is the format version */

enum nos_wad_type {
    NOS_WAD_TREE = 1,       /* exactly one: the names of all other lumps */
    NOS_WAD_MODULE = 2,     /* a .mod */
    NOS_WAD_ASSET = 3,      /* a file that modules read; the one type that may be empty */
    NOS_WAD_LICENCE = 4,    /* at least one: text */
    NOS_WAD_SBOM = 5,       /* exactly one: SPDX 2.3, JSON */
    NOS_WAD_PROVENANCE = 6, /* exactly one: in-toto statement, bare or in a DSSE envelope, JSON */
    NOS_WAD_DOC = 7,        /* text for people */
    NOS_WAD_TYPES = 8
};

struct nos_wad_lump { /* 88 bytes; strictly ascending by type, then by blake3 */
    uint16_t type;    /* enum nos_wad_type */
    uint16_t rsv;     /* 0 */
    uint32_t rsv2;    /* 0 */
    uint64_t off;     /* bytes from the start of the file: where the lump before it ends, padded */
    uint64_t len;     /* bytes */
    uint8_t blake3[32];
    uint8_t sha256[32];
};
_Static_assert(sizeof(struct nos_wad_lump) == 88, "ABI");
_Static_assert(offsetof(struct nos_wad_lump, blake3) == 24, "ABI");

/* The index: n4 | flags4 (0) | n x struct nos_wad_lump. Its BLAKE3 is the wad's id. */
enum {
    NOS_WAD_INDEX = 8, /* its offset in the file */
    NOS_WAD_INDEX_HDR = 8,
    NOS_WAD_ROW = 88,
    NOS_WAD_PAGE =
        4096, /* lumps start at multiples, so that verified pages are mapped as they lie */
    NOS_WAD_LUMPS_MAX = 4096,
    NOS_WAD_MAX = 1 << 30 /* bytes of a file */
};

/* The tree lump: n4 | rsv4 (0) | n x { row4, len4 } | the n paths, back to back. `row` is the
 * lump's in the index. */
enum {
    NOS_WAD_TREE_HDR = 8,
    NOS_WAD_TREE_ROW = 8,
    NOS_WAD_PATH_MAX = 512,
    NOS_WAD_STEP_MAX = 255 /* bytes between two slashes */
};

/* The detached area: canonical TLV, all tags from 0x8000 on. No hash of the wad covers it, and a
 * reader passes over tags that it does not know. */
enum {
    NOS_WAD_TLOG_PROOF = 0x8001, /* text: inclusion of the index in a transparency log */
    NOS_WAD_DETACHED_MAX = 1 << 20
};
