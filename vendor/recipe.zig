//! What build.zig has to know about one third-party library. A recipe names the files to compile
//! (never "all of them": what is not listed is not in the product), the flags, and the directories
//! with headers. Where a header or a table has to be made first, `vendor/NAME/prepare` makes it.

pub const Recipe = struct {
    /// As in vendor/lock.
    name: []const u8,
    /// Below the source tree.
    files: []const []const u8,
    flags: []const []const u8 = &.{},
    /// Header directories that users of the library see.
    include: []const []const u8,
    /// Header directories for compiling the library itself.
    private: []const []const u8 = &.{},
    /// Our own, below vendor/NAME: headers that its configure would make, and glue that it calls
    /// (which may include src/ and is compiled as strictly as the rest of our code).
    ours_include: []const []const u8 = &.{},
    ours: []const []const u8 = &.{},
    /// It waits for a network more than it computes: small code rather than quick.
    small: bool = false,
    /// Libraries that it calls.
    uses: []const *const Recipe = &.{},
};
