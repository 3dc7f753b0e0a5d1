#include "crypto/tls_trust.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/must.h"
#include "base/thread.h"
#include "crypto/tls_anchor.h"
#include "crypto/tls_authorities.h"
#include "crypto/tls_der.h"

enum {
    CERTIFICATE_MAX = 64 * 1024,
    ARENA_MAX = 32 * 1024 * 1024,
};

struct tls_trust {
    unsigned holders; /* Guarded by `lock`, as is the list of files below. */
    char name[FILE_PATH_MAX];
    struct file_info file;
    struct arena arena;
    struct tls_anchors anchors;
    br_x509_trust_anchor *list;
    struct tls_anchor_time *times;
    size_t room;
    size_t skipped;
};

/* Files that were read, for the next who asks. Each entry is a holder. */
static struct lock lock = {PTHREAD_MUTEX_INITIALIZER};
static struct tls_trust *kept[TLS_TRUSTS_KEPT_MAX];

/* ---- One certificate ---- */

struct reading {
    struct tls_trust *trust;
    char *bytes; /* The certificate at hand. */
    size_t len;
    bool too_long;
    char name[1024]; /* Its subject, as the decoder hands it out. */
    size_t name_len;
    bool name_too_long;
};

static void take_bytes(void *context, const void *bytes, size_t len)
{
    struct reading *reading = context;
    if (len > CERTIFICATE_MAX - reading->len) {
        reading->too_long = true;
        return;
    }
    memcpy(reading->bytes + reading->len, bytes, len);
    reading->len += len;
}

static void take_name(void *context, const void *bytes, size_t len)
{
    struct reading *reading = context;
    if (len > sizeof reading->name - reading->name_len) {
        reading->name_too_long = true;
        return;
    }
    memcpy(reading->name + reading->name_len, bytes, len);
    reading->name_len += len;
}

static unsigned char *copy(struct arena *arena, const void *bytes, size_t len)
{
    return (unsigned char *)(void *)(uintptr_t)arena_copy(arena, (struct str){bytes, len}).ptr;
}

static bool copy_key(struct arena *arena, const br_x509_pkey *from, br_x509_pkey *to)
{
    *to = *from;
    if (from->key_type == BR_KEYTYPE_RSA) {
        to->key.rsa.n = copy(arena, from->key.rsa.n, from->key.rsa.nlen);
        to->key.rsa.e = copy(arena, from->key.rsa.e, from->key.rsa.elen);
        return to->key.rsa.n != NULL && to->key.rsa.e != NULL;
    }
    to->key.ec.q = copy(arena, from->key.ec.q, from->key.ec.qlen);
    return to->key.ec.q != NULL;
}

static bool grow(struct tls_trust *trust)
{
    if (trust->anchors.count < trust->room) {
        return true;
    }
    size_t room = trust->room == 0 ? 16 : trust->room * 2;
    br_x509_trust_anchor *list = mem_resize(trust->list, room * sizeof *list);
    if (list == NULL) {
        return false;
    }
    trust->list = list;
    struct tls_anchor_time *times = mem_resize(trust->times, room * sizeof *times);
    if (times == NULL) {
        return false;
    }
    trust->times = times;
    trust->room = room;
    return true;
}

/* False only when there is no memory; what cannot be used is counted. */
static bool add_anchor(struct reading *reading)
{
    struct tls_trust *trust = reading->trust;
    br_x509_decoder_context decoder;
    struct tls_der der;
    struct tls_anchor_time time = {0};
    reading->name_len = 0;
    reading->name_too_long = false;
    br_x509_decoder_init(&decoder, take_name, reading);
    br_x509_decoder_push(&decoder, reading->bytes, reading->len);
    const br_x509_pkey *key = br_x509_decoder_get_pkey(&decoder);
    if (reading->too_long || key == NULL || reading->name_too_long ||
        !tls_der_read((struct str){reading->bytes, reading->len}, &der) || der.constraints ||
        !tls_der_seconds(der.not_before, &time.from) || !tls_der_seconds(der.not_after, &time.to) ||
        trust->anchors.count == TLS_TRUST_ANCHORS_MAX) {
        trust->skipped++;
        return true;
    }
    if (!grow(trust)) {
        return false;
    }
    br_x509_trust_anchor *anchor = &trust->list[trust->anchors.count];
    *anchor = (br_x509_trust_anchor){0};
    anchor->flags = br_x509_decoder_isCA(&decoder) != 0 ? BR_X509_TA_CA : 0;
    anchor->dn.data = copy(&trust->arena, reading->name, reading->name_len);
    anchor->dn.len = reading->name_len;
    if (anchor->dn.data == NULL || !copy_key(&trust->arena, key, &anchor->pkey)) {
        return false;
    }
    tls_der_date(der.not_after, time.last_day);
    trust->times[trust->anchors.count++] = time;
    return true;
}

