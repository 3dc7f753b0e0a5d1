/* Reading a backup back; see backup.h. */
#include <stdio.h>
#include <string.h>

#include "base/draft.h"
#include "base/must.h"
#include "store/audit.h"
#include "store/backup.h"
#include "store/internal.h"
#include "store/lease.h"
#include "store/manifest.h"
#include "store/pack.h"
#include "store/rows.h"
#include "store/staging.h"
#include "store/upkeep.h"
#include "text/datetime.h"
#include "text/json.h"

enum { PARTS_MAX = BACKUP_TARGETS_MAX + 1, MARK_MAX = 16, ASIDE_MAX = 128 };

static const char mark_ending[] = ".restoring";

enum kind { KIND_MARK = 0, KIND_STORE, KIND_TARGET, KIND_FILE, KIND_MANIFEST };

/* What was read of a part, to be compared with the manifest, which comes last. */
struct part {
    struct str name;
    struct str path; /* In the staging folder. */
    char sha256[HASH_HEX_MAX];
    uint64_t size;
};

struct restoring {
    const struct restore_plan *plan;
    struct restore_result *result;
    struct arena *arena;
    struct staging staging;
    struct part parts[PARTS_MAX];
    size_t part_count;
    int64_t files;
    int64_t file_bytes;
    uint64_t read;
    uint64_t total;
    bool marked;
    bool finished; /* The manifest was seen. */

    /* The entry at hand. */
    enum kind kind;
    struct draft draft;
    bool writing;
    char name[PACK_NAME_MAX + 1];
    uint64_t size;
    struct buf text; /* Of the mark and the manifest. */
};

static bool no_memory(struct err *err)
{
    return err_set(err, ERR_RETRY, "restore: out of memory");
}

static void moved(void *context, uint64_t bytes)
{
    struct restoring *restoring = context;
    const struct backup_watch *watch = restoring->plan->watch;
    restoring->read += bytes;
    if (watch != NULL) {
        watch->moved(watch->context, "reading the backup", restoring->read, restoring->total);
    }
}

/* ---- Entries ---- */

static bool kind_of(struct restoring *restoring, struct str name, struct err *err)
{
    if (!restoring->marked && !str_equal(name, STR(MANIFEST_MARK))) {
        return err_set(err, ERR_REJECT, "this is a tar.gz, but no backup of sluice");
    }
    if (restoring->finished) {
        return err_set(err, ERR_REJECT, "there is something behind its manifest");
    }
    if (!restoring->marked) {
        restoring->kind = KIND_MARK;
    } else if (str_equal(name, STR(MANIFEST_STORE))) {
        restoring->kind = KIND_STORE;
    } else if (str_starts(name, STR(MANIFEST_TARGETS))) {
        restoring->kind = KIND_TARGET;
    } else if (str_starts(name, STR(MANIFEST_FILES))) {
        restoring->kind = KIND_FILE;
    } else if (str_equal(name, STR(MANIFEST_NAME))) {
        restoring->kind = KIND_MANIFEST;
    } else {
        return err_set(err, ERR_REJECT, "it holds '%.*s', which no backup of this format does",
                       STR_ARG(name));
    }
    return true;
}

static bool begin_part(struct restoring *restoring, struct err *err)
{
    char file[32];
    if (restoring->part_count == PARTS_MAX) {
        return err_set(err, ERR_REJECT, "it holds more than %d databases", PARTS_MAX);
    }
    struct part *part = &restoring->parts[restoring->part_count];
    (void)snprintf(file, sizeof file, "part-%zu.db", restoring->part_count);
    part->name = arena_copy(restoring->arena, str_of(restoring->name));
    part->path = staging_path(&restoring->staging, restoring->arena, file);
    part->size = restoring->size;
    return (part->name.ptr != NULL && part->path.ptr != NULL)
               ? draft_open(&restoring->draft, part->path, err)
               : no_memory(err);
}

static bool begin_file(struct restoring *restoring, struct err *err)
{
    if (restoring->plan->only_check) {
        return true;
    }
    struct str path = staging_path(&restoring->staging, restoring->arena, "attachment");
    return path.ptr != NULL ? draft_open(&restoring->draft, path, err) : no_memory(err);
}

