/* The bodies of kernel_host.h; included once by each test that includes kernel sources. */
#pragma once

#include <asm/prctl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "kernel/core/panic.h"
#include "kernel/crypto/vault.h"
#include "kernel/object/capsule.h"

struct cpu cpus[CPUS_MAX];
uint32_t cpus_running = 1, cpus_idle;
uint32_t background_news;
static unsigned host_cpu; /* the CPU that the test is just now */

static void host_become(unsigned id)
{
    host_cpu = id;
    if (syscall(SYS_arch_prctl, ARCH_SET_GS, &cpus[id]) != 0) {
        abort();
    }
}

void panic(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    abort();
}

void klog(const char *format, ...)
{
    (void)format;
}

uint64_t arch_clock_ns(void)
{
    return host_now;
}

uint64_t vault_random64(void)
{
    host_random_state = host_random_state * 6364136223846793005ull + 1442695040888963407ull;
    return host_random_state >> 11;
}

void vault_random(void *out, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        ((uint8_t *)out)[i] = (uint8_t)(vault_random64() >> 20);
    }
}

void arch_answer(void)
{
}

#ifndef HOST_HAS_CAPSULES               /* the test includes runtime/capsule.c */
static struct capsule *host_capsule[4]; /* those that the test wants found */

struct capsule *capsule_find(uint32_t id)
{
    for (unsigned i = 0; i < 4; i++) {
        if (host_capsule[i] != NULL && host_capsule[i]->id == id) {
            return host_capsule[i];
        }
    }
    return NULL;
}
#endif

/* Boot memory is dirty: all of it one file's bytes, mapped again and again, so that a test pays for
 * what it writes. */
static void host_dirty_ram(void)
{
    enum { PIECE = 2 << 20 };
    static int dirt = -1;

    if (dirt < 0) {
        static uint8_t bytes[PIECE];
        memset(bytes, 0xa5, PIECE);
        dirt = memfd_create("dirt", 0);
        if (write(dirt, bytes, PIECE) != PIECE) {
            abort();
        }
    }
    for (uint64_t at = 0; at < HOST_RAM; at += PIECE) {
        if (mmap((uint8_t *)NOS_DIRECT_BASE + at, PIECE, PROT_READ | PROT_WRITE,
                 MAP_PRIVATE | MAP_FIXED | MAP_NORESERVE, dirt, 0) == MAP_FAILED) {
            abort();
        }
    }
}

void host_start(void)
{
    host_dirty_ram();
    memset(cpus, 0, sizeof cpus);
    for (uint32_t i = 0; i < CPUS_MAX; i++) {
        cpus[i].self = &cpus[i];
        cpus[i].id = i;
        cpus[i].bit = 1u << i;
    }
    cpus_running = 1;
    cpus_idle = 0;
    background_news = 0;
    host_become(0);
    host_bi = (struct nos_bootinfo){ .n_mem = 3 };
    host_bi.mem[0] = (struct nos_mem_range){ 0x1000, 0x9e000, NOS_MEM_FREE, 0 };
    host_bi.mem[1] = (struct nos_mem_range){ 0x100000, 0x700000, NOS_MEM_LOADER, 0 };
    host_bi.mem[2] = (struct nos_mem_range){ 0x800000, HOST_RAM - 0x800000, NOS_MEM_FREE, 0 };
}
