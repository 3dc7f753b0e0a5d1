#include "store/pack.h"

#include <stdio.h>
#include <string.h>

#include "base/draft.h"
#include "base/mem.h"
#include "base/must.h"
#include "text/gzip.h"

enum {
    BLOCK = 512, /* Of tar: a head, and the unit that contents are filled up to. */
    NAME_AT = 0,
    MODE_AT = 100,
    OWNER_AT = 108,
    GROUP_AT = 116,
    SIZE_AT = 124,
    SIZE_LEN = 12,
    TIME_AT = 136,
    SUM_AT = 148,
    SUM_LEN = 8,
    TYPE_AT = 156,
    MAGIC_AT = 257,
    END_BLOCKS = 2,
};

/* What eleven octal digits hold; above, the size is written in binary with the first bit set. */
static const uint64_t octal_max = 077777777777;

struct pack {
    struct draft draft;
    struct gzip *gzip;
    int64_t now_s;
};

/* ---- Heads ---- */

static void put_octal(char *field, size_t len, uint64_t value)
{
    field[len - 1] = '\0';
    for (size_t i = len - 1; i-- > 0;) {
        field[i] = (char)('0' + (value & 7));
        value >>= 3;
    }
}

static void put_size(char *field, uint64_t size)
{
    if (size <= octal_max) {
        put_octal(field, SIZE_LEN, size);
        return;
    }
    for (size_t i = SIZE_LEN; i-- > 0;) {
        field[i] = (char)(size & 0xFF);
        size >>= 8;
    }
    field[0] = (char)0x80;
}

/* The sum of all bytes with blanks in its own place. */
static uint64_t head_sum(const char head[BLOCK])
{
    uint64_t sum = 0;
    for (size_t i = 0; i < BLOCK; i++) {
        bool own = i >= SUM_AT && i < SUM_AT + SUM_LEN;
        sum += own ? ' ' : (unsigned char)head[i];
    }
    return sum;
}

static bool get_octal(const char *field, size_t len, uint64_t *value)
{
    size_t i = 0;
    *value = 0;
    while (i < len && field[i] == ' ') {
        i++;
    }
    for (; i < len && field[i] >= '0' && field[i] <= '7'; i++) {
        *value = *value << 3 | (uint64_t)(field[i] - '0');
    }
    return i == len || field[i] == '\0' || field[i] == ' ';
}

static bool get_size(const char *field, uint64_t *size)
{
    if (((unsigned char)field[0] & 0x80) == 0) {
        return get_octal(field, SIZE_LEN, size);
    }
    *size = 0;
    for (size_t i = SIZE_LEN - 8; i < SIZE_LEN; i++) {
        *size = *size << 8 | (unsigned char)field[i];
    }
    return *size <= INT64_MAX;
}

/* Relative, plain, and never upwards. */
static bool name_fits(struct str name)
{
    bool fits = name.len > 0 && name.len <= PACK_NAME_MAX && name.ptr[0] != '/' &&
                str_find(name, STR(".."), 0) == STR_NONE;
    for (size_t i = 0; fits && i < name.len; i++) {
        char c = name.ptr[i];
        fits = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               c == '.' || c == '_' || c == '-' || c == '/';
    }
    return fits;
}

/* ---- Writing ---- */

static bool put_draft(void *context, struct str piece, struct err *err)
{
    return draft_add(context, piece, err);
}

static bool push(struct pack *pack, struct str bytes, bool last, struct err *err)
{
    return gzip_push(pack->gzip, bytes, last, put_draft, &pack->draft, err);
}

static bool push_head(struct pack *pack, struct str name, uint64_t size, struct err *err)
{
    char head[BLOCK] = {0};
    must(name_fits(name));
    memcpy(head + NAME_AT, name.ptr, name.len);
    put_octal(head + MODE_AT, 8, 0600);
    put_octal(head + OWNER_AT, 8, 0);
    put_octal(head + GROUP_AT, 8, 0);
    put_size(head + SIZE_AT, size);
    put_octal(head + TIME_AT, 12, (uint64_t)pack->now_s);
    head[TYPE_AT] = '0';
    memcpy(head + MAGIC_AT, "ustar\00000", 8);
    put_octal(head + SUM_AT, 7, head_sum(head));
    head[SUM_AT + 7] = ' ';
    return push(pack, (struct str){head, sizeof head}, false, err);
}

