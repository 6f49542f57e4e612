#compdef orun
# Completion of orun's command line in zsh: `orun complete` knows the words.

local line files
local -a found
for line in "${(@f)$(${~${(Q)words[1]}} complete -- \
    "${(@Q)words[2,CURRENT-1]}" "${(Q)PREFIX}" 2>/dev/null)}"; do
    case $line in
        '') ;;
        :files) files=yes ;;
        *$'\t'*) found+=("${${line%%$'\t'*}//:/\\:}:${line#*$'\t'}") ;;
        *) found+=("${line//:/\\:}") ;;
    esac
done
_describe orun found
if [[ -n $files ]]; then
    compset -P '--*='
    _files
fi
