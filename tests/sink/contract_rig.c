#include "sink/contract_rig.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "rig/outside.h"
#include "sink/csv.h"
#include "sink/google_sheets.h"
#include "sink/json.h"
#include "sink/mongodb.h"
#include "sink/ndjson.h"
#include "sink/postgres.h"
#include "sink/sqlite.h"
#include "text/test.h"

const struct contract_kind contract_kinds[] = {
    {.name = "sqlite", .type = &sink_sqlite},
    {.name = "csv table",
     .type = &sink_csv,
     .file = "reviews.csv",
     .options = {{"crlf", "true"}, {"formula_guard", "true"}}},
    {.name = "csv log",
     .type = &sink_csv,
     .file = "reviews.csv",
     .keeps_versions = true,
     .options = {{"mode", "log"}, {"bom", "true"}}},
    {.name = "ndjson log",
     .type = &sink_ndjson,
     .file = "reviews.ndjson",
     .keeps_versions = true,
     .options = {{"mode", "log"}}},
    {.name = "ndjson table",
     .type = &sink_ndjson,
     .file = "reviews.ndjson",
     .options = {{"mode", "table"}}},
    {.name = "json array", .type = &sink_json, .file = "reviews.json", .options = {{"keep", "2"}}},
    {.name = "json object",
     .type = &sink_json,
     .file = "reviews.json",
     .options = {{"shape", "object"}}},
    {.name = "postgres",
     .type = &sink_postgres,
     .remote = true,
     .options = {{"connect_timeout", "10000"}}},
    {.name = "mongodb",
     .type = &sink_mongodb,
     .remote = true,
     .options = {{"timeout", "20000"}, {"ledger", "sluice_effects"}}},
    {.name = "google sheets",
     .type = &sink_google_sheets,
     .remote = true,
     .cells = true,
     .options = {{"header_row", "1"},
                 {"ledger", "sluice"},
                 {"new_rows", "true"},
                 {"date_format", "DD/MM/YYYY"},
                 {"time_format", "DD/MM/YYYY HH:MM"},
                 {"zone", "Asia/Jerusalem"},
                 {"rate", "100000"}}},
};
const size_t contract_kind_count = COUNT(contract_kinds);

int rig_die_at;

static bool is_last(void)
{
    bool armed = rig_die_at > 0;
    rig_die_at -= rig_die_at > 0 ? 1 : 0;
    return armed && rig_die_at == 0;
}

ssize_t write(int fd, const void *bytes, size_t len)
{
    bool last = is_last();
    ssize_t count = syscall(SYS_write, fd, bytes, last ? len / 2 : len);
    if (last) {
        _exit(RIG_DIED);
    }
    return count;
}

ssize_t pwrite(int fd, const void *bytes, size_t len, off_t at)
{
    bool last = is_last();
    ssize_t count = syscall(SYS_pwrite64, fd, bytes, last ? len / 2 : len, at);
    if (last) {
        _exit(RIG_DIED);
    }
    return count;
}

ssize_t sendto(int fd, const void *bytes, size_t len, int flags, const struct sockaddr *to,
               socklen_t to_len)
{
    bool last = is_last();
    ssize_t count = syscall(SYS_sendto, fd, bytes, last ? len / 2 : len, flags, to, to_len);
    if (last) {
        _exit(RIG_DIED);
    }
    return count;
}

ssize_t send(int fd, const void *bytes, size_t len, int flags)
{
    return sendto(fd, bytes, len, flags, NULL, 0);
}

ssize_t sendmsg(int fd, const struct msghdr *message, int flags)
{
    struct msghdr half = *message;
    if (!is_last()) {
        return syscall(SYS_sendmsg, fd, message, flags);
    }
    half.msg_iovlen = half.msg_iovlen / 2;
    (void)syscall(SYS_sendmsg, fd, &half, flags);
    _exit(RIG_DIED);
}

int fsync(int fd)
{
    if (is_last()) {
        _exit(RIG_DIED);
    }
    (void)fd; /* A process dies here, never the machine: what was written is there. */
    return 0;
}

