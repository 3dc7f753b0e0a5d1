#include "config/fault.h"

#include <stdarg.h>
#include <stdio.h>

enum { FAULT_TEXT_MAX = 1024 };

void faults_init(struct faults *faults, struct arena *arena)
{
    *faults = (struct faults){
        .arena = arena,
        .items = arena_array(arena, FAULTS_MAX, sizeof(struct fault)),
    };
}

bool fault_add(struct faults *faults, struct place place, const char *format, ...)
{
    char text[FAULT_TEXT_MAX];
    va_list args;
    va_start(args, format);
    int len = vsnprintf(text, sizeof text, format, args);
    va_end(args);
    if (len > 0 && faults->items != NULL && faults->count < FAULTS_MAX) {
        size_t kept = (size_t)len < sizeof text ? (size_t)len : sizeof text - 1;
        faults->items[faults->count] = (struct fault){
            .place = place,
            .text = arena_copy(faults->arena, (struct str){text, kept}),
        };
    }
    faults->count++;
    return false;
}

bool fault_add_err(struct faults *faults, struct place place, const char *option,
                   const struct err *err)
{
    return fault_add(faults, place, "%s: %s", option, err->text);
}

size_t faults_kept(const struct faults *faults)
{
    return faults->items == NULL ? 0 : faults->count < FAULTS_MAX ? faults->count : FAULTS_MAX;
}

struct str fault_line(const struct fault *fault, struct arena *arena)
{
    const struct place *place = &fault->place;
    if (place->file.ptr == NULL) {
        return fault->text;
    }
    if (place->line == 0) {
        return arena_printf(arena, "%.*s: %.*s", STR_ARG(place->file), STR_ARG(fault->text));
    }
    return arena_printf(arena, "%.*s:%zu:%zu: %.*s", STR_ARG(place->file), place->line,
                        place->column, STR_ARG(fault->text));
}