static bool begin(void *context, struct str name, uint64_t size, struct err *err)
{
    struct restoring *restoring = context;
    if (!kind_of(restoring, name, err)) {
        return false;
    }
    must(name.len < sizeof restoring->name);
    memcpy(restoring->name, name.ptr, name.len);
    restoring->name[name.len] = '\0';
    restoring->size = size;
    bool in_memory = restoring->kind == KIND_MARK || restoring->kind == KIND_MANIFEST;
    if (in_memory) {
        buf_init(&restoring->text, restoring->arena, 256);
        uint64_t max = restoring->kind == KIND_MARK ? MARK_MAX : MANIFEST_SIZE_MAX;
        return size <= max || err_set(err, ERR_REJECT, "its %s is too large", restoring->name);
    }
    restoring->writing = restoring->kind != KIND_FILE || !restoring->plan->only_check;
    return restoring->kind == KIND_FILE ? begin_file(restoring, err) : begin_part(restoring, err);
}

static bool bytes(void *context, struct str piece, struct err *err)
{
    struct restoring *restoring = context;
    if (restoring->kind == KIND_MARK || restoring->kind == KIND_MANIFEST) {
        buf_add(&restoring->text, piece);
        return buf_ok(&restoring->text) || no_memory(err);
    }
    return !restoring->writing || draft_add(&restoring->draft, piece, err);
}

static bool end_mark(struct restoring *restoring, struct err *err)
{
    int64_t format = 0;
    restoring->marked = true;
    if (!str_to_int64(str_trim(buf_str(&restoring->text)), &format) || format < 1) {
        return err_set(err, ERR_REJECT, "this is a tar.gz, but no backup of sluice");
    }
    return format == BACKUP_FORMAT ||
           err_set(err, ERR_CONFIG,
                   "it was made by a newer sluice (format %lld, this one knows %d); use that one",
                   (long long)format, BACKUP_FORMAT);
}

/* Attachments go to their place at once: they are named by what is in them, so they cannot be wrong
   ones, and what nobody refers to is swept away. */
static bool end_file(struct restoring *restoring, const char *sha256, struct err *err)
{
    struct arena *arena = restoring->arena;
    struct arena_mark mark = arena_mark(arena);
    char start[sizeof MANIFEST_FILES "ab/cd/." + HASH_HEX_MAX];
    int len =
        snprintf(start, sizeof start, MANIFEST_FILES "%.2s/%.2s/%s.", sha256, sha256 + 2, sha256);
    must(len > 0 && (size_t)len < sizeof start);
    if (!str_starts(str_of(restoring->name), str_of(start))) {
        return err_set(err, ERR_REJECT, "the attachment %s is damaged", restoring->name);
    }
    restoring->files++;
    restoring->file_bytes += (int64_t)restoring->size;
    if (!restoring->writing) {
        return true;
    }
    struct str from = staging_path(&restoring->staging, arena, "attachment");
    struct str folder = arena_printf(arena, "%.*s/" MANIFEST_FILES "%.2s/%.2s",
                                     STR_ARG(restoring->plan->data_dir), sha256, sha256 + 2);
    struct str to =
        arena_printf(arena, "%.*s/%s", STR_ARG(restoring->plan->data_dir), restoring->name);
    bool ok = from.ptr != NULL && folder.ptr != NULL && to.ptr != NULL;
    ok = ok ? draft_keep(&restoring->draft, err) && file_make_dirs(folder, DIR_PRIVATE, err) &&
                  file_rename(from, to, err)
            : no_memory(err);
    arena_rewind(arena, mark);
    return ok;
}

static bool end(void *context, const char sha256[HASH_HEX_MAX], struct err *err)
{
    struct restoring *restoring = context;
    switch (restoring->kind) {
    case KIND_MARK:
        return end_mark(restoring, err);
    case KIND_FILE:
        return end_file(restoring, sha256, err);
    case KIND_MANIFEST:
        restoring->finished = true;
        return manifest_read(buf_str(&restoring->text), restoring->arena, &restoring->result->facts,
                             err);
    case KIND_STORE:
    case KIND_TARGET:
        break;
    }
    memcpy(restoring->parts[restoring->part_count++].sha256, sha256, HASH_HEX_MAX);
    return draft_keep(&restoring->draft, err);
}

