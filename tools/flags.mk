# The one table of compilers and flags. A folder's build.mk uses these variables and adds none of its own.
#
#   flavour  what                        compiler  objects in        sanitiser
#   kernel   ring 0                      clang     build/kernel/     UBSan, trap mode
#   boot     UEFI loader                 clang     build/boot/       UBSan, trap mode
#   capsule  ring 3                      clang     build/capsule/    UBSan, trap mode
#   tool     what runs on the developer's machine (nonosctl)  gcc  build/tool/  none
#   host-gcc, host-clang                 both      build/host-CC/    ASan + UBSan, abort at the first finding
#
# Third-party sources (libsodium, BLAKE3) are built for the same targets with THIRD_<flavour>_CFLAGS: no warnings,
# no sanitiser, because they are not ours to change. docs/dependencies.md says so to the reader.

export SOURCE_DATE_EPOCH ?= 0
export LC_ALL := C
export TZ := UTC

# V=1 shows the commands.
ifeq ($(V),1)
Q :=
say = @:
else
Q := @
say = @printf '  %-8s %s\n'
endif

# SANITIZE=full builds ring 0, boot and capsules with all of UBSan; a release has the list that costs nothing in
# the hot paths (SANITIZE=release, the default).
SANITIZE ?= release
SAN_release := bounds,shift,signed-integer-overflow,integer-divide-by-zero,unreachable,bool,enum
SAN_full := undefined
SAN_TRAP := -fsanitize=$(SAN_$(SANITIZE)) -fsanitize-trap=$(SAN_$(SANITIZE))

INCLUDES := -I. -Ibuild/gen
REPRO := -ffile-prefix-map=$(CURDIR)=.
# clang 14's assembler does not map prefixes.
AS_REPRO := $(REPRO) -fdebug-compilation-dir=.
WARN := -Wall -Wextra -Wconversion -Wsign-conversion -Wshadow -Wvla -Walloca -Wcast-qual -Wswitch-enum \
        -Wmissing-prototypes -Wstrict-prototypes -Wundef -Wdate-time -Werror
WARN_FREE := $(WARN) -Wframe-larger-than=1024
SAFE := -fno-strict-aliasing -fno-delete-null-pointer-checks -fno-omit-frame-pointer
FREE := -std=gnu17 -ffreestanding -nostdlibinc -isystem lib/freestanding
SECTIONS := -ffunction-sections -fdata-sections
OPT ?= -O2

# memcpy and friends for the flavours that have no libc. Link the object; the headers are in the same folder.
FREESTANDING_SRCS := lib/freestanding/string.c

# --- kernel: static PIE in the top 2 GiB, R_X86_64_RELATIVE only -------------------------------------------------
KERNEL_CC := clang
KERNEL_TARGET := -target x86_64-unknown-none-elf -fpie -fvisibility=hidden -fdirect-access-external-data \
                 -mno-red-zone -mgeneral-regs-only -fno-stack-protector
KERNEL_BASE := $(KERNEL_TARGET) $(FREE) $(OPT) -g $(SAFE) $(SECTIONS) $(REPRO)
KERNEL_CFLAGS := $(KERNEL_BASE) -ftrivial-auto-var-init=pattern $(SAN_TRAP) $(WARN_FREE) $(INCLUDES)
KERNEL_ASFLAGS := $(KERNEL_TARGET) -g $(AS_REPRO) $(INCLUDES)
KERNEL_LD := ld.lld
KERNEL_LDFLAGS := -pie --no-dynamic-linker -z text -z noexecstack -z max-page-size=4096 --gc-sections \
                  --build-id=none --no-undefined --fatal-warnings
THIRD_KERNEL_CFLAGS := $(KERNEL_BASE) -w
# libsodium in ring 0: 30 KiB less in the image for 5 % more instructions in a signature check. But the field
# arithmetic of Ed25519 by gcc: 649 k instructions a check where clang's -Os takes 731 k and its -O2 694 k.
SODIUM_OPT_kernel := -Os -fomit-frame-pointer
# Ring 0 in gcc's words.
GCC_FREE = -std=gnu17 -ffreestanding -nostdinc -isystem lib/freestanding \
    -isystem $(shell gcc -print-file-name=include) -D_LIBC_LIMITS_H_ -fpie -fvisibility=hidden -mno-red-zone \
    -mgeneral-regs-only -fno-stack-protector -fcf-protection=none -fno-asynchronous-unwind-tables
