/* The program that libFuzzer drives: $FUZZ_TARGET names the target. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "fuzz/targets.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct fuzz_target *target;

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    const char *name = getenv("FUZZ_TARGET");
    (void)argc;
    (void)argv;
    target = name != NULL ? fuzz_find(name) : NULL;
    if (target != NULL) {
        return 0;
    }
    (void)fprintf(stderr, "set FUZZ_TARGET to one of:");
    for (const struct fuzz_target *one = fuzz_targets; one->name != NULL; one++) {
        (void)fprintf(stderr, " %s", one->name);
    }
    (void)fputc('\n', stderr);
    exit(64);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    target->run((struct str){(const char *)data, size});
    return 0;
}
