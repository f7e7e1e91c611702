# The reference of the SDK: build/docs/html/index.html and build/docs/man, from the comments of its headers.
#
# A function of a public header without a comment is an error, and so is whatever doxygen cannot make sense of.

REFERENCE_HDRS := $(sort $(wildcard sdk/*.h abi/*.h lib/crypto/*.h)) $(addprefix lib/,fmt.h secret.h span.h status.h text.h)

.PHONY: docs
docs:
	$(Q)deps/setup docs
	$(Q)rm -rf build/docs && mkdir -p build/docs
	$(Q)docs/reference/filter build/docs/in $(REFERENCE_HDRS)
	$(Q)doxygen docs/reference/Doxyfile
	$(Q)! grep -v -e '^$$' -e '(function)' -e 'is not documented' build/docs/warnings
	$(Q)! grep '(function)' build/docs/warnings
	$(Q)test -s build/docs/html/index.html && test -s build/docs/man/man3/nos_call.3
	@echo 'build/docs/html/index.html; man -M build/docs/man nos_call'