static bool read_pack(struct restoring *restoring, struct err *err)
{
    const struct pack_visitor visitor = {restoring, begin, bytes, end};
    const struct pack_watch watch = {moved, restoring};
    struct file_info info = {0};
    restoring->draft.fd = -1;
    if (!file_look(restoring->plan->file, &info, err)) {
        return false;
    }
    if (info.kind == FILE_MISSING) {
        return err_set(err, ERR_REJECT, "there is no such file");
    }
    restoring->total = info.size;
    bool ok = pack_read(restoring->plan->file, &visitor, &watch, err);
    draft_drop(&restoring->draft);
    return ok &&
           (restoring->finished || err_set(err, ERR_REJECT, "it has no manifest: it was cut"));
}

/* ---- Checking ---- */

static struct part *part_find(struct restoring *restoring, struct str name)
{
    for (size_t i = 0; i < restoring->part_count; i++) {
        if (str_equal(restoring->parts[i].name, name)) {
            return &restoring->parts[i];
        }
    }
    return NULL;
}

static bool part_check(struct restoring *restoring, const struct backup_part *said, struct err *err)
{
    const struct part *part = part_find(restoring, said->name);
    if (part == NULL) {
        return err_set(err, ERR_REJECT, "'%.*s' is missing in it", STR_ARG(said->name));
    }
    return (part->size == (uint64_t)said->size && str_equal(str_of(part->sha256), said->sha256)) ||
           err_set(err, ERR_REJECT, "'%.*s' in it is damaged: it has another sum",
                   STR_ARG(said->name));
}

static bool sums_check(struct restoring *restoring, struct err *err)
{
    const struct backup_facts *facts = &restoring->result->facts;
    bool ok = part_check(restoring, &facts->store, err);
    for (size_t i = 0; ok && i < facts->target_count; i++) {
        ok = part_check(restoring, &facts->targets[i], err);
    }
    if (ok && (restoring->part_count != facts->target_count + 1 ||
               restoring->files != facts->files || restoring->file_bytes != facts->file_bytes)) {
        return err_set(err, ERR_REJECT, "it does not hold what its manifest says");
    }
    return ok;
}

static bool target_check(const struct part *part, struct err *err)
{
    static const char sql[] = "PRAGMA integrity_check(1)";
    struct sqlite *db = NULL;
    bool row = false;
    if (!sqlite_open(&db, part->path, &(struct sqlite_options){0}, err)) {
        return false;
    }
    struct query *query = sqlite_query(db, sql, err);
    bool ok = query != NULL && query_step(query, &row, err);
    if (ok && !(row && str_equal(query_text(query, 0), STR("ok")))) {
        ok = err_set(err, ERR_REJECT, "'%.*s' in it is damaged inside", STR_ARG(part->name));
    }
    if (query != NULL) {
        query_end(query);
    }
    sqlite_close(db);
    return ok;
}

static bool rows_part_check(const struct backup_part *said, const struct part *part,
                            struct err *err)
{
    struct rows_count count = {0};
    if (!rows_check(part->path, &count, err)) {
        return err_prefix(err, "'%.*s': ", STR_ARG(said->name));
    }
    return (count.parts == said->tables && count.rows == said->rows) ||
           err_set(err, ERR_REJECT, "'%.*s' does not hold what its manifest says",
                   STR_ARG(said->name));
}

static bool counts_check(struct restoring *restoring, struct str path, struct err *err)
{
    const struct backup_facts *said = &restoring->result->facts;
    struct backup_facts found = {0};
    if (!manifest_count(path, &found, err)) {
        return false;
    }
    bool same = found.schema == said->schema && found.birth_s == said->birth_s &&
                found.messages == said->messages && found.newest == said->newest &&
                found.waiting == said->waiting && found.dead == said->dead &&
                found.audit == said->audit;
    return same || err_set(err, ERR_REJECT, "the store in it does not hold what its manifest says");
}

static struct store_options store_options(const struct restoring *restoring, struct str path,
                                          bool readonly)
{
    return (struct store_options){
        .path = path, .clock = restoring->plan->clock, .readonly = readonly};
}

