#include "fuzz/targets.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "app/kinds.h"
#include "base/buf.h"
#include "config/config.h"
#include "crypto/rsa.h"
#include "crypto/tls_der.h"
#include "crypto/tls_trust.h"
#include "net/http.h"
#include "source/wa_pack.h"
#include "source/wa_rows.h"
#include "text/codepage.h"
#include "text/cron.h"
#include "text/csv.h"
#include "text/datetime.h"
#include "text/duration.h"
#include "text/fold.h"
#include "text/host.h"
#include "text/json.h"
#include "text/jsonschema.h"
#include "text/keywords.h"
#include "text/pagestamp.h"
#include "text/phone.h"
#include "text/regex.h"
#include "text/template.h"
#include "text/timepattern.h"
#include "text/utf8.h"
#include "text/yaml.h"

enum { ARENA_MAX = 64 << 20, TURNS_MAX = 200 };

/* Like must(), in every build. */
#define hold(condition) ((condition) ? (void)0 : broken(#condition, __func__))

static void broken(const char *what, const char *where)
{
    (void)fprintf(stderr, "%s: does not hold: %s\n", where, what);
    abort();
}

/* A refusal says why. */
static void refused(const struct err *err)
{
    hold(err->kind != ERR_NONE && err->text[0] != '\0');
}

static bool lies_in(struct str part, struct str whole)
{
    return part.ptr == NULL ||
           (part.ptr >= whole.ptr && part.ptr + part.len <= whole.ptr + whole.len);
}

/* The first line, and the rest: for targets that need two texts. */
static struct str first_line(struct str *bytes)
{
    struct str line = {0};
    (void)str_split(bytes, '\n', &line);
    if (bytes->ptr == NULL) {
        *bytes = STR("");
    }
    return line;
}

/* ---- JSON ---- */

static void run_json(struct str bytes)
{
    struct arena arena;
    struct err err = {0};
    const struct json_value *root = NULL;
    struct buf once;
    struct buf twice;
    struct json_writer json;
    arena_init(&arena, ARENA_MAX);
    if (!json_parse(&arena, bytes, NULL, &root, &err)) {
        refused(&err);
        arena_free(&arena);
        return;
    }
    buf_init(&once, &arena, 64);
    json_writer_init(&json, &once);
    json_put_value(&json, root);
    json_writer_done(&json);
    hold(buf_ok(&once));
    hold(json_parse(&arena, buf_str(&once), NULL, &root, &err));
    buf_init(&twice, &arena, 64);
    json_writer_init(&json, &twice);
    json_put_value(&json, root);
    json_writer_done(&json);
    hold(str_equal(buf_str(&once), buf_str(&twice)));
    arena_free(&arena);
}

/* A schema, and a value that it judges. */
static void run_jsonschema(struct str bytes)
{
    struct arena arena;
    struct err err = {0};
    struct jsonschema *schema = NULL;
    const struct json_value *value = NULL;
    arena_init(&arena, ARENA_MAX);
    struct str text = first_line(&bytes);
    if (!jsonschema_open(&schema, &arena, text, &err)) {
        refused(&err);
    } else if (json_parse(&arena, bytes, NULL, &value, &err)) {
        bool fits = jsonschema_check(schema, value, &err);
        hold(fits == jsonschema_check(schema, value, &err));
        (void)jsonschema_check_property(schema, STR("a"), json_get(value, STR("a")), &err);
    }
    jsonschema_close(schema);
    arena_free(&arena);
}

/* ---- Tables and trees ---- */

static void walk_yaml(const struct yaml_node *node, int depth)
{
    const struct yaml_node *key = NULL;
    const struct yaml_node *value = NULL;
    size_t at = 0;
    char where[YAML_WHERE_MAX];
    bool truth = false;
    int64_t number = 0;
    double real = 0;
    hold(depth <= YAML_DEPTH_MAX + 1);
    (void)yaml_where(node, where);
    (void)yaml_text(node);
    (void)yaml_bool(node, &truth);
    (void)yaml_int(node, &number);
    (void)yaml_double(node, &real);
    while (yaml_next(node, &at, &key, &value)) {
        walk_yaml(value, depth + 1);
    }
}

static void run_yaml(struct str bytes)
{
    struct arena arena;
    struct err err = {0};
    const struct yaml_node *root = NULL;
    arena_init(&arena, ARENA_MAX);
    if (yaml_parse(&arena, STR("fuzz.yaml"), bytes, NULL, &root, &err)) {
        walk_yaml(root, 0);
    } else {
        refused(&err);
    }
    arena_free(&arena);
}

/* All rows, whole and cut in two at a place that the first byte chooses; what is written is read.
 */
