# Figures: `make bench` measures N0N-OS and Debian's cloud kernel, `make bench-full` also the generic kernel and a
# tinyconfig one that is built from Debian's source. docs/measuring.md.

.PHONY: bench bench-full
bench:
	$(Q)deps/setup run
	$(Q)$(SUBMAKE) image build/kernel/kernel.stripped.elf build/modules/bench.mod build/untrapped/KERNEL.MOD
	$(Q)bench/run

bench-full:
	$(Q)deps/setup run bench
	$(Q)$(SUBMAKE) image build/kernel/kernel.stripped.elf build/modules/bench.mod build/untrapped/KERNEL.MOD
	$(Q)bench/run --full

# A port as Linux runs it, with what sdk/libc stands in for from musl's own files.
LINUX_SEAM := $(addprefix build/bench/seam/,src/thread/x86_64/clone.o src/thread/x86_64/__unmapself.o \
    src/thread/x86_64/__set_thread_area.o src/thread/x86_64/syscall_cp.o src/signal/x86_64/restore.o crt/crt1.o)
build/bench/seam/%.o: build/deps/musl.stamp tools/flags.mk | $(MUSL_HDRS)
	$(Q)mkdir -p $(@D) && $(MUSL_CC) $(MUSL_CFLAGS) -c build/deps/musl/$*.$(if $(filter crt/%,$*),c,s) -o $@
build/bench/seam/libc.o: bench/linux/libc.c tools/flags.mk
	$(Q)mkdir -p $(@D) && $(CAPSULE_CC) $(CAPSULE_CFLAGS) -Wno-missing-prototypes -c $< -o $@
build/bench/speedtest1: $(PORT_SRCS_speedtest1:%=build/libc/ports/sqlite/%.o) $(LINUX_SEAM) build/bench/seam/libc.o build/libc/musl.a
	$(say) PEER '$@'
	$(Q)$(CAPSULE_LD) -static -s --gc-sections -o $@ $^

.PHONY: bench-ports
bench-ports:
	$(Q)deps/setup run ports
	$(Q)$(SUBMAKE) image build/modules/memfs.mod build/modules/speedtest1.mod build/bench/speedtest1
	$(Q)bench/speedtest
