#include "source/wa_rows.h"

#include <stdio.h>
#include <string.h>

#include "text/phone.h"
#include "text/utf8.h"

enum { NO_MINUTE = -1, MINUTES_OF_HOUR = 60, TRIED_MAX = 128 };

/* A row or a day as the script told of it, and what became of it. */
struct wa_item {
    bool is_day;
    struct str words; /* Of a day. */
    int64_t ago;      /* Days before today; -1: the words are a date, or nothing. */

    struct str key; /* The id as it stood there. */
    struct str id;
    struct str kind_name;
    struct str text;
    struct str mark;
    struct str time;
    struct str label;
    struct str author_line;
    struct str class_side;
    struct str tail_side;
    struct str quoted;
    struct str file_name;
    bool contained;
    bool you;
    bool ticks;
    bool edited;
    bool forwarded;
    bool deleted;
    bool named;
    bool block;
    bool cut;
    bool strange;
    int64_t media;

    bool stamped; /* The mark could be read. */
    struct pagestamp stamp;
    int minute;       /* Of the day, or NO_MINUTE. */
    bool dated;       /* `day` is known, */
    bool day_is_mark; /* from the row's own mark. */
    int64_t day;
    bool day_open;

    enum message_direction direction;
    struct str author;
    bool from_above; /* Direction hangs on what stands above the window. */
};

/* ---- Texts ---- */

static bool is_dropped(uint32_t code)
{
    return code == 0xAD || code == 0x61C || code == 0x200B || code == 0x200E || code == 0x200F ||
           (code >= 0x202A && code <= 0x202E) || code == 0x2060 ||
           (code >= 0x2066 && code <= 0x2069) || code == 0xFEFF;
}

static bool is_blank(uint32_t code)
{
    return (code >= 9 && code <= 13) || code == ' ' || code == 0x85 || code == 0xA0 ||
           code == 0x1680 || (code >= 0x2000 && code <= 0x200A) || code == 0x2028 ||
           code == 0x2029 || code == 0x202F || code == 0x205F || code == 0x3000;
}

struct str wa_rows_clean(struct arena *arena, struct str text)
{
    char *out = arena_bytes(arena, text.len + 1);
    size_t len = 0;
    bool blank = false;
    uint32_t code;
    size_t step;
    if (out == NULL) {
        return (struct str){0};
    }
    if (text.ptr == NULL) {
        text = STR("");
    }
    for (size_t at = 0; (step = utf8_next(text, at, &code)) > 0; at += step) {
        if (is_dropped(code)) {
            continue;
        }
        if (is_blank(code)) {
            blank = len > 0;
            continue;
        }
        if (blank) {
            out[len++] = ' ';
            blank = false;
        }
        if (code == 0x2010 || code == 0x2011) {
            out[len++] = '-';
        } else {
            memcpy(out + len, text.ptr + at, step);
            len += step;
        }
    }
    out[len] = '\0';
    return (struct str){out, len};
}

static bool is_id_byte(char byte)
{
    return (byte >= '0' && byte <= '9') || (byte >= 'A' && byte <= 'Z') ||
           (byte >= 'a' && byte <= 'z') || byte == '-';
}

struct str wa_rows_bare(struct str key)
{
    struct str rest = key;
    bool whole = str_starts(key, STR("true_")) || str_starts(key, STR("false_"));
    if (whole) {
        size_t chat = str_find_byte(key, '_', 0) + 1;
        size_t id = str_find_byte(key, '_', chat);
        rest = id == STR_NONE || id == chat ? (struct str){0} : str_slice(key, id + 1, key.len);
    }
    size_t tail = str_find_byte(rest, '_', 0);
    if (tail != STR_NONE && str_find_byte(rest, '@', tail) != STR_NONE) {
        rest = str_slice(rest, 0, tail);
    }
    if (rest.len == 0 || rest.len > WA_ID_MAX) {
        return (struct str){0};
    }
    for (size_t i = 0; i < rest.len; i++) {
        if (!is_id_byte(rest.ptr[i])) {
            return (struct str){0};
        }
    }
    return rest;
}

