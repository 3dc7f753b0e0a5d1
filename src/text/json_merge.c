#include "text/json_merge.h"

enum { NAME_SHOWN = 64 };

static bool check_item(const struct json_value *item, struct str by, struct err *err)
{
    const struct json_value *set = json_get(item, STR("set"));
    const struct json_value *insert = json_get(item, STR("insert"));
    enum json_kind kind = json_kind(json_get(set, by));
    struct json_iter iter;
    struct str name = {0};
    const struct json_value *value = NULL;
    if (json_kind(set) != JSON_OBJECT || (kind != JSON_STRING && kind != JSON_INT)) {
        return err_set(err, ERR_REJECT, "an item to merge has no text or number '%.*s' in its set",
                       STR_ARG(str_slice(by, 0, NAME_SHOWN)));
    }
    if (insert != NULL && json_kind(insert) != JSON_OBJECT) {
        return err_set(err, ERR_REJECT, "the insert of an item to merge is no object");
    }
    json_iter_init(&iter, insert);
    while (json_next(&iter, &name, &value)) {
        if (json_get(set, name) != NULL) {
            return err_set(err, ERR_REJECT, "an item to merge both sets and inserts '%.*s'",
                           STR_ARG(str_slice(name, 0, NAME_SHOWN)));
        }
    }
    return true;
}

static bool same_value(const struct json_value *a, const struct json_value *b)
{
    int64_t left = 0;
    int64_t right = 0;
    if (json_kind(a) == JSON_STRING) {
        return json_kind(b) == JSON_STRING && str_equal(json_str(a), json_str(b));
    }
    return json_int(a, &left) && json_int(b, &right) && left == right;
}

/* The item that sets `key`, from the n-th on; NULL for none. */
static const struct json_value *find_item(const struct json_value *items, struct str by,
                                          const struct json_value *key, size_t *index)
{
    struct json_iter iter;
    const struct json_value *item = NULL;
    json_iter_init(&iter, items);
    for (size_t i = 0; json_next(&iter, NULL, &item); i++) {
        if (same_value(json_get(json_get(item, STR("set")), by), key)) {
            *index = i;
            return item;
        }
    }
    return NULL;
}

bool json_merge_check(const struct json_value *more, struct err *err)
{
    struct str by = json_str(json_get(more, STR("by")));
    const struct json_value *items = json_get(more, STR("items"));
    struct json_iter iter;
    const struct json_value *item = NULL;
    if (by.len == 0 || json_kind(items) != JSON_ARRAY || json_count(more) != 2) {
        return err_set(err, ERR_REJECT,
                       "what is to be merged is not of the form "
                       "{\"by\": …, \"items\": […]}");
    }
    if (json_count(items) > JSON_MERGE_ITEMS_MAX) {
        return err_set(err, ERR_REJECT, "more than %d items are to be merged into one list",
                       JSON_MERGE_ITEMS_MAX);
    }
    json_iter_init(&iter, items);
    for (size_t i = 0; json_next(&iter, NULL, &item); i++) {
        size_t first = 0;
        if (!check_item(item, by, err)) {
            return false;
        }
        (void)find_item(items, by, json_get(json_get(item, STR("set")), by), &first);
        if (first != i) {
            return err_set(err, ERR_REJECT, "two items to merge have the same '%.*s'",
                           STR_ARG(str_slice(by, 0, NAME_SHOWN)));
        }
    }
    return true;
}

/* The fields of `first`, with the values of `over` where it has them; then what only `over` has. */
static void put_united(struct json_writer *json, const struct json_value *first,
                       const struct json_value *over)
{
    struct json_iter iter;
    struct str name = {0};
    const struct json_value *value = NULL;
    json_object_begin(json);
    json_iter_init(&iter, first);
    while (json_next(&iter, &name, &value)) {
        const struct json_value *newer = json_get(over, name);
        json_key(json, name);
        json_put_value(json, newer != NULL ? newer : value);
    }
    json_iter_init(&iter, over);
    while (json_next(&iter, &name, &value)) {
        if (json_get(first, name) == NULL) {
            json_key(json, name);
            json_put_value(json, value);
        }
    }
    json_object_end(json);
}

bool json_put_merged(struct json_writer *json, const struct json_value *held,
                     const struct json_value *more, struct err *err)
{
    bool used[JSON_MERGE_ITEMS_MAX] = {0};
    struct json_iter iter;
    const struct json_value *item = NULL;
    bool none = held == NULL || json_kind(held) == JSON_NULL;
    if (!none && json_kind(held) != JSON_ARRAY) {
        return err_set(err, ERR_REJECT, "what it holds is no list, so nothing can be merged in");
    }
    if (!json_merge_check(more, err)) {
        return false;
    }
    struct str by = json_str(json_get(more, STR("by")));
    const struct json_value *items = json_get(more, STR("items"));
    json_array_begin(json);
    json_iter_init(&iter, held);
    while (json_next(&iter, NULL, &item)) {
        size_t index = 0;
        const struct json_value *found = find_item(items, by, json_get(item, by), &index);
        if (found == NULL) {
            json_put_value(json, item);
        } else {
            used[index] = true;
            put_united(json, item, json_get(found, STR("set")));
        }
    }
    json_iter_init(&iter, items);
    for (size_t i = 0; json_next(&iter, NULL, &item); i++) {
        if (!used[i]) {
            put_united(json, json_get(item, STR("set")), json_get(item, STR("insert")));
        }
    }
    json_array_end(json);
    return true;
}
