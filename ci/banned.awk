# Functions that must not be called, and words that must not be left behind.
# Usage: awk -f ci/banned.awk $(find src tests vendor -name '*.[ch]')
#
# Comments and strings are taken out before the search. A call through a struct (`clock->time(...)`,
# `alc.free(...)`) is not a call of the banned function.

BEGIN {
    everywhere("strcpy strcat stpcpy sprintf vsprintf gets strtok atoi atol atoll atof system popen alloca", "is banned")
    everywhere("rand srand random srandom drand48", "is banned: take a struct rng")
    everywhere("gmtime localtime mktime asctime ctime setlocale", "is banned: not safe with threads or locales")
    product("sscanf fscanf scanf", "is banned: parse with text/")
    product("assert", "is banned: must() stays on in every build")
    product("time gettimeofday clock_gettime nanosleep usleep sleep", "is banned: take a struct clock")
    product("malloc calloc realloc free strdup strndup asprintf vasprintf", "is banned: base/mem.h or an arena")
    product("getrandom getentropy", "is banned: take a struct rng")
    product("fork vfork execvp execve", "is banned")
}

function everywhere(names, why,    word, i, n) {
    n = split(names, word, " ")
    for (i = 1; i <= n; i++) all[word[i]] = why
}

# Only in src, and not in base, which wraps them.
function product(names, why,    word, i, n) {
    n = split(names, word, " ")
    for (i = 1; i <= n; i++) src[word[i]] = why
}

function complain(text) {
    printf "%s:%d: %s\n", FILENAME, FNR, text
    bad++
}

FNR == 1 {
    in_comment = 0
    in_src = FILENAME ~ /^src\// && FILENAME !~ /^src\/base\//
}

{
    line = $0
    if (line ~ /(^|[^A-Z])(TODO|FIXME|XXX|HACK)([^A-Z]|$)/) complain("finish it, or write an issue: " line)
    gsub(/\\\\/, "", line)
    gsub(/\\"/, "", line)
    gsub(/"[^"]*"/, "\"\"", line)
    if (in_comment) {
        if (!match(line, /\*\//)) next
        line = substr(line, RSTART + 2)
        in_comment = 0
    }
    while (match(line, /\/\*/)) {
        start = RSTART
        rest = substr(line, start + 2)
        if (match(rest, /\*\//)) line = substr(line, 1, start - 1) " " substr(rest, RSTART + 2)
        else {
            line = substr(line, 1, start - 1)
            in_comment = 1
        }
    }
    sub(/\/\/.*/, "", line)
    while (match(line, /[A-Za-z_][A-Za-z0-9_]*[ \t]*\(/)) {
        name = substr(line, RSTART, RLENGTH)
        before = substr(line, 1, RSTART - 1)
        line = substr(line, RSTART + RLENGTH)
        sub(/[ \t]*\($/, "", name)
        if (before ~ /(->|\.|\(\*)[ \t]*$/) continue
        if (name == "getrandom" && FILENAME ~ /^src\/crypto\//) continue
        if (name in all) complain(name "() " all[name])
        else if (in_src && name in src) complain(name "() " src[name])
    }
}

END { exit bad > 0 }
