#!/bin/sh
# fake.sh — stands in for an agent program in the specs, under its name.
#
# The first word of the prompt says what happens; without one it knows it
# answers. What it was called with is left in $FAKE_LOG: a line of arguments a
# call, and the prompt after it.
name=${0##*/}
prompt=$(cat)
if [ -n "$FAKE_LOG" ]; then
    { printf 'ARGS'; printf ' [%s]' "$@"; printf '\n%s\n' "$prompt"; } >>"$FAKE_LOG"
fi
for word; do # the system prompt, when it comes in a file
    [ -f "$word" ] && [ -n "$FAKE_LOG" ] && { printf 'FILE '; cat "$word"; echo; } >>"$FAKE_LOG"
done
case " $* " in
*" --resume "* | *" resume "* | *" -s ses"* | *" -r "*) case=resumed ;;
*) case=${prompt%%[!a-z0-9-]*} ;;
esac
. "$(dirname "$0")/$name.sh"
