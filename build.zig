//! Table of contents of the build. `ci/zig build --help` lists the steps and options.
//!
//! To add a file: put it into its room's list below. To add a unit test: put `room/name` into
//! UNIT_TESTS (the file is tests/room/name_test.c). A file that is not listed is not built, and
//! `check` complains about it.

const std = @import("std");
const Recipe = @import("vendor/recipe.zig").Recipe;

const bearssl = &@import("vendor/bearssl/recipe.zig").recipe;
const zlib = &@import("vendor/zlib/recipe.zig").recipe;
const pcre2 = &@import("vendor/pcre2/recipe.zig").recipe;
const sqlite = &@import("vendor/sqlite/recipe.zig").recipe;
const yyjson = &@import("vendor/yyjson/recipe.zig").recipe;
const libyaml = &@import("vendor/libyaml/recipe.zig").recipe;
const curl = &@import("vendor/curl/recipe.zig").recipe;
const libpq = &@import("vendor/libpq/recipe.zig").recipe;
const mongoc = &@import("vendor/mongoc/recipe.zig").recipe;
const microhttpd = &@import("vendor/microhttpd/recipe.zig").recipe;
const qrcodegen = &@import("vendor/qrcodegen/recipe.zig").recipe;
const cmocka = &@import("vendor/cmocka/recipe.zig").recipe;
const certifi = &@import("vendor/certifi/recipe.zig").recipe;
const tzdata = &@import("vendor/tzdata/recipe.zig").recipe;

const VERSION = "0.1.0";

/// One directory below src: a static library of its own, which sees only what it may include.
const Room = struct {
    name: []const u8,
    /// The rooms that it may include (ci/layers.txt says the same and is checked).
    may: []const []const u8 = &.{},
    /// The foreign libraries that it may include; theirs is the only room that sees the headers.
    libs: []const *const Recipe = &.{},
    files: []const []const u8,
    /// It talks with a person, or runs once: small code rather than quick.
    small: bool = false,
    /// The same of files whose names begin so: they wait for a browser or for a service.
    small_files: []const []const u8 = &.{},

    fn isSmall(r: *const Room, file: []const u8) bool {
        for (r.small_files) |prefix| {
            if (std.mem.startsWith(u8, file, prefix)) return true;
        }
        return false;
    }
};

