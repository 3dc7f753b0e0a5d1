//! certifi: Mozilla's list of certificate authorities. Nothing of it is compiled as code: pack.c writes
//! the table that src/crypto/tls_trust.c reads where the machine has no list.
const Recipe = @import("../recipe.zig").Recipe;

pub const recipe = Recipe{
    .name = "certifi",
    .include = &.{},
    .files = &.{},
};
