#include "store/rhythm.h"

#include <string.h>

enum { VERSION = 1, EPOCH_HOUR = 4 * 24 /* 1970 began on a Thursday. */, DROPPED = 2 };

static const float week_weight = 0.8F;

/* -ln(1/1000): how seldom a silence of this kind is longer than the limit in eight weeks. */
static const double seldom = 6.9;

/* ---- The local week ---- */

struct place {
    int32_t week;
    int hour;
    int64_t left_ms; /* Of that hour. */
};

static struct place place_of(const struct zone_span *span, int64_t utc_ms)
{
    int64_t local_ms = utc_ms + span->clock.offset_s * DATETIME_SECOND_MS;
    int64_t into_ms = local_ms % DATETIME_HOUR_MS;
    into_ms += into_ms < 0 ? DATETIME_HOUR_MS : 0;
    int64_t hours = (local_ms - into_ms) / DATETIME_HOUR_MS + EPOCH_HOUR;
    int64_t hour = hours % RHYTHM_HOURS;
    hour += hour < 0 ? RHYTHM_HOURS : 0;
    return (struct place){(int32_t)((hours - hour) / RHYTHM_HOURS), (int)hour,
                          DATETIME_HOUR_MS - into_ms};
}

static struct place look(const struct zone *zone, int64_t utc_ms)
{
    struct zone_span span;
    zone_span_at(zone, utc_ms, &span);
    return place_of(&span, utc_ms);
}

/* ---- What is learned ---- */

static float power(float base, int32_t times)
{
    float value = 1;
    for (int32_t i = 0; i < times && value > 0; i++) {
        value *= base;
    }
    return value;
}

static int32_t weeks_known(const struct rhythm *rhythm)
{
    int32_t weeks = rhythm->week - rhythm->first_week;
    int32_t most = RHYTHM_FORGET_DAYS_MAX / 7;
    return weeks < most ? weeks : most;
}

/* What the weights of all known weeks come to. */
static double weights(const struct rhythm *rhythm)
{
    return (1 - (double)power(week_weight, weeks_known(rhythm))) / (1 - (double)week_weight);
}

/* From its week on to a later one; weeks without a message count as such. */
static void turn_to(struct rhythm *rhythm, int32_t week)
{
    int32_t weeks = week - rhythm->week;
    if (weeks > RHYTHM_WEEKS) { /* Whoever comes back after so long begins anew. */
        *rhythm = (struct rhythm){.newest_ms = rhythm->newest_ms, .week = week, .first_week = week};
        return;
    }
    float before = power(week_weight, weeks);
    float last = power(week_weight, weeks - 1);
    for (int i = 0; i < RHYTHM_HOURS; i++) {
        rhythm->past[i] = rhythm->past[i] * before + (float)rhythm->current[i] * last;
        rhythm->current[i] = 0;
    }
    for (int32_t i = 1; i <= weeks; i++) {
        int32_t slot = (rhythm->week + i) % RHYTHM_WEEKS;
        memset(rhythm->silences[slot], 0, sizeof rhythm->silences[slot]);
    }
    rhythm->week = week;
}

/* Messages that should have come between two moments. */
static double missed(const struct rhythm *rhythm, const struct zone *zone, int64_t from_ms,
                     int64_t to_ms)
{
    double sum = 0;
    struct zone_span span = {.begin_ms = 1};
    double all = weights(rhythm);
    int64_t end_ms = from_ms + RHYTHM_FORGET_DAYS_MAX * DATETIME_DAY_MS;
    to_ms = to_ms < end_ms ? to_ms : end_ms;
    while (from_ms < to_ms) {
        if (from_ms < span.begin_ms || from_ms >= span.end_ms) {
            zone_span_at(zone, from_ms, &span);
        }
        struct place place = place_of(&span, from_ms);
        int64_t step_ms = place.left_ms < to_ms - from_ms ? place.left_ms : to_ms - from_ms;
        sum += (double)rhythm->past[place.hour] / all * (double)step_ms / DATETIME_HOUR_MS;
        from_ms += step_ms;
    }
    return sum;
}

