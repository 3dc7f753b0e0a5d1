# Relative links of Markdown pages as "page<TAB>target" (without #fragment), outside code blocks.
FNR == 1 { code = 0 }
/^[ \t]*```/ { code = !code }
code { next }
{
    line = $0
    gsub(/`[^`]*`/, "", line)
    while (match(line, /\]\([^)]*\)/)) {
        target = substr(line, RSTART + 2, RLENGTH - 3)
        line = substr(line, RSTART + RLENGTH)
        sub(/[ \t]+".*"$/, "", target)
        sub(/#.*/, "", target)
        if (target == "" || target ~ /^[a-z]+:/) continue
        print FILENAME "\t" target
    }
}
