/* The half of wa_reader that finds and opens chats. */
#include <string.h>

#include "source/bridge_chats.h"
#include "source/wa_reader.h"
#include "source/wa_reader_call.h"
#include "text/unicode.h"
#include "text/utf8.h"

enum { CLICKS_MAX = 3, TYPED_MAX = 60, NEAR_SHARE = 2, PART_STEPS = 3 };

static struct wa_reader *reader_of(struct wa_page *page)
{
    return (struct wa_reader *)page;
}

/* ---- The list ---- */

static int64_t unread_of(struct str text)
{
    int64_t count = 0;
    bool digits = false;
    uint32_t code;
    size_t step;
    for (size_t at = 0; (step = utf8_next(text, at, &code)) > 0; at += step) {
        int digit = unicode_digit(code);
        if (digit >= 0 && count < 100000) {
            count = count * 10 + digit;
            digits = true;
        }
    }
    return digits ? count : text.len > 0 ? -1 : 0;
}

/* The end of the day that the list names, or the minute of today: never earlier than it was. */
static int64_t when_of(const struct wa_reader *reader, struct str words, int64_t ago)
{
    const struct zone *zone =
        zone_find(reader->options.zone.len > 0 ? reader->options.zone : reader->health.zone);
    enum pagestamp_order order = reader->options.order;
    struct civil civil;
    struct zone_local local;
    int64_t day = 0;
    int64_t wall_ms;
    if (order == PAGESTAMP_ORDER_UNKNOWN) {
        order = pagestamp_order_of_locale(reader->options.locale.len > 0 ? reader->options.locale
                                                                         : reader->health.locale);
    }
    int minute = wa_rows_minute(words);
    if (zone == NULL || reader->today == 0 || words.len == 0) {
        return 0;
    }
    if (ago >= 0) {
        wall_ms = (reader->today - ago + 1) * DATETIME_DAY_MS - DATETIME_MINUTE_MS;
    } else if (wa_rows_day(order, words, &day)) {
        wall_ms = (day + 1) * DATETIME_DAY_MS - DATETIME_MINUTE_MS;
    } else if (minute >= 0) {
        wall_ms = reader->today * DATETIME_DAY_MS + minute * DATETIME_MINUTE_MS;
    } else {
        return 0;
    }
    if (!datetime_to_civil(wall_ms, &civil)) {
        return 0;
    }
    (void)zone_local_to_utc(zone, &civil, &local);
    return local.second_ms;
}

static void titles_keep(struct wa_reader *reader, const struct wa_list *list)
{
    arena_reset(&reader->titles_text);
    reader->titles_ms = 0;
    struct str *titles = arena_array(&reader->titles_text, list->count + 1, sizeof *titles);
    for (size_t i = 0; titles != NULL && i < list->count; i++) {
        titles[i] = arena_copy(&reader->titles_text, list->chats[i].title);
        titles = titles[i].ptr == NULL ? NULL : titles;
    }
    reader->titles = titles;
    reader->title_count = titles != NULL ? list->count : 0;
    reader->titles_ms = titles != NULL ? clock_mono_ms(reader->options.clock) : 0;
}

static bool chats_read(struct wa_reader *reader, const struct json_value *answer,
                       struct arena *arena, struct wa_list *list, struct err *err)
{
    const struct json_value *chats = json_get(answer, STR("chats"));
    size_t count = json_count(chats);
    struct json_iter iter;
    const struct json_value *one;
    count = count > WA_CHATS_MAX ? WA_CHATS_MAX : count;
    struct wa_chat *made = arena_array(arena, count + 1, sizeof *made);
    if (made == NULL) {
        return err_set(err, ERR_RETRY, "whatsapp-web: the list of chats does not fit into memory");
    }
    json_iter_init(&iter, chats);
    for (size_t i = 0; i < count && json_next(&iter, NULL, &one); i++) {
        int64_t ago = -1;
        (void)json_int(json_get(one, STR("a")), &ago);
        made[i] = (struct wa_chat){.title = json_str(json_get(one, STR("t"))),
                                   .preview = json_str(json_get(one, STR("p"))),
                                   .when = json_str(json_get(one, STR("w"))),
                                   .unread = unread_of(json_str(json_get(one, STR("u"))))};
        made[i].newest_ms = when_of(reader, made[i].when, ago);
    }
    *list = (struct wa_list){.chats = made,
                             .count = count,
                             .declared = wa_answer_int(answer, STR("declared")),
                             .whole = wa_answer_set(answer, STR("whole"))};
    if (list->whole) {
        titles_keep(reader, list);
    }
    return true;
}