static void run_csv(struct str bytes)
{
    struct arena arena;
    struct csv csv;
    struct csv_row row;
    struct err err = {0};
    struct buf out;
    struct csv_style style = {.separator = ',', .crlf = true, .mark = true};
    size_t fields = 0;
    bool got = true;
    arena_init(&arena, ARENA_MAX);
    buf_init(&out, &arena, 256);
    csv_write_begin(&out, &style);
    csv_open(&csv, bytes, CSV_DETECT, false);
    for (int turn = 0; got && turn < TURNS_MAX; turn++) {
        if (!csv_next(&csv, &arena, &row, &got, &err)) {
            refused(&err);
            continue;
        }
        if (got && row.count > 0) {
            csv_write_row(&out, &style, row.fields, row.count);
            fields += row.count;
        }
    }
    csv_open(&csv, buf_str(&out), ',', false);
    got = true;
    while (got) {
        hold(csv_next(&csv, &arena, &row, &got, &err));
        hold(!got || row.count <= fields);
        fields -= got ? row.count : 0;
    }
    hold(fields == 0);
    if (bytes.len > 1) {
        size_t at = 1 + (unsigned char)bytes.ptr[0] % (bytes.len - 1);
        got = true;
        csv_open(&csv, (struct str){bytes.ptr, at}, CSV_DETECT, true);
        for (int turn = 0; got && turn < TURNS_MAX; turn++) {
            (void)csv_next(&csv, &arena, &row, &got, &err);
        }
        hold(csv.used <= at);
    }
    arena_free(&arena);
}

/* ---- Times ---- */

static void run_cron(struct str bytes)
{
    struct arena arena;
    struct cron cron;
    struct err err = {0};
    struct buf words;
    arena_init(&arena, ARENA_MAX);
    buf_init(&words, &arena, 64);
    if (!cron_parse(bytes, &cron, &err)) {
        refused(&err);
    } else {
        int64_t at = INT64_C(1774569600000); /* Before a night that the clock changes in. */
        cron_describe(&cron, &words);
        for (int i = 0; i < 4; i++) {
            int64_t next = 0;
            if (!cron_next(&cron, zone_find(STR("Asia/Jerusalem")), at, &next)) {
                break;
            }
            hold(next > at);
            at = next;
        }
    }
    arena_free(&arena);
}

static void run_datetime(struct str bytes)
{
    struct err err = {0};
    struct stamp stamp;
    char out[DATETIME_TEXT_MAX];
    int64_t ms = 0;
    int64_t again = 0;
    if (datetime_parse_iso_ms(bytes, &ms, &err)) {
        hold(datetime_parse_iso_ms(datetime_format_iso(ms, out), &again, &err) && again == ms);
    } else {
        refused(&err);
    }
    (void)datetime_parse_iso(bytes, &stamp, &err);
    (void)datetime_parse_mail(bytes, &stamp, &err);
    for (int unit = 0; unit < 4; unit++) {
        (void)datetime_parse_unix(bytes, (enum datetime_unit)unit, &ms, &err);
    }
    if (duration_parse(bytes, &ms, &err)) {
        char text[DURATION_TEXT_MAX];
        hold(duration_parse(duration_format(ms, text), &again, &err));
    }
    (void)http_retry_after(bytes, 0);
}

static void run_timepattern(struct str bytes)
{
    struct err err = {0};
    struct timepattern pattern;
    struct stamp stamp;
    char out[DATETIME_TEXT_MAX];
    struct str form = first_line(&bytes);
    if (!timepattern_compile(form, &pattern, &err)) {
        refused(&err);
        return;
    }
    (void)timepattern_read(&pattern, bytes, &stamp, &err);
    struct str text = timepattern_write(&pattern, zone_utc(), INT64_C(1774569600000), out);
    hold(timepattern_read(&pattern, text, &stamp, &err) || err.kind == ERR_REJECT ||
         !pattern.reads);
}

static void run_pagestamp(struct str bytes)
{
    struct err err = {0};
    struct pagestamp mark;
    struct civil civil;
    struct pagestamp_evidence evidence = {0};
    int64_t days = 0;
    if (!pagestamp_parse(bytes, &mark, &err)) {
        refused(&err);
    } else {
        hold(lies_in(mark.author, bytes));
        pagestamp_learn(&evidence, &mark);
        (void)pagestamp_date(&mark, pagestamp_evidence_order(&evidence), &civil);
    }
    (void)pagestamp_order_of_locale(bytes);
    for (int order = 0; order < 3; order++) {
        (void)wa_rows_day((enum pagestamp_order)order, bytes, &days);
    }
    (void)wa_rows_minute(bytes);
}

/* ---- Words ---- */

