/*
 * zone_answer: checks src/text/zone against the lines of zone_oracle.py, given on standard input.
 * Prints the number of questions and of disagreements, the first few of them in full, and fails
 * when there is any.
 */
#include <inttypes.h>
#include <stdio.h>

#include "text/zone.h"

enum { LINE_MAX_LEN = 256, SHOWN_MAX = 20, FIELDS = 7 };

static bool split(char *line, struct str fields[FIELDS])
{
    struct str rest = str_trim(str_of(line));
    int count = 0;
    while (count < FIELDS && str_split(&rest, ' ', &fields[count])) {
        count++;
    }
    return count == FIELDS && rest.ptr == NULL;
}

/* A fold of 0 is the earlier reading in a fold, and the clock from before the change in a gap. */
static bool agrees_on_wall(const struct zone *zone, int64_t wall, int64_t first, int64_t second)
{
    struct civil civil;
    struct zone_local local;
    if (!datetime_to_civil(wall * 1000, &civil)) {
        return false;
    }
    (void)zone_local_to_utc(zone, &civil, &local);
    return local.first_ms == first * 1000 && local.second_ms == second * 1000;
}

static bool agrees(const struct str fields[FIELDS])
{
    int64_t numbers[FIELDS] = {0};
    bool moment = !str_equal(fields[1], STR("-"));
    for (int i = 1; i < FIELDS; i++) {
        if (i != 3 && (i > 1 || moment) && !str_to_int64(fields[i], &numbers[i])) {
            return false;
        }
    }
    const struct zone *zone = zone_find(fields[0]);
    if (zone == NULL || !agrees_on_wall(zone, numbers[4], numbers[5], numbers[6])) {
        return false;
    }
    if (!moment) {
        return true;
    }
    struct zone_clock clock = zone_offset_at(zone, numbers[1] * 1000);
    return clock.offset_s == numbers[2] && str_equal(clock.letters, fields[3]);
}

int main(void)
{
    char line[LINE_MAX_LEN];
    uint64_t asked = 0;
    uint64_t wrong = 0;
    while (fgets(line, sizeof line, stdin) != NULL) {
        struct str fields[FIELDS];
        asked++;
        if ((!split(line, fields) || !agrees(fields)) && wrong++ < SHOWN_MAX) {
            printf("disagrees: %s", line);
        }
    }
    printf("%" PRIu64 " questions, %" PRIu64 " disagreements\n", asked, wrong);
    return asked > 0 && wrong == 0 ? 0 : 1;
}
