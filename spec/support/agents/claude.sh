# claude.sh — what `claude -p --output-format stream-json` prints, case by case.
init() { echo '{"type":"system","subtype":"init","session_id":"s-1","model":"fake-sonnet","tools":[]}'; }
result() { # result TEXT ISERROR MORE
    printf '{"type":"result","subtype":"%s","is_error":%s,"session_id":"s-1","total_cost_usd":%s,"usage":{"input_tokens":10,"output_tokens":4}%s%s}\n' \
        "${4:-success}" "$2" "${cost:-0.25}" "${1:+,\"result\":\"$1\"}" "$3"
}
case $case in
api-error) init; result 'API Error: 500 down' true ',"api_error_status":500,"terminal_reason":"api_error"'; exit 1 ;;
rate-once) if [ -e "$FAKE_LOG.rated" ]; then init; result 'after the wait' false; else : >"$FAKE_LOG.rated"; init; result 'API Error: 429 slow down' true ',"api_error_status":429'; exit 1; fi ;;
max-turns) init; result '' true ',"errors":["Reached maximum number of turns (2)"]' error_max_turns; exit 1 ;;
budget) init; result '' true '' error_max_budget_usd; exit 1 ;;
interrupted) init; result '' true ',"errors":["it was interrupted"]' error_during_execution; exit 0 ;;
silent) init; exit 0 ;;
empty) init; result '' false ;;
garbage) echo 'Welcome to the jungle'; echo '{"type":'; exit 0 ;;
dies) init; kill -9 $$ ;;
killed) init; exit 143 ;;
usage) echo "error: unknown option '--frob'" >&2; exit 1 ;;
many) init; for _ in 1 2 3 4 5 6 7 8 9 10; do result '' false; result 'early' false; done; result 'the last' false ;;
chatter) init; echo 'not JSON'; echo '{"type":"assistant","message":{"model":"fake-sonnet","content":[{"type":"tool_use","name":"Read","input":{"file_path":"a.lua"}}]}}'; result 'read it' false ;;
slow) init; echo '{"type":"assistant","message":{"content":[{"type":"tool_use","name":"Bash","input":{"command":"make"}}]}}'; sleep 60 ;;
leaves) init; sh -c 'trap "" TERM; sleep 60' & result 'left one' false ;;
json) init; result 'Here: {\"n\": \"x\"}' false ;;
resumed) cost=0.75; init; result 'went on: {\"n\": 2}' false ;;
*) init; result "did: ${prompt%%
*}" false ;;
esac
