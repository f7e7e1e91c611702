# The loader: build/boot/BOOTX64.EFI, its trust section still empty.

BOOT_SRCS += $(sort $(wildcard boot/*.c)) boot/entry.S

BOOT_ALL_SRCS := $(BOOT_SRCS) $(LIB_SRCS) $(FREESTANDING_SRCS)
BOOT_OBJS := $(addprefix build/boot/,$(addsuffix .o,$(basename $(BOOT_ALL_SRCS))))

build/boot/BOOTX64.EFI: $(BOOT_OBJS) build/boot/libcrypto.a boot/build.mk tools/flags.mk
	$(say) LINK '$@'
	$(Q)$(BOOT_LD) $(BOOT_LDFLAGS) -out:$@ $(BOOT_OBJS) build/boot/libcrypto.a

.PHONY: boot
boot: build/boot/BOOTX64.EFI

# The pure parts under ASan and UBSan on the host.
TEST_boot_memmap_SRCS := boot/memmap.c
TEST_boot_space_SRCS := boot/space.c boot/paging.c
TEST_boot_verify_SRCS := boot/stage_verify.c boot/stage_trust.c boot/stage_kernel.c boot/place.c tests/host/golden.c

# What `make test` checks about the loader besides (boots are tests/qemu's).
TEST_CHECKS += tests/boot/check-edk2 tests/boot/check-pe
