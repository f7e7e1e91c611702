# N0N-OS. `make run` builds and boots it; `make test` tests it. docs/building.md says how the build is laid out.
#
# Targets that a user types install what they need (deps/setup), fetch it (deps/fetch) and then build. Everything
# that is made lands in build/.

.SUFFIXES:
.DELETE_ON_ERROR:
MAKEFLAGS += --no-builtin-rules --no-print-directory
.DEFAULT_GOAL := all

include tools/flags.mk

# Filled by the folders' build.mk (docs/building.md has the table).
LIB_SRCS :=
KERNEL_SRCS :=
BOOT_SRCS :=
GEN_HDRS :=

-include deps/build.mk
-include lib/build.mk
-include lib/crypto/build.mk
-include boot/build.mk
-include kernel/build.mk
-include sdk/build.mk
-include modules/build.mk
-include cli/build.mk
-include tests/host/build.mk
-include tests/qemu/build.mk
-include bench/build.mk
-include fuzz/build.mk
-include docs/build.mk

include tools/rules.mk

.PHONY: all clean
all:

clean:
	rm -rf build
