/*
 * What the flags of a job say, laid over its body, and which flag said what.
 * For vertex/jobspec.c.
 */
#ifndef AP_VERTEX_JOB_FLAGS_H
#define AP_VERTEX_JOB_FLAGS_H

#include "vertex/jobspec.h"

/*
 * Everything but the worker pools.  spec: the CustomJobSpec within body.
 * said: each field that a flag set, and the flag: "labels=--labels".
 * Errors: AP_E_USAGE.
 */
int ap_job_flags_apply(cJSON *body, cJSON *spec, struct ap_strv *said,
	const struct ap_job_request *req, struct ap_err *err) AP_CHECK;

/* Did a flag set this very field, in camelCase? */
bool ap_job_flags_said(const struct ap_strv *said, const char *field);

/* The last flag that set the field, or one above it, in either case; NULL: none did.  *out: owned. */
char *ap_job_flags_who(const struct ap_strv *said, const char *field);

#endif
