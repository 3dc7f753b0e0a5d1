/*
 * tls_trust: the certificate authorities that a connection believes.
 *
 * A trust is made from a PEM file (or text) once and then shared: tls_trust_load() of the same file
 * gives the same object to everybody until the file changes, so a thousand connections cost one
 * reading. It is counted: each load or keep is answered by one drop. Any thread may call.
 *
 * "system" (or nothing) stands for the machine's own list: $SSL_CERT_FILE, or the first of the
 * places where distributions keep it. Where there is none, as in a container made from nothing,
 * Mozilla's list that was built in takes its place; "built-in" asks for that one.
 *
 * Left out while reading, and counted: authorities whose key BearSSL cannot use, and those that
 * are limited to some names (name constraints), because the limit could not be enforced. One whose
 * time is over is left out when a connection is made, not here: the process may outlive it.
 */
#ifndef SLUICE_CRYPTO_TLS_TRUST_H
#define SLUICE_CRYPTO_TLS_TRUST_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "base/str.h"

struct tls_trust;

#define TLS_TRUST_BUILT_IN "built-in"

enum {
    TLS_TRUST_FILE_MAX = 8 * 1024 * 1024,
    TLS_TRUST_ANCHORS_MAX = 4096,
    TLS_TRUSTS_KEPT_MAX = 16, /* Files that are remembered for the next who asks. */
};

/* `path` is a file, "system" or empty, or "built-in". What is wrong is ERR_CONFIG. */
bool tls_trust_load(struct str path, struct tls_trust **out, struct err *err);

/* What "system" stands for on this machine: a file, or "built-in". */
struct str tls_trust_system(void);
const char *tls_trust_built_in_version(void);

/* The same from a text in memory; `name` is for messages. */
bool tls_trust_parse(struct str pem, struct str name, struct tls_trust **out, struct err *err);

struct tls_trust *tls_trust_keep(struct tls_trust *trust);
void tls_trust_drop(struct tls_trust *trust); /* NULL is fine. */

/* Where it came from, how many authorities it holds, and how many were left out. */
const char *tls_trust_name(const struct tls_trust *trust);
size_t tls_trust_count(const struct tls_trust *trust);
size_t tls_trust_skipped(const struct tls_trust *trust);

#endif
