#include "source/wa_visit.h"

#include <inttypes.h>
#include <string.h>

#include "base/must.h"
#include "crypto/digest.h"
#include "source/wa_give.h"

enum {
    MINUTE_MS = 60 * 1000,
    NAP_MS = 500,
    JUMPS_MAX = 2,
    OPEN_TRIES_MAX = 3,
    STUCK_PAUSE_MS = 800, /* Longer with each step that brought nothing. */
    VISIT_ARENA_MAX = 8 * 1024 * 1024,
};

static int64_t now_ms(const struct wa_visit *visit)
{
    return clock_mono_ms(visit->env->clock);
}

static bool stopping(const struct wa_visit *visit)
{
    return visit->env->stopping != NULL && visit->env->stopping(visit->env->stopping_context);
}

/* ---- Beginning ---- */

static bool copy_past(struct wa_visit *visit, const struct wa_cursor *past)
{
    size_t watch = (size_t)visit->env->limits.watch;
    size_t from = past->known_count > watch ? past->known_count - watch : 0;
    visit->past = *past;
    visit->past.known_count = past->known_count - from;
    visit->past.known = arena_array(&visit->arena, watch + 1, sizeof *visit->past.known);
    visit->past.preview = arena_copy(&visit->arena, past->preview);
    if (visit->past.known == NULL || visit->past.preview.ptr == NULL) {
        return false;
    }
    for (size_t i = from; i < past->known_count; i++) {
        struct wa_known known = past->known[i];
        known.files = known.files.len > 0 ? arena_copy(&visit->arena, known.files) : known.files;
        if (past->known[i].files.len > 0 && known.files.ptr == NULL) {
            return false;
        }
        visit->past.known[i - from] = known;
    }
    for (size_t i = 0; i < visit->past.gap_count; i++) {
        visit->past.gaps[i].why = arena_copy(&visit->arena, visit->past.gaps[i].why);
        if (visit->past.gaps[i].why.ptr == NULL) {
            return false;
        }
    }
    return true;
}

bool wa_visit_begin(struct wa_visit *visit, const struct wa_visit_env *env,
                    const struct wa_wish *wish, const struct wa_cursor *past, struct err *err)
{
    must(env->limits.watch > 0 && env->limits.watch <= WA_KNOWN_MAX);
    struct wa_cursor none = {0};
    *visit = (struct wa_visit){.env = env, .wish = *wish, .stage = WA_VISIT_OPEN};
    arena_init(&visit->arena, VISIT_ARENA_MAX);
    wa_scroll_init(&visit->scroll, WA_VISIT_MEMORY_MAX);
    visit->fresh = wish->range || past == NULL || past->known_count == 0;
    bool ok = copy_past(visit, past == NULL || wish->range ? &none : past);
    visit->wish.chat = arena_copy(&visit->arena, wish->chat);
    visit->place.chat = visit->wish.chat;
    visit->wish.preview = arena_copy(&visit->arena, wish->preview);
    visit->past.chat = visit->wish.chat;
    ok = ok && visit->wish.chat.ptr != NULL && visit->wish.preview.ptr != NULL;
    if (!ok) {
        wa_visit_end(visit);
        return err_set(err, ERR_RETRY, "out of memory for a visit");
    }
    return true;
}

void wa_visit_end(struct wa_visit *visit)
{
    if (visit->stage != WA_VISIT_NONE) {
        wa_spool_clear(visit->env->spool);
        wa_scroll_free(&visit->scroll);
        arena_free(&visit->arena);
    }
    *visit = (struct wa_visit){0};
}

/* ---- What is known ---- */

/* The minute of the oldest row that is known; 0 when none has one. */
static int64_t oldest_minute(const struct wa_cursor *past)
{
    int64_t minute = 0;
    for (size_t i = 0; i < past->known_count; i++) {
        int64_t one = past->known[i].minute;
        minute = one != 0 && (minute == 0 || one < minute) ? one : minute;
    }
    return minute;
}

static bool is_older_than_known(const struct wa_visit *visit, const struct wa_node *node)
{
    int64_t minute = oldest_minute(&visit->past);
    return node->row.sent_ms != 0 && minute != 0 && node->row.sent_ms / MINUTE_MS < minute;
}

static bool is_below_floor(const struct wa_visit *visit, const struct wa_node *node)
{
    return node->row.sent_ms != 0 && node->row.sent_ms < visit->wish.floor_ms;
}

/* A row that leaves a message behind. */
static bool counts(const struct wa_visit *visit, const struct wa_node *node)
{
    return node->row.kind != WA_SYSTEM || visit->env->limits.system;
}

