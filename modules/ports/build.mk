# Programs of others, from their packages, unmodified: built with our C library, signed as modules. Nothing of theirs is stored here;
# a port is lists of sources, flags, a manifest for each of its modules, and what its wad holds.

PORTS := lua zlib sqlite toybox
PORT_WADS := $(PORTS:%=build/wads/%.wad)

# port NAME: the sources below PORT_TREE_NAME (as deps/fetch unpacked them, if it does not say otherwise), which are there once PORT_READY_NAME
# is; compiled with PORT_CFLAGS_NAME. Modules PORT_MODULES_NAME, each of PORT_SRCS_MODULE.
define port_rules
PORT_TREE_$(1) ?= build/deps/$(1)
PORT_READY_$(1) ?= build/deps/$(1).stamp

build/deps/$(1).stamp: deps/lock deps/fetch
	$$(Q)deps/fetch $(1) && { cmp -s build/deps/$(1).unpacked $$@ || cp build/deps/$(1).unpacked $$@; }

build/libc/ports/$(1)/%.o: $$(PORT_READY_$(1)) tools/flags.mk modules/ports/build.mk | $$(MUSL_HDRS)
	$$(say) CC '$$@'
	$$(Q)mkdir -p $$(@D) && $(LIBC_CC) $(THIRD_PROGRAM_CFLAGS) $$(PORT_CFLAGS_$(1)) -c $$(PORT_TREE_$(1))/$$*.c -o $$@

$(foreach m,$(PORT_MODULES_$(1)),$(call port_module_rules,$(1),$m))

# The hashes of what is inside are those that deps/fetch compared.
build/wads/$(1).wad: $(PORT_MODULES_$(1):%=build/modules/%.mod) modules/ports/$(1)/wad.json deps/lock
	$$(say) WAD '$$@'
	$$(Q)for h in $$$$(sed -n 's/.*"sha256": "\([0-9a-f]*\)".*/\1/p' modules/ports/$(1)/wad.json); do \
	    grep -q "$$$$h" deps/lock || { echo "modules/ports/$(1)/wad.json: $$$$h is not in deps/lock"; exit 1; }; done
	$$(Q)mkdir -p $$(@D) && build/bin/nonosctl wad build modules/ports/$(1)/wad.json --sign $(MODULE_KEY) \
	    --builder urn:n0n:builder:make -o $$@
endef

# port NAME, one of its modules
define port_module_rules
build/modules/$(2).elf: $$(PORT_SRCS_$(2):%=build/libc/ports/$(1)/%.o) \
        $(call libc_files,modules/ports/$(1)/$(2).json) modules/ports/$(1)/$(2).json $(PROGRAM_LIBS) sdk/libc/program.ld
	$$(say) LD '$$@'
	$$(Q)mkdir -p $$(@D) && $(CAPSULE_LD) $(CAPSULE_LDFLAGS) $(PROGRAM_LDFLAGS) -T sdk/libc/program.ld -o $$@ $$(filter %.o %.a,$$^)

build/modules/$(2).mod: build/modules/$(2).elf modules/ports/$(1)/$(2).json $(MODULE_KEY) build/bin/nonosctl
	$$(say) SIGN '$$@'
	$$(Q)build/bin/nonosctl mod build --elf $$< --manifest modules/ports/$(1)/$(2).json --sign $(MODULE_KEY) -o $$@

endef

# Lua 5.4, the interpreter. Debian's package finds its paths in a header that its own build makes.
PORT_MODULES_lua := lua
PORT_SRCS_lua := $(addprefix src/,lapi lauxlib lbaselib lcode lcorolib lctype ldblib ldebug ldo ldump lfunc lgc linit liolib llex lmathlib \
    lmem loadlib lobject lopcodes loslib lparser lstate lstring lstrlib ltable ltablib ltm lua lundump lutf8lib lvm lzio)
PORT_CFLAGS_lua := -Ibuild/gen/ports
PORT_READY_lua := build/gen/ports/lua5.4-deb-multiarch.h
build/gen/ports/lua5.4-deb-multiarch.h: build/deps/lua.stamp
	$(Q)mkdir -p $(@D) && echo '#define DEB_HOST_MULTIARCH "n0n"' >$@

# zlib: its own test (ztest) and its gzip.
PORT_MODULES_zlib := ztest minigzip
ZLIB_SRCS := adler32 compress crc32 deflate gzclose gzlib gzread gzwrite infback inffast inflate inftrees trees uncompr zutil
PORT_SRCS_ztest := test/example $(ZLIB_SRCS)
PORT_SRCS_minigzip := test/minigzip $(ZLIB_SRCS)
PORT_CFLAGS_zlib := -DHAVE_UNISTD_H -DHAVE_STDARG_H -Ibuild/deps/zlib

