# The SDK for others: `make sdk` -> build/sdk/n0n-sdk-VERSION/ and the same as .tar.gz (docs/sdk.md).

SDK_VERSION := $(shell sed -n 's/^.define NONOSCTL_VERSION "\(.*\)"/\1/p' cli/cli.h)
SDK_TARBALL := build/sdk/n0n-sdk-$(SDK_VERSION).tar.gz
# What a developer's machine is made of besides the project itself.
SDK_MACHINE := init console manage shell memfs

# What a user's sources are compiled with is what ours are, with the SDK's folders for headers.
SDK_COMMON := -O2 $(SAFE) $(SECTIONS) $(SAN_TRAP) -I$$(N0N_SDK)/include
SDK_CFLAGS_C := $(LIBC_TARGET) -std=gnu17 -nostdlibinc -isystem $$(N0N_SDK)/include/libc $(SDK_COMMON)
SDK_CFLAGS_NOLIBC := $(CAPSULE_TARGET) -std=gnu17 -ffreestanding -nostdlibinc -isystem $$(N0N_SDK)/include/freestanding \
    -ftrivial-auto-var-init=pattern $(SDK_COMMON)

SDK_INPUTS := build/bin/nonosctl $(CAPSULE_LIBS) $(MODULE_CRYPTO) build/libc/libc.a build/libc/musl.a $(LIBC_FILE_OBJS) \
    $(SDK_MACHINE:%=build/modules/%.elf) $(SDK_MACHINE:%=modules/%/manifest.json) $(KERNEL_ELF) $(LOADER) \
    kernel/manifest.json modules/policy.json LICENSE docs/sdk.md \
    $(wildcard abi/*.h lib/*.h lib/crypto/*.h lib/freestanding/*.h lib/freestanding/sys/*.h sdk/*.h sdk/*.inc sdk/*.ld \
        sdk/libc/*.ld sdk/dist/* sdk/templates/*/*)

$(SDK_TARBALL): export SDK_CFLAGS_C := $(SDK_CFLAGS_C)
$(SDK_TARBALL): export SDK_CFLAGS_NOLIBC := $(SDK_CFLAGS_NOLIBC)
$(SDK_TARBALL): export SDK_WARN := -Wall -Wextra
$(SDK_TARBALL): export SDK_LDFLAGS := $(CAPSULE_LDFLAGS)
$(SDK_TARBALL): export SDK_FILES := $(LIBC_FILE_OBJS)
$(SDK_TARBALL): export SDK_MACHINE := $(SDK_MACHINE)
$(SDK_TARBALL): $(SDK_INPUTS)
	$(say) SDK '$@'
	$(Q)sdk/dist/stage $(SDK_VERSION)

.PHONY: sdk
sdk:
	$(Q)deps/setup run
	$(Q)$(SUBMAKE) $(SDK_TARBALL)