/* It was handed out and looks as it did then, and nothing of it is owed. */
static bool is_settled_with(const struct wa_known *known, const struct wa_node *node)
{
    return known != NULL && known->look == wa_digest_look(&node->row) && known->owed == 0;
}

/* Pictures that are to be fetched for it: of new rows, and those that are owed. */
static bool wants_pictures(const struct wa_visit *visit, const struct wa_node *node)
{
    const struct wa_known *known = wa_cursor_find(&visit->past, node->id);
    if (!visit->env->limits.pictures || node->fetched || node->row.media == 0 ||
        node->row.deleted || node->row.sent_ms == 0) {
        return false;
    }
    if (known != NULL) {
        return known->owed > 0 || (known->files.len == 0 && !is_settled_with(known, node));
    }
    return visit->stage != WA_VISIT_CLIMB ||
           !(visit->fresh ? is_below_floor(visit, node) : is_older_than_known(visit, node));
}

/* ---- Pictures ---- */

static bool fetch_picture(struct wa_visit *visit, struct wa_node *node, size_t nth,
                          int64_t deadline_ms, struct arena *scratch, struct err *err)
{
    const struct wa_visit_env *env = visit->env;
    struct str bytes = {0};
    struct str extension = {0};
    struct wa_picture *picture = &node->pictures[node->picture_count];
    if (!wa_page_media(env->page, &node->row, nth, (size_t)env->limits.picture_max, deadline_ms,
                       scratch, &bytes, &extension, err) ||
        !wa_spool_put(env->spool, bytes, &picture->offset, err)) {
        return false;
    }
    picture->len = bytes.len;
    size_t len = extension.len < sizeof picture->extension ? extension.len : 0;
    memcpy(picture->extension, extension.ptr, len);
    picture->extension[len] = '\0';
    (void)digest_hex(DIGEST_SHA256, bytes, picture->sha256);
    node->picture_count++;
    visit->tally.pictures++;
    return true;
}

/* One that cannot be had is told in `extra`; the message does not wait for it. */
static bool fetch_pictures(struct wa_visit *visit, struct wa_node *node, int64_t deadline_ms,
                           struct arena *scratch, struct err *err)
{
    size_t count = node->row.media < WA_MEDIA_MAX ? node->row.media : WA_MEDIA_MAX;
    node->pictures = arena_array(&visit->scroll.arena, count, sizeof *node->pictures);
    count = node->pictures == NULL ? 0 : count;
    node->picture_count = 0;
    node->missing = node->row.media - count;
    node->again = node->pictures == NULL;
    for (size_t i = 0; i < count; i++) {
        struct err why = {0};
        struct arena_mark mark = arena_mark(scratch);
        if (!fetch_picture(visit, node, i, deadline_ms, scratch, &why)) {
            if (why.kind == ERR_STOP || why.kind == ERR_LOGIN) {
                *err = why;
                return false;
            }
            node->missing++;
            visit->tally.missing++;
            node->again = node->again || why.kind != ERR_REJECT;
        }
        arena_rewind(scratch, mark);
    }
    node->fetched = true;
    return true;
}

/* Of the rows from `node` to before `end`. Not `all`: no time is left. */
static bool fetch_between(struct wa_visit *visit, struct wa_node *node, const struct wa_node *end,
                          struct batch *batch, int64_t deadline_ms, bool *all, struct err *err)
{
    *all = true;
    for (; node != NULL && node != end; node = node->newer) {
        if (!wants_pictures(visit, node)) {
            continue;
        }
        if (now_ms(visit) + WA_PICTURE_MS > deadline_ms || stopping(visit)) {
            *all = false;
            return true;
        }
        if (!fetch_pictures(visit, node, deadline_ms, batch->arena, err)) {
            return false;
        }
    }
    return true;
}

/* ---- Opening and climbing ---- */

/* For each message of a large group it would be too much. */
static bool keep_people(struct wa_visit *visit, const struct wa_open *open, struct err *err)
{
    size_t bytes = 0;
    struct str *names = arena_array(&visit->arena, open->member_count + 1, sizeof *names);
    visit->place.count = 0;
    for (size_t i = 0; names != NULL && i < open->member_count; i++) {
        names[i] = arena_copy(&visit->arena, open->members[i]);
        bytes += open->members[i].len;
        if (names[i].ptr == NULL) {
            names = NULL;
        }
    }
    if (names == NULL) {
        return err_set(err, ERR_RETRY, "whatsapp-web: a chat's people do not fit into memory");
    }
    if (bytes <= WA_PEOPLE_BYTES_MAX) {
        visit->place.names = names;
        visit->place.count = open->member_count;
    }
    return true;
}

