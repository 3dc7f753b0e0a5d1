#include "model/secret.h"

struct secret_text {
    struct str text;
};

bool secret_make(struct secret *secret, struct arena *arena, struct str text)
{
    struct secret_text *hidden = arena_alloc(arena, sizeof *hidden);
    if (hidden == NULL) {
        return false;
    }
    hidden->text = arena_copy(arena, text);
    secret->hidden = hidden->text.ptr != NULL ? hidden : NULL;
    return secret->hidden != NULL;
}

struct str secret_reveal(const struct secret *secret)
{
    return secret->hidden != NULL ? secret->hidden->text : (struct str){0};
}
