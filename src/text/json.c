#include "text/json.h"

#include <math.h>
#include <stdalign.h>
#include <string.h>
#include <yyjson.h>

#include "base/must.h"

enum {
    KEYS_BY_PAIRS_MAX = 12, /* So many keys are compared each with each; more are hashed. */
    NUMBER_POOL = 1024,     /* What the library wants to write one number. */
};

/* A value is the library's, under our name: the pointer alone is shared. */
static yyjson_val *theirs(const struct json_value *value)
{
    return (yyjson_val *)(uintptr_t)value;
}

static const struct json_value *ours(const yyjson_val *value)
{
    return (const struct json_value *)(uintptr_t)value;
}

/* ---- The library's memory is the arena's ---- */

static void *pool_alloc(void *context, size_t size)
{
    const size_t align = alignof(max_align_t);
    if (size > SIZE_MAX - align) {
        return NULL;
    }
    char *bytes = arena_bytes(context, size + align - 1); /* Not zeroed, therefore not aligned. */
    if (bytes == NULL) {
        return NULL;
    }
    return bytes + (align - (uintptr_t)bytes % align) % align;
}

static void *pool_resize(void *context, void *memory, size_t old_size, size_t size)
{
    if (size <= old_size) {
        return memory;
    }
    void *larger = pool_alloc(context, size);
    if (larger != NULL && old_size > 0) {
        memcpy(larger, memory, old_size);
    }
    return larger;
}

static void pool_free(void *context, void *memory)
{
    (void)context;
    (void)memory;
}

/* ---- Errors ---- */

/* Line and column (in characters) of an offset; only for errors, so it may count from the start. */
static bool refuse(struct err *err, struct str text, size_t offset, const char *why)
{
    size_t line = 1;
    size_t column = 1;
    for (size_t i = 0; i < offset && i < text.len; i++) {
        unsigned byte = (unsigned char)text.ptr[i];
        if (byte == '\n') {
            line++;
            column = 1;
        } else if ((byte & 0xC0U) != 0x80U) {
            column++;
        }
    }
    return err_set(err, ERR_REJECT, "JSON, line %zu, column %zu (byte %zu): %s", line, column,
                   offset, why);
}

static bool refuse_parse(struct err *err, struct str text, bool innocent,
                         const yyjson_read_err *why)
{
    if (why->code == YYJSON_READ_ERROR_MEMORY_ALLOCATION) {
        return err_set(err, innocent ? ERR_RETRY : ERR_REJECT,
                       "JSON of %zu bytes does not fit into the memory that is "
                       "set aside for it",
                       text.len);
    }
    if (why->code == YYJSON_READ_ERROR_EMPTY_CONTENT) {
        return err_set(err, ERR_REJECT, "JSON is empty where a value is needed");
    }
    return refuse(err, text, why->pos, why->msg != NULL ? why->msg : "it cannot be read");
}

/* Where the brackets first go deeper than `depth_max`; the text is known to be JSON. */
static size_t deep_offset(struct str text, unsigned depth_max)
{
    unsigned depth = 0;
    bool quoted = false;
    for (size_t i = 0; i < text.len; i++) {
        char here = text.ptr[i];
        if (quoted) {
            i += here == '\\';
            quoted = here != '"';
        } else if (here == '"') {
            quoted = true;
        } else if (here == '{' || here == '[') {
            if (depth++ == depth_max) {
                return i;
            }
        } else if (here == '}' || here == ']') {
            depth--;
        }
    }
    return text.len;
}

/* ---- What the library does not check: depth and keys ---- */

struct check {
    struct arena *arena;
    struct str text;
    const char *base; /* The library's copy of the text: strings stay where they stood. */
    unsigned depth_max;
    bool keys;
    bool innocent;
};

static struct str string_of(yyjson_val *value)
{
    return (struct str){unsafe_yyjson_get_str(value), unsafe_yyjson_get_len(value)};
}

static bool refuse_key(const struct check *check, yyjson_val *key, struct err *err)
{
    size_t offset = (size_t)(unsafe_yyjson_get_str(key) - check->base);
    return refuse(err, check->text, offset, "this key stands in the object already");
}

static bool keys_by_pairs(const struct check *check, yyjson_val *object, struct err *err)
{
    yyjson_val *seen[KEYS_BY_PAIRS_MAX];
    size_t count = unsafe_yyjson_get_len(object);
    yyjson_val *key = unsafe_yyjson_get_first(object);
    for (size_t i = 0; i < count; i++) {
        seen[i] = key;
        for (size_t k = 0; k < i; k++) {
            if (unsafe_yyjson_get_len(seen[k]) == unsafe_yyjson_get_len(key) &&
                str_equal(string_of(seen[k]), string_of(key))) {
                return refuse_key(check, key, err);
            }
        }
        key = unsafe_yyjson_get_next(key + 1);
    }
    return true;
}

