/*
 * address: who calls, as text, and whether that is one of our own proxies.
 *
 * X-Forwarded-For is a claim that anybody can make. It is believed only when the connection comes
 * from an address that the configuration lists; then the last address in it that is not such a
 * proxy is who calls.
 */
#ifndef SLUICE_SERVE_ADDRESS_H
#define SLUICE_SERVE_ADDRESS_H

#include <stdbool.h>
#include <sys/socket.h>

#include "base/err.h"
#include "base/str.h"
#include "model/option.h"

enum { ADDRESS_TEXT_MAX = 48, ADDRESS_FORWARDED_MAX = 1024 };

/* "192.0.2.7", "2001:db8::1"; an IPv4 address that came over IPv6 as IPv4. Absent: neither. */
struct str address_text(const struct sockaddr *address, char out[ADDRESS_TEXT_MAX]);

/* Is the address one of the list, or in one of its networks ("10.0.0.0/8")? */
bool address_listed(struct str address, const struct str_list *list);

/* Is the text an address, or a network? */
bool address_valid(struct str text);

/* Whom an address stands for: of IPv6 the network of 64 bits, else itself; never absent. */
struct str address_household(struct str address, char out[ADDRESS_TEXT_MAX]);

/* Who calls, given the address of the connection and the header X-Forwarded-For (may be absent). */
struct str address_caller(struct str peer, struct str forwarded, const struct str_list *proxies);

#endif
