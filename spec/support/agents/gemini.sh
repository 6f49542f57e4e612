# gemini.sh — what `gemini -o stream-json` prints, case by case.
begin() { echo '{"type":"init","session_id":"g-1","model":"fake-pro"}'; }
say() { printf '{"type":"message","role":"assistant","content":"%s","delta":true}\n' "$1"; }
case $case in
unauthorized) printf 'at a\nat b\n{"error":{"message":"API key not valid","code":401}}\n' >&2; exit 145 ;;
untrusted) echo 'the folder is not trusted' >&2; exit 55 ;;
turns) begin; exit 53 ;;
silent) begin; exit 0 ;;
resumed) begin; say 'went on'; echo '{"type":"result","status":"success","stats":{}}' ;;
*) begin; say 'did: '; say "${prompt%%
*}"; echo '{"type":"result","status":"success","stats":{"input_tokens":9,"output_tokens":2,"total_tokens":11}}' ;;
esac
