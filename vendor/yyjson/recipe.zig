//! yyjson: reading and writing JSON.
const Recipe = @import("../recipe.zig").Recipe;

pub const recipe = Recipe{
    .name = "yyjson",
    .include = &.{"src"},
    // Strict JSON, read whole: nobody asks for the rest.
    .flags = &.{
        "-DYYJSON_DISABLE_NON_STANDARD=1",
        "-DYYJSON_DISABLE_UTILS=1",
        "-DYYJSON_DISABLE_INCR_READER=1",
    },
    .files = &.{"src/yyjson.c"},
};
