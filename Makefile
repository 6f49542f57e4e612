# Makefile — builds orun and runs everything that checks it; see `make help`.
#
# It has two halves. What people call is in the first: each target makes sure
# of its packages, then calls make again for the files, which the second half
# knows how to build (IN_BUILD; by then pkg-config can answer). A VARIANT
# (asan, tsan, ubsan) is the same build with other flags in build/VARIANT.

VARIANT ?=
LUA     ?= lua5.4
PREFIX  ?= /usr/local
LIBDIR  ?= $(PREFIX)/lib
# Where Lua looks for modules in C, as orun.so is one.
LUA_CMOD ?= $(LIBDIR)/lua/5.4
VERSION := $(shell \
    sed -n 's/^\#define ORUN_VERSION "\(.*\)"/\1/p' runtime/base/version.h)
JOBS    ?= $(shell nproc 2>/dev/null || echo 2)

BUILD := build$(if $(VARIANT),/$(VARIANT))
ORUN  := $(if $(VARIANT),$(BUILD)/orun,orun)
TORUN := $(BUILD)/test/orun
PLACE := PREFIX='$(PREFIX)' DESTDIR='$(DESTDIR)' LIBDIR='$(LIBDIR)' \
    LUA_CMOD='$(LUA_CMOD)' .ci/install

ifndef IN_BUILD
# ---------------------------------------------------------------- for people

.NOTPARALLEL:
.DEFAULT_GOAL := all
# All processors build, unless this make was told how many (`make -j4`): then
# the one below shares its jobs (as the + before a line lets it), and may not
# be told another number.
SUB   = $(MAKE) --no-print-directory IN_BUILD=1 $(if \
    $(filter -j% --jobserver%,$(MAKEFLAGS)),,-j$(JOBS))
# What make tells the makes below it is not for those that a script calls.
ALONE = env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL
# What scripts leave in their folder for temporary files goes at the end.
IN_TMP = tmp=$$(mktemp -d) && trap 'rm -rf "$$tmp"' EXIT && \
    trap 'exit 130' INT TERM && export TMPDIR=$$tmp XDG_STATE_HOME=$$tmp &&
SUITE = VARIANT=$(VARIANT) $(if $(T),ORUN_ONLY='$(T)') $(ALONE) $(OWN_LUA) \
    spec/support/run.sh $(ORUN) $(TORUN)
# A Lua of your own looks for modules below its own prefix, where busted is not,
# and pkg-config does not know it: $(BUILD)/pc (below) says what LUA= is.
ifneq ($(wildcard $(LUA)/include/lua.h),)
OWN_LUA = PKG_CONFIG_PATH=$(CURDIR)/$(BUILD)/pc \
    LUA_PATH='/usr/share/lua/5.4/?.lua;/usr/share/lua/5.4/?/init.lua;;' \
    LUA_CPATH="/usr/lib/$$($(CC) -print-multiarch)/lua/5.4/?.so;;"
endif

.PHONY: all
all: deps-build ## Build ./orun, the test build and the libraries (default).
	+@$(SUB) files

.PHONY: demo
demo: deps-build ## Look at this source tree with eleven parallel tasks.
	+@$(SUB) orun
	./orun --report short --events build/demo.jsonl examples/demo.lua
	@printf '\n%s\n' 'What to do next, in this folder:'
	@printf '  %s\n' \
	    './orun examples/01-hello.lua      # the smallest script' \
	    './orun examples/02-fan_out.lua    # many tasks at once' \
	    './orun report build/demo.jsonl    # how that run went ...' \
	    './orun report build/demo.jsonl --html build/demo.html' \
	    './orun --help'

.PHONY: test
test: deps-build-test ## Every spec and example; T='cli unit/sched' some.
	+@$(SUB) files fuzzers
	@$(SUITE)

.PHONY: asan tsan ubsan
asan: ## The same under the address sanitizer (and its leak check).
tsan: ## The same under the thread sanitizer.
ubsan: ## The same under the undefined-behaviour sanitizer.
asan tsan ubsan:
	@$(MAKE) --no-print-directory VARIANT=$@ test

.PHONY: valgrind
valgrind: deps-valgrind ## The same under valgrind.
	@$(MAKE) --no-print-directory VARIANT=$@ test

