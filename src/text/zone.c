#include "text/zone.h"

#include <string.h>

#include "base/must.h"
#include "text/zone_data.h"

/* A stretch of time in seconds, and the type that holds in it. */
struct stretch {
    int64_t begin_s;
    int64_t end_s;
    uint16_t type;
};

/* Further from 1970 than any zone's data, and safe to multiply by 1000. */
#define BEGIN_S (INT64_MIN / 1000)
#define END_S   (INT64_MAX / 1000)

static int64_t seconds_of(int64_t ms)
{
    return ms / 1000 - (ms % 1000 < 0 ? 1 : 0);
}

static int offset_of(uint16_t type)
{
    return zone_data_types[type].offset_s;
}

static struct zone_clock clock_of(uint16_t type)
{
    const struct zone_type *data = &zone_data_types[type];
    return (struct zone_clock){data->offset_s, data->is_dst != 0,
                               str_of(zone_data_letters + data->letters)};
}

/* The moment of a rule's edge in a year, on a wall that is `offset_s` from UTC before it. */
static int64_t edge_at(const struct zone_edge *edge, int year, int offset_s)
{
    int64_t first = datetime_days(year, edge->month, 1);
    int day = (edge->weekday - datetime_weekday(first) + 7) % 7 + 7 * (edge->week - 1);
    if (day >= datetime_month_days(year, edge->month)) {
        day -= 7; /* Week 5 is the last one, which may be the fourth. */
    }
    return (first + day) * 86400 + edge->time_s - offset_s;
}

/* The two changes of a year, in the order in which they come. */
struct year_changes {
    int64_t at_s[2];
    uint16_t type[2]; /* From that change on. */
};

static struct year_changes changes_of(const struct zone_rule *rule, int year)
{
    int64_t start = edge_at(&rule->start, year, offset_of(rule->standard));
    int64_t end = edge_at(&rule->end, year, offset_of(rule->summer));
    if (start < end) {
        return (struct year_changes){{start, end}, {rule->summer, rule->standard}};
    }
    return (struct year_changes){{end, start}, {rule->standard, rule->summer}};
}

/* What UTC shows; false beyond the calendar, where the multiplication could overflow as well. */
static bool civil_of(int64_t utc_s, struct civil *out)
{
    return utc_s >= DATETIME_MIN_MS / 1000 && utc_s <= DATETIME_MAX_MS / 1000 &&
           datetime_to_civil(utc_s * 1000, out);
}

/*
 * The packer makes sure that rules change the clock between February and November, so the year is
 * the same on every wall, and beyond the calendar's years its ends may stand in.
 */
static int year_of(int64_t utc_s)
{
    struct civil civil;
    if (!civil_of(utc_s, &civil)) {
        return utc_s < 0 ? 1 : 9999;
    }
    return civil.year;
}

static void rule_stretch(const struct zone_rule *rule, int64_t utc_s, struct stretch *out)
{
    if (rule->summer == rule->standard) {
        *out = (struct stretch){BEGIN_S, END_S, rule->standard};
        return;
    }
    int year = year_of(utc_s);
    struct year_changes now = changes_of(rule, year);
    if (utc_s < now.at_s[0]) {
        int64_t begin = year > 1 ? changes_of(rule, year - 1).at_s[1] : BEGIN_S;
        *out = (struct stretch){begin, now.at_s[0], now.type[1]};
    } else if (utc_s < now.at_s[1]) {
        *out = (struct stretch){now.at_s[0], now.at_s[1], now.type[0]};
    } else {
        int64_t end = year < 9999 ? changes_of(rule, year + 1).at_s[0] : END_S;
        *out = (struct stretch){now.at_s[1], end, now.type[1]};
    }
}

/* The moment of a zone's change. */
static int64_t change_at(const struct zone *zone, size_t index)
{
    const int64_t turn = INT64_C(1) << 32;
    int64_t time = zone_data_times[zone->time_first + index];
    if (index < zone->early) {
        return time - turn;
    }
    return index + zone->late >= zone->time_count ? time + turn : time;
}

