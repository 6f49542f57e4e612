# codex.sh — what `codex exec --json` prints, case by case.
begin() { echo '{"type":"thread.started","thread_id":"th-1"}'; echo '{"type":"turn.started"}'; }
say() { printf '{"type":"item.completed","item":{"type":"agent_message","text":"%s"}}\n' "$1"; }
end() { echo '{"type":"turn.completed","usage":{"input_tokens":7,"cached_input_tokens":2,"output_tokens":3,"reasoning_output_tokens":1}}'; }
case $case in
fails) begin; echo '{"type":"error","message":"Reconnecting... 1/2"}'; echo '{"type":"turn.failed","error":{"message":"stream error: 500"}}'; exit 1 ;;
rate) begin; echo '{"type":"turn.failed","error":{"message":"rate limit reached"}}'; exit 1 ;;
warns) begin; echo '{"type":"item.completed","item":{"type":"error","message":"a warning"}}'; say 'warned'; end ;;
silent) begin; exit 0 ;;
killed) begin; exit 143 ;;
resumed) begin; say 'went on'; end ;;
*) begin; echo '{"type":"item.started","item":{"type":"command_execution","command":"ls"}}'; say 'thinking'; say "did: ${prompt%%
*}"; end ;;
esac
