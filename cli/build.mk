# nonosctl: build/bin/nonosctl (gcc, what a user runs) and build/host-CC/bin/nonosctl (ASan + UBSan, what is tested).

CLI_SRCS := $(sort $(wildcard cli/*.c))
# libcurl is loaded when it is needed: cli/curl.h.
CLI_LIBS := -lcjson

# Names of system calls, for the `filter` of a manifest and for refusals in the audit log.
CLI_GEN := build/gen/cli/syscall_names.inc
$(CLI_GEN): abi/syscalls.tbl
	$(say) GEN $@
	$(Q)mkdir -p $(@D) && awk -F'[ |]+' '/^[0-9]/ { printf "X(\"%s\", %s)\n", $$2, $$1 }' $< >$@.tmp && mv $@.tmp $@

# argp and cJSON hand strings about without const, and commands keep whole option sets on their stack.
CLI_OBJS_tool := $(CLI_SRCS:%.c=build/tool/%.o)
CLI_OBJS_host-gcc := $(CLI_SRCS:%.c=build/host-gcc/%.o)
CLI_OBJS_host-clang := $(CLI_SRCS:%.c=build/host-clang/%.o)
$(CLI_OBJS_tool) $(CLI_OBJS_host-gcc) $(CLI_OBJS_host-clang): | $(CLI_GEN)

# cli_program FLAVOUR CC LDFLAGS PROGRAM
define cli_program
$(4): $$(CLI_OBJS_$(1)) $$(LIB_SRCS:%.c=build/$(1)/%.o) build/$(1)/libcrypto.a
	$$(say) LD $$@
	$$(Q)mkdir -p $$(@D) && $(2) $(3) $$^ $$(CLI_LIBS) -o $$@
endef
$(eval $(call cli_program,tool,$(TOOL_CC),$(TOOL_LDFLAGS),build/bin/nonosctl))
$(eval $(call cli_program,host-gcc,$(HOST_gcc_CC),$(HOST_gcc_LDFLAGS),build/host-gcc/bin/nonosctl))
$(eval $(call cli_program,host-clang,$(HOST_clang_CC),$(HOST_clang_LDFLAGS),build/host-clang/bin/nonosctl))

.PHONY: nonosctl
nonosctl: build/bin/nonosctl

# --- tests: a node of canned records, and the smallest programs that can be packed -------------------------------
define fakenode_program
build/$(1)/bin/fakenode: build/$(1)/tests/host/fakenode.o build/$(1)/tests/host/golden.o build/$(1)/cli/hex.o \
        $$(LIB_SRCS:%.c=build/$(1)/%.o) build/$(1)/libcrypto.a
	$$(say) LD $$@
	$$(Q)mkdir -p $$(@D) && $(2) $(3) $$^ -o $$@
endef
$(eval $(call fakenode_program,host-gcc,$(HOST_gcc_CC),$(HOST_gcc_LDFLAGS)))
$(eval $(call fakenode_program,host-clang,$(HOST_clang_CC),$(HOST_clang_LDFLAGS)))

# Chains of tokens with one rule broken each, wads with names that are not allowed: nonosctl makes none.
define bad_files_program
build/$(1)/bin/$(4): build/$(1)/tests/host/$(4).o build/$(1)/tests/host/golden.o build/$(1)/lib.a \
        build/$(1)/libcrypto.a
	$$(say) LD $$@
	$$(Q)mkdir -p $$(@D) && $(2) $(3) $$^ -o $$@
endef
$(foreach p,mkchain mkwad,\
    $(eval $(call bad_files_program,host-gcc,$(HOST_gcc_CC),$(HOST_gcc_LDFLAGS),$(p))) \
    $(eval $(call bad_files_program,host-clang,$(HOST_clang_CC),$(HOST_clang_LDFLAGS),$(p))))

build/test/tiny.elf: tests/host/data/tiny.c tools/flags.mk
	$(say) LD $@
	$(Q)mkdir -p $(@D) && $(CAPSULE_CC) $(CAPSULE_BASE) -O1 -c $< -o $(@:.elf=.o)
	$(Q)$(CAPSULE_LD) $(CAPSULE_LDFLAGS) -z norelro -z separate-loadable-segments $(@:.elf=.o) -o $@

build/test/tiny.efi: tests/host/data/tiny_efi.c tools/flags.mk
	$(say) LD $@
	$(Q)mkdir -p $(@D) && $(BOOT_CC) $(BOOT_BASE) $(INCLUDES) -c $< -o $(@:.efi=.efi.o)
	$(Q)$(BOOT_LD) $(BOOT_LDFLAGS) $(@:.efi=.efi.o) -out:$@

CLI_FOR_TESTS := $(filter-out cli/main.c cli/cmd_%,$(CLI_SRCS))
TEST_cli_source_SRCS := $(CLI_FOR_TESTS)
TEST_cli_source_LIBS := $(CLI_LIBS)
TEST_cli_source_DEPS := $(CLI_GEN)
TEST_cli_key_SRCS := $(CLI_FOR_TESTS)
TEST_cli_key_LIBS := $(CLI_LIBS)
TEST_cli_key_DEPS := $(CLI_GEN)
TEST_cli_program_SRCS := $(CLI_FOR_TESTS)
TEST_cli_program_LIBS := $(CLI_LIBS)
TEST_cli_program_DEPS := $(CLI_GEN) build/test/tiny.elf
TEST_cli_wad_SRCS := $(CLI_FOR_TESTS)
TEST_cli_wad_LIBS := $(CLI_LIBS)
TEST_cli_wad_DEPS := $(CLI_GEN)
TEST_gdb_stub_SRCS := cli/gdb_stub.c cli/gdb_regs.c
TEST_cli_blackbox_DEPS := build/test/tiny.elf build/test/tiny.efi
$(foreach cc,$(HOST_CCS),$(eval TEST_cli_blackbox_DEPS_$(cc) := $(addprefix build/host-$(cc)/bin/,nonosctl fakenode mkchain mkwad)))
TEST_storm_SRCS := modules/storm/plan.c $(CLI_FOR_TESTS)
TEST_storm_LIBS := $(CLI_LIBS)
TEST_storm_DEPS := $(CLI_GEN)
