# libcrypto.a for every flavour: libsodium (portable C, no assembly), BLAKE3 (portable C), and our wrappers.
#
# Nothing is configured: the defines below are all that libsodium's configure would have found out. HAVE_TI_MODE
# takes the 64-bit field arithmetic; the portable BLAKE3 uses no vector register, so it is right in ring 0.

CRYPTO_SRCS := $(sort $(wildcard lib/crypto/*.c))

SODIUM_SRCS := \
	crypto_aead/chacha20poly1305/sodium/aead_chacha20poly1305.c \
	crypto_auth/hmacsha512/auth_hmacsha512.c \
	crypto_core/ed25519/core_ed25519.c \
	crypto_core/ed25519/core_ristretto255.c \
	crypto_core/ed25519/ref10/ed25519_ref10.c \
	crypto_generichash/blake2b/ref/blake2b-compress-ref.c \
	crypto_generichash/blake2b/ref/blake2b-ref.c \
	crypto_generichash/blake2b/ref/generichash_blake2b.c \
	crypto_hash/sha256/cp/hash_sha256_cp.c \
	crypto_hash/sha256/hash_sha256.c \
	crypto_hash/sha512/cp/hash_sha512_cp.c \
	crypto_hash/sha512/hash_sha512.c \
	crypto_kdf/blake2b/kdf_blake2b.c \
	crypto_onetimeauth/poly1305/donna/poly1305_donna.c \
	crypto_onetimeauth/poly1305/onetimeauth_poly1305.c \
	crypto_scalarmult/curve25519/ref10/x25519_ref10.c \
	crypto_scalarmult/curve25519/scalarmult_curve25519.c \
	crypto_scalarmult/ristretto255/ref10/scalarmult_ristretto255_ref10.c \
	crypto_sign/ed25519/ref10/keypair.c \
	crypto_sign/ed25519/ref10/open.c \
	crypto_sign/ed25519/ref10/sign.c \
	crypto_sign/ed25519/sign_ed25519.c \
	crypto_stream/chacha20/ref/chacha20_ref.c \
	crypto_stream/chacha20/stream_chacha20.c \
	crypto_verify/sodium/verify.c \
	sodium/utils.c
BLAKE3_SRCS := blake3.c blake3_dispatch.c blake3_portable.c
# For the kernel, which has a dispatch of its own (kernel/arch/x86_64/blake3.c), and for that one's test: four inputs
# at once.
BLAKE3_ASM_kernel := blake3_sse41_x86-64_unix.S
BLAKE3_ASM_tool := $(BLAKE3_ASM_kernel)
BLAKE3_ASM_host-clang := $(BLAKE3_ASM_kernel)

SODIUM_DEFS := -DCONFIGURED=1 -DNATIVE_LITTLE_ENDIAN=1 -DHAVE_TI_MODE=1 -DHAVE_WEAK_SYMBOLS=1 \
               -DHAVE_INLINE_ASM=1 -DHAVE_C_VARARRAYS=0 -DSODIUM_STATIC=1 -U_WIN32
SODIUM_INC := -isystem build/deps/gen -isystem $(SODIUM_DIR)/include -isystem $(SODIUM_DIR)/include/sodium
BLAKE3_DEFS := -DBLAKE3_NO_SSE2 -DBLAKE3_NO_SSE41 -DBLAKE3_NO_AVX2 -DBLAKE3_NO_AVX512

# version.h is version.h.in with four blanks filled; a static build exports nothing, so export.h needs no change.
SODIUM_VERSION_H := build/deps/gen/sodium/version.h
$(SODIUM_VERSION_H): lib/crypto/build.mk $(DEPS_STAMP)
	$(Q)mkdir -p $(@D)
	$(Q)sed -e 's/@VERSION@/1.0.18/' -e 's/@SODIUM_LIBRARY_VERSION_MAJOR@/10/' \
	    -e 's/@SODIUM_LIBRARY_VERSION_MINOR@/3/' -e 's/@SODIUM_LIBRARY_MINIMAL_DEF@//' \
	    $(SODIUM_DIR)/include/sodium/version.h.in >$@

# Our wrappers see the libraries' public headers; nothing else in the tree does. A BLAKE3 state is 1,912 bytes, and the
# one-shot calls keep it on their stack.
$(foreach f,$(CRYPTO_SRCS),$(eval CFLAGS_$(f) := -DSODIUM_STATIC=1 $(SODIUM_INC) -isystem $(BLAKE3_DIR)))
CFLAGS_lib/crypto/blake3.c += -Wframe-larger-than=3072

build/kernel/third/libsodium/crypto_core/ed25519/ref10/ed25519_ref10.o: THIRD_COMPILE = $(ED25519_KERNEL_COMPILE)

# crypto_flavour FLAVOUR CC THIRD_CFLAGS: build/FLAVOUR/libcrypto.a
define crypto_flavour
CRYPTO_OWN_$(1) := $$(CRYPTO_SRCS:%.c=build/$(1)/%.o)
CRYPTO_SODIUM_$(1) := $$(SODIUM_SRCS:%.c=build/$(1)/third/libsodium/%.o)
CRYPTO_BLAKE3_$(1) := $$(BLAKE3_SRCS:%.c=build/$(1)/third/blake3/%.o)
CRYPTO_BLAKE3_ASM_$(1) := $$(BLAKE3_ASM_$(1):%.S=build/$(1)/third/blake3/%.o)

$$(CRYPTO_OWN_$(1)): | $(SODIUM_VERSION_H)

$$(CRYPTO_SODIUM_$(1)): build/$(1)/third/libsodium/%.o: $(SODIUM_VERSION_H) tools/flags.mk
	$$(say) CC '$$@'
	$$(Q)mkdir -p $$(@D) && $$(or $$(THIRD_COMPILE),$(2) $(3) $(SODIUM_OPT_$(1))) $(SODIUM_DEFS) $(SODIUM_INC) -c $(SODIUM_DIR)/$$*.c -o $$@

$$(CRYPTO_BLAKE3_$(1)): build/$(1)/third/blake3/%.o: $(DEPS_STAMP) lib/crypto/build.mk tools/flags.mk
	$$(say) CC '$$@'
	$$(Q)mkdir -p $$(@D) && $(2) $(3) $$(BLAKE3_OPT_$(1)_$$*) $(BLAKE3_DEFS) -I$(BLAKE3_DIR) -c $(BLAKE3_DIR)/$$*.c -o $$@

$$(CRYPTO_BLAKE3_ASM_$(1)): build/$(1)/third/blake3/%.o: $(DEPS_STAMP) lib/crypto/build.mk tools/flags.mk
	$$(say) AS '$$@'
	$$(Q)mkdir -p $$(@D) && $(2) $(3) -c $(BLAKE3_DIR)/$$*.S -o $$@

build/$(1)/libcrypto.a: $$(CRYPTO_OWN_$(1)) $$(CRYPTO_SODIUM_$(1)) $$(CRYPTO_BLAKE3_$(1)) $$(CRYPTO_BLAKE3_ASM_$(1))
	$$(say) AR '$$@'
	$$(Q)rm -f $$@ && $(AR) $(ARFLAGS) $$@ $$^
endef

$(eval $(call crypto_flavour,kernel,$(KERNEL_CC),$(THIRD_KERNEL_CFLAGS)))
$(eval $(call crypto_flavour,boot,$(BOOT_CC),$(THIRD_BOOT_CFLAGS)))
$(eval $(call crypto_flavour,capsule,$(CAPSULE_CC),$(THIRD_CAPSULE_CFLAGS)))
$(eval $(call crypto_flavour,tool,$(TOOL_CC),$(THIRD_TOOL_CFLAGS)))
$(eval $(call crypto_flavour,kernel-gcc,$(KERNEL_GCC_CC),$(THIRD_KERNEL_GCC_CFLAGS)))
$(eval $(call crypto_flavour,capsule-gcc,$(CAPSULE_GCC_CC),$(THIRD_CAPSULE_GCC_CFLAGS)))
$(eval $(call crypto_flavour,tool-clang,$(TOOL_CLANG_CC),$(THIRD_TOOL_CLANG_CFLAGS)))
$(eval $(call crypto_flavour,host-clang,$(HOST_clang_CC),$(THIRD_HOST_CFLAGS)))

# Under the address sanitiser the libraries are tested once. What nonosctl's tests link is what nonosctl links.
build/host-gcc/libcrypto.a: $(CRYPTO_SRCS:%.c=build/host-gcc/%.o) $(CRYPTO_SODIUM_tool) $(CRYPTO_BLAKE3_tool) \
        $(CRYPTO_BLAKE3_ASM_tool)
	$(say) AR '$@'
	$(Q)rm -f $@ && $(AR) $(ARFLAGS) $@ $^
$(CRYPTO_SRCS:%.c=build/host-gcc/%.o): | $(SODIUM_VERSION_H)