static bool open_chat(struct wa_visit *visit, struct batch *batch, int64_t deadline_ms,
                      struct err *err)
{
    struct wa_open open = {0};
    for (int i = 0; i < OPEN_TRIES_MAX; i++) {
        open = (struct wa_open){0};
        if (!wa_page_open(visit->env->page, visit->wish.chat, deadline_ms, batch->arena, &open,
                          err)) {
            return false;
        }
        if (open.how != WA_WRONG) {
            break; /* The list moved: look again. */
        }
    }
    visit->how = open.how;
    visit->stage = open.how == WA_OPENED ? WA_VISIT_CLIMB : WA_VISIT_SHUT;
    if (open.how == WA_OPENED && open.group && !keep_people(visit, &open, err)) {
        return false;
    }
    for (size_t i = 0; open.how == WA_NOT_FOUND && i < open.nearest_count; i++) {
        visit->nearest[i] = arena_copy(&visit->arena, open.nearest[i]);
        visit->nearest_count = i + 1;
    }
    return true;
}

/* What the rows that came with a step say about how far the climb has got. */
static void look_at_new(struct wa_visit *visit)
{
    const struct wa_cursor *past = &visit->past;
    for (struct wa_node *node = visit->checked == NULL ? visit->scroll.newest
                                                       : visit->checked->older;
         node != NULL; node = node->older) {
        bool known = wa_cursor_find(past, node->id) != NULL;
        visit->overlap = known ? node : visit->overlap;
        visit->met_oldest = visit->met_oldest || (known && node->id == past->known[0].id) ||
                            is_older_than_known(visit, node);
        visit->tally.rows++;
        visit->tally.system += node->row.kind == WA_SYSTEM;
    }
    visit->checked = visit->scroll.oldest;
}

/* The page lost its place: begin at its end again. */
static void jumped(struct wa_visit *visit)
{
    visit->jumps++;
    if (visit->jumps > JUMPS_MAX) {
        visit->why = "jump";
        return;
    }
    wa_scroll_clear(&visit->scroll);
    wa_spool_clear(visit->env->spool);
    visit->shown = false;
    visit->checked = NULL;
    visit->overlap = NULL;
    visit->met_oldest = false;
}

static void take_window(struct wa_visit *visit, const struct wa_window *window)
{
    switch (wa_scroll_join(&visit->scroll, window)) {
    case WA_FULL:
        visit->why = "memory";
        return;
    case WA_JUMPED:
        jumped(visit);
        return;
    case WA_JOINED:
        break;
    }
    visit->shown = true;
    visit->top = window->top;
    visit->boundary = window->boundary;
    visit->stuck = window->stuck && !visit->top ? visit->stuck + 1 : 0;
}

/* Wait as a person would, but never past the time that is left. */
static void keep_pace(struct wa_visit *visit)
{
    struct clock *clock = visit->env->clock;
    while (visit->pace_until_ms > now_ms(visit) && !stopping(visit)) {
        int64_t nap_ms = now_ms(visit) + NAP_MS;
        clock->sleep_until(clock, nap_ms < visit->pace_until_ms ? nap_ms : visit->pace_until_ms);
    }
}

static void set_pace(struct wa_visit *visit)
{
    int64_t pace_ms = visit->env->limits.pace_ms;
    if (pace_ms > 0) {
        pace_ms += (int64_t)rng_below(visit->env->rng, (uint64_t)(pace_ms * 3 / 2) + 1);
        pace_ms += visit->stuck * (int64_t)STUCK_PAUSE_MS;
    }
    visit->pace_until_ms = now_ms(visit) + pace_ms;
}

/* One look at the end of the chat, or one step up. */
static bool step(struct wa_visit *visit, struct batch *batch, int64_t deadline_ms, bool travels,
                 struct err *err)
{
    struct wa_window window = {0};
    struct arena_mark mark = arena_mark(batch->arena);
    struct wa_page *page = visit->env->page;
    keep_pace(visit);
    bool ok = visit->shown ? wa_page_older(page, deadline_ms, batch->arena, &window, err)
                           : wa_page_newest(page, deadline_ms, batch->arena, &window, err);
    if (!ok) {
        arena_rewind(batch->arena, mark);
        return false;
    }
    if (visit->shown) {
        visit->tally.steps++;
        *(travels ? &visit->travelled : &visit->climbed) += 1;
    }
    take_window(visit, &window);
    set_pace(visit);
    arena_rewind(batch->arena, mark);
    return true;
}

