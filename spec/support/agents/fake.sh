# fake.sh — what the stand-ins for agent programs share; each of them reads it.
#
# They print what the programs print (line for line as the real ones were seen
# to), and cost nothing. What comes is named by FAKE, "ok" unless it is set:
#
#   FAKE        the outcome: a word that the stand-in's own file lists
#   FAKE_LOG    a file that gets a line of each argument, and "< " and a line of
#               the prompt
#   FAKE_GATE   a pipe with a name: the first run ends when a line comes from it
#   FAKE_STATE  a folder for sessions: what they have cost, by their ids
#
# An outcome "a:b" is "a" for the first run and "b" for one that resumes a
# session.

log() {
  [ -z "${FAKE_LOG:-}" ] || printf '%s\n' "$@" >>"$FAKE_LOG"
}

# A text as the inside of a JSON string.
quoted() {
  printf '%s' "$1" | sed -e 's/\\/\\\\/g' -e 's/"/\\"/g' -e 's/\t/\\t/g' \
    | sed -e ':a' -e 'N' -e '$!ba' -e 's/\n/\\n/g'
}

# The outcome of this run; $1: the session that is resumed, "" when none is.
outcome() {
  fake=${FAKE:-ok}
  case $fake in
    *:*) if [ -n "$1" ]; then fake=${fake#*:}; else fake=${fake%%:*}; fi ;;
  esac
}

# Count one more turn of session $1 in $turns, which are those of all its runs.
turn() {
  turns=1
  [ -n "${FAKE_STATE:-}" ] || return 0
  [ ! -e "$FAKE_STATE/$1" ] || turns=$(($(cat "$FAKE_STATE/$1") + 1))
  echo "$turns" >"$FAKE_STATE/$1"
}

# Stay until a line comes through the gate, if there is one.
hold() {
  [ -z "${FAKE_GATE:-}" ] || read -r _ <"$FAKE_GATE"
}

# Stay until a signal comes, with a child in a session of its own.
stay() {
  setsid sleep 1000 &
  child=$!
  log "program $$" "child $child"
  wait
}

# Outcomes that any program has; false when $fake is none of them.
common() {
  case $fake in
    kill) kill -KILL $$ ;;
    segv) kill -SEGV $$ ;;
    silent) exit 0 ;;
    deaf) trap '' TERM; stay; stay ;;
    closed) exec >&- 2>&-; exec sleep 0.1 ;;
    stopped) kill -STOP $$; exit 0 ;;
    grandchild) sleep 1000 & fake=ok; return 1 ;;
    group) trap '' TERM; kill 0; fake=ok; return 1 ;;
    flood)
      head -c 20000000 /dev/zero | tr '\0' x; echo
      fake=ok; return 1 ;;
    noise)
      printf 'warning: \377\000 {\r\n{"type": 7}\n[1]\n{"type"\n\n'
      fake=ok; return 1 ;;
    chatter)
      i=0
      while [ $i -lt 3000 ]; do
        echo "chatter $i of a program that is about to fail"
        i=$((i + 1))
      done >&2
      echo "the reason" >&2
      exit 3 ;;
    *) return 1 ;;
  esac
}

log "$@"
prompt=$(cat)
log "$(printf '%s\n' "$prompt" | sed 's/^/< /')"
