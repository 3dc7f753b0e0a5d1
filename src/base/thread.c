#include "base/thread.h"

#include <string.h>
#include <time.h>

#include "base/must.h"

void lock_init(struct lock *lock)
{
    int rc = pthread_mutex_init(&lock->mutex, NULL);
    must(rc == 0);
}

void lock_take(struct lock *lock)
{
    int rc = pthread_mutex_lock(&lock->mutex);
    must(rc == 0);
}

void lock_give(struct lock *lock)
{
    int rc = pthread_mutex_unlock(&lock->mutex);
    must(rc == 0);
}

void signal_init(struct signal *signal)
{
    pthread_condattr_t attributes;
    int rc = pthread_condattr_init(&attributes);
    must(rc == 0);
    rc = pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    must(rc == 0);
    rc = pthread_cond_init(&signal->cond, &attributes);
    must(rc == 0);
    (void)pthread_condattr_destroy(&attributes);
}

void signal_all(struct signal *signal)
{
    int rc = pthread_cond_broadcast(&signal->cond);
    must(rc == 0);
}

bool signal_wait(struct signal *signal, struct lock *lock, int64_t deadline_mono_ms)
{
    if (deadline_mono_ms < 0) {
        deadline_mono_ms = 0;
    }
    struct timespec deadline = {.tv_sec = (time_t)(deadline_mono_ms / 1000),
                                .tv_nsec = (long)(deadline_mono_ms % 1000) * 1000000};
    return pthread_cond_timedwait(&signal->cond, &lock->mutex, &deadline) == 0;
}

bool thread_start(struct thread *thread, void *(*run)(void *argument), void *argument,
                  bool detached, struct err *err)
{
    pthread_attr_t attributes;
    int rc = pthread_attr_init(&attributes);
    must(rc == 0);
    rc = pthread_attr_setstacksize(&attributes, THREAD_STACK_SIZE);
    must(rc == 0);
    int state = detached ? PTHREAD_CREATE_DETACHED : PTHREAD_CREATE_JOINABLE;
    rc = pthread_attr_setdetachstate(&attributes, state);
    must(rc == 0);
    rc = pthread_create(&thread->id, &attributes, run, argument);
    (void)pthread_attr_destroy(&attributes);
    if (rc != 0) {
        return err_set(err, ERR_RETRY, "cannot start a thread (error %d): is a limit reached?", rc);
    }
    return true;
}

void thread_join(struct thread *thread)
{
    int rc = pthread_join(thread->id, NULL);
    must(rc == 0);
}
