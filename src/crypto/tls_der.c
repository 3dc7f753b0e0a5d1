#include "crypto/tls_der.h"

#include <stdio.h>
#include <string.h>

enum {
    TAG_BOOLEAN = 0x01,
    TAG_OCTETS = 0x04,
    TAG_OID = 0x06,
    TAG_SEQUENCE = 0x30,
    TAG_VERSION = 0xA0,
    TAG_EXTENSIONS = 0xA3,
    LENGTH_BYTES_MAX = 4,
    TIME_SHORT = 13, /* "250101000000Z" */
    TIME_LONG = 15,  /* "20250101000000Z" */
};

/* Take one element off the front: its tag, its content, and (unless NULL) all of its bytes. */
static bool next(struct str *rest, int *tag, struct str *content, struct str *whole)
{
    const unsigned char *at = (const unsigned char *)rest->ptr;
    size_t left = rest->len;
    if (at == NULL || left < 2 || (at[0] & 0x1FU) == 0x1FU) {
        return false;
    }
    *tag = at[0];
    size_t header = 2;
    size_t len = at[1];
    if (len >= 0x80U) {
        size_t count = len & 0x7FU;
        if (count == 0 || count > LENGTH_BYTES_MAX || left - header < count) {
            return false;
        }
        len = 0;
        for (size_t i = 0; i < count; i++) {
            len = len << 8U | at[header + i];
        }
        header += count;
    }
    if (left - header < len) {
        return false;
    }
    *content = (struct str){rest->ptr + header, len};
    if (whole != NULL) {
        *whole = (struct str){rest->ptr, header + len};
    }
    *rest = (struct str){rest->ptr + header + len, left - header - len};
    return true;
}

static bool expect(struct str *rest, int wanted, struct str *content, struct str *whole)
{
    int tag = 0;
    return next(rest, &tag, content, whole) && tag == wanted;
}

/* The first commonName of a distinguished name; absent for none. */
static struct str common_name(struct str subject)
{
    struct str set;
    struct str pair;
    struct str oid;
    struct str value;
    int tag = 0;
    struct str inner;
    if (!expect(&subject, TAG_SEQUENCE, &inner, NULL)) {
        return (struct str){0};
    }
    while (next(&inner, &tag, &set, NULL)) {
        while (next(&set, &tag, &pair, NULL)) {
            if (expect(&pair, TAG_OID, &oid, NULL) && str_equal(oid, STR("\x55\x04\x03")) &&
                next(&pair, &tag, &value, NULL)) {
                return value;
            }
        }
    }
    return (struct str){0};
}

/* Does a list of purposes leave out servers? */
static bool leaves_out_servers(struct str usage)
{
    struct str list;
    struct str oid;
    if (!expect(&usage, TAG_SEQUENCE, &list, NULL)) {
        return true;
    }
    while (expect(&list, TAG_OID, &oid, NULL)) {
        if (str_equal(oid, STR("\x2b\x06\x01\x05\x05\x07\x03\x01")) ||
            str_equal(oid, STR("\x55\x1d\x25\x00"))) {
            return false;
        }
    }
    return true;
}

static bool read_extension(struct str extension, struct tls_der *out)
{
    struct str oid;
    struct str value;
    int tag = 0;
    if (!expect(&extension, TAG_OID, &oid, NULL) || !next(&extension, &tag, &value, NULL)) {
        return false;
    }
    if (tag == TAG_BOOLEAN && !next(&extension, &tag, &value, NULL)) {
        return false;
    }
    if (tag != TAG_OCTETS) {
        return false;
    }
    if (str_equal(oid, STR("\x55\x1d\x11"))) {
        return expect(&value, TAG_SEQUENCE, &out->names, NULL);
    }
    out->constraints |= str_equal(oid, STR("\x55\x1d\x1e"));
    out->other_purpose |= str_equal(oid, STR("\x55\x1d\x25")) && leaves_out_servers(value);
    return true;
}

/* What follows the key: two rare identifiers, and the extensions. */
static bool read_extensions(struct str rest, struct tls_der *out)
{
    struct str content;
    struct str list;
    struct str extension;
    int tag = 0;
    while (next(&rest, &tag, &content, NULL)) {
        if (tag != TAG_EXTENSIONS) {
            continue;
        }
        if (!expect(&content, TAG_SEQUENCE, &list, NULL)) {
            return false;
        }
        while (list.len > 0) {
            if (!expect(&list, TAG_SEQUENCE, &extension, NULL) || !read_extension(extension, out)) {
                return false;
            }
        }
    }
    return rest.len == 0;
}

bool tls_der_read(struct str certificate, struct tls_der *out)
{
    struct str outer;
    struct str body;
    struct str algorithm;
    struct str part;
    int tag = 0;
    *out = (struct tls_der){0};
    if (!expect(&certificate, TAG_SEQUENCE, &outer, NULL) ||
        !expect(&outer, TAG_SEQUENCE, &body, NULL) ||
        !expect(&outer, TAG_SEQUENCE, &algorithm, NULL) ||
        !expect(&algorithm, TAG_OID, &out->signature, NULL) || !next(&body, &tag, &part, NULL)) {
        return false;
    }
    out->parameters = algorithm;
    if (tag == TAG_VERSION && !next(&body, &tag, &part, NULL)) { /* The serial number. */
        return false;
    }
    if (!expect(&body, TAG_SEQUENCE, &part, NULL) || /* The algorithm once more. */
        !expect(&body, TAG_SEQUENCE, &part, &out->issuer) ||
        !expect(&body, TAG_SEQUENCE, &part, NULL) || !next(&part, &tag, &out->not_before, NULL) ||
        !next(&part, &tag, &out->not_after, NULL) ||
        !expect(&body, TAG_SEQUENCE, &part, &out->subject) ||
        !expect(&body, TAG_SEQUENCE, &part, NULL)) { /* The key. */
        return false;
    }
    out->common_name = common_name(out->subject);
    return read_extensions(body, out);
}

