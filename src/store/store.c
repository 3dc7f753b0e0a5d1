#include "store/store.h"

#include <string.h>

#include "base/mem.h"
#include "base/rng.h"
#include "store/backup.h"
#include "store/gate.h"
#include "store/internal.h"
#include "store/lease.h"
#include "store/schema.h"

enum { NAMES_ARENA_LIMIT = 64 * 1024 * 1024, CHECKPOINT_PAGES = 1000 };

/* A corrupt file or a failing disk must stop the process; everything else keeps its grade. */
static bool grade(struct store *store, struct err *err)
{
    /* The store's own tables never refuse what the store writes. */
    bool refused = err->kind == ERR_REJECT || err->kind == ERR_CONFIG;
    if (refused || sqlite_failed_disk(store->db)) {
        err->kind = ERR_STORE;
    }
    return err_prefix(err, "store: ");
}

static bool dead(struct err *err)
{
    return err_set(err, ERR_STORE, "store: the process died here (test)");
}

static bool configure(struct store *store, const struct store_options *options, struct err *err)
{
    if (options->shadow) {
        return shadow_prepare(store, err);
    }
    if (options->readonly) {
        return schema_check(store->db, err) && sqlite_exec(store->db, "PRAGMA query_only=ON", err);
    }
    sqlite_checkpoint_at(store->db, options->checkpoint_pages > 0 ? options->checkpoint_pages
                                                                  : CHECKPOINT_PAGES);
    struct str path = options->vfs == NULL ? options->path : (struct str){0};
    return schema_upgrade(store->db, path, NULL, err) &&
           sqlite_exec(store->db,
                       "PRAGMA journal_mode=WAL;"
                       "PRAGMA synchronous=FULL;"
                       "PRAGMA secure_delete=FAST;"
                       "PRAGMA journal_size_limit=67108864",
                       err);
}

/* What a file is given once, when it is new: a seed for its hash keys, and its time of birth. */
static bool christen(struct store *store, const struct store_options *options, struct err *err)
{
    int64_t seed = 0;
    struct rng rng = {options->seed};
    if (options->seed == 0) {
        rng_seed_system(&rng);
    }
    bool ok = store_begin(store, NULL, err) &&
              store_meta_get(store, "hash_seed", 0, &seed, err); /* Another may have been first. */
    if (ok && seed == 0) {
        ok = store_meta_put(store, "hash_seed", (int64_t)(rng_next(&rng) | 1), err) &&
             store_meta_put(store, "birth_s", clock_wall_ms(store->clock) / 1000, err);
    }
    ok = ok && store_commit(store, err);
    if (!ok) {
        store_rollback(store);
    }
    return ok;
}

static bool read_identity(struct store *store, const struct store_options *options, struct err *err)
{
    int64_t seed = 0;
    int64_t old_numbers = 0;
    if (!store_meta_get(store, "hash_seed", 0, &seed, err)) {
        return false;
    }
    if (seed == 0 && !options->readonly && !christen(store, options, err)) {
        return false;
    }
    if (!store_meta_get(store, "hash_seed", 0, &seed, err) ||
        !store_meta_get(store, "birth_s", 0, &store->birth_s, err) ||
        !store_meta_get(store, "old_numbers", 0, &old_numbers, err)) {
        return false;
    }
    store->hash_seed = (uint64_t)seed;
    store->old_numbers = old_numbers != 0;
    return true;
}

int64_t store_birth_s(const struct store *store)
{
    return store->birth_s;
}

static bool keep_path(struct store *store, const struct store_options *options, struct err *err)
{
    store->vfs = options->vfs;
    store->path = mem_alloc(options->path.len + 1);
    if (store->path == NULL) {
        return err_set(err, ERR_RETRY, "store: out of memory");
    }
    memcpy(store->path, options->path.ptr, options->path.len);
    return true;
}