/* ---- How far is far enough ---- */

static size_t counted(const struct wa_visit *visit)
{
    size_t count = 0;
    for (const struct wa_node *node = visit->scroll.newest; node != NULL; node = node->older) {
        count += counts(visit, node);
    }
    return count;
}

/* So much is new that rows fall out of what is known: they are looked at one last time. */
static bool pushes_out(const struct wa_visit *visit)
{
    size_t fresh = 0;
    const struct wa_node *node = visit->scroll.newest;
    for (; node != NULL && node != visit->overlap; node = node->older) {
        fresh += wa_cursor_find(&visit->past, node->id) == NULL;
    }
    return fresh + visit->past.known_count > (size_t)visit->env->limits.watch + WA_PUSHED_MAX;
}

/* Nothing that should be handed out can be missing further up. */
static bool far_enough(const struct wa_visit *visit)
{
    if (!visit->shown) {
        return false;
    }
    if (visit->top) {
        return true;
    }
    if (!visit->fresh) {
        bool quick = !visit->wish.full && !pushes_out(visit);
        return visit->met_oldest || (quick && visit->overlap != NULL);
    }
    if (visit->wish.first_rows > 0 && !visit->wish.range) {
        return (int64_t)counted(visit) >= visit->wish.first_rows;
    }
    for (const struct wa_node *node = visit->scroll.oldest; node != NULL; node = node->newer) {
        if (node->row.sent_ms != 0) {
            return is_below_floor(visit, node);
        }
    }
    return false;
}

/* The oldest row that is handed out, if it is not known and unchanged; NULL: none is. */
static struct wa_node *first_of(const struct wa_visit *visit)
{
    struct wa_node *first = visit->scroll.oldest;
    if (visit->fresh && visit->wish.first_rows > 0 && !visit->wish.range) {
        int64_t left = visit->wish.first_rows;
        first = NULL;
        for (struct wa_node *node = visit->scroll.newest; node != NULL && left > 0;
             node = node->older) {
            left -= counts(visit, node);
            first = node;
        }
        return first;
    }
    for (struct wa_node *node = first; node != NULL; node = node->newer) {
        if (!visit->fresh && visit->past.known_count > 0 && node->id == visit->past.known[0].id) {
            return node;
        }
        if (!visit->fresh && node == visit->overlap) {
            break;
        }
        bool before = visit->fresh ? is_below_floor(visit, node) : is_older_than_known(visit, node);
        if (before) {
            first = node->newer;
        } else if (visit->fresh && node->row.sent_ms != 0) {
            break;
        }
    }
    return first;
}

/* The newest row that is to be handed out and is still open, from `first` on. */
static struct wa_node *newest_open(const struct wa_visit *visit, struct wa_node *first)
{
    struct wa_node *open = NULL;
    for (struct wa_node *node = first; node != NULL; node = node->newer) {
        if (node->row.open && counts(visit, node) &&
            !is_settled_with(wa_cursor_find(&visit->past, node->id), node)) {
            open = node;
        }
    }
    return open;
}

static const char *limit_reached(const struct wa_visit *visit)
{
    const struct wa_limits *limits = &visit->env->limits;
    bool range = visit->wish.range;
    if (visit->why != NULL) {
        return visit->why;
    }
    if (visit->boundary) {
        return "phone";
    }
    if (visit->stuck >= WA_STUCK_MAX) {
        return "stuck";
    }
    if (!range && visit->climbed >= limits->steps) {
        return "steps";
    }
    if (!range && (int64_t)visit->scroll.count >= limits->messages &&
        visit->stage == WA_VISIT_CLIMB) {
        return "messages";
    }
    return visit->travelled >= WA_TRAVEL_MAX ? "steps" : NULL;
}

/* ---- What a visit leaves known ---- */

static struct wa_marks marks_from(struct wa_node *node)
{
    struct wa_marks marks = {0};
    for (; node != NULL && marks.count < WA_MARKS_MAX; node = node->newer) {
        marks.ids[marks.count++] = node->id;
    }
    return marks;
}

static int64_t time_from(const struct wa_visit *visit, const struct wa_node *node)
{
    for (; node != NULL; node = node->newer) {
        if (node->row.sent_ms != 0) {
            return node->row.sent_ms;
        }
    }
    return clock_wall_ms(visit->env->clock);
}

/* The rows that stand below a gap that opens now: the newest of those that are known, or, when it
 * lies among them, the oldest. */
