//! libmicrohttpd: HTTP/1.1 as a server, on a thread of its own with epoll. No TLS (a proxy does that),
//! no authentication, cookies, upgrades or form parsing: what is not needed is not compiled.
const Recipe = @import("../recipe.zig").Recipe;

pub const recipe = Recipe{
    .name = "microhttpd",
    .small = true,
    .include = &.{"src/include"},
    .private = &.{"src/microhttpd"},
    .ours_include = &.{"include"},
    .flags = &.{ "-D_GNU_SOURCE", "-DHAVE_CONFIG_H" },
    .files = &.{
        "src/microhttpd/connection.c",
        "src/microhttpd/daemon.c",
        "src/microhttpd/internal.c",
        "src/microhttpd/memorypool.c",
        "src/microhttpd/mhd_compat.c",
        "src/microhttpd/mhd_itc.c",
        "src/microhttpd/mhd_mono_clock.c",
        "src/microhttpd/mhd_panic.c",
        "src/microhttpd/mhd_send.c",
        "src/microhttpd/mhd_sockets.c",
        "src/microhttpd/mhd_str.c",
        "src/microhttpd/mhd_threads.c",
        "src/microhttpd/reason_phrase.c",
        "src/microhttpd/response.c",
        "src/microhttpd/sysfdsetsize.c",
    },
};
