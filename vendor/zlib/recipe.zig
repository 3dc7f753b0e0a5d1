//! zlib: deflate and inflate on memory; the gz* file functions are left out.
const Recipe = @import("../recipe.zig").Recipe;

pub const recipe = Recipe{
    .name = "zlib",
    .include = &.{"."},
    .flags = &.{ "-DHAVE_UNISTD_H", "-DHAVE_STDARG_H", "-DHAVE_HIDDEN", "-D_LARGEFILE64_SOURCE=1" },
    .files = &.{
        "adler32.c",
        "compress.c",
        "crc32.c",
        "deflate.c",
        "infback.c",
        "inffast.c",
        "inflate.c",
        "inftrees.c",
        "trees.c",
        "uncompr.c",
        "zutil.c",
    },
};
