# The SDK: what every capsule links besides build/capsule/lib.a and libcrypto.a.

SDK_SRCS := sdk/entry.S sdk/start.c sdk/ipc_raw.S sdk/ipc.c sdk/control.c sdk/state.c sdk/upgrade.c sdk/guard_run.S sdk/guard.c sdk/net.c sdk/feed.c sdk/fs.c sdk/format.c sdk/print.c sdk/ring.c sdk/pipe.c sdk/kit.c sdk/stream.c sdk/uart.c sdk/token.c sdk/who.c sdk/rate.c sdk/signer.c sdk/signer_bytes.c sdk/broker.c
SDK_OBJS := $(addprefix build/capsule/,$(addsuffix .o,$(basename $(SDK_SRCS))))

build/capsule/libsdk.a: $(SDK_OBJS) $(FREESTANDING_SRCS:%.c=build/capsule/%.o)
	$(say) AR '$@'
	$(Q)rm -f $@ && $(AR) $(ARFLAGS) $@ $^

# Text for people: half as large, and its time is in the console's answer.
$(foreach f,format.c print.c start.c pipe.c kit.c,$(eval CFLAGS_sdk/$(f) := -Oz))
