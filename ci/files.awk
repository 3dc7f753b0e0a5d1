# Dead files: every .c of src is in build.zig and the other way round, every test is listed, every
# header is included by some file.
# Usage: awk -f ci/files.awk build.zig FILE... (all .c and .h of src and tests)

function complain(text) {
    print text
    bad++
}

FILENAME == "build.zig" {
    if ($0 ~ /^const ROOMS/) table = "rooms"
    if ($0 ~ /^const UNIT_TESTS/) table = "tests"
    if ($0 ~ /^const PROGRAMS/) table = "programs"
    if ($0 ~ /^([}];|const [A-Z_]+ = \[_\][A-Za-z ]+[{][}];)/) table = ""
    if ($0 ~ /"src\/app\/main\.c"/) listed["src/app/main.c"] = 1
    if ($0 ~ /"tests\/fuzz\/fuzzer\.c"/) listed["tests/fuzz/fuzzer.c"] = 1
    if (table == "") next
    sub(/\/\/.*/, "")
    if (match($0, /\.name = "[^"]+"/)) {
        name = substr($0, RSTART + 9, RLENGTH - 10)
        if (table == "tests") listed["tests/" name "_test.c"] = 1
    }
    n = split($0, word, "\"")
    for (i = 2; i <= n; i += 2) {
        if (word[i] !~ /\.c$/) continue
        if (table == "rooms") listed["src/" name "/" word[i]] = 1
        else if (word[i] ~ /^(tests|bench|demo)\//) listed[word[i]] = 1
        else listed["tests/" word[i]] = 1
    }
    next
}

FNR == 1 {
    exists[FILENAME] = 1
    split(FILENAME, part, "/")
}

/^[ \t]*#[ \t]*include[ \t]*"/ {
    split($0, quoted, "\"")
    included["src/" quoted[2]] = 1
    included["tests/" quoted[2]] = 1
    folder = FILENAME
    sub(/[^\/]*$/, "", folder)
    included[folder quoted[2]] = 1
    # Generated tables and lists are included by name, wherever they lie.
    leaf = quoted[2]
    sub(/.*\//, "", leaf)
    leaves[leaf] = 1
}

END {
    for (file in listed)
        if (!(file in exists)) complain("build.zig lists " file ", which does not exist")
    for (file in exists) {
        if (file ~ /\.c$/ && !(file in listed)) {
            leaf = file
            sub(/.*\//, "", leaf)
            if (!(leaf in leaves)) complain(file " is not in build.zig")
        }
        if (file ~ /\.h$/ && !(file in included)) {
            leaf = file
            sub(/.*\//, "", leaf)
            if (!(leaf in leaves)) complain(file " is included by nobody")
        }
    }
    exit bad > 0
}
