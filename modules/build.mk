# Capsules: modules/NAME/*.c, *.S + the SDK + lib/ -> build/modules/NAME.elf -> NAME.mod, signed by the publisher.
#
# To add one: a folder with sources and manifest.json, its name in MODULES, its rule in policy.json.

MODULES := init console shell manage hello crashme probe gate swarm duel bench nil loadee loopback echo pager courier
# On the boot volume; the others are sent to a running machine by tests and `make bench`.
IMAGE_MODULES := init console shell manage hello crashme

MODULES += entry secrets storm ward pupil patient
# Two builds of one service, and who upgrades it.
MODULES += counter counter2 tally memfs fsattack vandal
# What a user would want, its client at the prompt, and who tries to break in (docs/signer.md, docs/broker.md).
MODULES += signer sign broker secret burglar
# Fuzzes system calls under the covered kernel (docs/syscall-fuzzing.md).
MODULES += sysfuzz
MODULE_MORE_counter2 := modules/counter/counter.c
# Programs with a C library (docs/libc.md).
PROGRAMS := chello ctest piper
MODULE_ELFS := $(MODULES:%=build/modules/%.elf)
MODULE_MODS := $(MODULES:%=build/modules/%.mod)
PROGRAM_MODS := $(PROGRAMS:%=build/modules/%.mod)
MODULE_KEY := build/keys/publisher.key

CAPSULE_LIBS := build/capsule/libsdk.a build/capsule/lib.a
# bench measures the primitives that the kernel has, so it links the kernel's.
MODULE_CRYPTO = build/capsule/libcrypto.a
MODULE_CRYPTO_bench := build/kernel/libcrypto.a