bool tls_der_name(struct str *names, int *tag, struct str *name)
{
    return next(names, tag, name, NULL);
}

/* Two digits at `at`, or -1. */
static int two(struct str time, size_t at)
{
    unsigned high = (unsigned)(unsigned char)time.ptr[at] - '0';
    unsigned low = (unsigned)(unsigned char)time.ptr[at + 1] - '0';
    return high <= 9 && low <= 9 ? (int)(high * 10 + low) : -1;
}

struct moment {
    int year, month, day, hour, minute, second;
};

static bool read_moment(struct str time, struct moment *out)
{
    size_t at = 2;
    if (time.len != TIME_SHORT && time.len != TIME_LONG) {
        return false;
    }
    int first = two(time, 0);
    if (time.len == TIME_LONG) {
        int second = two(time, 2);
        out->year = second < 0 ? -1 : first * 100 + second;
        at = 4;
    } else {
        out->year = first + (first >= 50 ? 1900 : 2000); /* RFC 5280. */
    }
    out->month = two(time, at);
    out->day = two(time, at + 2);
    out->hour = two(time, at + 4);
    out->minute = two(time, at + 6);
    out->second = two(time, at + 8);
    return first >= 0 && out->year >= 0 && out->month >= 1 && out->month <= 12 && out->day >= 1 &&
           out->day <= 31 && out->hour >= 0 && out->hour <= 24 && out->minute >= 0 &&
           out->minute <= 60 && out->second >= 0 && out->second <= 60;
}

void tls_der_date(struct str time, char out[11])
{
    struct moment moment;
    if (read_moment(time, &moment)) {
        (void)snprintf(out, 11, "%04u-%02u-%02u", (unsigned)moment.year % 10000U,
                       (unsigned)moment.month % 100U, (unsigned)moment.day % 100U);
    } else {
        memcpy(out, "?", 2);
    }
}

bool tls_der_seconds(struct str time, int64_t *out)
{
    struct moment moment;
    if (!read_moment(time, &moment)) {
        return false;
    }
    /* Days since 1970 in the Gregorian calendar, whose year is taken to begin in March. */
    int64_t year = moment.month <= 2 ? moment.year - 1 : moment.year;
    int64_t month = (moment.month + 9) % 12;
    int64_t days = 365 * year + year / 4 - year / 100 + year / 400 + (month * 306 + 5) / 10 +
                   moment.day - 1 - 719468;
    *out = ((days * 24 + moment.hour) * 60 + moment.minute) * 60 + moment.second;
    return true;
}

/* RSASSA-PSS names its hash in its parameters; without any it is SHA-1. */
static enum tls_der_hash pss_hash(struct str parameters)
{
    struct str list;
    struct str first;
    struct str algorithm;
    struct str oid;
    int tag = 0;
    if (!expect(&parameters, TAG_SEQUENCE, &list, NULL) || !next(&list, &tag, &first, NULL) ||
        tag != 0xA0 || !expect(&first, TAG_SEQUENCE, &algorithm, NULL) ||
        !expect(&algorithm, TAG_OID, &oid, NULL)) {
        return TLS_HASH_WEAK;
    }
    if (str_equal(oid, STR("\x60\x86\x48\x01\x65\x03\x04\x02\x01"))) {
        return TLS_HASH_SHA256;
    }
    if (str_equal(oid, STR("\x60\x86\x48\x01\x65\x03\x04\x02\x02"))) {
        return TLS_HASH_SHA384;
    }
    return str_equal(oid, STR("\x60\x86\x48\x01\x65\x03\x04\x02\x03")) ? TLS_HASH_SHA512
                                                                       : TLS_HASH_OTHER;
}

enum tls_der_hash tls_der_signed_with(const struct tls_der *certificate)
{
    static const struct {
        struct str oid;
        enum tls_der_hash hash;
    } known[] = {
        {STR_INIT("\x2a\x86\x48\x86\xf7\x0d\x01\x01\x02"), TLS_HASH_WEAK}, /* RSA with MD2, */
        {STR_INIT("\x2a\x86\x48\x86\xf7\x0d\x01\x01\x04"), TLS_HASH_WEAK}, /* MD5, */
        {STR_INIT("\x2a\x86\x48\x86\xf7\x0d\x01\x01\x05"), TLS_HASH_WEAK}, /* SHA-1 */
        {STR_INIT("\x2a\x86\x48\xce\x3d\x04\x01"), TLS_HASH_WEAK},         /* ECDSA with SHA-1 */
        {STR_INIT("\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0b"), TLS_HASH_SHA256},
        {STR_INIT("\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0c"), TLS_HASH_SHA384},
        {STR_INIT("\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0d"), TLS_HASH_SHA512},
        {STR_INIT("\x2a\x86\x48\xce\x3d\x04\x03\x02"), TLS_HASH_SHA256},
        {STR_INIT("\x2a\x86\x48\xce\x3d\x04\x03\x03"), TLS_HASH_SHA384},
        {STR_INIT("\x2a\x86\x48\xce\x3d\x04\x03\x04"), TLS_HASH_SHA512},
    };
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        if (str_equal(certificate->signature, known[i].oid)) {
            return known[i].hash;
        }
    }
    if (str_equal(certificate->signature, STR("\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0a"))) {
        return pss_hash(certificate->parameters);
    }
    return TLS_HASH_OTHER;
}
