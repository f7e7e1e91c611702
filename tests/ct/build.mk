# `make ct`: no branch and no address by a secret, no byte of it left: docs/constant-time.md. The objects that ship,
# linked into Linux programs; without debugging information, for clang 14 writes some that valgrind cannot read.

CT := build/ct
CT_HOST := $(HOST_clang_CC) $(HOST_BASE) $(WARN) $(INCLUDES)
CT_SRCS := tests/ct/ct.c
CT_COMMON := tests/ct/common.c
CT_WRAPS := -Wl,--wrap=crypto_verify_16
CT_VAULT := build/kernel/kernel/crypto/vault.o

# Its name for the test, and a clock that stands still; nothing else of it changes.
$(CT)/vault.o: $(CT_VAULT) tests/ct/stop-clock
	$(Q)mkdir -p $(@D) && llvm-objcopy --strip-debug --globalize-symbol=vault $< $@
	$(Q)llvm-objcopy --redefine-sym vault=ct_vault $@ && tests/ct/stop-clock $@
	$(Q)nm -S $@ | awk '$$4 == "ct_vault" { print "enum { VAULT_SIZE = 0x" $$2 " };" }' >$(CT)/vault_size.h

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

CT_kernel := $(CT_COMMON) $(CT)/vault.o build/kernel/tests/ct/compare.o build/kernel/libcrypto.a build/kernel/lib.a \
             build/kernel/lib/freestanding/string.o
CT_capsule := $(CT_COMMON) $(addprefix build/capsule/,modules/signer/desk.o modules/broker/store.o sdk/rate.o sdk/signer_bytes.o sdk/token.o \
              tests/ct/compare.o libcrypto.a lib.a lib/freestanding/string.o)
CT_tool := $(CT_COMMON) build/tool/tests/ct/compare.o build/test/libcli.a $(LIB_SRCS:%.c=build/tool/%.o) build/tool/libcrypto.a
CT_boot := $(CT)/image.o
CT_FLAGS_kernel := -include $(CT)/vault_size.h
CT_FLAGS_tool := $(foreach f,getrandom ed25519_keypair_from_seed ed25519_sign hex_decode file_read file_write_new,-Wl,--wrap=$(f)) \
                 $(CLI_LIBS)
CT_FLAVOURS := kernel capsule tool boot
CT_BINS := $(CT_FLAVOURS:%=$(CT)/%)

define ct_program
$(CT)/$(1): tests/ct/$(1).c $(CT_SRCS) tests/ct/ct.h tests/ct/compare.h $(CT_$(1)) tests/ct/build.mk
	$$(say) LINK '$$@'
	$$(Q)mkdir -p $$(@D) && $(CT_HOST) tests/ct/$(1).c $(CT_SRCS) $(CT_$(1)) $(CT_WRAPS) $(CT_FLAGS_$(1)) -Wl,--strip-debug -o $$@
endef
$(foreach f,$(CT_FLAVOURS),$(eval $(call ct_program,$(f))))

# For tests/ct/planted: how what is planted is compiled and linked.
.PHONY: ct-commands
ct-commands:
	@$(foreach f,kernel:KERNEL capsule:CAPSULE tool:TOOL boot:BOOT,$(call ct_say,$(word 1,$(subst :, ,$(f))),$(word 2,$(subst :, ,$(f)))))
	@echo 'image boot $(CT_IMAGE)'; echo 'object boot $(CT_IMAGE_OBJECT)'
	@$(foreach s,$(PLANTED),echo 'flags $(s) $(CFLAGS_$(s))';)
ct_say = echo 'compile $(1) $($(2)_CC) $($(2)_CFLAGS)'; \
         echo 'link $(1) $(CT_HOST) tests/ct/$(1).c $(CT_SRCS) $(CT_$(1)) $(CT_WRAPS) $(CT_FLAGS_$(1)) -Wl,--strip-debug';

.PHONY: ct ct-bins
ct-bins: $(CT_BINS) build/boot/libcrypto.a
ct:
	$(Q)deps/setup run test ct
	$(Q)$(SUBMAKE) ct-bins
	$(Q)tests/run $(foreach b,$(CT_BINS),'valgrind -q --suppressions=tests/ct/public.supp $(b) time' '$(b) wipe') \
	    'tests/ct/divisions $(foreach f,kernel boot capsule tool,build/$(f)/libcrypto.a)'

# One rule taken out of a source at a time: minutes.
.PHONY: ct-planted
ct-planted:
	$(Q)deps/setup run test ct
	$(Q)$(SUBMAKE) ct-bins
	$(Q)tests/ct/planted