const ROOMS = [_]Room{
    .{
        .name = "base",
        .files = &.{
            "arena.c",
            "aside.c",
            "buf.c",
            "clock.c",
            "command.c",
            "draft.c",
            "err.c",
            "file.c",
            "log.c",
            "log_file.c",
            "mem.c",
            "must.c",
            "rng.c",
            "str.c",
            "thread.c",
            "watch.c",
        },
    },
    .{
        .name = "crypto",
        .small_files = &.{ "password", "token", "tls_" },
        .may = &.{"base"},
        .libs = &.{bearssl},
        .files = &.{
            "aead.c",
            "digest.c",
            "encode.c",
            "hkdf.c",
            "hmac.c",
            "password.c",
            "seal.c",
            "rsa.c",
            "tls.c",
            "tls_check.c",
            "tls_der.c",
            "tls_name.c",
            "tls_trust.c",
            "tls_words.c",
            "token.c",
        },
    },
    .{
        .name = "text",
        .small_files = &.{ "yaml", "jsonschema", "cron", "duration", "bidi", "codepage", "qr", "host", "template", "timepattern" },
        .may = &.{"base"},
        .libs = &.{ pcre2, yyjson, libyaml, zlib, qrcodegen },
        .files = &.{
            "bidi.c",
            "codepage.c",
            "cron.c",
            "csv.c",
            "datetime.c",
            "duration.c",
            "fold.c",
            "gzip.c",
            "host.c",
            "json.c",
            "json_merge.c",
            "json_write.c",
            "jsonschema.c",
            "keywords.c",
            "letters.c",
            "mediatype.c",
            "pagestamp.c",
            "phone.c",
            "qr.c",
            "regex.c",
            "template.c",
            "timepattern.c",
            "unicode.c",
            "utf8.c",
            "yaml.c",
            "yaml_scalar.c",
            "zone.c",
        },
    },
    .{
        .name = "model",
        .may = &.{ "base", "text" },
        .files = &.{
            "inbox.c",
            "key_form.c",
            "keys.c",
            "option.c",
            "record.c",
            "report.c",
            "row.c",
            "schedule.c",
            "secret.c",
            "source.c",
            "step.c",
        },
    },
    .{
        .name = "db",
        .small_files = &.{ "resolve", "postgres_uri", "postgres_why" },
        .may = &.{ "base", "crypto", "text" },
        .libs = &.{ sqlite, libpq, mongoc },
        .files = &.{
            "document.c",
            "heap.c",
            "mongo.c",
            "postgres.c",
            "postgres_uri.c",
            "postgres_why.c",
            "resolve.c",
            "sql.c",
            "sqlite.c",
            "sqlite_functions.c",
            "sqlite_log.c",
        },
    },
    .{
        .name = "net",
        .small = true,
        .may = &.{ "base", "crypto", "text" },
        .libs = &.{ bearssl, zlib, curl },
        .files = &.{
            "dial.c",
            "http.c",
            "http_grade.c",
            "http_url.c",
            "mail.c",
            "mail_compose.c",
            "oauth.c",
            "quota.c",
            "sheets.c",
            "sheets_answer.c",
            "webdriver.c",
            "webdriver_call.c",
            "webdriver_fault.c",
            "webdriver_page.c",
        },
    },
    .{
        .name = "store",
        .small_files = &.{ "backup", "restore", "manifest", "pack", "audit", "browse", "schema", "rows", "replay", "shadow", "upkeep" },
        .may = &.{ "base", "crypto", "text", "model", "db" },
        .files = &.{
            "archive.c",
            "audit.c",
            "backup.c",
            "blobs.c",
            "browse.c",
            "facts.c",
            "gate.c",
            "habit.c",
            "hash.c",
            "keys.c",
            "lease.c",
            "manifest.c",
            "meter.c",
            "misc.c",
            "names.c",
            "outbox.c",
            "pack.c",
            "progress.c",
            "reader.c",
            "reference.c",
            "replay.c",
            "restore.c",
            "rhythm.c",
            "rows.c",
            "run.c",
            "schema.c",
            "search.c",
            "seen.c",
            "shadow.c",
            "staging.c",
            "state.c",
            "store.c",
            "upkeep.c",
        },
    },
    .{
        .name = "pipeline",
        .may = &.{ "base", "crypto", "text", "model" },
        .files = &.{
            "chain.c",
            "chain_keys.c",
            "collect.c",
            "compare.c",
            "compose.c",
            "condition.c",
            "count.c",
            "dedupe.c",
            "extract.c",
            "filter.c",
            "flow.c",
            "labels.c",
            "lookup.c",
            "normalize.c",
            "number.c",
            "parked.c",
            "route.c",
            "template.c",
            "write.c",
        },
    },
    .{
        .name = "domain",
        .small_files = &.{ "proposals", "agent", "sync_files", "sync", "chat_facts", "roster", "student" },
        .may = &.{ "base", "crypto", "text", "model" },
        .files = &.{
            "agent.c",
            "chat_facts.c",
            "drops.c",
            "proposals.c",
            "roster.c",
            "student.c",
            "student_days.c",
            "student_near.c",
            "students.c",
            "sync.c",
            "sync_files.c",
            "sync_id.c",
            "sync_mark.c",
            "sync_row.c",
        },
    },
    .{
        .name = "source",
        .small_files = &.{ "google_", "postgres", "mongodb", "wa_", "whatsapp_web", "timer" },
        .may = &.{ "base", "crypto", "text", "model", "db", "net" },
        .files = &.{
            "bridge_chats.c",
            "bridge_cursor.c",
            "bridge_file.c",
            "bridge_row.c",
            "bridge_scan.c",
            "bridge_schema.c",
            "bridge_window.c",
            "csv.c",
            "csv_cursor.c",
            "csv_file.c",
            "csv_rows.c",
            "google_sheets.c",
            "keyed.c",
            "mongodb.c",
            "postgres.c",
            "select.c",
            "select_cursor.c",
            "select_sql.c",
            "sqlite.c",
            "stamps.c",
            "timer.c",
            "wa_browser.c",
            "wa_canary.c",
            "wa_cursor.c",
            "wa_give.c",
            "wa_kept.c",
            "wa_look.c",
            "wa_enrich.c",
            "wa_pack.c",
            "wa_reader.c",
            "wa_reader_list.c",
            "wa_rows.c",
            "wa_scroll.c",
            "wa_session.c",
            "wa_spool.c",
            "wa_sweep.c",
            "wa_visit.c",
            "wa_walk.c",
            "whatsapp_bridge.c",
            "webhook.c",
            "webhook_proof.c",
            "whatsapp_web.c",
        },
    },
    .{
        .name = "sink",
        .small_files = &.{ "google_", "email", "command", "http", "envelope", "mongodb_backup", "mongodb_index", "mongodb_claim", "postgres_backup", "postgres_table", "postgres_read", "postgres_shape" },
        .may = &.{ "base", "crypto", "text", "model", "db", "net" },
        .files = &.{
            "body.c",
            "command.c",
            "csv.c",
            "envelope.c",
            "files.c",
            "files_image.c",
            "files_ledger.c",
            "files_log.c",
            "files_name.c",
            "files_row.c",
            "json.c",
            "ndjson.c",
            "effect_id.c",
            "email.c",
            "google_sheets.c",
            "google_sheets_migrate.c",
            "google_sheets_write.c",
            "http.c",
            "postgres.c",
            "postgres_backup.c",
            "postgres_ledger.c",
            "postgres_line.c",
            "postgres_read.c",
            "postgres_rows.c",
            "postgres_shape.c",
            "postgres_statement.c",
            "postgres_table.c",
            "postgres_write.c",
            "mongodb.c",
            "mongodb_backup.c",
            "mongodb_batch.c",
            "mongodb_claim.c",
            "mongodb_index.c",
            "mongodb_ledger.c",
            "mongodb_read.c",
            "mongodb_statement.c",
            "sheet_cell.c",
            "sheet_ledger.c",
            "sheet_page.c",
            "sqlite.c",
            "sqlite_read.c",
            "sqlite_shape.c",
            "sqlite_table.c",
        },
    },
    .{
        .name = "engine",
        .small_files = &.{ "reload", "replay", "shadow", "keys", "metrics", "edition", "targets" },
        .may = &.{ "base", "text", "model", "store" },
        .files = &.{
            "ahead.c",
            "conductor.c",
            "delivery.c",
            "edition.c",
            "engine.c",
            "intake.c",
            "keys.c",
            "metrics.c",
            "notes.c",
            "pending.c",
            "reload.c",
            "replay.c",
            "retry.c",
            "rules.c",
            "runner.c",
            "shadow.c",
            "targets.c",
            "upkeep.c",
            "worker.c",
        },
    },
    .{
        .name = "config",
        .small = true,
        .may = &.{ "base", "crypto", "text", "model" },
        .files = &.{
            "build.c",
            "alerts.c",
            "backups.c",
            "chats.c",
            "codes.c",
            "config.c",
            "content.c",
            "env.c",
            "excerpt.c",
            "fault.c",
            "either.c",
            "from.c",
            "http.c",
            "nearest.c",
            "ops.c",
            "options.c",
            "projects.c",
            "reader.c",
            "reference.c",
            "schedule.c",
            "schema.c",
            "secrets.c",
            "tree.c",
        },
    },
    .{
        .name = "serve",
        .small_files = &.{ "address", "ask", "deadline", "desk", "health", "planned", "pulse", "service", "api", "guesses", "tokens", "view", "alert_book", "alerts", "backup_note", "channel", "letter", "openapi", "renew" },
        .may = &.{ "base", "crypto", "text", "model", "net", "store", "engine", "config" },
        .libs = &.{microhttpd},
        .files = &.{
            "address.c",
            "alert_book.c",
            "alerts.c",
            "api.c",
            "api_look.c",
            "api_messages.c",
            "api_records.c",
            "api_reload.c",
            "api_run.c",
            "ask.c",
            "backup_note.c",
            "calls.c",
            "channel.c",
            "deadline.c",
            "gaps.c",
            "guesses.c",
            "health.c",
            "health_page.c",
            "letter.c",
            "openapi.c",
            "planned.c",
            "pulse.c",
            "renew.c",
            "server.c",
            "service.c",
            "tokens.c",
            "view.c",
            "webhooks.c",
        },
    },
    .{
        .name = "cli",
        .small = true,
        .may = &.{ "base", "crypto", "text", "model", "domain", "store", "engine", "config", "serve" },
        .files = &.{
            "act.c",
            "alerts.c",
            "audit.c",
            "backfill.c",
            "backup.c",
            "browser.c",
            "bundle.c",
            "cases.c",
            "check.c",
            "cli.c",
            "completion.c",
            "connect.c",
            "diff.c",
            "explain_error.c",
            "explain_merge.c",
            "dlq.c",
            "drops.c",
            "dry.c",
            "explain.c",
            "export.c",
            "export_out.c",
            "gaps.c",
            "health.c",
            "help.c",
            "init.c",
            "keeper.c",
            "keys.c",
            "lists.c",
            "loaded.c",
            "look.c",
            "man.c",
            "message_view.c",
            "messages.c",
            "migrate.c",
            "overview.c",
            "moving.c",
            "pair.c",
            "parse.c",
            "peek.c",
            "progress.c",
            "project.c",
            "reference.c",
            "reload.c",
            "replay.c",
            "restore.c",
            "restore_rows.c",
            "rows.c",
            "run.c",
            "runs.c",
            "schedule.c",
            "secrets.c",
            "serve.c",
            "session.c",
            "session_list.c",
            "session_seal.c",
            "show.c",
            "signals.c",
            "status.c",
            "students.c",
            "students_figures.c",
            "students_html.c",
            "students_migrate.c",
            "students_near.c",
            "students_paid.c",
            "students_report.c",
            "students_school.c",
            "table.c",
            "tap.c",
            "test.c",
            "token.c",
            "top.c",
            "topics.c",
            "verbs.c",
            "veil.c",
            "version.c",
            "when.c",
        },
    },
    // Everything of src/app but main.c, so that tests can link the list of all kinds.
    .{
        .name = "app",
        .may = &.{
            "base",   "crypto", "text", "model",  "db",     "net",   "store", "pipeline",
            "domain", "source", "sink", "engine", "config", "serve", "cli",
        },
        .files = &.{
            "crash.c",
            "kinds.c",
        },
    },
};

/// Files that are part of the binary as they are (src/source/wa_data.h): selectors of WhatsApp Web and
/// the scripts that read its page.
const PAGE_DATA = [_][]const u8{
    "config/selectors/2024.json",
    "config/selectors/2026-04.json",
    "config/selectors/2026-08.json",
    "src/source/wa_look.js",
    "src/source/wa_page.js",
};

/// tests/NAME_test.c each. A test links its own room (the first part of its name, or `room`) and
/// everything below it; `with` names more C files below tests/.
const UnitTest = struct {
    name: []const u8,
    room: ?[]const u8 = null,
    with: []const []const u8 = &.{},
    /// Foreign headers that it sees beside those of its room.
    libs: []const *const Recipe = &.{},
    /// Starts threads: `sanitize` also runs it under ThreadSanitizer.
    threads: bool = false,

    /// A test with a whole world in it takes longer than all the others together, and has a step of
    /// its own.
    fn world(unit: UnitTest) World {
        if (std.mem.startsWith(u8, unit.name, "sim/")) return .simulated;
        for (unit.with) |file| {
            if (std.mem.eql(u8, file, "rig/outside.c")) return .servers;
        }
        return .none;
    }
};

