/* Files: what a capsule says to `memfs`, and what is said back. Spec: docs/memfs.md.
 *
 * A message is the operation as label and up to five words. Bytes (paths, names, data) lie in the
 * session's window: memory that memfs pays for and shares with that one client. An answer's label
 * is a status; NOS_FS_* below are those that only files need. A path is relative to the directory
 * `at`: the number of an open one, or 0 = the tree's root. It never leads out of the tree. */
#pragma once

#include <stdint.h>

#include "abi/status.h"

/* Numbers that abi/status.h leaves: the kernel never says them, so its table does not have them. */
#define NOS_FS_EXISTS ((nos_status_t)-256)    /* the name is taken */
#define NOS_FS_NOT_DIR ((nos_status_t)-257)   /* a part of the path, or what is to be one */
#define NOS_FS_IS_DIR ((nos_status_t)-258)    /* a directory, where a file is wanted */
#define NOS_FS_NOT_EMPTY ((nos_status_t)-259) /* the directory has entries */
#define NOS_FS_LOOP ((nos_status_t)-260)      /* more than 16 symlinks on the way */
#define NOS_FS_NAME ((nos_status_t)-261)      /* a name over 255 bytes, a path over 1,023 */
#define NOS_FS_READ_ONLY ((nos_status_t)-262) /* this client may only read the tree */

enum { /* bytes */
       NOS_FS_NAME_MAX = 255,
       NOS_FS_PATH_MAX = 1023,
       NOS_FS_WINDOW = 32768, /* of a session; what one READ or WRITE carries */
       NOS_FS_FILE_MAX = 1 << 30,
       NOS_FS_MAP_MAX = 1 << 24,
       NOS_FS_ROOT_INO = 1, /* of every tree's root */
};
#define NOS_FS_END UINT64_MAX /* WRITE: behind the last byte, wherever that is when it is done */
#define NOS_FS_HERE \
    (UINT64_MAX - 1) /* READ, WRITE, SEEK: at the offset of a file that was lent \
                      */

enum nos_fs_op {
    NOS_FS_ATTACH = 1,    /* to a door, no words. Reply: word 0 = bytes of the window, and
                           * NOS_FS_PASSES handles */
    NOS_FS_OPEN = 2,      /* at, flags | mode << NOS_FS_MODE_AT of what is created, bytes of path.
                           * Reply: number, kind */
    NOS_FS_CLOSE = 3,     /* number: a file's or a mapping's */
    NOS_FS_READ = 4,      /* number, offset, most bytes. Reply: bytes, which are in the window */
    NOS_FS_WRITE = 5,     /* number, offset or NOS_FS_END, bytes. Reply: bytes taken, offset behind
                           * them. Fewer: the quota has no room for the others */
    NOS_FS_STAT = 6,      /* at, flags, bytes of path; 0 = `at` itself. Reply: enum nos_fs_stat */
    NOS_FS_LIST = 7,      /* number, cookie (0 = from the first), most bytes. Reply: bytes; entries
                           * are in the window, 0 = no more */
    NOS_FS_MKDIR = 8,     /* at, bytes of path, mode */
    NOS_FS_UNLINK = 9,    /* at, flags, bytes of path */
    NOS_FS_RENAME = 10,   /* at, bytes, new at, new bytes: the new path follows the old one */
    NOS_FS_SYMLINK = 11,  /* at, bytes of path, bytes of target, which follows the path */
    NOS_FS_READLINK = 12, /* at, bytes of path. Reply: bytes of the target, in the window */
    NOS_FS_TRUNCATE = 13, /* number, bytes */
    NOS_FS_LOCK = 14, /* number, enum nos_fs_lock, first byte, last byte. WOULD_BLOCK: another has
                       * it. Reply to a test: kind (0 = free), first, last of who is in the way */
    NOS_FS_MAP = 15,  /* number, flags (WRITE). Reply: number of the mapping, bytes of the file; one
                       * handle: a region, which begins with the file. BUSY: it has grown beyond a
                       * region that somebody maps */
    NOS_FS_TIMES = 16, /* number, ns of last access, of last change; since boot */
    NOS_FS_WHERE = 17, /* number of a directory. Reply: bytes of its path, in the window */
    NOS_FS_ROOM = 18,  /* Reply: bytes taken, bytes at most, nodes taken, nodes at most */
    NOS_FS_CHMOD = 19, /* at, mode, bytes of path; 0 = `at` itself. Data that STAT tells: nothing
                        * here is refused because of it. A symlink at the end is followed */
    NOS_FS_LINK = 20,  /* at, flags (NOFOLLOW), bytes, new at, new bytes: the new path follows. One
                        * more name for a file or a symlink; IS_DIR: a directory has one alone */
    NOS_FS_LEND = 21,  /* number of a file, offset. Reply: word 0 = bytes of a window, and
                        * NOS_FS_PASSES handles that can be handed on: a session that has this file
                        * as number 1 and no names. From now on both have one offset, which begins as
                        * said, if the file was not lent before. NO_SLOT: 12 are lent already */
    NOS_FS_SEEK = 22,  /* number of a file that is lent, offset or HERE. Reply: the offset */
};