/* A store of a newer version is refused by store_open() with its own words. */
static bool store_check(struct restoring *restoring, struct str path, struct err *err)
{
    struct store *store = NULL;
    struct str problem = {0};
    struct store_options options = store_options(restoring, path, true);
    bool ok = counts_check(restoring, path, err) && store_open(&store, &options, err) &&
              store_verify(store, restoring->arena, &problem, err);
    store_close(store);
    return ok && (problem.ptr == NULL ||
                  err_set(err, ERR_REJECT, "the store in it is damaged inside: %.*s",
                          STR_ARG(str_slice(problem, 0, 300))));
}

static bool check_all(struct restoring *restoring, struct err *err)
{
    const struct backup_facts *facts = &restoring->result->facts;
    const struct part *store = part_find(restoring, facts->store.name);
    bool ok = store_check(restoring, store->path, err);
    for (size_t i = 0; ok && i < facts->target_count; i++) {
        const struct backup_part *target = &facts->targets[i];
        const struct part *part = part_find(restoring, target->name);
        ok = backup_part_is_image(target) ||
             (backup_part_is_rows(target) ? rows_part_check(target, part, err)
                                          : target_check(part, err));
    }
    return ok;
}

/* ---- Born again ---- */

static bool rebirth(struct restoring *restoring, struct store *store, struct err *err)
{
    const struct restore_plan *plan = restoring->plan;
    struct buf detail;
    struct json_writer json;
    char at[DATETIME_TEXT_MAX];
    int64_t now_s = clock_wall_ms(plan->clock) / 1000;
    int64_t birth_s = store_birth_s(store);
    buf_init(&detail, restoring->arena, 128);
    json_writer_init(&json, &detail);
    json_object_begin(&json);
    json_field_str(&json, STR("made_at"),
                   datetime_format_iso(restoring->result->facts.made_ms, at));
    json_field_bool(&json, STR("only_store"), plan->only_store);
    json_object_end(&json);
    return store_begin(store, NULL, err) &&
           store_meta_put(store, "birth_s", now_s > birth_s ? now_s : birth_s + 1, err) &&
           store_audit_put(store, plan->actor, STR("restore"), STR("store"), buf_str(&detail),
                           err) &&
           store_commit(store, err);
}

/* Closing the handle leaves one file without a log, as it has to be to be moved. */
static bool prepare_store(struct restoring *restoring, struct str path, struct err *err)
{
    struct store *store = NULL;
    struct store_options options = store_options(restoring, path, false);
    bool ok = store_open(&store, &options, err) && rebirth(restoring, store, err);
    store_close(store);
    return ok;
}

/* ---- Putting in place ---- */

static struct str in_data(const struct restoring *restoring, struct str name)
{
    return arena_printf(restoring->arena, "%.*s/%.*s", STR_ARG(restoring->plan->data_dir),
                        STR_ARG(name));
}

static bool exists(struct str path, bool *there, struct err *err)
{
    struct file_info info = {0};
    bool ok = file_look(path, &info, err);
    *there = info.kind != FILE_MISSING;
    return ok;
}

/* What is in the way is named, unless it may be moved aside. */
static bool way_is_free(struct restoring *restoring, bool unfinished, struct err *err)
{
    const struct restore_plan *plan = restoring->plan;
    const struct backup_facts *facts = &restoring->result->facts;
    struct str path = in_data(restoring, STR(MANIFEST_STORE));
    bool there = false;
    if (plan->force || unfinished) {
        return true;
    }
    if (path.ptr == NULL || !exists(path, &there, err)) {
        return path.ptr != NULL || no_memory(err);
    }
    if (there) {
        return err_set(err, ERR_REJECT,
                       "there is a store already: %.*s; restore into another folder, or with "
                       "--force, which moves it aside",
                       STR_ARG(path));
    }
    for (size_t i = 0; !plan->only_store && i < facts->target_count; i++) {
        if (backup_part_is_rows(&facts->targets[i])) {
            continue; /* It is elsewhere. */
        }
        path = in_data(restoring, facts->targets[i].place);
        if (path.ptr == NULL || !exists(path, &there, err)) {
            return path.ptr != NULL || no_memory(err);
        }
        if (there) {
            return err_set(err, ERR_REJECT,
                           "%.*s is there and may be newer than the backup; --only-store leaves it "
                           "as it is (nothing is lost or done twice), --force moves it aside",
                           STR_ARG(path));
        }
    }
    return true;
}