static bool list_check(struct wa_reader *reader, const struct json_value *answer,
                       int64_t deadline_ms, struct arena *arena, struct err *err)
{
    struct str broken = json_str(json_get(answer, STR("broken")));
    if (broken.len > 0) {
        return wa_reader_broken(reader,
                                str_equal(broken, STR("titles"))
                                    ? "chats in the list have no titles"
                                    : "the list of chats has no known name",
                                deadline_ms, arena, err);
    }
    if (wa_answer_set(answer, STR("moved"))) {
        return err_set(err, ERR_RETRY,
                       "whatsapp-web: the list of chats moved while it was read; try again");
    }
    if (json_count(json_get(answer, STR("chats"))) == 0 &&
        wa_answer_int(answer, STR("declared")) > 0) {
        return wa_reader_broken(reader, "the list tells of chats, and none could be seen",
                                deadline_ms, arena, err);
    }
    return true;
}

bool wa_reader_list(struct wa_page *page, size_t want, int64_t deadline_ms, struct arena *arena,
                    struct wa_list *list, struct err *err)
{
    struct wa_reader *reader = reader_of(page);
    const struct json_value *answer = NULL;
    struct wa_call call;
    *list = (struct wa_list){0};
    if (!wa_call_begin(reader, &call, deadline_ms, arena, err)) {
        return false;
    }
    json_field_int(&call.json, STR("want"), (int64_t)want);
    return wa_call_run(reader, &call, "list", 0, &answer, err) &&
           list_check(reader, answer, deadline_ms, arena, err) &&
           chats_read(reader, answer, arena, list, err);
}

/* ---- One chat ---- */

static size_t known_count(const struct wa_reader *reader, struct str title)
{
    size_t count = 0;
    for (size_t i = 0; i < reader->title_count; i++) {
        count += str_equal(reader->titles[i], title) ? 1 : 0;
    }
    return count;
}

/* Those that have the fewest steps between, and not more than half of the title. */
static void nearest(const struct wa_reader *reader, struct str title, struct arena *arena,
                    struct wa_open *open)
{
    size_t steps[WA_NEAREST_MAX] = {0};
    for (size_t i = 0; i < reader->title_count; i++) {
        struct str other = reader->titles[i];
        size_t distance = bridge_chats_distance(title, other);
        bool part = title.len >= 3 && (str_find(other, title, 0) != STR_NONE ||
                                       str_find(title, other, 0) != STR_NONE);
        distance = part && distance > PART_STEPS ? PART_STEPS : distance;
        if (other.len == 0 || distance * NEAR_SHARE > title.len + 1) {
            continue;
        }
        size_t at = open->nearest_count;
        if (at == WA_NEAREST_MAX) {
            if (steps[at - 1] <= distance) {
                continue;
            }
            at--;
        } else {
            open->nearest_count++;
        }
        for (; at > 0 && steps[at - 1] > distance; at--) {
            steps[at] = steps[at - 1];
            open->nearest[at] = open->nearest[at - 1];
        }
        steps[at] = distance;
        open->nearest[at] = arena_copy(arena, other);
    }
}

static bool people_read(const struct json_value *answer, struct arena *arena, struct wa_open *open,
                        struct err *err)
{
    const struct json_value *people = json_get(answer, STR("people"));
    size_t count = json_count(people);
    struct json_iter iter;
    const struct json_value *one;
    struct str *members = arena_array(arena, count + 1, sizeof *members);
    if (members == NULL) {
        return err_set(err, ERR_RETRY, "whatsapp-web: a chat's people do not fit into memory");
    }
    json_iter_init(&iter, people);
    for (size_t i = 0; i < count && json_next(&iter, NULL, &one); i++) {
        members[i] = json_str(one);
    }
    open->members = members;
    open->member_count = count;
    open->group = count > 1;
    return true;
}

