# make run, make check: see README.md.  Each flavour builds in a folder of its
# own (B), so that sanitizers never mix with plain objects.

B       ?= build
CC      ?= gcc
PREFIX  ?= /usr/local
MNT     ?= mnt
STATE   ?= state
JOBS    ?= $(shell nproc)

VERSION := $(shell sed -n 's/^\#\# \[\(.*\)\].*/\1/p' CHANGELOG.md | head -n 1)

PKGS    := fuse3 openssl lmdb libplist-2.0 libnghttp2 libevent \
           libevent_openssl libevent_pthreads libbsd libcurl

# Debian packages, by what needs them.
BUILD_PACKAGES := gcc make pkg-config libc6-dev libfuse3-dev fuse3 libssl-dev \
	liblmdb-dev libplist-dev libnghttp2-dev libevent-dev \
	libhttp-parser-dev libbsd-dev libcurl4-openssl-dev
RUN_PACKAGES   := openssl ca-certificates
DEB_PACKAGES   := dpkg-dev
TEST_PACKAGES  := perl python3 python3-yaml curl openssl nghttp2-server nghttp2-client \
	strongswan-pki libcharon-extra-plugins libstrongswan-extra-plugins libstrongswan-standard-plugins \
	certmonger dbus nodejs libplist-utils wrk \
	scep apache2-bin libapache2-mod-auth-gssapi gss-ntlmssp \
	bash dash zsh mksh ksh93u+m busybox coreutils rsync git vim nano sed \
	tar unzip xxd zip jq openssh-client openssh-server openssh-sftp-server attr \
	emacs-nox tree inotify-tools less file bsdextrautils procps
LINT_PACKAGES  := clang clang-format clang-tidy cppcheck shellcheck mandoc \
	libclang-rt-14-dev llvm

WARN := -Wall -Wextra -Wshadow -Wconversion -Wsign-conversion -Wcast-qual \
	-Wcast-align -Wwrite-strings -Wpointer-arith -Wstrict-prototypes \
	-Wmissing-prototypes -Wold-style-definition -Wundef -Wvla -Wformat=2 \
	-Wimplicit-fallthrough -Wswitch-enum -Werror=unused-result
HARDEN := -fstack-protector-strong -fPIE
ifeq ($(SAN),)
HARDEN += -D_FORTIFY_SOURCE=2
endif

CFLAGS   ?= -O2 -g
ALL_CPPFLAGS = $(CPPFLAGS) -Iinclude -I. -D_GNU_SOURCE -DFUSE_USE_VERSION=312 \
	-DMDMFS_VERSION='"$(VERSION)"' $(shell pkg-config --cflags $(PKGS))
ALL_CFLAGS   = -std=gnu17 -pthread $(WARN) $(WERROR) $(HARDEN) $(SAN) $(CFLAGS)
ALL_LDFLAGS  = -pthread -pie -Wl,-z,relro,-z,now $(SAN) $(LDFLAGS)
LDLIBS       = $(shell pkg-config --libs $(PKGS)) -lhttp_parser -lcrypt