static bool push_fill(struct pack *pack, uint64_t size, struct err *err)
{
    static const char zeros[BLOCK];
    size_t over = (size_t)(size % BLOCK);
    return over == 0 || push(pack, (struct str){zeros, BLOCK - over}, false, err);
}

bool pack_open(struct pack **out, struct str path, int64_t now_s, struct err *err)
{
    struct pack *pack = mem_alloc(sizeof *pack);
    if (pack == NULL) {
        return err_set(err, ERR_RETRY, "pack: out of memory");
    }
    pack->draft.fd = -1;
    pack->now_s = now_s;
    if (!gzip_open(&pack->gzip, GZIP_PACK, err) || !draft_open(&pack->draft, path, err)) {
        pack_close(pack);
        return false;
    }
    *out = pack;
    return true;
}

struct adding {
    struct pack *pack;
    const struct pack_watch *watch;
    struct digest digest;
    struct str name;
    uint64_t size;
    uint64_t done;
};

static bool add_piece(void *context, struct str piece, struct err *err)
{
    struct adding *adding = context;
    if (piece.len > adding->size - adding->done) {
        return err_set(err, ERR_RETRY, "%.*s grew while it was read", STR_ARG(adding->name));
    }
    adding->done += piece.len;
    digest_add(&adding->digest, piece);
    if (adding->watch != NULL) {
        adding->watch->moved(adding->watch->context, piece.len);
    }
    return push(adding->pack, piece, false, err);
}

bool pack_add_file(struct pack *pack, struct str name, struct str from,
                   const struct pack_watch *watch, char sha256[HASH_HEX_MAX], uint64_t *size,
                   struct err *err)
{
    struct file_info info = {0};
    char hash[HASH_SIZE];
    if (!file_look(from, &info, err)) {
        return false;
    }
    struct adding adding = {.pack = pack, .watch = watch, .name = name, .size = info.size};
    digest_init(&adding.digest, DIGEST_SHA256);
    if (!push_head(pack, name, info.size, err) || !draft_read(from, add_piece, &adding, err)) {
        return false;
    }
    if (adding.done != adding.size) {
        return err_set(err, ERR_RETRY, "%.*s shrank while it was read", STR_ARG(name));
    }
    hash_value(&adding.digest, hash);
    hash_to_hex(hash, sha256);
    *size = info.size;
    return push_fill(pack, info.size, err);
}

bool pack_add_bytes(struct pack *pack, struct str name, struct str bytes, struct err *err)
{
    return push_head(pack, name, bytes.len, err) && push(pack, bytes, false, err) &&
           push_fill(pack, bytes.len, err);
}

bool pack_finish(struct pack *pack, uint64_t *size, struct err *err)
{
    static const char zeros[END_BLOCKS * BLOCK];
    if (!push(pack, (struct str){zeros, sizeof zeros}, true, err)) {
        return false;
    }
    *size = pack->draft.size;
    return draft_keep(&pack->draft, err);
}

void pack_close(struct pack *pack)
{
    if (pack == NULL) {
        return;
    }
    draft_drop(&pack->draft);
    gzip_close(pack->gzip);
    mem_free(pack);
}

/* ---- Reading ---- */

struct reading {
    const struct pack_visitor *visitor;
    const struct pack_watch *watch;
    struct gzip *gzip;
    char head[BLOCK];
    size_t head_len;
    uint64_t left; /* Of the contents at hand. */
    uint64_t fill; /* Behind them. */
    bool inside;   /* Contents are at hand. */
    bool ended;    /* The block of zeros was met. */
    uint64_t entries;
    struct digest digest;
};