static bool run_bring(struct wa_reader *reader, struct str title, bool scan, bool results,
                      int64_t deadline_ms, struct arena *arena, const struct json_value **answer,
                      struct err *err)
{
    struct wa_call call;
    if (!wa_call_begin(reader, &call, deadline_ms, arena, err)) {
        return false;
    }
    json_field_str(&call.json, STR("title"), title);
    json_field_bool(&call.json, STR("scan"), scan);
    json_field_bool(&call.json, STR("results"), results);
    return wa_call_run(reader, &call, "bring", 0, answer, err);
}

/* Press the chat's row; false with NOT_OPENED when something is in the way. */
static bool press(struct wa_reader *reader, struct str title, bool results, int64_t deadline_ms,
                  struct arena *arena, bool *pressed, struct err *err)
{
    struct webdriver_element row;
    struct wa_call call;
    *pressed = false;
    for (int turn = 0; turn < CLICKS_MAX; turn++) {
        if (!wa_call_begin(reader, &call, deadline_ms, arena, err)) {
            return false;
        }
        json_field_str(&call.json, STR("title"), title);
        json_field_bool(&call.json, STR("results"), results);
        if (wa_call_pick(reader, &call, "locate", &row, err) &&
            webdriver_click(reader->options.driver, &row, deadline_ms, err)) {
            *pressed = true;
            return true;
        }
        enum webdriver_fault fault = webdriver_fault(reader->options.driver);
        if (fault == WEBDRIVER_NO_ELEMENT || fault == WEBDRIVER_COVERED ||
            fault == WEBDRIVER_NOT_INTERACTABLE) {
            return true; /* The list moved, or a dialog lies over it: another time. */
        }
        if (fault != WEBDRIVER_STALE_ELEMENT) {
            return false;
        }
    }
    return true;
}

/* What the header says after the press. */
static bool prove(struct wa_reader *reader, struct str title, struct str before, bool results,
                  int64_t deadline_ms, struct arena *arena, struct wa_open *open, struct err *err)
{
    const struct json_value *answer = NULL;
    struct wa_call call;
    if (!wa_call_begin(reader, &call, deadline_ms, arena, err)) {
        return false;
    }
    json_field_str(&call.json, STR("title"), title);
    json_field_bool(&call.json, STR("results"), results);
    if (before.ptr != NULL) {
        json_field_str(&call.json, STR("before"), before);
    }
    if (!wa_call_run(reader, &call, "opened", 0, &answer, err)) {
        return false;
    }
    struct str now = json_str(json_get(answer, STR("title")));
    if (now.ptr == NULL || (before.ptr != NULL && str_equal(now, before))) {
        open->how = WA_NOT_OPENED;
        return true;
    }
    open->how = str_equal(now, title) ? WA_OPENED : WA_WRONG;
    return open->how == WA_WRONG || people_read(answer, arena, open, err);
}

static void remember(struct wa_reader *reader, struct str title)
{
    memcpy(reader->title_text, title.ptr, title.len);
    reader->title = (struct str){reader->title_text, title.len};
    reader->chat = (struct str){0};
    reader->chat_open = true;
    reader->newest_read = false;
}