/* ---- A text of many ---- */

static bool is_certificate(const char *title)
{
    return strcmp(title, "CERTIFICATE") == 0 || strcmp(title, "X509 CERTIFICATE") == 0;
}

static const char no_memory[] = "out of memory";

/* NULL when it was read; else what is wrong. */
static const char *read_all(struct reading *reading, struct str pem)
{
    br_pem_decoder_context decoder;
    bool open = false;
    bool wanted = false;
    br_pem_decoder_init(&decoder);
    for (size_t at = 0; at < pem.len;) {
        at += br_pem_decoder_push(&decoder, pem.ptr + at, pem.len - at);
        switch (br_pem_decoder_event(&decoder)) {
        case BR_PEM_BEGIN_OBJ:
            open = true;
            wanted = is_certificate(br_pem_decoder_name(&decoder));
            reading->len = 0;
            reading->too_long = false;
            br_pem_decoder_setdest(&decoder, wanted ? take_bytes : NULL, reading);
            break;
        case BR_PEM_END_OBJ:
            open = false;
            if (wanted && !add_anchor(reading)) {
                return no_memory;
            }
            wanted = false;
            break;
        case BR_PEM_ERROR:
            return "it is damaged: a certificate in it is not readable as PEM";
        default:
            break;
        }
    }
    if (open) {
        return "it is cut off in the middle of a certificate";
    }
    if (reading->trust->anchors.count > 0) {
        return NULL;
    }
    return reading->trust->skipped > 0
               ? "none of its certificates can be used (RSA and EC keys without name constraints)"
               : "there is no certificate in it (\"-----BEGIN CERTIFICATE-----\")";
}

static void destroy(struct tls_trust *trust)
{
    arena_free(&trust->arena);
    mem_free(trust->list);
    mem_free(trust->times);
    mem_free(trust);
}

bool tls_trust_parse(struct str pem, struct str name, struct tls_trust **out, struct err *err)
{
    struct tls_trust *trust = mem_alloc(sizeof *trust);
    struct reading reading = {.trust = trust, .bytes = mem_alloc_raw(CERTIFICATE_MAX)};
    const char *wrong = no_memory;
    if (trust != NULL && reading.bytes != NULL) {
        arena_init(&trust->arena, ARENA_MAX);
        trust->holders = 1;
        (void)snprintf(trust->name, sizeof trust->name, "%.*s", STR_ARG(name));
        wrong = read_all(&reading, pem);
        trust->anchors.list = trust->list;
        trust->anchors.times = trust->times;
    }
    mem_free(reading.bytes);
    if (wrong == NULL) {
        *out = trust;
        return true;
    }
    if (trust != NULL) {
        destroy(trust);
    }
    return err_set(err, wrong == no_memory ? ERR_RETRY : ERR_CONFIG,
                   "certificate authorities in %.*s: %s", STR_ARG(name), wrong);
}

/* ---- Files ---- */

/* The machine's list; absent where there is none. */
static struct str find_system(void)
{
    static const char *const places[] = {
        "/etc/ssl/certs/ca-certificates.crt", /* Debian, Alpine */
        "/etc/pki/tls/certs/ca-bundle.crt",   /* Fedora, RHEL */
        "/etc/ssl/ca-bundle.pem",             /* SUSE */
        "/etc/ssl/cert.pem",
    };
    const char *set = getenv("SSL_CERT_FILE");
    if (set != NULL && set[0] != '\0') {
        return str_of(set);
    }
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        struct file_info info;
        struct err ignored = {0};
        if (file_look(str_of(places[i]), &info, &ignored) && info.kind == FILE_REGULAR) {
            return str_of(places[i]);
        }
    }
    return (struct str){0};
}

static bool same_file(const struct tls_trust *trust, struct str path, const struct file_info *info)
{
    return str_equal(str_of(trust->name), path) && trust->file.inode == info->inode &&
           trust->file.device == info->device && trust->file.mtime_ns == info->mtime_ns &&
           trust->file.size == info->size;
}

