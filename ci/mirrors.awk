# The base addresses of Debian mirrors out of apt's sources, both formats, each once.
# Usage: awk -f ci/mirrors.awk /etc/apt/sources.list /etc/apt/sources.list.d/*.{list,sources}
# WANT (a regular expression on the suite) may be given with -v.

function offer(uri, suite) {
    if (WANT != "" && suite !~ WANT) return
    if (suite !~ /^(oldstable|stable|testing|unstable|bookworm|trixie|forky|duke|sid)/) return
    sub(/^mirror\+file:/, "file-list:", uri)
    if (uri ~ /^file-list:/) {
        list = substr(uri, 11)
        while ((getline uri < list) > 0) {
            sub(/[ \t].*/, "", uri)
            if (uri ~ /^https?:/) once(uri)
        }
        close(list)
    } else once(uri)
}

function once(uri) {
    sub(/\/+$/, "", uri)
    if (!(uri in seen)) {
        seen[uri] = 1
        print uri
    }
}

function paragraph(    i, j) {
    for (i = 1; i <= uris; i++) for (j = 1; j <= suites; j++) if (enabled) offer(uri_of[i], suite_of[j])
    uris = suites = 0
    enabled = 1
}

BEGIN { enabled = 1 }
FNR == 1 { paragraph() }
/^[ \t]*#/ { next }
/^[ \t]*$/ { paragraph(); next }
/^deb(-src)?[ \t]/ {
    line = $0
    sub(/\[[^]]*\]/, "", line)
    split(line, word, " ")
    offer(word[2], word[3])
    next
}
/^[Uu][Rr][Ii]s:/ { for (i = 2; i <= NF; i++) uri_of[++uris] = $i }
/^[Ss]uites:/ { for (i = 2; i <= NF; i++) suite_of[++suites] = $i }
/^[Ee]nabled:[ \t]*(no|false|0)/ { enabled = 0 }
END { paragraph() }
