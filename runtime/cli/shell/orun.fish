# Completion of orun's command line in fish: `orun complete` knows the words.

function __orun_words
    set -l words (commandline -opc)
    set -l last (commandline -ct)
    set -l program (string replace -r '^~' "$HOME" -- $words[1])
    for line in ($program complete -- $words[2..-1] "$last" 2>/dev/null)
        if test "$line" = :files
            set -l before (string match -r '^--[^=]*=' -- "$last")
            for file in (__fish_complete_path \
                    (string replace -r '^--[^=]*=' '' -- "$last"))
                echo "$before$file"
            end
        else
            echo $line
        end
    end
end

complete -c orun -f -a '(__orun_words)'
