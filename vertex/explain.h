/*
 * Who said the field that an error of the service names: a flag, or a place
 * in a file.
 */
#ifndef AP_VERTEX_EXPLAIN_H
#define AP_VERTEX_EXPLAIN_H

#include "base/err.h"

/*
 * Answers "--labels" or "job.yaml: line 3, column 5" for a path in
 * snake_case below the message ("job_spec.worker_pool_specs[0]"), owned, or
 * NULL when nobody said it.
 */
typedef char *(*ap_explain_fn)(const void *ctx, const char *path);

/*
 * Add "(from WHERE)" for the first path in err's message that `where` knows.
 * Paths are taken in camelCase or snake_case, with or without the name of
 * the message before them ("custom_job.display_name").
 */
void ap_explain(struct ap_err *err, const char *message, ap_explain_fn where, const void *ctx);

/* "jobSpec.workerPoolSpecs[0]" in snake_case, without the message's own name.  *out: owned. */
char *ap_explain_path(const char *message, const char *path);

#endif
