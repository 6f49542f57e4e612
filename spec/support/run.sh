#!/bin/bash
# run.sh — runs the whole suite: `spec/support/run.sh ORUN TEST_ORUN [busted
# arguments…]`, from the root of the tree.
#
# busted runs inside orun, twice: spec/*_spec.lua and spec/regress with the
# program people get, spec/unit with the test build. busted prints its own
# summary each time; the last line here is the sum, `N passed, N failed`. A
# run that crashes, hangs, exits badly or runs nothing counts as a failure, and
# so does each report of a sanitizer, whichever process wrote it, and each
# process that is still there at the end.
#
#   VARIANT=asan|tsan|ubsan|valgrind   what the two programs are
#   ORUN_ONLY='board cli'              only the specs of these names
#   ORUN_SUITE_LIMIT=900               seconds for each of the two runs
set -uo pipefail

bin=$(realpath "$1"); test_bin=$(realpath "$2"); shift 2
variant=${VARIANT:-}
build=build${variant:+/$variant}
work=$(mktemp -d "${TMPDIR:-/tmp}/orun-suite.XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM

export ORUN_BIN=$bin ORUN_TEST_BIN=$test_bin ORUN_VARIANT=$variant
export ORUN_ROOT=$PWD ORUN_LIB=$PWD/$build/liborun.a
export ORUN_PROGRESS=none # what specs look at is the scripts' own
export ORUN_SPEC_TMP=$work TMPDIR=$work XDG_RUNTIME_DIR=$work LC_ALL=C.UTF-8
export XDG_STATE_HOME=$work/state
unset ORUN_LOG LUA_INIT LUA_INIT_5_4
report=$work/report slow=1
case $variant in
    asan)
        slow=4 ORUN_SAN=-fsanitize=address
        export ASAN_OPTIONS=detect_leaks=1:log_path=$report ;;
    tsan)
        slow=10 ORUN_SAN=-fsanitize=thread
        export TSAN_OPTIONS=exitcode=66:log_path=$report ;;
    ubsan)
        slow=3 ORUN_SAN=-fsanitize=undefined
        export UBSAN_OPTIONS=print_stacktrace=1:log_path=$report ;;
    valgrind)
        slow=30
        # Some specs have a PATH of their own.
        ORUN_WRAP="$(command -v valgrind) -q --error-exitcode=99"
        ORUN_WRAP+=" --leak-check=full"
        ORUN_WRAP+=" --errors-for-leak-kinds=definite"
        ORUN_WRAP+=" --show-leak-kinds=definite"
        ORUN_WRAP+=" --log-file=$report.%p" ;;
esac
export ORUN_SLOW=${ORUN_SLOW:-$slow} ORUN_SAN=${ORUN_SAN:-}
export ORUN_WRAP=${ORUN_WRAP:-}
limit=${ORUN_SUITE_LIMIT:-$((900 * slow))}

passed=0 failed=0

# run PROGRAM FILE… : one busted run, added to the sum.
run() {
    local program=$1 code counts p=0 f=0
    shift
    rm -f "$work/tally"
    ORUN_TALLY=$work/tally timeout -k 10 "$limit" $ORUN_WRAP "$program" \
        --no-history spec/support/suite.lua "${arguments[@]}" "$@" </dev/null
    code=$?
    if [ -s "$work/tally" ] && read -r p f <"$work/tally"; then
        passed=$((passed + p)) failed=$((failed + f))
        [ "$code" = 0 ] || [ "$f" -gt 0 ] ||
            fail "all passed, yet $program ended with code $code"
        [ $((p + f)) -gt 0 ] || fail "no test ran: $*"
    else
        fail "$program ended with code $code in the middle"
    fi
}

# chosen FOLDER… : the specs there, or those that ORUN_ONLY names.
chosen() {
    local name names
    read -ra names <<<"${ORUN_ONLY:-*}"
    for name in "${names[@]}"; do
        find "$@" -maxdepth 1 -name "${name}_spec.lua" 2>/dev/null
    done | LC_ALL=C sort -u
}

# fail TEXT… : one more failure, and why.
fail() {
    echo "run.sh: $*" >&2
    failed=$((failed + 1))
}

# strays : the processes that came from this run and are still there.
strays() {
    local file pid
    for file in $(grep -lsz "^ORUN_SPEC_TMP=$work$" /proc/[0-9]*/environ); do
        pid=${file//[^0-9]/}
        [ "$pid" = $$ ] || [ "$pid" = "$BASHPID" ] || [ ! -e "/proc/$pid" ] ||
            tr '\0' ' ' <"/proc/$pid/cmdline" | sed "s/^/$pid: /;s/$/\n/"
    done 2>/dev/null
}

arguments=("$@")
mapfile -t whole < <(chosen spec spec/regress)
mapfile -t unit < <(chosen spec/unit)
[ ${#whole[@]} = 0 ] || run "$bin" "${whole[@]}"
[ ${#unit[@]} = 0 ] || run "$test_bin" "${unit[@]}"
[ $((passed + failed)) -gt 0 ] || fail "no test ran"

for file in "$report".*; do
    [ -s "$file" ] || continue
    cat "$file" >&2
    fail "a report of $variant (above)"
done
for _ in 1 2 3 4 5 6 7 8 9 10; do
    left=$(strays)
    [ -n "$left" ] || break
    sleep 0.3
done
[ -z "$left" ] || fail "still running at the end: $left"

echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