/// What a unit test stands in: nothing, the simulator, or real servers that it starts.
const World = enum { none, simulated, servers };

const UNIT_TESTS = [_]UnitTest{
    .{ .name = "base/arena" },
    .{ .name = "base/aside", .threads = true },
    .{ .name = "base/str" },
    .{ .name = "base/thread", .threads = true },
    .{ .name = "base/file" },
    .{ .name = "base/log", .threads = true },
    .{ .name = "cli/help", .room = "app" },
    .{ .name = "base/log_file", .threads = true },
    .{ .name = "base/watch", .threads = true },
    .{ .name = "cli/table" },
    .{ .name = "cli/when" },
    .{ .name = "crypto/aead" },
    .{ .name = "config/chats", .with = &.{"config/rig.c"} },
    .{ .name = "config/config", .with = &.{"config/rig.c"} },
    .{ .name = "config/faults", .room = "app", .with = &.{"config/rig.c"} },
    .{ .name = "config/from", .with = &.{"config/rig.c"} },
    .{ .name = "crypto/digest" },
    .{ .name = "crypto/encode" },
    .{ .name = "crypto/password" },
    .{ .name = "crypto/seal" },
    .{ .name = "crypto/rsa" },
    .{ .name = "crypto/tls", .with = &.{"rig/outside.c"} },
    .{ .name = "crypto/tls_damage", .with = &.{"rig/outside.c"}, .libs = &.{bearssl} },
    .{ .name = "db/document" },
    .{ .name = "db/mongo", .with = &.{"rig/outside.c"}, .threads = true },
    .{ .name = "db/names", .with = &.{"rig/outside.c"} },
    .{ .name = "db/postgres", .with = &.{"rig/outside.c"}, .threads = true },
    .{ .name = "db/resolve", .threads = true },
    .{ .name = "db/sqlite" },
    .{ .name = "db/sqlite_log", .libs = &.{sqlite} },
    .{ .name = "domain/drops" },
    .{ .name = "domain/student_near" },
    .{ .name = "domain/sync" },
    .{ .name = "engine/ahead", .room = "app", .threads = true },
    .{ .name = "engine/retry" },
    .{ .name = "engine/notes", .room = "app", .with = &.{"store/fixture.c"} },
    .{ .name = "engine/pending", .room = "app", .with = &.{"store/fixture.c"} },
    .{ .name = "engine/runner", .room = "app", .with = &.{"store/fixture.c"}, .threads = true },
    .{ .name = "engine/reload", .room = "app", .threads = true },
    .{ .name = "fuzz/replay", .room = "app", .with = &.{"fuzz/targets.c"} },
    .{ .name = "model/option" },
    .{ .name = "model/schedule" },
    .{ .name = "engine/engine", .room = "app", .with = &.{"engine/toy.c"}, .threads = true },
    .{
        .name = "sim/sim",
        .room = "app",
        .with = &.{ "sim/world.c", "sim/drops.c", "sim/desk.c" },
    },
    .{
        .name = "sim/replay",
        .room = "app",
        .with = &.{ "sim/world.c", "sim/drops.c", "sim/desk.c" },
    },
    .{
        .name = "sim/fault",
        .room = "app",
        .with = &.{ "sim/world.c", "sim/drops.c", "sim/desk.c", "sim/fault_vfs.c" },
        .libs = &.{sqlite},
    },
    .{ .name = "pipeline/chain", .room = "app", .with = &.{"pipeline/rig.c"} },
    .{ .name = "pipeline/extract", .room = "app", .with = &.{"pipeline/rig.c"} },
    .{ .name = "pipeline/faults", .room = "app", .with = &.{"pipeline/rig.c"} },
    .{ .name = "pipeline/steps", .room = "app", .with = &.{"pipeline/rig.c"} },
    .{ .name = "pipeline/write", .room = "app", .with = &.{"pipeline/rig.c"} },
    .{ .name = "sink/contract", .with = &.{ "sink/contract_rig.c", "rig/outside.c" } },
    .{ .name = "sink/command", .with = &.{"sink/one_rig.c"} },
    .{ .name = "sink/files" },
    .{ .name = "sink/email", .with = &.{ "sink/one_rig.c", "rig/outside.c" } },
    .{
        .name = "sink/google_sheets",
        .with = &.{ "sink/one_rig.c", "net/google_rig.c", "rig/outside.c" },
    },
    .{ .name = "sink/http", .with = &.{ "sink/one_rig.c", "rig/outside.c" } },
    .{ .name = "sink/postgres_line" },
    .{ .name = "sink/postgres", .with = &.{ "sink/one_rig.c", "rig/outside.c" } },
    .{ .name = "sink/mongodb", .with = &.{ "sink/one_rig.c", "rig/outside.c" } },
    .{ .name = "sink/sqlite" },
    .{ .name = "net/http", .with = &.{"rig/outside.c"} },
    .{ .name = "net/http_url" },
    .{ .name = "net/mail", .with = &.{"rig/outside.c"} },
    .{ .name = "net/oauth", .with = &.{ "net/google_rig.c", "rig/outside.c" } },
    .{ .name = "net/quota", .threads = true },
    .{ .name = "net/sheets", .with = &.{ "net/google_rig.c", "rig/outside.c" } },
    .{ .name = "net/webdriver_browser", .with = &.{"rig/outside.c"} },
    .{ .name = "net/webdriver", .with = &.{"net/webdriver_fake.c"}, .threads = true },
    .{ .name = "model/record" },
    .{ .name = "model/row" },
    .{ .name = "model/source" },
    .{ .name = "serve/address" },
    .{ .name = "serve/alert_book", .room = "app", .with = &.{"store/fixture.c"} },
    .{ .name = "serve/renew" },
    .{ .name = "serve/tokens", .room = "app", .with = &.{"store/fixture.c"}, .threads = true },
    .{ .name = "store/archive", .with = &.{"store/fixture.c"} },
    .{ .name = "store/audit", .with = &.{"store/fixture.c"} },
    .{ .name = "store/backup", .with = &.{"store/fixture.c"} },
    .{ .name = "store/blobs", .with = &.{"store/fixture.c"} },
    .{ .name = "store/browse", .with = &.{"store/fixture.c"} },
    .{ .name = "store/lease", .with = &.{"store/fixture.c"} },
    .{ .name = "store/memory", .with = &.{"store/fixture.c"} },
    .{ .name = "store/habit", .with = &.{"store/fixture.c"} },
    .{ .name = "store/rhythm" },
    .{ .name = "store/misc", .with = &.{"store/fixture.c"} },
    .{ .name = "source/bridge_file", .with = &.{"source/bridge_rig.c"} },
    .{ .name = "source/contract", .with = &.{"source/contract_rig.c"} },
    .{ .name = "source/csv" },
    .{ .name = "source/google_sheets", .with = &.{ "net/google_rig.c", "rig/outside.c" } },
    .{ .name = "source/mongodb", .with = &.{ "rig/outside.c", "source/select_rig.c" } },
    .{ .name = "source/postgres", .with = &.{ "rig/outside.c", "source/select_rig.c" } },
    .{ .name = "source/select" },
    .{ .name = "source/sqlite", .with = &.{"source/select_rig.c"} },
    .{ .name = "source/timer" },
    .{ .name = "source/wa_cursor" },
    .{ .name = "source/wa_sweep", .with = &.{"source/wa_paper.c"} },
    .{ .name = "source/wa_pack" },
    .{ .name = "source/wa_page", .with = &.{"rig/outside.c"} },
    .{ .name = "source/wa_rows" },
    .{ .name = "source/wa_session", .with = &.{ "net/webdriver_fake.c", "rig/outside.c" }, .threads = true },
    .{ .name = "source/whatsapp_bridge", .with = &.{"source/bridge_rig.c"} },
    .{ .name = "store/outbox", .with = &.{"store/fixture.c"} },
    .{ .name = "store/reader", .with = &.{"store/fixture.c"} },
    .{ .name = "store/reference", .with = &.{"store/fixture.c"} },
    .{ .name = "store/run", .with = &.{"store/fixture.c"} },
    .{ .name = "store/shadow", .with = &.{"store/fixture.c"} },
    .{ .name = "store/state", .with = &.{"store/fixture.c"} },
    .{ .name = "store/rows" },
    .{ .name = "store/schema", .with = &.{"store/fixture.c"} },
    .{ .name = "store/seen", .with = &.{"store/fixture.c"} },
    .{ .name = "store/search", .with = &.{"store/fixture.c"} },
    .{ .name = "store/upkeep", .with = &.{"store/fixture.c"} },
    .{ .name = "text/codepage" },
    .{ .name = "text/cron" },
    .{ .name = "text/csv" },
    .{ .name = "text/datetime" },
    .{ .name = "text/duration" },
    .{ .name = "text/fold" },
    .{ .name = "text/host" },
    .{ .name = "text/json" },
    .{ .name = "text/json_merge" },
    .{ .name = "text/jsonschema" },
    .{ .name = "text/keywords" },
    .{ .name = "text/pagestamp" },
    .{ .name = "text/phone" },
    .{ .name = "text/qr", .with = &.{"rig/outside.c"} },
    .{ .name = "text/regex" },
    .{ .name = "text/template" },
    .{ .name = "text/timepattern" },
    .{ .name = "text/utf8" },
    .{ .name = "text/yaml" },
    .{ .name = "text/zone" },
};

