# `make mutants`: the host tests once more, with all mutants of the trusted core in them, each behind a switch (docs/mutants.md).
# In build/mutants/: files (numbers), src/ (rewritten copies), obj/, tests/.

MUT := build/mutants
MUT_SAN := -fsanitize=undefined -fsanitize-trap=undefined
MUT_CC := clang
# The rewritten copy of a file is found before the file.
MUT_CFLAGS := -std=gnu17 -D_GNU_SOURCE -O1 -fno-omit-frame-pointer $(MUT_SAN) -w -include tests/mutants/mutant.h -I$(MUT)/src $(INCLUDES)
# What the syntax tree is taken by.
MUT_TREE_kernel := $(KERNEL_CC) $(KERNEL_TARGET) $(FREE) $(INCLUDES)
MUT_TREE_lib := $(MUT_TREE_kernel)
MUT_TREE_boot := $(BOOT_CC) $(BOOT_TARGET) $(FREE) $(INCLUDES)

# frame_model is one long random walk.
MUT_TESTS := $(filter-out $(COVER_NOT) frame_model,$(HOST_TESTS))
MUT_BINS := $(MUT_TESTS:%=$(MUT)/tests/test_%)

$(MUT)/files: tools/trusted-core tests/mutants/schemata
	$(Q)tests/mutants/schemata --bases $@

CFLAGS_lib/crypto/blake3_small.h := -isystem $(BLAKE3_DIR)

# CORE: the core's files, of the second make.
MUT_SRC := $(CORE:%=$(MUT)/src/%)
$(MUT_SRC:%=%.json): $(MUT)/src/%.json: % $(MUT)/files tests/mutants/schemata | $(GEN_HDRS)
	$(say) MUTATE '$<'
	$(Q)tests/mutants/schemata $(MUT)/files $< $(MUT)/src/$* $(MUT_TREE_$(firstword $(subst /, ,$*))) $(CFLAGS_$<)

# A copy that came out the same stays as old as it was.
$(MUT_SRC): %: %.json ;

# A file of the core from its copy; the tests not optimised, as everywhere.
MUT_CORE_OBJS := $(patsubst %.c,$(MUT)/obj/%.o,$(filter %.c,$(CORE)))
$(MUT_CORE_OBJS): $(MUT)/obj/%.o: $(MUT)/src/%.c tests/mutants/mutant.h
	$(say) CC '$@'
	$(Q)mkdir -p $(@D) && $(MUT_CC) $(MUT_CFLAGS) $(CFLAGS_$*.c) -MMD -MP -c $< -o $@
$(MUT)/obj/tests/%.o: MUT_CFLAGS += -O0

$(MUT)/obj/libcrypto.a: $(CRYPTO_SRCS:%.c=$(MUT)/obj/%.o) $(CRYPTO_SODIUM_tool) $(CRYPTO_BLAKE3_tool) $(CRYPTO_BLAKE3_ASM_tool)
	$(say) AR '$@'
	$(Q)rm -f $@ && $(AR) $(ARFLAGS) $@ $^
$(CRYPTO_SRCS:%.c=$(MUT)/obj/%.o): | $(SODIUM_VERSION_H)

define mutant_rules
$(MUT)/obj/tests/host/test_$(1).o: tests/mutants/mutant.h | $(TEST_$(1)_DEPS) $(TEST_$(1)_DEPS_gcc) $(TEST_$(1)_DEPS_clang)
$(MUT)/tests/test_$(1): $(MUT)/obj/tests/host/test_$(1).o $(MUT)/obj/tests/mutants/mutant.o $(TEST_$(1)_SRCS:%.c=$(MUT)/obj/%.o) \
        $(MUT)/obj/lib.a $(MUT)/obj/libcrypto.a
	$$(say) LINK '$$@'
	$$(Q)mkdir -p $$(@D) && $$(MUT_CC) $(MUT_SAN) $$^ $(TEST_$(1)_LIBS) -lcmocka -o $$@
endef

.PHONY: mutants mutants-src mutants-bins
mutants-src: $(MUT_SRC)
mutants-bins: $(MUT_BINS)

# First the copies: every object is to find them.
mutants:
	$(Q)deps/setup run test
	$(Q)for what in mutants-src mutants-bins; do $(SUBMAKE) $$what \
	    CORE="$$(tools/trusted-core --core | sed -n 's,\.\([ch]\)\t\(full\|part\)$$,.\1,p' | tr '\n' ' ')" || exit 1; done
	$(Q)tests/mutants/run $(MUTANTS)

# By hand, of what only boots run.
.PHONY: mutants-boots
mutants-boots:
	$(Q)deps/setup run test
	$(Q)$(SUBMAKE) qemu-test-needs
	$(Q)tests/mutants/boots
