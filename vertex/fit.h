/*
 * Does a job fit a persistent resource?  Each worker pool is matched against
 * the resource pools, before anything is sent.
 */
#ifndef AP_VERTEX_FIT_H
#define AP_VERTEX_FIT_H

#include "vertex/api.h"

struct ap_fit {
	bool fits;
	struct ap_strv table;    /* lines of a table: worker pool, resource pool, what differs */
	struct ap_strv warnings; /* it fits, but ... */
	char *reason;            /* the first definite mismatch, one line; NULL when it fits */
};

/*
 * Compare a CustomJobSpec with a PersistentResource, pure.  What a worker pool says of machine type, accelerator and
 * disk (after the API's defaults) must equal a resource pool's; its replicas
 * must be at most the pool's count or maximum.  A disk that was not said, too
 * few replicas free now or for all pools together, and a service account
 * that the resource does not run, or misses, is a warning.
 */
void ap_fit_compare(struct ap_fit *out, const cJSON *spec, const cJSON *resource);
void ap_fit_release(struct ap_fit *f);

/*
 * Read the resource `id` and compare.
 * A resource that may not be read is a warning in *out (and fits).
 * Errors: AP_E_USAGE for a mismatch (with the table in out->table);
 * AP_E_NOT_FOUND when there is no such resource; the service's otherwise.
 */
int ap_fit_check(struct ap_fit *out, struct ap_vertex *v, const cJSON *spec, const char *id,
	struct ap_err *err) AP_CHECK;

#endif