/* A name as it is shown, without what the page puts around it; a number in WhatsApp's look. */
static struct str name_clean(const struct wa_setting *setting, struct arena *arena,
                             struct str shown)
{
    struct phone phone;
    struct err ignored = {0};
    struct str name = wa_rows_clean(arena, shown);
    for (size_t i = 0; i < setting->suffix_count; i++) {
        struct str suffix = setting->suffixes[i];
        if (suffix.len > 0 && name.len > suffix.len && str_ends(name, suffix)) {
            name = str_trim(str_slice(name, 0, name.len - suffix.len));
        }
    }
    if (name.len > 0 && name.ptr[0] == '~') {
        name = str_trim(str_slice(name, 1, name.len));
    }
    if (name.len > 0 && name.ptr[0] == '+' && phone_parse(name, PHONE_ANYWHERE, &phone, &ignored)) {
        name = phone_look(arena, name);
    }
    return name;
}

static struct str label_name(const struct wa_setting *setting, struct arena *arena,
                             struct str label)
{
    struct str name = wa_rows_clean(arena, label);
    if (name.len > 0 && name.ptr[name.len - 1] == ':') {
        name.len--;
    }
    return name_clean(setting, arena, name);
}

int wa_rows_minute(struct str text)
{
    char tried[TRIED_MAX];
    struct pagestamp stamp;
    struct err ignored = {0};
    if (text.len == 0 || text.len > TRIED_MAX - 32) {
        return NO_MINUTE;
    }
    int len = snprintf(tried, sizeof tried, "[%.*s, 31.12.2000] ", STR_ARG(text));
    bool ok = pagestamp_parse((struct str){tried, (size_t)len}, &stamp, &ignored);
    return ok ? stamp.hour * MINUTES_OF_HOUR + stamp.minute : NO_MINUTE;
}

bool wa_rows_day(enum pagestamp_order order, struct str text, int64_t *days)
{
    char tried[TRIED_MAX];
    struct pagestamp stamp;
    struct civil civil;
    struct err ignored = {0};
    if (text.len < 6 || text.len > TRIED_MAX - 32) {
        return false;
    }
    int len = snprintf(tried, sizeof tried, "[00:00, %.*s] ", STR_ARG(text));
    if (!pagestamp_parse((struct str){tried, (size_t)len}, &stamp, &ignored) ||
        pagestamp_date(&stamp, order, &civil) != PAGESTAMP_DATE) {
        return false;
    }
    *days = datetime_days(civil.year, civil.month, civil.day);
    return true;
}

/* ---- What the script told ---- */

static bool flag(const struct json_value *one, struct str key)
{
    int64_t value = 0;
    return json_int(json_get(one, key), &value) && value != 0;
}

static bool item_read(const struct json_value *one, struct wa_item *item, struct err *err)
{
    *item = (struct wa_item){.ago = -1, .minute = NO_MINUTE};
    item->words = json_str(json_get(one, STR("s")));
    if (item->words.ptr != NULL) {
        item->is_day = true;
        if (!json_int(json_get(one, STR("a")), &item->ago)) {
            item->ago = -1;
        }
        return true;
    }
    item->key = json_str(json_get(one, STR("i")));
    if (json_kind(one) != JSON_OBJECT || item->key.ptr == NULL) {
        return err_set(err, ERR_REJECT, "the page's script told of a row in another form");
    }
    item->id = wa_rows_bare(item->key);
    item->kind_name = json_str(json_get(one, STR("k")));
    item->text = json_str(json_get(one, STR("t")));
    item->mark = json_str(json_get(one, STR("p")));
    item->time = json_str(json_get(one, STR("m")));
    item->label = json_str(json_get(one, STR("n")));
    item->author_line = json_str(json_get(one, STR("w")));
    item->class_side = json_str(json_get(one, STR("d")));
    item->tail_side = json_str(json_get(one, STR("l")));
    item->quoted = json_str(json_get(one, STR("q")));
    item->file_name = json_str(json_get(one, STR("a")));
    item->contained = flag(one, STR("c"));
    item->you = flag(one, STR("y"));
    item->ticks = flag(one, STR("x"));
    item->edited = flag(one, STR("e"));
    item->forwarded = flag(one, STR("f"));
    item->deleted = flag(one, STR("r"));
    item->named = flag(one, STR("b"));
    item->block = flag(one, STR("o"));
    item->cut = flag(one, STR("z"));
    item->strange = flag(one, STR("v"));
    if (!json_int(json_get(one, STR("g")), &item->media) || item->media < 0) {
        item->media = 0;
    }
    item->media = item->media > WA_MEDIA_MAX ? WA_MEDIA_MAX : item->media;
    return true;
}

