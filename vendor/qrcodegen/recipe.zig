//! qrcodegen: QR codes from bytes (Project Nayuki).
const Recipe = @import("../recipe.zig").Recipe;

pub const recipe = Recipe{
    .name = "qrcodegen",
    .include = &.{"c"},
    .files = &.{"c/qrcodegen.c"},
    .small = true,
};
