# N0N-OS. `make run` builds and boots it; `make test` tests it. docs/building.md says how the build is laid out.
#
# The targets below install what they need (deps/setup), then build, then act. Everything made lands in build/.

.SUFFIXES:
.DELETE_ON_ERROR:
.SECONDARY:
MAKEFLAGS += --no-builtin-rules --no-print-directory
.DEFAULT_GOAL := help

include tools/flags.mk

# Filled by the folders' build.mk (docs/building.md has the table).
LIB_SRCS :=
KERNEL_SRCS :=
BOOT_SRCS :=
GEN_HDRS :=
TEST_CHECKS :=

-include deps/build.mk
-include lib/build.mk
-include lib/crypto/build.mk
-include boot/build.mk
-include kernel/build.mk
-include sdk/build.mk
-include sdk/libc/build.mk
-include modules/build.mk
-include modules/ports/build.mk
-include cli/build.mk
-include tools/image.mk
-include sdk/dist/build.mk
-include tests/host/build.mk
-include tests/qemu/build.mk
-include tests/spin/build.mk
-include tests/coverage/build.mk
-include tests/mutants/build.mk
-include tests/cbmc/build.mk
-include tests/diff/build.mk
-include tests/ct/build.mk
-include bench/build.mk
-include fuzz/build.mk
-include docs/build.mk

include tools/rules.mk

# A second make, so that what is built is decided after set-up; with one job per CPU unless -j was given.
JOBS ?= $(shell nproc 2>/dev/null || echo 1)
SUBMAKE = $(MAKE) $(if $(filter -j% --jobserver%,$(MAKEFLAGS)),,-j$(JOBS))

.PHONY: help run work test check assure lint format style compdb clean distclean
help:
	@echo 'make run      build, sign and boot N0N-OS in QEMU'
	@echo 'make work     the same with files in memory, shell tools, Lua and SQLite: docs/libc.md'
	@echo 'make test     everything: host tests, boots in QEMU, checks'
	@echo 'make assure   all that docs/assurance.md names beside make test; make assure-quick, some minutes of it'
	@echo 'make KASAN=1 test   every boot on a sanitised kernel: docs/sanitizers.md; make KASAN=1 run'
	@echo 'make soak     the long runs in QEMU (an hour)'
	@echo 'make prove-zero-state   that no secret outlives its capsule or the machine'
	@echo 'make test-libc   programs with a C library: docs/libc.md'
	@echo 'make ports    programs of others, as wads; make test-ports tries them, make bench-ports measures: docs/libc.md'
	@echo 'make test-sdk    the SDK in an empty folder: docs/sdk.md'
	@echo 'make test-services   signing service, secret broker: docs/signer.md, docs/broker.md'
	@echo 'make fuzz     parsers, state machines, services under a fuzzer: docs/fuzzing.md'
	@echo 'make proofs   what CBMC and Spin can show: docs/proofs.md'
	@echo 'make test-diff   ed25519 and BLAKE3 beside code of others: docs/proofs.md'
	@echo 'make docs     reference of the SDK: HTML and man pages'
	@echo 'make check    host tests only (seconds)'
	@echo 'make image    the signed boot volume, build/image/n0n.img'
	@echo 'make storm    what nonosctl storm needs: docs/storm.md'
	@echo 'make sdk      a tarball to write capsules with, outside of this folder: docs/sdk.md'
	@echo 'make coverage what of the trusted core the host tests run: docs/trusted-core.md'
	@echo 'make mutants  that a host test fails for each check taken out of the trusted core: docs/mutants.md'
	@echo 'make coverage-kernel   lines of the whole kernel, by boots and host tests: docs/trusted-core.md'
	@echo 'make fuzz-calls   10^6 programs of system calls, guided by what they reach: docs/syscall-fuzzing.md'
	@echo 'make ct       no time and no byte left by a secret: docs/constant-time.md'
	@echo 'make ct-planted   that make ct notices each rule taken out of a source: docs/constant-time.md'
	@echo 'make lint     clang-tidy, cppcheck, gcc        make format   clang-format'
	@echo 'make style    sizes of files and functions   make compdb   compile_commands.json'
	@echo 'make clean    remove what was built          make distclean  and the keys and fetched sources too'

