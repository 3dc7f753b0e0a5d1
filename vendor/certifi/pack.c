/*
 * pack: writes Mozilla's certificate authorities as the table of src/crypto/tls_authorities.h.
 *
 *     pack DIRECTORY OUTPUT.c
 *
 * DIRECTORY is the unpacked package `certifi` of PyPI: certifi/cacert.pem, of which the remarks are
 * left out, and certifi/__init__.py, which names the version. The program runs on the machine that
 * builds and stops with one line at the first thing it does not know.
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/tls_authorities.h"

enum { LINE_MAX_LEN = 4096, CERTIFICATES_MIN = 50 };

static void die(const char *what) __attribute__((noreturn));
static void die(const char *what)
{
    (void)fprintf(stderr, "certifi: %s\n", what);
    exit(1);
}

static FILE *open_below(const char *folder, const char *name)
{
    char path[LINE_MAX_LEN];
    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "r");
    if (file == NULL) {
        die("a file of the package is missing");
    }
    return file;
}

static void write_version(FILE *in, FILE *out)
{
    char line[LINE_MAX_LEN];
    char version[32];
    while (fgets(line, sizeof line, in) != NULL) {
        if (sscanf(line, "__version__ = \"%31[0-9.]\"", version) == 1) {
            (void)fprintf(out, "const char tls_authorities_version[] = \"%s\";\n", version);
            return;
        }
    }
    die("the package does not say its version");
}

static void write_certificates(FILE *in, FILE *out)
{
    char line[LINE_MAX_LEN];
    bool inside = false;
    int count = 0;
    (void)fputs("const unsigned char tls_authorities_pem[] = {\n", out);
    while (fgets(line, sizeof line, in) != NULL) {
        bool begin = strcmp(line, "-----BEGIN CERTIFICATE-----\n") == 0;
        inside = inside || begin;
        count += begin;
        if (inside) {
            for (const char *at = line; *at != '\0'; at++) {
                (void)fprintf(out, "%d,", *at);
            }
            (void)fputc('\n', out);
        }
        inside = inside && strcmp(line, "-----END CERTIFICATE-----\n") != 0;
    }
    (void)fputs("};\nconst size_t tls_authorities_len = sizeof tls_authorities_pem;\n", out);
    if (inside || count < CERTIFICATES_MIN) {
        die("cacert.pem does not look like a list of authorities");
    }
}

int main(int argc, char **argv)
{
    if (argc != 3) {
        die("usage: pack DIRECTORY OUTPUT.c");
    }
    FILE *out = fopen(argv[2], "w");
    if (out == NULL) {
        die("the output cannot be written");
    }
    (void)fputs("#include \"crypto/tls_authorities.h\"\n", out);
    FILE *version = open_below(argv[1], "certifi/__init__.py");
    FILE *list = open_below(argv[1], "certifi/cacert.pem");
    write_version(version, out);
    write_certificates(list, out);
    (void)fclose(version);
    (void)fclose(list);
    return fclose(out) == 0 ? 0 : 1;
}
