# Figures: `make bench` measures N0N-OS and Debian's cloud kernel, `make bench-full` also the generic kernel and a
# tinyconfig one that is built from Debian's source. docs/measuring.md.

.PHONY: bench bench-full
bench:
	$(Q)deps/setup run
	$(Q)$(SUBMAKE) image build/kernel/kernel.stripped.elf build/modules/bench.mod
	$(Q)bench/run

bench-full:
	$(Q)deps/setup run bench
	$(Q)$(SUBMAKE) image build/kernel/kernel.stripped.elf build/modules/bench.mod
	$(Q)bench/run --full