static bool open_parts(struct store *store, const struct store_options *options, struct err *err)
{
    arena_init(&store->names_arena, NAMES_ARENA_LIMIT);
    if (!keep_path(store, options, err)) {
        return false;
    }
    struct sqlite_options file = {
        .readonly = options->readonly || options->shadow,
        .create = !options->readonly && !options->shadow,
        .still = options->shadow,
        .vfs = options->vfs,
        .cache_kib = options->cache_kib,
    };
    struct file_info info = {0};
    if (options->vfs == NULL && !file_look(options->path, &info, err)) {
        return err_prefix(err, "store: ");
    }
    if (info.kind == FILE_DIRECTORY || info.kind == FILE_OTHER) {
        return err_set(err, ERR_CONFIG, "store: %.*s is %s, not a file; name another data folder",
                       STR_ARG(options->path),
                       info.kind == FILE_DIRECTORY ? "a folder" : "a device or a pipe");
    }
    if (options->vfs == NULL && !backup_settled(options->path, err)) {
        return false;
    }
    if (!sqlite_open(&store->db, options->path, &file, err)) {
        return err_prefix(err, "store: ");
    }
    if (!configure(store, options, err)) {
        if (sqlite_failed_disk(store->db) && err->kind != ERR_CONFIG) {
            err->kind = ERR_STORE;
        }
        return err_prefix(err, "store: ");
    }
    return read_identity(store, options, err);
}

bool store_open(struct store **out, const struct store_options *options, struct err *err)
{
    must(options->clock != NULL);
    struct store *store = mem_alloc(sizeof *store);
    if (store == NULL) {
        return err_set(err, ERR_RETRY, "store: out of memory");
    }
    store->clock = options->clock;
    store->gate = options->gate;
    store->readonly = options->readonly;
    store->shadow = options->shadow;
    store->shadow_intake = options->shadow_intake;
    if (!open_parts(store, options, err)) {
        store_close(store);
        return false;
    }
    *out = store;
    return true;
}

void store_close(struct store *store)
{
    if (store == NULL) {
        return;
    }
    if (store->db != NULL) {
        store_rollback(store);
    }
    sqlite_close(store->db);
    mem_free(store->names);
    mem_free(store->chats);
    mem_free(store->path);
    arena_free(&store->names_arena);
    mem_free(store);
}

void store_set_crash_point(struct store *store, store_crash_point *point, void *context)
{
    store->crash_point = point;
    store->crash_context = context;
}

static bool survives(struct store *store)
{
    if (!store->dead && store->crash_point != NULL) {
        store->dead = !store->crash_point(store->crash_context);
    }
    return !store->dead;
}

bool store_begin(struct store *store, const struct lease *lease, struct err *err)
{
    must(!store->changing && !store->reading && !store->readonly);
    if (store->dead) {
        return dead(err);
    }
    gate_enter(store->gate);
    if (!(store->shadow ? sqlite_point_begin(store->db, err) : sqlite_begin(store->db, err))) {
        gate_leave(store->gate);
        return grade(store, err);
    }
    store->changing = true;
    store->names_fresh = false;
    if (lease != NULL && !store_lease_check(store, lease, err)) {
        store_rollback(store);
        return false;
    }
    return true;
}

bool store_commit(struct store *store, struct err *err)
{
    must(store->changing);
    if (!survives(store)) {
        return dead(err);
    }
    if (!(store->shadow ? sqlite_point_keep(store->db, err) : sqlite_commit(store->db, err))) {
        return grade(store, err);
    }
    store->changing = false;
    gate_leave(store->gate);
    return survives(store) || dead(err);
}

void store_rollback(struct store *store)
{
    if (store->changing && store->shadow) {
        sqlite_point_undo(store->db); /* The snapshot is held by the transaction around it. */
    } else if (store->changing || store->reading) {
        sqlite_rollback(store->db);
    }
    if (store->changing) {
        gate_leave(store->gate);
        if (store->names_fresh) { /* What the undone change had added is not in the file. */
            store_forget_names(store);
        }
    }
    store->changing = false;
    store->reading = false;
}