/* How many of the zone's changes are at or before the moment. */
static size_t changes_before(const struct zone *zone, int64_t utc_s)
{
    size_t low = 0;
    size_t high = zone->time_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (change_at(zone, middle) <= utc_s) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static void stretch_at(const struct zone *zone, int64_t utc_s, struct stretch *out)
{
    size_t count = zone->time_count;
    int64_t last_s = count > 0 ? change_at(zone, count - 1) : INT64_MIN;
    if (utc_s >= last_s) {
        rule_stretch(&zone_data_rules[zone->rule], utc_s, out);
        out->begin_s = out->begin_s < last_s ? last_s : out->begin_s;
        return;
    }
    size_t passed = changes_before(zone, utc_s);
    uint8_t kind = passed > 0 ? zone_data_kinds[zone->time_first + passed - 1] : 0;
    out->begin_s = passed > 0 ? change_at(zone, passed - 1) : BEGIN_S;
    out->end_s = change_at(zone, passed);
    out->type = (uint16_t)(zone->type_first + kind);
}

/* Dates of any year in their order; the day is at most 31. */
static int day_of_year(int month, int day)
{
    return month * 32 + day;
}

/*
 * Most dates are so far from both changes that the calendar need not be asked where those fall.
 * An edge lies within its month on the wall, and its time at most a week behind that; the wall is
 * less than two days from UTC. False where the date is nearer than that.
 */
static bool is_far_from_edges(const struct zone_rule *rule, int month, int day, uint16_t *type)
{
    bool north = rule->start.month < rule->end.month;
    const struct zone_edge *first = north ? &rule->start : &rule->end;
    const struct zone_edge *last = north ? &rule->end : &rule->start;
    int at = day_of_year(month, day);
    if (at > day_of_year(first->month + 1, 9) && at < day_of_year(last->month - 1, 26)) {
        *type = north ? rule->summer : rule->standard;
        return true;
    }
    if (at > day_of_year(last->month + 1, 9) || at < day_of_year(first->month - 1, 26)) {
        *type = north ? rule->standard : rule->summer;
        return true;
    }
    return false;
}

/* As stretch_at(), for those who only want the clock. */
static uint16_t type_at(const struct zone *zone, int64_t utc_s)
{
    size_t count = zone->time_count;
    if (count > 0 && utc_s < change_at(zone, count - 1)) {
        size_t passed = changes_before(zone, utc_s);
        uint8_t kind = passed > 0 ? zone_data_kinds[zone->time_first + passed - 1] : 0;
        return (uint16_t)(zone->type_first + kind);
    }
    const struct zone_rule *rule = &zone_data_rules[zone->rule];
    if (rule->summer == rule->standard) {
        return rule->standard;
    }
    struct civil civil;
    uint16_t type = rule->standard;
    if (!civil_of(utc_s, &civil)) {
        civil.year = utc_s < 0 ? 1 : 9999;
    } else if (is_far_from_edges(rule, civil.month, civil.day, &type)) {
        return type;
    }
    struct year_changes now = changes_of(rule, civil.year);
    return utc_s >= now.at_s[0] && utc_s < now.at_s[1] ? now.type[0] : now.type[1];
}

struct zone_clock zone_offset_at(const struct zone *zone, int64_t utc_ms)
{
    return clock_of(type_at(zone, seconds_of(utc_ms)));
}

bool zone_to_civil(const struct zone *zone, int64_t utc_ms, struct civil *out)
{
    return datetime_to_civil_at(utc_ms, offset_of(type_at(zone, seconds_of(utc_ms))), out);
}

void zone_span_at(const struct zone *zone, int64_t utc_ms, struct zone_span *out)
{
    struct stretch stretch;
    stretch_at(zone, seconds_of(utc_ms), &stretch);
    out->begin_ms = stretch.begin_s == BEGIN_S ? INT64_MIN : stretch.begin_s * 1000;
    out->end_ms = stretch.end_s == END_S ? INT64_MAX : stretch.end_s * 1000;
    out->clock = clock_of(stretch.type);
}

bool zone_next_change(const struct zone *zone, int64_t utc_ms, int64_t *change_ms)
{
    enum { NAMES_MAX = 64 }; /* Changes in a row that leave the offset as it was. */
    struct stretch stretch;
    stretch_at(zone, seconds_of(utc_ms), &stretch);
    int offset_s = offset_of(stretch.type);
    for (int i = 0; i < NAMES_MAX && stretch.end_s != END_S; i++) {
        int64_t end_s = stretch.end_s;
        stretch_at(zone, end_s, &stretch);
        if (offset_of(stretch.type) != offset_s) {
            *change_ms = end_s * 1000;
            return true;
        }
    }
    return false;
}

/*
 * The stretches in which a wall could show the civil time are those between the moments it would
 * be on the most eastern and on the most western clock that was ever used.
 */
enum { SEARCH_S = 17 * 3600, STRETCHES_MAX = 8 };

/* No stretch had the civil time: it lies at the one change that jumps over it. */
static bool fill_gap(const struct zone *zone, int64_t local_s, struct stretch stretch,
                     int64_t rest_ms, struct zone_local *out)
{
    for (int i = 0; i < STRETCHES_MAX && stretch.end_s != END_S; i++) {
        struct stretch next;
        stretch_at(zone, stretch.end_s, &next);
        int64_t first_s = local_s - offset_of(stretch.type);
        int64_t second_s = local_s - offset_of(next.type);
        if (first_s >= stretch.end_s && second_s < stretch.end_s) {
            out->first_ms = first_s * 1000 + rest_ms;
            out->second_ms = second_s * 1000 + rest_ms;
            out->change_ms = stretch.end_s * 1000;
            return true;
        }
        stretch = next;
    }
    return false;
}

enum zone_fit zone_local_to_utc(const struct zone *zone, const struct civil *civil,
                                struct zone_local *out)
{
    int64_t local_ms = datetime_from_civil(civil);
    int64_t local_s = seconds_of(local_ms);
    int64_t rest_ms = local_ms - local_s * 1000;
    struct stretch first;
    stretch_at(zone, local_s - SEARCH_S, &first);
    struct stretch stretch = first;
    int found = 0;
    for (int i = 0; i < STRETCHES_MAX; i++) {
        int64_t utc_s = local_s - offset_of(stretch.type);
        if (utc_s >= stretch.begin_s && utc_s < stretch.end_s) {
            out->second_ms = utc_s * 1000 + rest_ms;
            out->change_ms = stretch.begin_s * 1000;
            out->first_ms = found == 0 ? out->second_ms : out->first_ms;
            found++;
        }
        if (stretch.end_s > local_s + SEARCH_S) {
            break;
        }
        stretch_at(zone, stretch.end_s, &stretch);
    }
    if (found == 0) {
        must(fill_gap(zone, local_s, first, rest_ms, out));
        return ZONE_GAP;
    }
    out->change_ms = found == 1 ? out->first_ms : out->change_ms;
    return found == 1 ? ZONE_UNIQUE : ZONE_FOLD;
}

int64_t zone_stamp_ms(const struct zone *zone, const struct stamp *stamp, enum zone_fit *fit)
{
    struct zone_local local = {0};
    enum zone_fit found = ZONE_UNIQUE;
    if (!datetime_stamp_ms(stamp, &local.first_ms)) {
        found = zone_local_to_utc(zone, &stamp->civil, &local);
    }
    if (fit != NULL) {
        *fit = found;
    }
    return local.first_ms;
}

/* Names. */

struct str zone_name(const struct zone *zone)
{
    return (struct str){zone_data_names + zone->name, zone->name_len};
}

size_t zone_count(void)
{
    return zone_data_named;
}

const struct zone *zone_at(size_t index)
{
    must(index < zone_data_named);
    return &zone_data_zones[index];
}

struct str zone_version(void)
{
    return str_of(zone_data_version);
}

static const struct zone *find_exact(struct str name)
{
    size_t low = 0;
    size_t high = zone_data_named;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = str_compare(zone_name(&zone_data_zones[middle]), name);
        if (order == 0) {
            return &zone_data_zones[middle];
        }
        if (order < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return NULL;
}

const struct zone *zone_utc(void)
{
    return zone_data_zones + zone_data_named + -ZONE_FIXED_FIRST_S / ZONE_FIXED_STEP_S;
}

/* "+2", "+02", "+0200", "+02:00", "+5:45", behind "UTC" or not. */
static const struct zone *find_offset(struct str name)
{
    if (name.len >= 3 && str_equal_ascii_case(str_slice(name, 0, 3), STR("UTC"))) {
        name = str_slice(name, 3, name.len);
    }
    if (name.len < 2 || name.len > 6 || (name.ptr[0] != '+' && name.ptr[0] != '-')) {
        return NULL;
    }
    int digits[4] = {0};
    int count = 0;
    size_t colon = str_find_byte(name, ':', 0);
    for (size_t i = 1; i < name.len; i++) {
        if (i == colon) {
            continue;
        }
        if (name.ptr[i] < '0' || name.ptr[i] > '9' || count == 4) {
            return NULL;
        }
        digits[count++] = name.ptr[i] - '0';
    }
    bool minutes = count > 2;
    if (colon != STR_NONE && (!minutes || colon != name.len - 3)) {
        return NULL;
    }
    if (count % 2 == 1) {
        memmove(digits + 1, digits, 3 * sizeof digits[0]);
        digits[0] = 0;
    }
    int minute = digits[2] * 10 + digits[3];
    int offset_s = (digits[0] * 10 + digits[1]) * 3600 + minute * 60;
    offset_s = name.ptr[0] == '-' ? -offset_s : offset_s;
    if (minute > 59 || offset_s < ZONE_FIXED_FIRST_S || offset_s > ZONE_FIXED_LAST_S ||
        offset_s % ZONE_FIXED_STEP_S != 0) {
        return NULL;
    }
    return zone_data_zones + zone_data_named + (offset_s - ZONE_FIXED_FIRST_S) / ZONE_FIXED_STEP_S;
}

const struct zone *zone_find(struct str name)
{
    if (name.len == 0 || name.len > ZONE_NAME_MAX) {
        return NULL;
    }
    const struct zone *zone = find_exact(name);
    if (zone != NULL) {
        return zone;
    }
    for (size_t i = 0; i < zone_data_named; i++) {
        if (str_equal_ascii_case(zone_name(&zone_data_zones[i]), name)) {
            return &zone_data_zones[i];
        }
    }
    return str_equal_ascii_case(name, STR("Z")) ? zone_utc() : find_offset(name);
}

static char folded(char byte)
{
    if (byte >= 'A' && byte <= 'Z') {
        return (char)(byte - 'A' + 'a');
    }
    return byte == ' ' || byte == '-' ? '_' : byte;
}

/* Edits that turn one name into the other (insert, delete, replace), letters in any case. */
static size_t edit_distance(struct str a, struct str b)
{
    size_t row[ZONE_NAME_MAX + 1];
    must(a.len <= ZONE_NAME_MAX && b.len <= ZONE_NAME_MAX);
    for (size_t j = 0; j <= b.len; j++) {
        row[j] = j;
    }
    for (size_t i = 1; i <= a.len; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= b.len; j++) {
            size_t replaced = diagonal + (folded(a.ptr[i - 1]) == folded(b.ptr[j - 1]) ? 0 : 1);
            size_t other = (row[j] < row[j - 1] ? row[j] : row[j - 1]) + 1;
            diagonal = row[j];
            row[j] = replaced < other ? replaced : other;
        }
    }
    return row[b.len];
}

static struct str city_of(struct str name)
{
    for (size_t i = name.len; i > 0; i--) {
        if (name.ptr[i - 1] == '/') {
            return str_slice(name, i, name.len);
        }
    }
    return name;
}

/* The whole name or, for one who leaves the continent out or has a wrong one, the city alone. */
static size_t name_distance(struct str name, struct str known)
{
    size_t whole = edit_distance(name, known);
    size_t city = edit_distance(city_of(name), city_of(known)) + 1;
    return whole < city ? whole : city;
}

size_t zone_nearest(struct str name, struct str out[ZONE_NEAREST_MAX])
{
    size_t distances[ZONE_NEAREST_MAX];
    size_t count = 0;
    if (name.len == 0 || name.len > ZONE_NAME_MAX) {
        return 0;
    }
    size_t worst = 2 + city_of(name).len / 4; /* Beyond that it is another word. */
    for (size_t i = 0; i < zone_data_named; i++) {
        struct str known = zone_name(&zone_data_zones[i]);
        size_t distance = name_distance(name, known);
        size_t place = count;
        while (place > 0 && distances[place - 1] > distance) {
            place--;
        }
        if (distance > worst || place == ZONE_NEAREST_MAX) {
            continue;
        }
        count += count < ZONE_NEAREST_MAX ? 1 : 0;
        for (size_t j = count - 1; j > place; j--) {
            distances[j] = distances[j - 1];
            out[j] = out[j - 1];
        }
        distances[place] = distance;
        out[place] = known;
    }
    return count;
}

bool zone_parse(struct str name, const struct zone **out, struct err *err)
{
    const struct zone *zone = zone_find(name);
    if (zone != NULL) {
        *out = zone;
        return true;
    }
    struct str near[ZONE_NEAREST_MAX];
    size_t count = zone_nearest(name, near);
    struct str shown = str_slice(name, 0, ZONE_NAME_MAX);
    if (count == 0) {
        return err_set(
            err, ERR_CONFIG,
            "time zone \"%.*s\" does not exist; write it as Asia/Jerusalem, UTC or +02:00",
            STR_ARG(shown));
    }
    struct str second = count > 1 ? near[1] : (struct str){"", 0};
    return err_set(err, ERR_CONFIG, "time zone \"%.*s\" does not exist; did you mean %.*s%s%.*s?",
                   STR_ARG(shown), STR_ARG(near[0]), count > 1 ? " or " : "", STR_ARG(second));
}
