/**
 * The scripts of `croft completion`. They know nothing: `croft __complete -- WORDS…` answers lines of a word, a tab and
 * what it means; the line `:files` asks for names of files. The last word is the one being typed, perhaps empty.
 */

/** bash parts words at = : and @ too and replaces only what is behind the last of them. */
const bash = `# croft completion for bash. Load it with: source <(croft completion bash)
_croft() {
    local line=\${COMP_LINE:0:COMP_POINT} cut= char head word
    local -a words
    read -ra words <<<"$line"
    [[ $line == *[[:space:]] ]] && words+=("")
    local current=\${words[\${#words[@]} - 1]}
    COMPREPLY=()
    for char in = : @; do
        [[ $COMP_WORDBREAKS == *"$char"* && $current == *"$char"* ]] || continue
        head=\${current%"\${current##*"$char"}"}
        ((\${#head} > \${#cut})) && cut=$head
    done
    while IFS=$'\\t' read -r word _; do
        if [[ $word == :files ]]; then
            compopt -o default 2>/dev/null
        else
            COMPREPLY+=("\${word#"$cut"}")
        fi
    done < <("\${words[0]}" __complete -- "\${words[@]:1}" 2>/dev/null)
    if [[ \${#COMPREPLY[@]} -eq 1 && \${COMPREPLY[0]} == *[=@./] ]]; then
        compopt -o nospace 2>/dev/null
    fi
    return 0
}
complete -F _croft croft
`

const zsh = `#compdef croft
# croft completion for zsh. Load it with: source <(croft completion zsh)
_croft() {
    local word means
    local -a plain open
    while IFS=$'\\t' read -r word means; do
        if [[ $word == :files ]]; then
            _files
        elif [[ $word == *[=@./] ]]; then
            open+=("$word")
        else
            plain+=("\${word//:/\\\\:}\${means:+:$means}")
        fi
    done < <("$words[1]" __complete -- "\${(@)words[2,CURRENT]}" 2>/dev/null)
    ((\${#plain})) && _describe -t croft croft plain
    ((\${#open})) && compadd -S '' -- "\${(@)open}"
    return 0
}
if [[ \${funcstack[1]} == _croft ]]; then
    _croft "$@"
else
    compdef _croft croft
fi
`

const fish = `# croft completion for fish. Load it with: croft completion fish | source
function __croft_complete
    set -l words (commandline -opc) (commandline -ct)
    for line in ($words[1] __complete -- $words[2..-1] 2>/dev/null)
        if test "$line" = :files
            __fish_complete_path (commandline -ct)
        else
            printf '%s\\n' $line
        end
    end
end
complete -c croft -f -a '(__croft_complete)'
`

export const completionScripts = { bash, zsh, fish } as const