/* To the door `memfs-wads`, which `manage` may call: bytes of a wad | name16 of a share that nobody
 * may write to and that is empty; one handle, moved: a region that begins with the wad. Reply:
 * files, bytes taken. Errors: lib/wad.h's; NOT_FOUND; DENIED: some may write to it; BUSY: it
 * has files; QUOTA. */
enum { NOS_FS_FILL = 32 };

enum nos_fs_pass {                       /* handles of ATTACH, in this order */
                   NOS_FS_PASS_CALL,     /* an endpoint: the session's, for all other operations */
                   NOS_FS_PASS_WINDOW,   /* a region: map it, read and write */
                   NOS_FS_PASS_LIFELINE, /* an endpoint: keep it. Closed, or its holder dead, the
                                            session ends */
                   NOS_FS_PASSES
};

enum nos_fs_flag {
    NOS_FS_READABLE = 1, /* OPEN: for reading, writing; neither: to walk from */
    NOS_FS_WRITABLE = 2, /* also MAP's */
    NOS_FS_CREATE = 4,
    NOS_FS_EXCLUSIVE = 8,  /* with CREATE: EXISTS if it is there */
    NOS_FS_EMPTY = 16,     /* cut to no bytes */
    NOS_FS_DIRECTORY = 32, /* OPEN: NOT_DIR if it is none; UNLINK: it must be an empty one */
    NOS_FS_NOFOLLOW = 64,  /* a symlink at the end is meant itself (OPEN: LOOP) */
    NOS_FS_FLAGS = 127,
};

enum { NOS_FS_MODE = 07777, NOS_FS_MODE_AT = 16 /* where it stands above other bits */ };

enum nos_fs_kind { NOS_FS_KIND_FILE = 1, NOS_FS_KIND_DIR = 2, NOS_FS_KIND_LINK = 3 };

enum nos_fs_stat { /* words of STAT's answer; times in ns since boot */
                   NOS_FS_STAT_KIND,
                   NOS_FS_STAT_SIZE,
                   NOS_FS_STAT_INO,  /* of this tree, never used again */
                   NOS_FS_STAT_HELD, /* bytes that are charged for its data */
                   NOS_FS_STAT_ACCESS,
                   NOS_FS_STAT_CHANGE, /* of the data, or of a directory's entries */
                   NOS_FS_STAT_STATUS, /* of anything about it */
                   NOS_FS_STAT_LINKS,  /* names | mode << NOS_FS_MODE_AT; 0: it has none any more */
                   NOS_FS_STAT_WORDS
};

enum nos_fs_lock { /* advisory, of a session: its own locks never stand in its way */
                   NOS_FS_UNLOCK = 0,
                   NOS_FS_SHARED = 1,
                   NOS_FS_ALONE = 2,
                   NOS_FS_TEST = 4, /* bit: only asked */
};

/* An entry of LIST: ino8 | cookie8, for the next LIST | kind1 | bytes1 of name | name. Entries
 * follow each other without a gap. */
enum {
    NOS_FS_ENTRY_INO = 0,
    NOS_FS_ENTRY_COOKIE = 8,
    NOS_FS_ENTRY_KIND = 16,
    NOS_FS_ENTRY_LEN = 17,
    NOS_FS_ENTRY_NAME = 18
};
