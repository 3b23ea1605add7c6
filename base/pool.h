/*
 * A bounded worker pool: jobs run on a few threads, the first error stops
 * the rest.
 */
#ifndef AP_BASE_POOL_H
#define AP_BASE_POOL_H

#include "base/err.h"

struct ap_pool;

/* Runs on a worker; returns 0, or -1 with *err.  Should look at ap_pool_stopped() now and then. */
typedef int (*ap_job_fn)(void *arg, struct ap_err *err);

/* n_threads 0: the number of processors, at least 2, at most 16.  *out: ap_pool_free(). */
void ap_pool_new(struct ap_pool **out, unsigned n_threads);

/* Waits for running jobs; those not begun are dropped. */
void ap_pool_free(struct ap_pool *p);
void ap_pool_freep(struct ap_pool **p);

/* Queue a job; after a failure it is dropped silently.  Threads: yes, jobs may submit jobs. */
void ap_pool_submit(struct ap_pool *p, ap_job_fn fn, void *arg);

/*
 * Same, for a job whose argument somebody must let go of: drop(arg) is called
 * in place of fn when the job will never run.  It must not call the pool.
 */
void ap_pool_submit_or_drop(struct ap_pool *p, ap_job_fn fn, void (*drop)(void *arg), void *arg);

/*
 * Wait until the queue is empty and no job runs.
 * Errors: the first one of any job (AP_E_CANCELLED never hides another).
 * The pool can be used again after a success.
 */
int ap_pool_wait(struct ap_pool *p, struct ap_err *err) AP_CHECK;

/* Has a job failed, or a signal come? */
bool ap_pool_stopped(const struct ap_pool *p);

unsigned ap_pool_threads(const struct ap_pool *p);

#endif