# KASAN=1: the sanitised flavour of the kernel (docs/sanitizers.md), in its own boot volume.
RUN_IMAGE := $(if $(filter 1,$(KASAN)),$(KASAN_IMAGE),$(IMAGE))
run:
	$(Q)deps/setup run
	$(Q)$(SUBMAKE) $(RUN_IMAGE)
	$(Q)$(NONOSCTL) run --image $(RUN_IMAGE)

work:
	$(Q)deps/setup run ports
	$(Q)$(SUBMAKE) $(WORK_IMAGE)
	$(Q)$(NONOSCTL) run --image $(WORK_IMAGE)

CHECKS := tools/check-includes 'tools/gen-syscalls --check' 'tools/gen-status --check' 'tools/gen-libc --check' tools/check-sel4test tools/check-assurance \
          'tools/trusted-core --check'

check:
	$(Q)deps/setup run test
	$(Q)$(SUBMAKE) host-tests
	$(Q)tests/run $(HOST_TEST_BINS) $(KERNEL_CRYPTO_BINS) $(CHECKS)

ifeq ($(KASAN),1)
export KASAN
test:
	$(Q)deps/setup run test
	$(Q)$(SUBMAKE) $(KASAN_IMAGE) qemu-test-needs
	$(Q)tests/run --then $(QEMU_TESTS)
else
test:
	$(Q)deps/setup run test
	$(Q)$(SUBMAKE) host-tests image qemu-test-needs
	$(Q)tests/run $(HOST_TEST_BINS) $(KERNEL_CRYPTO_BINS) $(CHECKS) $(TEST_CHECKS) --then tests/reproducible $(QEMU_TESTS)
endif

.PHONY: test-kasan print-flags
test-kasan:
	$(Q)$(MAKE) KASAN=1 test

# All of docs/assurance.md in one call: what `make test` boots, here on the sanitised kernel. Of the fuzzers the short way.
ASSURE := check ct test-diff coverage coverage-kernel mutants mutants-boots proofs test-kasan lint
assure:
	$(Q)tests/run --then $(ASSURE:%='$(MAKE) %') \
	    '$(MAKE) fuzz FUZZ_SECONDS=5' '$(MAKE) fuzz-calls FUZZ_CALLS=20000'

# Its quick half, some four minutes: what a build server runs after `make test`.
.PHONY: assure-quick
assure-quick:
	$(Q)deps/setup run test
	$(Q)tests/run --then '$(MAKE) ct' '$(MAKE) proofs PROOFS=--quick' '$(MAKE) mutants MUTANTS="--sample 200"' \
	    '$(MAKE) KASAN=1 test ONLY=sanitised'

COMPDB_TARGETS := $(KERNEL_ELF) $(LOADER) $(MODULES:%=build/modules/%.elf) \
                  build/host-clang/bin/nonosctl $(HOST_TEST_BINS)

# For tests/gates/run.
print-flags:
	@$(foreach f,KERNEL BOOT CAPSULE TOOL,echo "$(f) $($(f)_CC) $($(f)_CFLAGS)";)

compdb:
	$(Q)tools/compdb $(COMPDB_TARGETS)

lint:
	$(Q)deps/setup run test
	$(Q)$(SUBMAKE) deps host-tests compdb
	$(Q)tests/run tests/boot/check-stack tools/check-format --then tools/lint

# Every C file of ours but tables that are generated.
FORMAT_FILES = $(filter-out sdk/syscalls.h abi/syscall_nr.h,$(sort $(shell find abi lib boot kernel sdk modules \
                 cli tests bench fuzz -name '*.[ch]' 2>/dev/null)))

format:
	$(Q)deps/setup run test
	$(Q)clang-format -i $(FORMAT_FILES)

style:
	$(Q)tools/style
	$(Q)tools/check-includes

clean:
	$(Q)find build -mindepth 1 -maxdepth 1 ! -name deps ! -name keys -exec rm -rf {} + 2>/dev/null || true

distclean:
	rm -rf build
