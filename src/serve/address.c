#include "serve/address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

enum { BYTES_MAX = 16, HOUSEHOLD_BYTES = 8, HOPS_MAX = 16 };

struct network {
    unsigned char bytes[BYTES_MAX];
    size_t len; /* 4 or 16; 0: none. */
    int64_t bits;
};

struct str address_text(const struct sockaddr *address, char out[ADDRESS_TEXT_MAX])
{
    const char *text = NULL;
    if (address != NULL && address->sa_family == AF_INET) {
        const struct sockaddr_in *four = (const void *)address;
        text = inet_ntop(AF_INET, &four->sin_addr, out, ADDRESS_TEXT_MAX);
    } else if (address != NULL && address->sa_family == AF_INET6) {
        static const unsigned char mapped[] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
        const struct sockaddr_in6 *six = (const void *)address;
        bool is_four = memcmp(six->sin6_addr.s6_addr, mapped, sizeof mapped) == 0;
        text = is_four ? inet_ntop(AF_INET, &six->sin6_addr.s6_addr[sizeof mapped], out,
                                   ADDRESS_TEXT_MAX)
                       : inet_ntop(AF_INET6, &six->sin6_addr, out, ADDRESS_TEXT_MAX);
    }
    return str_of(text);
}

static struct network parse(struct str text)
{
    struct network network = {0};
    char room[ADDRESS_TEXT_MAX];
    size_t slash = str_find_byte(text, '/', 0);
    struct str host = slash == STR_NONE ? text : str_slice(text, 0, slash);
    if (host.len == 0 || host.len >= sizeof room) {
        return network;
    }
    memcpy(room, host.ptr, host.len);
    room[host.len] = '\0';
    size_t len = inet_pton(AF_INET, room, network.bytes) == 1    ? 4
                 : inet_pton(AF_INET6, room, network.bytes) == 1 ? BYTES_MAX
                                                                 : 0;
    network.bits = (int64_t)len * 8;
    if (slash != STR_NONE) {
        int64_t bits = 0;
        bool good = str_to_int64(str_slice(text, slash + 1, text.len), &bits) && bits >= 0 &&
                    bits <= network.bits;
        len = good ? len : 0;
        network.bits = bits;
    }
    network.len = len;
    return network;
}

static bool holds(const struct network *network, const struct network *address)
{
    if (network->len == 0 || network->len != address->len) {
        return false;
    }
    size_t whole = (size_t)network->bits / 8;
    unsigned rest = (unsigned)network->bits % 8;
    return memcmp(network->bytes, address->bytes, whole) == 0 &&
           (rest == 0 ||
            (unsigned)(network->bytes[whole] ^ address->bytes[whole]) >> (8 - rest) == 0);
}

bool address_valid(struct str text)
{
    return parse(text).len > 0;
}

bool address_listed(struct str address, const struct str_list *list)
{
    struct network one = parse(address);
    for (size_t i = 0; one.len > 0 && i < list->count; i++) {
        struct network network = parse(list->items[i]);
        if (holds(&network, &one)) {
            return true;
        }
    }
    return false;
}

struct str address_household(struct str address, char out[ADDRESS_TEXT_MAX])
{
    struct network one = parse(address);
    if (one.len == BYTES_MAX) {
        memset(one.bytes + HOUSEHOLD_BYTES, 0, BYTES_MAX - HOUSEHOLD_BYTES);
        struct str text = str_of(inet_ntop(AF_INET6, one.bytes, out, ADDRESS_TEXT_MAX));
        return text.ptr != NULL ? text : STR("");
    }
    return one.len > 0 ? address : STR("");
}

struct str address_caller(struct str peer, struct str forwarded, const struct str_list *proxies)
{
    struct str caller = peer;
    struct str rest = forwarded;
    for (int hop = 0; hop < HOPS_MAX && rest.len > 0 && rest.len <= ADDRESS_FORWARDED_MAX &&
                      address_listed(caller, proxies);
         hop++) {
        size_t comma = rest.len;
        while (comma > 0 && rest.ptr[comma - 1] != ',') {
            comma--;
        }
        struct str last = str_trim(str_slice(rest, comma, rest.len));
        if (str_find_byte(last, '/', 0) != STR_NONE || !address_valid(last)) {
            return caller; /* Whoever wrote this is as far as we can see. */
        }
        caller = last;
        rest = comma > 0 ? str_slice(rest, 0, comma - 1) : (struct str){0};
    }
    return caller;
}