static void gap_below(const struct wa_visit *visit, struct wa_gap *gap)
{
    const struct wa_cursor *past = &visit->past;
    bool among = visit->overlap != NULL;
    for (size_t i = 0; i < past->known_count && !visit->fresh; i++) {
        const struct wa_known *known = &past->known[among ? i : past->known_count - 1 - i];
        if (gap->below.count < WA_MARKS_MAX) {
            gap->below.ids[gap->below.count++] = known->id;
        }
    }
    if (among) {
        gap->from_ms = oldest_minute(past) * MINUTE_MS;
        return;
    }
    for (size_t i = 0; i < past->known_count && !visit->fresh; i++) {
        int64_t ms = past->known[i].minute * MINUTE_MS;
        gap->from_ms = ms > gap->from_ms ? ms : gap->from_ms;
    }
}

/* Between what was known and what could be reached now something is missing. */
static bool open_gap(struct wa_visit *visit, struct batch *batch, struct wa_node *first,
                     const char *why, struct err *err)
{
    struct wa_gap gap = {.from_ms = visit->wish.floor_ms,
                         .to_ms = time_from(visit, first),
                         .since_ms = clock_wall_ms(visit->env->clock),
                         .why = str_of(why),
                         .above = marks_from(first)};
    if (!visit->fresh) {
        gap.from_ms = 0;
    }
    gap_below(visit, &gap);
    visit->past.known_count = 0; /* They stand below the gap from now on. */
    visit->overlap = NULL;
    visit->moved = true;
    wa_cursor_gap_add(&visit->past, &gap);
    return wa_give_gap(batch, visit->wish.chat, &gap, visit->wish.range ? "left" : "open", err);
}

/* Room for one more at the newer end: the oldest goes. */
static void push_known(struct wa_visit *visit, const struct wa_known *known)
{
    struct wa_cursor *past = &visit->past;
    if (past->known_count == (size_t)visit->env->limits.watch) {
        memmove(past->known, past->known + 1, (past->known_count - 1) * sizeof *past->known);
        past->known_count--;
    }
    past->known[past->known_count++] = *known;
}

static struct wa_known *known_of(struct wa_visit *visit, uint64_t id)
{
    for (size_t i = 0; i < visit->past.known_count; i++) {
        if (visit->past.known[i].id == id) {
            return &visit->past.known[i];
        }
    }
    return NULL;
}

/* Rows that are known and no longer there, between others that are, are forgotten. */
static void forget_vanished(struct wa_visit *visit)
{
    struct wa_cursor *past = &visit->past;
    size_t kept = 0;
    bool within = visit->overlap == NULL;
    for (size_t i = 0; i < past->known_count; i++) {
        bool there = wa_scroll_find(&visit->scroll, past->known[i].id) != NULL;
        within = within || there;
        if (there || !within) {
            past->known[kept++] = past->known[i];
        }
    }
    visit->moved = visit->moved || kept != past->known_count;
    past->known_count = kept;
}

static bool note_given(struct wa_visit *visit, const struct wa_node *node, struct str files,
                       const struct wa_known *before, struct err *err)
{
    bool owes = node->again && node->missing > 0;
    int owed = before != NULL && before->owed > 0 ? before->owed - 1 : WA_TRIES_MAX;
    struct wa_known known = {.id = node->id,
                             .look = wa_digest_look(&node->row),
                             .minute = node->row.sent_ms / MINUTE_MS,
                             .owed = owes ? owed : 0};
    if (files.len > 0) {
        known.files = arena_copy(&visit->arena, files);
        if (known.files.ptr == NULL) {
            return err_set(err, ERR_RETRY, "out of memory for what is known of a chat");
        }
    }
    struct wa_known *there = known_of(visit, node->id);
    visit->moved = true;
    if (there != NULL) {
        *there = known;
    } else {
        push_known(visit, &known);
    }
    return true;
}

/* ---- Handing out ---- */

static bool in_range(const struct wa_visit *visit, const struct wa_node *node)
{
    return !visit->wish.range || visit->wish.until_ms == 0 ||
           node->row.sent_ms <= visit->wish.until_ms;
}

/* All of its pictures or none, as long as those that are missing may still come: what is attached
 * to a message then changes once at most. */
static void hold_back_pictures(struct wa_node *node, const struct wa_known *known)
{
    bool last = known != NULL && known->owed == 1;
    if (node->again && node->missing > 0 && !last) {
        node->missing = node->row.media;
        node->picture_count = 0;
    }
}

