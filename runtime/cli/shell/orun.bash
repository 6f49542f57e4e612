# Completion of orun's command line in bash: `orun complete` knows the words.
#
# Bash cuts words at ":" and "=", which are put together again here, and what
# stands before the last of them is not part of what it replaces.

_orun() {
    local words=() word line last keep='' glue='' i
    for ((i = 1; i <= COMP_CWORD; i++)); do
        word=${COMP_WORDS[i]}
        if [[ ${#words[@]} -gt 0 && (-n $glue || $word == [:=]*) ]]; then
            words[${#words[@]} - 1]+=$word
        else
            words+=("$word")
        fi
        glue=''
        [[ $word != *[:=] || $COMP_WORDBREAKS != *"${word: -1}"* ]] || glue=yes
    done
    last=${words[${#words[@]} - 1]}
    case $last in
        *[:=]*) keep=${last%"${last##*[:=]}"} ;;
    esac
    [[ $COMP_WORDBREAKS == *"${keep: -1}"* ]] || keep=''
    COMPREPLY=()
    compopt +o default
    while IFS= read -r line; do
        word=${line%%$'\t'*}
        if [[ $word != :files ]]; then
            COMPREPLY+=("${word#"$keep"}")
            [[ $word != *= ]] || compopt -o nospace
        elif [[ ${#COMPREPLY[@]} = 0 ]]; then
            compopt -o default
        elif [[ $keep != *: ]]; then
            _orun_files "${last#"$keep"}"
        fi
    done < <("${1/#\~/$HOME}" complete -- "${words[@]}" 2>/dev/null)
}

# Files among other words, as they have to be typed.
_orun_files() {
    local file
    while IFS= read -r file; do
        [[ ! -d ${file/#\~/$HOME} ]] || { file+=/; compopt -o nospace; }
        [[ $file == \~* ]] || printf -v file %q "$file"
        COMPREPLY+=("$file")
    done < <(compgen -f -- "$1")
}

complete -o default -F _orun orun
