/*
 * when: the times that people type behind --since and --until.
 *
 *     2h  30d  1h30m               so long ago
 *     now  today  yesterday        a day begins and ends on the wall of the configured zone
 *     monday … sunday              the last one before today
 *     2026-01-05                   a whole day
 *     2026-01-05T10:00             on the wall of the configured zone
 *     2026-01-05T10:00Z  …+02:00   anywhere
 *
 * A whole day means its beginning behind --since and its end behind --until, so that
 * `--since yesterday --until yesterday` is yesterday. Moments are milliseconds; an end is the first
 * moment that does not belong any more.
 */
#ifndef SLUICE_CLI_WHEN_H
#define SLUICE_CLI_WHEN_H

#include "cli/cli.h"
#include "text/zone.h"

/* For tables of flags, so that they are called alike everywhere. */
#define WHEN_SINCE                                                                                 \
    {"--since", "TIME", "From then on: 2h, 30d, yesterday, 2026-01-05, 2026-01-05T10:00."}
#define WHEN_UNTIL {"--until", "TIME", "Up to then, written alike; a day means its end."}

enum when_edge { WHEN_BEGIN = 0, WHEN_END };

/* ERR_CONFIG when it is no time, saying which ones there are. */
bool when_parse(struct str text, enum when_edge edge, const struct zone *zone, int64_t now_ms,
                int64_t *ms, struct err *err);

struct when_range {
    int64_t since_ms; /* INT64_MIN: from the beginning. */
    int64_t until_ms; /* INT64_MAX: no end. */
};

/* --since and --until of a verb that has both. CLI_OK, or CLI_USAGE after saying what is wrong. */
int when_range(const struct cli *cli, const struct zone *zone, int64_t now_ms,
               struct when_range *out);

/* One such flag; `*ms` stays as it is when it was not given. */
int when_flag(const struct cli *cli, const char *flag, enum when_edge edge, const struct zone *zone,
              int64_t now_ms, int64_t *ms);

#endif