int fdatasync(int fd)
{
    if (is_last()) {
        _exit(RIG_DIED);
    }
    (void)fd;
    return 0;
}

int rename(const char *from, const char *to)
{
    if (is_last()) {
        _exit(RIG_DIED);
    }
    return (int)syscall(SYS_renameat2, -100, from, -100, to, 0);
}

int unlink(const char *path)
{
    if (is_last()) {
        _exit(RIG_DIED);
    }
    return (int)syscall(SYS_unlinkat, -100, path, 0);
}

static const struct column columns[] = {
    {"drop", COLUMN_TEXT, true, NULL, ""},
    {"user", COLUMN_TEXT, false, NULL, ""},
    {"comment", COLUMN_TEXT, false, "\"none\"", ""},
    {"count", COLUMN_INT, false, "7", ""},
    {"score", COLUMN_DOUBLE, false, NULL, ""},
    {"done", COLUMN_BOOL, false, "false", ""},
    {"day", COLUMN_DATE, false, NULL, ""},
    {"list", COLUMN_JSON, false, NULL, ""},
    {0},
};
static const struct target reviews = {.name = "reviews", .key = "drop", .columns = columns};
static const struct target others = {.name = "others", .key = "drop", .columns = columns};
static const struct target *const targets[] = {&reviews, &others, NULL};

int64_t rig_mono_ms;

static int64_t fake_mono(struct clock *clock)
{
    (void)clock;
    return rig_mono_ms;
}

static int64_t fake_wall(struct clock *clock)
{
    (void)clock;
    return 1765306302998;
}

static struct clock clock_fake = {.wall_ms = fake_wall, .mono_ms = fake_mono};

/* ---- Servers ---- */

/* A server of a remote kind, and where a rig finds its own place there. */
static struct remote {
    const struct sink_type *type;
    const char *script;
    const char *uri[2]; /* In front of the port; from there to the folder of the certificates. */
    const char *place;  /* The option that names the place. */
    const char *port;
    const char *how; /* A word for the script; NULL for none. */
    struct outside server;
    enum { SERVER_UNTRIED = 0, SERVER_RUNS, SERVER_LACKS } state;
} remotes[] = {
    {.type = &sink_mongodb,
     .script = "tests/db/mongo_server.py",
     .uri = {"mongodb://any:secret@localhost:", /* invented */
             "/work?authSource=admin&tls=true&tlsCAFile="},
     .place = "database",
     .port = "mongo"},
    {.type = &sink_postgres,
     .script = "tests/db/postgres_server.py",
     .uri = {"postgresql://app:secret@localhost:", /* invented */
             "/appdb?sslmode=verify-full&sslrootcert="},
     .place = "schema",
     .port = "postgres"},
    {.type = &sink_google_sheets,
     .script = "tests/google/sheets_server.py",
     .uri = {"https://localhost:", ""},
     .place = "spreadsheet",
     .port = "google",
     .how = "any-time"}, /* The rig's clock stands still. */
};

static struct remote *remote_of(const struct contract_kind *kind)
{
    for (size_t i = 0; i < COUNT(remotes); i++) {
        if (remotes[i].type == kind->type) {
            return &remotes[i];
        }
    }
    fail_msg("%s has no server", kind->name);
    return NULL;
}

bool rig_can(const struct contract_kind *kind)
{
    if (!kind->remote) {
        return true;
    }
    struct remote *remote = remote_of(kind);
    const char *const words[] = {"python3", remote->script, "{folder}", remote->how, NULL};
    if (remote->state == SERVER_UNTRIED) {
        remote->state = outside_start(&remote->server, words, 240) ? SERVER_RUNS : SERVER_LACKS;
    }
    return remote->state == SERVER_RUNS;
}

void rig_stop(void)
{
    for (size_t i = 0; i < COUNT(remotes); i++) {
        if (remotes[i].state == SERVER_RUNS) {
            outside_stop(&remotes[i].server);
            remotes[i].state = SERVER_UNTRIED;
        }
    }
}

static void *member_of(struct rig *rig, const char *name)
{
    const struct option *option = option_find(rig->kind->type->connector.options, str_of(name));
    assert_non_null(option);
    return (char *)rig->sink + option->offset;
}

