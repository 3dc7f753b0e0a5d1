#include "store/gate.h"

#include "base/mem.h"
#include "base/thread.h"

struct gate {
    struct lock lock;
    struct signal moved;
    uint64_t next;    /* Ticket of the next to come. */
    uint64_t serving; /* Ticket of the one inside. */
};

bool store_gate_new(struct gate **out, struct err *err)
{
    struct gate *gate = mem_alloc(sizeof *gate);
    if (gate == NULL) {
        return err_set(err, ERR_RETRY, "store: out of memory");
    }
    lock_init(&gate->lock);
    signal_init(&gate->moved);
    *out = gate;
    return true;
}

void store_gate_free(struct gate *gate)
{
    mem_free(gate);
}

void gate_enter(struct gate *gate)
{
    if (gate == NULL) {
        return;
    }
    lock_take(&gate->lock);
    uint64_t ticket = gate->next++;
    while (gate->serving != ticket) {
        (void)signal_wait(&gate->moved, &gate->lock, INT64_MAX / 2);
    }
    lock_give(&gate->lock);
}

void gate_leave(struct gate *gate)
{
    if (gate == NULL) {
        return;
    }
    lock_take(&gate->lock);
    gate->serving++;
    signal_all(&gate->moved);
    lock_give(&gate->lock);
}