/* From visit->next to visit->last; `learns`: they become known. */
static bool give(struct wa_visit *visit, struct batch *batch, bool learns, bool *all,
                 struct err *err)
{
    *all = false;
    while (visit->next != NULL) {
        struct wa_node *node = visit->next;
        const struct wa_known *known = wa_cursor_find(&visit->past, node->id);
        struct wa_known before = known != NULL ? *known : (struct wa_known){0};
        enum wa_given given = WA_GIVEN;
        struct str files = {0};
        if (!is_settled_with(known, node)) {
            bool handed = counts(visit, node) && in_range(visit, node);
            bool kept = before.files.len > 0 && (before.owed == 0 || node->missing > 0);
            hold_back_pictures(node, known);
            if (handed &&
                !wa_give_row(batch, &visit->place, node, kept ? before.files : (struct str){0},
                             visit->env->spool, &given, &files, err)) {
                return false;
            }
            if (given == WA_NO_ROOM) {
                batch->more = true;
                return true;
            }
            visit->tally.given += handed && given == WA_GIVEN;
            visit->tally.refused += given == WA_REFUSED;
            visit->tally.changed += known != NULL;
            if (learns && !note_given(visit, node, files, known != NULL ? &before : NULL, err)) {
                return false;
            }
        }
        visit->next = node == visit->last ? NULL : node->newer;
    }
    *all = true;
    return true;
}

static bool prepare_give(struct wa_visit *visit, struct batch *batch, const char *why,
                         struct err *err)
{
    struct wa_node *first = first_of(visit);
    bool settles = visit->top || visit->boundary;
    struct wa_node *open = first == NULL || settles ? NULL : newest_open(visit, first);
    visit->why = why;
    if (open != NULL) {
        first = open->newer;
        why = why != NULL ? why : "unsettled";
    }
    if (why != NULL && !open_gap(visit, batch, first, why, err)) {
        return false;
    }
    if (!visit->fresh && why == NULL) {
        forget_vanished(visit);
    }
    if (visit->fresh && !visit->wish.range) {
        visit->past.floor_ms =
            visit->wish.first_rows > 0 ? time_from(visit, first) : visit->wish.floor_ms;
        visit->moved = true;
    }
    visit->first = first;
    visit->next = first;
    visit->last = visit->scroll.newest;
    visit->stage = WA_VISIT_GIVE;
    return true;
}

/* In the page's order: what is not there stands before what is. */
static bool sort_known(struct wa_visit *visit, struct arena *scratch, struct err *err)
{
    struct wa_cursor *past = &visit->past;
    struct wa_known *sorted = arena_array(scratch, past->known_count + 1, sizeof *sorted);
    size_t count = 0;
    if (sorted == NULL) {
        return err_set(err, ERR_RETRY, "out of memory for what is known of a chat");
    }
    for (size_t i = 0; i < past->known_count; i++) {
        if (wa_scroll_find(&visit->scroll, past->known[i].id) == NULL) {
            sorted[count++] = past->known[i];
        }
    }
    for (const struct wa_node *node = visit->scroll.oldest; node != NULL; node = node->newer) {
        const struct wa_known *known = wa_cursor_find(past, node->id);
        if (known != NULL) {
            sorted[count++] = *known;
        }
    }
    must(count == past->known_count);
    memcpy(past->known, sorted, count * sizeof *sorted);
    return true;
}

/* The page's end was seen and looked through as far as was asked. */
static void finish_new(struct wa_visit *visit)
{
    struct wa_cursor *past = &visit->past;
    bool looked = visit->wish.full || visit->fresh;
    if (!str_equal(past->preview, visit->wish.preview)) {
        past->preview = visit->wish.preview;
        visit->moved = true;
    }
    if (looked) {
        past->visited_ms = clock_wall_ms(visit->env->clock);
        visit->moved = true;
    }
    visit->gap = 0;
    visit->unsettled = 0;
    visit->climbed =
        visit->why == NULL ? 0 : visit->climbed; /* The gaps have steps of their own. */
    bool over = visit->wish.range || visit->top || limit_reached(visit) != NULL;
    visit->stage = over ? WA_VISIT_DONE : WA_VISIT_SEEK;
}

static bool has_time(const struct wa_visit *visit, int64_t deadline_ms)
{
    return now_ms(visit) + WA_VISIT_STEP_MS <= deadline_ms && !stopping(visit);
}

/* Of rows that came at the end of the chat while it was climbed. */
static bool last_pictures(struct wa_visit *visit, struct batch *batch, int64_t deadline_ms,
                          bool *rests, struct err *err)
{
    bool all = true;
    bool ok = fetch_between(visit, first_of(visit), NULL, batch, deadline_ms, &all, err);
    *rests = *rests || !all;
    return ok;
}

