#!/usr/bin/env python3
"""Ask Python's zoneinfo about the same release of IANA's database that sluice has packed.

    zone_oracle.py "$SLUICE_CACHE"/src/tzdata-* | ci/zig build zone-oracle

Takes a minute or two. The program writes one line for each question: zone, seconds of a moment,
offset and letters then, and the wall clock of that moment with both readings of it (fold 0 and 1).
tests/product/zone_answer.c reads the lines and says how many it would answer otherwise.

Random moments are joined by those around each change of each zone, because that is where programs
disagree. In a gap, Python's two readings are the first and the second of zone_local_to_utc().
"""
import datetime
import random
import sys
import zoneinfo

UTC = datetime.timezone.utc
EPOCH = datetime.datetime(1970, 1, 1, tzinfo=UTC)
LAST = int((datetime.datetime(2500, 1, 1, tzinfo=UTC) - EPOCH).total_seconds())
FIRST = int((datetime.datetime(1850, 1, 1, tzinfo=UTC) - EPOCH).total_seconds())
RANDOM_EACH = 300
STEP = 20 * 86400


def moment(seconds):
    return EPOCH + datetime.timedelta(seconds=seconds)


def seconds_of(when):
    return int((when - EPOCH).total_seconds())


def changes(zone):
    """Moments at which the offset changes, found by walking and halving."""
    at = FIRST
    before = moment(at).astimezone(zone).utcoffset()
    while at < LAST:
        after = moment(at + STEP).astimezone(zone).utcoffset()
        if after != before:
            low, high = at, at + STEP
            while high - low > 1:
                middle = (low + high) // 2
                if moment(middle).astimezone(zone).utcoffset() == before:
                    low = middle
                else:
                    high = middle
            yield high
        at += STEP
        before = after


def ask(name, zone, seconds):
    there = moment(seconds).astimezone(zone)
    naive = there.replace(tzinfo=None, fold=0)
    wall = int((naive - datetime.datetime(1970, 1, 1)).total_seconds())
    read = [seconds_of(naive.replace(tzinfo=zone, fold=fold)) for fold in (0, 1)]
    print(name, seconds, int(there.utcoffset().total_seconds()), there.tzname(), wall, *read)


def ask_wall(name, zone, wall):
    """A wall clock that no moment need show: inside gaps as well."""
    naive = datetime.datetime(1970, 1, 1) + datetime.timedelta(seconds=wall)
    read = [seconds_of(naive.replace(tzinfo=zone, fold=fold)) for fold in (0, 1)]
    print(name, "-", 0, "-", wall, *read)


def main():
    zoneinfo.reset_tzpath([sys.argv[1] + "/tzdata/zoneinfo"])
    chance = random.Random(20261)
    with open(sys.argv[1] + "/tzdata/zones") as lines:
        names = lines.read().split()
    for name in names:
        zone = zoneinfo.ZoneInfo(name)
        for _ in range(RANDOM_EACH):
            ask(name, zone, chance.randrange(FIRST, LAST))
        for change in changes(zone):
            for near in (-86400, -3601, -3600, -1, 0, 1, 1799, 1800, 3599, 3600, 86400):
                ask(name, zone, change + near)
            jump = int(moment(change).astimezone(zone).utcoffset().total_seconds())
            for near in (-7200, -3600, -1800, -1, 0, 1800, 3600):
                ask_wall(name, zone, change + jump + near)


if __name__ == "__main__":
    main()
