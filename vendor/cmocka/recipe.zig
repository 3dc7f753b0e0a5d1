//! CMocka: the unit tests' runner; never part of the product.
const Recipe = @import("../recipe.zig").Recipe;

pub const recipe = Recipe{
    .name = "cmocka",
    .include = &.{"include"},
    .flags = &.{
        "-D_GNU_SOURCE",
        "-DHAVE_MALLOC_H",
        "-DHAVE_INTTYPES_H",
        "-DHAVE_SIGNAL_H",
        "-DHAVE_STRINGS_H",
        "-DHAVE_CLOCK_REALTIME",
        "-DHAVE_SIGLONGJMP",
        "-DHAVE_STRSIGNAL",
        "-DHAVE_UINTPTR_T",
        "-DHAVE_STRUCT_TIMESPEC",
        "-DHAVE_GCC_THREAD_LOCAL_STORAGE",
    },
    .files = &.{"src/cmocka.c"},
};