static bool is_system(const struct wa_item *item)
{
    return str_equal(item->kind_name, STR("system"));
}

/* ---- Days and minutes ---- */

static void stamps_read(struct wa_rows *rows, struct wa_item *items, size_t fresh)
{
    struct err ignored = {0};
    for (size_t i = 0; i < fresh; i++) {
        struct wa_item *item = &items[i];
        if (item->mark.len > 0 && pagestamp_parse(item->mark, &item->stamp, &ignored)) {
            item->stamped = true;
            item->minute = item->stamp.hour * MINUTES_OF_HOUR + item->stamp.minute;
            pagestamp_learn(&rows->evidence, &item->stamp);
        } else if (!item->is_day) {
            item->minute = wa_rows_minute(item->time);
        }
    }
}

static enum pagestamp_order order_of(const struct wa_rows *rows)
{
    enum pagestamp_order learnt = pagestamp_evidence_order(&rows->evidence);
    enum pagestamp_order local = pagestamp_order_of_locale(rows->setting.locale);
    bool torn = rows->evidence.day_first > 0 && rows->evidence.month_first > 0;
    if (rows->setting.order != PAGESTAMP_ORDER_UNKNOWN) {
        return rows->setting.order;
    }
    if (local == PAGESTAMP_ORDER_UNKNOWN) {
        return learnt;
    }
    bool contradicted = torn || (learnt != PAGESTAMP_ORDER_UNKNOWN && learnt != local);
    return contradicted ? PAGESTAMP_ORDER_UNKNOWN : local;
}

/* Only words that are a day part the rows; others stand there too (how many are unread). */
static bool is_day(const struct wa_rows *rows, enum pagestamp_order order,
                   const struct wa_item *item, int64_t *day)
{
    if (!item->is_day) {
        return false;
    }
    if (wa_rows_day(order, item->words, day)) {
        return true;
    }
    if (item->ago >= 0 && rows->setting.today != 0) {
        *day = rows->setting.today - item->ago;
        return true;
    }
    *day = INT64_MIN;
    return item->ago >= 0;
}

static void marks_date(const struct wa_rows *rows, enum pagestamp_order order,
                       struct wa_item *items, size_t count)
{
    (void)rows;
    for (size_t i = 0; i < count; i++) {
        struct civil civil;
        if (items[i].stamped && pagestamp_date(&items[i].stamp, order, &civil) == PAGESTAMP_DATE) {
            items[i].day = datetime_days(civil.year, civil.month, civil.day);
            items[i].dated = true;
            items[i].day_is_mark = true;
        }
    }
}

/* Where the words between rows do not part the days: only what the marks around leave open. */
static void day_between(struct wa_item *items, size_t from, size_t to, size_t at)
{
    const struct wa_item *above = NULL;
    const struct wa_item *below = NULL;
    struct wa_item *item = &items[at];
    for (size_t i = at; i > from && above == NULL; i--) {
        above = items[i - 1].day_is_mark ? &items[i - 1] : NULL;
    }
    for (size_t i = at + 1; i < to && below == NULL; i++) {
        below = items[i].day_is_mark ? &items[i] : NULL;
    }
    if (above == NULL || below == NULL) {
        return;
    }
    if (above->day == below->day) {
        item->day = above->day;
        item->dated = true;
    } else if (below->day - above->day == 1 && item->minute != NO_MINUTE) {
        bool early = item->minute > below->minute;
        bool late = item->minute < above->minute;
        item->day = early ? above->day : below->day;
        item->dated = early != late;
    }
}

