//! libyaml: the parser (events with line and column). The emitter and the document API are not
//! listed; our own composer checks for duplicate keys and limits.
const Recipe = @import("../recipe.zig").Recipe;

pub const recipe = Recipe{
    .name = "libyaml",
    .small = true,
    .include = &.{"include"},
    .private = &.{"src"},
    .flags = &.{
        "-DYAML_DECLARE_STATIC",
        "-DYAML_VERSION_MAJOR=0",
        "-DYAML_VERSION_MINOR=2",
        "-DYAML_VERSION_PATCH=5",
        "-DYAML_VERSION_STRING=\"0.2.5\"",
    },
    .files = &.{
        "src/api.c",
        "src/parser.c",
        "src/reader.c",
        "src/scanner.c",
    },
};