static bool keys_by_hash(const struct check *check, yyjson_val *object, struct err *err)
{
    size_t count = unsafe_yyjson_get_len(object);
    size_t slots = 32;
    while (slots < count * 2) {
        slots *= 2;
    }
    struct arena_mark mark = arena_mark(check->arena);
    yyjson_val **table = arena_array(check->arena, slots, sizeof(yyjson_val *));
    if (table == NULL) {
        return err_set(err, check->innocent ? ERR_RETRY : ERR_REJECT,
                       "JSON: no memory to check an object of %zu keys", count);
    }
    /* The address is chance enough against keys that were chosen to collide. */
    uint64_t seed = (uint64_t)(uintptr_t)object;
    bool ok = true;
    yyjson_val *key = unsafe_yyjson_get_first(object);
    for (size_t i = 0; i < count && ok; i++) {
        size_t at = (size_t)str_hash(string_of(key), seed) & (slots - 1);
        while (ok && table[at] != NULL) {
            ok = !str_equal(string_of(table[at]), string_of(key));
            at = (at + 1) & (slots - 1);
        }
        if (ok) {
            table[at] = key;
            key = unsafe_yyjson_get_next(key + 1);
        }
    }
    arena_rewind(check->arena, mark);
    return ok || refuse_key(check, key, err);
}

static bool check_object(const struct check *check, yyjson_val *object, struct err *err)
{
    return unsafe_yyjson_get_len(object) <= KEYS_BY_PAIRS_MAX ? keys_by_pairs(check, object, err)
                                                              : keys_by_hash(check, object, err);
}

/* The values of a document lie one behind the other, so the whole tree is one flat walk. */
static bool check_values(const struct check *check, yyjson_doc *doc, struct err *err)
{
    yyjson_val *ends[JSON_DEPTH_MAX];
    unsigned depth = 0;
    yyjson_val *last = doc->root + doc->val_read;
    for (yyjson_val *value = doc->root; value < last; value++) {
        while (depth > 0 && value >= ends[depth - 1]) {
            depth--;
        }
        if (!unsafe_yyjson_is_ctn(value)) {
            continue;
        }
        if (depth == check->depth_max) {
            return refuse(err, check->text, deep_offset(check->text, check->depth_max),
                          "it is nested too deeply");
        }
        ends[depth++] = unsafe_yyjson_get_next(value);
        if (check->keys && unsafe_yyjson_is_obj(value) && !check_object(check, value, err)) {
            return false;
        }
    }
    return true;
}

/* ---- Parsing ---- */

bool json_parse(struct arena *arena, struct str text, const struct json_limits *limits,
                const struct json_value **root, struct err *err)
{
    struct json_limits use = limits != NULL ? *limits : (struct json_limits){0};
    use.size_max = use.size_max > 0 ? use.size_max : JSON_SIZE_MAX;
    use.depth_max = use.depth_max > 0 ? use.depth_max : JSON_DEPTH_MAX;
    must(use.depth_max <= JSON_DEPTH_MAX);
    if (text.len > use.size_max) {
        return err_set(err, ERR_REJECT, "JSON of %zu bytes is larger than the %zu that are read",
                       text.len, use.size_max);
    }
    if (str_starts(text, STR("\xEF\xBB\xBF"))) {
        text = str_slice(text, 3, text.len);
    }
    yyjson_alc memory = {pool_alloc, pool_resize, pool_free, arena};
    yyjson_read_err why = {0};
    char *bytes = (char *)(uintptr_t)text.ptr; /* Copied, not changed, without the INSITU flag. */
    yyjson_doc *doc = NULL;
    if (text.len > 0) {
        doc = yyjson_read_opts(bytes, text.len, YYJSON_READ_BIGNUM_AS_RAW, &memory, &why);
    } else {
        why.code = YYJSON_READ_ERROR_EMPTY_CONTENT;
    }
    if (doc == NULL) {
        return refuse_parse(err, text, use.innocent, &why);
    }
    struct check check = {.arena = arena,
                          .text = text,
                          .base = doc->str_pool,
                          .depth_max = use.depth_max,
                          .keys = !use.allow_duplicate_keys,
                          .innocent = use.innocent};
    if (!check_values(&check, doc, err)) {
        return false;
    }
    *root = ours(doc->root);
    return true;
}

/* ---- Asking ---- */

static enum json_kind number_kind(yyjson_val *value)
{
    switch (unsafe_yyjson_get_subtype(value)) {
    case YYJSON_SUBTYPE_REAL:
        return JSON_DOUBLE;
    case YYJSON_SUBTYPE_SINT:
        return JSON_INT;
    default: /* Unsigned is what the library calls every integer from zero up. */
        return unsafe_yyjson_get_uint(value) <= INT64_MAX ? JSON_INT : JSON_UINT;
    }
}

