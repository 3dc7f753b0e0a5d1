#include "config/fault.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/buf.h"
#include "text/utf8.h"

enum { FAULT_TEXT_MAX = 1024 };

void faults_init(struct faults *faults, struct arena *arena)
{
    *faults = (struct faults){
        .arena = arena,
        .items = arena_array(arena, FAULTS_MAX, sizeof(struct fault)),
        .files = arena_array(arena, FAULTS_FILES_MAX, sizeof(struct faults_file)),
        .hidden = arena_array(arena, FAULTS_HIDDEN_MAX, sizeof(struct place)),
        .filled = arena_array(arena, FAULTS_FILLED_MAX, sizeof(struct faults_filled)),
    };
}

static bool same(const struct fault *fault, enum fault_code code, const struct place *place,
                 struct str text)
{
    return fault->code == code && fault->place.line == place->line &&
           fault->place.column == place->column && str_equal(fault->place.file, place->file) &&
           str_equal(fault->text, text);
}

/* A text that was cut is cut between letters. */
static struct str fitted(const char *text, int len)
{
    struct str all = {text, len < 0 ? 0 : (size_t)len};
    return all.len < FAULT_TEXT_MAX ? all : utf8_cut(all, FAULT_TEXT_MAX - 1);
}

void faults_fill(struct faults *faults, struct str name, struct str value)
{
    if (value.len < FAULTS_FILLED_LEN) {
        return;
    }
    for (size_t i = 0; i < faults->filled_count; i++) {
        if (str_equal(faults->filled[i].value, value)) {
            return;
        }
    }
    if (faults->filled != NULL && faults->filled_count < FAULTS_FILLED_MAX) {
        faults->filled[faults->filled_count++] = (struct faults_filled){name, value};
    }
}

/* The first value of a variable in `text`, if there is one; the longest of those at one place. */
static const struct faults_filled *filled_find(const struct faults *faults, struct str text,
                                               size_t *at)
{
    const struct faults_filled *found = NULL;
    for (size_t i = 0; i < faults->filled_count; i++) {
        const struct faults_filled *one = &faults->filled[i];
        size_t place = str_find(text, one->value, 0);
        if (place != STR_NONE &&
            (found == NULL || place < *at || (place == *at && one->value.len > found->value.len))) {
            found = one;
            *at = place;
        }
    }
    return found;
}

/* A copy that names variables instead of saying their values; absent when the arena is full. */
static struct str discreet(const struct faults *faults, struct str text)
{
    size_t at = 0;
    const struct faults_filled *found = filled_find(faults, text, &at);
    if (found == NULL) {
        return arena_copy(faults->arena, text);
    }
    struct buf out;
    buf_init(&out, faults->arena, text.len + 64);
    while (found != NULL) {
        buf_add(&out, str_slice(text, 0, at));
        buf_printf(&out, "${%.*s}", STR_ARG(found->name));
        text = str_slice(text, at + found->value.len, text.len);
        found = filled_find(faults, text, &at);
    }
    buf_add(&out, text);
    return buf_ok(&out) ? buf_str(&out) : (struct str){0};
}

bool fault_add(struct faults *faults, enum fault_code code, struct place place, const char *format,
               ...)
{
    char text[FAULT_TEXT_MAX];
    va_list args;
    va_start(args, format);
    int len = vsnprintf(text, sizeof text, format, args);
    va_end(args);
    struct str said = discreet(faults, fitted(text, len));
    faults->again = false;
    for (size_t i = 0; i < faults->kept; i++) {
        faults->again = faults->again || same(&faults->items[i], code, &place, said);
    }
    if (faults->again) {
        return false;
    }
    if (faults->items != NULL && faults->kept < FAULTS_MAX) {
        faults->items[faults->kept++] = (struct fault){
            .code = code,
            .place = place,
            .text = said,
        };
    } else {
        faults->again = true; /* Not kept: a help would go to another one. */
    }
    if (code_is_warning(code)) {
        faults->warnings++;
    } else {
        faults->count++;
    }
    return false;
}

bool fault_add_err(struct faults *faults, enum fault_code code, struct place place,
                   const char *option, const struct err *err)
{
    return fault_add_advice(faults, code, place, option, err->text);
}

bool fault_add_advice(struct faults *faults, enum fault_code code, struct place place,
                      const char *what, const char *text)
{
    struct str said = str_of(text);
    size_t semicolon = str_find(said, STR("; "), 0);
    struct str first = str_slice(said, 0, semicolon);
    (void)fault_add(faults, code, place, "%s%s%.*s", what, what[0] != '\0' ? ": " : "",
                    STR_ARG(first));
    if (semicolon != STR_NONE) {
        struct str help = str_slice(said, semicolon + 2, said.len);
        (void)fault_help(faults, "%.*s", STR_ARG(help));
    }
    return false;
}

bool fault_help(struct faults *faults, const char *format, ...)
{
    char text[FAULT_TEXT_MAX];
    va_list args;
    va_start(args, format);
    int len = vsnprintf(text, sizeof text, format, args);
    va_end(args);
    if (!faults->again && faults->kept > 0 && len > 0) {
        faults->items[faults->kept - 1].help = discreet(faults, fitted(text, len));
    }
    return false;
}

const char *fault_severity(const struct fault *fault)
{
    return code_is_warning(fault->code) ? "warning" : "error";
}

struct str fault_line(const struct fault *fault, struct arena *arena)
{
    const struct place *place = &fault->place;
    const char *severity = fault_severity(fault);
    const char *code = code_of(fault->code)->code;
    const char *join = fault->help.len > 0 ? "; " : "";
    if (place->file.ptr == NULL) {
        return arena_printf(arena, "%s[%s]: %.*s%s%.*s", severity, code, STR_ARG(fault->text), join,
                            STR_ARG(fault->help));
    }
    if (place->line == 0) {
        return arena_printf(arena, "%.*s: %s[%s]: %.*s%s%.*s", STR_ARG(place->file), severity, code,
                            STR_ARG(fault->text), join, STR_ARG(fault->help));
    }
    return arena_printf(arena, "%.*s:%zu:%zu: %s[%s]: %.*s%s%.*s", STR_ARG(place->file),
                        place->line, place->column, severity, code, STR_ARG(fault->text), join,
                        STR_ARG(fault->help));
}

void faults_source(struct faults *faults, struct str file, struct str bytes)
{
    if (faults->files != NULL && faults->file_count < FAULTS_FILES_MAX) {
        faults->files[faults->file_count++] = (struct faults_file){file, bytes};
    }
}

void faults_hide(struct faults *faults, struct place place)
{
    if (faults->hidden != NULL && faults->hidden_count < FAULTS_HIDDEN_MAX) {
        faults->hidden[faults->hidden_count] = place;
    }
    faults->hidden_count++; /* Above the limit: excerpts are left out altogether. */
}
