#include <stdio.h>

#include "cli/cli.h"
#include "crypto/tls_trust.h"
#include "text/json.h"
#include "text/zone.h"

/* "sqlite 3.53.4\nzlib 1.3.1\n…", made by build.zig from vendor/lock. */
#ifndef SLUICE_LIBRARIES
#define SLUICE_LIBRARIES ""
#endif

#if defined(__aarch64__)
#define MACHINE "aarch64"
#elif defined(__x86_64__)
#define MACHINE "x86_64"
#else
#define MACHINE "another machine"
#endif

enum { VERSION_ARENA = 64 * 1024 };

static void write_json(struct buf *out)
{
    struct json_writer json;
    struct str rest = STR(SLUICE_LIBRARIES);
    struct str line = {0};
    json_writer_init(&json, out);
    json_object_begin(&json);
    json_field_str(&json, STR("version"), STR(SLUICE_VERSION));
    json_field_str(&json, STR("machine"), STR(MACHINE));
    json_field_str(&json, STR("compiler"), STR(__VERSION__));
    json_field_str(&json, STR("time_zones"), zone_version());
    json_field_str(&json, STR("authorities"), tls_trust_system());
    json_field_str(&json, STR("authorities_built_in"), str_of(tls_trust_built_in_version()));
    json_key(&json, STR("libraries"));
    json_object_begin(&json);
    while (str_split(&rest, '\n', &line)) {
        size_t space = str_find_byte(line, ' ', 0);
        if (space != STR_NONE) {
            json_field_str(&json, str_slice(line, 0, space), str_slice(line, space + 1, line.len));
        }
    }
    json_object_end(&json);
    json_object_end(&json);
    buf_add_byte(out, '\n');
}

int cli_version(struct cli *cli)
{
    if (cli->json) {
        struct arena arena;
        struct buf out;
        arena_init(&arena, VERSION_ARENA);
        buf_init(&out, &arena, 1024);
        write_json(&out);
        struct str text = buf_str(&out);
        (void)fwrite(text.ptr, 1, text.len, stdout);
        arena_free(&arena);
        return CLI_OK;
    }
    (void)printf("sluice %s\n", SLUICE_VERSION);
    if (cli->verbose) {
        struct str authorities = tls_trust_system();
        (void)printf("%s, built by %s\ntime zones %.*s\n%s", MACHINE, __VERSION__,
                     STR_ARG(zone_version()), SLUICE_LIBRARIES);
        (void)printf("certificate authorities: %.*s (built in: Mozilla's of %s)\n",
                     STR_ARG(authorities), tls_trust_built_in_version());
    }
    return CLI_OK;
}
