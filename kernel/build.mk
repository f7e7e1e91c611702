# The kernel: build/kernel/kernel.elf with symbols, build/kernel/kernel.stripped.elf without.

KERNEL_SRCS += $(filter-out kernel/storm/% kernel/sanitize/% kernel/covered/%,$(sort $(wildcard kernel/*/*.c kernel/arch/x86_64/*.c kernel/arch/x86_64/*.S)))

# Nothing of a system call's way runs through these: small before fast. Parsers of lib/ run once for each file.
KERNEL_COLD := $(wildcard kernel/runtime/*.c kernel/audit/*.c kernel/modules/*.c kernel/crypto/*.c) \
    $(addprefix kernel/arch/x86_64/,backtrace.c clock.c cpu.c entropy.c insn.c ioapic.c kernel_space.c layout.c \
    debug.c machine.c mitigate.c ports.c power.c segments.c serial.c smp.c ipi.c wiper.c) \
    $(addprefix kernel/core/,format.c log.c panic.c) \
    $(addprefix kernel/ipc/,named.c cancel.c revoke.c) kernel/sched/thread.c \
    kernel/object/cell.c $(addprefix kernel/syscall/,debug.c device.c handle.c module.c node.c thread.c token.c) \
    lib/crypto/sha256.c $(filter-out lib/elf_reloc.c lib/policy_find.c,$(wildcard lib/*.c))
$(foreach f,$(KERNEL_COLD),$(eval CFLAGS_$(f) += -Os))

# What waits for an idle moment, for the machine's end, or for somebody who looks on: smaller still.
KERNEL_COLDEST := $(wildcard kernel/audit/*.c) $(addprefix kernel/runtime/,check.c death.c debug.c main.c node.c postmortem.c) \
    kernel/syscall/debug.c kernel/core/log.c kernel/arch/x86_64/smp.c \
    $(addprefix lib/,policy.c crash.c captree.c merkle.c base64.c fmt.c crypto/sha256.c)
$(foreach f,$(KERNEL_COLDEST),$(eval CFLAGS_$(f) += -Oz))

# The fast path calls nothing: no frame for it, and no table of jumps (an indirect jump is a guess of the CPU's).
CFLAGS_kernel/syscall/dispatch.c += -momit-leaf-frame-pointer -fno-jump-tables
# What reads the clock and ends an interrupt: two or three instructions each.
$(foreach f,clock.c lapic.c,$(eval CFLAGS_kernel/arch/x86_64/$(f) += -momit-leaf-frame-pointer))

# Its frame is the stack that it zeroes. (Not in lib/crypto/build.mk: libsodium is built anew when that changes.)
CFLAGS_lib/crypto/scrub.c += -Wframe-larger-than=9216

CFLAGS_kernel/arch/x86_64/blake3.c += -isystem $(BLAKE3_DIR)
build/kernel/kernel/arch/x86_64/blake3.o: | $(DEPS_STAMP)

KERNEL_LD_SCRIPT := kernel/arch/x86_64/kernel.ld
KERNEL_ALL_SRCS := $(KERNEL_SRCS) $(FREESTANDING_SRCS)
KERNEL_OBJS = $(addprefix build/kernel/,$(addsuffix .o,$(basename $(KERNEL_ALL_SRCS))))

build/kernel/kernel.elf: $(KERNEL_OBJS) build/kernel/lib.a build/kernel/libcrypto.a $(KERNEL_LD_SCRIPT) \
        tools/check-linked kernel/build.mk tools/flags.mk
	$(say) LINK '$@'
	$(Q)$(KERNEL_LD) $(KERNEL_LDFLAGS) -T $(KERNEL_LD_SCRIPT) $(KERNEL_OBJS) build/kernel/lib.a \
	    build/kernel/libcrypto.a -o $@
	$(Q)tools/check-linked --quiet $@

build/kernel/kernel.stripped.elf: build/kernel/kernel.elf
	$(say) STRIP '$@'
	$(Q)llvm-strip --strip-all -o $@ $<

# The storm flavour (docs/storm.md): the very objects of the kernel above, with kernel/storm linked around them. What it
# gets hold of is named here and nowhere else; the released kernel is made without it and does not know.
STORM_WRAPS := up_syscall up_irq up_irq_user frame_alloc frame_alloc_dirty frame_alloc_run cache_alloc up_table_alloc \
    arch_clock_ns arch_clock_params arch_timer_arm arch_idle clock_init arch_entropy arch_serial_put arch_halt arch_end \
    vault_init node_record capsule_end
STORM_SRCS := $(sort $(wildcard kernel/storm/*.c))
STORM_OBJS := $(STORM_SRCS:%.c=build/kernel/%.o)
$(foreach f,$(STORM_SRCS),$(eval CFLAGS_$(f) += -Os))

build/storm/kernel.elf: $(KERNEL_OBJS) $(STORM_OBJS) build/kernel/lib.a build/kernel/libcrypto.a $(KERNEL_LD_SCRIPT) \
        tools/check-linked kernel/build.mk tools/flags.mk
	$(say) LINK '$@'
	$(Q)mkdir -p $(@D) && $(KERNEL_LD) $(KERNEL_LDFLAGS) $(STORM_WRAPS:%=--wrap=%) -T $(KERNEL_LD_SCRIPT) \
	    $(KERNEL_OBJS) $(STORM_OBJS) build/kernel/lib.a build/kernel/libcrypto.a -o $@
	$(Q)tools/check-linked --quiet $@

# The sanitised flavour (docs/sanitizers.md): the same sources, compiled anew with every access and every operation checked,
# and kernel/sanitize/ around them. Third-party code is that of the kernel above. Clang knows the address sanitiser for this
# target only. Checks are calls, so that what they do is ours. Headers in kernel/sanitize/over/ stand before those of the
# same name. Null, size and sum of pointers are left to the shadow: their records would make the image larger than the
# 2 MiB that the wiper maps. Warned of are the flavour's own files; the others have been, for the kernel above.
KASAN_CC := clang
KASAN_TARGET := -target x86_64-linux-gnu $(filter-out -target x86_64-unknown-none-elf,$(KERNEL_TARGET))
KASAN_INCLUDES := -Ikernel/sanitize/over -Ibuild/gen/kasan $(INCLUDES)
KASAN_SAN := -fsanitize=kernel-address,undefined -fno-sanitize=null,alignment,object-size,pointer-overflow -fsanitize-recover=all \
    $(addprefix -mllvm -asan-,mapping-offset=0xdffffc0000000000 instrumentation-with-call-threshold=0 stack=1 globals=1)
KASAN_WARN := -w
KASAN_CFLAGS = $(KASAN_INCLUDES) $(KASAN_TARGET) $(FREE) $(OPT) -g $(SAFE) $(SECTIONS) $(REPRO) \
    -ftrivial-auto-var-init=pattern $(KASAN_SAN) $(KASAN_WARN)
KASAN_ASFLAGS = $(KASAN_INCLUDES) $(KERNEL_ASFLAGS)
KASAN_WRAPS := kernel_main vault_init memcpy memmove memset memcmp arch_copy_from_user arch_copy_to_user arch_rest \
    frame_init frame_donate frame_alloc frame_alloc_dirty frame_alloc_run frame_free frame_free_run frame_stats \
    up_table_alloc up_table_free up_reclaim cache_alloc cache_free cache_frames \
    kernel_lock_wait up_syscall up_fault up_irq_user up_idle arch_enter_user arch_idle arch_irq_open arch_irq_window \
    obj_init obj_get obj_put arch_forget_ended
KASAN_OWN := $(sort $(wildcard kernel/sanitize/*.c))
KASAN_OBJS := $(patsubst build/kernel/%,build/kasan/%,$(KERNEL_OBJS)) $(KASAN_OWN:%.c=build/kasan/%.o)
# What looks after the others is not looked after; the allocators touch what nobody else may.
KASAN_BARE := $(filter-out kernel/sanitize/faults.c,$(KASAN_OWN)) kernel/memory/cache.c lib/freestanding/string.c
$(foreach f,$(KASAN_BARE),$(eval build/kasan/$(f:.c=.o): KASAN_SAN :=))
$(KASAN_OWN:%.c=build/kasan/%.o): KASAN_WARN := $(WARN)
# They clear free memory: by the true memset.
$(addprefix build/kasan/kernel/memory/,cache.o frame.o): build/kasan/%.o: %.c tools/flags.mk build/flags.state
	$(say) CC '$@'
	$(Q)mkdir -p $(@D) && $(KASAN_CC) $(KASAN_CFLAGS) -MMD -MP -c $< -o $@ && llvm-objcopy --redefine-sym memset=__real_memset $@

KASAN_STACKS := build/gen/kasan/kernel/arch/x86_64/offsets.h
$(KASAN_STACKS): kernel/arch/x86_64/offsets.h kernel/build.mk
	$(Q)mkdir -p $(@D) && sed -e 's/^#define STACK_KERNEL .*/#define STACK_KERNEL 65536/' \
	    -e 's/^#define STACK_FAULT .*/#define STACK_FAULT 32768/' $< >$@
build/kasan/kernel.ld: $(KERNEL_LD_SCRIPT) kernel/build.mk
	$(Q)mkdir -p $(@D) && sed -e 's/^    .data.rel.ro : {/& . = ALIGN(8); constructors = .; KEEP(*(.init_array .init_array.*)) constructors_end = .;/' \
	    -e 's,/DISCARD/ : {,& *(.fini_array .fini_array.*),' $< >$@
$(KASAN_OBJS): | $(KASAN_STACKS)

build/kasan/libcrypto.a: $(CRYPTO_SRCS:%.c=build/kasan/%.o) $(CRYPTO_SODIUM_kernel) $(CRYPTO_BLAKE3_kernel) \
        $(CRYPTO_BLAKE3_ASM_kernel)
	$(say) AR '$@'
	$(Q)rm -f $@ && $(AR) $(ARFLAGS) $@ $^
$(CRYPTO_SRCS:%.c=build/kasan/%.o): | $(SODIUM_VERSION_H)

build/kasan/kernel.elf: $(KASAN_OBJS) build/kasan/lib.a build/kasan/libcrypto.a build/kasan/kernel.ld \
        tools/check-linked
	$(say) LINK '$@'
	$(Q)$(KERNEL_LD) -m elf_x86_64 $(KERNEL_LDFLAGS) $(KASAN_WRAPS:%=--wrap=%) -T build/kasan/kernel.ld $(KASAN_OBJS) build/kasan/lib.a \
	    build/kasan/libcrypto.a -o $@
	$(Q)tools/check-linked --quiet $@

# The released kernel without its traps, for what they cost (n0n.ubsan_cost, bench/): never on a boot volume that ships.
UNTRAPPED_CC := $(KERNEL_CC)
UNTRAPPED_CFLAGS = $(filter-out $(SAN_TRAP),$(KERNEL_CFLAGS))
UNTRAPPED_ASFLAGS = $(KERNEL_ASFLAGS)
UNTRAPPED_OBJS := $(patsubst build/kernel/%,build/untrapped/%,$(KERNEL_OBJS))
build/untrapped/libcrypto.a: $(CRYPTO_SRCS:%.c=build/untrapped/%.o) $(CRYPTO_SODIUM_kernel) $(CRYPTO_BLAKE3_kernel) \
        $(CRYPTO_BLAKE3_ASM_kernel)
	$(say) AR '$@'
	$(Q)rm -f $@ && $(AR) $(ARFLAGS) $@ $^
$(CRYPTO_SRCS:%.c=build/untrapped/%.o): | $(SODIUM_VERSION_H)
build/untrapped/kernel.elf: $(UNTRAPPED_OBJS) build/untrapped/lib.a build/untrapped/libcrypto.a $(KERNEL_LD_SCRIPT)
	$(say) LINK '$@'
	$(Q)$(KERNEL_LD) $(KERNEL_LDFLAGS) -T $(KERNEL_LD_SCRIPT) $(UNTRAPPED_OBJS) build/untrapped/lib.a \
	    build/untrapped/libcrypto.a -o $@
	$(Q)tools/check-linked --quiet $@

# The covered flavour (docs/trusted-core.md): the same sources compiled once more, by the compiler of `make coverage`, to count
# how often each region of them runs; kernel/covered, which is not counted, says it.
COVERED_CC := clang-19
COVERED_CFLAGS = $(filter-out $(WARN_FREE),$(KERNEL_CFLAGS)) -w -fprofile-instr-generate -fcoverage-mapping -fprofile-update=atomic
COVERED_ASFLAGS = $(KERNEL_ASFLAGS)
COVERED_WRAPS := wiper_init wiper_enter up_syscall machine_tell
COVERED_OBJS = $(addprefix build/covered/,$(addsuffix .o,$(basename $(KERNEL_ALL_SRCS))))
COVERED_OWN := $(patsubst %.c,build/kernel/%.o,$(sort $(wildcard kernel/covered/*.c)))
build/covered/kernel/arch/x86_64/blake3.o: | $(DEPS_STAMP)

# Retained sections make it a GNU file in byte 7, and the loader knows no GNU.
link_covered = $(KERNEL_LD) $(KERNEL_LDFLAGS) $(COVERED_WRAPS:%=--wrap=%) -T $(KERNEL_LD_SCRIPT) \
    $(1) $(COVERED_OWN) build/covered/lib.a build/kernel/libcrypto.a -o $@ && \
    printf '\000' | dd of=$@ bs=1 seek=7 conv=notrunc status=none

build/covered/kernel.elf: $(COVERED_OBJS) $(COVERED_OWN) build/covered/lib.a build/kernel/libcrypto.a $(KERNEL_LD_SCRIPT) \
        tools/check-linked kernel/build.mk tools/flags.mk
	$(say) LINK '$@'
	$(Q)$(call link_covered,$(COVERED_OBJS))
	$(Q)tools/check-linked --quiet $@

.PHONY: kernel
kernel: build/kernel/kernel.elf build/kernel/kernel.stripped.elf

# The pure parts of the CPU port under ASan and UBSan on the host.
TEST_arch_SRCS := kernel/arch/x86_64/debug.c kernel/arch/x86_64/mitigate.c kernel/arch/x86_64/insn.c kernel/arch/x86_64/ports.c

# How deep its stacks can get, from its code (docs/x86_64.md).
TEST_CHECKS += 'tools/check-stack build/kernel/kernel.elf'
