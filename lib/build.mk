# lib/: freestanding and pure. Every flavour compiles all of it.
LIB_SRCS += $(sort $(wildcard lib/*.c))

# Host tests that stand on the golden modules and policies.
GOLDEN_TESTS := acpi audit elf manifest mgframe mod policy psf symbols tlv token trust
$(foreach t,$(GOLDEN_TESTS),$(eval TEST_$(t)_SRCS += tests/host/golden.c))
