#include "store/backup.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/draft.h"
#include "db/sqlite.h"
#include "store/manifest.h"
#include "store/pack.h"
#include "store/rows.h"
#include "store/staging.h"

enum { SPACE_SPARE = 16 * 1024 * 1024 };

struct making {
    const struct backup_plan *plan;
    struct arena *arena;
    struct backup_facts *facts;
    struct staging staging;
    struct pack *pack;
    const char *doing;
    uint64_t done;
    uint64_t total;
};

static void tell(const struct making *making)
{
    const struct backup_watch *watch = making->plan->watch;
    if (watch != NULL) {
        watch->moved(watch->context, making->doing, making->done, making->total);
    }
}

static void copied(void *context, int64_t done, int64_t total)
{
    struct making *making = context;
    making->done = (uint64_t)done;
    making->total = (uint64_t)total;
    tell(making);
}

static void packed(void *context, uint64_t bytes)
{
    struct making *making = context;
    making->done += bytes;
    tell(making);
}

static bool no_memory(struct err *err)
{
    return err_set(err, ERR_RETRY, "backup: out of memory");
}

/* A damaged file must not become a backup that everybody trusts. */
static bool check_copy(struct sqlite *db, struct str path, struct err *err)
{
    static const char sql[] = "PRAGMA quick_check(1)";
    struct query *query = sqlite_query(db, sql, err);
    bool row = false;
    if (query == NULL || !query_step(query, &row, err)) {
        return false;
    }
    bool sound = row && str_equal(query_text(query, 0), STR("ok"));
    if (!sound) {
        (void)err_set(err, ERR_STORE, "%.*s is damaged (%.*s); no backup was made of it",
                      STR_ARG(path), STR_ARG(str_slice(query_text(query, 0), 0, 200)));
    }
    query_end(query);
    return sound;
}

static bool add_piece(void *context, struct str piece, struct err *err)
{
    return draft_add(context, piece, err);
}

/* A file as it is; one that is not there is no failure, and has no copy. */
static bool copy_bytes(struct str from, struct str to, struct err *err)
{
    struct file_info info = {0};
    struct draft draft;
    if (!file_look(from, &info, err) || info.kind != FILE_REGULAR) {
        return info.kind == FILE_MISSING ||
               err_set(err, ERR_CONFIG, "%.*s is no file", STR_ARG(from));
    }
    if (!draft_open(&draft, to, err)) {
        return false;
    }
    bool ok = draft_read(from, add_piece, &draft, err) && draft_keep(&draft, err);
    draft_drop(&draft);
    return ok;
}

/* As one read transaction sees it: writers go on and are not seen. An image is written only under
   the lock of its database, which is not in WAL mode: our reading keeps it as it was. */
static bool copy_file(struct making *making, struct str from, struct str to, struct str image,
                      struct str image_to, const char *doing, struct err *err)
{
    static const char look[] = "SELECT count(*) FROM sqlite_schema";
    struct sqlite *db = NULL;
    struct sqlite *copy = NULL;
    int64_t ignored = 0;
    struct sqlite_watch watch = {copied, making};
    making->doing = doing;
    bool ok = sqlite_open(&db, from, &(struct sqlite_options){.readonly = true}, err) &&
              sqlite_exec(db, "BEGIN", err) && sqlite_int(db, look, 0, &ignored, err) &&
              sqlite_backup(db, to, &watch, err) &&
              (image.ptr == NULL || copy_bytes(image, image_to, err));
    if (db != NULL) {
        sqlite_rollback(db);
    }
    sqlite_close(db);
    ok = ok && sqlite_open(&copy, to, &(struct sqlite_options){0}, err) &&
         check_copy(copy, from, err);
    sqlite_close(copy);
    return ok;
}