bool store_begin_read(struct store *store, struct err *err)
{
    must(!store->changing && !store->reading && !store->shadow);
    if (store->dead) {
        return dead(err);
    }
    store->reading = sqlite_exec(store->db, "BEGIN", err);
    return store->reading || grade(store, err);
}

bool store_changed(struct store *store, bool *changed, struct err *err)
{
    int64_t version = 0;
    if (store->dead) {
        return dead(err);
    }
    if (!sqlite_data_version(store->db, &version, err)) {
        return grade(store, err);
    }
    *changed = version != store->data_version;
    store->data_version = version;
    return true;
}

void store_leave_thread(void)
{
    sqlite_leave_thread();
}

void store_shrink(struct store *store)
{
    must(!store->changing && !store->reading);
    store_forget_names(store);
    sqlite_forget_queries(store->db);
    sqlite_shrink(store->db);
}

struct query *store_query(struct store *store, const char *sql, struct err *err)
{
    if (store->dead) {
        (void)dead(err);
        return NULL;
    }
    struct query *query = sqlite_query(store->db, sql, err);
    if (query == NULL) {
        (void)grade(store, err);
    }
    return query;
}

bool store_step(struct store *store, struct query *query, bool *row, struct err *err)
{
    return query_step(query, row, err) || grade(store, err);
}

bool store_run(struct store *store, struct query *query, struct err *err)
{
    return query_run(query, err) || grade(store, err);
}

bool store_meta_get(struct store *store, const char *key, int64_t fallback, int64_t *out,
                    struct err *err)
{
    struct query *query = store_query(store, "SELECT value FROM meta WHERE key=?1", err);
    bool row = false;
    if (query == NULL) {
        return false;
    }
    query_bind_text(query, 1, str_of(key));
    if (!store_step(store, query, &row, err)) {
        return false;
    }
    *out = row ? query_int(query, 0) : fallback;
    query_end(query);
    return true;
}

bool store_meta_put(struct store *store, const char *key, int64_t value, struct err *err)
{
    must(store->changing);
    struct query *query =
        store_query(store, "INSERT OR REPLACE INTO meta(key, value) VALUES(?1, ?2)", err);
    if (query == NULL) {
        return false;
    }
    query_bind_text(query, 1, str_of(key));
    query_bind_int(query, 2, value);
    return store_run(store, query, err);
}

bool store_count_add(struct store *store, const char *counter, int64_t by, struct err *err)
{
    must(store->changing);
    struct query *query = store_query(store,
                                      "INSERT INTO counter(name, value) VALUES(?1, ?2)"
                                      " ON CONFLICT DO UPDATE SET value=value+?2",
                                      err);
    if (query == NULL) {
        return false;
    }
    query_bind_text(query, 1, str_of(counter));
    query_bind_int(query, 2, by);
    return store_run(store, query, err);
}

bool store_count_get(struct store *store, const char *counter, int64_t *out, struct err *err)
{
    struct query *query = store_query(store, "SELECT value FROM counter WHERE name=?1", err);
    bool row = false;
    if (query == NULL) {
        return false;
    }
    query_bind_text(query, 1, str_of(counter));
    if (!store_step(store, query, &row, err)) {
        return false;
    }
    *out = row ? query_int(query, 0) : 0;
    query_end(query);
    return true;
}

bool store_version(struct str path, int64_t *version, int64_t *current, struct err *err)
{
    struct sqlite *db = NULL;
    bool ok = backup_settled(path, err) &&
              sqlite_open(&db, path, &(struct sqlite_options){.readonly = true}, err) &&
              schema_version(db, version, current, err);
    sqlite_close(db);
    return ok || err_prefix(err, "store: ");
}

bool store_int(struct store *store, const char *sql, int64_t *out, struct err *err)
{
    struct query *query = store_query(store, sql, err);
    bool row = false;
    if (query == NULL || !store_step(store, query, &row, err)) {
        return false;
    }
    *out = row ? query_int(query, 0) : 0;
    query_end(query);
    return true;
}
