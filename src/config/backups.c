#include "config/backups.h"

#include "config/options.h"
#include "config/schedule.h"

enum { KEEP_MAX = 100000 };

struct section {
    struct str to;
    int64_t keep;
};

static const struct option options[] = {
    OPTION_PATH(struct section, to, "to", NULL,
                "The folder; by default `backups` in the data folder, which is no help when that "
                "disk dies."),
    OPTION_INT(struct section, keep, "keep", "14", 1, KEEP_MAX,
               "So many stay; the oldest go once a newer one has been tested."),
    OPTION_END,
};

const struct option *config_backups_options(void)
{
    return options;
}

const struct option *config_backups_described(void)
{
    static const char *const schedules[] = {"schedule", NULL};
    static const struct option described[] = {
        {.type = OPTION_TYPE_MAP,
         .name = "schedule",
         .fallback = OPTION_REQUIRED,
         .doc = "When: `every` or `cron`, as a pipeline has it.",
         .choices = schedules},
        OPTION_END,
    };
    return described;
}

bool config_backups_read(struct config_backups *backups, struct reader *reader,
                         const struct yaml_node *root)
{
    static const char *const also[] = {"schedule", NULL};
    struct section section = {0};
    struct option_set set = {options, &section};
    const struct yaml_node *map = yaml_get(root, STR("backups"));
    const struct yaml_node *when = yaml_get(map, STR("schedule"));
    *backups = (struct config_backups){.wanted = false};
    if (map == NULL) {
        return true;
    }
    if (!reader_is_map(reader, map, "backups") ||
        !config_options_read(reader, map, "backups", &set, 1, also)) {
        return false;
    }
    if (when == NULL) {
        return fault_add(reader->faults, FAULT_MISSING, reader_place(map),
                         "backups has no 'schedule'");
    }
    if (!config_schedule_read(reader, when, &backups->schedule)) {
        return false;
    }
    if (backups->schedule.kind != SCHEDULE_EVERY && backups->schedule.kind != SCHEDULE_CRON) {
        (void)fault_add(reader->faults, FAULT_SCHEDULE, reader_place(when),
                        "backups are made by the clock");
        return fault_help(reader->faults, "write `every: 24h`, or `cron: \"30 3 * * *\"`");
    }
    backups->wanted = true;
    backups->folder = section.to;
    backups->keep = section.keep;
    return true;
}
