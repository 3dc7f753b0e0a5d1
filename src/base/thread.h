/*
 * thread: the few primitives that the process needs, on POSIX threads.
 *
 * Threads share nothing but the store; what little must be shared (a stop flag, a queue of a
 * gate) is guarded by a lock and a signal from here. Every thread gets an explicit stack of
 * THREAD_STACK_SIZE, because the defaults of platforms differ widely. Waiting takes an absolute
 * deadline on the monotonic clock.
 */
#ifndef SLUICE_BASE_THREAD_H
#define SLUICE_BASE_THREAD_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

enum { THREAD_STACK_SIZE = 1024 * 1024 };

struct lock {
    pthread_mutex_t mutex;
};

struct signal {
    pthread_cond_t cond;
};

struct thread {
    pthread_t id;
};

void lock_init(struct lock *lock);
void lock_take(struct lock *lock);
void lock_give(struct lock *lock);

void signal_init(struct signal *signal);
void signal_all(struct signal *signal);

/* Give the lock, wait to be signalled or for the deadline, take the lock. False: the deadline. */
bool signal_wait(struct signal *signal, struct lock *lock, int64_t deadline_mono_ms);

/* Start `run(argument)`. A detached thread is not joined: it may be left behind at exit. */
bool thread_start(struct thread *thread, void *(*run)(void *argument), void *argument,
                  bool detached, struct err *err);
void thread_join(struct thread *thread);

#endif
