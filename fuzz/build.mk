# Fuzzing, with clang's libFuzzer under ASan and UBSan.
#
#   make fuzz [FUZZ_SECONDS=30]     every target for that long, from good files made by tests/host/fuzz_seeds.c
#   make fuzz-smoke                 a few thousand runs each, from one fixed seed (part of make test)

FUZZ_SECONDS ?= 30
FUZZ_TARGETS := $(sort $(patsubst fuzz/fuzz_%.c,%,$(wildcard fuzz/fuzz_*.c)))
FUZZ_BINS := $(FUZZ_TARGETS:%=build/fuzz/fuzz_%)
FUZZ_SAN := -fsanitize=address,undefined -fno-sanitize-recover=all
FUZZ_CFLAGS = $(HOST_BASE) $(FUZZ_SAN) -fsanitize=fuzzer-no-link $(WARN) $(INCLUDES)

build/fuzz/obj/%.o: %.c tools/flags.mk fuzz/build.mk
	$(say) CC '$@'
	$(Q)mkdir -p $(@D) && $(HOST_clang_CC) $(FUZZ_CFLAGS) -MMD -MP -c $< -o $@

# The parsers are those of the host tests, which count edges for nobody when no fuzzer is linked. The hashes and
# signatures are not what is searched: no edges counted in them, but the address sanitiser.
build/host-clang/lib/%.o: HOST_clang_CFLAGS += -fsanitize=fuzzer-no-link
build/host-clang/lib/crypto/%.o: HOST_clang_CFLAGS += -fno-sanitize=fuzzer-no-link

build/fuzz/fuzz_memfs: $(patsubst %.c,build/fuzz/obj/%.o,$(filter-out %/limits.c %/fill.c,$(MEMFS_PURE)))
build/fuzz/fuzz_wad: $(patsubst %.c,build/fuzz/obj/%.o,$(filter-out %/limits.c,$(MEMFS_PURE)))
build/fuzz/fuzz_signer: $(TEST_signer_SRCS:%.c=build/fuzz/obj/%.o)
build/fuzz/fuzz_broker: $(TEST_broker_SRCS:%.c=build/fuzz/obj/%.o)
build/fuzz/fuzz_%: build/fuzz/obj/fuzz/fuzz_%.o build/host-clang/lib.a build/fuzz/obj/sdk/ring.o build/host-clang/libcrypto.a
	$(say) LINK '$@'
	$(Q)$(HOST_clang_CC) $(FUZZ_SAN) -fsanitize=fuzzer $^ -o $@

build/fuzz/make-seeds: build/host-clang/tests/host/fuzz_seeds.o build/host-clang/tests/host/golden.o \
        build/host-clang/lib.a build/host-clang/libcrypto.a
	$(say) LINK '$@'
	$(Q)mkdir -p $(@D) && $(HOST_clang_CC) $(HOST_clang_LDFLAGS) $^ -o $@

build/fuzz/seeds.stamp: build/fuzz/make-seeds
	$(Q)rm -rf build/fuzz/seeds && build/fuzz/make-seeds build/fuzz/seeds && touch $@

.PHONY: fuzz fuzz-smoke fuzz-bins
.SECONDARY: $(FUZZ_TARGETS:%=build/fuzz/obj/fuzz/fuzz_%.o)
fuzz-bins: $(FUZZ_BINS) build/fuzz/seeds.stamp

fuzz:
	$(Q)deps/setup run test
	$(Q)$(SUBMAKE) fuzz-bins
	$(Q)fuzz/run $(FUZZ_SECONDS) $(FUZZ_TARGETS)

fuzz-smoke:
	$(Q)$(SUBMAKE) fuzz-bins
	$(Q)fuzz/run smoke $(FUZZ_TARGETS)

TEST_CHECKS += '$(MAKE) -s fuzz-smoke'
