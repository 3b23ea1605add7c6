/*
 * Creating a resource once, though answers can be lost.
 */
#ifndef AP_VERTEX_CREATE_H
#define AP_VERTEX_CREATE_H

#include "vertex/api.h"

struct ap_create {
	const char *version;
	const char *collection; /* "customJobs": also the member's name in lists */
	const char *query;      /* "persistentResourceId=x", or NULL */
	const char *id;         /* set when we chose the ID (with query): a repeat cannot double */
	const char *what;       /* "custom job" */
};

/*
 * POST body to parent/COLLECTION.  After a lost or 5xx answer the resources
 * of the same display name that are younger than the attempt are listed and
 * compared with the body: one equal is taken, none means another try (at
 * most 3 in all), more is an error that names them.
 *
 * *out: the answer (for an operation: the operation, or after a lost answer
 * the resource), owned.
 */
int ap_create(cJSON **out, struct ap_vertex *v, const struct ap_create *c, const cJSON *body,
	struct ap_err *err) AP_CHECK;

/*
 * Does `have` hold all that `want` says?  More members are fine; 64-bit
 * integers may be numbers or strings; pure.
 */
bool ap_create_holds(const cJSON *have, const cJSON *want);

/* "2026-01-31T08:00:00.123Z" as seconds since 1970, or -1. */
int64_t ap_time_parse(const char *text);

#endif