C_FILES = find runtime spec examples -name '*.[ch]'
.PHONY: lint
lint: deps-build-test-lint ## No warnings, luacheck, how the source is written.
	+@$(SUB) files lint
	@$(C_FILES) | xargs clang-format-19 --dry-run -Werror
	luacheck -q lua stdlib examples spec
	@ORUN_ONLY='layers style editors' $(SUITE)

.PHONY: format
format: deps-lint ## Lay out the C code as .clang-format says.
	@$(C_FILES) | xargs clang-format-19 -i

.PHONY: analyze
analyze: deps-build-analyze ## clang's check of locks and roles, cppcheck.
	+@$(SUB) analyze

.PHONY: compdb
compdb: deps-build ## Write compile_commands.json, for editors (clangd).
	+@$(SUB) compdb

.PHONY: docs
docs: deps-build ## Write man pages, HTML manual, types to build/docs.
	+@$(SUB) manual

.PHONY: pictures
pictures: deps-test ## Make the pictures of README.md.
	+@$(SUB) orun
	PATH="$(CURDIR):$$PATH" orun -q spec/pictures/pictures.lua spec/pictures

ANCHORS := anchor hash keep
bench soak fault mutants perfcheck: export ORUN_PROGRESS := none
.PHONY: perfcheck
perfcheck: deps-build-valgrind ## Hold counts of instructions to spec/counts.
	+@$(SUB) orun
	@./orun --no-history spec/counts/counts.lua $(if $(UPDATE),--update)

.PHONY: bench
bench: deps-build ## Measure (spec/bench): ratios in one run; QUICK=1 is short.
	+@$(SUB) orun $(ANCHORS:%=build/bench/%)
	XDG_STATE_HOME=$(CURDIR)/build/bench/state QUICK=$(QUICK) \
	    ./orun spec/bench/bench.lua

.PHONY: soak
soak: deps-build-test ## Every promise (spec/soak), for long; count losses.
	+@$(SUB) files
	@$(IN_TMP) ./orun spec/soak/soak.lua $(ONLY)

.PHONY: fault
fault: deps-build-test ## Have the n-th allocation fail, for every n.
	+@$(SUB) files
	@$(IN_TMP) ORUN_BIN=$(CURDIR)/$(ORUN) ORUN_TEST_BIN=$(CURDIR)/$(TORUN) \
	    ./$(ORUN) spec/fault/fault.lua $(ONLY)

.PHONY: mutants
mutants: deps-build-test ## Mistakes put into the scheduler are noticed.
	+@$(IN_TMP) $(SUB) mutants

.PHONY: fuzz
fuzz: deps-build-fuzz ## Hostile bytes, SECONDS=60 for each target.
	+@$(SUB) VARIANT=libfuzzer CC=clang fuzz

.PHONY: fresh
fresh: ## Both commands on new systems, Debian 12 and 13; as root.
	@.ci/fresh bookworm
	@.ci/fresh trixie
.PHONY: fresh-debs
fresh-debs: ## Debian packages: made, used and removed on new systems.
	@.ci/fresh bookworm --debs
	@.ci/fresh trixie --debs

.PHONY: install uninstall
install: deps-build ## Copy program, libraries, headers, module below PREFIX.
	+@$(SUB) install
uninstall: ## Remove what install put there.
	@$(PLACE) remove

.PHONY: dist distcheck
dist: ## Write the source as build/orun-VERSION.tar.gz, for places without git.
	@.ci/dist build/orun-$(VERSION).tar.gz
distcheck: ## Both commands in what such a file unpacks to.
	@$(IN_TMP) $(ALONE) .ci/dist check

.PHONY: deb
deb: deps-build-deb ## Write Debian packages to build/deb, from what dist has.
	@$(ALONE) .ci/deb make build/deb

.PHONY: clean
clean: ## Remove everything that was built.
	rm -rf build orun compile_commands.json

.PHONY: help
help: ## List the targets.
	@sed -n 's/^\([a-z-]*\):.*## /\1	/p' Makefile | expand -t 12

# deps-build-test: the packages of the groups build and test.
deps-%:
	@LUA=$(LUA) .ci/deps $(subst -, ,$*)

# A file by its name: `make build/liborun.a`.
build/%: deps-build FORCE
	+@$(SUB) $@
.PHONY: orun
orun: deps-build
	+@$(SUB) $@
FORCE:

else
# ------------------------------------------------------------------ the files

