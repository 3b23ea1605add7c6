/*
 * The flags of a CustomJobSpec, which several `create` commands share.
 */
#ifndef AP_CLI_JOB_OPTS_H
#define AP_CLI_JOB_OPTS_H

#include "cli/env.h"
#include "cli/kms_opts.h"
#include "vertex/jobspec.h"

struct ap_job_opts {
	char *region, *display_name, *config;
	struct ap_strv pools, args, command, package_uris, labels;
	char *service_account, *network, *persistent_resource_id;
	struct ap_kms kms;
	int web_access, dashboard_access; /* -1: not said */
	char *timeout, *strategy, *base_output_dir;
	int restart; /* -1: not said */
};

#define AP_JOB_OPTS_N 17
extern const struct ap_opt ap_job_table[AP_JOB_OPTS_N];
#define AP_JOB_GROUP(offset)                                 \
	{                                                    \
		"job", ap_job_table, AP_JOB_OPTS_N, (offset) \
	}

/* The working directory that the first pool names, or NULL.  *out: owned.  Errors: AP_E_USAGE. */
int ap_job_workdir(char **out, const struct ap_job_opts *o, struct ap_err *err) AP_CHECK;

/*
 * Flags and settings as a request; reads --config ("-": standard input).
 * *out: ap_job_request_release(), also after a failure.
 */
int ap_job_request_fill(struct ap_job_request *out, const struct ap_job_opts *o,
	const struct ap_env *env, struct ap_err *err) AP_CHECK;

#endif
