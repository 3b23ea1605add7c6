# autopack: see README.md; `make help` lists the targets.
MODE   ?= release
B      := build/$(MODE)
PREFIX ?= /usr/local
ifeq ($(origin CC),default)
CC     := gcc
endif
DESTDIR ?=
VERSION := 0.1.0
PYTHON  := /usr/bin/python3

PKGS := libcurl libssl libcrypto libarchive libcjson libgit2 libdeflate libisal libzstd yaml-0.1 zlib

# Asked once, and only when something is compiled: a bare machine has neither gcc nor pkg-config yet.
once = $(if $(filter undefined,$(origin memo.$(1))),$(eval memo.$(1) := $(2)))$(memo.$(1))
try  = $(shell $(CC) -Werror $(1) -x c -c /dev/null -o /dev/null 2>/dev/null && echo $(1))
json = $(subst ','\'',$(subst ",\",$(subst \,\\,$(1))))
pkg_cflags = $(call once,cflags,$$(shell pkg-config --cflags $$(PKGS)))
pkg_libs   = $(call once,libs,$$(shell pkg-config --libs $$(PKGS)))

warn := -Wall -Wextra -Wformat=2 -Wshadow -Wstrict-prototypes -Wmissing-prototypes \
  -Wold-style-definition -Wpointer-arith -Wwrite-strings -Wcast-qual -Wundef -Wvla -Wconversion \
  -Wnull-dereference -Wdouble-promotion -Wimplicit-fallthrough -Wdate-time
warn_gcc = $(call once,warn,$$(call try,-Wduplicated-cond) $$(call try,-Wlogical-op))
hard = -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3 -fstack-protector-strong -fstack-clash-protection \
  -ftrivial-auto-var-init=zero -fPIE \
  $(call once,hard,$$(call try,-fstrict-flex-arrays=3) $$(call try,-fcf-protection=full))
opt.release = -O2 -g $(hard)
opt.asan    = -O1 -g -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=all
opt.tsan    = -O1 -g -fno-omit-frame-pointer -fsanitize=thread
opt.cov     = -O0 -g --coverage
opt.fuzz    = -O1 -g -fno-omit-frame-pointer -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all
ld.release  = -pie -Wl,-z,relro,-z,now,-z,noexecstack,-z,separate-code -Wl,--as-needed
ld.asan     = -fsanitize=address,undefined
ld.tsan     = -fsanitize=thread
ld.cov      = --coverage
ld.fuzz     = -fsanitize=fuzzer,address,undefined

# Sanitizers and coverage make gcc warn of what cannot be: WERROR=1 counts in release.
CPPFLAGS += -D_GNU_SOURCE -DAP_VERSION='"$(VERSION)"' -I. $(pkg_cflags)
CFLAGS   += -std=gnu11 -fno-common -fvisibility=hidden -pthread $(warn) $(warn_gcc) $(opt.$(MODE)) \
  $(if $(filter release,$(MODE)),$(if $(WERROR),-Werror))
LDFLAGS  += $(ld.$(MODE)) -pthread
LDLIBS   += $(pkg_libs) -lm

rooms := base deps pack attest registry dockerfile vertex cli
srcs  := $(sort $(wildcard $(rooms:=/*.c)))
objs  := $(srcs:%.c=$(B)/%.o)
lib   := $(filter-out $(B)/cli/main.o,$(objs))
unit_srcs := $(sort $(wildcard tests/unit/*.c))
unit_objs := $(unit_srcs:%.c=$(B)/%.o)
fuzz_srcs := $(sort $(wildcard tests/fuzz/fuzz_*.c))
fuzz_objs := $(fuzz_srcs:%.c=$(B)/%.o) $(B)/tests/fuzz/replay.o
fuzzers   := $(fuzz_srcs:tests/fuzz/fuzz_%.c=%)
hdrs      := $(sort $(wildcard $(rooms:=/*.h)) $(wildcard tests/*/*.h))

.DEFAULT_GOAL := all
.PHONY: all
all: $(B)/autopack ## build build/release/autopack

.PHONY: help
help: ## this list
	@awk -F':.*## ' '/^[a-z0-9_. -]+:.*## /{printf "  %-22s %s\n", $$1, $$2}' $(firstword $(MAKEFILE_LIST))
	@echo '  MODE=release|asan|tsan|cov  WERROR=1  T=PATTERN (unit test glob, or pytest -k)  PREFIX= DESTDIR='

.PHONY: setup
setup: ## install what is missing (Debian packages, uv in build/env)
	@bash tests/tools/setup.sh

$(B)/autopack: $(B)/cli/main.o $(B)/libautopack.a
	@echo '  LD $@'
	@$(CC) $(CFLAGS) $(LDFLAGS) $^ $(LDLIBS) -o $@

# The same program linked for other machines: libgit2's soname differs between Debian 12 and Ubuntu 24.04.
link.deb     := libgit2
link.tarball := libgit2 libdeflate libzstd yaml-0.1
link.image   :=
rpath.image  := -Wl,--disable-new-dtags,-rpath,'$$ORIGIN/../lib'
libs_of  = $(shell pkg-config $(1))
in_it    = $(filter-out -lrt -lz -pthread,$(if $(link.$*),$(call libs_of,--static --libs $(link.$*))))
# Debian's libgit2.pc does not say that it wants this one, which libcurl brings.
kerberos = $(if $(filter libgit2,$(link.$*)),-l:libgssapi_krb5.so.2)
$(B)/packages/%/autopack: $(B)/cli/main.o $(B)/libautopack.a
	@mkdir -p $(@D)
	@echo '  LD $@'
	@$(CC) $(CFLAGS) $(LDFLAGS) -s -Wl,--exclude-libs,ALL $(rpath.$*) $^ -Wl,-Bstatic $(in_it) -Wl,-Bdynamic \
	  $(call libs_of,--libs $(filter-out $(link.$*),$(PKGS))) $(kerberos) -lm -o $@

$(B)/libautopack.a: $(lib)
	@rm -f $@
	@ar rcs $@ $^

$(B)/unit: $(unit_objs) $(B)/libautopack.a
	@echo '  LD $@'
	@$(CC) $(CFLAGS) $(LDFLAGS) $^ $(LDLIBS) -lcmocka -o $@

.SECONDARY: $(fuzz_objs)
# One program per fuzz target: a replayer of the corpus everywhere, a real fuzzer in MODE=fuzz.
$(B)/fuzz/%: $(B)/tests/fuzz/fuzz_%.o $(if $(filter fuzz,$(MODE)),,$(B)/tests/fuzz/replay.o) $(B)/libautopack.a
	@mkdir -p $(@D)
	@echo '  LD $@'
	@$(CC) $(CFLAGS) $(LDFLAGS) $^ $(LDLIBS) -o $@

$(B)/%.o: %.c Makefile
	@mkdir -p $(@D)
	@echo '  CC $<'
	@$(CC) $(CPPFLAGS) $(CFLAGS) -MMD -MP -c $< -o $@
	@printf '{"directory":"%s","file":"%s","command":"%s"}\n' '$(CURDIR)' '$<' \
	  '$(call json,$(CC) $(CPPFLAGS) $(CFLAGS) -c $<)' > $(@:.o=.cdb)

-include $(objs:.o=.d) $(unit_objs:.o=.d) $(fuzz_objs:.o=.d)

compile_commands.json: $(objs) $(unit_objs) ## for clangd and clang-tidy
	@(echo '['; cat $(^:.o=.cdb) | sed '$$!s/$$/,/'; echo ']') > $@

.PHONY: demo
demo: ## training code to a pushed, run image and a job (DEMO_SRC=DIR DEMO_SCRIPT=x.py)
	@bash tests/tools/setup.sh demo
	@$(MAKE) --no-print-directory all
	@DEMO_SRC='$(DEMO_SRC)' DEMO_SCRIPT='$(DEMO_SCRIPT)' bash tests/tools/demo.sh

.PHONY: check
check: ## unit, corpus replay, end to end and lint; ends with "N passed, N failed"
	@bash tests/tools/setup.sh
	@MODE=$(MODE) WERROR=$(WERROR) bash tests/tools/check.sh unit fuzz e2e lint

.PHONY: check-full
check-full: ## check and the long differential suites, under ASan and UBSan too
	@bash tests/tools/setup.sh full
	@MODE=$(MODE) WERROR=$(WERROR) bash tests/tools/check.sh unit unit-asan fuzz fuzz-asan e2e lint full e2e-asan

.PHONY: check-unit
check-unit: $(B)/unit ## unit tests, T='ref_*' for some
	$(B)/unit $(T)

.PHONY: check-e2e
check-e2e: $(B)/autopack ## end to end tests, T=WORDS for some (pytest -k)
	MODE=$(MODE) $(PYTHON) -m pytest tests/e2e -m 'not full' $(if $(T),-k '$(T)')

.PHONY: fuzzers
fuzzers: $(fuzzers:%=$(B)/fuzz/%)

.PHONY: check-fuzz
check-fuzz: fuzzers ## replay every fuzz corpus under the plain compiler
	@bash tests/fuzz/replay.sh $(B)/fuzz $(fuzzers)

.PHONY: fuzz
fuzz: ## fuzz with clang, FUZZ_SECONDS=60 each, T=NAME for one
	@command -v clang >/dev/null || { echo 'make fuzz needs clang (apt-get install clang)' >&2; exit 1; }
	@$(MAKE) --no-print-directory MODE=fuzz CC=clang $(patsubst %,build/fuzz/fuzz/%,$(if $(T),$(T),$(fuzzers)))
	@bash tests/fuzz/fuzz.sh build/fuzz/fuzz $(if $(FUZZ_SECONDS),$(FUZZ_SECONDS),60) $(if $(T),$(T),$(fuzzers))

.PHONY: bench
bench: ## budgets beside real peers: build/bench/results.jsonl and results.md
	@bash tests/tools/setup.sh
	@$(MAKE) --no-print-directory all
	@$(PYTHON) tests/bench/bench.py $(if $(W),--only '$(W)')

.PHONY: asan tsan
asan tsan: ## all unit and end to end tests under the sanitizer
	@bash tests/tools/setup.sh
	@WERROR=$(WERROR) MODE=$@ bash tests/tools/check.sh unit fuzz e2e

.PHONY: cov
cov: ## line coverage of the unit and end to end tests, per file
	@bash tests/tools/setup.sh
	@MODE=cov bash tests/tools/check.sh unit fuzz e2e
	@bash tests/tools/coverage.sh build/cov

.PHONY: lint
lint: ## arrows, headers alone, banned words, sizes, format, shellcheck, clang-tidy
	@CC='$(CC)' CPPFLAGS='$(subst ','\'',$(CPPFLAGS))' CFLAGS='$(CFLAGS)' bash tests/lint/lint.sh

.PHONY: mutate
mutate: ## switch off each guard in a copy: a test must fail
	@bash tests/tools/setup.sh
	@$(PYTHON) tests/tools/mutate.py $(if $(T),'$(T)')

.PHONY: golden
golden: $(B)/autopack ## rewrite fixtures/golden; review reads the diff
	MODE=$(MODE) GOLDEN=write $(PYTHON) -m pytest -q tests/e2e -m golden

.PHONY: schema
schema: ## write vertex/schema_table.c from the API's definition (TYPES in tests/tools/setup.sh)
	@bash tests/tools/setup.sh
	build/env-vertex/bin/python vertex/schema_gen.py > build/schema_table.c
	mv build/schema_table.c vertex/schema_table.c

.PHONY: docs
docs: $(B)/autopack ## write docs/flags.md from the program's own help
	$(PYTHON) packaging/flags.py $(B)/autopack > docs/flags.md

.PHONY: format
format: ## clang-format every source
	clang-format -i $$(git ls-files '*.c' '*.h')

.PHONY: install
install: $(B)/autopack ## to $(DESTDIR)$(PREFIX)
	@bash packaging/install.sh install '$(B)/autopack' '$(DESTDIR)$(PREFIX)'

.PHONY: uninstall
uninstall: ## remove what install put there
	@bash packaging/install.sh uninstall '$(B)/autopack' '$(DESTDIR)$(PREFIX)'

# One after the other when several are asked for: they compile the same sources.
tarball: | $(filter deb,$(MAKECMDGOALS))
image: | $(filter deb tarball,$(MAKECMDGOALS))
.PHONY: deb tarball image
deb tarball image: ## a package for Debian 12 and Ubuntu 24.04, a tarball, a container image: build/packages/
	@bash tests/tools/setup.sh package
	@$(MAKE) --no-print-directory $(B)/autopack $(B)/packages/$@/autopack
	@VERSION=$(VERSION) bash packaging/$@.sh $(B)/packages/$@/autopack build/packages

.PHONY: clean
clean: ## remove build/
	rm -rf build compile_commands.json