/* Rows of one day: all between two words that part the days. */
static void block_date(struct wa_item *items, size_t from, size_t to, bool headed, int64_t head,
                       bool cut_above)
{
    bool found = false;
    bool torn = false;
    int64_t day = 0;
    for (size_t i = from; i < to; i++) {
        if (items[i].dated) {
            torn = torn || (found && items[i].day != day);
            day = items[i].day;
            found = true;
        }
    }
    if (!found && headed && head != INT64_MIN) {
        day = head;
        found = true;
    }
    for (size_t i = from; i < to; i++) {
        if (items[i].dated || items[i].is_day) {
            continue;
        }
        if (torn) {
            day_between(items, from, to, i);
        } else if (found && !items[i].stamped) {
            items[i].day = day;
            items[i].dated = true;
        }
        items[i].day_open = !items[i].dated && cut_above && !items[i].stamped;
    }
}

static void days_settle(const struct wa_rows *rows, enum pagestamp_order order,
                        struct wa_item *items, size_t count, bool begins)
{
    size_t from = 0;
    bool headed = false;
    int64_t head = INT64_MIN;
    for (size_t i = 0; i <= count; i++) {
        int64_t day = INT64_MIN;
        if (i < count && !is_day(rows, order, &items[i], &day)) {
            continue;
        }
        block_date(items, from, i, headed, head, !headed && !begins);
        from = i + 1;
        headed = true;
        head = day;
    }
}

static int64_t sent_of(const struct wa_rows *rows, const struct wa_item *item, bool *fold)
{
    struct civil civil;
    struct zone_local local;
    if (!item->dated || item->minute == NO_MINUTE || rows->setting.zone == NULL) {
        return 0;
    }
    int64_t wall_ms = item->day * DATETIME_DAY_MS + (int64_t)item->minute * DATETIME_MINUTE_MS;
    if (!datetime_to_civil(wall_ms, &civil)) {
        return 0;
    }
    enum zone_fit fit = zone_local_to_utc(rows->setting.zone, &civil, &local);
    *fold = fit == ZONE_FOLD;
    /* No clock ever showed a time in a gap: the zone is another one than is thought. */
    return fit == ZONE_GAP ? 0 : local.first_ms;
}

/* ---- Who, and in which direction ---- */

static enum message_direction side(struct str word)
{
    if (str_equal(word, STR("out"))) {
        return MESSAGE_OUTGOING;
    }
    return str_equal(word, STR("in")) ? MESSAGE_INCOMING : MESSAGE_DIRECTION_UNKNOWN;
}

/* By what the row itself shows; `author` is the name that it shows, if any. */
static enum message_direction own_direction(const struct wa_item *item, struct str mark_author,
                                            struct str label, bool *strong)
{
    *strong = true;
    if (str_starts(item->key, STR("true_"))) {
        return MESSAGE_OUTGOING;
    }
    if (str_starts(item->key, STR("false_"))) {
        return MESSAGE_INCOMING;
    }
    if (side(item->class_side) != MESSAGE_DIRECTION_UNKNOWN) {
        return side(item->class_side);
    }
    if (side(item->tail_side) != MESSAGE_DIRECTION_UNKNOWN) {
        return side(item->tail_side);
    }
    if (item->you) {
        return MESSAGE_OUTGOING;
    }
    if (label.len > 0 && str_equal(label, mark_author)) {
        return MESSAGE_INCOMING;
    }
    *strong = false;
    if (item->author_line.len > 0) {
        return MESSAGE_INCOMING;
    }
    return item->ticks ? MESSAGE_OUTGOING : MESSAGE_DIRECTION_UNKNOWN;
}

/* The run that a row may go on with. */
struct run {
    bool begun; /* There is a row above in the same run, or the window's edge. */
    bool edge;  /* Nobody has seen what is above. */
    const struct wa_item *above;
    bool mark_known;
    struct str mark_author;
};

/* Does the row's mark allow that it goes on with this run? */
static bool goes_on(const struct run *run, const struct wa_item *item, struct str mark_author)
{
    if (!item->stamped || run->edge) {
        return true;
    }
    if (run->mark_known) {
        return str_equal(mark_author, run->mark_author);
    }
    if (run->above->direction == MESSAGE_INCOMING && run->above->author.len > 0) {
        return str_equal(mark_author, run->above->author);
    }
    return true;
}