/* Up, until it is far enough or cannot be. */
static bool climb(struct wa_visit *visit, struct batch *batch, int64_t deadline_ms, bool *rests,
                  struct err *err)
{
    bool all = false;
    for (;;) {
        if (visit->shown) {
            if (!fetch_between(visit, visit->scroll.oldest, visit->checked, batch, deadline_ms,
                               &all, err)) {
                return false;
            }
            if (!all) {
                *rests = true;
                return true;
            }
            look_at_new(visit);
        }
        bool far = far_enough(visit);
        const char *why = far ? NULL : limit_reached(visit);
        if (why != NULL && visit->overlap != NULL) {
            far = true; /* Not all that is known was looked at again, but nothing is missing. */
            why = NULL;
        }
        if (far || why != NULL) {
            bool open = far && !visit->top && !visit->boundary &&
                        newest_open(visit, first_of(visit)) != NULL;
            if (!open || visit->unsettled == WA_UNSETTLED_STEPS || limit_reached(visit) != NULL) {
                return last_pictures(visit, batch, deadline_ms, rests, err) &&
                       (*rests || prepare_give(visit, batch, why, err));
            }
            visit->unsettled++;
        }
        if (!has_time(visit, deadline_ms)) {
            *rests = true;
            return true;
        }
        if (!step(visit, batch, deadline_ms, false, err)) {
            return false;
        }
    }
}

/* ---- Gaps further up ---- */

static bool is_above(const struct wa_gap *gap, const struct wa_node *node)
{
    return node->row.sent_ms == 0 || node->row.sent_ms / MINUTE_MS > gap->to_ms / MINUTE_MS;
}

static bool is_under(const struct wa_gap *gap, const struct wa_node *node)
{
    return node->row.sent_ms != 0 && node->row.sent_ms / MINUTE_MS < gap->from_ms / MINUTE_MS;
}

/* The newest row of the gap that was reached; NULL: it is further up. */
static struct wa_node *gap_newest(const struct wa_visit *visit, const struct wa_gap *gap)
{
    struct wa_node *mark = NULL;
    for (struct wa_node *node = visit->scroll.oldest; node != NULL; node = node->newer) {
        if (wa_marks_has(&gap->above, node->id)) {
            mark = node;
            break;
        }
    }
    if (mark != NULL) {
        return mark->older;
    }
    for (struct wa_node *node = visit->scroll.newest; node != NULL; node = node->older) {
        if (!is_above(gap, node)) {
            return node;
        }
    }
    return NULL;
}

/* The oldest row of the gap, and whether what is below it was reached. */
static struct wa_node *gap_oldest(const struct wa_visit *visit, const struct wa_gap *gap,
                                  bool *reached)
{
    struct wa_node *first = visit->scroll.oldest;
    *reached = visit->top;
    for (struct wa_node *node = visit->scroll.oldest; node != NULL; node = node->newer) {
        if (wa_marks_has(&gap->below, node->id) || is_under(gap, node)) {
            *reached = true;
            first = node->newer;
        }
        if (!is_above(gap, node) || is_under(gap, node) || node->row.sent_ms == 0) {
            continue;
        }
        break;
    }
    return first;
}

/* What was found of the gap is handed out next; `why` is why there is more of it, or NULL. */
static void found(struct wa_visit *visit, struct wa_node *oldest, struct wa_node *newest,
                  const char *why)
{
    struct wa_node *node = newest == NULL ? NULL : oldest;
    while (node != NULL && node != newest) {
        node = node->newer;
    }
    visit->first = node == NULL ? NULL : oldest; /* NULL: nothing of it was met. */
    visit->why = why;
    visit->next = visit->first;
    visit->last = newest;
    visit->stage = WA_VISIT_FILL;
}

/* The rows at its older end that are still open stay in the gap. */
static struct wa_node *settled_from(const struct wa_visit *visit, struct wa_node *oldest,
                                    const struct wa_node *newest)
{
    struct wa_node *from = oldest;
    for (struct wa_node *node = oldest; node != NULL && !visit->top; node = node->newer) {
        from = node->row.open && counts(visit, node) ? node->newer : from;
        if (node == newest) {
            break;
        }
    }
    return from;
}