/* A spreadsheet of its own, and the key file of the account. */
static void set_spreadsheet(struct rig *rig, const struct remote *remote, struct str api)
{
    struct err err = {0};
    struct str key = {0};
    assert_true(file_read(&rig->opened, str_of(outside_path(&remote->server, "credentials.json")),
                          65536, &key, &err));
    assert_true(secret_make(member_of(rig, "credentials"), &rig->opened, key));
    *(struct str *)member_of(rig, "api") = api;
    *(struct str *)member_of(rig, "authorities") =
        arena_copy(&rig->opened, str_of(outside_path(&remote->server, "ca.crt")));
}

/* Each rig has a schema, a database or a spreadsheet of its own, named after its folder. */
static void set_server(struct rig *rig)
{
    const struct remote *remote = remote_of(rig->kind);
    bool google = rig->kind->type == &sink_google_sheets;
    struct str uri = arena_printf(&rig->opened, "%s%d%s%s", remote->uri[0],
                                  outside_port(&remote->server, remote->port), remote->uri[1],
                                  google ? "" : outside_path(&remote->server, "ca.crt"));
    *(struct str *)member_of(rig, remote->place) = str_of(strrchr(rig->home, '/') + 1);
    if (google) {
        set_spreadsheet(rig, remote, uri);
        return;
    }
    assert_true(secret_make(member_of(rig, "uri"), &rig->opened, uri));
}

static void set_option(void *instance, const struct option *options, const char *name,
                       const char *text)
{
    for (const struct option *option = options; option->type != OPTION_TYPE_END; option++) {
        void *at = (char *)instance + option->offset;
        int choice = 0;
        if (strcmp(option->name, name) != 0) {
            continue;
        }
        if (option->type == OPTION_TYPE_BOOL) {
            *(bool *)at = strcmp(text, "true") == 0;
        } else if (option->type == OPTION_TYPE_INT || option->type == OPTION_TYPE_SIZE ||
                   option->type == OPTION_TYPE_DURATION) {
            assert_true(str_to_int64(str_of(text), at));
        } else if (option->type == OPTION_TYPE_CHOICE) {
            while (strcmp(option->choices[choice], text) != 0) {
                choice++;
            }
            *(int *)at = choice;
        } else {
            *(struct str *)at = str_of(text);
        }
        return;
    }
    fail_msg("there is no option %s", name);
}

void rig_open(struct rig *rig)
{
    struct err err = {0};
    const struct sink_type *type = rig->kind->type;
    rig->sink = mem_alloc(type->connector.size);
    assert_non_null(rig->sink);
    rig->sink->type = type;
    rig->sink->connector.name = STR("records");
    rig->sink->connector.env = (struct connector_env){
        .clock = &clock_fake,
        .arena = &rig->opened,
        .data_dir = str_of(rig->home),
        .targets = targets,
    };
    for (size_t i = 0; i < RIG_OPTIONS_MAX && rig->kind->options[i][0] != NULL; i++) {
        set_option(rig->sink, type->connector.options, rig->kind->options[i][0],
                   rig->kind->options[i][1]);
    }
    if (rig->kind->remote) {
        set_server(rig);
    }
    if (!type->connector.open(&rig->sink->connector, &err)) {
        fail_msg("%s: %s", rig->kind->name, err.text);
    }
}

void rig_away(struct rig *rig, bool away)
{
    char moved[80];
    (void)snprintf(moved, sizeof moved, "%s-away", rig->home);
    if (rig->kind->remote) {
        outside_ask(&remote_of(rig->kind)->server, away ? "stop" : "start");
    } else if (away) { /* A file where a folder should be: also root fails. */
        assert_int_equal(rename(rig->home, moved), 0);
        FILE *file = fopen(rig->home, "w");
        if (file == NULL) {
            fail_msg("a file cannot be written");
            return;
        }
        (void)fclose(file);
    } else {
        assert_int_equal(unlink(rig->home), 0);
        assert_int_equal(rename(moved, rig->home), 0);
    }
}

