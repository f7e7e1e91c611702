# Programs of others, from their packages, unmodified: built with our C library, signed as modules. Nothing of theirs is stored here;
# a port is a manifest, a list of sources, flags, and what its wad holds.

PORTS := lua
PORT_WADS := $(PORTS:%=build/wads/%.wad)

# port NAME: build/deps/NAME/$(PORT_DIR_NAME)/*.c of PORT_SRCS_NAME, compiled with PORT_CFLAGS_NAME
define port_rules
build/modules/$(1).elf: $$(PORT_SRCS_$(1):%=build/libc/ports/$(1)/%.o) \
        $(call libc_files,modules/ports/$(1)/manifest.json) modules/ports/$(1)/manifest.json $(PROGRAM_LIBS) sdk/libc/program.ld
	$$(say) LD '$$@'
	$$(Q)mkdir -p $$(@D) && $(CAPSULE_LD) $(CAPSULE_LDFLAGS) $(PROGRAM_LDFLAGS) -T sdk/libc/program.ld -o $$@ $$(filter %.o %.a,$$^)

build/deps/$(1).stamp: deps/lock deps/fetch
	$$(Q)deps/fetch $(1) && { cmp -s build/deps/$(1).unpacked $$@ || cp build/deps/$(1).unpacked $$@; }

build/libc/ports/$(1)/%.o: build/deps/$(1).stamp $$(PORT_NEEDS_$(1)) tools/flags.mk modules/ports/build.mk | $$(MUSL_HDRS)
	$$(say) CC '$$@'
	$$(Q)mkdir -p $$(@D) && $(LIBC_CC) $(THIRD_PROGRAM_CFLAGS) $$(PORT_CFLAGS_$(1)) -c build/deps/$(1)/$$(PORT_DIR_$(1))/$$*.c -o $$@

build/modules/$(1).mod: build/modules/$(1).elf modules/ports/$(1)/manifest.json $(MODULE_KEY) build/bin/nonosctl
	$$(say) SIGN '$$@'
	$$(Q)build/bin/nonosctl mod build --elf $$< --manifest modules/ports/$(1)/manifest.json --sign $(MODULE_KEY) -o $$@

# The hashes of what is inside are those that deps/fetch compared.
build/wads/$(1).wad: build/modules/$(1).mod modules/ports/$(1)/wad.json deps/lock
	$$(say) WAD '$$@'
	$$(Q)for h in $$$$(sed -n 's/.*"sha256": "\([0-9a-f]*\)".*/\1/p' modules/ports/$(1)/wad.json); do \
	    grep -q "$$$$h" deps/lock || { echo "modules/ports/$(1)/wad.json: $$$$h is not in deps/lock"; exit 1; }; done
	$$(Q)mkdir -p $$(@D) && build/bin/nonosctl wad build modules/ports/$(1)/wad.json --sign $(MODULE_KEY) \
	    --builder urn:n0n:builder:make -o $$@
endef

# Lua 5.4, the interpreter. Debian's package finds its paths in a header that its own build makes.
PORT_DIR_lua := src
PORT_SRCS_lua := lapi lauxlib lbaselib lcode lcorolib lctype ldblib ldebug ldo ldump lfunc lgc linit liolib llex lmathlib lmem loadlib \
    lobject lopcodes loslib lparser lstate lstring lstrlib ltable ltablib ltm lua lundump lutf8lib lvm lzio
PORT_CFLAGS_lua := -Ibuild/gen/ports
PORT_NEEDS_lua := build/gen/ports/lua5.4-deb-multiarch.h
build/gen/ports/lua5.4-deb-multiarch.h: modules/ports/build.mk
	$(Q)mkdir -p $(@D) && echo '#define DEB_HOST_MULTIARCH "n0n"' >$@

$(foreach p,$(PORTS),$(eval $(call port_rules,$(p))))

.PHONY: ports
ports: $(PORT_WADS)