static void note_silence(float *longest, float silence)
{
    for (int i = 0; i < RHYTHM_LONGEST; i++) {
        if (silence > longest[i]) {
            float shorter = longest[i];
            longest[i] = silence;
            silence = shorter;
        }
    }
}

/* It came late, or a stretch of the past was read again. */
static void hear_old(struct rhythm *rhythm, struct place place)
{
    int32_t ago = rhythm->week - place.week;
    if (ago > RHYTHM_FORGET_DAYS_MAX / 7) {
        return;
    }
    if (ago > 0) {
        rhythm->past[place.hour] += power(week_weight, ago - 1);
    } else if (rhythm->current[place.hour] < UINT16_MAX) {
        rhythm->current[place.hour]++;
    }
    rhythm->first_week = place.week < rhythm->first_week ? place.week : rhythm->first_week;
}

void rhythm_hear(struct rhythm *rhythm, const struct zone *zone, int64_t sent_ms)
{
    struct place place = look(zone, sent_ms);
    if (sent_ms <= 0 || place.week < 0) {
        return; /* No message is that old: its time is unknown. */
    }
    if (rhythm->newest_ms == 0) {
        rhythm->week = place.week;
        rhythm->first_week = place.week;
    } else if (sent_ms < rhythm->newest_ms) {
        hear_old(rhythm, place);
        return;
    }
    /* By what was known when the silence began. */
    double silence = weeks_known(rhythm) > 0 ? missed(rhythm, zone, rhythm->newest_ms, sent_ms) : 0;
    if (place.week > rhythm->week) {
        turn_to(rhythm, place.week);
    }
    note_silence(rhythm->silences[place.week % RHYTHM_WEEKS], (float)silence);
    rhythm->current[place.hour] += rhythm->current[place.hour] < UINT16_MAX;
    rhythm->newest_ms = sent_ms;
}

/* ---- What it says ---- */

static double past_sum(const struct rhythm *rhythm)
{
    double sum = 0;
    for (int i = 0; i < RHYTHM_HOURS; i++) {
        sum += (double)rhythm->past[i];
    }
    return sum;
}

double rhythm_weekly(const struct rhythm *rhythm)
{
    return weeks_known(rhythm) > 0 ? past_sum(rhythm) / weights(rhythm) : 0;
}

/* All silences, longest first. */
static int sorted(const struct rhythm *rhythm, float out[RHYTHM_WEEKS * RHYTHM_LONGEST])
{
    int count = 0;
    for (int week = 0; week < RHYTHM_WEEKS; week++) {
        for (int i = 0; i < RHYTHM_LONGEST && rhythm->silences[week][i] > 0; i++) {
            int at = count++;
            for (; at > 0 && out[at - 1] < rhythm->silences[week][i]; at--) {
                out[at] = out[at - 1];
            }
            out[at] = rhythm->silences[week][i];
        }
    }
    return count;
}

double rhythm_limit(const struct rhythm *rhythm)
{
    float longest[RHYTHM_WEEKS * RHYTHM_LONGEST];
    int32_t weeks = weeks_known(rhythm);
    int count = sorted(rhythm, longest) / 2;
    if (weeks < RHYTHM_WEEKS_LEAST || count < DROPPED + 3 ||
        past_sum(rhythm) < (double)RHYTHM_MESSAGES_LEAST) {
        return 0;
    }
    /* The tail behind the last of them falls by a factor e in each `scale`; the longest two count
       as if they were no longer than the third. */
    double least = (double)longest[count - 1];
    double scale = (double)DROPPED * ((double)longest[DROPPED] - least);
    double tail = seldom;
    for (int i = DROPPED; i < count - 1; i++) {
        scale += (double)longest[i] - least;
    }
    for (int i = 1; i <= count; i++) {
        tail += 1.0 / i;
    }
    double limit = least + scale / (count - 1 - DROPPED) * tail;
    limit = limit > (double)RHYTHM_LIMIT_LEAST ? limit : (double)RHYTHM_LIMIT_LEAST;
    return limit * (1 + 1.0 / (weeks - 1));
}

