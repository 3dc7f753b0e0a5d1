#!/bin/sh
# The man page and the completions: other programs read them without complaint, and bash completes.
. "$(dirname "$0")/desk.inc"

# tool PROGRAM PACKAGE: is it there, or can it be put there?
tool() {
    command -v "$1" > /dev/null && return 0
    if [ "$(id -u)" = 0 ] && command -v apt-get > /dev/null; then
        apt-get install -y -q "$2" > apt.log 2>&1
    fi
    command -v "$1" > /dev/null && return 0
    echo "skipped: there is no $1, and it cannot be installed here"
    return 1
}

"$SLUICE" man > sluice.1 || fail "there is no man page"
if tool mandoc mandoc; then
    mandoc -T lint -W warning sluice.1 > lint || fail "mandoc complains: $(cat lint)"
    mandoc -T utf8 sluice.1 | sed 's/.\x08//g' > page
    for part in "sluice messages" "--show-people" "EXIT CODES" "SLUICE_ZONE" "does not exist"; do
        grep -q -e "$part" page || fail "the man page does not show: $part"
    done
fi
if command -v man > /dev/null && command -v groff > /dev/null; then
    MANWIDTH=80 LC_ALL=C.UTF-8 man --warnings -l sluice.1 > page 2> warnings || fail "man cannot show it"
    is "warnings of man" "$(cat warnings)" ""
fi

desk 2
mkdir bin && ln -s "$SLUICE" bin/sluice
PATH=$folder/bin:$PATH
if tool bash bash; then
    sluice completion bash > completion.bash
    bash -n completion.bash || fail "bash does not take its completion"
    # completes LINE: what is offered for its last word, as one line.
    completes() {
        bash -c 'source completion.bash
            read -ra COMP_WORDS <<< "$1"
            [[ $1 == *" " ]] && COMP_WORDS+=("")
            COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
            complete -p sluice > /dev/null || exit 1
            _sluice
            echo "${COMPREPLY[*]}"' bash "$1"
    }
    is "commands" "$(completes "sluice sta")" "status"
    is "behind global flags" "$(completes "sluice --config sluice.yaml --plain sta")" "status"
    is "acts" "$(completes "sluice runs sh")" "show"
    is "flags of an act" "$(completes "sluice runs list --pi")" "--pipeline"
    is "flags" "$(completes "sluice messages --show")" "--show-people"
    is "pipelines" "$(completes "sluice run d")" "drops"
    is "topics" "$(completes "sluice help exit")" "exit-codes"
    is "files" "$(completes "sluice --config sluice.y")" "sluice.yaml"
    is "nothing behind a number" "$(completes "sluice messages --limit ")" ""
    has "all commands" " $(completes "sluice ") " " messages "
fi
if tool zsh zsh; then
    sluice completion zsh > _sluice
    zsh -n _sluice || fail "zsh does not take its completion"
    # In a real zsh: it loads, and offers what begins alike.
    zsh -f -c 'autoload -Uz compinit && compinit -u -d dump && source ./_sluice && print -r -- $_comps[sluice]' > loaded 2>&1
    is "zsh's table of completions" "$(cat loaded)" "_sluice"
    zsh -f -c 'compadd() { shift; print -r -- "$@"; }; compdef() { : }; source ./_sluice
        words=(sluice runs ""); CURRENT=3; _sluice' > offered 2>&1
    has "offered by zsh" "$(cat offered)" "list show --pipeline"
fi
if tool fish fish; then
    sluice completion fish > sluice.fish
    fish -n sluice.fish || fail "fish does not take its completion"
    offered=$(HOME=$folder fish -c 'source sluice.fish; complete -C "sluice sta"; complete -C "sluice runs sh"; complete -C "sluice messages --show"; complete -C "sluice run d"' 2> /dev/null | cut -f 1 | tr '\n' ' ')
    is "offered by fish" "$offered" "status show --show-people drops "
fi
finish
