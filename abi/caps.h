/* Capability classes, object types, rights, and the capability record that manifests ask with and
 * policies grant with. Spec: docs/capabilities.md. */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* The six classes. A capsule has a fixed mask of them; each system call names one. */
#define NOS_CLASS_LIST(X) \
    X(COREEXEC, 0, "CoreExec", \
      "run, wait, start threads; with a node handle: load and start modules") \
    X(IO, 1, "IO", "ports, interrupts, device memory, power, the kernel log") \
    X(NETWORK, 2, "Network", "network endpoints") \
    X(IPC, 3, "IPC", "endpoints and notifications") \
    X(MEMORY, 4, "Memory", "regions") \
    X(CRYPTO, 5, "Crypto", "the vault: random bytes, tokens")
#define X(name, bit, text, doc) NOS_CLASS_##name = 1u << (bit),
enum nos_class { NOS_CLASS_LIST(X) NOS_CLASS_ALL = 0x3f };
#undef X

/* Object types that a handle can name. */
#define NOS_TYPE_LIST(X) \
    X(NONE, 0, "none") \
    X(MODULE, 1, "module") \
    X(CAPSULE, 2, "capsule") \
    X(THREAD, 3, "thread") \
    X(ENDPOINT, 4, "endpoint") \
    X(NOTIFICATION, 5, "notification") \
    X(REGION, 6, "region") \
    X(DEVICE, 7, "device") /* device region: MMIO, framebuffer */ \
    X(IRQ, 8, "interrupt") \
    X(PORTS, 9, "ports") /* I/O-port window */ \
    X(POWER, 10, "power") \
    X(NODE, 11, "node") /* the running machine: inspect, load, kill, vault */
#define X(name, value, text) NOS_TYPE_##name = (value),
enum nos_type { NOS_TYPE_LIST(X) NOS_TYPE_COUNT = 12 };
#undef X

/* Rights: 32 bits, of which 0..7 mean the same for every type and the others depend on the type. */
#define NOS_RIGHT_LIST(X) \
    X(DUP, 0, "dup")           /* make a narrower handle to the same object */ \
    X(TRANSFER, 1, "transfer") /* hand it to another capsule */ \
    X(INSPECT, 2, "inspect")   /* read what it is */ \
    X(REVOKE, 3, "revoke")     /* cut the handle's own cell: it and all made from it die */ \
    X(READ, 8, "read")         /* region, device, ports: in */ \
    X(WRITE, 9, "write")       /* region, device, ports: out */ \
    X(MAP, 10, "map")          /* region, device */ \
    X(CALL, 11, "call")        /* endpoint */ \
    X(RECV, 12, "recv")        /* endpoint: serve */ \
    X(SIGNAL, 13, "signal")    /* notification */ \
    X(WAIT, 14, "wait")        /* notification, interrupt */ \
    X(SPAWN, 15, "spawn")      /* module */ \
    X(KILL, 16, "kill")        /* capsule; node: any capsule */ \
    X(LOAD, 17, "load")        /* node: verify new modules, open verified ones */ \
    X(LOG, 18, "log")          /* node: read the log */ \
    X(AUDIT, 19, "audit")      /* node: read the audit log */ \
    X(TOKEN, 20, "token")      /* node: have the vault sign a token */ \
    X(OFF, 21, "off")          /* power */ \
    X(RESET, 22, "reset")      /* power */ \
    X(GRANT, 23, "grant")      /* endpoint: send handles along */ \
    X(CONTROL, 24, "control")  /* thread: cancel, priority, CPUs; capsule: faults, map into */ \
    X(CRASH, 25, "crash")      /* node: read the crash records */ \
    X(DEBUG, 26, "debug")      /* node: debug a capsule for a while; capsule: this one */
#define X(name, bit, text) NOS_RIGHT_##name = 1u << (bit),
enum nos_right { NOS_RIGHT_LIST(X) NOS_RIGHT_ALL = 0x07ffff0f };
#undef X

/* What a manifest may ask for and a policy may grant. `kind` says what `a` and `b` mean:
 *   LOG        write to the kernel log; no handle                             a = b = 0
 *   ENDPOINT   the service endpoint of that name, made on first grant         name[16]
 *   NOTIFY     the named notification                                         name[16]
 *   PORTS      I/O ports [a, a + b)                                           b >= 1, a + b <=
 * 65536 IRQ        legacy interrupt line a                                        a < 16, b = 0
 *   FRAMEBUFFER the firmware's framebuffer, whole                              a = b = 0
 *   POWER      the power object                                               a = b = 0
 *   NODE       the running machine                                            a = b = 0
 *   NETWORK    the network endpoint of that name; ENDPOINT's names are others name[16] */
#define NOS_CAP_KIND_LIST(X) \
    X(LOG, 1, "log", NONE, IO) \
    X(ENDPOINT, 2, "endpoint", ENDPOINT, IPC) \
    X(NOTIFY, 3, "notification", NOTIFICATION, IPC) \
    X(PORTS, 4, "ports", PORTS, IO) \
    X(IRQ, 5, "interrupt", IRQ, IO) \
    X(FRAMEBUFFER, 6, "framebuffer", DEVICE, IO) \
    X(POWER, 7, "power", POWER, IO) \
    X(NODE, 8, "node", NODE, COREEXEC) \
    X(NETWORK, 9, "network", ENDPOINT, NETWORK)
#define X(name, value, text, type, cls) NOS_CAP_##name = (value),
enum nos_cap_kind { NOS_CAP_KIND_LIST(X) NOS_CAP_KIND_COUNT = 10 };
#undef X

enum nos_power { NOS_POWER_OFF = 1, NOS_POWER_RESET = 2 }; /* actions of the call `power` */

enum { NOS_NAME_MAX = 16 /* bytes, zero padded; 1..16 of [a-z0-9_-], first a letter */ };

/* 32 bytes, little-endian, in TLV REQUIRED_CAPS of a manifest and in TLV GRANTS of a policy. */
struct nos_cap {
    uint16_t kind;   /* enum nos_cap_kind */
    uint16_t rsv;    /* 0 */
    uint32_t rights; /* not 0, except LOG: 0; within NOS_RIGHT_ALL */
    union {
        struct {
            uint64_t a, b;
        };
        char name[NOS_NAME_MAX];
    };
    uint64_t ttl_ns; /* life of the handle from the grant on; 0 = as long as the capsule */
};
_Static_assert(sizeof(struct nos_cap) == 32 && offsetof(struct nos_cap, ttl_ns) == 24, "ABI");
