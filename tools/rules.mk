# One compile rule per flavour. Included last, so that GEN_HDRS (headers made under build/gen, added to by the
# folders that make them) and LIB_SRCS are complete. build/<flavour>/<path>.o comes from <path>.c or <path>.S, and
# build/<flavour>/lib.a holds all of LIB_SRCS.

# The variables that a user may set change every object: remember them, and build again when they differ.
FLAGS_STATE := build/flags.state
FLAGS_NOW := $(SANITIZE) $(OPT)
ifneq ($(FLAGS_NOW),$(shell cat $(FLAGS_STATE) 2>/dev/null))
$(shell mkdir -p build; [ -f $(FLAGS_STATE) ] || old='-d @0'; echo '$(FLAGS_NOW)' >$(FLAGS_STATE); touch $$old $(FLAGS_STATE))
endif

define flavour_rules
build/$(1)/%.o: %.c tools/flags.mk $(FLAGS_STATE) | $$(GEN_HDRS)
	$$(say) CC '$$@'
	$$(Q)mkdir -p $$(@D) && $$($(2)_CC) $$($(2)_CFLAGS) $$(CFLAGS_$$<) -MMD -MP -c $$< -o $$@

build/$(1)/%.o: %.S tools/flags.mk $(FLAGS_STATE) | $$(GEN_HDRS)
	$$(say) AS '$$@'
	$$(Q)mkdir -p $$(@D) && $$($(2)_CC) $$($(2)_ASFLAGS) -MMD -MP -c $$< -o $$@

build/$(1)/lib.a: $$(LIB_SRCS:%.c=build/$(1)/%.o)
	$$(say) AR '$$@'
	$$(Q)rm -f $$@ && mkdir -p $$(@D) && $(AR) $(ARFLAGS) $$@ $$^
endef

$(eval $(call flavour_rules,kernel,KERNEL))
$(eval $(call flavour_rules,kasan,KASAN))
$(eval $(call flavour_rules,untrapped,UNTRAPPED))
$(eval $(call flavour_rules,covered,COVERED))
$(eval $(call flavour_rules,boot,BOOT))
$(eval $(call flavour_rules,capsule,CAPSULE))
$(eval $(call flavour_rules,tool,TOOL))
$(eval $(call flavour_rules,kernel-gcc,KERNEL_GCC))
$(eval $(call flavour_rules,capsule-gcc,CAPSULE_GCC))
$(eval $(call flavour_rules,tool-clang,TOOL_CLANG))
$(eval $(call flavour_rules,host-gcc,HOST_gcc))
$(eval $(call flavour_rules,host-clang,HOST_clang))
$(eval $(call flavour_rules,coverage/obj,COVER))
$(eval $(call flavour_rules,mutants/obj,MUT))

$(foreach t,$(HOST_TESTS),$(eval $(call host_test_rules,$(t))))
$(foreach t,$(COVER_TESTS),$(eval $(call cover_rules,$(t))))
$(foreach t,$(MUT_TESTS),$(eval $(call mutant_rules,$(t))))

-include $(shell find build -path build/deps -prune -o -name '*.d' -print 2>/dev/null)