/* Below the data folder as it is called there; elsewhere by its last name. */
static bool place_target(struct making *making, size_t at, struct str sink, struct str path,
                         const char *ending, struct err *err)
{
    struct backup_part *part = &making->facts->targets[at];
    struct str dir = arena_printf(making->arena, "%.*s/", STR_ARG(making->plan->data_dir));
    if (dir.ptr == NULL) {
        return no_memory(err);
    }
    bool inside = str_starts(path, dir) && str_find(path, STR(".."), dir.len) == STR_NONE;
    size_t slash = 0;
    for (size_t i = 0; i < path.len; i++) {
        slash = path.ptr[i] == '/' ? i + 1 : slash;
    }
    part->sink = sink;
    part->outside = inside ? STR("") : path;
    part->place = str_slice(path, inside ? dir.len : slash, path.len);
    part->name = arena_printf(making->arena, MANIFEST_TARGETS "%zu.%s", at + 1, ending);
    for (size_t i = 0; i < at; i++) { /* Two of one name from different folders. */
        if (str_equal(making->facts->targets[i].place, part->place)) {
            part->place = arena_printf(making->arena, "%zu-%.*s", at + 1, STR_ARG(part->place));
        }
    }
    return (part->name.ptr != NULL && part->place.ptr != NULL) || no_memory(err);
}

static struct str copy_path(const struct making *making, size_t at)
{
    char name[32];
    (void)snprintf(name, sizeof name, "target-%zu", at + 1);
    return staging_path(&making->staging, making->arena, name);
}

static bool too_many(struct err *err)
{
    return err_set(err, ERR_CONFIG, "backup: sinks write more than %d files", BACKUP_TARGETS_MAX);
}

/* One that is there; what was never written has nothing to copy. */
static bool copy_target(struct making *making, const struct backup_target *target, struct err *err)
{
    struct backup_facts *facts = making->facts;
    struct file_info info = {0};
    struct file_info copied = {0};
    size_t at = facts->target_count;
    if (!file_look(target->path, &info, err) || info.kind == FILE_MISSING) {
        return info.kind == FILE_MISSING;
    }
    if (at + 2 > BACKUP_TARGETS_MAX) {
        return too_many(err);
    }
    struct str to = copy_path(making, at);
    struct str image_to = copy_path(making, at + 1);
    if (to.ptr == NULL || image_to.ptr == NULL) {
        return no_memory(err);
    }
    if (!place_target(making, at, target->sink, target->path, "db", err) ||
        !copy_file(making, target->path, to, target->image, image_to, "copying targets", err)) {
        return false;
    }
    facts->target_count++;
    if (target->image.ptr == NULL || !file_look(image_to, &copied, err) ||
        copied.kind == FILE_MISSING) {
        return target->image.ptr == NULL || copied.kind == FILE_MISSING;
    }
    facts->target_count++;
    return place_target(making, at + 1, target->sink, target->image, "file", err);
}

static bool copy_targets(struct making *making, struct err *err)
{
    const struct backup_plan *plan = making->plan;
    for (size_t i = 0; i < plan->target_count; i++) {
        if (!copy_target(making, &plan->targets[i], err)) {
            return false;
        }
    }
    return true;
}

/* What cannot be read elsewhere is told and left out; what cannot be written here ends it all. */
static bool save_sink(struct making *making, struct sink *sink, struct err *err)
{
    struct backup_facts *facts = making->facts;
    size_t at = facts->target_count;
    struct str name = sink->connector.name;
    struct err why = {0};
    struct rows_count count = {0};
    bool ours = false;
    if (at == BACKUP_TARGETS_MAX || facts->gap_count == BACKUP_TARGETS_MAX) {
        return too_many(err);
    }
    struct backup_part *part = &facts->targets[at];
    struct str to = copy_path(making, at);
    if (to.ptr == NULL) {
        return no_memory(err);
    }
    if (!rows_save(sink, to, making->arena, &count, &part->how, &ours, &why)) {
        if (ours) {
            *err = why;
            return false;
        }
        struct str text = arena_copy(making->arena, str_of(why.text));
        facts->gaps[facts->gap_count++] = (struct backup_gap){name, text};
        return text.ptr != NULL || no_memory(err);
    }
    part->sink = name;
    part->name = arena_printf(making->arena, MANIFEST_TARGETS "%zu.rows", at + 1);
    part->place = STR("");
    part->outside = STR("");
    part->tables = count.parts;
    part->rows = count.rows;
    facts->target_count++;
    return part->name.ptr != NULL || no_memory(err);
}