int64_t rhythm_due_ms(const struct rhythm *rhythm, const struct zone *zone)
{
    struct zone_span span = {.begin_ms = 1};
    double left = rhythm_limit(rhythm);
    double all = weights(rhythm);
    int64_t at_ms = rhythm->newest_ms;
    int64_t end_ms = at_ms + RHYTHM_WAIT_DAYS_MAX * DATETIME_DAY_MS;
    if (left <= 0) {
        return 0;
    }
    while (at_ms < end_ms) {
        if (at_ms < span.begin_ms || at_ms >= span.end_ms) {
            zone_span_at(zone, at_ms, &span);
        }
        struct place place = place_of(&span, at_ms);
        double part =
            (double)rhythm->past[place.hour] / all * (double)place.left_ms / DATETIME_HOUR_MS;
        if (part >= left) {
            return at_ms + (int64_t)((double)place.left_ms * left / part);
        }
        left -= part;
        at_ms += place.left_ms;
    }
    return 0;
}

/* ---- As bytes, lowest first ---- */

static uint8_t *put(uint8_t *out, uint64_t value, int bytes)
{
    for (int i = 0; i < bytes; i++) {
        out[i] = (uint8_t)(value >> (8 * i));
    }
    return out + bytes;
}

static uint64_t get(const uint8_t **from, int bytes)
{
    uint64_t value = 0;
    for (int i = 0; i < bytes; i++) {
        value |= (uint64_t)(*from)[i] << (8 * i);
    }
    *from += bytes;
    return value;
}

static uint8_t *put_float(uint8_t *out, float value)
{
    uint32_t bits = 0;
    memcpy(&bits, &value, sizeof bits);
    return put(out, bits, 4);
}

/* Whatever the bytes are: a number that is not below zero. */
static float get_float(const uint8_t **from)
{
    uint32_t bits = (uint32_t)get(from, 4);
    float value = 0;
    memcpy(&value, &bits, sizeof value);
    return value > 0 && value < 1e9F ? value : 0;
}

void rhythm_write(const struct rhythm *rhythm, uint8_t out[RHYTHM_BYTES])
{
    out = put(out, VERSION, 1);
    out = put(out, (uint32_t)rhythm->week, 4);
    out = put(out, (uint32_t)rhythm->first_week, 4);
    out = put(out, (uint64_t)rhythm->newest_ms, 8);
    for (int i = 0; i < RHYTHM_HOURS; i++) {
        out = put(out, rhythm->current[i], 2);
        out = put_float(out, rhythm->past[i]);
    }
    for (int i = 0; i < RHYTHM_WEEKS * RHYTHM_LONGEST; i++) {
        out = put_float(out, rhythm->silences[i / RHYTHM_LONGEST][i % RHYTHM_LONGEST]);
    }
}

bool rhythm_read(struct str bytes, struct rhythm *out)
{
    const uint8_t *from = (const uint8_t *)bytes.ptr;
    *out = (struct rhythm){0};
    if (bytes.len != RHYTHM_BYTES || get(&from, 1) != VERSION) {
        return false;
    }
    out->week = (int32_t)(uint32_t)get(&from, 4);
    out->first_week = (int32_t)(uint32_t)get(&from, 4);
    out->newest_ms = (int64_t)get(&from, 8);
    for (int i = 0; i < RHYTHM_HOURS; i++) {
        out->current[i] = (uint16_t)get(&from, 2);
        out->past[i] = get_float(&from);
    }
    for (int i = 0; i < RHYTHM_WEEKS * RHYTHM_LONGEST; i++) {
        out->silences[i / RHYTHM_LONGEST][i % RHYTHM_LONGEST] = get_float(&from);
    }
    bool sound = out->week >= 0 && out->first_week >= 0 && out->first_week <= out->week;
    *out = sound ? *out : (struct rhythm){0};
    return sound;
}
