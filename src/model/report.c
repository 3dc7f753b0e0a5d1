#include "model/report.h"

#include "base/str.h"

void report_err(struct report *report, const char *option, const struct err *err)
{
    static const struct str mark = STR_INIT("at character ");
    struct str text = str_of(err->text);
    size_t at = str_find(text, mark, 0);
    size_t character = 0;
    for (size_t i = at == STR_NONE ? text.len : at + mark.len;
         i < text.len && text.ptr[i] >= '0' && text.ptr[i] <= '9' && character < 100000; i++) {
        character = character * 10 + (size_t)(text.ptr[i] - '0');
    }
    report->fault(report, option, character, err->text);
}
