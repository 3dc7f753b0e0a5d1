#include <stdio.h>

#include "cli/cli.h"
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

int cli_version(struct cli *cli)
{
    (void)printf("sluice %s\n", SLUICE_VERSION);
    if (cli->verbose) {
        (void)printf("%s, built by %s\ntime zones %.*s\n%s", MACHINE, __VERSION__,
                     STR_ARG(zone_version()), SLUICE_LIBRARIES);
    }
    return CLI_OK;
}
