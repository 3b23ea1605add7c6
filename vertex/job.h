/*
 * A job in the service: submitted, and what its answers say of it.
 */
#ifndef AP_VERTEX_JOB_H
#define AP_VERTEX_JOB_H

#include "vertex/create.h"

struct ap_job {
	char *name;        /* projects/N/locations/R/customJobs/ID */
	char *state;       /* JOB_STATE_... */
	char *console_url; /* where a person looks at it */
	cJSON *resource;   /* the answer as it came */
};

void ap_job_release(struct ap_job *j);
#define ap_auto_job AP_CLEANUP(ap_job_release) struct ap_job

/* Take an answer apart; takes resource, also on failure.  Errors: AP_E_PROTO. */
int ap_job_from(struct ap_job *out, const struct ap_vertex *v, cJSON *resource,
	struct ap_err *err) AP_CHECK;

/* ap_create() of a job of any collection, its answer taken apart. */
int ap_job_submit(struct ap_job *out, struct ap_vertex *v, const struct ap_create *c,
	const cJSON *body, struct ap_err *err) AP_CHECK;

/* Is it a state that does not change any more? */
bool ap_job_state_final(const char *state);

/* 0 for success, else -1 with AP_E_JOB_FAILED or AP_E_JOB_CANCELLED and the job's own error text. */
int ap_job_outcome(const struct ap_job *job, struct ap_err *err) AP_CHECK;

#endif
