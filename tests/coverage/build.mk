# `make coverage`: what of the trusted core the host tests run. The host tests once more, by the one compiler that counts
# the conditions of a decision (MC/DC), without sanitisers, in a folder of their own: docs/trusted-core.md.

COVER := build/coverage
COVER_CC := clang-19
COVER_SAYS := -fprofile-instr-generate -fcoverage-mapping -fcoverage-mcdc
COVER_CFLAGS := -std=gnu17 -D_GNU_SOURCE -O0 -fPIE $(COVER_SAYS) -w $(INCLUDES)
COVER_LDFLAGS := $(COVER_SAYS)

# Tests of what stands above kernel, loader and lib/ are left out.
COVER_NOT := $(TOOL_TESTS) broker console_term init_% loopback_ports manage_request memfs% print ring sdk shell_% signer state
COVER_TESTS := $(filter-out $(COVER_NOT),$(HOST_TESTS))
COVER_BINS := $(COVER_TESTS:%=$(COVER)/tests/test_%)

$(COVER)/obj/libcrypto.a: $(CRYPTO_SRCS:%.c=$(COVER)/obj/%.o) $(CRYPTO_SODIUM_tool) $(CRYPTO_BLAKE3_tool) $(CRYPTO_BLAKE3_ASM_tool)
	$(say) AR '$@'
	$(Q)rm -f $@ && $(AR) $(ARFLAGS) $@ $^
$(CRYPTO_SRCS:%.c=$(COVER)/obj/%.o): | $(SODIUM_VERSION_H)

define cover_rules
$(COVER)/obj/tests/host/test_$(1).o: | $(TEST_$(1)_DEPS) $(TEST_$(1)_DEPS_gcc) $(TEST_$(1)_DEPS_clang)
$(COVER)/tests/test_$(1): $(COVER)/obj/tests/host/test_$(1).o $(TEST_$(1)_SRCS:%.c=$(COVER)/obj/%.o) \
        $(COVER)/obj/lib.a $(COVER)/obj/libcrypto.a
	$$(say) LINK '$$@'
	$$(Q)mkdir -p $$(@D) && $$(COVER_CC) $$(COVER_LDFLAGS) $$^ $(TEST_$(1)_LIBS) -lcmocka -o $$@
endef

.PHONY: coverage coverage-bins
# CORE: the core's files. Those that no test has are compiled so that their branches are counted, as not taken.
coverage-bins: $(COVER_BINS) $(patsubst %.c,$(COVER)/obj/%.o,$(filter %.c,$(CORE)))

coverage:
	$(Q)deps/setup run test coverage
	$(Q)$(SUBMAKE) coverage-bins CORE="$$(tools/trusted-core --core | cut -f 1)"
	$(Q)tools/coverage $(COVER)

# Lines of the whole kernel: boots under the covered kernel, which counts, and the same host tests. These boots are those of the
# suite that run the most of it for their time.
COVERED_BOOTS := gate.everything attack.table attack.cut lifecycle. gdb. token. manage. audit. power. supervise. prompt. crash. duel.one \
    network. upgrade.by breaks.kernel_faults_q35 breaks.every_vector races.kill_waits races.panic sched.budget dump.looked_at \
    memory.stack_guards_of stream.attacks swarm. refuse_module.elf refuse_module.floor
COVERED_COUNTS := $(CURDIR)/build/covered/counts

.PHONY: coverage-kernel
coverage-kernel:
	$(Q)deps/setup run test coverage
	$(Q)$(SUBMAKE) coverage-bins build/covered/KERNEL.MOD $(IMAGE) $(CRAFT) $(NONOSCTL) $(MODULE_MODS)
	$(Q)rm -rf $(COVERED_COUNTS)
	$(Q)N0N_COVERED=$(COVERED_COUNTS) tests/qemu/run $(COVERED_BOOTS:%=--only %)
	$(Q)tools/coverage-kernel $(COVERED_COUNTS) --bar 90