/// Longer programs with a step of their own; `release` ones are measured, the others are Debug.
const Program = struct {
    step: []const u8,
    about: []const u8,
    file: []const u8,
    room: []const u8 = "app",
    with: []const []const u8 = &.{},
    args: []const []const u8 = &.{},
    release: bool = false,
    /// Part of `test`: runs there with `args`, and its log is counted.
    in_test: bool = false,
};

const PROGRAMS = [_]Program{
    .{
        .step = "zone-oracle",
        .about = "Compare the time zones with the lines of tests/product/zone_oracle.py on stdin",
        .file = "tests/product/zone_answer.c",
        .room = "text",
        .release = true,
    },
    .{
        .step = "bench-intake",
        .about = "What filing a message costs: -- FOLDER numbers|texts COUNT (bench-engine runs it)",
        .file = "tests/bench/intake.c",
        .room = "store",
        .release = true,
    },
    .{
        .step = "bench-mongodb-client",
        .about = "What the sink mongodb costs: -- URI DATABASE ROWS (bench-mongodb runs it)",
        .file = "tests/bench/mongodb.c",
        .room = "sink",
        .release = true,
    },
    .{
        .step = "bench-postgres-client",
        .about = "What the sink postgres costs: -- URI AUTHORITIES SCHEMA … (bench-postgres runs it)",
        .file = "tests/bench/postgres.c",
        .room = "sink",
        .release = true,
    },
    .{
        .step = "bench-webdriver-client",
        .about = "Our part of bench-webdriver: -- URL SESSION ROUNDS",
        .file = "tests/bench/webdriver.c",
        .room = "net",
        .release = true,
    },
    .{
        .step = "bench-webhook-floor",
        .about = "What a webhook costs at the least: -- PORT FILE (bench-webhook runs it)",
        .file = "tests/bench/webhook_floor.c",
        .room = "db",
        .release = true,
    },
    .{
        .step = "bench-chain",
        .about = "What generic steps cost a message: -- COUNT (one million unless it is given)",
        .file = "tests/bench/chain.c",
        .args = &.{"1000000"},
        .release = true,
    },
};

/// Our own code. Wide warnings are errors.
const STRICT = [_][]const u8{
    "-std=c17",           "-D_GNU_SOURCE",            "-Wall",                "-Wextra",
    "-Wpedantic",         "-Werror",                  "-Wshadow",             "-Wconversion",
    "-Wsign-conversion",  "-Wstrict-prototypes",      "-Wmissing-prototypes", "-Wold-style-definition",
    "-Wvla",              "-Wwrite-strings",          "-Wcast-qual",          "-Wcast-align",
    "-Wformat=2",         "-Wundef",                  "-Wswitch-enum",        "-Wnull-dereference",
    "-Wdouble-promotion", "-Wcomma",                  "-Wunreachable-code",   "-Wimplicit-fallthrough",
    "-fno-common",        "-fstack-protector-strong", "-ffunction-sections",  "-fdata-sections",
};

/// Code of others: it is as it is.
const FOREIGN = [_][]const u8{
    "-w", "-std=gnu11", "-fstack-protector-strong", "-ffunction-sections", "-fdata-sections",
};

comptime {
    const zig = @import("builtin").zig_version_string;
    if (!std.mem.eql(u8, zig, "0.15.2")) {
        @compileError("sluice is built with Zig 0.15.2 only, and this is " ++ zig ++ "; run: ci/zig build");
    }
}

pub fn build(b: *std.Build) void {
    const target = b.standardTargetOptions(.{ .default_target = musl(@import("builtin").cpu.arch) });
    const release = b.option(bool, "release", "An optimized product (default) or a Debug one") orelse true;
    const only = b.option([]const u8, "unit", "Only the unit tests whose name contains this, such as text/phone") orelse "";

    var shop = Shop.init(b, target);
    shop.strip = b.option(bool, "strip", "Without symbols (default)") orelse true;
    const product = addProduct(&shop, if (release) .ReleaseFast else .Debug);
    b.installArtifact(product);

    // The architecture that this machine is not; its programs run in an emulator.
    const other: std.Target.Cpu.Arch = if (b.graph.host.result.cpu.arch == .x86_64) .aarch64 else .x86_64;
    var other_shop = Shop.init(b, b.resolveTargetQuery(musl(other)));

    const unit = Tally.init(b, "unit tests");
    const simulator = Tally.init(b, "simulator");
    const servers = Tally.init(b, "tests with servers");
    for ([_]*Tally{ unit, simulator, servers }, [_]World{ .none, .simulated, .servers }) |part, world| {
        addUnitTests(&shop, part, "unit", &.{}, only, world);
    }
    simulator.step("test-sim", "Run the simulator: crashes, faults and time over the whole engine");
    servers.step("test-servers", "Run the unit tests that start real servers");
    if (only.len > 0) {
        unit.include(simulator);
        unit.include(servers);
    }
    unit.step("test-unit", "Run the unit tests (-Dunit=room/name for some of them, of any of the three steps)");

    const emulated = Tally.init(b, "emulated unit tests");
    addUnitTests(&other_shop, emulated, @tagName(other), &.{"ci/emulate"}, only, null);
    emulated.step("test-other", "Run the unit tests of the other architecture in an emulator");

    const check = Tally.init(b, "checks");
    check.add("check", &.{"ci/check"}, null);
    check.step("check", "Format, clang-tidy, layers, banned functions, dead files, docs, promises");

    const stage = shop.testProgram("stage", if (release) .ReleaseFast else .Debug, "db", "demo/stage.c", &.{});
    const whole = Tally.init(b, "product tests");
    addProductTests(b, whole, product, stage);
    whole.step("test-product", "Run tests/product/* against the product");

    const again = Tally.init(b, "second build");
    if (release) again.add("reproduce", &.{"ci/reproduce"}, product);
    again.step("reproduce", "Build the product a second time, elsewhere, and compare the bytes");

    const all = Tally.init(b, "all tests");
    if (only.len == 0) {
        all.include(simulator);
        all.include(servers);
    }
    for ([_]*Tally{ unit, emulated, check, whole, again }) |part| all.include(part);
    for (PROGRAMS) |program| addProgram(&shop, program, all);
    all.full = true;
    all.step("test", "Run every test and every check");

    addSanitize(&shop, only);
    addFuzz(&shop);
    addStorm(&shop);
    addDemo(b, product, stage);
    addBench(&shop, if (release) product else addProduct(&shop, .ReleaseFast), stage);
}

