#!/bin/sh
# abi.sh — has the ABI of a shared library only grown since abi.xml?
#
#   spec/embed/abi.sh LIBRARY            fails, and says what a host would miss
#   spec/embed/abi.sh --renew LIBRARY    a release: abi.xml is what it is now
#
# Only what orun.h and orun_lua.h declare counts; abi.suppr says what may grow.
set -eu

here=$(dirname "$0")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# write LIBRARY FILE
write() {
    mkdir -p "$work/headers"
    cp "$here"/../../runtime/orun.h "$here"/../../runtime/orun_lua.h \
        "$work/headers"
    abidw --exported-interfaces-only --drop-private-types \
        --headers-dir "$work/headers" --no-corpus-path --no-comp-dir-path \
        --no-elf-needed --no-show-locs --out-file "$2" "$1"
}

if [ "$1" = --renew ]; then
    write "$2" "$here/abi.xml"
else
    write "$1" "$work/abi.xml"
    abidiff --no-added-syms --suppressions "$here/abi.suppr" "$here/abi.xml" \
        "$work/abi.xml"
fi