enum json_kind json_kind(const struct json_value *value)
{
    if (value == NULL) {
        return JSON_ABSENT;
    }
    switch (unsafe_yyjson_get_type(theirs(value))) {
    case YYJSON_TYPE_RAW:
        return JSON_BIG;
    case YYJSON_TYPE_NULL:
        return JSON_NULL;
    case YYJSON_TYPE_BOOL:
        return JSON_BOOL;
    case YYJSON_TYPE_NUM:
        return number_kind(theirs(value));
    case YYJSON_TYPE_STR:
        return JSON_STRING;
    case YYJSON_TYPE_ARR:
        return JSON_ARRAY;
    case YYJSON_TYPE_OBJ:
        return JSON_OBJECT;
    default:
        must_failed("unknown kind of JSON value", __FILE__, __LINE__);
    }
}

const struct json_value *json_get(const struct json_value *value, struct str key)
{
    if (key.ptr == NULL) {
        key = STR("");
    }
    return ours(yyjson_obj_getn(theirs(value), key.ptr, key.len));
}

const struct json_value *json_at(const struct json_value *value, size_t index)
{
    return ours(yyjson_arr_get(theirs(value), index));
}

const struct json_value *json_find(const struct json_value *value, struct str path)
{
    struct str part;
    while (value != NULL && str_split(&path, '/', &part)) {
        int64_t index = 0;
        if (json_kind(value) == JSON_ARRAY) {
            bool number = str_to_int64(part, &index) && index >= 0;
            value = number ? json_at(value, (size_t)index) : NULL;
        } else {
            value = json_get(value, part);
        }
    }
    return value;
}

size_t json_count(const struct json_value *value)
{
    enum json_kind kind = json_kind(value);
    return kind == JSON_ARRAY || kind == JSON_OBJECT ? unsafe_yyjson_get_len(theirs(value)) : 0;
}

struct str json_str(const struct json_value *value)
{
    return json_kind(value) == JSON_STRING ? string_of(theirs(value)) : (struct str){0};
}

struct str json_raw(const struct json_value *value)
{
    if (json_kind(value) != JSON_BIG) {
        return (struct str){0};
    }
    return (struct str){unsafe_yyjson_get_raw(theirs(value)), unsafe_yyjson_get_len(theirs(value))};
}

bool json_double(const struct json_value *value, double *out)
{
    enum json_kind kind = json_kind(value);
    if (kind != JSON_INT && kind != JSON_UINT && kind != JSON_DOUBLE) {
        return false;
    }
    *out = yyjson_get_num(theirs(value));
    return true;
}

/* A double that is a whole number within the range where every integer is one. */
static bool whole(const struct json_value *value, int64_t *out)
{
    const double exact_max = 9007199254740992.0;
    double number = unsafe_yyjson_get_real(theirs(value));
    if (!(number >= -exact_max && number <= exact_max) || number != trunc(number)) {
        return false;
    }
    *out = (int64_t)number;
    return true;
}

bool json_int(const struct json_value *value, int64_t *out)
{
    enum json_kind kind = json_kind(value);
    if (kind == JSON_DOUBLE) {
        return whole(value, out);
    }
    if (kind == JSON_INT) {
        *out = unsafe_yyjson_get_sint(theirs(value));
    }
    return kind == JSON_INT;
}

bool json_uint(const struct json_value *value, uint64_t *out)
{
    if (json_kind(value) == JSON_UINT) {
        *out = unsafe_yyjson_get_uint(theirs(value));
        return true;
    }
    int64_t number = 0;
    if (!json_int(value, &number) || number < 0) {
        return false;
    }
    *out = (uint64_t)number;
    return true;
}

bool json_bool(const struct json_value *value, bool *out)
{
    if (json_kind(value) != JSON_BOOL) {
        return false;
    }
    *out = unsafe_yyjson_get_bool(theirs(value));
    return true;
}

void json_iter_init(struct json_iter *iter, const struct json_value *value)
{
    *iter =
        (struct json_iter){.left = json_count(value), .object = json_kind(value) == JSON_OBJECT};
    if (iter->left > 0) {
        iter->next = ours(unsafe_yyjson_get_first(theirs(value)));
    }
}

bool json_next(struct json_iter *iter, struct str *key, const struct json_value **value)
{
    if (iter->left == 0) {
        return false;
    }
    yyjson_val *item = theirs(iter->next);
    if (key != NULL) {
        *key = iter->object ? string_of(item) : (struct str){0};
    }
    item += iter->object ? 1 : 0;
    *value = ours(item);
    iter->next = ours(unsafe_yyjson_get_next(item));
    iter->left--;
    return true;
}

struct str json_double_text(double value, char out[JSON_NUMBER_MAX])
{
    must(isfinite(value));
    alignas(max_align_t) char room[NUMBER_POOL];
    yyjson_alc pool;
    must(yyjson_alc_pool_init(&pool, room, sizeof room));
    yyjson_val number = {0};
    must(yyjson_set_real(&number, value));
    size_t len = 0;
    const char *text = yyjson_val_write_opts(&number, YYJSON_WRITE_NOFLAG, &pool, &len, NULL);
    must(text != NULL && len < JSON_NUMBER_MAX);
    memcpy(out, text, len);
    out[len] = '\0';
    return (struct str){out, len};
}