static void run_phone(struct str bytes)
{
    static const enum phone_country homes[] = {PHONE_ANYWHERE, PHONE_SOUTH_AFRICA, PHONE_ISRAEL};
    struct arena arena;
    struct err err = {0};
    struct phone phone;
    struct phone again;
    char look[PHONE_LOOK_MAX];
    char digits[64];
    arena_init(&arena, ARENA_MAX);
    for (int i = 0; i < 3; i++) {
        if (!phone_parse(bytes, homes[i], &phone, &err)) {
            refused(&err);
            continue;
        }
        hold(phone_parse(phone_format(&phone, look), PHONE_ANYWHERE, &again, &err));
        hold(phone_equal(&phone, &again));
    }
    (void)phone_look(&arena, bytes);
    (void)phone_digits(bytes, digits, sizeof digits);
    (void)phone_mask(bytes, look);
    (void)phone_jid_kind(bytes);
    hold(lies_in(phone_jid_user(bytes), bytes));
    (void)wa_rows_bare(bytes);
    (void)host_kind_of(bytes);
    arena_free(&arena);
}

static void run_words(struct str bytes)
{
    struct arena arena;
    size_t replaced = 0;
    size_t used = 0;
    arena_init(&arena, ARENA_MAX);
    for (int page = 0; page < 4; page++) {
        struct str text = codepage_decode((enum codepage)page, &arena, bytes, &used);
        hold(text.ptr == NULL || utf8_valid(text));
        hold(used <= bytes.len);
    }
    struct str clean = utf8_clean(&arena, bytes, &replaced);
    hold(clean.ptr == NULL || utf8_valid(clean));
    for (unsigned flags = 0; clean.ptr != NULL && flags < 128; flags += 7) {
        struct folded folded;
        struct str text = fold_text(&arena, clean, flags);
        hold(text.ptr == NULL || utf8_valid(text));
        if (fold_map(&arena, clean, flags, &folded) && folded.text.len > 0) {
            hold(lies_in(fold_origin(&folded, clean, 0, folded.text.len), clean));
        }
        hold(fold_equal(clean, clean, flags));
    }
    if (clean.ptr != NULL) {
        hold(utf8_valid(utf8_prefix(clean, 3)) && utf8_valid(utf8_cut(clean, 5)));
        hold(utf8_valid(utf8_prefix_whole(clean, 2)));
        (void)utf8_width(clean);
        (void)wa_rows_clean(&arena, clean);
    }
    arena_free(&arena);
}

/* A list of words, and a text. */
static void run_keywords(struct str bytes)
{
    struct arena arena;
    struct err err = {0};
    struct str list = first_line(&bytes);
    arena_init(&arena, ARENA_MAX);
    for (int form = 0; form < 4; form++) {
        struct keywords *words = NULL;
        struct keywords_options options = {.whole_word = (form & 1) != 0,
                                           .fold = (form & 2) != 0 ? 127 : 0};
        struct keywords_hit hit = {0};
        if (!keywords_open_list(&words, list, options, &err)) {
            refused(&err);
            continue;
        }
        if (keywords_find(words, &arena, bytes, &hit, &err) && hit.found) {
            hold(lies_in(hit.where, bytes) && hit.word < keywords_count(words));
        }
        struct keywords_scan scan;
        if (keywords_scan_start(&scan, words, &arena, bytes, &err)) {
            for (int i = 0; i < TURNS_MAX && keywords_scan_next(&scan, &hit); i++) {
                hold(lies_in(hit.where, bytes));
            }
        }
        keywords_close(words);
    }
    arena_free(&arena);
}

static void run_regex(struct str bytes)
{
    struct err err = {0};
    struct regex *regex = NULL;
    struct regex_match match;
    size_t from = 0;
    struct str pattern = first_line(&bytes);
    if (!regex_open(&regex, pattern, REGEX_NO_JIT, &err)) {
        refused(&err);
        return;
    }
    for (int i = 0; i < 20 && from <= bytes.len; i++) {
        if (!regex_find(regex, bytes, from, &match, &err)) {
            refused(&err);
            break;
        }
        if (!match.found) {
            break;
        }
        for (size_t group = 0; group < match.count; group++) {
            hold(lies_in(match.groups[group], bytes));
        }
        hold(match.next > from || match.next > bytes.len || match.to > match.from);
        from = match.next;
    }
    regex_close(regex);
}

static bool give_value(void *context, struct str name, struct str format, struct str *value)
{
    (void)context;
    (void)format;
    *value = STR("x");
    return name.len % 2 == 0;
}

static void run_template(struct str bytes)
{
    struct arena arena;
    struct err err = {0};
    struct template template;
    struct buf out;
    arena_init(&arena, ARENA_MAX);
    buf_init(&out, &arena, 64);
    if (!template_open(&template, &arena, bytes, &err) ||
        !template_write(&template, &out, give_value, NULL, &err)) {
        refused(&err);
    }
    arena_free(&arena);
}

/* ---- Keys and certificates ---- */

