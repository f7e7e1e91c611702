# musl, from its unpacked package to build/libc/musl.a. A make of its own, because what there is to compile can only be seen once the
# package is unpacked; sdk/libc/build.mk calls it.

include tools/flags.mk

SRC := build/deps/musl
GEN := build/gen/musl

# A file for this CPU stands for the generic one of its name. Not here: the dynamic linker, and what sdk/libc has itself.
OURS := src/thread/clone src/thread/__unmapself src/thread/__set_thread_area src/thread/syscall_cp src/process/vfork src/process/posix_spawn \
    src/signal/restore
stem = $(basename $(subst /x86_64/,/,$(1)))
ARCH_SRCS := $(wildcard $(SRC)/src/*/x86_64/*.[csS])
BASE_SRCS := $(wildcard $(SRC)/src/*/*.c $(SRC)/src/malloc/mallocng/*.c)
ARCH_STEMS := $(call stem,$(ARCH_SRCS))
MUSL_SRCS := $(foreach f,$(ARCH_SRCS) $(BASE_SRCS), \
    $(if $(filter $(OURS:%=$(SRC)/%),$(call stem,$f)),, \
    $(if $(findstring /x86_64/,$f),$f,$(if $(filter $(ARCH_STEMS),$(call stem,$f)),,$f))))
MUSL_OBJS := $(MUSL_SRCS:$(SRC)/%=build/libc/musl/%.o)

build/libc/musl.a: $(MUSL_OBJS)
	$(say) AR '$@'
	$(Q)rm -f $@ && $(AR) $(ARFLAGS) $@ $(sort $^)

build/libc/musl/%.o: $(SRC)/% sdk/libc/musl.mk sdk/libc/arch/syscall_arch.h tools/flags.mk
	$(Q)mkdir -p $(@D) && $(MUSL_CC) $(MUSL_CFLAGS) -c $< -o $@
