# Check the direction of every #include of src against ci/layers.txt, ci/fences.txt and build.zig.
# Usage: awk -f ci/layers.awk ci/layers.txt ci/fences.txt build.zig $(find src -name '*.[ch]')

function complain(text) {
    printf "%s:%d: %s\n", FILENAME, FNR, text
    bad++
}

FNR == 1 {
    split(FILENAME, part, "/")
    here = part[2]
}

FILENAME ~ /layers\.txt$/ {
    sub(/#.*/, "")
    if (NF == 0) next
    name = $1
    sub(/:$/, "", name)
    known[name] = 1
    for (i = 2; i <= NF; i++) allowed[name, $i] = 1
    next
}

FILENAME ~ /fences\.txt$/ {
    if ($0 ~ /^#/ || NF == 0) next
    fences++
    fence[fences] = "^(" $1 ")$"
    owners[fences] = " " substr($0, length($1) + 1) " "
    next
}

# The room table of build.zig: `.name = "x"` and, behind it, `.may = &.{ "a", "b" }`.
FILENAME == "build.zig" {
    if ($0 ~ /^const ROOMS/) inside = 1
    if (inside && $0 ~ /^[}];/) inside = 0
    if (!inside) next
    if (match($0, /\.name = "[a-z]+"/)) {
        room = substr($0, RSTART + 9, RLENGTH - 10)
        if (!(room in known)) complain("room " room " is not in ci/layers.txt")
        reading = 0
    }
    list = $0
    if (match(list, /\.may = &\.[{]/)) {
        reading = 1
        list = substr(list, RSTART + RLENGTH)
    }
    if (!reading) next
    if (match(list, /[}]/)) {
        reading = 0
        list = substr(list, 1, RSTART - 1)
    }
    n = split(list, word, "\"")
    for (i = 2; i <= n; i += 2)
        if (!((room, word[i]) in allowed) && !((room, "*") in allowed))
            complain("room " room " may not link " word[i] " (ci/layers.txt)")
    next
}

FNR == 1 && !(here in known) { complain("directory " here " is not in ci/layers.txt") }

/^[ \t]*#[ \t]*include[ \t]*"/ {
    split($0, quoted, "\"")
    if (split(quoted[2], path, "/") != 2) {
        complain("write the include as \"room/file.h\": " quoted[2])
        next
    }
    there = path[1]
    if (!(there in known)) complain("unknown room in " quoted[2])
    else if (there != here && !((here, there) in allowed) && !((here, "*") in allowed))
        complain(here " must not include " quoted[2])
}

/^[ \t]*#[ \t]*include[ \t]*</ {
    header = $0
    sub(/^[^<]*</, "", header)
    sub(/>.*/, "", header)
    for (i = 1; i <= fences; i++)
        if (header ~ fence[i] && index(owners[i], " " here " ") == 0)
            complain(here " must not include <" header ">; only" owners[i] "may (ci/fences.txt)")
}

END { exit bad > 0 }
