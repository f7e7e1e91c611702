# Fuzzing, with clang's libFuzzer under ASan and UBSan: docs/fuzzing.md.
#
#   make fuzz [FUZZ_SECONDS=30]     every target for that long, from good files and from fuzz/corpus
#   make fuzz-smoke                 a thousand runs each, from one fixed seed (part of make test)
#   make fuzz-campaign [FUZZ_SECONDS=600]   as `fuzz`, small inputs and no waiting; counts go to fuzz/campaign.tsv
#   make fuzz-corpus                what the campaign found, minimised into fuzz/corpus
#
# A target is fuzz/fuzz_NAME.c. It is linked with lib/; more is said here:
#   FUZZ_NAME_SRCS := sdk/ring.c    more of our sources
#   FUZZ_NAME_LIBS := -lcjson       system libraries

FUZZ_SECONDS ?= 30
FUZZ_TARGETS := $(sort $(patsubst fuzz/fuzz_%.c,%,$(wildcard fuzz/fuzz_*.c)))
FUZZ_BINS := $(FUZZ_TARGETS:%=build/fuzz/fuzz_%)
FUZZ_SAN := -fsanitize=address,undefined -fno-sanitize-recover=all
FUZZ_CFLAGS = $(HOST_BASE) $(FUZZ_SAN) -fsanitize=fuzzer-no-link $(WARN) $(INCLUDES)

FUZZ_memfs_SRCS := $(filter-out %/limits.c %/fill.c,$(MEMFS_PURE))
FUZZ_wad_SRCS := $(filter-out %/limits.c,$(MEMFS_PURE))
FUZZ_ring_SRCS := sdk/ring.c
FUZZ_signer_SRCS := $(TEST_signer_SRCS)
FUZZ_broker_SRCS := $(TEST_broker_SRCS)
FUZZ_memmap_SRCS := boot/memmap.c
FUZZ_term_SRCS := modules/console/term.c
FUZZ_prompt_SRCS := $(TEST_shell_edit_SRCS) $(TEST_shell_line_SRCS)
FUZZ_request_SRCS := modules/manage/request.c
# Of kernel_main only what reads the boot information is run: what else it calls is not linked.
FUZZ_bootinfo_LIBS := -no-pie -Wl,--unresolved-symbols=ignore-all

# nonosctl without a terminal and without files: fuzz/cli_host.c.
FUZZ_CLI := fuzz/cli_host.c $(filter-out cli/report.c cli/curl.c,$(CLI_FOR_TESTS))
FUZZ_CLI_LIBS := $(CLI_LIBS) -Wl,--wrap=file_read,--wrap=file_write
FUZZ_source_SRCS := $(FUZZ_CLI) cli/curl.c
FUZZ_source_LIBS := $(FUZZ_CLI_LIBS) -Wl,--wrap=waddir_read
FUZZ_oci_SRCS := $(FUZZ_CLI)
FUZZ_oci_LIBS := $(FUZZ_CLI_LIBS)
$(FUZZ_CLI:%.c=build/fuzz/obj/%.o): | $(CLI_GEN)

