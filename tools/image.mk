# From linked programs to a bootable image: development keys, signatures, policy, boot volume. nonosctl does the
# work (docs/nonosctl.md); this says in which order.

NONOSCTL := build/bin/nonosctl
KEYS := build/keys
ROOT_KEY := $(KEYS)/root.key
PUBLISHER_KEY := $(KEYS)/publisher.key
OPERATOR_KEY := $(KEYS)/operator.key
ALL_KEYS := $(ROOT_KEY) $(PUBLISHER_KEY) $(OPERATOR_KEY)
EPOCH_FLOOR ?= 1

# MODULES (modules/build.mk) are all that can be built; what the boot volume carries can be fewer.
IMAGE_MODULES ?= $(MODULES)
IMAGE_MODULE_FILES := $(IMAGE_MODULES:%=build/modules/%.mod)

KERNEL_ELF := build/kernel/kernel.elf
KERNEL_MOD := build/kernel/KERNEL.MOD
LOADER := build/boot/BOOTX64.EFI
POLICY := build/image/BOOT.POL
IMAGE := build/image/n0n.img

# Keys are made once per clone and never overwritten: nothing newer makes them again.
$(ALL_KEYS): $(KEYS)/%.key: | $(NONOSCTL)
	$(say) KEY '$@'
	$(Q)mkdir -p -m 0700 $(KEYS) && $(NONOSCTL) key new --type $* -o $@

$(KERNEL_MOD): $(KERNEL_ELF) kernel/manifest.json $(NONOSCTL) | $(ROOT_KEY)
	$(say) SIGN '$@'
	$(Q)$(NONOSCTL) mod build --kernel --elf $(KERNEL_ELF) --manifest kernel/manifest.json \
	    --root $(KEYS)/root.pub --sign $(ROOT_KEY) -o $@

build/storm/KERNEL.MOD build/covered/KERNEL.MOD: build/%/KERNEL.MOD: build/%/kernel.elf kernel/%/manifest.json $(NONOSCTL) | $(ROOT_KEY)
	$(say) SIGN '$@'
	$(Q)$(NONOSCTL) mod build --kernel --elf $< --manifest kernel/$*/manifest.json \
	    --root $(KEYS)/root.pub --sign $(ROOT_KEY) -o $@

# The sanitised flavour has a boot volume of its own, with all the rest of the released one.
build/kasan/KERNEL.MOD: build/kasan/kernel.elf kernel/sanitize/manifest.json $(NONOSCTL) | $(ROOT_KEY)
	$(say) SIGN '$@'
	$(Q)$(NONOSCTL) mod build --kernel --elf $< --manifest kernel/sanitize/manifest.json \
	    --root $(KEYS)/root.pub --sign $(ROOT_KEY) -o $@

build/untrapped/KERNEL.MOD: build/untrapped/kernel.elf kernel/manifest.json $(NONOSCTL) | $(ROOT_KEY)
	$(say) SIGN '$@'
	$(Q)$(NONOSCTL) mod build --kernel --elf $< --manifest kernel/manifest.json \
	    --root $(KEYS)/root.pub --sign $(ROOT_KEY) -o $@

KASAN_IMAGE := build/kasan/n0n.img
$(KASAN_IMAGE): $(LOADER) build/kasan/KERNEL.MOD $(POLICY) $(IMAGE_MODULE_FILES) $(NONOSCTL)
	$(say) IMAGE '$@'
	$(Q)$(NONOSCTL) image make --loader $(LOADER) --root $(KEYS)/root.pub --epoch-floor $(EPOCH_FLOOR) \
	    --kernel build/kasan/KERNEL.MOD --policy $(POLICY) $(IMAGE_MODULE_FILES:%=--module %) -o $@

$(POLICY): modules/policy.json $(NONOSCTL) | $(ALL_KEYS)
	$(say) SIGN '$@'
	$(Q)mkdir -p $(@D) && $(NONOSCTL) policy sign --in $< --keys $(KEYS) --root $(ROOT_KEY) -o $@

# A machine to work at: the same, with files and programs of others on its boot volume.
WORK_MODULES := memfs toybox lua sqlite3
WORK_POLICY := build/work/BOOT.POL
WORK_IMAGE := build/work/n0n.img
WORK_FILES := $(IMAGE_MODULE_FILES) $(WORK_MODULES:%=build/modules/%.mod)
comma := ,
build/work/policy.json: modules/policy.json tools/image.mk
	$(Q)mkdir -p $(@D) && sed '/^    "boot": \[/s/\]/$(foreach m,$(WORK_MODULES),$(comma) "\U$(m)\E.MOD")]/' $< >$@
	$(Q)! cmp -s $< $@ || { echo '$<: where is its "boot" list?'; rm $@; exit 1; }

$(WORK_POLICY): build/work/policy.json $(NONOSCTL) | $(ALL_KEYS)
	$(say) SIGN '$@'
	$(Q)$(NONOSCTL) policy sign --in $< --keys $(KEYS) --root $(ROOT_KEY) -o $@

$(WORK_IMAGE): $(LOADER) $(KERNEL_MOD) $(WORK_POLICY) $(WORK_FILES) $(NONOSCTL)
	$(say) IMAGE '$@'
	$(Q)$(NONOSCTL) image make --loader $(LOADER) --root $(KEYS)/root.pub --epoch-floor $(EPOCH_FLOOR) \
	    --kernel $(KERNEL_MOD) --policy $(WORK_POLICY) $(WORK_FILES:%=--module %) -o $@

$(IMAGE): $(LOADER) $(KERNEL_MOD) $(POLICY) $(IMAGE_MODULE_FILES) $(NONOSCTL)
	$(say) IMAGE '$@'
	$(Q)$(NONOSCTL) image make --loader $(LOADER) --root $(KEYS)/root.pub --epoch-floor $(EPOCH_FLOOR) \
	    --kernel $(KERNEL_MOD) --policy $(POLICY) $(IMAGE_MODULE_FILES:%=--module %) -o $@

.PHONY: keys image shipped
keys: $(ALL_KEYS)
image: $(IMAGE)

# What leaves this machine: tests/reproducible compares it.
shipped:
	@echo $(LOADER) $(KERNEL_MOD) $(IMAGE_MODULE_FILES) $(POLICY) $(IMAGE)
