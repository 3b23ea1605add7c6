/*
 * Following what goes on in the service: operations until they are done,
 * jobs until their state is final.  A line of progress tells each new state;
 * the time between two looks grows from 1 to 30 seconds.
 */
#ifndef AP_VERTEX_WATCH_H
#define AP_VERTEX_WATCH_H

#include "vertex/job.h"

#define AP_WATCH_PATIENCE 600 /* seconds without an answer, after which following ends */

/*
 * Follow an operation until it is done.  name: full name, as it came.
 * *out: its response (an empty object for none), owned.
 * Errors: the operation's own error; AP_E_CANCELLED.
 */
int ap_operation_wait(cJSON **out, struct ap_vertex *v, const char *version, const char *name,
	struct ap_err *err) AP_CHECK;

/* Read an operation.  id: an ID or a full name, also "RESOURCE/operations/ID". */
int ap_operation_get(cJSON **out, struct ap_vertex *v, const char *id, struct ap_err *err) AP_CHECK;

/*
 * Look at a job (any collection with a "state") until its state is final.
 * *out: as last seen.  An unreachable service is tried again for 10 minutes.
 */
int ap_job_wait(struct ap_job *out, struct ap_vertex *v, const char *version, const char *name,
	struct ap_err *err) AP_CHECK;

/* May following go on after this error?  answered: time of the last good answer. */
bool ap_watch_goes_on(const struct ap_err *err, int64_t answered);

#endif
