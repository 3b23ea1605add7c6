# autopack: see README.md; `make help` lists the targets.
MODE   ?= release
B      := build/$(MODE)
PREFIX ?= /usr/local
CC     ?= gcc
VERSION := 0.1.0

PKGS := libcurl libcrypto libarchive libcjson libgit2 libdeflate libisal libzstd yaml-0.1 zlib

warn := -Wall -Wextra -Wformat=2 -Wshadow -Wstrict-prototypes -Wmissing-prototypes \
  -Wold-style-definition -Wpointer-arith -Wwrite-strings -Wcast-qual -Wundef -Wvla -Wconversion \
  -Wnull-dereference -Wduplicated-cond -Wlogical-op -Wdouble-promotion -Wimplicit-fallthrough -Wdate-time
try   = $(shell $(CC) -Werror $(1) -x c -c /dev/null -o /dev/null 2>/dev/null && echo $(1))
hard := -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3 -fstack-protector-strong -fstack-clash-protection \
  -ftrivial-auto-var-init=zero -fPIE $(call try,-fstrict-flex-arrays=3) $(call try,-fcf-protection=full)
opt.release := -O2 -g $(hard)
opt.asan    := -O1 -g -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=all
opt.tsan    := -O1 -g -fno-omit-frame-pointer -fsanitize=thread
opt.cov     := -O0 -g --coverage
ld.release  := -pie -Wl,-z,relro,-z,now,-z,noexecstack,-z,separate-code -Wl,--as-needed
ld.asan     := -fsanitize=address,undefined
ld.tsan     := -fsanitize=thread
ld.cov      := --coverage

CPPFLAGS += -D_GNU_SOURCE -DAP_VERSION='"$(VERSION)"' -I. $(shell pkg-config --cflags $(PKGS) 2>/dev/null)
CFLAGS   += -std=gnu11 -fno-common -fvisibility=hidden -pthread $(warn) $(opt.$(MODE)) $(if $(WERROR),-Werror)
LDFLAGS  += $(ld.$(MODE)) -pthread
LDLIBS   += $(shell pkg-config --libs $(PKGS) 2>/dev/null) -lm

rooms := base deps pack registry dockerfile vertex cli
srcs  := $(sort $(wildcard $(rooms:=/*.c)))
objs  := $(srcs:%.c=$(B)/%.o)
lib   := $(filter-out $(B)/cli/main.o,$(objs))
unit_srcs := $(sort $(wildcard tests/unit/*.c))
unit_objs := $(unit_srcs:%.c=$(B)/%.o)

.DEFAULT_GOAL := all
.PHONY: all
all: $(B)/autopack

$(B)/autopack: $(objs)
	$(CC) $(CFLAGS) $(LDFLAGS) $^ $(LDLIBS) -o $@

$(B)/libautopack.a: $(lib)
	@rm -f $@
	@ar rcs $@ $^

$(B)/unit: $(unit_objs) $(B)/libautopack.a
	$(CC) $(CFLAGS) $(LDFLAGS) $^ $(LDLIBS) -lcmocka -o $@

$(B)/%.o: %.c Makefile
	@mkdir -p $(@D)
	@echo '  CC $<'
	@$(CC) $(CPPFLAGS) $(CFLAGS) -MMD -MP -c $< -o $@

-include $(objs:.o=.d) $(unit_objs:.o=.d)

.PHONY: check-unit
check-unit: $(B)/unit
	$(B)/unit $(T)

.PHONY: format
format:
	clang-format -i $$(git ls-files '*.c' '*.h')

.PHONY: clean
clean:
	rm -rf build compile_commands.json
