#include "domain/agent.h"

#include "text/fold.h"
#include "text/unicode.h"
#include "text/utf8.h"

enum {
    LOOK_BYTES = 1024,     /* Of a text: what it begins with. */
    COMMA_ARABIC = 0x060C, /* FOLD_WIDTH has made the full-width one an ASCII one. */
    COMMA_IDEOGRAPHIC = 0x3001,
};

static bool entries_open(struct agent_entries *entries, struct str_list texts, const char *what,
                         struct arena *arena, struct err *err)
{
    *entries = (struct agent_entries){0};
    if (texts.count > AGENT_ENTRIES_MAX) {
        return err_set(err, ERR_CONFIG, "%s: more than %d entries", what, AGENT_ENTRIES_MAX);
    }
    entries->items = arena_array(arena, texts.count + 1, sizeof *entries->items);
    bool ok = entries->items != NULL;
    for (size_t i = 0; ok && i < texts.count; i++) {
        struct agent_entry entry = {.plain = str_trim(texts.items[i])};
        struct err no_number = {0};
        if (entry.plain.len > AGENT_NAME_MAX) {
            return err_set(err, ERR_CONFIG, "%s: an entry has more than %d bytes", what,
                           AGENT_NAME_MAX);
        }
        entry.name = fold_text(arena, entry.plain, FOLD_NAME);
        ok = entry.name.ptr != NULL;
        if (entry.name.len > 0) {
            (void)phone_parse(entry.plain, PHONE_ISRAEL, &entry.phone, &no_number);
            entries->items[entries->count++] = entry;
        }
    }
    return ok || err_set(err, ERR_RETRY, "%s: out of memory", what);
}

/* "@Kenny" and "Kenny," of the configuration are the name Kenny. */
static void strip_names(struct agent_entries *names)
{
    size_t kept = 0;
    for (size_t i = 0; i < names->count; i++) {
        struct str name = names->items[i].name;
        name = str_starts(name, STR("@")) ? str_slice(name, 1, name.len) : name;
        name = str_trim(str_ends(name, STR(",")) ? str_slice(name, 0, name.len - 1) : name);
        names->items[kept].name = name;
        kept += name.len > 0;
    }
    names->count = kept;
}

bool agent_open(struct agent *agent, struct arena *arena, struct err *err)
{
    if (!entries_open(&agent->contacts, agent->contact_texts, "agent_contact", arena, err) ||
        !entries_open(&agent->threads, agent->thread_texts, "agent_thread", arena, err) ||
        !entries_open(&agent->names, agent->name_texts, "agent_names", arena, err)) {
        return false;
    }
    strip_names(&agent->names);
    return true;
}

/* A name, or a number in any look. */
static bool is_who(const struct agent_entry *entry, struct str text)
{
    struct phone phone = {0};
    struct err no_number = {0};
    if (str_equal(text, entry->plain) || fold_equal(text, entry->plain, FOLD_NAME)) {
        return true;
    }
    return entry->phone.len > 0 && phone_parse(text, PHONE_ISRAEL, &phone, &no_number) &&
           phone_equal(&phone, &entry->phone);
}

static bool is_one_of(const struct agent_entries *entries, struct str text)
{
    for (size_t i = 0; text.len > 0 && i < entries->count; i++) {
        if (is_who(&entries->items[i], text)) {
            return true;
        }
    }
    return false;
}

static bool is_thread(const struct agent *agent, struct str chat, enum chat_kind kind)
{
    bool could_be_person = kind == CHAT_PERSON || kind == CHAT_UNKNOWN;
    bool could_be_group = kind == CHAT_GROUP || kind == CHAT_UNKNOWN;
    return (could_be_person && is_one_of(&agent->contacts, chat)) ||
           (could_be_group && is_one_of(&agent->threads, chat));
}

/* Behind "Kenny" comes its comma; behind "@Kenny" comes no more of a word. */
static bool addresses(struct str text, struct str name)
{
    uint32_t code = 0;
    bool at = str_starts(text, STR("@"));
    text = at ? str_slice(text, 1, text.len) : text;
    if (!str_starts(text, name)) {
        return false;
    }
    bool more = utf8_next(text, name.len, &code) > 0;
    if (at) {
        return !more || !unicode_is_word(code);
    }
    return more && (code == ',' || code == COMMA_ARABIC || code == COMMA_IDEOGRAPHIC);
}

static enum agent_answer is_addressed(const struct agent *agent, struct arena *scratch,
                                      struct str text)
{
    if (agent->names.count == 0 || text.len == 0) {
        return AGENT_NO;
    }
    struct str folded = fold_text(scratch, utf8_cut(text, LOOK_BYTES), FOLD_NAME);
    if (folded.ptr == NULL) {
        return AGENT_NO_MEMORY;
    }
    for (size_t i = 0; i < agent->names.count; i++) {
        if (addresses(folded, agent->names.items[i].name)) {
            return AGENT_ADDRESSED;
        }
    }
    return AGENT_NO;
}

enum agent_answer agent_channel(const struct agent *agent, struct arena *scratch,
                                const struct message *message, const struct chat_facts *facts)
{
    if (is_thread(agent, message->chat, facts->kind)) {
        return AGENT_THREAD;
    }
    return is_addressed(agent, scratch, message->text);
}

bool agent_wrote(const struct agent *agent, const struct message *message)
{
    return message->direction != MESSAGE_OUTGOING && is_one_of(&agent->contacts, message->sender);
}
