# Host tests: every tests/host/test_NAME.c is one cmocka program under ASan and UBSan, linked with LIB_SRCS and libcrypto.
# It is built by the compiler that its subject ships from: clang for ring 0, the loader, capsules and lib/, gcc for nonosctl,
# whose tests run lib/ by gcc. BOTH=1 builds each by both (`make check BOTH=1`, `make soak`). A test that needs
# more says so here or in another build.mk:
#
#   TEST_NAME_SRCS := kernel/object/handle.c     more of our sources, compiled with the host flags
#   TEST_NAME_LIBS := -lcjson                    system libraries
#   TEST_NAME_DEPS := build/gen/x.inc            what must exist before it is compiled

HOST_TESTS := $(sort $(patsubst tests/host/test_%.c,%,$(wildcard tests/host/test_*.c)))
TOOL_TESTS := cli_blackbox cli_key cli_program cli_source cli_wad gdb_stub storm
HOST_TESTS_gcc := $(TOOL_TESTS)
HOST_TESTS_clang := $(filter-out $(TOOL_TESTS),$(HOST_TESTS))
HOST_TEST_BINS_BOTH := $(foreach cc,$(HOST_CCS),$(HOST_TESTS:%=build/host-$(cc)/tests/test_%))
HOST_TEST_BINS := $(if $(BOTH),$(HOST_TEST_BINS_BOTH),\
                    $(foreach cc,$(HOST_CCS),$(HOST_TESTS_$(cc):%=build/host-$(cc)/tests/test_%)))

# The tests themselves, with what of ring 0 they include: not optimised, which takes a quarter of the time to compile.
# What they link is optimised.
$(foreach cc,$(HOST_CCS),$(eval build/host-$(cc)/tests/%.o: HOST_$(cc)_CFLAGS += -O0))

# Published vectors, cut out of the fetched sources.
ED25519_VECTORS := build/gen/ed25519_vectors.inc
$(ED25519_VECTORS): $(DEPS_STAMP)
	$(Q)mkdir -p $(@D)
	$(Q)sed -n '/^static TestData test_data/,/^};/p' build/deps/libsodium/test/default/sign.c >$@

TEST_crypto_sign_DEPS := $(ED25519_VECTORS)
CFLAGS_tests/host/test_crypto_sign.c := -DSODIUM_STATIC=1 $(SODIUM_INC)
TEST_crypto_hash_DEPS := $(BLAKE3_VECTORS)
TEST_crypto_hash_LIBS := -lcjson
TEST_simd_DEPS := $(BLAKE3_VECTORS)
TEST_simd_LIBS := -lcjson
CFLAGS_tests/host/test_simd.c := -isystem $(BLAKE3_DIR)

# Parts of the kernel with a faked machine around them.
TEST_audit_kernel_SRCS := tests/host/golden.c
TEST_audit_edges_SRCS := tests/host/golden.c
TEST_token_pass_SRCS := tests/host/golden.c
TEST_death_SRCS := tests/host/golden.c
TEST_pipeline_SRCS := $(filter-out %/registry.c,$(sort $(wildcard kernel/modules/*.c))) kernel/object/object.c \
                      kernel/object/cell.c kernel/object/handle.c kernel/memory/space.c tests/host/golden.c

# The kernel's own objects under the same vectors: compiled for ring 0, linked into a Linux program. Their memcpy is
# ours too.
KERNEL_CRYPTO_TESTS := $(filter crypto_%,$(HOST_TESTS))
KERNEL_CRYPTO_BINS := $(KERNEL_CRYPTO_TESTS:%=build/kernel-on-host/test_%) build/kernel-on-host/kernel_string
KERNEL_ON_HOST_OBJS := build/kernel/lib/freestanding/string.o build/kernel/libcrypto.a build/kernel/lib.a

build/kernel-on-host/%: tests/host/%.c $(KERNEL_ON_HOST_OBJS) tools/flags.mk
	$(say) LINK '$@'
	$(Q)mkdir -p $(@D) && $(HOST_clang_CC) $(HOST_BASE) -DKERNEL_ON_HOST $(WARN) $(INCLUDES) $(CFLAGS_$<) -MMD -MP $< $(KERNEL_ON_HOST_OBJS) \
	    $(TEST_$(*:test_%=%)_LIBS) -lcmocka -o $@

# --- rules made after every build.mk has been read (tools/rules.mk asks for them) --------------------------------
define host_test_rules
$(foreach cc,$(HOST_CCS),
build/host-$(cc)/tests/host/test_$(1).o: | $(TEST_$(1)_DEPS) $(TEST_$(1)_DEPS_$(cc))
build/host-$(cc)/tests/test_$(1): build/host-$(cc)/tests/host/test_$(1).o \
        $(patsubst %.c,build/host-$(cc)/%.o,$(TEST_$(1)_SRCS)) build/host-$(cc)/lib.a build/host-$(cc)/libcrypto.a
	$$(say) LINK '$$@'
	$$(Q)mkdir -p $$(@D) && $(HOST_$(cc)_CC) $(HOST_$(cc)_LDFLAGS) $$^ $(TEST_$(1)_LIBS) -lcmocka -o $$@
)
build/kernel-on-host/test_$(1): | $(TEST_$(1)_DEPS)
endef

.PHONY: host-tests host-tests-both
host-tests: $(HOST_TEST_BINS) $(KERNEL_CRYPTO_BINS)
host-tests-both: $(HOST_TEST_BINS_BOTH)