fn musl(arch: std.Target.Cpu.Arch) std.Target.Query {
    return .{ .cpu_arch = arch, .os_tag = .linux, .abi = .musl };
}

fn addProduct(shop: *Shop, optimize: std.builtin.OptimizeMode) *std.Build.Step.Compile {
    const exe = shop.program("sluice", optimize, "app", &.{"src/app/main.c"});
    exe.pie = true;
    exe.link_z_relro = true;
    exe.link_z_lazy = false;
    return exe;
}

/// Those of one world; of all of them for null.
fn addUnitTests(shop: *Shop, tally: *Tally, prefix: []const u8, runner: []const []const u8, only: []const u8, world: ?World) void {
    for (UNIT_TESTS) |unit| {
        if (std.mem.indexOf(u8, unit.name, only) == null) continue;
        if (world != null and unit.world() != world.?) continue;
        // Databases and their clients have no code for one processor; TLS has.
        const tls = std.mem.startsWith(u8, unit.name, "crypto/") or std.mem.startsWith(u8, unit.name, "net/");
        if (runner.len > 0 and unit.world() == .servers and !tls) continue;
        // A test that is listed but not there is reported by `check`; it stops nobody else.
        shop.b.build_root.handle.access(shop.b.fmt("tests/{s}_test.c", .{unit.name}), .{}) catch continue;
        tally.add(shop.b.fmt("{s}/{s}", .{ prefix, unit.name }), runner, shop.unitTest(unit));
        if (runner.len > 0) fewer(tally.runs.getLast());
    }
}

/// Where a program runs ten times slower (emulated, sanitized), the simulator plays fewer scenes.
fn fewer(run: *std.Build.Step.Run) void {
    run.setEnvironmentVariable("SIM_SEEDS", "10");
    run.setEnvironmentVariable("SIM_SWEEP_STEP", "50");
    run.setEnvironmentVariable("FAULT_STRIDE", "2000");
}

/// Every NAME.sh and NAME_test.py of tests/product, and of tests/security, which attacks;
/// $SLUICE is the product, $STAGE is demo/stage.c.
fn addProductTests(b: *std.Build, tally: *Tally, product: *std.Build.Step.Compile, stage: *std.Build.Step.Compile) void {
    for ([_][]const u8{ "product", "security" }) |folder| addScripts(b, tally, folder, product, stage);
}

fn addScripts(b: *std.Build, tally: *Tally, folder: []const u8, product: *std.Build.Step.Compile, stage: *std.Build.Step.Compile) void {
    var dir = b.build_root.handle.openDir(b.fmt("tests/{s}", .{folder}), .{ .iterate = true }) catch return;
    defer dir.close();
    var entries = dir.iterate();
    while (entries.next() catch null) |entry| {
        const script = b.fmt("tests/{s}/{s}", .{ folder, entry.name });
        if (std.mem.endsWith(u8, script, ".sh")) {
            tally.add(b.fmt("{s}/{s}", .{ folder, entry.name }), &.{ "ci/with-product", "sh", script }, product);
        } else if (std.mem.endsWith(u8, script, "_test.py")) {
            tally.add(b.fmt("{s}/{s}", .{ folder, entry.name }), &.{ "ci/with-product", "python3", script }, product);
        } else continue;
        tally.runs.getLast().addArtifactArg(stage);
    }
}

fn addProgram(shop: *Shop, p: Program, all: *Tally) void {
    const b = shop.b;
    const exe = shop.testProgram(std.fs.path.stem(p.file), if (p.release) .ReleaseFast else .Debug, p.room, p.file, p.with);
    const run = b.addRunArtifact(exe);
    run.has_side_effects = true;
    run.addArgs(if (b.args) |args| args else p.args);
    b.step(p.step, p.about).dependOn(&run.step);
    if (p.in_test) all.addWith(p.step, &.{}, exe, p.args);
}

/// Our code and its tests under AddressSanitizer on the system's C library, and the tests that start
/// threads under ThreadSanitizer (which Zig has for glibc).
fn addSanitize(shop: *Shop, only: []const u8) void {
    const b = shop.b;
    const tally = Tally.init(b, "sanitized tests");
    tally.add("asan", &.{"ci/sanitize"}, null);
    tally.runs.items[0].setEnvironmentVariable("SLUICE_TEST_SECONDS", "1800");
    tally.runs.items[0].addFileArg(shop.manifest());
    tally.runs.items[0].addFileArg(shop.zoneData());
    tally.runs.items[0].addFileArg(shop.authorityData());
    tally.runs.items[0].addFileArg(shop.pageData());
    tally.runs.items[0].addArg(only);
    var glibc = Shop.init(b, b.resolveTargetQuery(.{ .cpu_arch = b.graph.host.result.cpu.arch, .os_tag = .linux, .abi = .gnu }));
    glibc.thread_sanitizer = true;
    for (UNIT_TESTS) |unit| {
        if (std.mem.indexOf(u8, unit.name, only) == null) continue;
        if (unit.threads) tally.add(b.fmt("tsan/{s}", .{unit.name}), &.{}, glibc.unitTest(unit));
    }
    for (tally.runs.items) |run| fewer(run);
    tally.step("sanitize", "Run the unit tests under AddressSanitizer, those with threads under ThreadSanitizer");
}

/// Readers of bytes from outside against libFuzzer: `ci/zig build fuzz -- TARGET SECONDS`.
fn addFuzz(shop: *Shop) void {
    const b = shop.b;
    const run = b.addSystemCommand(&.{"ci/fuzz"});
    run.addFileArg(shop.manifest());
    run.addFileArg(shop.zoneData());
    run.addFileArg(shop.authorityData());
    run.addFileArg(shop.pageData());
    run.addArg("tests/fuzz/fuzzer.c");
    if (b.args) |args| run.addArgs(args);
    run.stdio = .inherit;
    run.has_side_effects = true;
    b.step("fuzz", "Fuzz what reads bytes from outside: -- [keep] [TARGET [SECONDS]]").dependOn(&run.step);
}

/// What takes hours: many seeds, and every single fault; and what plants bugs to see them caught.
fn addStorm(shop: *Shop) void {
    const b = shop.b;
    const storm = Tally.init(b, "storm");
    for (UNIT_TESTS) |unit| {
        if (!std.mem.startsWith(u8, unit.name, "sim/")) continue;
        storm.add(b.fmt("storm/{s}", .{unit.name}), &.{}, shop.unitTest(unit));
        const run = storm.runs.getLast();
        run.setEnvironmentVariable("SLUICE_TEST_SECONDS", "14400");
        for ([_][2][]const u8{ .{ "SIM_SEEDS", "5000" }, .{ "FAULT_STRIDE", "1" } }) |setting| {
            if (b.graph.env_map.get(setting[0]) == null) run.setEnvironmentVariable(setting[0], setting[1]);
        }
    }
    storm.step("storm", "Run the simulator with 5000 seeds and every single fault (about two hours)");
    const planted = b.addSystemCommand(&.{"ci/planted"});
    planted.stdio = .inherit;
    b.step("planted", "Plant bugs into a copy, and require that the tests notice (about ten minutes)").dependOn(&planted.step);
}

fn addDemo(b: *std.Build, product: *std.Build.Step.Compile, stage: *std.Build.Step.Compile) void {
    const run = b.addSystemCommand(&.{ "ci/with-product", "sh", "demo/demo.sh" });
    run.addArtifactArg(product);
    run.addArtifactArg(stage);
    run.stdio = .inherit;
    b.step("demo", "Show what sluice does, in under a minute").dependOn(&run.step);
}