static bool save_sinks(struct making *making, struct err *err)
{
    making->doing = "reading tables";
    for (size_t i = 0; i < making->plan->sink_count; i++) {
        tell(making);
        if (!save_sink(making, making->plan->sinks[i], err)) {
            return false;
        }
    }
    return true;
}

static bool pack_part(struct making *making, struct backup_part *part, struct str from,
                      struct err *err)
{
    char sha256[HASH_HEX_MAX];
    uint64_t size = 0;
    struct pack_watch watch = {packed, making};
    if (!pack_add_file(making->pack, part->name, from, &watch, sha256, &size, err)) {
        return false;
    }
    part->size = (int64_t)size;
    part->sha256 = arena_copy(making->arena, str_of(sha256));
    return part->sha256.ptr != NULL || no_memory(err);
}

/* One attachment. Gone from the disk: counted, and told; the rest of the backup is worth having. */
static bool pack_attachment(struct making *making, struct str hash, struct str extension,
                            struct err *err)
{
    char hex[HASH_HEX_MAX];
    char sha256[HASH_HEX_MAX];
    uint64_t size = 0;
    struct file_info info = {0};
    struct pack_watch watch = {packed, making};
    if (hash.len != HASH_SIZE) {
        return err_set(err, ERR_STORE,
                       "the store names an attachment by something that is no hash");
    }
    hash_to_hex(hash.ptr, hex);
    struct str name = arena_printf(making->arena, MANIFEST_FILES "%.2s/%.2s/%s.%.*s", hex, hex + 2,
                                   hex, STR_ARG(extension));
    struct str below = str_slice(name, sizeof MANIFEST_FILES - 1, name.len);
    struct str path = making->plan->files_dir.ptr != NULL
                          ? arena_printf(making->arena, "%.*s/%.*s",
                                         STR_ARG(making->plan->files_dir), STR_ARG(below))
                          : arena_printf(making->arena, "%.*s/%.*s",
                                         STR_ARG(making->plan->data_dir), STR_ARG(name));
    if (name.ptr == NULL || path.ptr == NULL || !file_look(path, &info, err)) {
        return (name.ptr != NULL && path.ptr != NULL) || no_memory(err);
    }
    if (info.kind != FILE_REGULAR) {
        making->facts->files_missing++;
        return true;
    }
    if (!pack_add_file(making->pack, name, path, &watch, sha256, &size, err)) {
        return false;
    }
    if (!str_equal(str_of(sha256), str_of(hex))) {
        return err_set(
            err, ERR_STORE,
            "the attachment %.*s is damaged: its bytes have another sum; move it away and "
            "try again, it is then counted as missing",
            STR_ARG(path));
    }
    making->facts->files++;
    making->facts->file_bytes += (int64_t)size;
    return true;
}

static bool pack_attachments(struct making *making, struct str store_copy, struct err *err)
{
    static const char sql[] = "SELECT sha256, extension FROM blob ORDER BY sha256";
    struct sqlite *db = NULL;
    if (!sqlite_open(&db, store_copy, &(struct sqlite_options){0}, err)) {
        return false;
    }
    struct query *query = sqlite_query(db, sql, err);
    bool row = query != NULL;
    bool ok = row;
    making->doing = "packing attachments";
    while (ok && row) {
        struct arena_mark mark = arena_mark(making->arena);
        ok = query_step(query, &row, err) &&
             (!row || pack_attachment(making, query_blob(query, 0), query_text(query, 1), err));
        arena_rewind(making->arena, mark);
    }
    if (query != NULL) {
        query_end(query);
    }
    sqlite_close(db);
    return ok;
}

