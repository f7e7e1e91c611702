# lib/: freestanding and pure. Every flavour compiles all of it.
LIB_SRCS += $(sort $(wildcard lib/*.c))