# LUA is a pkg-config name, or the prefix of a Lua built from source.
ifneq ($(wildcard $(LUA)/include/lua.h),)
LUA_CFLAGS := -I$(LUA)/include
LUA_LIB    := $(LUA)/lib/liblua.a
LUA_LINK   := $(LUA_LIB) -ldl
LUA_PC     := $(BUILD)/pc/lua5.4.pc
else
LUA_CFLAGS := $(shell pkg-config --cflags $(LUA))
LUA_LINK   := $(shell pkg-config --libs $(LUA))
LUA_LIB    := $(patsubst -l%,-l:lib%.a,$(LUA_LINK))
endif
CJSON_CFLAGS := $(shell pkg-config --cflags lua5.4-cjson)
# Without Lua itself, which is another one if it is your own.
CJSON_LINK   := $(filter -L% %cjson,$(shell pkg-config --libs lua5.4-cjson))

# libuv's archive has two names; where there is neither, its library is linked.
archive = $(wildcard $(shell $(CC) -print-file-name=lib$(1).a))
UV_LIB := $(if $(call archive,uv_a),-l:libuv_a.a,$(if \
    $(call archive,uv),-l:libuv.a,-luv))

# The thread sanitizer follows setjmp and longjmp, but not the other names of
# longjmp: Lua, which raises errors with it, is given the one it follows.
ifeq ($(VARIANT),tsan)
LUA_FILE := $(shell $(CC) -print-file-name=$(LUA_LIB:-l:%=%))
LUA_LIB  := $(BUILD)/liblua.a
LUA_MADE := $(LUA_LIB)
endif

# libyaml has no way to be given an allocator: it gets ours as it is linked.
YAML_FILE := $(shell $(CC) -print-file-name=libyaml.a)
YAML_LIB  := $(BUILD)/libyaml.a

# Libraries that go into liborun.a with the objects that call them, as one
# object of which only these objects' own names are visible: a program with
# orun inside may use another version of such a library, or export all it has.
PRIVATE      := base/digest \
    $(addprefix store/store_,database schema sqlite)
PRIVATE_LIBS := -l:libmd.a -l:libsqlite3.a

CC     ?= cc
CFLAGS ?= -O2 -g
# What gcc 14 refuses no other compiler takes.
WARN   := -Wall -Wextra -Wshadow -Werror=implicit-function-declaration \
    -Werror=implicit-int -Werror=incompatible-pointer-types \
    -Werror=int-conversion
SAN_asan  := -fsanitize=address -fno-omit-frame-pointer
SAN_tsan  := -fsanitize=thread
SAN_ubsan := -fsanitize=undefined -fno-sanitize-recover=undefined
SAN_libfuzzer := -fsanitize=fuzzer-no-link,address,undefined \
    -fno-sanitize-recover=undefined
SAN := $(SAN_$(VARIANT))$(if $(VARIANT), -O1 -DORUN_MALLOC_STATES)
# -iquote: our sched.h must not hide the system's.
CPPFLAGS += -D_GNU_SOURCE -iquote runtime $(LUA_CFLAGS) $(CJSON_CFLAGS) \
    $(shell pkg-config --cflags libuv libcurl)
# The same objects make the program, the archive and the shared library. An
# error that a Lua built as C++ throws passes through them.
SHARED  := -fPIC -fvisibility=hidden -fexceptions
COMPILE = $(CC) -std=c11 $(CPPFLAGS) $(CFLAGS) $(SHARED) $(SAN) $(WARN) \
    -MMD -MP -c

# All of Lua goes in, and its names (and ours) are visible to C modules.
LINK = $(CC) $(CFLAGS) $(SAN) $(LDFLAGS)
LIBS = -Wl,--whole-archive $(LUA_LIB) -Wl,--no-whole-archive \
    -l:liblua5.4-cjson.a $(YAML_LIB) $(PRIVATE_LIBS) $(UV_LIB) -lm -ldl -lrt \
    -pthread
EXPORT := -Wl,--export-dynamic-symbol=lua_* \
    -Wl,--export-dynamic-symbol=luaL_* -Wl,--export-dynamic-symbol=luaopen_* \
    -Wl,--export-dynamic-symbol=orun_*