static void who(struct wa_rows *rows, struct arena *arena, struct run *run, struct wa_item *item)
{
    struct str mark_author = name_clean(&rows->setting, arena, item->stamp.author);
    struct str label = label_name(&rows->setting, arena, item->label);
    bool strong = false;
    item->author = (struct str){0};
    item->from_above = false;
    item->direction = own_direction(item, mark_author, label, &strong);
    rows->signs.directed += strong ? 1 : 0;
    bool inherits = item->tail_side.len == 0 && run->begun && goes_on(run, item, mark_author);
    if (item->direction == MESSAGE_DIRECTION_UNKNOWN && inherits) {
        item->from_above = run->edge || run->above->from_above;
        item->direction = run->edge ? MESSAGE_DIRECTION_UNKNOWN : run->above->direction;
    } else if (item->direction == MESSAGE_DIRECTION_UNKNOWN && item->stamped &&
               mark_author.len == 0) {
        item->direction = MESSAGE_OUTGOING;
    }
    if (item->direction == MESSAGE_OUTGOING) {
        return;
    }
    if (item->stamped && mark_author.len > 0) {
        item->author = mark_author;
    } else if (label.len > 0 && !item->you) {
        item->author = label;
    } else if (item->author_line.len > 0) {
        item->author = name_clean(&rows->setting, arena, item->author_line);
    } else if (inherits && (run->edge || run->above->direction == item->direction)) {
        item->author = run->edge ? (struct str){0} : run->above->author;
        item->from_above = item->from_above || run->edge || run->above->from_above;
    }
}

static void run_next(struct run *run, struct wa_item *item, struct str mark_author)
{
    bool goes = run->begun && !run->edge && item->tail_side.len == 0 &&
                run->above->direction == item->direction;
    bool kept = goes && run->mark_known && !item->stamped;
    *run = (struct run){.begun = true,
                        .above = item,
                        .mark_known = item->stamped || kept,
                        .mark_author = item->stamped ? mark_author : run->mark_author};
}

static void people_settle(struct wa_rows *rows, enum pagestamp_order order, struct arena *arena,
                          struct wa_item *items, size_t count, bool begins)
{
    struct run run = {.begun = !begins, .edge = !begins};
    struct str last_mark = {0};
    bool have_last = false;
    for (size_t i = 0; i < count; i++) {
        struct wa_item *item = &items[i];
        int64_t day;
        if (item->is_day) {
            if (is_day(rows, order, item, &day)) {
                run = (struct run){0};
                have_last = false;
            }
            continue;
        }
        if (is_system(item)) {
            run = (struct run){0};
            continue;
        }
        who(rows, arena, &run, item);
        struct str mark_author = name_clean(&rows->setting, arena, item->stamp.author);
        run_next(&run, item, mark_author);
        if (item->stamped) {
            rows->signs.changes += have_last && !str_equal(last_mark, mark_author) ? 1 : 0;
            last_mark = mark_author;
            have_last = true;
        }
    }
}

/* ---- Rows ---- */

static enum wa_kind kind_of(const struct wa_item *item)
{
    static const struct {
        struct str name;
        enum wa_kind kind;
    } kinds[] = {
        {STR_INIT("system"), WA_SYSTEM},     {STR_INIT("waiting"), WA_WAITING},
        {STR_INIT("image"), WA_IMAGE},       {STR_INIT("video"), WA_VIDEO},
        {STR_INIT("album"), WA_ALBUM},       {STR_INIT("audio"), WA_AUDIO},
        {STR_INIT("document"), WA_DOCUMENT}, {STR_INIT("sticker"), WA_STICKER},
        {STR_INIT("contact"), WA_CONTACT},   {STR_INIT("location"), WA_LOCATION},
        {STR_INIT("poll"), WA_POLL},         {STR_INIT("call"), WA_CALL},
        {STR_INIT("other"), WA_OTHER},
    };
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        if (str_equal(kinds[i].name, item->kind_name)) {
            return kinds[i].kind;
        }
    }
    return WA_TEXT;
}

static struct str shown_or_none(struct str text)
{
    return text.len > 0 ? text : (struct str){0};
}

