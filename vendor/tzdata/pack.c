/*
 * pack: writes IANA's time zones as the constant tables of src/text/zone_data.h.
 *
 *     pack DIRECTORY OUTPUT.c
 *
 * DIRECTORY is the unpacked package `tzdata` of PyPI (it holds tzdata/zones, a list of names, and
 * tzdata/zoneinfo/NAME, compiled zones as RFC 8536 describes them). Zones with equal contents are
 * stored once, and so are names of clocks and rules. The program runs on the machine that builds,
 * stops with one line at the first thing it does not know, and frees nothing, because it ends.
 */
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "text/zone_data.h"

enum {
    FILE_MAX = 1024 * 1024,
    PATH_MAX_LEN = 4096,
    ZONES_MAX = 1000,
    NAMES_MAX = 32 * 1024,
    LETTERS_MAX = 8 * 1024,
    TYPES_MAX = 8 * 1024,
    TIMES_MAX = 64 * 1024,
    RULES_MAX = 512,
    KINDS_MAX = 250,
};

static struct {
    char names[NAMES_MAX];
    char letters[LETTERS_MAX];
    int64_t times[TIMES_MAX];
    uint8_t kinds[TIMES_MAX];
    struct zone_type types[TYPES_MAX];
    struct zone_rule rules[RULES_MAX];
    struct zone zones[ZONES_MAX];
    uint8_t *contents[ZONES_MAX]; /* Of the file a zone came from, to find equal ones. */
    size_t sizes[ZONES_MAX];
    size_t names_len, letters_len, times_len, types_len, rules_len, zones_len, named;
    char version[32];
} all;

static void die(const char *format, ...) __attribute__((format(printf, 1, 2), noreturn));
static void die(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    fputs("tzdata: ", stderr);
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
    va_end(args);
    exit(1);
}

static uint8_t *read_file(const char *path, size_t *size)
{
    FILE *file = fopen(path, "rb");
    uint8_t *bytes = malloc(FILE_MAX + 1);
    if (file == NULL || bytes == NULL) {
        die("cannot read %s", path);
    }
    *size = fread(bytes, 1, FILE_MAX, file);
    if (ferror(file) || *size == FILE_MAX) {
        die("%s: unreadable or too large", path);
    }
    fclose(file);
    bytes[*size] = '\0';
    return realloc(bytes, *size + 1);
}

/* One zone file while it is read; `at` never passes `end`. */
struct input {
    const char *name;
    const uint8_t *at;
    const uint8_t *end;
};

static const uint8_t *take(struct input *in, size_t size)
{
    if ((size_t)(in->end - in->at) < size) {
        die("%s: the file is cut off", in->name);
    }
    const uint8_t *bytes = in->at;
    in->at += size;
    return bytes;
}