/* The one that was read before; counted for the caller. */
static struct tls_trust *recall(struct str path, const struct file_info *info)
{
    struct tls_trust *found = NULL;
    lock_take(&lock);
    for (size_t i = 0; i < TLS_TRUSTS_KEPT_MAX && found == NULL; i++) {
        if (kept[i] != NULL && same_file(kept[i], path, info)) {
            found = kept[i];
            found->holders++;
        }
    }
    lock_give(&lock);
    return found;
}

/* Remember a new one in the place of its older self, of nobody, or of the first. */
static void remember(struct tls_trust *trust)
{
    struct tls_trust *old = NULL;
    lock_take(&lock);
    size_t place = 0;
    for (size_t i = TLS_TRUSTS_KEPT_MAX; i-- > 0;) {
        if (kept[i] == NULL) {
            place = i;
        }
    }
    for (size_t i = 0; i < TLS_TRUSTS_KEPT_MAX; i++) {
        if (kept[i] != NULL && strcmp(kept[i]->name, trust->name) == 0) {
            place = i;
        }
    }
    old = kept[place];
    kept[place] = trust;
    trust->holders++;
    lock_give(&lock);
    tls_trust_drop(old);
}

static bool read_file(struct str path, uint64_t size, struct tls_trust **out, struct err *err)
{
    struct arena arena;
    struct str pem = {0};
    arena_init(&arena, 2 * (size_t)TLS_TRUST_FILE_MAX);
    bool ok = file_read(&arena, path, TLS_TRUST_FILE_MAX, &pem, err);
    if (!ok) {
        if (err->kind == ERR_REJECT) { /* Too large for us, or for this machine just now. */
            err->kind = size > TLS_TRUST_FILE_MAX ? ERR_CONFIG : ERR_RETRY;
        }
        (void)err_prefix(err, "certificate authorities: ");
    }
    ok = ok && tls_trust_parse(pem, path, out, err);
    arena_free(&arena);
    return ok;
}

bool tls_trust_load(struct str path, struct tls_trust **out, struct err *err)
{
    struct file_info info = {0};
    if (path.len == 0 || str_equal(path, STR("system"))) {
        path = find_system();
    }
    bool own = path.len == 0 || str_equal(path, STR(TLS_TRUST_BUILT_IN));
    if (own) {
        path = STR(TLS_TRUST_BUILT_IN);
    } else if (!file_look(path, &info, err)) {
        return err_prefix(err, "certificate authorities: ");
    } else if (info.kind != FILE_REGULAR) {
        return err_set(err, ERR_CONFIG, "certificate authorities in %.*s: %s", STR_ARG(path),
                       info.kind == FILE_MISSING ? "there is no such file" : "not a file");
    }
    *out = recall(path, &info);
    if (*out != NULL) {
        return true;
    }
    struct str pem = {(const char *)tls_authorities_pem, tls_authorities_len};
    bool ok = own ? tls_trust_parse(pem, path, out, err) : read_file(path, info.size, out, err);
    if (ok) {
        must(*out != NULL);
        (*out)->file = info;
        remember(*out);
    }
    return ok;
}

struct str tls_trust_system(void)
{
    struct str path = find_system();
    return path.len > 0 ? path : STR(TLS_TRUST_BUILT_IN);
}

const char *tls_trust_built_in_version(void)
{
    return tls_authorities_version;
}

struct tls_trust *tls_trust_keep(struct tls_trust *trust)
{
    if (trust != NULL) {
        lock_take(&lock);
        trust->holders++;
        lock_give(&lock);
    }
    return trust;
}

void tls_trust_drop(struct tls_trust *trust)
{
    if (trust == NULL) {
        return;
    }
    lock_take(&lock);
    must(trust->holders > 0);
    bool last = --trust->holders == 0;
    lock_give(&lock);
    if (last) {
        destroy(trust);
    }
}

const struct tls_anchors *tls_trust_anchors(const struct tls_trust *trust)
{
    return &trust->anchors;
}

const char *tls_trust_name(const struct tls_trust *trust)
{
    return trust->name;
}

size_t tls_trust_count(const struct tls_trust *trust)
{
    return trust->anchors.count;
}

size_t tls_trust_skipped(const struct tls_trust *trust)
{
    return trust->skipped;
}
