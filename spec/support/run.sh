#!/bin/bash
# run.sh — runs the whole suite: `spec/support/run.sh ORUN TEST_ORUN [busted
# arguments…]`, from the root of the tree.
#
# busted runs inside orun, in one process for each spec file: those of
# spec/unit/ and spec/graph/ in the test build, all others in the program people
# get. Several files run at a time, the longest first, and each has its own
# folder for temporary files, for what orun remembers, for its sockets, and its
# own HOME, so that no file sees what another one does.
#
# A failure is printed when it happens. The last line is `N passed, N failed`,
# the sum of all files; tests that need what is not here are counted above it. A
# file that crashes, hangs, exits badly or runs nothing counts as a failure, and
# so does each report of a sanitizer, whichever process wrote it, and each file
# of which a process is still there at its end.
#
#   VARIANT=asan|tsan|ubsan|valgrind   what the two programs are
#   ORUN_ONLY='board unit/sched'       only these specs: names, patterns of the
#                                      shell, paths, or folders of spec/
#   ORUN_JOBS=4                        how many files run at a time
#   ORUN_SLOWEST=20                    prints that many of the slowest tests
#   ORUN_SUITE_LIMIT=900               seconds for each file
set -uo pipefail
export LC_ALL=C.UTF-8

# What takes longest, for a first run; a later one knows the times of the last.
longest='soak/soak source/readme script/stops embed/embed command/signals
    fault/fault graph/graphs command/watch script/isolation
    lua/worktree/worktree script/http command/report_page mutants/mutants
    script/pristine script/resources script/programs script/secrets'

# These run after all others, one at a time, for the reason given.
alone=''

bin=$(realpath "$1"); test_bin=$(realpath "$2"); shift 2
arguments=("$@")
variant=${VARIANT:-}
build=build${variant:+/$variant}
times=$build/suite-times
jobs=${ORUN_JOBS:-$((2 * $(nproc)))}
[ -n "${ORUN_JOBS:-}" ] || [ "$jobs" -ge 4 ] || jobs=4
work=$(mktemp -d "${TMPDIR:-/tmp}/orun-suite.XXXXXX")
mkfifo "$work/bell"
exec 3<>"$work/bell"

export ORUN_BIN=$bin ORUN_TEST_BIN=$test_bin ORUN_VARIANT=$variant
export ORUN_ROOT=$PWD ORUN_LIB=$PWD/$build/liborun.a
export ORUN_PROGRESS=none # what specs look at is the scripts' own
unset LUA_INIT LUA_INIT_5_4 XDG_CONFIG_HOME ORUN_SPEC_TMP
# What a user may have set, and what a task of orun has.
unset ORUN_LOG ORUN_HISTORY ORUN_RECORD ORUN_SOCKET ORUN_TASK_TOKEN
slow=1
case $variant in
    asan) slow=4 ORUN_SAN=-fsanitize=address ;;
    tsan) slow=10 ORUN_SAN=-fsanitize=thread ;;
    ubsan) slow=3 ORUN_SAN=-fsanitize=undefined ;;
    valgrind) slow=30 ;;
esac
export ORUN_SLOW=${ORUN_SLOW:-$slow} ORUN_SAN=${ORUN_SAN:-}
limit=${ORUN_SUITE_LIMIT:-$((900 * slow))}

# ------------------------------------------------------- one file, in a process

# environment N : of file number N, exported.
environment() {
    local report=$work/$1.report
    mkdir "$work/$1" "$work/$1.home"
    export ORUN_SPEC_TMP=$work/$1 TMPDIR=$work/$1 XDG_RUNTIME_DIR=$work/$1
    export XDG_STATE_HOME=$work/$1/state HOME=$work/$1.home
    export ORUN_TALLY=$work/$1.tally ORUN_FAILURES=$work/$1.failures
    export ASAN_OPTIONS=detect_leaks=1:log_path=$report
    export TSAN_OPTIONS=exitcode=66:log_path=$report
    export UBSAN_OPTIONS=print_stacktrace=1:log_path=$report
    ORUN_WRAP=${ORUN_WRAP:-}
    if [ "$variant" = valgrind ]; then # some specs have a PATH of their own
        ORUN_WRAP="$(command -v valgrind) -q --error-exitcode=99"
        ORUN_WRAP+=" --leak-check=full"
        ORUN_WRAP+=" --errors-for-leak-kinds=definite"
        ORUN_WRAP+=" --show-leak-kinds=definite"
        ORUN_WRAP+=" --log-file=$report.%p"
    fi
    export ORUN_WRAP
}