void rig_close(struct rig *rig)
{
    if (rig->sink != NULL) {
        rig->kind->type->connector.close(&rig->sink->connector);
        mem_free(rig->sink);
        rig->sink = NULL;
    }
    arena_reset(&rig->opened);
}

void rig_begin(struct rig *rig, const struct contract_kind *kind)
{
    *rig = (struct rig){.kind = kind};
    arena_init(&rig->opened, 4 << 20);
    arena_init(&rig->step, 256 << 20);
    (void)snprintf(rig->home, sizeof rig->home, "/tmp/sluice-contract-XXXXXX");
    assert_non_null(mkdtemp(rig->home));
    rig_mono_ms = 1000;
    if (kind->type == &sink_google_sheets) {
        char line[128];
        (void)snprintf(line, sizeof line, "sheet {\"id\":\"%s\",\"title\":\"first\"}",
                       strrchr(rig->home, '/') + 1);
        outside_ask(&remote_of(kind)->server, line);
    }
    rig_open(rig);
    if (kind->remote) {
        struct err err = {0};
        struct str done = {0};
        if (!kind->type->migrate(rig->sink, false, &rig->step, &done, &err)) {
            fail_msg("%s: %s", kind->name, err.text);
        }
    }
}

void rig_end(struct rig *rig)
{
    char name[512];
    rig_close(rig);
    DIR *folder = opendir(rig->home);
    if (folder == NULL) {
        fail_msg("%s cannot be listed", rig->home);
        return;
    }
    for (struct dirent *entry = readdir(folder); entry != NULL; entry = readdir(folder)) {
        (void)snprintf(name, sizeof name, "%s/%s", rig->home, entry->d_name);
        (void)unlink(name);
    }
    (void)closedir(folder);
    assert_int_equal(rmdir(rig->home), 0);
    arena_free(&rig->opened);
    arena_free(&rig->step);
}

struct parcel rig_parcel(enum record_kind kind, const char *entity, int64_t message,
                         const char *body)
{
    static char origins[64][EFFECT_ORIGIN_SIZE + 1];
    static size_t next;
    char *origin = origins[next++ % 64];
    (void)snprintf(origin, sizeof origins[0], "%020d", (int)message);
    return (struct parcel){
        .kind = kind,
        .effect = {.pipeline = STR("drops"),
                   .generation = 5,
                   .message = message,
                   .origin = {origin, EFFECT_ORIGIN_SIZE}},
        .target = STR("reviews"),
        .entity = str_of(entity),
        .body = str_of(body),
    };
}

bool rig_try(struct rig *rig, struct parcel *parcels, size_t count, struct err *err)
{
    for (size_t i = 0; i < count; i++) {
        parcels[i].verdict = VERDICT_RETRY;
        parcels[i].why = (struct str){0};
    }
    arena_reset(&rig->step);
    return rig->kind->type->write(rig->sink, parcels, count, &rig->step, rig_mono_ms + 60000, err);
}

void rig_write(struct rig *rig, struct parcel *parcels, size_t count)
{
    struct err err = {0};
    if (!rig_try(rig, parcels, count, &err)) {
        fail_msg("%s: %s", rig->kind->name, err.text);
    }
}

struct str rig_row(struct rig *rig, const char *entity)
{
    struct err err = {0};
    struct held row = {.target = STR("reviews"), .entity = str_of(entity)};
    arena_reset(&rig->step);
    if (!rig->kind->type->read_back(rig->sink, &row, 1, &rig->step, rig_mono_ms + 60000, &err)) {
        fail_msg("%s: %s", rig->kind->name, err.text);
    }
    return row.body;
}

struct str rig_file(struct rig *rig)
{
    struct err err = {0};
    struct str bytes = {0};
    struct file_info info;
    char path[128];
    if (rig->kind->file == NULL) {
        return bytes;
    }
    (void)snprintf(path, sizeof path, "%s/%s", rig->home, rig->kind->file);
    assert_true(file_look(str_of(path), &info, &err));
    if (info.kind == FILE_MISSING) {
        return bytes;
    }
    assert_int_equal(info.mode, 0600);
    assert_true(file_read(&rig->step, str_of(path), 64 << 20, &bytes, &err));
    return bytes;
}