# The folders of runtime/ that are not in the library: supervisor/ is a program
# of its own, with what it needs of base/, and cli/ is the command's.
# Each file has a name of its own, whatever its folder: archives know no more.
ALL     := $(sort $(shell find runtime -name '*.c'))
HEADERS := $(sort $(shell find runtime -name '*.h'))
SUPERVISOR := $(filter runtime/supervisor/%,$(ALL))
GROUND  := $(addprefix runtime/base/,base.c buf.c leftover.c mem.c)
COMMAND := $(filter runtime/cli/%,$(ALL))
TESTLIB := $(sort $(wildcard spec/native/*.c))
BUNDLER := runtime/vm/bundle_make.c runtime/vm/bundle_method.c
SOURCES := $(filter-out $(COMMAND) $(BUNDLER) $(SUPERVISOR),$(ALL))
# lua/X/Y.lua is the module orun.X.Y, lua/X/init.lua is orun.X, and lua/X/Y.css
# is orun.X.Y.css, which is the text of that file.
MODULES := $(sort $(shell find lua stdlib -name '*.lua' -o -name '*.css' \
    -o -name '*.html' -o -name '*.js' -o -path '*/text/*' -type f))
module  = orun.$(subst /,.,$(patsubst %/init,%,$(patsubst stdlib/%,%,$(patsubst\
    lua/%,%,$(patsubst %.lua,%,$(1))))))
# What the manual is made of, as text: lua/X.md is orun.page.lua.X.md.
PAGES   := README.md $(sort $(wildcard lua/*.md)) \
    $(addsuffix /README.md,stdlib examples runtime) \
    runtime/embedding.md runtime/orun.h runtime/orun_lua.h
page    = orun.page.$(subst /,.,$(1))
MADE    := supervisor_image bundle build_id

# objects FILES : what FILES of runtime/ become.
objects = $(patsubst runtime/%.c,$(1)/%.o,$(2))
MADE_O   := $(MADE:%=$(BUILD)/%.o)
PRIVATE_O := $(PRIVATE:%=$(BUILD)/objects/%.o)
OBJECTS  := $(filter-out $(PRIVATE_O),$(call objects,$(BUILD)/objects,\
    $(SOURCES))) $(BUILD)/private.o $(MADE_O)
TOBJECTS := $(call objects,$(BUILD)/test,$(COMMAND) $(SOURCES)) \
    $(TESTLIB:spec/native/%.c=$(BUILD)/test/native/%.o) $(MADE_O)

.DELETE_ON_ERROR:
.DEFAULT_GOAL := files
ifndef V # `make V=1` shows the commands.
.SILENT:
endif

# The Lua of the program, of which C modules are given two functions by
# foreign.c, and whose states take their seed from vm_seed.c: what lstate.o
# hashes is nothing else.
LUA_OWN   := $(BUILD)/liblua-orun.a
LUA_NAMED := $(if $(filter -l:%,$(LUA_LIB)),$(shell \
    $(CC) -print-file-name=$(LUA_LIB:-l:%=%)),$(LUA_LIB))

$(ORUN): $(call objects,$(BUILD)/objects,$(COMMAND)) $(BUILD)/liborun.a | \
    $(LUA_OWN) $(YAML_LIB)
	@echo '  link  $@'
	$(LINK) -o $@ $^ $(EXPORT) $(subst $(LUA_LIB),$(LUA_OWN),$(LIBS))

$(TORUN): $(TOBJECTS) $(BUILD)/.list | $(LUA_OWN) $(YAML_LIB)
	@echo '  link  $@'
	$(LINK) -o $@ $(filter %.o,$^) $(EXPORT) \
	    $(subst $(LUA_LIB),$(LUA_OWN),$(LIBS))

$(LUA_OWN): $(BUILD)/.flags | $(LUA_MADE)
	objcopy --redefine-sym lua_resume=lua_resume_plain \
	    --redefine-sym lua_pcallk=lua_pcallk_plain $(LUA_NAMED) $@
	rm -rf $(BUILD)/state && mkdir $(BUILD)/state
	cd $(BUILD)/state && ar x ../$(@F) lstate.o && \
	    objcopy --redefine-sym luaS_hash=vm_seed_make lstate.o && \
	    ar r ../$(@F) lstate.o

# lua-cjson and what is used of libyaml go in, so that who links liborun.a adds
# Lua and libuv only.
CJSON_LIB := $(shell $(CC) -print-file-name=liblua5.4-cjson.a)
YAML_USED := api.o reader.o scanner.o parser.o
$(BUILD)/liborun.a: $(OBJECTS) $(YAML_LIB) $(BUILD)/.list
	@echo '  ar    $@'
	rm -rf $@ $(BUILD)/others
	mkdir $(BUILD)/others
	cd $(BUILD)/others && ar x $(CJSON_LIB) && ar x ../libyaml.a $(YAML_USED)
	ar rcs $@ $(OBJECTS) $(BUILD)/others/*.o

# What programs link (-lorun), and what Lua loads (require "orun"): one file.
# Only what its list names leaves it. It stays in the process to its end, for it
# has threads and a signal's handler. With a Lua of your own, which is an
# archive, the program that loads it must export Lua's names.
SONAME   := liborun.so.0
SO       := $(BUILD)/$(SONAME).$(VERSION)
SO_LIBS  := $(if $(LUA_PC),,$(LUA_LINK) $(if $(SAN),,-Wl,-z,defs)) \
    $(CJSON_LINK) -luv -lm -ldl -lrt -pthread
SO_FLAGS := -shared -Wl,-soname,$(SONAME) \
    -Wl,--version-script=runtime/embed/liborun.map \
    -Wl,-z,nodelete -Wl,-z,now -Wl,-z,relro
$(SO): $(OBJECTS) $(YAML_LIB) runtime/embed/liborun.map $(BUILD)/.list
	@echo '  link  $@'
	$(LINK) $(SO_FLAGS) -o $@ $(filter %.o,$^) $(YAML_LIB) $(SO_LIBS)
	ln -sf $(@F) $(BUILD)/$(SONAME)
	mkdir -p $(BUILD)/module
	ln -sf ../$(SONAME) $(BUILD)/module/orun.so

$(BUILD)/private.o: $(PRIVATE_O)
	@echo '  link  $@'
	nm -g --defined-only $^ | sed -n 's/^[0-9a-f]* [A-Z] //p' >$(BUILD)/names
	$(CC) -nostdlib -r -o $@ $^ $(PRIVATE_LIBS)
	objcopy --keep-global-symbols=$(BUILD)/names $@

$(YAML_LIB): $(YAML_FILE) $(BUILD)/.flags
	objcopy --redefine-sym malloc=mem_alloc --redefine-sym free=mem_free \
	    --redefine-sym realloc=mem_realloc \
	    --redefine-sym strdup=lib_yaml_strdup $< $@

$(BUILD)/objects/%.o: runtime/%.c $(BUILD)/.flags
	@echo '  cc    $@'
	mkdir -p $(@D)
	$(COMPILE) -o $@ $<

$(BUILD)/test/%.o: runtime/%.c $(BUILD)/.flags
	@echo '  cc    $@'
	mkdir -p $(@D)
	$(COMPILE) -DORUN_TEST -o $@ $<

$(BUILD)/test/native/%.o: spec/native/%.c $(BUILD)/.flags
	@echo '  cc    $@'
	mkdir -p $(@D)
	$(COMPILE) -DORUN_TEST -o $@ $<

$(BUILD)/%.o: $(BUILD)/%.c
	@echo '  cc    $@'
	$(COMPILE) -o $@ $<

# Small, and without a sanitizer whatever the variant: it shares its memory
# with the children it starts.
$(BUILD)/supervisor: $(SUPERVISOR) $(GROUND) $(HEADERS) $(BUILD)/.flags
	@echo '  link  $@'
	$(CC) -std=c11 -D_GNU_SOURCE -iquote runtime -Os -s $(WARN) \
	    -ffunction-sections -Wl,--gc-sections -o $@ $(SUPERVISOR) \
	    $(GROUND)

# What the figures of `make bench` are held against.
$(BUILD)/bench/anchor: spec/bench/anchor.c $(BUILD)/.flags
	@echo '  link  $@'
	mkdir -p $(@D)
	$(CC) -std=c11 -D_GNU_SOURCE $(LUA_CFLAGS) -O2 -g $(WARN) -o $@ $< \
	    $(LUA_LIB) -lm -ldl -pthread

$(BUILD)/bench/hash $(BUILD)/bench/keep: $(BUILD)/bench/%: \
    spec/bench/%.c $(BUILD)/liborun.a
	@echo '  link  $@'
	mkdir -p $(@D)
	$(CC) -std=c11 $(CPPFLAGS) -O2 -g $(WARN) -o $@ $^ $(LIBS)

# One program a file of spec/fuzz: with libFuzzer, or with a driver that is
# the same everywhere. Of what is not in the library each names what it needs.
LIBFUZZER := $(filter libfuzzer,$(VARIANT))
FUZZ      := $(filter-out driver,$(patsubst spec/fuzz/%.c,%, \
    $(wildcard spec/fuzz/*.c)))
FUZZERS   := $(FUZZ:%=$(BUILD)/fuzz/%)
$(BUILD)/fuzz/spawn: $(BUILD)/objects/supervisor/spawn.o
$(BUILD)/fuzz/options: $(BUILD)/objects/cli/options.o \
    $(BUILD)/objects/cli/command.o
$(FUZZERS): $(BUILD)/fuzz/%: $(BUILD)/fuzz/%.o $(BUILD)/liborun.a \
    $(if $(LIBFUZZER),,$(BUILD)/fuzz/driver.o) | $(LUA_MADE) $(YAML_LIB)
	@echo '  link  $@'
	$(LINK) $(if $(LIBFUZZER),-fsanitize=fuzzer) -o $@ $(filter %.o,$^) \
	    $(BUILD)/liborun.a $(LIBS)

$(BUILD)/fuzz/%.o: spec/fuzz/%.c $(BUILD)/.flags
	@echo '  cc    $@'
	mkdir -p $(@D)
	$(COMPILE) -o $@ $<

$(BUILD)/bundle_make: $(BUNDLER) runtime/vm/bundle_method.h $(BUILD)/.flags
	@echo '  link  $@'
	$(CC) -std=c11 -D_GNU_SOURCE -iquote runtime -O1 -g $(WARN) -o $@ \
	    $(BUNDLER)

$(BUILD)/supervisor_image.c: $(BUILD)/bundle_make $(BUILD)/supervisor
	@echo '  make  $@'
	$(BUILD)/bundle_make --bytes supervisor_image $(BUILD)/supervisor $@

$(BUILD)/bundle.c: $(BUILD)/bundle_make $(MODULES) $(PAGES) $(BUILD)/.list
	@echo '  make  $@'
	$(BUILD)/bundle_make $@ \
	    $(foreach f,$(MODULES),$(call module,$f)=$f) \
	    $(foreach f,$(PAGES),$(call page,$f)=$f)

# Two programs of the same source and flags have the same.
$(BUILD)/build_id.c: $(ALL) $(HEADERS) $(MODULES) $(BUILD)/.flags
	@echo '  make  $@'
	printf 'const char build_id[] = "%s";\n' \
	    "$$(cat $^ | cksum | tr ' ' '-')" >$@

$(BUILD)/liblua.a: $(BUILD)/.flags
	@echo '  make  $@'
	objcopy --redefine-sym __longjmp_chk=longjmp $(LUA_FILE) $@
	objcopy --redefine-sym _longjmp=longjmp $@

# Two notes of how the last build was made: when the flags or the list of
# files have changed, what depends on them is made again.
note = mkdir -p $(BUILD)/test; \
    echo '$(1)' | cmp -s - $@ || echo '$(1)' >$@
$(BUILD)/.flags: FORCE
	$(call note,$(COMPILE) $(LINK) $(EXPORT) $(LIBS) $(SO_FLAGS) \
	    $(SO_LIBS))
$(BUILD)/.list: FORCE
	$(call note,$(MODULES) $(PAGES) $(OBJECTS) $(TOBJECTS))
FORCE:

.PHONY: files lint compdb analyze install mutants fuzzers fuzz
fuzzers: $(FUZZERS) ;
files: $(ORUN) $(TORUN) $(BUILD)/liborun.a $(SO) $(LUA_PC) ;
$(LUA_PC): $(BUILD)/.flags
	mkdir -p $(@D)
	printf '%s\n' 'Name: Lua' 'Description: LUA=$(LUA)' 'Version: 5.4' \
	    'Cflags: $(LUA_CFLAGS)' 'Libs: $(LUA_LINK) -lm' >$@
CHECKED := $(ALL) $(TESTLIB) $(sort $(wildcard spec/fuzz/*.c))
lint:
	@echo '  cc -Werror'
	for f in $(CHECKED); do $(CC) -std=c11 $(CPPFLAGS) $(WARN) -O2 \
	    -DORUN_TEST -Werror -c -o /dev/null $$f || exit 1; done

# Each file as the test build compiles it, which has all of every file.
COMPDB ?= compile_commands.json
compdb:
	@echo '  make  $(COMPDB)'
	compile='$(subst ",\",$(subst \,\\,$(COMPILE)))'; sep='['; \
	for f in $(ALL) $(TESTLIB); do \
	    printf '%s\n{"directory": "%s", "file": "%s",' \
	        "$$sep" '$(CURDIR)' "$$f"; \
	    o=$${f#*/}; printf ' "command": "%s -DORUN_TEST -o %s %s"}' \
	        "$$compile" "$(BUILD)/test/$${o%.c}.o" "$$f"; \
	    sep=,; done >$(COMPDB)
	printf '\n]\n' >>$(COMPDB)

# What libFuzzer finds worth keeping goes to the build folder; spec/fuzz has
# what is kept of that. A state of Lua that is kept from run to run looks like a
# leak; that there is none the suite shows under the address sanitizer.
SECONDS ?= 60
fuzz: fuzzers
	for name in $(or $(ONLY),$(FUZZ)); do \
	    echo "fuzz $$name, $(SECONDS) s"; \
	    kept=$(BUILD)/corpus/$$name; mkdir -p $$kept; \
	    $(BUILD)/fuzz/$$name -max_total_time=$(SECONDS) -timeout=20 \
	        -max_len=4096 -rss_limit_mb=2048 -print_final_stats=1 \
	        -verbosity=0 -detect_leaks=0 -artifact_prefix=$(BUILD)/$$name- \
	        $$kept spec/fuzz/corpus/$$name || exit 1; done

# Each is compiled and linked as the test build is.
mutants: files
	MUTANT_COMPILE='$(COMPILE) -DORUN_TEST' MUTANT_LINK='$(LINK)' \
	MUTANT_LIBS='$(EXPORT) $(subst $(LUA_LIB),$(LUA_OWN),$(LIBS))' \
	MUTANT_OBJECTS='$(TOBJECTS)' \
	    ./$(ORUN) spec/mutants/mutants.lua

analyze:
	for f in $(CHECKED); do clang -std=c11 $(CPPFLAGS) -DORUN_TEST $(WARN) \
	    -Wthread-safety -Werror -fsyntax-only $$f || exit 1; done
	cppcheck -q --std=c11 --enable=warning,performance,portability \
	    --library=lua --inline-suppr --error-exitcode=1 -Iruntime \
	    -Ispec/native $(CHECKED)

DOCS := $(addprefix $(BUILD)/docs/,orun.1 orun.3 orun-lua.3 orun.html \
    orun.d.lua)
.PHONY: manual
manual: $(DOCS) ;
$(DOCS) &: $(ORUN)
	mkdir -p $(@D)
	$(abspath $(ORUN)) help --write $(@D)

# Only what is installed is built, which the test build is not.
install: $(ORUN) $(BUILD)/liborun.a $(SO) runtime/orun.h runtime/orun_lua.h \
    $(wildcard runtime/cli/shell/orun.*) $(DOCS) $(BUILD)/orun.pc
	$(PLACE) put $^
# As a rock (orun-scm-1.rockspec): luarocks gives the folders.
.PHONY: rock rock-install
rock: $(ORUN) $(SO) ;
rock-install: rock
	install -s -m 755 -D $(SO) '$(ROCK_LIB)/orun.so'
	install -s -m 755 -D $(ORUN) '$(ROCK_BIN)/orun'

PC = $(BUILD)/orun.pc
$(PC): FORCE
	mkdir -p $(@D)
	printf '%s\n' 'prefix=$(PREFIX)' 'libdir=$(LIBDIR)' \
	    'includedir=$(PREFIX)/include' 'lua_cmod=$(LUA_CMOD)' '' \
	    'Name: orun' 'Description: parallel work from Lua and C' \
	    'Version: $(VERSION)' \
	    'Requires.private: $(if $(LUA_PC),,$(LUA)) libuv' \
	    'Cflags: -I"$${includedir}"' 'Libs: -L"$${libdir}" -lorun' \
	    'Libs.private: $(if $(LUA_PC),$(LUA_LINK)) -lm -ldl -lrt -pthread' \
	    >$@

-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)
endif