static bool move_aside(struct restoring *restoring, struct str name, struct str aside,
                       struct err *err)
{
    bool here = false;
    bool kept = false;
    struct str from = in_data(restoring, name);
    struct str base = name;
    for (size_t i = 0; i < name.len; i++) {
        base = name.ptr[i] == '/' ? str_slice(name, i + 1, name.len) : base;
    }
    struct str to = arena_printf(restoring->arena, "%.*s/%.*s/%.*s",
                                 STR_ARG(restoring->plan->data_dir), STR_ARG(aside), STR_ARG(base));
    if (from.ptr == NULL || to.ptr == NULL) {
        return no_memory(err);
    }
    if (!exists(from, &here, err) || !exists(to, &kept, err)) {
        return false;
    }
    if (!here || kept) { /* Kept before: then this is the one of a restore that was cut short. */
        return true;
    }
    struct str folder = in_data(restoring, aside);
    restoring->result->aside = folder;
    return folder.ptr != NULL
               ? file_make_dirs(folder, DIR_PRIVATE, err) && file_rename(from, to, err)
               : no_memory(err);
}

/* A database and its log, never one without the other. */
static bool move_database(struct restoring *restoring, struct str name, struct str aside,
                          struct err *err)
{
    static const char *const endings[] = {"", "-wal", "-shm", "-journal"};
    bool ok = true;
    for (size_t i = 0; ok && i < sizeof endings / sizeof endings[0]; i++) {
        struct str file = arena_printf(restoring->arena, "%.*s%s", STR_ARG(name), endings[i]);
        ok = file.ptr != NULL ? move_aside(restoring, file, aside, err) : no_memory(err);
    }
    return ok;
}

static bool put_in_place(struct restoring *restoring, struct str aside, struct err *err)
{
    const struct backup_facts *facts = &restoring->result->facts;
    struct str store = in_data(restoring, STR(MANIFEST_STORE));
    bool ok = store.ptr != NULL ? move_database(restoring, STR(MANIFEST_STORE), aside, err)
                                : no_memory(err);
    for (size_t i = 0; ok && !restoring->plan->only_store && i < facts->target_count; i++) {
        const struct backup_part *target = &facts->targets[i];
        if (backup_part_is_rows(target)) {
            continue;
        }
        struct str to = in_data(restoring, target->place);
        ok = to.ptr != NULL ? move_database(restoring, target->place, aside, err) : no_memory(err);
        size_t slash = 0;
        for (size_t at = 0; ok && to.ptr != NULL && at < to.len; at++) {
            slash = to.ptr[at] == '/' ? at : slash;
        }
        ok = ok &&
             file_make_dirs(arena_copy(restoring->arena, str_slice(to, 0, slash)), DIR_PRIVATE,
                            err) &&
             file_rename(part_find(restoring, target->name)->path, to, err);
    }
    return ok && file_rename(part_find(restoring, facts->store.name)->path, store, err);
}

static struct str mark_path(struct arena *arena, struct str store_path)
{
    return arena_printf(arena, "%.*s%s", STR_ARG(store_path), mark_ending);
}

/* The mark says where the old files go, so that a second try puts them into the same folder. */
static bool read_mark(struct restoring *restoring, struct str mark, bool *unfinished,
                      struct str *aside, struct err *err)
{
    char at[DATETIME_TEXT_MAX];
    struct str now = datetime_format_iso(clock_wall_ms(restoring->plan->clock), at);
    if (!exists(mark, unfinished, err)) {
        return false;
    }
    if (*unfinished) {
        return file_read(restoring->arena, mark, ASIDE_MAX, aside, err) &&
               (str_starts(*aside, STR("before-restore-")) ||
                err_set(err, ERR_REJECT, "%.*s is not a mark of sluice", STR_ARG(mark)));
    }
    *aside = arena_printf(restoring->arena, "before-restore-%.*s", STR_ARG(now));
    return aside->ptr != NULL || no_memory(err);
}

