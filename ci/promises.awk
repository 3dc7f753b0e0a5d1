# The promises table: tests/promises.tsv holds PROMISE<TAB>PAGE<TAB>TEST TEST...
#
# A promise must stand word for word in its page, and each test must exist (a function of a C test,
# or tests/product/NAME). That they really ran is checked by ci/tally, which knows the logs.
# Usage: awk -f ci/promises.awk tests/promises.tsv TESTFILE...

function complain(text) {
    print text
    bad++
}

# The page with all white space as single spaces, because promises are wrapped like other text.
function page_text(page,    line, text, got) {
    if (page in pages) return pages[page]
    text = ""
    while ((got = (getline line < page)) > 0) text = text " " line
    if (got < 0) complain("tests/promises.tsv: " page " cannot be read")
    close(page)
    gsub(/[ \t]+/, " ", text)
    pages[page] = text
    return text
}

BEGIN { FS = "\t" }

FILENAME ~ /promises\.tsv$/ {
    if ($0 ~ /^#/ || $0 == "") next
    if (NF != 3) { complain("tests/promises.tsv:" FNR ": three columns, please"); next }
    if (index(page_text($2), $1) == 0) complain("tests/promises.tsv:" FNR ": not in " $2 ": " $1)
    n = split($3, word, /[ ,]+/)
    if (n == 0) complain("tests/promises.tsv:" FNR ": a promise without a test: " $1)
    for (i = 1; i <= n; i++) if (word[i] != "") wanted[word[i]] = FNR
    next
}

FNR == 1 && FILENAME ~ /^tests\/product\// {
    leaf = FILENAME
    sub(/.*\//, "", leaf)
    delete wanted[leaf]
    sub(/\.(sh|py)$/, "", leaf)
    delete wanted[leaf]
}

/^static void [a-z]/ {
    name = $0
    sub(/^static void /, "", name)
    sub(/\(.*/, "", name)
    delete wanted[name]
}

END {
    for (name in wanted) complain("tests/promises.tsv:" wanted[name] ": there is no test " name)
    exit bad > 0
}
