# opencode.sh — what `opencode run --format json` prints, case by case.
step() { printf '{"type":"step_start","sessionID":"ses-1","part":{}}\n{"type":"text","sessionID":"ses-1","part":{"text":"%s"}}\n{"type":"step_finish","sessionID":"ses-1","part":{"reason":"stop","cost":0.5,"tokens":{"input":5,"output":2,"reasoning":0,"cache":{"read":1,"write":0}}}}\n' "$1"; }
case $case in
fails) echo '{"type":"error","sessionID":"ses-1","error":{"name":"APIError","data":{"message":"Unauthorized","statusCode":401}}}'; exit 1 ;;
unknown-agent) echo '! agent "nobody" not found. Falling back to default agent' >&2; step 'as the default' ;;
silent) exit 0 ;;
resumed) step 'went on' ;;
*) step 'looking'; step "did: ${prompt%%
*}" ;;
esac