ENGINE  := $(wildcard engine/*.c engine/*/*.c)
FS      := $(filter-out fs/main.c,$(wildcard fs/*.c))
HELPERS := $(filter-out tests/%/test_%.c,$(wildcard tests/lib/*.c))
TESTS   := $(wildcard tests/*/test_*.c)
FUZZ    := $(wildcard tests/fuzz/fuzz_*.c)
PROGRAMS := $(wildcard tests/programs/*.c)
HEADERS := $(wildcard include/mdmfs/*.h engine/*.h engine/*/*.h fs/*.h tests/*.h)
SCRIPTS := $(wildcard tests/system/*.t)

TEST_BINS    := $(TESTS:%.c=$(B)/%)
REPLAY_BINS  := $(FUZZ:tests/fuzz/fuzz_%.c=$(B)/tests/fuzz/replay_%)
PROGRAM_BINS := $(PROGRAMS:%.c=$(B)/%)

.DELETE_ON_ERROR:
.SECONDARY:
.PHONY: all run check check-built asan tsan random random-built bench enroll \
	lint headers layers format \
	tidy fuzz cover install uninstall deb dist clean deps test-deps lint-deps

all: $(B)/mdmfs

# ---- what is missing ------------------------------------------------------

# $(call need,PACKAGES): install them as root, else say what to install.
define need
	@missing=; for p in $(1); do \
		dpkg-query -W -f='$${Status}' $$p 2>/dev/null | \
			grep -q 'ok installed' || missing="$$missing $$p"; \
	done; \
	[ -z "$$missing" ] && exit 0; \
	if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
		echo "installing:$$missing"; \
		apt-get update -qq && DEBIAN_FRONTEND=noninteractive \
		apt-get install -y -qq --no-install-recommends $$missing \
			>/dev/null; \
	else \
		echo "Please install these Debian packages:$$missing" >&2; \
		exit 1; \
	fi
endef

deps:
	$(call need,$(BUILD_PACKAGES) $(RUN_PACKAGES))
test-deps:
	$(call need,$(BUILD_PACKAGES) $(RUN_PACKAGES) $(DEB_PACKAGES) $(TEST_PACKAGES))
lint-deps:
	$(call need,$(BUILD_PACKAGES) $(LINT_PACKAGES))

# ---- building -------------------------------------------------------------

$(B)/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(ALL_CPPFLAGS) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

# .incbin reads the tables, and -MMD does not see it
$(B)/engine/schema/tables.o: $(wildcard engine/schema/tables/*.tsv)

$(B)/libmdmfs.a: $(ENGINE:%.c=$(B)/%.o)
	@rm -f $@
	$(AR) rcs $@ $^
$(B)/libmdmfs-fs.a: $(FS:%.c=$(B)/%.o)
	@rm -f $@
	$(AR) rcs $@ $^
$(B)/mdmfs: $(B)/fs/main.o $(B)/libmdmfs-fs.a $(B)/libmdmfs.a
	$(CC) $(ALL_LDFLAGS) -o $@ $^ $(LDLIBS)

$(B)/tests/programs/simulate: LDLIBS += -lcurl
$(B)/tests/programs/simulate: $(B)/tests/simulate/device.o \
		$(B)/tests/simulate/ota.o
$(B)/tests/%: $(B)/tests/%.o $(HELPERS:%.c=$(B)/%.o) $(B)/libmdmfs-fs.a \
		$(B)/libmdmfs.a
	$(CC) $(ALL_LDFLAGS) -o $@ $(filter %.o,$^) $(filter %.a,$^) \
		$(LDLIBS)

# A fuzz target's seeds without libFuzzer, for check.
$(B)/tests/fuzz/replay_%: $(B)/tests/fuzz/fuzz_%.o $(B)/tests/fuzz/replay.o \
		$(B)/libmdmfs-fs.a $(B)/libmdmfs.a
	$(CC) $(ALL_LDFLAGS) -o $@ $^ $(LDLIBS)

# ---- running --------------------------------------------------------------

run: deps
	@$(MAKE) -s -j$(JOBS) all
	@sh examples/run.sh $(B)/mdmfs $(STATE) $(MNT)

# ---- testing --------------------------------------------------------------

check: test-deps
	@$(MAKE) -s -j$(JOBS) B=$(B) check-built

# What a sanitizer finds is a file in REPORTS, whatever became of the process: a
# test may kill a server, or not look at how it ended.  A server that gave up
# its rights writes there, too.
REPORTS := $(abspath $(B))/reports
SAN_LOG := log_path=$(REPORTS)/report

# $(call reported,COMMAND): it must end well, and leave no report.
define reported
	@rm -rf $(REPORTS) && mkdir -p $(B) && mkdir -m 1777 $(REPORTS)
	@export MDMFS=$(abspath $(B)/mdmfs) B=$(abspath $(B)) \
		ASAN_OPTIONS=$(SAN_LOG) LSAN_OPTIONS=$(SAN_LOG) \
		UBSAN_OPTIONS=print_stacktrace=1:$(SAN_LOG) \
		TSAN_OPTIONS=second_deadlock_stack=1:$(SAN_LOG); \
	$(1); ended=$$?; \
	for report in $(REPORTS)/*; do \
		[ -s "$$report" ] || continue; \
		echo "$$report:"; cat "$$report"; ended=1; \
	done; exit $$ended
endef

check-built: all $(TEST_BINS) $(REPLAY_BINS) $(PROGRAM_BINS)
	$(call reported,prove -j$(JOBS) -e '' $(TEST_BINS) $(REPLAY_BINS) $(SCRIPTS))
	@cat $(B)/matrix-*.txt 2>/dev/null || :

# A part: make asan TESTS= FUZZ= SCRIPTS='tests/system/device.t'
FLAGS_asan := CC=clang CFLAGS='-O1 -g' \
	SAN='-fsanitize=address,undefined -fno-sanitize-recover=all'
FLAGS_tsan := CC=clang CFLAGS='-O1 -g' SAN='-fsanitize=thread'
asan tsan: lint-deps test-deps
	@$(MAKE) -s -j$(JOBS) check-built B=build/$@ $(FLAGS_$@)

# make random [SECONDS=600] [FLAVOUR=asan|tsan] [SEED=...]
SECONDS ?= 600
random: $(if $(FLAVOUR),lint-deps) test-deps
	@$(MAKE) -s -j$(JOBS) random-built \
		$(if $(FLAVOUR),B=build/$(FLAVOUR) $(FLAGS_$(FLAVOUR)))
random-built: all
	$(call reported,prove -v -e '' tests/system/random.t :: $(SECONDS) $(SEED))

# make fuzz T=pl [FUZZ_ARGS='-max_total_time=600 -jobs=2']: finds stay in build/.
FUZZ_ARGS ?= -max_total_time=60
fuzz: lint-deps
	@test -f tests/fuzz/fuzz_$(T).c || { echo "make fuzz T=NAME, one of:" \
		$(FUZZ:tests/fuzz/fuzz_%.c=%) >&2; exit 1; }
	@$(MAKE) -s -j$(JOBS) fuzz-built T=$(T) B=build/fuzz CC=clang \
		CFLAGS='-O1 -g' SAN='-fsanitize=address,undefined,fuzzer-no-link \
		-fno-sanitize-recover=all'
fuzz-built: LDFLAGS += -fsanitize=fuzzer
fuzz-built: $(B)/tests/fuzz/fuzz_$(T)
	@mkdir -p $(B)/found/$(T)
	$(B)/tests/fuzz/fuzz_$(T) -artifact_prefix=$(B)/found/$(T)- $(FUZZ_ARGS) \
		$(B)/found/$(T) $(wildcard tests/fuzz/$(T))

# Lines that the tests reach, file by file; the pages are in build/cover/html.
cover: lint-deps test-deps
	@rm -rf build/cover/raw
	@LLVM_PROFILE_FILE=$(CURDIR)/build/cover/raw/%p-%m.profraw \
		$(MAKE) -s -j$(JOBS) check-built B=build/cover CC=clang \
		CFLAGS='-O0 -g' \
		SAN='-fprofile-instr-generate -fcoverage-mapping'
	@llvm-profdata merge -sparse -o build/cover/all.profdata build/cover/raw
	@llvm-cov show -format=html -output-dir=build/cover/html \
		-instr-profile=build/cover/all.profdata build/cover/mdmfs \
		$(addprefix -object ,$(TESTS:%.c=build/cover/%)) engine fs
	@llvm-cov report -instr-profile=build/cover/all.profdata \
		build/cover/mdmfs \
		$(addprefix -object ,$(TESTS:%.c=build/cover/%)) engine fs

bench: test-deps
	@$(MAKE) -s -j$(JOBS) all $(PROGRAM_BINS)
	@B=$(abspath $(B)) bash tests/bench/bench.sh

# N=10000 devices by SCEP and OTA=2000 over the air: none may fail.
enroll: test-deps
	@$(MAKE) -s -j$(JOBS) all $(B)/tests/programs/simulate
	@B=$(abspath $(B)) N=$(N) OTA=$(OTA) bash tests/bench/enroll.sh

# ---- lints ----------------------------------------------------------------

# It does not know <sys/queue.h>: what a list's loop sets looks unset to it.
NOT_CPPCHECK := --suppress=unknownMacro --suppress=uninitvar \
	--suppress=uninitStructMember --suppress=legacyUninitvar \
	--suppress=comparePointers:engine/schema/tables.c

# Tests read lib.sh, keep commands as text, and ask what echo returned.
NOT_TESTS := SC2010,SC2034,SC2089,SC2090,SC2148,SC2154,SC2320

lint: lint-deps headers layers
	@clang-format-14 --dry-run -Werror $(shell git ls-files '*.c' '*.h')
	@shellcheck .ci/run examples/*.sh examples/debian/*.sh \
		examples/debian/p*rm examples/completion/*.bash tests/lint/*.sh
	@shellcheck -x -S warning -e $(NOT_TESTS) $(SCRIPTS) \
		$(wildcard tests/system/*.sh tests/bench/*.sh)
	@mandoc -T lint -W warning fs/mdmfs.7 fs/mdmfs.8
	@cppcheck -q -j $(JOBS) --std=c11 --inline-suppr --error-exitcode=1 \
		--enable=warning,portability --suppress=missingInclude \
		$(NOT_CPPCHECK) \
		-U__GNUC__ -U__clang__ -Iinclude -I. engine fs
# Minutes of two cores, so not a part of lint.  err.c defines what analyzer.h
# wraps.
tidy: lint-deps
	@ls engine/*.c engine/*/*.c fs/*.c | grep -v base/err.c | \
		xargs -P $(JOBS) -I FILE clang-tidy-14 --quiet FILE -- \
		-include tests/lint/analyzer.h $(ALL_CPPFLAGS) -std=gnu17
headers:
	@for h in $(HEADERS); do printf '#include "%s"\n' $$h | \
		$(CC) $(ALL_CPPFLAGS) -std=gnu17 -Wall -Werror -fsyntax-only \
			-x c - || exit 1; done
layers:
	@sh tests/lint/layers.sh tests/lint/layers
format:
	@clang-format-14 -i $(shell git ls-files '*.c' '*.h')

# ---- handing out ----------------------------------------------------------

DOC        := $(PREFIX)/share/doc/mdmfs
COMPLETION := $(PREFIX)/share/bash-completion/completions
ZSH        := $(PREFIX)/share/zsh/site-functions
UNIT       := $(PREFIX)/lib/systemd/system/mdmfs.service

install: all
	install -d $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(PREFIX)/lib/systemd/system \
		$(DESTDIR)$(PREFIX)/include/mdmfs $(DESTDIR)$(DOC) \
		$(DESTDIR)$(PREFIX)/share/man/man7 \
		$(DESTDIR)$(PREFIX)/share/man/man8 $(DESTDIR)$(COMPLETION) \
		$(DESTDIR)$(ZSH)
	install -m 755 $(B)/mdmfs $(DESTDIR)$(PREFIX)/bin/
	install -m 644 $(B)/libmdmfs.a $(DESTDIR)$(PREFIX)/lib/
	install -m 644 include/mdmfs/* $(DESTDIR)$(PREFIX)/include/mdmfs/
	install -m 644 fs/mdmfs.7 $(DESTDIR)$(PREFIX)/share/man/man7/
	install -m 644 fs/mdmfs.8 $(DESTDIR)$(PREFIX)/share/man/man8/
	sed 's|/usr/local/bin|$(PREFIX)/bin|' examples/mdmfs.service \
		>$(DESTDIR)$(UNIT)
	install -m 644 examples/completion/mdmfs.bash \
		$(DESTDIR)$(COMPLETION)/mdmfs
	install -m 644 examples/completion/_mdmfs $(DESTDIR)$(ZSH)/
	install -m 644 README.md CHANGELOG.md LICENSE $(DESTDIR)$(DOC)/
	cp -R examples $(DESTDIR)$(DOC)/
	cp $(DESTDIR)$(UNIT) $(DESTDIR)$(DOC)/examples/

# The same DESTDIR and PREFIX; stores and mounts stay.
uninstall:
	rm -f $(DESTDIR)$(PREFIX)/bin/mdmfs $(DESTDIR)$(PREFIX)/lib/libmdmfs.a \
		$(DESTDIR)$(PREFIX)/share/man/man7/mdmfs.7 \
		$(DESTDIR)$(PREFIX)/share/man/man8/mdmfs.8 \
		$(DESTDIR)$(UNIT) $(DESTDIR)$(COMPLETION)/mdmfs \
		$(DESTDIR)$(ZSH)/_mdmfs
	rm -rf $(DESTDIR)$(PREFIX)/include/mdmfs $(DESTDIR)$(DOC)

# A Debian package, in build/.
deb: deps
	$(call need,$(DEB_PACKAGES))
	@rm -rf build/deb
	@$(MAKE) -s install DESTDIR=$(CURDIR)/build/deb PREFIX=/usr
	@sh examples/debian/build.sh $(CURDIR)/build/deb $(VERSION) \
		build/mdmfs_$(VERSION)_$$(dpkg --print-architecture).deb

# What is committed, as a tarball that builds.
dist:
	@mkdir -p build
	git archive --prefix=mdmfs-$(VERSION)/ -o build/mdmfs-$(VERSION).tar.gz HEAD

clean:
	rm -rf $(B)

-include $(shell find $(B) -name '*.d' 2>/dev/null)
