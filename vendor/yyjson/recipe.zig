//! yyjson: reading and writing JSON.
const Recipe = @import("../recipe.zig").Recipe;

pub const recipe = Recipe{
    .name = "yyjson",
    .include = &.{"src"},
    .files = &.{"src/yyjson.c"},
};