static void row_make(const struct wa_rows *rows, const struct wa_item *item, bool last_resort,
                     struct wa_row *row)
{
    *row = (struct wa_row){.id = item->id,
                           .kind = kind_of(item),
                           .direction = item->direction,
                           .author = shown_or_none(item->author),
                           .text = item->text.ptr != NULL ? item->text : STR(""),
                           .mark = item->mark,
                           .open = !last_resort && (item->from_above || item->day_open),
                           .deleted = item->deleted,
                           .edited = item->edited,
                           .forwarded = item->forwarded,
                           .quoted = item->quoted,
                           .file_name = shown_or_none(item->file_name),
                           .media = (size_t)item->media};
    row->sent_ms = sent_of(rows, item, &row->fold);
    if (row->sent_ms == 0) {
        row->fold = false;
    }
    if (row->kind == WA_SYSTEM) {
        row->direction = MESSAGE_DIRECTION_UNKNOWN;
        row->author = (struct str){0};
        row->open = !last_resort && item->day_open;
    }
}

static void signs_add(struct wa_signs *signs, const struct wa_item *item, int64_t sent_ms)
{
    bool text = item->text.len > 0;
    signs->rows++;
    signs->with_id += item->id.len > 0 ? 1 : 0;
    signs->contained += item->contained ? 1 : 0;
    signs->timed += sent_ms != 0 || item->minute != NO_MINUTE ? 1 : 0;
    signs->cut += item->cut ? 1 : 0;
    if (is_system(item)) {
        return;
    }
    signs->unknown += str_equal(item->kind_name, STR("other")) ? 1 : 0;
    signs->strange += item->strange ? 1 : 0;
    signs->messages++;
    signs->marked += item->mark.len > 0 ? 1 : 0;
    signs->marks_read += item->stamped ? 1 : 0;
    signs->marks_bare += item->mark.len > 0 && (!item->block || !text) ? 1 : 0;
    signs->dated += item->stamped && item->day_is_mark ? 1 : 0;
    signs->named += text && item->named ? 1 : 0;
    signs->shaped += text && item->block && !item->named ? 1 : 0;
    signs->unmarked += text && item->named && item->mark.len == 0 ? 1 : 0;
}

static void signs_sum(struct wa_signs *ever, const struct wa_signs *now)
{
    ever->rows += now->rows;
    ever->with_id += now->with_id;
    ever->contained += now->contained;
    ever->messages += now->messages;
    ever->marked += now->marked;
    ever->marks_read += now->marks_read;
    ever->marks_bare += now->marks_bare;
    ever->dated += now->dated;
    ever->named += now->named;
    ever->shaped += now->shaped;
    ever->unmarked += now->unmarked;
    ever->timed += now->timed;
    ever->strange += now->strange;
    ever->unknown += now->unknown;
    ever->directed += now->directed;
    ever->changes += now->changes;
    ever->cut += now->cut;
}

static bool rows_write(struct wa_rows *rows, struct wa_item *items, size_t count, size_t fresh,
                       bool begins, struct arena *arena, struct wa_window *window, struct err *err)
{
    struct wa_row *made = arena_array(arena, count > 0 ? count : 1, sizeof *made);
    size_t n = 0;
    if (made == NULL) {
        return err_set(err, ERR_RETRY, "the page's rows do not fit into memory");
    }
    for (size_t i = 0; i < count; i++) {
        if (items[i].is_day || (i >= fresh && items[i].id.len == 0)) {
            continue;
        }
        struct wa_row *row = &made[n];
        row_make(rows, &items[i], begins, row);
        if (i < fresh) {
            signs_add(&rows->signs, &items[i], row->sent_ms);
        }
        if (row->id.len == 0) {
            continue;
        }
        n++;
        window->counts.with_text += row->text.len > 0 ? 1 : 0;
        window->counts.with_time += row->sent_ms != 0 ? 1 : 0;
        window->counts.with_direction += row->direction != MESSAGE_DIRECTION_UNKNOWN ? 1 : 0;
    }
    signs_sum(&rows->ever, &rows->signs);
    window->rows = made;
    window->count = n;
    window->counts.seen = rows->signs.rows;
    window->counts.hydrated = rows->signs.rows;
    window->counts.with_id = rows->signs.with_id;
    return true;
}

/* ---- What is kept for the next window ---- */

static bool keep_text(struct arena *arena, struct str *text)
{
    if (text->ptr == NULL) {
        return true;
    }
    *text = arena_copy(arena, *text);
    return text->ptr != NULL;
}

