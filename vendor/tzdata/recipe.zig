//! tzdata: IANA's compiled time zones. Nothing of it is compiled as code: pack.c reads the files and
//! writes the tables that src/text/zone.c looks into.
const Recipe = @import("../recipe.zig").Recipe;

pub const recipe = Recipe{
    .name = "tzdata",
    .include = &.{},
    .files = &.{},
};