/* By typing the title: for chats that the list does not have, because they are put away. */
static bool search(struct wa_reader *reader, struct str title, struct str before,
                   int64_t deadline_ms, struct arena *arena, struct wa_open *open, struct err *err)
{
    struct webdriver_element box;
    struct wa_call call;
    const struct json_value *answer = NULL;
    bool pressed = false;
    struct err why = {0};
    open->how = WA_NOT_FOUND;
    if (!wa_call_begin(reader, &call, deadline_ms, arena, err)) {
        return false;
    }
    if (!wa_call_pick(reader, &call, "search_box", &box, &why) ||
        !webdriver_type(reader->options.driver, &box, utf8_prefix_whole(title, TYPED_MAX),
                        deadline_ms, &why)) {
        if (webdriver_fate(reader->options.driver) == WEBDRIVER_CALL) {
            return true; /* There is no box to be typed into. */
        }
        *err = why;
        return false;
    }
    if (!run_bring(reader, title, false, true, deadline_ms, arena, &answer, err)) {
        return false;
    }
    int64_t here = wa_answer_int(answer, STR("here"));
    open->how = here > 1 ? WA_EQUAL : here == 1 ? WA_NOT_OPENED : WA_NOT_FOUND;
    if (here == 1 && !press(reader, title, true, deadline_ms, arena, &pressed, err)) {
        return false;
    }
    if (pressed) {
        return prove(reader, title, before, true, deadline_ms, arena, open, err);
    }
    /* Leave the box as it was. */
    return run_bring(reader, title, false, false, deadline_ms, arena, &answer, err);
}

/* A list that never stands still does not tell whether two chats have one title; a search does. */
static bool open_by_search(struct wa_reader *reader, struct str title, int64_t deadline_ms,
                           struct arena *arena, const struct json_value *answer,
                           struct wa_open *open, struct err *err)
{
    struct str before = json_str(json_get(answer, STR("before")));
    if (before.ptr != NULL && str_equal(before, title)) {
        before = (struct str){0}; /* Which of two it is was never proved. */
    }
    if (!search(reader, title, before, deadline_ms, arena, open, err)) {
        return false;
    }
    if (open->how == WA_OPENED) {
        remember(reader, title);
    }
    return true;
}

bool wa_reader_open_chat(struct wa_page *page, struct str title, int64_t deadline_ms,
                         struct arena *arena, struct wa_open *open, struct err *err)
{
    struct wa_reader *reader = reader_of(page);
    const struct json_value *answer = NULL;
    int64_t now = clock_mono_ms(reader->options.clock);
    bool scan = reader->titles_ms == 0 || now - reader->titles_ms > WA_TITLES_MS;
    bool pressed = false;
    struct wa_list list;
    *open = (struct wa_open){0};
    reader->chat_open = false;
    title = wa_rows_clean(arena, title);
    if (title.len == 0 || title.len > sizeof reader->title_text) {
        return err_set(err, ERR_CONFIG, "whatsapp-web: a chat's title is empty or too long");
    }
    if (!run_bring(reader, title, scan, false, deadline_ms, arena, &answer, err)) {
        return false;
    }
    if (wa_answer_set(answer, STR("moved")) && !reader->options.never_search) {
        return open_by_search(reader, title, deadline_ms, arena, answer, open, err);
    }
    if ((scan && (!list_check(reader, answer, deadline_ms, arena, err) ||
                  !chats_read(reader, answer, arena, &list, err)))) {
        return false;
    }
    struct str broken = json_str(json_get(answer, STR("broken")));
    if (broken.len > 0) {
        return list_check(reader, answer, deadline_ms, arena, err);
    }
    struct str before = json_str(json_get(answer, STR("before")));
    size_t known = known_count(reader, title);
    int64_t here = wa_answer_int(answer, STR("here"));
    if (known > 1 || here > 1) {
        open->how = WA_EQUAL;
        return true;
    }
    if (reader->titles_ms == 0) {
        return true; /* Whether another chat has the same title could not be seen. */
    }
    if (before.ptr != NULL && str_equal(before, title)) {
        open->how = WA_OPENED;
        remember(reader, title);
        return people_read(answer, arena, open, err);
    }
    if (here == 0) {
        reader->titles_ms = 0; /* The list is another one than was known. */
        if (known == 0 && !reader->options.never_search &&
            !search(reader, title, before, deadline_ms, arena, open, err)) {
            return false;
        }
        if (open->how == WA_NOT_FOUND || (known == 0 && reader->options.never_search)) {
            open->how = WA_NOT_FOUND;
            nearest(reader, title, arena, open);
        }
    } else if (!press(reader, title, false, deadline_ms, arena, &pressed, err) ||
               (pressed && !prove(reader, title, before, false, deadline_ms, arena, open, err))) {
        return false;
    }
    if (open->how == WA_OPENED) {
        remember(reader, title);
    }
    return true;
}
