# What is proved, and models of what many do at once: docs/proofs.md. Beside `make test`, minutes of both cores.
.PHONY: proofs
proofs:
	$(Q)deps/setup run test
	$(Q)tests/run --then $(if $(PROOFS),,'tests/spin/run --missed') 'tests/cbmc/run $(PROOFS)'
