/*
 * `create` of everything that is a CustomJobSpec in some wrapping: custom
 * jobs, hyperparameter tuning jobs, training pipelines.  Code is packaged
 * where a worker pool asks for it, the fit on a persistent resource is
 * checked before anything is built, and the job can be waited for.
 */
#ifndef AP_CLI_JOB_CREATE_H
#define AP_CLI_JOB_CREATE_H

#include "cli/job_opts.h"
#include "cli/manage.h"
#include "cli/pack_opts.h"
#include "cli/moved.h"

/* First member of every such command's options. */
struct ap_create_opts {
	struct ap_common_opts common;
	struct ap_registry_opts registry;
	struct ap_pack_opts pack;
	struct ap_job_opts job;
	int wait;
	int fit_check; /* -1: not said, which is yes */
	char *staging; /* gs://...: where local Python packages go */
};

#define AP_FOLLOW_OPTS_N 3
extern const struct ap_opt ap_follow_table[AP_FOLLOW_OPTS_N];

#define AP_CREATE_AT(field) offsetof(struct ap_create_opts, field)
#define AP_CREATE_GROUPS                                                                        \
	AP_JOB_GROUP(AP_CREATE_AT(job)), AP_KMS_GROUP(AP_CREATE_AT(job.kms)),                   \
		{ "submission", ap_follow_table, AP_FOLLOW_OPTS_N, 0 },                         \
		AP_PACK_GROUP(AP_CREATE_AT(pack)), AP_OUTPUT_GROUP(AP_CREATE_AT(pack)),         \
		AP_ATTEST_GROUP(AP_CREATE_AT(pack)), AP_REGISTRY_GROUP(AP_CREATE_AT(registry)), \
		AP_COMMON_GROUP(AP_CREATE_AT(common)), AP_MOVED_TO_POOL_GROUP

/* What differs between them. */
struct ap_create_kind {
	const struct ap_collection *of;
	/* Put what the command's own flags say into the request; NULL: it has none. */
	int (*prepare)(struct ap_job_request *q, const void *opts, struct ap_err *err);
};

/*
 * run() of such a command: call->cmd->of is its struct ap_create_kind, and
 * call->opts begins with a struct ap_create_opts.
 */
int ap_job_create(struct ap_call *call, struct ap_err *err) AP_CHECK;

#endif
