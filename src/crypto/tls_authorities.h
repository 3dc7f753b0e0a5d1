/*
 * tls_authorities: Mozilla's list of certificate authorities, for machines that have none.
 *
 * It is written at build time by vendor/certifi/pack.c and read by tls_trust.c alone: a container
 * made from nothing has no list of its own. It is as old as the build.
 */
#ifndef SLUICE_CRYPTO_TLS_AUTHORITIES_H
#define SLUICE_CRYPTO_TLS_AUTHORITIES_H

#include <stddef.h>

extern const char tls_authorities_version[]; /* "2026.10.19" */
extern const unsigned char tls_authorities_pem[];
extern const size_t tls_authorities_len;

#endif
