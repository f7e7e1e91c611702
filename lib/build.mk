# lib/: freestanding and pure. Every flavour compiles all of it.
LIB_SRCS += $(sort $(wildcard lib/*.c))

# Host tests that stand on the golden modules and policies.
GOLDEN_TESTS := acpi audit crash elf manifest mgframe mod policy psf symbols tlv token trust
$(foreach t,$(GOLDEN_TESTS),$(eval TEST_$(t)_SRCS += tests/host/golden.c))

# Parsers run once for each file or token: small before fast.
LIB_COLD := $(addprefix lib/,acpi.c acpi_power.c elf.c manifest.c mod.c policy.c policy_find.c render.c render_audit.c render_crash.c crash.c symbols.c token.c)
$(foreach f,$(LIB_COLD),$(eval CFLAGS_$(f) += -Os))
