/*
 * targets: every reader of bytes from outside, with what must hold whatever the bytes are.
 *
 * A target takes any bytes. It ends the program (`hold`) where an answer contradicts itself: what
 * was written must be read again, what was found must lie in the text, what was refused must have a
 * reason. Besides, nothing may crash, hang or be read outside of its bounds: AddressSanitizer and
 * UBSan watch that under `ci/zig build fuzz`. The bytes that were worth keeping stand in
 * tests/fuzz/corpus/NAME and are run again by each test run (replay_test.c).
 */
#ifndef SLUICE_TESTS_FUZZ_TARGETS_H
#define SLUICE_TESTS_FUZZ_TARGETS_H

#include "base/str.h"

struct fuzz_target {
    const char *name;
    void (*run)(struct str bytes);
};

/* Ended by a name of NULL. */
extern const struct fuzz_target fuzz_targets[];

const struct fuzz_target *fuzz_find(const char *name);

#endif