/// Measured against rivals and bars; each ends with an error when a bar is missed. What stands behind
/// `--` goes to the script (such as --only size).
fn addBench(shop: *Shop, product: *std.Build.Step.Compile, stage: *std.Build.Step.Compile) void {
    const b = shop.b;
    const intake = shop.testProgram("intake", .ReleaseFast, "store", "tests/bench/intake.c", &.{});
    const run = b.addSystemCommand(&.{ "sh", "tests/bench/engine.sh" });
    run.addArtifactArg(product);
    run.addArtifactArg(intake);
    run.addArgs(b.args orelse &.{});
    run.has_side_effects = true;
    run.stdio = .inherit;
    b.step("bench-engine", "Speed and size against rivals and bars (needs Python 3)").dependOn(&run.step);

    const browser = b.addSystemCommand(&.{ "python3", "tests/bench/webdriver.py" });
    browser.addArtifactArg(shop.testProgram("webdriver", .ReleaseFast, "net", "tests/bench/webdriver.c", &.{}));
    browser.addArgs(b.args orelse &.{});
    browser.has_side_effects = true;
    browser.stdio = .inherit;
    const chat = b.addSystemCommand(&.{ "python3", "tests/bench/whatsapp.py" });
    chat.addArtifactArg(product);
    chat.has_side_effects = true;
    chat.stdio = .inherit;
    chat.step.dependOn(&browser.step);
    b.step("bench-webdriver", "Reading a page, against Python (needs Python 3; Chromium, Java)").dependOn(&chat.step);

    const postgres = shop.testProgram("postgres", .ReleaseFast, "sink", "tests/bench/postgres.c", &.{});
    const server = b.addSystemCommand(&.{ "sh", "tests/bench/postgres.sh" });
    server.addArtifactArg(product);
    server.addArtifactArg(postgres);
    server.addArtifactArg(stage);
    server.addArgs(b.args orelse &.{});
    server.has_side_effects = true;
    server.stdio = .inherit;
    b.step("bench-postgres", "The sink postgres against psycopg and bars (needs Python 3 and its servers)").dependOn(&server.step);
    const mongodb = shop.testProgram("bench-mongodb", .ReleaseFast, "sink", "tests/bench/mongodb.c", &.{});
    const mongodb_run = b.addSystemCommand(&.{ "python3", "tests/bench/mongodb.py" });
    mongodb_run.addArtifactArg(mongodb);
    mongodb_run.addArgs(b.args orelse &.{});
    mongodb_run.has_side_effects = true;
    mongodb_run.stdio = .inherit;
    b.step("bench-mongodb", "Guarded upserts against pymongo's bulk_write").dependOn(&mongodb_run.step);
    const students = b.addSystemCommand(&.{ "python3", "tests/bench/students.py" });
    students.addArtifactArg(product);
    students.addArgs(b.args orelse &.{});
    students.has_side_effects = true;
    students.stdio = .inherit;
    const webhook = b.addSystemCommand(&.{ "sh", "tests/bench/webhook.sh" });
    webhook.addArtifactArg(product);
    webhook.addArtifactArg(shop.testProgram("webhook-floor", .ReleaseFast, "db", "tests/bench/webhook_floor.c", &.{}));
    webhook.addArgs(b.args orelse &.{});
    webhook.has_side_effects = true;
    webhook.stdio = .inherit;
    b.step("bench-webhook", "Answered webhooks against FastAPI, ARQ and Redis (needs Python 3)").dependOn(&webhook.step);
    b.step("bench-students", "Documents of students against pymongo (needs Python 3 and its servers)").dependOn(&students.step);
}

/// Programs that are run under ci/record, and the ci/tally that says what they found.
const Tally = struct {
    b: *std.Build,
    title: []const u8,
    labels: std.ArrayList([]const u8) = .empty,
    runs: std.ArrayList(*std.Build.Step.Run) = .empty,
    /// Everything ran: also check that the tests of tests/promises.tsv did.
    full: bool = false,

    fn init(b: *std.Build, title: []const u8) *Tally {
        const tally = b.allocator.create(Tally) catch @panic("OOM");
        tally.* = .{ .b = b, .title = title };
        return tally;
    }

    fn add(tally: *Tally, label: []const u8, command: []const []const u8, exe: ?*std.Build.Step.Compile) void {
        tally.addWith(label, command, exe, &.{});
    }

    fn addWith(tally: *Tally, label: []const u8, command: []const []const u8, exe: ?*std.Build.Step.Compile, args: []const []const u8) void {
        const run = tally.b.addSystemCommand(&.{ "sh", "ci/record", label });
        run.addArgs(command);
        if (exe) |program| run.addArtifactArg(program);
        run.addArgs(args);
        run.setName(label);
        run.has_side_effects = true;
        run.expectExitCode(0);
        tally.labels.append(tally.b.allocator, label) catch @panic("OOM");
        tally.runs.append(tally.b.allocator, run) catch @panic("OOM");
    }

    fn include(tally: *Tally, part: *Tally) void {
        tally.labels.appendSlice(tally.b.allocator, part.labels.items) catch @panic("OOM");
        tally.runs.appendSlice(tally.b.allocator, part.runs.items) catch @panic("OOM");
    }

    fn step(tally: *Tally, name: []const u8, about: []const u8) void {
        const run = tally.b.addSystemCommand(&.{ "sh", "ci/tally" });
        run.setName(tally.title);
        run.has_side_effects = true;
        if (tally.full) run.addArg("--full");
        run.addArgs(tally.labels.items);
        for (tally.runs.items) |one| run.step.dependOn(&one.step);
        tally.b.step(name, about).dependOn(&run.step);
    }
};

