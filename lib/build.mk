# lib/: freestanding and pure. Every flavour compiles all of it.
LIB_SRCS += $(sort $(wildcard lib/*.c))

# Host tests that stand on the golden modules and policies.
GOLDEN_TESTS := acpi audit crash edges elf manifest mgframe mod policy psf symbols tlv token trust wad
$(foreach t,$(GOLDEN_TESTS),$(eval TEST_$(t)_SRCS += tests/host/golden.c))

# Parsers run once for each file or token: small before fast.
LIB_COLD := $(addprefix lib/,acpi.c acpi_power.c audit_check.c audit_file.c audit_note.c audit_proof.c base64.c elf.c manifest.c mod.c policy.c policy_find.c render.c render_audit.c render_grant.c render_crash.c crash.c symbols.c token.c wad.c wad_tree.c)
$(foreach f,$(LIB_COLD),$(eval CFLAGS_$(f) += -Os))

# A log's head is 1.4 KiB, and an item and a checkpoint are half as much: programs read these, not the kernel.
CFLAGS_lib/audit_file.c += -Wframe-larger-than=4096
CFLAGS_lib/audit_proof.c += -Wframe-larger-than=2048
