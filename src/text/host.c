#include "text/host.h"

#include <arpa/inet.h>
#include <stdint.h>
#include <string.h>

enum { ADDRESS_TEXT_MAX = 64, V4 = 4, V6 = 16 };

struct range {
    uint32_t from;
    int bits;
    enum host_kind kind;
};

static const struct range ranges[] = {
    {0x00000000, 8, HOST_SPECIAL},     /* 0.0.0.0/8, "this" */
    {0x0A000000, 8, HOST_PRIVATE},     /* 10/8 */
    {0x64400000, 10, HOST_PRIVATE},    /* 100.64/10, behind a provider's NAT */
    {0x7F000000, 8, HOST_LOOPBACK},    /* 127/8 */
    {0xA9FE0000, 16, HOST_LINK_LOCAL}, /* 169.254/16 */
    {0xAC100000, 12, HOST_PRIVATE},    /* 172.16/12 */
    {0xC0000000, 24, HOST_SPECIAL},    /* 192.0.0/24 */
    {0xC0000200, 24, HOST_SPECIAL},    /* 192.0.2/24, documentation */
    {0xC0A80000, 16, HOST_PRIVATE},    /* 192.168/16 */
    {0xC6120000, 15, HOST_SPECIAL},    /* 198.18/15, measurements */
    {0xC6336400, 24, HOST_SPECIAL},    /* 198.51.100/24, documentation */
    {0xCB007100, 24, HOST_SPECIAL},    /* 203.0.113/24, documentation */
    {0xE0000000, 4, HOST_SPECIAL},     /* 224/4, multicast */
    {0xF0000000, 4, HOST_SPECIAL},     /* 240/4, reserved and broadcast */
};

static enum host_kind kind_of_v4(const unsigned char *address)
{
    uint32_t value = (uint32_t)address[0] << 24U | (uint32_t)address[1] << 16U |
                     (uint32_t)address[2] << 8U | address[3];
    for (size_t i = 0; i < sizeof ranges / sizeof ranges[0]; i++) {
        uint32_t mask = UINT32_MAX << (32U - (unsigned)ranges[i].bits);
        if ((value & mask) == ranges[i].from) {
            return ranges[i].kind;
        }
    }
    return HOST_PUBLIC;
}

static enum host_kind kind_of_v6(const unsigned char *address)
{
    static const unsigned char zeros[V6] = {0};
    static const unsigned char mapped[12] = {[10] = 0xFF, [11] = 0xFF};
    static const unsigned char nat64[12] = {0x00, 0x64, 0xFF, 0x9B};
    if (memcmp(address, mapped, sizeof mapped) == 0 || memcmp(address, nat64, sizeof nat64) == 0) {
        return kind_of_v4(address + 12);
    }
    if (memcmp(address, zeros, V6 - 1) == 0) {
        return address[V6 - 1] == 1 ? HOST_LOOPBACK : HOST_SPECIAL;
    }
    if (address[0] == 0x20 && address[1] == 0x02) { /* 6to4 carries an IPv4 address. */
        return kind_of_v4(address + 2);
    }
    if (address[0] == 0xFE && (address[1] & 0xC0U) == 0x80U) {
        return HOST_LINK_LOCAL;
    }
    if ((address[0] & 0xFEU) == 0xFCU) {
        return HOST_PRIVATE;
    }
    bool documentation =
        address[0] == 0x20 && address[1] == 0x01 && address[2] == 0x0D && address[3] == 0xB8;
    return (address[0] & 0xE0U) == 0x20U && !documentation ? HOST_PUBLIC : HOST_SPECIAL;
}

enum host_kind host_kind_of_address(const unsigned char *address, size_t len)
{
    return len == V4 ? kind_of_v4(address) : len == V6 ? kind_of_v6(address) : HOST_SPECIAL;
}

/* The bytes of an address, their number; 0 for a name. */
static size_t address_of(struct str host, unsigned char out[V6])
{
    char text[ADDRESS_TEXT_MAX];
    if (str_starts(host, STR("[")) && str_ends(host, STR("]"))) {
        host = str_slice(host, 1, host.len - 1);
    }
    size_t zone = str_find_byte(host, '%', 0); /* "fe80::1%eth0" */
    host = str_slice(host, 0, zone);
    if (host.len == 0 || host.len >= sizeof text) {
        return 0;
    }
    memcpy(text, host.ptr, host.len);
    text[host.len] = '\0';
    if (inet_pton(AF_INET, text, out) == 1) {
        return V4;
    }
    return inet_pton(AF_INET6, text, out) == 1 ? V6 : 0;
}

bool host_is_address(struct str host)
{
    unsigned char address[V6];
    return address_of(host, address) > 0;
}

static bool under(struct str host, struct str zone)
{
    return str_equal_ascii_case(host, zone) ||
           (host.len > zone.len && host.ptr[host.len - zone.len - 1] == '.' &&
            str_equal_ascii_case(str_slice(host, host.len - zone.len, host.len), zone));
}

/* "127.1", "0x7f000001" and "2130706433" are addresses for some programs: nothing for us. */
static bool looks_like_number(struct str host)
{
    struct str last = host;
    for (size_t dot = str_find_byte(last, '.', 0); dot != STR_NONE;
         dot = str_find_byte(last, '.', 0)) {
        last = str_slice(last, dot + 1, last.len);
    }
    return last.len > 0 && last.ptr[0] >= '0' && last.ptr[0] <= '9';
}

enum host_kind host_kind_of(struct str host)
{
    static const struct str private_zones[] = {
        STR_INIT("local"),    STR_INIT("internal"), STR_INIT("lan"),     STR_INIT("home.arpa"),
        STR_INIT("intranet"), STR_INIT("corp"),     STR_INIT("private"), STR_INIT("test"),
    };
    unsigned char address[V6];
    size_t len = address_of(host, address);
    if (len > 0) {
        return host_kind_of_address(address, len);
    }
    if (str_ends(host, STR("."))) {
        host = str_slice(host, 0, host.len - 1);
    }
    if (host.len == 0 || looks_like_number(host)) {
        return HOST_SPECIAL;
    }
    if (under(host, STR("localhost"))) {
        return HOST_LOOPBACK;
    }
    for (size_t i = 0; i < sizeof private_zones / sizeof private_zones[0]; i++) {
        if (under(host, private_zones[i])) {
            return HOST_PRIVATE;
        }
    }
    return str_find_byte(host, '.', 0) == STR_NONE ? HOST_PRIVATE : HOST_PUBLIC;
}
