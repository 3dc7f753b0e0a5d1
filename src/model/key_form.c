#include "model/key_form.h"

#include "text/phone.h"

enum { FORM_TEXT = 0, FORM_PHONE };

const char *const key_form_names[] = {"text", "phone", NULL};
const char *const key_form_countries[] = {"israel", "south-africa", "none", NULL};
static const enum phone_country countries[] = {PHONE_ISRAEL, PHONE_SOUTH_AFRICA, PHONE_ANYWHERE};

bool key_form_apply(const struct key_form *form, struct str text, struct arena *arena,
                    struct str *key, struct err *err)
{
    struct phone phone;
    if (text.len == 0 || text.len > KEY_FORM_BYTES_MAX) {
        return err_set(err, ERR_REJECT, "its key is empty, or longer than %d bytes",
                       KEY_FORM_BYTES_MAX);
    }
    if (form->form == FORM_PHONE) {
        if (!phone_parse(text, countries[form->country], &phone, err)) {
            return err_prefix(err, "its key is no telephone number: ");
        }
        text = phone_str(&phone);
    }
    *key = arena_copy(arena, text);
    return key->ptr != NULL || err_set(err, ERR_RETRY, "out of step memory for a key");
}
