/* One status list: code, name and the words a person reads cannot drift apart.
 *
 * Zero is success, every failure is negative, a status is never a count. Each stage that can refuse
 * a module, a policy or a boot has its own code, so a refusal in the audit log names the rule that
 * was broken. ABI: append, never renumber. */
#pragma once

#define NOS_STATUS_LIST(X) \
    X(OK, 0, "success") \
    /* calls */ \
    X(INVALID, -1, "argument out of range or reserved bit set") \
    X(BAD_SYSCALL, -2, "no such system call") \
    X(BAD_HANDLE, -3, "no such handle in this capsule") \
    X(WRONG_TYPE, -4, "handle names another kind of object") \
    X(DENIED, -5, "handle lacks a required right") \
    X(NO_CLASS, -6, "capsule lacks the capability class of this call") \
    X(FILTERED, -7, "system call is masked by the capsule's filter") \
    X(EXPIRED, -8, "handle is past its deadline") \
    X(REVOKED, -9, "handle was revoked") \
    X(BAD_ADDRESS, -10, "address is not the caller's to read or write") \
    X(TOO_BIG, -11, "length exceeds the limit of this call") \
    X(NO_MEMORY, -12, "the machine is out of memory") \
    X(QUOTA, -13, "the capsule's quota is used up") \
    X(NO_SLOT, -14, "handle table is full") \
    X(PEER_CLOSED, -15, "the other end is gone") \
    X(TIMED_OUT, -16, "the deadline passed") \
    X(WOULD_BLOCK, -17, "nothing is ready") \
    X(NOT_FOUND, -18, "no such thing") \
    X(BUSY, -19, "in use by another") \
    X(BAD_STATE, -20, "not possible in the present state") \
    X(NOT_SUPPORTED, -21, "this machine cannot do that") \
    X(CANCELLED, -22, "the wait was cancelled") \
    X(NO_ENTROPY, -23, "fewer than 256 bits of entropy are credited") \
    X(BAD_MESSAGE, -24, "malformed message") \
    X(IO_ERROR, -25, "the device reported an error") \
    X(HANDLES_REFUSED, -26, "the receiver does not take that many handles") \
    X(DEPTH, -27, "no further derivation is allowed from this handle") \
    X(NO_ANSWER, -28, "the server went on without an answer") \
    /* module, stage 1: extract (fixed header and file shape) */ \
    X(MOD_TRUNCATED, -32, "module: file is shorter than its header says") \
    X(MOD_OVERSIZE, -33, "module: bytes after the declared end, or above a size limit") \
    X(MOD_MAGIC, -34, "module: not a module file") \
    X(MOD_VERSION, -35, "module: header version or flags not known here") \
    X(MOD_RESERVED, -36, "module: reserved field or padding is not zero") \
    X(MOD_LAYOUT, -37, "module: header fields contradict each other") \
    /* stage 2: signature over the header */ \
    X(PUB_UNKNOWN, -40, "module: publisher is not in the policy") \
    X(PUB_REVOKED, -41, "module: publisher is revoked by the policy") \
    X(KEY_UNKNOWN, -42, "module: signed with a key that the signer does not hold") \
    X(BAD_SIGNATURE, -43, "signature does not verify") \
    X(SEC_VERSION, -44, "module: security version is below the floor") \
    X(FEW_SIGNATURES, -45, "fewer valid signatures than the trust root demands") \
    /* stage 3: hashes */ \
    X(HASH_MANIFEST, -48, "module: manifest does not match its hash") \
    X(HASH_TABLE, -49, "module: chunk table does not match its hash") \
    X(HASH_CHUNK, -50, "module: a chunk does not match its hash") \
    /* stage 4: manifest */ \
    X(TLV_TRUNCATED, -56, "TLV: record runs past the end") \
    X(TLV_ORDER, -57, "TLV: tags are not ascending") \
    X(TLV_DUPLICATE, -58, "TLV: tag appears twice") \
    X(TLV_RESERVED, -59, "TLV: reserved bytes are not zero") \
    X(TLV_CRITICAL, -60, "TLV: critical tag is not known here") \
    X(MAN_MISSING, -61, "manifest: a mandatory field is missing") \
    X(MAN_FIELD, -62, "manifest: a field has a value that is not allowed") \
    X(MAN_NAME, -63, "manifest: name does not match the header's name hash") \
    X(MAN_CAP, -64, "manifest: a required capability is malformed") \
    X(CAP_CLASS, -65, "manifest: asks for a capability class outside its own class mask") \
    /* stage 5: grant */ \
    X(GRANT_NO_RULE, -72, "policy: no rule admits this module") \
    X(GRANT_CEILING, -73, "policy: capability class is above the publisher's ceiling") \
    /* stage 6: load */ \
    X(ELF_HEADER, -80, "ELF: not a 64-bit x86-64 static PIE") \
    X(ELF_BOUNDS, -81, "ELF: segment reaches outside the image") \
    X(ELF_ALIGN, -82, "ELF: segment is not page-aligned") \
    X(ELF_OVERLAP, -83, "ELF: segments overlap or are out of order") \
    X(ELF_WX, -84, "ELF: segment is writable and executable") \
    X(ELF_ENTRY, -85, "ELF: entry point is outside the code") \
    X(ELF_DYNAMIC, -86, "ELF: dynamic section is malformed or asks for linking") \
    X(ELF_RELOC_TYPE, -87, "ELF: relocation is not R_X86_64_RELATIVE") \
    X(ELF_RELOC_RANGE, -88, "ELF: relocation target or value is outside the image") \
    X(ELF_SIZE, -89, "ELF: image is larger in memory than its limit") \
    /* boot policy */ \
    X(POL_TRUNCATED, -96, "policy: file is shorter than its header says") \
    X(POL_OVERSIZE, -97, "policy: bytes after the declared end, or above the size limit") \
    X(POL_MAGIC, -98, "policy: not a policy file") \
    X(POL_VERSION, -99, "policy: version or flags not known here") \
    X(POL_RESERVED, -100, "policy: reserved field is not zero") \
    X(POL_EPOCH, -101, "policy: epoch is below the loader's floor") \
    X(POL_FIELD, -102, "policy: a record has a value that is not allowed") \
    X(POL_ORDER, -103, "policy: records are not sorted, or one appears twice") \
    X(POL_MISSING, -104, "policy: a mandatory field is missing") \
    /* trust roots and boot */ \
    X(TRUST_EMPTY, -112, "loader: no trust roots in this image") \
    X(TRUST_FORMAT, -113, "loader: trust section is malformed") \
    X(BOOT_VOLUME, -114, "loader: the boot volume cannot be read") \
    X(BOOT_NO_FILE, -115, "loader: a file is missing from the boot volume") \
    X(BOOT_FIRMWARE, -116, "loader: the firmware refused a service that boot needs") \
    X(BOOT_NOT_KERNEL, -117, "loader: signed module is not a kernel for this loader") \
    X(BOOT_CPU, -118, "the processor lacks a feature that N0N-OS requires") \
    X(BOOT_INFO, -119, "kernel: boot information is malformed") \
    /* tokens */ \
    X(TOKEN_FORMAT, -128, "token: malformed") \
    X(TOKEN_ISSUER, -129, "token: not signed by this issuer") \
    X(TOKEN_TIME, -130, "token: outside its validity") \
    X(TOKEN_LINK, -131, "token: a block is not signed by the key that the block before it names") \
    X(TOKEN_RIGHTS, -132, "token: a block widens rights or classes") \
    X(TOKEN_OBJECT, -133, "token: a block names another object than the block before it") \
    X(TOKEN_WINDOW, -134, "token: a block's times are not inside those of the block before it") \
    X(TOKEN_DEPTH, -135, "token: more blocks than were allowed, or depth does not fall") \
    X(TOKEN_AUDIENCE, -137, \
      "token: made out to another module, or passed on without the right to") \
    /* audit */ \
    X(AUDIT_CHAIN, -136, "audit: a record does not match the hash that follows it") \
    X(AUDIT_BODY, -138, "audit: a body or its salt is not what the record commits to") \
    X(AUDIT_CAUSE, -139, "audit: a record's cause is not the record that it names") \
    X(AUDIT_TREE, -140, "audit: a checkpoint's root is not that of the records") \
    X(AUDIT_KEY, -141, "audit: a checkpoint is not by the key that was announced for it") \
    X(AUDIT_GAP, -142, "audit: nothing here joins the checkpoints to what is trusted") \
    X(AUDIT_FORK, -143, "audit: another log than the one of the checkpoint that is held") \
    /* what the firmware and the packages hand us */ \
    X(ACPI_BOUNDS, -144, "ACPI: a table lies outside memory, or is shorter than it says") \
    X(ACPI_CHECKSUM, -145, "ACPI: checksum of a table is wrong") \
    X(ACPI_FORMAT, -146, "ACPI: a table has a value that is not allowed") \
    X(FONT_FORMAT, -152, "font: not a well-formed PSF font") \
    X(SYMBOLS_FORMAT, -153, "symbols: malformed symbol lump") \
    /* supervision */ \
    X(NEED_MISSING, -160, "a module that it needs is not verified on this machine") \
    X(NEED_CYCLE, -161, "modules need each other in a circle: none can be started first") \
    X(NEEDED, -162, "others need it, and would be stopped with it") \
    /* audit files */ \
    X(AUDIT_FORMAT, -168, "audit: malformed file") \
    X(AUDIT_SHORT, -169, "audit: the log ends before the checkpoint that is held") \
    /* upgrade */ \
    X(UPG_OTHER, -176, "upgrade: another module's name, or another publisher's") \
    X(UPG_OLDER, -177, "upgrade: security version is lower than that of the running one") \
    X(UPG_NONE, -178, "upgrade: this module does not hand its state over") \
    X(UPG_STATE, -179, "upgrade: the new version refused the state") \
    X(UPG_ENDED, -180, "upgrade: the new version ended before it served") \
    X(UPG_HUNG, -181, "upgrade: the new version did not answer in time") \
    /* packages */ \
    X(WAD_TRUNCATED, -184, "wad: shorter than it says") \
    X(WAD_OVERSIZE, -185, "wad: above a size limit") \
    X(WAD_MAGIC, -186, "wad: not a wad file") \
    X(WAD_VERSION, -187, "wad: version or flags not known here") \
    X(WAD_RESERVED, -188, "wad: reserved field or padding is not zero") \
    X(WAD_TYPE, -189, "wad: a lump's type is not known here") \
    X(WAD_ORDER, -190, "wad: lumps are not sorted, or one is there twice") \
    X(WAD_LAYOUT, -191, "wad: a lump is not where it must be") \
    X(WAD_PARTS, -192, "wad: a part is missing, or there too often") \
    X(WAD_BLAKE3, -193, "wad: a lump does not match its BLAKE3") \
    X(WAD_SHA256, -194, "wad: a lump does not match its SHA-256") \
    X(WAD_NAMES, -195, "wad: malformed tree of names") \
    X(WAD_PATH, -196, "wad: a name that is not allowed") \
    X(WAD_DETACHED, -197, "wad: malformed detached area")

#define X(name, value, text) NOS_##name = (value),
typedef enum nos_status { NOS_STATUS_LIST(X) } nos_status_t;
#undef X
_Static_assert(sizeof(nos_status_t) == 4, "travels in a 32-bit register");
