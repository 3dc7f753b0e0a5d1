# For every C file: the headers of our own that it reaches, directly or not, as one line
# "file header header...". Usage: awk -f ci/reach.awk $(find src tests -name '*.[ch]')

FNR == 1 {
    count++
    name[count] = FILENAME
    exists[FILENAME] = 1
}

/^[ \t]*#[ \t]*include[ \t]*"/ {
    split($0, quoted, "\"")
    edges[FILENAME] = edges[FILENAME] " " quoted[2]
}

function place(from, header,    folder) {
    folder = from
    sub(/[^\/]*$/, "", folder)
    if ((folder header) in exists) return folder header
    if (("src/" header) in exists) return "src/" header
    if (("tests/" header) in exists) return "tests/" header
    if (("tests/text/" header) in exists) return "tests/text/" header
    return ""
}

function visit(file, depth,    part, n, i, to) {
    if (depth > 40) return
    n = split(edges[file], part, " ")
    for (i = 1; i <= n; i++) {
        to = place(file, part[i])
        if (to == "" || (to in seen)) continue
        seen[to] = 1
        out = out " " to
        visit(to, depth + 1)
    }
}

END {
    for (k = 1; k <= count; k++) {
        if (name[k] !~ /\.c$/) continue
        split("", seen)
        out = ""
        visit(name[k], 0)
        print name[k] out
    }
}
