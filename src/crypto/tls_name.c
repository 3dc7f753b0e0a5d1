/* Which names a certificate vouches for (RFC 9525), and addresses. */
#include <arpa/inet.h>
#include <string.h>

#include "crypto/tls_check.h"
#include "crypto/tls_der.h"

enum { ADDRESS_TEXT_MAX = 64 };

size_t tls_name_address(struct str host, unsigned char out[16])
{
    char text[ADDRESS_TEXT_MAX];
    if (host.len == 0 || host.len >= sizeof text) {
        return 0;
    }
    memcpy(text, host.ptr, host.len);
    text[host.len] = '\0';
    if (inet_pton(AF_INET, text, out) == 1) {
        return 4;
    }
    return inet_pton(AF_INET6, text, out) == 1 ? 16 : 0;
}

static struct str without_dot(struct str name)
{
    return str_ends(name, STR(".")) ? str_slice(name, 0, name.len - 1) : name;
}

/* "*.example.com" stands for one label, and never for a whole zone such as "*.com". */
static bool name_fits(struct str pattern, struct str host)
{
    pattern = without_dot(pattern);
    host = without_dot(host);
    if (pattern.len == 0 || memchr(pattern.ptr, '\0', pattern.len) != NULL) {
        return false;
    }
    if (!str_starts(pattern, STR("*."))) {
        return str_equal_ascii_case(pattern, host);
    }
    size_t dot = str_find_byte(host, '.', 0);
    struct str zone = str_slice(pattern, 1, pattern.len);
    return dot != STR_NONE && dot > 0 && str_find_byte(zone, '.', 1) != STR_NONE &&
           str_equal_ascii_case(zone, str_slice(host, dot, host.len));
}

bool tls_name_matches(const struct tls_der *certificate, struct str host)
{
    unsigned char address[16];
    size_t address_len = tls_name_address(host, address);
    struct str names = certificate->names;
    struct str name;
    int tag = 0;
    if (names.ptr ==
        NULL) { /* Old certificates of one's own: the subject's name is all there is. */
        return address_len == 0 && name_fits(certificate->common_name, host);
    }
    while (tls_der_name(&names, &tag, &name)) {
        if (address_len > 0 ? tag == TLS_DER_IP && name.len == address_len &&
                                  memcmp(name.ptr, address, address_len) == 0
                            : tag == TLS_DER_DNS && name_fits(name, host)) {
            return true;
        }
    }
    return false;
}
