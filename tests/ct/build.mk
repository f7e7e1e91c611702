# `make ct`: no branch and no address by a secret, no byte of it left: docs/constant-time.md. The objects that ship, and
# those that the other compiler makes of the same sources, linked into Linux programs; without debugging information, for
# clang 14 writes some that valgrind cannot read.

CT := build/ct
CT_HOST := $(HOST_clang_CC) $(HOST_BASE) $(WARN) $(INCLUDES)
CT_SRCS := tests/ct/ct.c
CT_COMMON := tests/ct/common.c
CT_WRAPS := -Wl,--wrap=crypto_verify_16

# The vault: its name for the test, and a clock that stands still; nothing else of it changes.
define ct_vault
$(CT)/$(1)/vault.o: build/$(1)/kernel/crypto/vault.o tests/ct/stop-clock
	$$(Q)mkdir -p $$(@D) && llvm-objcopy --strip-debug --globalize-symbol=vault $$< $$@
	$$(Q)llvm-objcopy --redefine-sym vault=ct_vault $$@ && tests/ct/stop-clock $$@
	$$(Q)nm -S $$@ | awk '$$$$4 == "ct_vault" { print "enum { VAULT_SIZE = 0x" $$$$2 " };" }' >$$(@D)/vault_size.h
endef
$(foreach f,kernel kernel-gcc,$(eval $(call ct_vault,$(f))))

# The loader is no ELF file: its objects are linked as it is, and the program has that in it (tests/ct/boot.c).
CT_IMAGE_OBJS := $(addprefix build/boot/,boot/stage_entropy.o boot/place.o boot/cpu.o tests/ct/boot_image.o tests/ct/compare.o \
                 lib/freestanding/string.o) $(LIB_SRCS:%.c=build/boot/%.o) build/boot/libcrypto.a
CT_IMAGE := $(BOOT_LD) $(BOOT_LDFLAGS) -entry:ct_entry $(CT_IMAGE_OBJS)
CT_IMAGE_OBJECT := llvm-objcopy -I binary -O elf64-x86-64 --rename-section .data=.rodata,alloc,load,readonly,data \
                   --add-section=.note.GNU-stack=/dev/null image image.o
$(CT)/image.o: $(CT_IMAGE_OBJS) boot/build.mk tools/flags.mk tests/ct/build.mk
	$(say) LINK '$@'
	$(Q)mkdir -p $(@D) && $(CT_IMAGE) -out:$(CT)/image
	$(Q)cd $(@D) && $(CT_IMAGE_OBJECT)

# ct_parts KIND FLAVOUR: what a program of that kind is linked from, as that flavour compiles it.
ct_parts = $(CT_COMMON) build/$(2)/tests/ct/compare.o $(call ct_$(1),$(2)) build/$(2)/libcrypto.a
ct_kernel = $(CT)/$(1)/vault.o build/$(1)/lib.a build/$(1)/lib/freestanding/string.o
ct_capsule = $(addprefix build/$(1)/,modules/signer/desk.o modules/broker/store.o sdk/rate.o sdk/signer_bytes.o sdk/token.o lib.a \
    lib/freestanding/string.o)
ct_tool = $(CLI_FOR_TESTS:%.c=build/$(1)/%.o) $(LIB_SRCS:%.c=build/$(1)/%.o)
ct_wraps = $(foreach f,$(1),-Wl,--wrap=$(f))
CT_FLAGS_kernel = -include $(CT)/$(1)/vault_size.h
CT_FLAGS_tool = $(call ct_wraps,getrandom ed25519_keypair_from_seed ed25519_sign hex_decode file_read file_write_new) $(CLI_LIBS)
ct_link = $(CT_HOST) tests/ct/$(1).c $(CT_SRCS) $(CT_$(2)) $(CT_WRAPS) $(call CT_FLAGS_$(1),$(2)) -Wl,--strip-debug

# ct_program KIND FLAVOUR
define ct_program
CT_$(2) := $(if $(filter boot,$(1)),$(CT)/image.o,$(call ct_parts,$(1),$(2)))
$(CT)/bin/$(2): tests/ct/$(1).c $(CT_SRCS) tests/ct/ct.h tests/ct/compare.h $$(CT_$(2)) tests/ct/build.mk
	$$(say) LINK '$$@'
	$$(Q)mkdir -p $$(@D) && $$(call ct_link,$(1),$(2)) -o $$@
endef
CT_SHIPPED := kernel capsule tool boot
CT_OTHERS := kernel-gcc capsule-gcc tool-clang
CT_BINS := $(addprefix $(CT)/bin/,$(CT_SHIPPED) $(CT_OTHERS))
$(foreach f,$(CT_SHIPPED) $(CT_OTHERS),$(eval $(call ct_program,$(firstword $(subst -, ,$(f))),$(f))))
$(CLI_FOR_TESTS:%.c=build/tool-clang/%.o): | $(CLI_GEN)

# For tests/ct/planted: how what is planted is compiled and linked.
.PHONY: ct-commands
ct-commands:
	@$(foreach f,kernel:KERNEL capsule:CAPSULE tool:TOOL boot:BOOT,$(call ct_say,$(word 1,$(subst :, ,$(f))),$(word 2,$(subst :, ,$(f)))))
	@echo 'image boot $(CT_IMAGE)'; echo 'object boot $(CT_IMAGE_OBJECT)'
	@$(foreach s,$(PLANTED),echo 'flags $(s) $(CFLAGS_$(s))';)
ct_say = echo 'compile $(1) $($(2)_CC) $($(2)_CFLAGS)'; \
         echo 'link $(1) $(call ct_link,$(1),$(1))';

.PHONY: ct ct-bins
ct-bins: $(CT_BINS) build/boot/libcrypto.a
ct:
	$(Q)deps/setup run test ct
	$(Q)$(SUBMAKE) ct-bins
	$(Q)tests/run $(foreach b,$(CT_BINS),'valgrind -q --suppressions=tests/ct/public.supp $(b) time' '$(b) wipe') \
	    'tests/ct/divisions $(foreach f,$(CT_SHIPPED) $(CT_OTHERS),build/$(f)/libcrypto.a)'

# One rule taken out of a source at a time: minutes.
.PHONY: ct-planted
ct-planted:
	$(Q)deps/setup run test ct
	$(Q)$(SUBMAKE) ct-bins
	$(Q)tests/ct/planted
