/*
 * Hyperparameter tuning jobs: a study over trials that are custom jobs.
 */
#ifndef AP_VERTEX_HP_TUNING_H
#define AP_VERTEX_HP_TUNING_H

#include "vertex/job.h"
#include "vertex/jobspec.h"

#define AP_HP_TUNING_JOBS "hyperparameterTuningJobs"

/* What the flags say of the study; 0 or NULL: not said. */
struct ap_study_words {
	const char *max_trial_count, *parallel_trial_count, *max_failed_trial_count; /* digits */
	const char *algorithm; /* "grid-search", "random-search", "algorithm-unspecified" */
};

/*
 * Put them into req->top and set req->kind.  The counts default to 1 where
 * neither flag nor file says them.
 * Errors: AP_E_USAGE.
 */
int ap_study_apply(
	struct ap_job_request *req, const struct ap_study_words *w, struct ap_err *err) AP_CHECK;

#endif
