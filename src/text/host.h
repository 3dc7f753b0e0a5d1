/*
 * host: what kind of place a host's name or address stands for.
 *
 * Two rules of the house need it. A database without TLS or without a password is refused where the
 * way to it is public, and only warned about where it is private. And an address that a stranger
 * sent (a picture's URL) must not make us ask our own machine or network: link-local, loopback and
 * private addresses are no place for that.
 *
 * A name is judged by its looks only (a single label, "localhost", ".local", ".internal" and the
 * like are private); what it resolves to is judged again as an address. Nothing is looked up here.
 */
#ifndef SLUICE_TEXT_HOST_H
#define SLUICE_TEXT_HOST_H

#include <stdbool.h>
#include <stddef.h>

#include "base/str.h"

enum host_kind {
    HOST_PUBLIC = 0, /* The zero value is the careful one. */
    HOST_LOOPBACK,   /* This machine. */
    HOST_PRIVATE,    /* A network of one's own. */
    HOST_LINK_LOCAL, /* Neighbours on the wire; clouds keep their secrets there (169.254.169.254).
                      */
    HOST_SPECIAL,    /* Nowhere: unspecified, multicast, reserved, for documentation. */
};

enum host_kind host_kind_of(struct str host);

/* The same for the bytes of an address, 4 or 16 of them. */
enum host_kind host_kind_of_address(const unsigned char *address, size_t len);

/* Is it an address and not a name? "[::1]" counts too. */
bool host_is_address(struct str host);

#endif
