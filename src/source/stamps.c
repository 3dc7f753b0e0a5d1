#include "source/stamps.h"

#include "text/datetime.h"

bool stamps_open(struct stamps *stamps, const char **option, struct err *err)
{
    *option = "zone";
    if (!zone_parse(stamps->zone_name, &stamps->zone, err)) {
        return false;
    }
    *option = "time_format";
    stamps->pattern = (struct timepattern){0};
    if (stamps->format.len == 0) {
        return true;
    }
    return timepattern_compile(stamps->format, &stamps->pattern, err) &&
           (stamps->pattern.reads || err_set(err, ERR_CONFIG, "a date needs year, month and day"));
}

bool stamps_read(const struct stamps *stamps, struct str text, int64_t *time_ms, struct err *err)
{
    struct stamp stamp;
    bool ok = stamps->pattern.count > 0 ? timepattern_read(&stamps->pattern, text, &stamp, err)
                                        : datetime_parse_iso(text, &stamp, err);
    if (ok) {
        *time_ms = zone_stamp_ms(stamps->zone, &stamp, NULL);
    }
    return ok;
}
