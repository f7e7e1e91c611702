# The C library of capsules, build/libc/libc.a: musl, by our rules (musl.mk), and the personality beside it (docs/libc.md).

MUSL_DIR := build/deps/musl
MUSL_GEN := build/gen/musl
MUSL_ARCH := $(MUSL_DIR)/arch/x86_64
MUSL_HDRS := $(MUSL_GEN)/include/bits/alltypes.h $(MUSL_GEN)/include/bits/syscall.h $(MUSL_GEN)/version.h

# Fetched when a program wants it, not by `make run`.
MUSL_STAMP := build/deps/musl.stamp
$(MUSL_STAMP): deps/lock deps/fetch
	$(Q)deps/fetch musl && { cmp -s build/deps/musl.unpacked $@ || cp build/deps/musl.unpacked $@; }

$(MUSL_GEN)/include/bits/alltypes.h: $(MUSL_STAMP)
	$(Q)mkdir -p $(@D) && sed -f $(MUSL_DIR)/tools/mkalltypes.sed $(MUSL_ARCH)/bits/alltypes.h.in \
	    $(MUSL_DIR)/include/alltypes.h.in >$@
$(MUSL_GEN)/include/bits/syscall.h: $(MUSL_STAMP)
	$(Q)mkdir -p $(@D) && sed -e p -e 's/__NR_/SYS_/' $(MUSL_ARCH)/bits/syscall.h.in >$@
$(MUSL_GEN)/version.h: $(MUSL_STAMP)
	$(Q)mkdir -p $(@D) && printf '#define VERSION "%s"\n' "$$(cat $(MUSL_DIR)/VERSION)" >$@

build/libc/musl.a: $(MUSL_HDRS) $(MUSL_STAMP) sdk/libc/musl.mk sdk/libc/arch/syscall_arch.h tools/flags.mk
	$(say) MUSL '$@'
	$(Q)$(MAKE) -f sdk/libc/musl.mk $@

LIBC_SRCS := $(sort $(wildcard sdk/libc/*.c sdk/libc/*.S))
LIBC_OBJS := $(addprefix build/libc/,$(addsuffix .o,$(basename $(LIBC_SRCS))))
# Linked with programs whose manifest asks for a tree: docs/memfs.md.
LIBC_FILE_OBJS := $(addprefix build/libc/,$(addsuffix .o,$(basename $(sort $(wildcard sdk/libc/files/*.c sdk/libc/files/*.S)))))
libc_files = $(if $(shell grep -lE '"(memfs|rw-[a-z0-9_-]*|ro-[a-z0-9_-]*|node)"' $(1)),$(LIBC_FILE_OBJS))
build/libc/sdk/libc/%.o: sdk/libc/%.c tools/flags.mk $(FLAGS_STATE) | $(MUSL_HDRS)
	$(say) CC '$@'
	$(Q)mkdir -p $(@D) && $(CAPSULE_CC) $(LIBC_CFLAGS) -MMD -MP -c $< -o $@
build/libc/sdk/libc/%.o: sdk/libc/%.S tools/flags.mk $(FLAGS_STATE)
	$(say) AS '$@'
	$(Q)mkdir -p $(@D) && $(CAPSULE_CC) $(CAPSULE_ASFLAGS) -MMD -MP -c $< -o $@

build/libc/libc.a: $(LIBC_OBJS)
	$(say) AR '$@'
	$(Q)rm -f $@ && $(AR) $(ARFLAGS) $@ $^