static bool item_copy(struct arena *arena, struct wa_item *item)
{
    struct str *const texts[] = {
        &item->words,     &item->key,       &item->kind_name,   &item->text,         &item->mark,
        &item->time,      &item->label,     &item->author_line, &item->class_side,   &item->quoted,
        &item->tail_side, &item->file_name, &item->author,      &item->stamp.author,
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        if (!keep_text(arena, texts[i])) {
            return false;
        }
    }
    item->id = wa_rows_bare(item->key);
    return true;
}

static size_t upper_end(const struct wa_item *items, size_t count)
{
    size_t settled = 0;
    size_t i = 0;
    for (; i < count && settled < WA_KEPT_ROWS; i++) {
        if (!items[i].is_day) {
            bool open = items[i].from_above || items[i].day_open;
            settled = open ? 0 : settled + 1;
        }
    }
    return i;
}

static bool keep(struct wa_rows *rows, const struct wa_item *items, size_t count, struct err *err)
{
    int other = 1 - rows->current;
    size_t n = upper_end(items, count);
    struct arena *arena = &rows->arenas[other];
    arena_reset(arena);
    struct wa_item *kept = arena_array(arena, n > 0 ? n : 1, sizeof *kept);
    if (kept == NULL) {
        return err_set(err, ERR_RETRY, "the page's rows do not fit into memory");
    }
    for (size_t i = 0; i < n; i++) {
        kept[i] = items[i];
        if (!item_copy(arena, &kept[i])) {
            return err_set(err, ERR_RETRY, "the page's rows do not fit into memory");
        }
    }
    rows->current = other;
    rows->kept = kept;
    rows->kept_count = n;
    return true;
}

/* ---- A chat ---- */

void wa_rows_begin(struct wa_rows *rows, const struct wa_setting *setting)
{
    *rows = (struct wa_rows){.setting = *setting};
    arena_init(&rows->arenas[0], WA_ROWS_ARENA_MAX);
    arena_init(&rows->arenas[1], WA_ROWS_ARENA_MAX);
}

void wa_rows_end(struct wa_rows *rows)
{
    arena_free(&rows->arenas[0]);
    arena_free(&rows->arenas[1]);
    rows->kept = NULL;
    rows->kept_count = 0;
}

bool wa_rows_settle(struct wa_rows *rows, const struct json_value *raw, bool begins,
                    struct arena *arena, struct wa_window *window, struct err *err)
{
    size_t fresh = json_count(raw);
    struct json_iter iter;
    const struct json_value *one;
    if (json_kind(raw) != JSON_ARRAY || fresh > WA_ROWS_MAX) {
        return err_set(err, ERR_REJECT, "the page's script told of its rows in another form");
    }
    size_t count = fresh + rows->kept_count;
    struct wa_item *items = arena_array(arena, count > 0 ? count : 1, sizeof *items);
    if (items == NULL) {
        return err_set(err, ERR_RETRY, "the page's rows do not fit into memory");
    }
    json_iter_init(&iter, raw);
    for (size_t i = 0; json_next(&iter, NULL, &one); i++) {
        if (!item_read(one, &items[i], err)) {
            return false;
        }
    }
    for (size_t i = 0; i < rows->kept_count; i++) {
        items[fresh + i] = rows->kept[i];
        if (!item_copy(arena, &items[fresh + i])) {
            return err_set(err, ERR_RETRY, "the page's rows do not fit into memory");
        }
    }
    rows->signs = (struct wa_signs){0};
    stamps_read(rows, items, fresh);
    enum pagestamp_order order = order_of(rows);
    marks_date(rows, order, items, count);
    days_settle(rows, order, items, count, begins);
    people_settle(rows, order, arena, items, count, begins);
    return rows_write(rows, items, count, fresh, begins, arena, window, err) &&
           keep(rows, items, count, err);
}

size_t wa_rows_edge(const struct wa_rows *rows, struct str out[WA_KEPT_ROWS])
{
    size_t n = 0;
    for (size_t i = 0; i < rows->kept_count && n < WA_KEPT_ROWS; i++) {
        if (!rows->kept[i].is_day && rows->kept[i].id.len > 0) {
            out[n++] = rows->kept[i].id;
        }
    }
    return n;
}