# one N PROGRAM FILE : runs it; what comes of it is in files $work/N.*, and they
# are complete when there is $work/N.ended. A byte on descriptor 3 says: look.
one() {
    local n=$1 program=$2 file=$3 code p=0 f=0 s=0
    local start
    start=$(now)
    environment "$n"
    env --default-signal=INT,QUIT timeout -k 10 "$limit" $ORUN_WRAP "$program" \
        --no-history spec/support/suite.lua "${arguments[@]}" "$file" \
        </dev/null >"$work/$n.out" 2>&1 3>&-
    code=$?
    if [ -s "$work/$n.tally" ] && read -r p f s <"$work/$n.tally"; then
        if [ "$code" != 0 ] && [ "$f" = 0 ]; then
            failure "$n" "$file: all passed, yet it ended with code $code"
        elif [ $((p + f + s)) = 0 ] && [ ${#arguments[@]} = 0 ]; then
            failure "$n" "$file: no test ran"
        fi
    else
        failure "$n" "$file: ended with code $code in the middle$(of "$n")"
    fi
    reports "$n" "$file"
    strays "$n" "$file"
    { echo $(($(now) - start)) && times; } >"$work/$n.times"
    rm -rf "$work/$n" "$work/$n.home"
    : >"$work/$n.ended"
    printf x >&3
}

# now : milliseconds of some clock.
now() {
    echo $((${EPOCHREALTIME/./} / 1000))
}

# of N : what file N was doing, and the end of what it printed.
of() {
    [ ! -s "$work/$1.tally.now" ] || printf ' of:\n    %s' \
        "$(cat "$work/$1.tally.now")"
    printf '\n'
    tail -n 30 "$work/$1.out" | sed 's/^/    /'
}

# failure N TEXT : one more failure of file N, and why. What a test of busted
# fails with comes there, too, in one write each.
failure() {
    printf '%s\n' "$2" >>"$work/$1.failures"
    printf x >>"$work/$1.more"
}

# reports N FILE : what sanitizers wrote.
reports() {
    local report
    for report in "$work/$1".report.*; do
        [ ! -s "$report" ] || failure "$1" "$2: a report of $variant:
$(cat "$report")"
    done
}

# strays N FILE : processes that came from the file and do not end in 10 s.
strays() {
    local left
    for _ in {1..40}; do
        left=$(marked "/$1")
        [ -n "$left" ] || return 0
        sleep 0.25
    done
    failure "$1" "$2: still running at its end:
$(for pid in $left; do
    echo "    $pid: $(tr '\0' ' ' <"/proc/$pid/cmdline")"
done 2>/dev/null)"
    kill -KILL $left 2>/dev/null
}

# marked [/N] : the processes that came from file N, or from any.
marked() {
    local file
    for file in $(grep -lsz "^ORUN_SPEC_TMP=$work${1:-/[0-9]*}$" \
        /proc/[0-9]*/environ); do
        file=${file//[^0-9]/}
        [ ! -e "/proc/$file" ] || echo "$file"
    done
}

# ------------------------------------------------------------- chosen files

# chosen : all specs, or those of them that ORUN_ONLY names: by a path, the end
# of one, or a folder.
chosen() {
    local name names file own
    read -ra names <<<"${ORUN_ONLY:-}"
    find spec -name '*_spec.lua' | sort | while read -r file; do
        [ ${#names[@]} -gt 0 ] || echo "$file"
        for name in "${names[@]}"; do
            name=${name#./} name=${name#"$PWD"/} name=${name%/}
            name=${name%.lua} name=${name%_spec} name=${name#spec/}
            own=${file#spec/} own=${own%_spec.lua}
            case $own in
                $name | $name/* | */$name | */$name/*) echo "$file" && break ;;
            esac
            [ "$name" != spec ] || echo "$file"
        done
    done
}

# ordered FILE… : the longest first, by the times of the last run.
ordered() {
    local file name seconds
    for file; do
        name=${file#spec/} name=${name%_spec.lua}
        seconds=$(sed -n "s|^$name \([0-9]*\).*|\1|p" "$times" 2>/dev/null)
        [[ " $(echo $longest) " != *" $name "* ]] || : "${seconds:=60000}"
        ! is_alone "$file" || seconds=-1
        echo "${seconds:-5000} $file"
    done | sort -k 1,1nr -k 2
}

# --------------------------------------------------------------- while they run

passed=0 failed=0 skipped=0 done=0 running=() began=$SECONDS told=0 stopping=

# say TEXT : a line that stays, above the one that is rewritten.
say() {
    [ ! -t 1 ] || printf '\r\033[K'
    printf '%s\n' "$1"
}

clock() {
    printf '%d:%02d' $((($1) / 60)) $((($1) % 60))
}

# progress : how far it is; on a terminal in a line that is rewritten, else in a
# line now and then.
progress() {
    local text n names=
    [ -t 1 ] || [ $((SECONDS - told)) -ge 20 ] || return 0
    told=$SECONDS
    for n in "${!running[@]}"; do
        names+=" $(basename "${all[n]}" _spec.lua)"
    done
    text="$(clock $((SECONDS - began)))  $done of ${#all[@]} files,"
    text+=" $passed passed, $failed failed;$names"
    if [ -t 1 ]; then
        printf '\r\033[K%s' "${text:0:$((${COLUMNS:-80} - 1))}"
    else
        printf '%s\n' "$text"
    fi
}

# failures N : prints those of file N that have not been printed yet.
failures() {
    local file=$work/$1.failures from=${shown[$1]:-0} size
    [ -s "$file" ] || return 0
    size=$(stat -c %s "$file")
    [ "$size" -gt "$from" ] || return 0
    say "$(tail -c "+$((from + 1))" "$file" | head -c $((size - from)))"
    shown[$1]=$size
}

# ended N : adds what came of the file to the sum.
ended() {
    local p=0 f=0 s=0 more
    [ ! -s "$work/$1.tally" ] || read -r p f s <"$work/$1.tally"
    more=$(stat -c %s "$work/$1.more" 2>/dev/null)
    failures "$1"
    [ ${#arguments[@]} = 0 ] || say "$(cat "$work/$1.out")"
    passed=$((passed + p)) failed=$((failed + f + ${more:-0}))
    skipped=$((skipped + s))
    done=$((done + 1))
    unset "running[$1]"
}

# look : at what has ended, for a second at most.
look() {
    local n alive
    read -t 1 -rN 1 <&3
    for n in "${!running[@]}"; do
        kill -0 "${running[n]}" 2>/dev/null && alive=1 || alive=0
        if [ -e "$work/$n.ended" ]; then
            ended "$n"
        elif [ $alive = 0 ] && [ -z "$stopping" ]; then
            failure "$n" "${all[n]}: what ran it was killed"
            ended "$n"
        else
            failures "$n"
        fi
    done
    progress
}

# stop CODE : what was started is ended, gently and then not.
stop() {
    trap '' INT TERM HUP
    local left
    kill -KILL "${running[@]}" 2>/dev/null
    for _ in {1..20}; do
        left=$(marked)
        [ -n "$left" ] || break
        kill -TERM $left 2>/dev/null
        sleep 0.1
    done
    for _ in {1..20}; do
        left=$(marked)
        [ -n "$left" ] || break
        kill -KILL $left 2>/dev/null
        sleep 0.1
    done
    say "stopped: $passed passed, $failed failed so far"
    exit "$1"
}

# is_alone FILE : it is one of those that run when nothing else does.
is_alone() {
    local name=${1#spec/}
    [[ " $(echo $alone) " == *" ${name%_spec.lua} "* ]]
}

run_all() {
    local next=0 file program
    while [ "$next" -lt ${#all[@]} ] || [ ${#running[@]} -gt 0 ]; do
        while [ "$next" -lt ${#all[@]} ]; do
            file=${all[next]}
            if is_alone "$file"; then
                [ ${#running[@]} = 0 ] || break
            else
                [ ${#running[@]} -lt "$jobs" ] || break
            fi
            program=$bin
            case $file in spec/unit/* | spec/graph/*) program=$test_bin ;; esac
            one "$next" "$program" "$file" 2>/dev/null &
            disown
            running[next]=$!
            next=$((next + 1))
        done
        look
        [ -z "$stopping" ] || stop "$stopping"
    done
}

# --------------------------------------------------------------------- the end

# seconds_of FILE… : name, milliseconds, processor milliseconds of each.
seconds_of() {
    local n
    for n in "${!all[@]}"; do
        [ -s "$work/$n.times" ] || continue
        printf '%s ' "${all[n]}"
        tr '\n' ' ' <"$work/$n.times"
        echo
    done | sed 's|^spec/||; s|_spec.lua||' | awk '{
        split($5, u, "[ms]"); split($6, s, "[ms]")
        cpu = 60 * (u[1] + s[1]) + u[2] + s[2]
        printf "%s %d %d\n", $1, $2, 1000 * cpu }' | sort -k 2,2nr
}

# remember : the times of this run, beside those of files that it left out.
remember() {
    { seconds_of; cat "$times" 2>/dev/null || :; } |
        awk '!seen[$1]++' >"$work/new" && cp "$work/new" "$times" 2>/dev/null
}

# slowest N : prints the N slowest files and tests.
slowest() {
    echo
    echo "  seconds  processor  file"
    seconds_of | head -n "$1" | awk '{
        printf "%9.2f  %9.2f  %s\n", $2 / 1000, $3 / 1000, $1 }'
    echo
    echo "  seconds  test"
    for n in "${!all[@]}"; do
        [ ! -s "$work/$n.tally" ] ||
            tail -n +2 "$work/$n.tally" | sed "s|\t|\t${all[n]}: |"
    done | sort -k 1,1nr | head -n "$1" | awk -F '\t' '{
        printf "%9.2f  %s\n", $1, $2 }'
    echo
}

summary() {
    seconds_of | awk -v took=$((SECONDS - began)) '
        NR == 1 { name = $1; longest = $2 }
        { all += $2; cpu += $3 }
        END { printf "%d files in %d s (one after another: %d s), %d s of " \
              "processor time; the longest is %s, %d s\n", NR, took,
              all / 1000, cpu / 1000, name, longest / 1000 }'
    [ "$skipped" = 0 ] ||
        echo "$skipped tests need what is not here (\`pending\` says what)"
}

declare -A shown=()

main() {
    local name names found
    trap 'rm -rf "$work"' EXIT
    trap 'stopping=130' INT
    trap 'stopping=143' TERM HUP
    mapfile -t found < <(chosen)
    mapfile -t all < <(ordered "${found[@]}" | cut -d ' ' -f 2)
    read -ra names <<<"${ORUN_ONLY:-}"
    for name in "${names[@]}"; do
        [ -n "$(ORUN_ONLY=$name chosen)" ] || {
            say "run.sh: no spec is called '$name'"
            failed=$((failed + 1))
        }
    done
    run_all
    [ ! -t 1 ] || printf '\r\033[K'
    remember
    [ -z "${ORUN_SLOWEST:-}" ] || slowest "$ORUN_SLOWEST"
    [ ${#all[@]} = 0 ] || summary
    if [ $((passed + failed)) = 0 ]; then
        say "run.sh: no test ran"
        failed=1
    fi
    echo "$passed passed, $failed failed"
    [ "$failed" = 0 ]
}

main; exit # the whole of this text has been read by now: it may be changed
