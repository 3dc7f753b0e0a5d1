/*
 * zone_data: the time zones as constant tables.
 *
 * The tables are written at build time by vendor/tzdata/pack.c from IANA's compiled zone files and
 * are read by zone.c alone. Nothing in them is a pointer, so they need no relocation and are shared
 * between processes. All times are seconds since 1970 in UTC.
 */
#ifndef SLUICE_TEXT_ZONE_DATA_H
#define SLUICE_TEXT_ZONE_DATA_H

#include <stddef.h>
#include <stdint.h>

/* A clock that a place has used: how far it is from UTC and what it is called. */
struct zone_type {
    int32_t offset_s;
    uint16_t letters; /* Where its abbreviation begins in zone_data_letters, up to a NUL. */
    uint16_t is_dst;
};

/* "The week-th weekday of the month, time_s after its midnight"; week 5 is the last one. */
struct zone_edge {
    int32_t time_s; /* On the wall clock before the change; may be negative or past a day. */
    uint8_t month;
    uint8_t week;
    uint8_t weekday;
    uint8_t unused;
};

/* What holds for ever after the last listed change. */
struct zone_rule {
    struct zone_edge start; /* Of summer time. */
    struct zone_edge end;
    uint16_t standard; /* Types. */
    uint16_t summer;   /* The same as `standard` where the clock is not changed. */
};

struct zone {
    uint32_t time_first;
    uint16_t time_count;
    uint16_t type_first; /* What held before the first change; kinds count from here. */
    uint16_t rule;
    uint16_t name; /* Where the name begins in zone_data_names. */
    uint16_t name_len;
    uint8_t early; /* So many changes at the beginning are before 1901, */
    uint8_t late;  /* and at the end after 2038: see zone_data_times. */
};

extern const char zone_data_version[];
extern const char zone_data_names[];
extern const char zone_data_letters[];

/* The changes of each zone, ascending. Those that 32 bits do not hold are 2^32 more (the early
   ones) or less (the late ones) than they should be. */
extern const int32_t zone_data_times[];
extern const uint8_t zone_data_kinds[]; /* The type from that change on, from type_first. */
extern const struct zone_type zone_data_types[];
extern const struct zone_rule zone_data_rules[];

/* IANA's names in byte order, links included; then the fixed offsets from west to east. */
extern const struct zone zone_data_zones[];
extern const size_t zone_data_named;
extern const size_t zone_data_fixed;

/* The fixed offsets: every quarter of an hour that a place on earth could use. */
enum { ZONE_FIXED_FIRST_S = -12 * 3600, ZONE_FIXED_LAST_S = 14 * 3600, ZONE_FIXED_STEP_S = 900 };

#endif
