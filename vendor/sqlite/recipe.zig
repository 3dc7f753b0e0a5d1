//! SQLite with FTS5. Each thread has its own handle (THREADSAFE=2), a double-quoted string is never
//! a literal (DQS=0), and nothing can be loaded into the process.
const Recipe = @import("../recipe.zig").Recipe;

pub const recipe = Recipe{
    .name = "sqlite",
    .include = &.{"amalgamation"},
    .flags = &.{
        "-DSQLITE_THREADSAFE=2",
        "-DSQLITE_DQS=0",
        "-DSQLITE_ENABLE_FTS5",
        "-DSQLITE_ENABLE_NULL_TRIM", // Columns that are empty at a row's end take no room.
        "-DSQLITE_OMIT_LOAD_EXTENSION",
        "-DSQLITE_OMIT_DEPRECATED",
        "-DSQLITE_OMIT_SHARED_CACHE",
        "-DSQLITE_OMIT_JSON",
        "-DSQLITE_OMIT_UTF16",
        "-DSQLITE_OMIT_TRACE",
        "-DSQLITE_OMIT_AUTHORIZATION",
        "-DSQLITE_OMIT_GET_TABLE",
        "-DSQLITE_OMIT_COMPLETE",
        "-DSQLITE_OMIT_TCL_VARIABLE",
        "-DSQLITE_DEFAULT_MEMSTATUS=0",
        "-DSQLITE_DEFAULT_WAL_SYNCHRONOUS=2",
        "-DSQLITE_LIKE_DOESNT_MATCH_BLOBS",
        "-DSQLITE_TEMP_STORE=2",
        "-DHAVE_USLEEP=1",
        "-DHAVE_FDATASYNC=1",
        "-DHAVE_GMTIME_R=1",
        "-DHAVE_LOCALTIME_R=1",
        "-DHAVE_STRCHRNUL=1",
    },
    .files = &.{"amalgamation/sqlite3.c"},
};