ED25519_KERNEL_COMPILE = gcc $(GCC_FREE) -Os -g $(SAFE) -fomit-frame-pointer $(SECTIONS) $(REPRO) -w
# Of BLAKE3 what walks the tree is small; the compression itself stays fast.
BLAKE3_OPT_kernel_blake3 := -Oz -include lib/crypto/blake3_small.h
BLAKE3_OPT_kernel_blake3_portable := -include lib/crypto/blake3_small.h

# --- boot: PE/COFF, Microsoft calling convention -----------------------------------------------------------------
BOOT_CC := clang
BOOT_TARGET := -target x86_64-unknown-windows -fshort-wchar -mno-red-zone -mno-stack-arg-probe \
               -fno-stack-protector
BOOT_BASE := $(BOOT_TARGET) $(FREE) $(OPT) -g $(SAFE) $(SECTIONS) $(REPRO)
BOOT_CFLAGS := $(BOOT_BASE) -ftrivial-auto-var-init=pattern $(SAN_TRAP) $(WARN) $(INCLUDES)
BOOT_ASFLAGS := $(BOOT_TARGET) -g $(AS_REPRO) $(INCLUDES)
BOOT_LD := lld-link
BOOT_LDFLAGS := -subsystem:efi_application -nodefaultlib -entry:efi_main -opt:ref -timestamp:0 -Brepro
THIRD_BOOT_CFLAGS := $(BOOT_BASE) -w

# --- capsule: static PIE, red zone allowed, no SSE ------------------------------------------------------------------
CAPSULE_CC := clang
# Without SSE a thread has no FPU state: 512 bytes and 40 instructions a switch less. The kernel saves it for
# every thread that uses it all the same.
CAPSULE_TARGET := -target x86_64-unknown-none-elf -fpie -fvisibility=hidden -fdirect-access-external-data \
                  -fno-stack-protector -mgeneral-regs-only
CAPSULE_BASE := $(CAPSULE_TARGET) $(FREE) $(OPT) -g $(SAFE) $(SECTIONS) $(REPRO)
CAPSULE_CFLAGS := $(CAPSULE_BASE) -ftrivial-auto-var-init=pattern $(SAN_TRAP) $(WARN_FREE) $(INCLUDES)
CAPSULE_ASFLAGS := $(CAPSULE_TARGET) -g $(AS_REPRO) $(INCLUDES)
CAPSULE_LD := ld.lld
CAPSULE_LDFLAGS := -pie --no-dynamic-linker -z text -z noexecstack -z max-page-size=4096 --gc-sections \
                   --build-id=none --no-undefined --fatal-warnings
THIRD_CAPSULE_CFLAGS := $(CAPSULE_BASE) -w

# --- programs with a C library: capsules whose code may use SSE; musl itself, and what is linked with it ------------
LIBC_CC := $(CAPSULE_CC)
LIBC_TARGET := $(filter-out -mgeneral-regs-only,$(CAPSULE_TARGET)) -ftls-model=local-exec
LIBC_HEADERS := -isystem build/deps/musl/arch/x86_64 -isystem build/deps/musl/arch/generic -isystem build/gen/musl/include \
    -isystem build/deps/musl/include
LIBC_BASE := $(LIBC_TARGET) -std=gnu17 -nostdlibinc $(LIBC_HEADERS) -O2 -g $(SAFE) $(SECTIONS) $(REPRO)
# The personality, which is ours: as every capsule, without SSE.
LIBC_CFLAGS := $(LIBC_BASE) -ffreestanding -mgeneral-regs-only -ftrivial-auto-var-init=pattern $(SAN_TRAP) $(WARN_FREE) \
    $(INCLUDES)