# SQLite: its shell and speedtest1. The package has the sources of which its own makefile puts the amalgamation together, with tclsh.
PORT_MODULES_sqlite := sqlite3 speedtest1
PORT_SRCS_sqlite3 := shell sqlite3
PORT_SRCS_speedtest1 := speedtest1 sqlite3
PORT_CFLAGS_sqlite := -DSQLITE_OMIT_LOAD_EXTENSION -DSQLITE_ENABLE_MATH_FUNCTIONS -DHAVE_USLEEP
PORT_TREE_sqlite := build/gen/ports/sqlite
PORT_READY_sqlite := build/gen/ports/sqlite/ready
build/gen/ports/sqlite/ready: build/deps/sqlite.stamp
	$(say) GEN 'build/gen/ports/sqlite'
	$(Q)rm -rf $(@D) && mkdir -p $(@D) && { $(MAKE) -C $(@D) -f ../../../deps/sqlite/main.mk \
	    TOP=../../../deps/sqlite TCC='gcc -I.' BCC=gcc TCCX=false NAWK=awk sqlite3.c shell.c >$(@D)/log 2>&1 || { tail $(@D)/log; exit 1; }; }
	$(Q)cp build/deps/sqlite/test/speedtest1.c $(@D) && touch $@

# toybox: what modules/ports/toybox/tools names, in one module. Its own scripts make its headers, in a copy of it.
PORT_MODULES_toybox := toybox
PORT_SRCS_toybox := main $(addprefix lib/,args commas deflate dirtree env lib llist net password portability tty utf8 xwrap) \
    $(addprefix toys/,$(addprefix lsb/,md5sum seq sync) $(addprefix pending/,hexdump tr) \
    $(addprefix other/,base64 factor fmt readlink rev shred stat tac truncate xxd yes) \
    $(addprefix posix/,basename cal cat cksum cmp comm cp cut dirname du echo expand false find grep head ln ls mkdir nl od paste \
    printf pwd rm rmdir sed sleep sort split strings tail tee test touch true uname uniq unlink wc))
PORT_TREE_toybox := build/gen/ports/toybox
PORT_READY_toybox := build/gen/ports/toybox/ready
PORT_CFLAGS_toybox := -D__linux__ -funsigned-char -Ibuild/gen/ports/toybox
build/gen/ports/toybox/ready: build/deps/toybox.stamp modules/ports/toybox/tools
	$(say) GEN 'build/gen/ports/toybox'
	$(Q)rm -rf $(@D) && mkdir -p $(@D) && cp -a build/deps/toybox/. $(@D)
	$(Q)grep -v '^#' modules/ports/toybox/tools | tr ' ' '\n' | sed -e 's/.*/CONFIG_&=y/' >$(@D)/wanted
	$(Q)cd $(@D) && { $(MAKE) allnoconfig KCONFIG_ALLCONFIG=wanted >log 2>&1 && CC=gcc NOBUILD=1 scripts/make.sh >>log 2>&1 || \
	    { tail log; exit 1; }; }
	$(Q)cd $(@D) && while read -r line; do grep -qx "$$line" .config || { echo "toybox has no $$line"; exit 1; }; done <wanted
	$(Q)touch $@

$(foreach p,$(PORTS),$(eval $(call port_rules,$(p))))

# The same programs as Linux runs them, to compare with: from the same files, by the machine's own compiler and library.
define peer_rules
build/peers/$(2): $$(PORT_READY_$(1)) modules/ports/build.mk
	$$(say) PEER '$$@'
	$$(Q)mkdir -p $$(@D) && gcc -O1 -w $$(PORT_CFLAGS_$(1)) $$(PORT_SRCS_$(2):%=$$(PORT_TREE_$(1))/%.c) -lm -lcrypt -o $$@
endef
PEERS := lua ztest minigzip sqlite3 speedtest1 toybox
PEER_BINS := $(PEERS:%=build/peers/%)
$(foreach p,$(PORTS),$(foreach m,$(filter $(PEERS),$(PORT_MODULES_$p)),$(eval $(call peer_rules,$p,$m))))

.PHONY: ports
ports:
	$(Q)deps/setup run ports
	$(Q)$(SUBMAKE) $(PORT_WADS)