static bool pack_all(struct making *making, struct str store_copy, struct err *err)
{
    struct backup_facts *facts = making->facts;
    struct str manifest;
    making->doing = "packing";
    making->done = 0;
    bool ok = pack_add_bytes(making->pack, STR(MANIFEST_MARK), STR("1\n"), err) &&
              pack_part(making, &facts->store, store_copy, err);
    for (size_t i = 0; ok && i < facts->target_count; i++) {
        struct str from = copy_path(making, i);
        ok = from.ptr != NULL ? pack_part(making, &facts->targets[i], from, err) : no_memory(err);
    }
    return ok && pack_attachments(making, store_copy, err) &&
           manifest_write(facts, making->plan->left_out, making->plan->left_out_count,
                          making->arena, &manifest, err) &&
           pack_add_bytes(making->pack, STR(MANIFEST_NAME), manifest, err) &&
           pack_finish(making->pack, &facts->bytes, err);
}

static bool size_of(struct str path, uint64_t *sum, struct err *err)
{
    struct file_info info = {0};
    if (!file_look(path, &info, err)) {
        return false;
    }
    *sum += info.size;
    return true;
}

/* Better a clear word now than a full disk under a running `serve` in a minute. */
static bool check_space(struct making *making, struct str store_path, struct str folder,
                        struct err *err)
{
    uint64_t need = SPACE_SPARE;
    uint64_t room = 0;
    if (!size_of(store_path, &need, err) || !file_space(folder, &room, err)) {
        return false;
    }
    for (size_t i = 0; i < making->plan->target_count; i++) {
        const struct backup_target *target = &making->plan->targets[i];
        if (!size_of(target->path, &need, err) ||
            (target->image.ptr != NULL && !size_of(target->image, &need, err))) {
            return false;
        }
    }
    making->total = need;
    return room > need ||
           err_set(err, ERR_RETRY,
                   "a backup needs up to %" PRIu64 " MB for a while in %.*s, where %" PRIu64
                   " MB are free; free some, or name another folder",
                   need / 1000000 + 1, STR_ARG(folder), room / 1000000);
}

static bool make(struct making *making, struct str store_path, struct err *err)
{
    struct arena *arena = making->arena;
    struct str store_copy = staging_path(&making->staging, arena, "store.db");
    struct str pack_path = staging_path(&making->staging, arena, "pack.tar.gz");
    if (store_copy.ptr == NULL || pack_path.ptr == NULL) {
        return no_memory(err);
    }
    /* The store before the targets: see the header. */
    const struct str none = {0};
    return copy_file(making, store_path, store_copy, none, none, "copying the store", err) &&
           copy_targets(making, err) && save_sinks(making, err) &&
           manifest_count(store_copy, making->facts, err) &&
           pack_open(&making->pack, pack_path, making->facts->made_ms / 1000, err) &&
           pack_all(making, store_copy, err) && file_rename(pack_path, making->plan->file, err);
}

bool backup_make(const struct backup_plan *plan, struct str version, struct arena *arena,
                 struct backup_facts *facts, struct err *err)
{
    struct making making = {.plan = plan, .arena = arena, .facts = facts};
    struct str folder = file_folder(arena, plan->file);
    struct str store_path = arena_printf(arena, "%.*s/sluice.db", STR_ARG(plan->data_dir));
    *facts = (struct backup_facts){.sluice = version, .made_ms = clock_wall_ms(plan->clock)};
    facts->store.name = STR(MANIFEST_STORE);
    if (folder.ptr == NULL || store_path.ptr == NULL) {
        return no_memory(err);
    }
    bool ok = check_space(&making, store_path, folder, err) &&
              staging_open(&making.staging, arena, folder, "backup", err) &&
              make(&making, store_path, err);
    pack_close(making.pack);
    staging_close(&making.staging, arena);
    return ok;
}
