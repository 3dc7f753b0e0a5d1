#include "cli/diff.h"

enum { COLUMN_INDENT = 4, ARROW_WIDTH = 3, VALUE_MIN = 12 };

static void row(struct diff *diff, enum show_style style, char sign, struct str where,
                struct str name)
{
    struct str place = show_text(diff->arena, where, diff->privacy);
    struct str shown = show_text(diff->arena, name, diff->privacy);
    struct str line =
        arena_printf(diff->arena, "%c %.*s %.*s", sign, STR_ARG(place), STR_ARG(shown));
    show_styled(diff->out, diff->screen, style, show_fit(diff->arena, line, diff->screen->width));
    buf_add_byte(diff->out, '\n');
}

void diff_new(struct diff *diff, struct str where, struct str name)
{
    diff->fresh++;
    row(diff, SHOW_GOOD, '+', where, name);
}

void diff_changed(struct diff *diff, struct str where, struct str name)
{
    diff->changed++;
    row(diff, SHOW_WARN, '~', where, name);
}

void diff_gone(struct diff *diff, struct str where, struct str name)
{
    diff->gone++;
    row(diff, SHOW_BAD, '-', where, name);
}

void diff_same(struct diff *diff)
{
    diff->same++;
}

/* How wide each of `parts` values may be beside what stands before them; 0: no limit. */
static size_t value_width(const struct diff *diff, size_t before, size_t parts)
{
    size_t width = diff->screen->width;
    if (width == 0) {
        return 0;
    }
    size_t taken = before + (parts - 1) * ARROW_WIDTH;
    size_t each = width > taken ? (width - taken) / parts : 0;
    return each < VALUE_MIN ? VALUE_MIN : each;
}

static struct str value_of(struct diff *diff, struct str value, size_t width)
{
    if (value.ptr == NULL) {
        return STR("(none)");
    }
    return show_fit(diff->arena, show_text(diff->arena, value, diff->privacy), width);
}

void diff_value(struct diff *diff, struct str column, struct str value)
{
    size_t width = value_width(diff, COLUMN_INDENT + column.len + 2, 1);
    struct str name = show_text(diff->arena, column, SHOW_PEOPLE);
    buf_printf(diff->out, "    %.*s: %.*s\n", STR_ARG(name), STR_ARG(value_of(diff, value, width)));
}

void diff_column(struct diff *diff, struct str column, struct str old, struct str fresh)
{
    size_t width = value_width(diff, COLUMN_INDENT + 2 + column.len + 2, 2);
    struct str name = show_text(diff->arena, column, SHOW_PEOPLE);
    buf_printf(diff->out, "    ~ %.*s: ", STR_ARG(name));
    show_styled(diff->out, diff->screen, SHOW_BAD, value_of(diff, old, width));
    buf_add(diff->out, STR(" → "));
    show_styled(diff->out, diff->screen, SHOW_GOOD, value_of(diff, fresh, width));
    buf_add_byte(diff->out, '\n');
}

void diff_sum(struct diff *diff)
{
    static const char *const names[] = {"new", "changed", "gone", "the same"};
    const int64_t counts[] = {diff->fresh, diff->changed, diff->gone, diff->same};
    bool first = true;
    if (diff->fresh + diff->changed + diff->gone == 0) {
        buf_add(diff->out, STR("nothing would change"));
        first = false;
    } else {
        buf_add_byte(diff->out, '\n');
    }
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
        char text[SHOW_MAX];
        if (counts[i] > 0) {
            buf_printf(diff->out, "%s%.*s %s", first ? "" : ", ",
                       STR_ARG(show_count(counts[i], text)), names[i]);
            first = false;
        }
    }
    buf_add_byte(diff->out, '\n');
}