# module NAME
define module_rules
MODULE_SRCS_$(1) := $$(sort $$(wildcard modules/$(1)/*.c modules/$(1)/*.S) $(MODULE_MORE_$(1)))
MODULE_OBJS_$(1) := $$(addprefix build/capsule/,$$(addsuffix .o,$$(basename $$(MODULE_SRCS_$(1)))))

build/modules/$(1).elf: $$(MODULE_OBJS_$(1)) $(CAPSULE_LIBS) $(or $(MODULE_CRYPTO_$(1)),$(MODULE_CRYPTO)) sdk/capsule.ld
	$$(say) LD '$$@'
	$$(Q)mkdir -p $$(@D) && $(CAPSULE_LD) $(CAPSULE_LDFLAGS) -z norelro -T sdk/capsule.ld -o $$@ $$(filter %.o %.a,$$^)

build/modules/$(1).mod: build/modules/$(1).elf modules/$(1)/manifest.json $(MODULE_KEY) build/bin/nonosctl
	$$(say) SIGN '$$@'
	$$(Q)build/bin/nonosctl mod build --elf $$< --manifest modules/$(1)/manifest.json \
	    --sign $(MODULE_KEY) -o $$@
endef
$(foreach m,$(MODULES),$(eval $(call module_rules,$(m))))

# program NAME
build/libc/modules/%.o: modules/%.c tools/flags.mk $(FLAGS_STATE) | $(MUSL_HDRS)
	$(say) CC '$@'
	$(Q)mkdir -p $(@D) && $(LIBC_CC) $(PROGRAM_CFLAGS) -MMD -MP -c $< -o $@

PROGRAM_LIBS := build/libc/libc.a build/libc/musl.a $(CAPSULE_LIBS)
define program_rules
build/modules/$(1).elf: $$(patsubst %.c,build/libc/%.o,$$(sort $$(wildcard modules/$(1)/*.c))) \
        $(call libc_files,modules/$(1)/manifest.json) modules/$(1)/manifest.json $(PROGRAM_LIBS) sdk/libc/program.ld
	$$(say) LD '$$@'
	$$(Q)mkdir -p $$(@D) && $(CAPSULE_LD) $(CAPSULE_LDFLAGS) $(PROGRAM_LDFLAGS) -T sdk/libc/program.ld -o $$@ $$(filter %.o %.a,$$^)

build/modules/$(1).mod: build/modules/$(1).elf modules/$(1)/manifest.json $(MODULE_KEY) build/bin/nonosctl
	$$(say) SIGN '$$@'
	$$(Q)build/bin/nonosctl mod build --elf $$< --manifest modules/$(1)/manifest.json --sign $(MODULE_KEY) -o $$@
endef
$(foreach m,$(PROGRAMS),$(eval $(call program_rules,$(m))))

# What starts them to see what that takes: tests/qemu/test_libc.py.
$(eval $(call module_rules,starts))
build/capsule/modules/starts/embed.o: build/modules/chello.mod build/modules/lua.mod

# The font is embedded as it comes from its package.
build/capsule/modules/console/font.o: $(FONT_LATIN1_PSF)
# bench carries the modules that it loads.
build/capsule/modules/bench/embed.o: build/modules/nil.mod build/modules/loadee.mod

# ---- fault storms (docs/storm.md): the kernel's flavour, the driver, its wards, and the system capsules with a restart
# rule that never runs out ----
build/capsule/modules/storm/embed.o: build/modules/nil.mod

STORM_WARDS := ward1 ward2 ward3 ward4
STORM_SYSTEM := console manage shell loopback
STORM_NEXT_ward1 := ward2
STORM_NEXT_ward2 := ward3
STORM_NEXT_ward3 := ward4
STORM_NEXT_ward4 := ward1
STORM_RULE := { "when": "always", "backoff_ms": 0, "max": 1000, "window_s": 1 }
STORM_FILES := $(addprefix build/storm/,KERNEL.MOD base.json policy.json init.mod storm.mod \
                 $(addsuffix .mod,$(STORM_WARDS) $(STORM_SYSTEM)))

build/storm/%.json: modules/%/manifest.json modules/build.mk
	$(Q)mkdir -p $(@D) && sed -e 's/"restart": {[^}]*}/"restart": $(STORM_RULE)/' $< >$@
	$(Q)grep -q '"restart": $(STORM_RULE)' $@
$(STORM_WARDS:%=build/storm/%.json): build/storm/%.json: modules/ward/manifest.json modules/build.mk
	$(Q)mkdir -p $(@D) && sed -e 's/ward2/@/' -e 's/ward1/$*/' -e 's/@/$(STORM_NEXT_$*)/' $< >$@
$(STORM_WARDS:%=build/storm/%.mod): build/storm/%.mod: build/modules/ward.elf build/storm/%.json $(MODULE_KEY) \
        build/bin/nonosctl
	$(say) SIGN '$@'
	$(Q)build/bin/nonosctl mod build --elf $< --manifest build/storm/$*.json --sign $(MODULE_KEY) -o $@
$(STORM_SYSTEM:%=build/storm/%.mod): build/storm/%.mod: build/modules/%.elf build/storm/%.json $(MODULE_KEY) \
        build/bin/nonosctl
	$(say) SIGN '$@'
	$(Q)build/bin/nonosctl mod build --elf $< --manifest build/storm/$*.json --sign $(MODULE_KEY) -o $@
build/storm/init.mod build/storm/storm.mod: build/storm/%.mod: build/modules/%.mod
	$(Q)mkdir -p $(@D) && cp $< $@
build/storm/base.json: modules/policy.json
	$(Q)mkdir -p $(@D) && cp $< $@
build/storm/policy.json: modules/storm/policy.json
	$(Q)mkdir -p $(@D) && cp $< $@

.PHONY: storm
storm: $(STORM_FILES)

.PHONY: modules
modules: $(MODULE_MODS)

# Host tests of the capsules' pure parts.
TEST_sdk_SRCS := sdk/format.c
TEST_state_SRCS := sdk/state.c
TEST_ring_SRCS := sdk/ring.c
TEST_print_SRCS := sdk/print.c sdk/ipc.c sdk/format.c
TEST_ring_LIBS := -lpthread
TEST_shell_edit_SRCS := modules/shell/edit.c
TEST_shell_line_SRCS := modules/shell/line.c modules/shell/glob.c modules/shell/words.c modules/shell/vars.c modules/shell/tty.c
TEST_console_term_SRCS := modules/console/term.c
TEST_init_backoff_SRCS := modules/init/backoff.c
TEST_init_health_SRCS := modules/init/health.c
TEST_init_say_SRCS := modules/init/say.c sdk/ipc.c sdk/format.c
TEST_manage_request_SRCS := modules/manage/request.c
TEST_loopback_ports_SRCS := modules/loopback/ports.c
TEST_signer_SRCS := modules/signer/desk.c sdk/rate.c sdk/signer_bytes.c
TEST_broker_SRCS := modules/broker/store.c sdk/rate.c
MEMFS_PURE := $(addprefix modules/memfs/,data.c fill.c limits.c lock.c pool.c session.c session_data.c session_names.c tree.c walk.c)
TEST_memfs_model_SRCS := $(MEMFS_PURE)
TEST_memfs_SRCS := $(MEMFS_PURE) tests/host/golden.c