static bool end_entry(struct reading *reading, struct err *err)
{
    char hash[HASH_SIZE];
    char hex[HASH_HEX_MAX];
    hash_value(&reading->digest, hash);
    hash_to_hex(hash, hex);
    reading->inside = false;
    return reading->visitor->end(reading->visitor->context, hex, err);
}

static bool begin_entry(struct reading *reading, struct err *err)
{
    static const char zeros[BLOCK];
    const char *head = reading->head;
    uint64_t sum = 0;
    uint64_t size = 0;
    if (memcmp(head, zeros, sizeof zeros) == 0) {
        reading->ended = true;
        return true;
    }
    struct str name =
        str_slice((struct str){head, PACK_NAME_MAX + 1}, 0, strnlen(head, PACK_NAME_MAX + 1));
    if (!get_octal(head + SUM_AT, SUM_LEN, &sum) || sum != head_sum(head) ||
        !get_size(head + SIZE_AT, &size)) {
        return err_set(err, ERR_REJECT, "what is inside is no tar, or was damaged");
    }
    if (!name_fits(name) || (head[TYPE_AT] != '0' && head[TYPE_AT] != '\0')) {
        return err_set(err, ERR_REJECT,
                       "it holds a name or a kind of file that sluice never packs");
    }
    if (++reading->entries > PACK_ENTRIES_MAX) {
        return err_set(err, ERR_REJECT, "it holds more than %d files", PACK_ENTRIES_MAX);
    }
    reading->inside = true;
    reading->left = size;
    reading->fill = (BLOCK - size % BLOCK) % BLOCK;
    digest_init(&reading->digest, DIGEST_SHA256);
    return reading->visitor->begin(reading->visitor->context, name, size, err) &&
           (size > 0 || end_entry(reading, err));
}

static bool take_contents(struct reading *reading, struct str *bytes, struct err *err)
{
    size_t len = bytes->len < reading->left ? bytes->len : (size_t)reading->left;
    struct str part = str_slice(*bytes, 0, len);
    *bytes = str_slice(*bytes, len, bytes->len);
    reading->left -= len;
    digest_add(&reading->digest, part);
    return reading->visitor->bytes(reading->visitor->context, part, err) &&
           (reading->left > 0 || end_entry(reading, err));
}

static bool take_head(struct reading *reading, struct str *bytes, struct err *err)
{
    size_t room = sizeof reading->head - reading->head_len;
    size_t len = bytes->len < room ? bytes->len : room;
    memcpy(reading->head + reading->head_len, bytes->ptr, len);
    reading->head_len += len;
    *bytes = str_slice(*bytes, len, bytes->len);
    if (reading->head_len < sizeof reading->head) {
        return true;
    }
    reading->head_len = 0;
    return begin_entry(reading, err);
}

static bool take_tar(void *context, struct str bytes, struct err *err)
{
    struct reading *reading = context;
    bool ok = true;
    while (ok && bytes.len > 0 && !reading->ended) {
        if (reading->inside) {
            ok = take_contents(reading, &bytes, err);
        } else if (reading->fill > 0) {
            size_t len = bytes.len < reading->fill ? bytes.len : (size_t)reading->fill;
            bytes = str_slice(bytes, len, bytes.len);
            reading->fill -= len;
        } else {
            ok = take_head(reading, &bytes, err);
        }
    }
    return ok;
}

static bool take_gzip(void *context, struct str piece, struct err *err)
{
    struct reading *reading = context;
    if (reading->watch != NULL) {
        reading->watch->moved(reading->watch->context, piece.len);
    }
    return gzip_push(reading->gzip, piece, false, take_tar, reading, err);
}

bool pack_read(struct str path, const struct pack_visitor *visitor, const struct pack_watch *watch,
               struct err *err)
{
    struct reading reading = {.visitor = visitor, .watch = watch};
    if (!gzip_open(&reading.gzip, GZIP_UNPACK, err)) {
        return false;
    }
    bool ok = draft_read(path, take_gzip, &reading, err);
    bool whole = reading.ended && gzip_done(reading.gzip);
    gzip_close(reading.gzip);
    return ok && (whole || err_set(err, ERR_REJECT, "it ends before its end: it was cut"));
}