# Capsules in a world of the fuzzer's (docs/fuzzing.md, "The world"): their system calls end there, their variables lie
# together.
FUZZ_WORLD_ITSELF := $(patsubst %.c,build/fuzz/world/%.o,$(sort $(wildcard fuzz/world/*.c)))
FUZZ_WORLD := sdk/ipc.c sdk/control.c sdk/print.c sdk/format.c
FUZZ_console_WORLD := $(FUZZ_WORLD) $(addprefix modules/console/,console.c screen.c stream.c term.c) sdk/ring.c sdk/uart.c \
    sdk/upgrade.c sdk/state.c
FUZZ_manage_WORLD := $(FUZZ_WORLD) $(addprefix modules/manage/,manage.c debug.c request.c staging.c) sdk/uart.c sdk/upgrade.c \
    sdk/state.c
FUZZ_init_WORLD := $(FUZZ_WORLD) $(sort $(wildcard modules/init/*.c))
FUZZ_doors_WORLD := $(FUZZ_WORLD) $(MEMFS_PURE) $(addprefix modules/memfs/,memfs.c client.c wads.c) sdk/upgrade.c sdk/state.c
FUZZ_replies_WORLD := $(FUZZ_WORLD) $(addprefix sdk/,broker.c signer.c fs.c who.c net.c pipe.c stream.c ring.c upgrade.c state.c kit.c)
FUZZ_shell_WORLD := $(FUZZ_WORLD) $(sort $(wildcard modules/shell/*.c)) \
    $(addprefix sdk/,feed.c fs.c kit.c pipe.c ring.c state.c stream.c upgrade.c)
FUZZ_kit_WORLD := $(FUZZ_WORLD) $(addprefix sdk/libc/,kit.c pipes.c console.c) sdk/pipe.c sdk/ring.c
FUZZ_loopback_WORLD := $(FUZZ_WORLD) $(addprefix modules/loopback/,loopback.c ports.c) sdk/upgrade.c sdk/state.c

build/fuzz/obj/%.o: %.c tools/flags.mk fuzz/build.mk
	$(say) CC '$@'
	$(Q)mkdir -p $(@D) && $(HOST_clang_CC) $(FUZZ_CFLAGS) -MMD -MP -c $< -o $@

build/gen/fuzz/sdk/syscalls.h: sdk/syscalls.h fuzz/build.mk
	$(say) GEN '$@'
	$(Q)mkdir -p $(@D) && awk '/^\/\* nos_syscallN/ { print "#include \"fuzz/world/syscall.h\"\n"; skip = 1 } \
	    skip && /^\/\*\* / { skip = 0 } !skip' $< >$@.tmp && mv $@.tmp $@

build/fuzz/world/%.o: %.c tools/flags.mk fuzz/build.mk fuzz/world/capsule.h build/gen/fuzz/sdk/syscalls.h
	$(say) CC '$@'
	$(Q)mkdir -p $(@D) && $(HOST_clang_CC) -Ibuild/gen/fuzz $(if $(filter fuzz/%,$<),,-include fuzz/world/capsule.h) $(FUZZ_CFLAGS) \
	    -MMD -MP -c $< -o $@

# The parsers are those of the host tests, which count edges for nobody when no fuzzer is linked. The hashes and
# signatures are not what is searched: no edges counted in them, but the address sanitiser.
build/host-clang/lib/%.o: HOST_clang_CFLAGS += -fsanitize=fuzzer-no-link
build/host-clang/lib/crypto/%.o: HOST_clang_CFLAGS += -fno-sanitize=fuzzer-no-link

define fuzz_rules
build/fuzz/fuzz_$(1): build/fuzz/$(if $(FUZZ_$(1)_WORLD),world,obj)/fuzz/fuzz_$(1).o $(FUZZ_$(1)_SRCS:%.c=build/fuzz/obj/%.o) \
        $(if $(FUZZ_$(1)_WORLD),$(FUZZ_$(1)_WORLD:%.c=build/fuzz/world/%.o) $(FUZZ_WORLD_ITSELF)) \
        build/host-clang/lib.a build/host-clang/libcrypto.a
	$$(say) LINK '$$@'
	$$(Q)$(HOST_clang_CC) $(FUZZ_SAN) -fsanitize=fuzzer $$^ $(FUZZ_$(1)_LIBS) -o $$@
endef
$(foreach t,$(FUZZ_TARGETS),$(eval $(call fuzz_rules,$(t))))

build/fuzz/make-seeds: build/host-clang/tests/host/fuzz_seeds.o build/host-clang/tests/host/golden.o \
        build/host-clang/lib.a build/host-clang/libcrypto.a
	$(say) LINK '$@'
	$(Q)mkdir -p $(@D) && $(HOST_clang_CC) $(HOST_clang_LDFLAGS) $^ -o $@

build/fuzz/seeds.stamp: build/fuzz/make-seeds
	$(Q)rm -rf build/fuzz/seeds && build/fuzz/make-seeds build/fuzz/seeds && touch $@

build/fuzz/make-dicts: build/host-clang/fuzz/make_dicts.o build/host-clang/lib.a
	$(say) LINK '$@'
	$(Q)mkdir -p $(@D) && $(HOST_clang_CC) $(HOST_clang_LDFLAGS) $^ -o $@

build/fuzz/dicts.stamp: build/fuzz/make-dicts
	$(Q)rm -rf build/fuzz/dict && build/fuzz/make-dicts build/fuzz/dict && touch $@

.PHONY: fuzz fuzz-smoke fuzz-bins fuzz-campaign fuzz-corpus
.SECONDARY: $(FUZZ_TARGETS:%=build/fuzz/obj/fuzz/fuzz_%.o) $(FUZZ_TARGETS:%=build/fuzz/world/fuzz/fuzz_%.o)
fuzz-bins: $(FUZZ_BINS) build/fuzz/seeds.stamp build/fuzz/dicts.stamp

fuzz fuzz-campaign:
	$(Q)deps/setup run test
	$(Q)$(SUBMAKE) fuzz-bins
	$(Q)fuzz/run $(@:fuzz-%=%) $(FUZZ_SECONDS) $(FUZZ_TARGETS)

fuzz-corpus:
	$(Q)$(SUBMAKE) fuzz-bins
	$(Q)fuzz/run corpus 0 $(FUZZ_TARGETS)

# Without nonosctl's, whose sources take longer to compile than all others of the fuzzers together.
FUZZ_SMOKE := $(filter-out oci source,$(FUZZ_TARGETS))
fuzz-smoke:
	$(Q)$(SUBMAKE) $(FUZZ_SMOKE:%=build/fuzz/fuzz_%) build/fuzz/seeds.stamp
	$(Q)fuzz/run smoke 0 $(FUZZ_SMOKE)

TEST_CHECKS += '$(MAKE) -s fuzz-smoke'
