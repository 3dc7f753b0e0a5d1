/* sheets_answer: what Google's answers mean; seen by net/sheets*.c only. */
#ifndef SLUICE_NET_SHEETS_ANSWER_H
#define SLUICE_NET_SHEETS_ANSWER_H

#include "net/http.h"
#include "net/sheets.h"

struct sheets_answer_place {
    struct str account;
    bool write;
};

/* Why an answer is no good one, in words and as what is known. */
enum sheets_trouble sheets_answer_why(const struct http_answer *answer,
                                      const struct sheets_answer_place *place, struct arena *arena,
                                      struct err *err);

/* "'Title'!A3:C5" as it is in answers: the cells into `area`, whose worksheet stays. */
bool sheets_answer_range(struct str text, struct sheets_area *area);

#endif