PROGRAM_CFLAGS := $(LIBC_BASE) $(SAN_TRAP) $(WARN) $(INCLUDES)
THIRD_PROGRAM_CFLAGS := $(LIBC_BASE) -w
# musl calls its _init and _fini itself; no entry of the dynamic section names them.
PROGRAM_LDFLAGS := -z norelro -init=none -fini=none
# musl by gcc, in half of clang's time: 1,300 small files.
MUSL_CC := gcc
MUSL_CFLAGS := -std=c99 -ffreestanding -nostdinc -D_XOPEN_SOURCE=700 -Isdk/libc/arch -Ibuild/deps/musl/arch/x86_64 \
    -Ibuild/deps/musl/arch/generic -Ibuild/gen/musl -Ibuild/deps/musl/src/include -Ibuild/deps/musl/src/internal \
    -Ibuild/gen/musl/include -Ibuild/deps/musl/include -fpie -fvisibility=hidden -fno-stack-protector -fcf-protection=none \
    -fno-asynchronous-unwind-tables -ftls-model=local-exec -Os -g1 $(SAFE) $(SECTIONS) $(REPRO) -w

# --- tool: runs here, optimised, hardened by the compiler ---------------------------------------------------------
TOOL_CC := gcc
TOOL_BASE := -std=gnu17 -D_GNU_SOURCE -O2 -g -fPIE $(REPRO)
TOOL_CFLAGS := $(TOOL_BASE) -fstack-protector-strong -D_FORTIFY_SOURCE=2 $(WARN) $(INCLUDES)
TOOL_LDFLAGS := -pie -Wl,-z,relro,-z,now -Wl,--build-id=none
THIRD_TOOL_CFLAGS := $(TOOL_BASE) -w

# --- the other compiler's: nobody runs them, `make ct` looks at them too (docs/constant-time.md) ---------------------
KERNEL_GCC_CC := gcc
KERNEL_GCC_BASE = $(GCC_FREE) $(OPT) -g $(SAFE) $(SECTIONS) $(REPRO)
KERNEL_GCC_CFLAGS = $(KERNEL_GCC_BASE) -ftrivial-auto-var-init=pattern -fsanitize=$(SAN_$(SANITIZE)) \
    -fsanitize-undefined-trap-on-error -w $(INCLUDES)
THIRD_KERNEL_GCC_CFLAGS = $(KERNEL_GCC_BASE) -w
SODIUM_OPT_kernel-gcc := $(SODIUM_OPT_kernel)
CAPSULE_GCC_CC := gcc
CAPSULE_GCC_CFLAGS = $(filter-out -mno-red-zone,$(KERNEL_GCC_CFLAGS))
THIRD_CAPSULE_GCC_CFLAGS = $(filter-out -mno-red-zone,$(THIRD_KERNEL_GCC_CFLAGS))
TOOL_CLANG_CC := clang
TOOL_CLANG_CFLAGS := $(TOOL_CFLAGS)
THIRD_TOOL_CLANG_CFLAGS := $(THIRD_TOOL_CFLAGS)

# --- host: the same sources under ASan and UBSan, by both compilers -----------------------------------------------
HOST_CCS := gcc clang
HOST_SAN := -fsanitize=address,undefined -fno-sanitize-recover=all
HOST_BASE := -std=gnu17 -D_GNU_SOURCE -O1 -g -fno-omit-frame-pointer $(REPRO)
HOST_gcc_CC := gcc
HOST_gcc_CFLAGS := $(HOST_BASE) $(HOST_SAN) $(WARN) $(INCLUDES)
HOST_gcc_LDFLAGS := $(HOST_SAN)
HOST_clang_CC := clang
HOST_clang_CFLAGS := $(HOST_BASE) $(HOST_SAN) $(WARN) $(INCLUDES)
HOST_clang_LDFLAGS := $(HOST_SAN)
THIRD_HOST_CFLAGS := $(HOST_BASE) -fsanitize=address -w

AR := llvm-ar
ARFLAGS := rcsD