/* One look at how far the gap is, and perhaps one step up. */
static bool seek_on(struct wa_visit *visit, struct batch *batch, int64_t deadline_ms, bool *rests,
                    struct err *err)
{
    const struct wa_gap *gap = &visit->past.gaps[visit->gap];
    bool reached = false;
    bool all = true;
    struct wa_node *newest = gap_newest(visit, gap);
    struct wa_node *oldest = gap_oldest(visit, gap, &reached);
    if (newest != NULL &&
        !fetch_between(visit, oldest, newest->newer, batch, deadline_ms, &all, err)) {
        return false;
    }
    struct wa_node *from = settled_from(visit, oldest, newest);
    const char *why = reached ? NULL : limit_reached(visit);
    bool settles = reached && from != oldest && visit->unsettled < WA_UNSETTLED_STEPS &&
                   limit_reached(visit) == NULL;
    if (all && !settles && (reached || why != NULL)) {
        found(visit, from, newest, why == NULL && from != oldest ? "unsettled" : why);
        return true;
    }
    visit->unsettled += settles && all;
    if (!all || !has_time(visit, deadline_ms)) {
        *rests = true;
        return true;
    }
    if (!step(visit, batch, deadline_ms, newest == NULL, err)) {
        return false;
    }
    if (!visit->shown) { /* It jumped, and goes on at the next visit. */
        visit->stage = WA_VISIT_DONE;
    }
    return true;
}

static bool seek(struct wa_visit *visit, struct batch *batch, int64_t deadline_ms, bool *rests,
                 struct err *err)
{
    while (visit->gap < visit->past.gap_count &&
           str_equal(visit->past.gaps[visit->gap].why, STR("phone"))) {
        visit->gap++; /* Only the telephone has it. */
    }
    if (visit->gap == visit->past.gap_count) {
        visit->stage = WA_VISIT_DONE;
        return true;
    }
    while (visit->stage == WA_VISIT_SEEK && !*rests) {
        if (!seek_on(visit, batch, deadline_ms, rests, err)) {
            return false;
        }
    }
    return true;
}

/* What was found was handed out: the gap is closed, or smaller. */
static bool finish_fill(struct wa_visit *visit, struct batch *batch, struct err *err)
{
    struct wa_gap *gap = &visit->past.gaps[visit->gap];
    visit->moved = true;
    if (visit->why == NULL) {
        struct wa_gap closed = *gap;
        wa_cursor_gap_remove(&visit->past, visit->gap);
        visit->unsettled = 0;
        visit->stage = WA_VISIT_SEEK;
        return wa_give_gap(batch, visit->wish.chat, &closed, "closed", err);
    }
    gap->why = str_of(visit->why);
    if (visit->first != NULL) {
        gap->to_ms = time_from(visit, visit->first);
        gap->above = marks_from(visit->first);
    }
    visit->stage = WA_VISIT_DONE;
    return true;
}

/* ---- All of it ---- */

static bool open_stage(struct wa_visit *visit, struct batch *batch, int64_t deadline_ms,
                       bool *rests, struct err *err)
{
    if (!has_time(visit, deadline_ms)) {
        *rests = true;
        return true;
    }
    return open_chat(visit, batch, deadline_ms, err);
}

static bool give_stage(struct wa_visit *visit, struct batch *batch, bool *rests, struct err *err)
{
    bool all = false;
    bool fills = visit->stage == WA_VISIT_FILL;
    if (!give(visit, batch, !fills && !visit->wish.range, &all, err)) {
        return false;
    }
    if (!all) {
        *rests = true;
        return true;
    }
    if (fills) {
        return finish_fill(visit, batch, err);
    }
    if (!sort_known(visit, batch->arena, err)) {
        return false;
    }
    finish_new(visit);
    return true;
}

bool wa_visit_run(struct wa_visit *visit, struct batch *batch, int64_t deadline_ms, struct err *err)
{
    bool rests = false;
    bool ok = true;
    while (ok && !rests && visit->stage != WA_VISIT_DONE && visit->stage != WA_VISIT_SHUT) {
        switch (visit->stage) {
        case WA_VISIT_OPEN:
            ok = open_stage(visit, batch, deadline_ms, &rests, err);
            break;
        case WA_VISIT_CLIMB:
            ok = climb(visit, batch, deadline_ms, &rests, err);
            break;
        case WA_VISIT_GIVE:
        case WA_VISIT_FILL:
            ok = give_stage(visit, batch, &rests, err);
            break;
        case WA_VISIT_SEEK:
            ok = seek(visit, batch, deadline_ms, &rests, err);
            break;
        case WA_VISIT_NONE:
        case WA_VISIT_DONE:
        case WA_VISIT_SHUT:
            must(false);
        }
    }
    batch->more = batch->more || rests;
    return ok;
}
