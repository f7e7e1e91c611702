# Our cryptography beside code of others: docs/proofs.md, "A second implementation". Each program is linked with what
# ring 0 links, with what clang builds for the tests, and with what nonosctl links.
DIFF_FLAVOURS := kernel host-clang host-gcc
DIFF_OBJS_kernel = $(KERNEL_ON_HOST_OBJS)
DIFF_OBJS_host-clang := build/host-clang/lib.a build/host-clang/libcrypto.a
DIFF_OBJS_host-gcc := build/host-gcc/lib.a build/host-gcc/libcrypto.a
DIFF_CC_kernel := $(HOST_clang_CC) $(HOST_BASE) $(WARN) $(INCLUDES)
DIFF_CC_host-clang := $(HOST_clang_CC) $(HOST_clang_CFLAGS) $(HOST_clang_LDFLAGS)
DIFF_CC_host-gcc := $(HOST_gcc_CC) $(HOST_gcc_CFLAGS) $(HOST_gcc_LDFLAGS)
DIFF_LIBS_ed25519 := -lcmocka -lhogweed -lnettle -lgmp

define diff_rules
build/diff/$(1)/%: tests/diff/%.c $$(DIFF_OBJS_$(1)) tools/flags.mk
	$$(say) LINK '$$@'
	$$(Q)mkdir -p $$(@D) && $$(DIFF_CC_$(1)) $$(SODIUM_INC) -DSODIUM_STATIC=1 -isystem $$(BLAKE3_DIR) -MMD -MP $$< \
	    $$(DIFF_OBJS_$(1)) $$(DIFF_LIBS_$$*) -o $$@
endef
$(foreach f,$(DIFF_FLAVOURS),$(eval $(call diff_rules,$(f))))

# With what fakes the machine around the kernel's sources.
build/diff/host-clang/blake3_simd: tests/host/blake3_simd.c tests/diff/blake3.c $(DIFF_OBJS_host-clang) tools/flags.mk
	$(say) LINK '$@'
	$(Q)mkdir -p $(@D) && $(DIFF_CC_host-clang) -isystem $(BLAKE3_DIR) -MMD -MP $< $(DIFF_OBJS_host-clang) -lcmocka -o $@

# The Go package whose vectors we have, without its assembly.
DIFF_GO_DEB := build/deps/cache/$(shell awk '$$2 == "blake3-vectors" { print $$5 }' deps/lock)
DIFF_GO := build/diff/go/usr/share/gocode/src/lukechampine.com/blake3
build/diff/blake3-go: tests/diff/blake3.go deps/lock $(DEPS_STAMP)
	$(say) GO '$@'
	$(Q)mkdir -p build/diff/go/lukechampine.com && dpkg-deb -x $(DIFF_GO_DEB) build/diff/go
	$(Q)gccgo-12 -O1 -c -fgo-pkgpath=lukechampine.com/blake3 -o build/diff/go/lukechampine.com/blake3.o \
	    $(addprefix $(DIFF_GO)/,blake3.go compress_generic.go compress_noasm.go)
	$(Q)gccgo-12 -O1 -I build/diff/go $< build/diff/go/lukechampine.com/blake3.o -o $@

DIFF_ED25519 := $(DIFF_FLAVOURS:%=build/diff/%/ed25519)
DIFF_BLAKE3 := $(DIFF_FLAVOURS:%=build/diff/%/blake3) build/diff/host-clang/blake3_simd

.PHONY: test-diff diff-programs
diff-programs: $(DIFF_ED25519) $(DIFF_BLAKE3) build/diff/blake3-go
test-diff:
	$(Q)deps/setup run test diff
	$(Q)$(SUBMAKE) diff-programs
	$(Q)tests/run $(DIFF_ED25519) $(DIFF_BLAKE3:%='tests/diff/blake3 % build/diff/blake3-go')
