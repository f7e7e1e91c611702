# Sources we stand on: fetched, checked, patched and unpacked under build/deps by deps/fetch, once.
#
# Whatever is built from them, or includes their headers, depends on $(DEPS_STAMP).

DEPS_STAMP := build/deps/stamp
SODIUM_DIR := build/deps/libsodium/src/libsodium
BLAKE3_DIR := build/deps/blake3
BLAKE3_VECTORS := build/deps/blake3-vectors/vectors.json
FONT_PSF := build/deps/font/terminus16.psf
FONT_LATIN1_PSF := build/deps/font/terminus16-latin1.psf

build/deps/checked: deps/lock deps/fetch
	$(Q)deps/fetch
	$(Q)touch $@

# What is unpacked; newer only when that changes, so that a new line in the lock does not rebuild everything.
$(DEPS_STAMP): build/deps/checked
	$(Q)grep -H . build/deps/*.unpacked | cmp -s - $@ || grep -H . build/deps/*.unpacked >$@

$(BLAKE3_VECTORS) $(FONT_PSF) $(FONT_LATIN1_PSF): | $(DEPS_STAMP) ;

.PHONY: deps
deps: $(DEPS_STAMP)