/// Makes libraries on demand, each once for a mode.
const Shop = struct {
    b: *std.Build,
    target: std.Build.ResolvedTarget,
    sources: []const u8,
    foreign: std.StringHashMap(*std.Build.Step.Compile),
    rooms: std.StringHashMap(?*std.Build.Step.Compile),
    thread_sanitizer: bool = false,
    /// Without symbols, as it is shipped; profilers want them.
    strip: bool = true,
    zones: ?std.Build.LazyPath = null,
    authorities: ?std.Build.LazyPath = null,
    page: ?std.Build.LazyPath = null,

    fn init(b: *std.Build, target: std.Build.ResolvedTarget) Shop {
        const sources = b.graph.env_map.get("SLUICE_SOURCES") orelse {
            std.debug.print("The third-party sources are missing. Run ci/zig build instead of zig build.\n", .{});
            std.process.exit(1);
        };
        return .{
            .b = b,
            .target = target,
            .sources = sources,
            .foreign = .init(b.allocator),
            .rooms = .init(b.allocator),
        };
    }

    /// For `version --verbose`: what of vendor/lock is in the product.
    fn libraries(shop: *Shop) []const u8 {
        var out: std.ArrayList(u8) = .empty;
        out.appendSlice(shop.b.allocator, "-DSLUICE_LIBRARIES=\"") catch @panic("OOM");
        var lines = std.mem.tokenizeScalar(u8, @embedFile("vendor/lock"), '\n');
        while (lines.next()) |line| {
            var words = std.mem.tokenizeScalar(u8, line, ' ');
            if (!std.mem.eql(u8, words.next() orelse continue, "source")) continue;
            const name = words.next() orelse continue;
            if (std.mem.eql(u8, name, "cmocka")) continue;
            out.print(shop.b.allocator, "{s} {s}\\n", .{ name, words.next() orelse continue }) catch @panic("OOM");
        }
        out.append(shop.b.allocator, '"') catch @panic("OOM");
        return out.items;
    }

    /// The directory of a third-party source; ci/bootstrap names it after vendor/lock.
    fn tree(shop: *Shop, recipe: *const Recipe) []const u8 {
        var lines = std.mem.tokenizeScalar(u8, @embedFile("vendor/lock"), '\n');
        while (lines.next()) |line| {
            var words = std.mem.tokenizeScalar(u8, line, ' ');
            const kind = words.next() orelse continue;
            if (!std.mem.eql(u8, kind, "source") and !std.mem.eql(u8, kind, "data")) continue;
            if (!std.mem.eql(u8, words.next() orelse continue, recipe.name)) continue;
            return shop.b.fmt("{s}/{s}-{s}", .{ shop.sources, recipe.name, words.next().? });
        }
        std.debug.panic("{s} is not in vendor/lock", .{recipe.name});
    }

    fn path(shop: *Shop, recipe: *const Recipe, sub: []const u8) std.Build.LazyPath {
        return .{ .cwd_relative = shop.b.pathJoin(&.{ shop.tree(recipe), sub }) };
    }

    /// Optimized and without sanitizer in every mode, so it is compiled once for all of them.
    fn foreignLibrary(shop: *Shop, recipe: *const Recipe) *std.Build.Step.Compile {
        if (shop.foreign.get(recipe.name)) |made| return made;
        const b = shop.b;
        const m = b.createModule(.{
            .target = shop.target,
            .optimize = if (recipe.small) .ReleaseSmall else .ReleaseFast,
            .link_libc = true,
            .sanitize_c = .off,
            .sanitize_thread = shop.thread_sanitizer,
            .pic = true,
            .strip = false,
            .unwind_tables = .none,
        });
        for (recipe.private) |dir| m.addIncludePath(shop.path(recipe, dir));
        for (recipe.include) |dir| m.addIncludePath(shop.path(recipe, dir));
        for (recipe.ours_include) |dir| m.addIncludePath(shop.ours(recipe, dir));
        const prefix = b.fmt("-ffile-prefix-map={s}=vendor", .{shop.sources});
        m.addCSourceFiles(.{
            .root = shop.path(recipe, ""),
            .files = recipe.files,
            .flags = std.mem.concat(b.allocator, []const u8, &.{ &FOREIGN, &.{prefix}, recipe.flags }) catch @panic("OOM"),
        });
        for (recipe.uses) |other| {
            for (other.include) |dir| m.addIncludePath(shop.path(other, dir));
            m.linkLibrary(shop.foreignLibrary(other));
        }
        if (recipe.ours.len > 0) m.linkLibrary(shop.glue(recipe));
        const lib = b.addLibrary(.{ .name = recipe.name, .linkage = .static, .root_module = m });
        shop.foreign.put(recipe.name, lib) catch @panic("OOM");
        return lib;
    }

    /// Something of ours beside a recipe.
    fn ours(shop: *Shop, recipe: *const Recipe, name: []const u8) std.Build.LazyPath {
        return shop.b.path(shop.b.fmt("vendor/{s}/{s}", .{ recipe.name, name }));
    }

    /// Our own code between a library and ours; it sees the library's inner headers.
    fn glue(shop: *Shop, recipe: *const Recipe) *std.Build.Step.Compile {
        const b = shop.b;
        const m = shop.module(.ReleaseFast);
        for (recipe.private) |dir| m.addSystemIncludePath(shop.path(recipe, dir));
        for (recipe.include) |dir| m.addSystemIncludePath(shop.path(recipe, dir));
        for (recipe.ours_include) |dir| m.addSystemIncludePath(shop.ours(recipe, dir));
        const files = b.allocator.alloc([]const u8, recipe.ours.len) catch @panic("OOM");
        for (recipe.ours, files) |file, *full| full.* = b.fmt("vendor/{s}/{s}", .{ recipe.name, file });
        shop.addOwn(m, files, recipe.flags);
        return b.addLibrary(.{ .name = b.fmt("{s}-glue", .{recipe.name}), .linkage = .static, .root_module = m });
    }

    fn use(shop: *Shop, m: *std.Build.Module, recipe: *const Recipe) void {
        for (recipe.include) |dir| m.addSystemIncludePath(shop.path(recipe, dir));
        for (recipe.ours_include) |dir| m.addSystemIncludePath(shop.ours(recipe, dir));
        m.linkLibrary(shop.foreignLibrary(recipe));
    }

    /// A module for our own code.
    fn module(shop: *Shop, optimize: std.builtin.OptimizeMode) *std.Build.Module {
        const m = shop.b.createModule(.{
            .target = shop.target,
            .optimize = optimize,
            .link_libc = true,
            .sanitize_c = if (optimize == .Debug and !shop.thread_sanitizer) .full else .off,
            .sanitize_thread = shop.thread_sanitizer,
            .pic = true,
            .strip = optimize != .Debug and shop.strip,
            .unwind_tables = if (optimize != .Debug) .none else null, // Nobody unwinds C; 0.3 MB.
        });
        m.addIncludePath(shop.b.path("src"));
        return m;
    }

    fn addOwn(shop: *Shop, m: *std.Build.Module, files: []const []const u8, flags: []const []const u8) void {
        const b = shop.b;
        const prefix = b.fmt("-ffile-prefix-map={s}=.", .{b.build_root.path orelse "."});
        const version = "-DSLUICE_VERSION=\"" ++ VERSION ++ "\"";
        m.addCSourceFiles(.{
            .root = b.path(""),
            .files = files,
            .flags = std.mem.concat(b.allocator, []const u8, &.{ &STRICT, &.{ prefix, version }, flags }) catch @panic("OOM"),
        });
    }

    /// The library of a room, or null while the room is empty.
    fn room(shop: *Shop, name: []const u8, optimize: std.builtin.OptimizeMode) ?*std.Build.Step.Compile {
        const b = shop.b;
        const key = b.fmt("{s}-{s}", .{ name, @tagName(optimize) });
        if (shop.rooms.get(key)) |made| return made;
        const r = findRoom(name);
        const lib: ?*std.Build.Step.Compile = if (r.files.len == 0) null else lib: {
            const m = shop.module(if (r.small and optimize == .ReleaseFast) .ReleaseSmall else optimize);
            for (r.libs) |recipe| shop.use(m, recipe);
            var quick: std.ArrayList([]const u8) = .empty;
            var small: std.ArrayList([]const u8) = .empty;
            for (r.files) |file| {
                // Zig's glibc comes without crypt.h, and what is tested for races has no passwords.
                if (shop.thread_sanitizer and std.mem.eql(u8, file, "password.c")) continue;
                const list = if (optimize == .ReleaseFast and r.isSmall(file)) &small else &quick;
                list.append(b.allocator, b.fmt("src/{s}/{s}", .{ name, file })) catch @panic("OOM");
            }
            shop.addOwn(m, quick.items, if (std.mem.eql(u8, name, "cli")) &.{shop.libraries()} else &.{});
            if (small.items.len > 0) shop.addOwn(m, small.items, &.{"-Os"});
            if (std.mem.eql(u8, name, "text")) {
                m.addCSourceFile(.{ .file = shop.zoneData(), .flags = &STRICT });
            }
            if (std.mem.eql(u8, name, "crypto")) {
                m.addCSourceFile(.{ .file = shop.authorityData(), .flags = &STRICT });
            }
            if (std.mem.eql(u8, name, "source")) {
                m.addCSourceFile(.{ .file = shop.pageData(), .flags = &STRICT });
            }
            break :lib b.addLibrary(.{ .name = key, .linkage = .static, .root_module = m });
        };
        shop.rooms.put(key, lib) catch @panic("OOM");
        return lib;
    }

    /// The time zones as C tables (src/text/zone_data.h).
    fn zoneData(shop: *Shop) std.Build.LazyPath {
        if (shop.zones == null) shop.zones = shop.pack(tzdata, "zone_data.c");
        return shop.zones.?;
    }

    /// The certificate authorities (src/crypto/tls_authorities.h).
    fn authorityData(shop: *Shop) std.Build.LazyPath {
        if (shop.authorities == null) shop.authorities = shop.pack(certifi, "tls_authorities.c");
        return shop.authorities.?;
    }

    /// PAGE_DATA as a C table.
    fn pageData(shop: *Shop) std.Build.LazyPath {
        if (shop.page == null) shop.page = shop.b.addWriteFiles().add("wa_data.c", shop.pageTable() catch |why| std.debug.panic("PAGE_DATA: {s}", .{@errorName(why)}));
        return shop.page.?;
    }

    fn pageTable(shop: *Shop) ![]const u8 {
        const b = shop.b;
        var out: std.ArrayList(u8) = .empty;
        const w = out.writer(b.allocator);
        try w.print("#include \"source/wa_data.h\"\n", .{});
        for (PAGE_DATA, 0..) |file, n| {
            const whole = try b.build_root.handle.readFileAlloc(b.allocator, file, 1 << 20);
            const text = if (std.mem.endsWith(u8, file, ".js")) try terse(b.allocator, whole) else whole;
            try w.print("static const char data_{d}[] = {{", .{n});
            for (text, 0..) |byte, i| {
                if (i % 24 == 0) try w.print("\n", .{});
                // A char may have a sign or none, and a character constant is right for both.
                if (byte < 128) try w.print("{d},", .{byte}) else try w.print("'\\x{x}',", .{byte});
            }
            try w.print("0}};\n", .{});
        }
        try w.print("const struct wa_data wa_data_files[] = {{\n", .{});
        for (PAGE_DATA, 0..) |file, n| {
            try w.print("    {{STR_INIT(\"{s}\"), {{data_{d}, sizeof data_{d} - 1}}}},\n", .{ std.fs.path.basename(file), n, n });
        }
        try w.print("}};\nconst size_t wa_data_count = {d};\n", .{PAGE_DATA.len});
        return out.items;
    }

    /// What pack.c of a package of data, which runs on the machine that builds, makes of it.
    fn pack(shop: *Shop, recipe: *const Recipe, out: []const u8) std.Build.LazyPath {
        const b = shop.b;
        const m = b.createModule(.{ .target = b.graph.host, .optimize = .Debug, .link_libc = true });
        m.addIncludePath(b.path("src"));
        m.addCSourceFile(.{ .file = b.path(b.fmt("vendor/{s}/pack.c", .{recipe.name})), .flags = &STRICT });
        const run = b.addRunArtifact(b.addExecutable(.{ .name = b.fmt("{s}-pack", .{recipe.name}), .root_module = m }));
        run.addDirectoryArg(shop.path(recipe, ""));
        return run.addOutputFileArg(out);
    }

    /// Link a room and every room below it.
    fn linkRoom(shop: *Shop, m: *std.Build.Module, name: []const u8, optimize: std.builtin.OptimizeMode) void {
        if (shop.room(name, optimize)) |lib| m.linkLibrary(lib);
        for (findRoom(name).may) |below| {
            if (shop.room(below, optimize)) |lib| m.linkLibrary(lib);
        }
    }

    fn program(shop: *Shop, name: []const u8, optimize: std.builtin.OptimizeMode, top: []const u8, files: []const []const u8) *std.Build.Step.Compile {
        const m = shop.module(optimize);
        shop.addOwn(m, files, &.{});
        shop.linkRoom(m, top, optimize);
        if (shop.thread_sanitizer) m.linkSystemLibrary("resolv", .{}); // glibc keeps the DNS apart
        const exe = shop.b.addExecutable(.{ .name = name, .linkage = if (shop.thread_sanitizer) .dynamic else .static, .root_module = m });
        exe.link_gc_sections = true;
        return exe;
    }

    /// A program below tests/ or bench/; it sees the foreign headers that its room sees.
    fn testProgram(shop: *Shop, name: []const u8, optimize: std.builtin.OptimizeMode, top: []const u8, file: []const u8, with: []const []const u8) *std.Build.Step.Compile {
        const b = shop.b;
        var files: std.ArrayList([]const u8) = .empty;
        files.append(b.allocator, file) catch @panic("OOM");
        for (with) |more| files.append(b.allocator, b.fmt("tests/{s}", .{more})) catch @panic("OOM");
        const exe = shop.program(name, optimize, top, files.items);
        exe.root_module.addIncludePath(b.path("tests"));
        exe.root_module.addIncludePath(b.path("tests/text"));
        for (findRoom(top).libs) |recipe| shop.use(exe.root_module, recipe);
        shop.use(exe.root_module, cmocka);
        exe.root_module.addCMacro("HAVE_UINTPTR_T", "1"); // else cmocka.h makes its own
        return exe;
    }

    fn unitTest(shop: *Shop, unit: UnitTest) *std.Build.Step.Compile {
        const b = shop.b;
        const slash = std.mem.indexOfScalar(u8, unit.name, '/') orelse unit.name.len;
        const name = b.dupe(unit.name);
        std.mem.replaceScalar(u8, name, '/', '-');
        const file = b.fmt("tests/{s}_test.c", .{unit.name});
        const exe = shop.testProgram(name, .Debug, unit.room orelse unit.name[0..slash], file, unit.with);
        for (unit.libs) |recipe| shop.use(exe.root_module, recipe);
        return exe;
    }

    /// What ci/sanitize needs to compile everything with another compiler, one item a line.
    fn manifest(shop: *Shop) std.Build.LazyPath {
        const b = shop.b;
        var out: std.ArrayList(u8) = .empty;
        const w = out.writer(b.allocator);
        const recipes = [_]*const Recipe{ bearssl, zlib, pcre2, sqlite, yyjson, libyaml, curl, libpq, mongoc, microhttpd, qrcodegen, cmocka };
        for (recipes) |recipe| {
            w.print("foreign {s}", .{recipe.name}) catch @panic("OOM");
            for (recipe.private) |dir| w.print(" -I{s}/{s}", .{ shop.tree(recipe), dir }) catch @panic("OOM");
            for (recipe.include) |dir| w.print(" -I{s}/{s}", .{ shop.tree(recipe), dir }) catch @panic("OOM");
            for (recipe.ours_include) |dir| w.print(" -Ivendor/{s}/{s}", .{ recipe.name, dir }) catch @panic("OOM");
            for (recipe.uses) |other| {
                for (other.include) |dir| w.print(" -I{s}/{s}", .{ shop.tree(other), dir }) catch @panic("OOM");
            }
            if (recipe.ours.len > 0) w.print(" -Isrc", .{}) catch @panic("OOM");
            for (recipe.flags) |flag| w.print(" {s}", .{flag}) catch @panic("OOM");
            w.print("\n", .{}) catch @panic("OOM");
            for (recipe.files) |file| w.print("file {s} {s}/{s}\n", .{ recipe.name, shop.tree(recipe), file }) catch @panic("OOM");
            for (recipe.ours) |file| w.print("file {s} vendor/{s}/{s}\n", .{ recipe.name, recipe.name, file }) catch @panic("OOM");
            for (recipe.ours_include) |dir| w.print("include vendor/{s}/{s}\n", .{ recipe.name, dir }) catch @panic("OOM");
            for (recipe.include) |dir| w.print("include {s}/{s}\n", .{ shop.tree(recipe), dir }) catch @panic("OOM");
        }
        for (ROOMS) |r| {
            for (r.files) |file| w.print("own src/{s}/{s}\n", .{ r.name, file }) catch @panic("OOM");
        }
        for (UNIT_TESTS) |unit| {
            w.print("test {s}", .{unit.name}) catch @panic("OOM");
            for (unit.with) |file| w.print(" tests/{s}", .{file}) catch @panic("OOM");
            w.print("\n", .{}) catch @panic("OOM");
        }
        return b.addWriteFiles().add("manifest", out.items);
    }
};

/// A script without its indentation and the comments that have lines of their own.
fn terse(allocator: std.mem.Allocator, script: []const u8) ![]const u8 {
    var out: std.ArrayList(u8) = .empty;
    var lines = std.mem.tokenizeScalar(u8, script, '\n');
    var comment = false;
    while (lines.next()) |line| {
        const text = std.mem.trim(u8, line, " ");
        comment = comment or std.mem.startsWith(u8, text, "/*");
        if (!comment) try out.print(allocator, "{s}\n", .{text});
        if (std.mem.endsWith(u8, text, "*/")) comment = false;
    }
    return out.items;
}

fn findRoom(name: []const u8) *const Room {
    for (&ROOMS) |*r| if (std.mem.eql(u8, r.name, name)) return r;
    std.debug.panic("there is no room {s} in build.zig", .{name});
}
