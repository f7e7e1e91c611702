# Boots in QEMU: `make test-qemu` alone, and as part of `make test`. tests/qemu/run takes names; docs/testing.md.

CRAFT := build/test/craft

# As an archive, so that of nonosctl only the key files come along.
build/test/libcli.a: $(filter-out %/main.o,$(CLI_OBJS_tool))
	$(say) AR '$@'
	$(Q)mkdir -p $(@D) && rm -f $@ && $(AR) $(ARFLAGS) $@ $^

$(CRAFT): build/tool/tests/qemu/craft.o build/test/libcli.a $(LIB_SRCS:%.c=build/tool/%.o) build/tool/libcrypto.a
	$(say) LD '$@'
	$(Q)$(TOOL_CC) $(TOOL_LDFLAGS) $^ $(CLI_LIBS) -o $@

SEARCH := build/test/search
$(SEARCH): build/tool/tests/qemu/search.o
	$(say) LD '$@'
	$(Q)mkdir -p $(@D) && $(TOOL_CC) $(TOOL_LDFLAGS) $^ -o $@

QEMU_TEST_NEEDS := $(IMAGE) $(CRAFT) $(NONOSCTL) $(MODULE_MODS) $(STORM_FILES) $(SEARCH)

# What is linked, as whoever maps it will see it; and that each static gate refuses what it is there for.
TEST_CHECKS += 'tools/check-linked $(KERNEL_ELF) $(MODULE_MODS:.mod=.elf)' 'tools/check-linked --tool $(NONOSCTL)' tests/gates/run

# With one processor, then again with four.
# ONLY=NAME: the boots whose name has that text.
QEMU_TESTS := $(if $(ONLY),'tests/qemu/run --only $(ONLY)',tests/qemu/run 'tests/qemu/run --cpus 4')
SOAK_TESTS := 'tests/qemu/run --soak' 'tests/qemu/run --soak --cpus 4'

.PHONY: test-qemu test-libc test-ports qemu-test-needs soak prove-zero-state
qemu-test-needs: $(QEMU_TEST_NEEDS)

test-qemu:
	$(Q)deps/setup run test
	$(Q)$(SUBMAKE) qemu-test-needs
	$(Q)tests/run --then $(QEMU_TESTS)

# Programs with a C library. Not in `make test` yet: musl's 1,340 files take a minute to compile.
test-libc:
	$(Q)deps/setup run test
	$(Q)$(SUBMAKE) $(QEMU_TEST_NEEDS) $(PROGRAM_MODS) build/modules/starts.mod build/wads/lua.wad build/modules/toybox.mod
	$(Q)tests/run --then 'tests/qemu/run --soak --only libc --only memfs --only pipes. --only wad.shared' 'tests/qemu/run --soak --only libc --only memfs --only pipes. --only wad.shared --cpus 4'

# Programs of others, and the same ones on Linux.
test-ports:
	$(Q)deps/setup run test ports
	$(Q)$(SUBMAKE) $(QEMU_TEST_NEEDS) $(PROGRAM_MODS) $(PORT_WADS) $(PEER_BINS) $(WORK_IMAGE)
	$(Q)tests/run --then 'tests/qemu/run --soak --only ports --only pipes_run'

# Services that a user would want: in no boot volume, and not in `make test`.
.PHONY: test-services
test-services:
	$(Q)deps/setup run test
	$(Q)$(SUBMAKE) $(QEMU_TEST_NEEDS)
	$(Q)tests/run --then 'tests/qemu/run --soak --only signer --only broker --only missing' 'tests/qemu/run --soak --only signer --only broker --only missing --cpus 4'

# The SDK, from its tarball in an empty folder.
.PHONY: test-sdk
test-sdk: sdk docs
	$(Q)deps/setup sdk
	$(Q)tests/run --then tests/sdk/run

# The long runs, each of which has its smoke in the tests above: the same function with other numbers; and what is tried
# above by one compiler, or with one CPU, by the other and with four.
soak:
	$(Q)deps/setup run test ports
	$(Q)$(SUBMAKE) host-tests-both qemu-test-needs $(PROGRAM_MODS) build/modules/starts.mod $(PORT_WADS) $(PEER_BINS) $(WORK_IMAGE)
	$(Q)tests/run $(HOST_TEST_BINS_BOTH) 'env MEMFS_STEPS=1000000 build/host-clang/tests/test_memfs_model' 'tests/spin/run --missed' --then 'tests/reproducible --all' $(SOAK_TESTS)

# 64 secrets, every end of a capsule and of the machine: docs/zero-state.md. Writes build/zero-state.txt.
prove-zero-state:
	$(Q)deps/setup run test
	$(Q)$(SUBMAKE) qemu-test-needs
	$(Q)tests/qemu/run --soak --only zero.proof
	$(Q)cat build/zero-state.txt

# System calls, fuzzed from inside the machine with the kernel's own coverage: docs/syscall-fuzzing.md.
FUZZ_CALLS ?= 1000000
.PHONY: fuzz-calls
fuzz-calls:
	$(Q)deps/setup run test coverage
	$(Q)$(SUBMAKE) build/covered/KERNEL.MOD build/modules/sysfuzz.mod $(IMAGE) $(CRAFT) $(NONOSCTL)
	$(Q)tests/qemu/fuzz-calls --count $(FUZZ_CALLS)

# That it finds something: the same kernel with one bound taken out: how many handles a message has. It must break, and
# be broken again by a few programs alone.
PLANT_IN := kernel/ipc/endpoint.c
PLANT := s/ <= NOS_MSG_HANDLES << NOS_MSG/ <= 7 << NOS_MSG/
PLANTED := build/covered/planted
$(PLANTED)/kernel.elf: build/covered/kernel.elf $(PLANT_IN) tests/qemu/build.mk
	$(Q)mkdir -p $(@D) && sed '$(PLANT)' $(PLANT_IN) >$(@D)/planted.c && ! cmp -s $(PLANT_IN) $(@D)/planted.c
	$(Q)$(COVERED_CC) $(COVERED_CFLAGS) $(CFLAGS_$(PLANT_IN)) -c $(@D)/planted.c -o $(@D)/planted.o
	$(Q)$(call link_covered,$(filter-out build/covered/$(PLANT_IN:.c=.o),$(COVERED_OBJS)) $(@D)/planted.o)

$(PLANTED)/KERNEL.MOD: $(PLANTED)/kernel.elf kernel/covered/manifest.json $(NONOSCTL) | $(ROOT_KEY)
	$(Q)$(NONOSCTL) mod build --kernel --elf $< --manifest kernel/covered/manifest.json --root $(KEYS)/root.pub --sign $(ROOT_KEY) -o $@

.PHONY: fuzz-calls-planted
fuzz-calls-planted:
	$(Q)deps/setup run test coverage
	$(Q)$(SUBMAKE) $(PLANTED)/KERNEL.MOD build/modules/sysfuzz.mod $(IMAGE) $(CRAFT) $(NONOSCTL)
	$(Q)tests/qemu/fuzz-calls --count 50000 --no-seeds --kernel $(PLANTED)/KERNEL.MOD --finds