/* Under every lease of the store: nobody works on it, nobody begins to. */
static bool install(struct restoring *restoring, struct err *err)
{
    struct str store_path = in_data(restoring, STR(MANIFEST_STORE));
    struct str mark = mark_path(restoring->arena, store_path);
    const struct part *store = part_find(restoring, restoring->result->facts.store.name);
    struct str aside = {0};
    bool unfinished = false;
    if (store_path.ptr == NULL || mark.ptr == NULL) {
        return no_memory(err);
    }
    return read_mark(restoring, mark, &unfinished, &aside, err) &&
           way_is_free(restoring, unfinished, err) && prepare_store(restoring, store->path, err) &&
           file_write(mark, FILE_PRIVATE, aside, err) && put_in_place(restoring, aside, err) &&
           file_remove(mark, err);
}

static bool install_alone(struct restoring *restoring, struct err *err)
{
    struct lease_file *leases = NULL;
    struct str store_path = in_data(restoring, STR(MANIFEST_STORE));
    bool alone = false;
    if (store_path.ptr == NULL || !lease_file_open(&leases, store_path, err)) {
        return store_path.ptr != NULL || no_memory(err);
    }
    bool ok =
        lease_file_seize(leases, &alone, err) &&
        (alone || err_set(err, ERR_STOP, "a process works on the store in %.*s; stop it first",
                          STR_ARG(restoring->plan->data_dir))) &&
        install(restoring, err);
    lease_file_close(leases);
    return ok;
}

/* ---- All of it ---- */

static bool read_and_check(struct restoring *restoring, struct err *err)
{
    if (read_pack(restoring, err) && sums_check(restoring, err) && check_all(restoring, err)) {
        return true;
    }
    return err_prefix(err, "%.*s: ", STR_ARG(restoring->plan->file));
}

/* Rows from elsewhere, to whoever puts them back. */
static bool hand_on_rows(struct restoring *restoring, struct err *err)
{
    const struct restore_plan *plan = restoring->plan;
    const struct backup_facts *facts = &restoring->result->facts;
    bool ok = true;
    for (size_t i = 0; ok && plan->rows != NULL && i < facts->target_count; i++) {
        const struct backup_part *target = &facts->targets[i];
        ok = !backup_part_is_rows(target) ||
             plan->rows(plan->rows_context, target, part_find(restoring, target->name)->path, err);
    }
    return ok;
}

/* What cannot succeed is said before a large file is read. */
static bool look_ahead(struct restoring *restoring, struct err *err)
{
    struct str store_path = in_data(restoring, STR(MANIFEST_STORE));
    struct str mark = mark_path(restoring->arena, store_path);
    struct str aside = {0};
    bool unfinished = false;
    if (store_path.ptr == NULL || mark.ptr == NULL) {
        return no_memory(err);
    }
    return read_mark(restoring, mark, &unfinished, &aside, err) &&
           way_is_free(restoring, unfinished, err);
}

bool backup_restore(const struct restore_plan *plan, struct arena *arena,
                    struct restore_result *result, struct err *err)
{
    struct restoring *restoring = arena_alloc(arena, sizeof *restoring);
    *result = (struct restore_result){0};
    if (restoring == NULL) {
        return no_memory(err);
    }
    restoring->plan = plan;
    restoring->result = result;
    restoring->arena = arena;
    bool ok = (plan->only_check ||
               (file_make_dirs(plan->data_dir, DIR_PRIVATE, err) && look_ahead(restoring, err))) &&
              staging_open(&restoring->staging, arena, plan->data_dir, "restore", err) &&
              read_and_check(restoring, err) &&
              (plan->only_check ? hand_on_rows(restoring, err) : install_alone(restoring, err));
    staging_close(&restoring->staging, arena);
    return ok;
}

bool backup_settled(struct str store_path, struct err *err)
{
    char mark[FILE_PATH_MAX];
    bool there = false;
    int len = snprintf(mark, sizeof mark, "%.*s%s", STR_ARG(store_path), mark_ending);
    if (len < 0 || (size_t)len >= sizeof mark) {
        return err_set(err, ERR_CONFIG, "the path of the store is too long");
    }
    return exists(str_of(mark), &there, err) &&
           (!there ||
            err_set(err, ERR_STOP,
                    "%.*s: a restore was cut short here; run it once more: sluice restore "
                    "FILE --data FOLDER",
                    STR_ARG(store_path)));
}