static uint32_t big_32(const uint8_t *bytes)
{
    return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

static int64_t big_64(const uint8_t *bytes)
{
    return (int64_t)((uint64_t)big_32(bytes) << 32 | big_32(bytes + 4));
}

struct header {
    size_t isut, isstd, leap, times, types, letters;
};

static struct header take_header(struct input *in)
{
    const uint8_t *bytes = take(in, 44);
    if (memcmp(bytes, "TZif", 4) != 0 || bytes[4] < '2') {
        die("%s: not a compiled zone of version 2 or later", in->name);
    }
    bytes += 20;
    return (struct header){big_32(bytes),      big_32(bytes + 4),  big_32(bytes + 8),
                           big_32(bytes + 12), big_32(bytes + 16), big_32(bytes + 20)};
}

static uint16_t put_letters(const char *text, size_t len)
{
    for (size_t i = 0; i < all.letters_len; i += strlen(all.letters + i) + 1) {
        if (strlen(all.letters + i) == len && memcmp(all.letters + i, text, len) == 0) {
            return (uint16_t)i;
        }
    }
    if (all.letters_len + len + 1 > LETTERS_MAX) {
        die("too many abbreviations");
    }
    size_t at = all.letters_len;
    memcpy(all.letters + at, text, len);
    all.letters_len += len + 1;
    return (uint16_t)at;
}

static uint16_t put_type(struct zone_type type)
{
    if (all.types_len == TYPES_MAX) {
        die("too many types");
    }
    all.types[all.types_len] = type;
    return (uint16_t)all.types_len++;
}

/* Rules may share a type with anything, so an equal one is looked for. */
static uint16_t find_type(struct zone_type type)
{
    for (size_t i = 0; i < all.types_len; i++) {
        if (memcmp(&all.types[i], &type, sizeof type) == 0) {
            return (uint16_t)i;
        }
    }
    return put_type(type);
}

/* The footer, a TZ string of POSIX with the hours of RFC 8536: IST-2IDT,M3.4.4/26,M10.5.0 */
struct footer {
    const char *name;
    const char *at;
};

static bool skip(struct footer *in, char byte)
{
    if (*in->at != byte) {
        return false;
    }
    in->at++;
    return true;
}

static int take_number(struct footer *in, int max)
{
    int value = 0;
    const char *first = in->at;
    while (*in->at >= '0' && *in->at <= '9' && value <= max) {
        value = value * 10 + (*in->at++ - '0');
    }
    if (in->at == first || value > max) {
        die("%s: a number in the footer is wrong: %s", in->name, first);
    }
    return value;
}

/* [+-]hours[:minutes[:seconds]] */
static int32_t take_clock(struct footer *in)
{
    bool negative = skip(in, '-');
    if (!negative) {
        skip(in, '+');
    }
    int32_t seconds = take_number(in, 167) * 3600;
    if (skip(in, ':')) {
        seconds += take_number(in, 59) * 60;
        seconds += skip(in, ':') ? take_number(in, 59) : 0;
    }
    return negative ? -seconds : seconds;
}

static uint16_t take_letters(struct footer *in)
{
    bool quoted = skip(in, '<');
    const char *first = in->at;
    while (*in->at != '\0' && strchr(quoted ? ">" : "+-,0123456789", *in->at) == NULL) {
        in->at++;
    }
    uint16_t letters = put_letters(first, (size_t)(in->at - first));
    if (quoted && !skip(in, '>')) {
        die("%s: '>' is missing in the footer", in->name);
    }
    return letters;
}

/* ,Mmonth.week.weekday[/time]; the form by day of the year is not used by any zone. */
static struct zone_edge take_edge(struct footer *in)
{
    struct zone_edge edge = {0};
    if (!skip(in, ',') || !skip(in, 'M')) {
        die("%s: a rule of the footer is not of the form M: %s", in->name, in->at);
    }
    edge.month = (uint8_t)take_number(in, 12);
    skip(in, '.');
    edge.week = (uint8_t)take_number(in, 5);
    skip(in, '.');
    edge.weekday = (uint8_t)take_number(in, 6);
    edge.time_s = skip(in, '/') ? take_clock(in) : 2 * 3600;
    /* The reader looks for changes in the year of the moment only. */
    if (edge.month < 2 || edge.month > 11 || edge.week < 1) {
        die("%s: a rule changes the clock in month %d", in->name, edge.month);
    }
    return edge;
}

static uint16_t put_rule(const char *name, const char *text)
{
    struct footer in = {name, text};
    struct zone_rule rule = {0};
    struct zone_type standard = {.letters = take_letters(&in)};
    standard.offset_s = -take_clock(&in);
    rule.standard = find_type(standard);
    rule.summer = rule.standard;
    if (*in.at != '\0') {
        struct zone_type summer = {.letters = take_letters(&in), .is_dst = 1};
        summer.offset_s = *in.at == ',' ? standard.offset_s + 3600 : -take_clock(&in);
        rule.summer = find_type(summer);
        rule.start = take_edge(&in);
        rule.end = take_edge(&in);
    }
    if (*in.at != '\0') {
        die("%s: the footer does not end: %s", name, in.at);
    }
    for (size_t i = 0; i < all.rules_len; i++) {
        if (memcmp(&all.rules[i], &rule, sizeof rule) == 0) {
            return (uint16_t)i;
        }
    }
    if (all.rules_len == RULES_MAX) {
        die("too many rules");
    }
    all.rules[all.rules_len] = rule;
    return (uint16_t)all.rules_len++;
}

static void put_changes(struct zone *zone, struct header header, const uint8_t *times,
                        const uint8_t *kinds)
{
    if (all.times_len + header.times > TIMES_MAX || header.types > KINDS_MAX) {
        die("too many changes");
    }
    zone->time_first = (uint32_t)all.times_len;
    zone->time_count = (uint16_t)header.times;
    for (size_t i = 0; i < header.times; i++) {
        int64_t time = big_64(times + i * 8);
        if (kinds[i] >= header.types || (i > 0 && time <= all.times[all.times_len - 1])) {
            die("the changes of a zone are out of order");
        }
        if (time < INT32_MIN) {
            zone->early++;
        } else if (time > INT32_MAX) {
            zone->late++;
        }
        if (time < INT32_MIN - (INT64_C(1) << 32) || time > INT32_MAX + (INT64_C(1) << 32) ||
            zone->early == UINT8_MAX || zone->late == UINT8_MAX) {
            die("a change is too far from today");
        }
        all.times[all.times_len] = time;
        all.kinds[all.times_len++] = kinds[i];
    }
}

static void pack_zone(struct zone *zone, const char *name, const uint8_t *bytes, size_t size)
{
    struct input in = {name, bytes, bytes + size};
    struct header header = take_header(&in);
    take(&in, header.times * 5 + header.types * 6 + header.letters + header.leap * 8 +
                  header.isstd + header.isut);
    header = take_header(&in);
    const uint8_t *times = take(&in, header.times * 8);
    const uint8_t *kinds = take(&in, header.times);
    const uint8_t *types = take(&in, header.types * 6);
    const char *letters = (const char *)take(&in, header.letters);
    take(&in, header.leap * 12 + header.isstd + header.isut);
    if (header.leap != 0 || header.types == 0 || *take(&in, 1) != '\n') {
        die("%s: has leap seconds, no type or no footer", name);
    }
    char footer[128] = {0};
    size_t footer_len = (size_t)(in.end - in.at) - 1;
    if (in.at == in.end || footer_len >= sizeof footer || in.end[-1] != '\n') {
        die("%s: the footer is too long", name);
    }
    memcpy(footer, in.at, footer_len);
    zone->type_first = (uint16_t)all.types_len;
    for (size_t i = 0; i < header.types; i++) {
        const uint8_t *type = types + i * 6;
        if (type[5] >= header.letters) {
            die("%s: an abbreviation is missing", name);
        }
        size_t room = header.letters - type[5];
        put_type((struct zone_type){
            (int32_t)big_32(type), put_letters(letters + type[5], strnlen(letters + type[5], room)),
            type[4]});
    }
    put_changes(zone, header, times, kinds);
    zone->rule = put_rule(name, footer);
}

static struct zone *put_zone(const char *name)
{
    size_t len = strlen(name);
    if (all.zones_len == ZONES_MAX || all.names_len + len + 1 > NAMES_MAX) {
        die("too many zones");
    }
    struct zone *zone = &all.zones[all.zones_len++];
    zone->name = (uint16_t)all.names_len;
    zone->name_len = (uint16_t)len;
    memcpy(all.names + all.names_len, name, len + 1);
    all.names_len += len + 1;
    return zone;
}

static void put_named(const char *directory, const char *name)
{
    char path[PATH_MAX_LEN];
    struct zone *zone = put_zone(name);
    size_t index = all.zones_len - 1;
    snprintf(path, sizeof path, "%s/tzdata/zoneinfo/%s", directory, name);
    all.contents[index] = read_file(path, &all.sizes[index]);
    for (size_t i = 0; i < index; i++) {
        if (all.sizes[i] == all.sizes[index] &&
            memcmp(all.contents[i], all.contents[index], all.sizes[i]) == 0) {
            struct zone copy = all.zones[i];
            copy.name = zone->name;
            copy.name_len = zone->name_len;
            *zone = copy;
            return;
        }
    }
    pack_zone(zone, name, all.contents[index], all.sizes[index]);
}

static void put_fixed(int32_t offset_s)
{
    char name[16];
    int32_t minutes = abs(offset_s) / 60;
    snprintf(name, sizeof name, "%c%02d:%02d", offset_s < 0 ? '-' : '+', minutes / 60,
             minutes % 60);
    struct zone_type type = {offset_s, put_letters(name, strlen(name)), 0};
    struct zone *zone = put_zone(name);
    zone->type_first = find_type(type);
    struct zone_rule rule = {.standard = zone->type_first, .summer = zone->type_first};
    if (all.rules_len == RULES_MAX) {
        die("too many rules");
    }
    zone->rule = (uint16_t)all.rules_len;
    all.rules[all.rules_len++] = rule;
}

static int by_name(const void *left, const void *right)
{
    return strcmp(*(char *const *)left, *(char *const *)right);
}

static void read_names(const char *directory)
{
    static char *names[ZONES_MAX];
    char path[PATH_MAX_LEN];
    size_t size = 0;
    size_t count = 0;
    snprintf(path, sizeof path, "%s/tzdata/zones", directory);
    char *at = (char *)read_file(path, &size);
    while (*at != '\0') {
        char *end = strchr(at, '\n');
        if (end == NULL || count == ZONES_MAX) {
            die("%s: no line end, or too many zones", path);
        }
        *end = '\0';
        names[count++] = at;
        at = end + 1;
    }
    qsort(names, count, sizeof names[0], by_name);
    for (size_t i = 0; i < count; i++) {
        put_named(directory, names[i]);
    }
    all.named = count;
}

static void read_version(const char *directory)
{
    char path[PATH_MAX_LEN];
    size_t size = 0;
    snprintf(path, sizeof path, "%s/tzdata/__init__.py", directory);
    const char *text = (const char *)read_file(path, &size);
    const char *at = strstr(text, "IANA_VERSION = \"");
    size_t len = at == NULL ? 0 : strcspn(at + 16, "\"\n");
    if (len == 0 || len >= sizeof all.version) {
        die("%s: has no IANA_VERSION", path);
    }
    memcpy(all.version, at + 16, len);
}

static void write_text(FILE *out, const char *name, const char *text, size_t len)
{
    fprintf(out, "const char %s[] = {", name);
    for (size_t i = 0; i < len; i++) {
        fprintf(out, "%s%d,", i % 24 == 0 ? "\n" : "", text[i]);
    }
    fputs("};\n", out);
}

static void write_times(FILE *out)
{
    fputs("const int32_t zone_data_times[] = {", out);
    for (size_t i = 0; i < all.times_len; i++) {
        fprintf(out, "%s%d,", i % 8 == 0 ? "\n" : "", (int32_t)(uint32_t)all.times[i]);
    }
    fputs("};\nconst uint8_t zone_data_kinds[] = {", out);
    for (size_t i = 0; i < all.times_len; i++) {
        fprintf(out, "%s%d,", i % 32 == 0 ? "\n" : "", all.kinds[i]);
    }
    fputs("};\n", out);
}

static void write_structs(FILE *out)
{
    fputs("const struct zone_type zone_data_types[] = {\n", out);
    for (size_t i = 0; i < all.types_len; i++) {
        const struct zone_type *type = &all.types[i];
        fprintf(out, "{%d,%d,%d},\n", type->offset_s, type->letters, type->is_dst);
    }
    fputs("};\nconst struct zone_rule zone_data_rules[] = {\n", out);
    for (size_t i = 0; i < all.rules_len; i++) {
        const struct zone_rule *rule = &all.rules[i];
        fprintf(out, "{{%d,%d,%d,%d,0},{%d,%d,%d,%d,0},%d,%d},\n", rule->start.time_s,
                rule->start.month, rule->start.week, rule->start.weekday, rule->end.time_s,
                rule->end.month, rule->end.week, rule->end.weekday, rule->standard, rule->summer);
    }
    fputs("};\nconst struct zone zone_data_zones[] = {\n", out);
    for (size_t i = 0; i < all.zones_len; i++) {
        const struct zone *zone = &all.zones[i];
        fprintf(out, "{%u,%d,%d,%d,%d,%d,%d,%d},\n", zone->time_first, zone->time_count,
                zone->type_first, zone->rule, zone->name, zone->name_len, zone->early, zone->late);
    }
    fputs("};\n", out);
}

int main(int argc, char **argv)
{
    if (argc != 3) {
        die("usage: pack DIRECTORY OUTPUT.c");
    }
    read_version(argv[1]);
    read_names(argv[1]);
    for (int offset = ZONE_FIXED_FIRST_S; offset <= ZONE_FIXED_LAST_S;
         offset += ZONE_FIXED_STEP_S) {
        put_fixed(offset);
    }
    FILE *out = fopen(argv[2], "wb");
    if (out == NULL) {
        die("cannot write %s", argv[2]);
    }
    fputs("/* Written by vendor/tzdata/pack.c. */\n#include \"text/zone_data.h\"\n\n", out);
    fprintf(out, "const char zone_data_version[] = \"%s\";\n", all.version);
    fprintf(out, "const size_t zone_data_named = %zu;\n", all.named);
    fprintf(out, "const size_t zone_data_fixed = %zu;\n", all.zones_len - all.named);
    write_text(out, "zone_data_names", all.names, all.names_len);
    write_text(out, "zone_data_letters", all.letters, all.letters_len);
    write_times(out);
    write_structs(out);
    if (ferror(out) || fclose(out) != 0) {
        die("cannot write %s", argv[2]);
    }
    return 0;
}