static void run_pem(struct str bytes)
{
    struct err err = {0};
    struct rsa *key = NULL;
    struct tls_trust *trust = NULL;
    if (!rsa_open(&key, bytes, &err)) {
        refused(&err);
    }
    rsa_close(key);
    if (!tls_trust_parse(bytes, STR("fuzz.pem"), &trust, &err)) {
        refused(&err);
    }
    tls_trust_drop(trust);
}

static void run_certificate(struct str bytes)
{
    struct tls_der der;
    char date[11];
    int64_t seconds = 0;
    if (tls_der_read(bytes, &der)) {
        (void)tls_der_signed_with(&der);
    }
    tls_der_date(bytes, date);
    (void)tls_der_seconds(bytes, &seconds);
    struct str names = bytes;
    struct str name = {0};
    int tag = 0;
    for (int i = 0; i < TURNS_MAX && tls_der_name(&names, &tag, &name); i++) {
        hold(lies_in(name, bytes));
    }
}

/* ---- The page ---- */

static void run_wa_rows(struct str bytes)
{
    struct arena arena;
    struct err err = {0};
    const struct json_value *raw = NULL;
    struct wa_rows rows;
    struct wa_setting setting = {
        .locale = STR("he"), .zone = zone_find(STR("Asia/Jerusalem")), .today = 20700};
    struct wa_window window = {0};
    struct str edge[WA_KEPT_ROWS];
    arena_init(&arena, ARENA_MAX);
    wa_rows_begin(&rows, &setting);
    if (json_parse(&arena, bytes, NULL, &raw, &err)) {
        for (int i = 0; i < 2; i++) {
            if (!wa_rows_settle(&rows, raw, i == 1, &arena, &window, &err)) {
                refused(&err);
                break;
            }
            hold(wa_rows_edge(&rows, edge) <= WA_KEPT_ROWS);
        }
    }
    wa_rows_end(&rows);
    arena_free(&arena);
}

static void run_wa_pack(struct str bytes)
{
    struct err err = {0};
    if (!wa_pack_check(STR("fuzz"), bytes, &err)) {
        refused(&err);
    }
}

/* ---- Addresses and configurations ---- */

static void run_url(struct str bytes)
{
    struct arena arena;
    struct err err = {0};
    struct buf shown;
    arena_init(&arena, ARENA_MAX);
    buf_init(&shown, &arena, 64);
    if (!http_url_check(bytes, &err)) {
        refused(&err);
    }
    http_show(&shown, bytes, true);
    arena_free(&arena);
}

static char config_folder[] = "/dev/shm/sluice-fuzz-XXXXXX"; /* In memory: it is written a lot. */

static void remove_folder(void)
{
    char path[64];
    (void)snprintf(path, sizeof path, "%s/sluice.yaml", config_folder);
    (void)unlink(path);
    (void)rmdir(config_folder);
}

/* Secrets by a command would run one; nothing else of a configuration does anything. */
static void run_config(struct str bytes)
{
    static bool made;
    static const char *const environment[] = {"NAME=value", "EMPTY=", NULL};
    struct config config;
    struct err err = {0};
    char path[64];
    if (memmem(bytes.ptr, bytes.len, "cmd:", 4) != NULL) {
        return;
    }
    if (!made) {
        made = mkdtemp(config_folder) != NULL;
        hold(made);
        (void)atexit(remove_folder);
    }
    (void)snprintf(path, sizeof path, "%s/sluice.yaml", config_folder);
    FILE *file = fopen(path, "w");
    hold(file != NULL);
    hold(fwrite(bytes.ptr, 1, bytes.len, file) == bytes.len && fclose(file) == 0);
    struct config_input input = {.path = str_of(path),
                                 .data_dir = STR("/nowhere"),
                                 .environment = environment,
                                 .kinds = &app_kinds};
    if (!config_load(&config, &input, &err)) {
        refused(&err);
    }
    config_free(&config);
}

const struct fuzz_target fuzz_targets[] = {
    {"certificate", run_certificate},
    {"config", run_config},
    {"cron", run_cron},
    {"csv", run_csv},
    {"datetime", run_datetime},
    {"json", run_json},
    {"jsonschema", run_jsonschema},
    {"keywords", run_keywords},
    {"pagestamp", run_pagestamp},
    {"pem", run_pem},
    {"phone", run_phone},
    {"regex", run_regex},
    {"template", run_template},
    {"timepattern", run_timepattern},
    {"url", run_url},
    {"wa_pack", run_wa_pack},
    {"wa_rows", run_wa_rows},
    {"words", run_words},
    {"yaml", run_yaml},
    {0},
};

const struct fuzz_target *fuzz_find(const char *name)
{
    for (const struct fuzz_target *one = fuzz_targets; one->name != NULL; one++) {
        if (strcmp(one->name, name) == 0) {
            return one;
        }
    }
    return NULL;
}
