/*
 * The body of a CustomJob: from worker-pool words, a --config file and flags.
 *
 * vertex/ knows worker pools, CustomJob and friends, persistent resources
 * and pipelines.  It takes an image URI as a string and knows nothing of
 * images.
 */
#ifndef AP_VERTEX_JOBSPEC_H
#define AP_VERTEX_JOBSPEC_H

#include "base/json.h"

/* All that `custom-jobs create` was told, but for the image keys' values. */
struct ap_job_request {
	char *display_name;
	char *region, *project;
	struct ap_strv worker_pool_specs; /* texts of --worker-pool-spec, in order */
	char *config_file;                /* path or "-"; text in config_text */
	char *config_text;
	struct ap_strv args, command, python_package_uris;
	struct ap_strv labels; /* K=V */
	char *service_account, *network, *kms_key, *persistent_resource_id;
	int enable_web_access, enable_dashboard_access; /* -1: not said */
	char *timeout, *strategy, *base_output_dir;
	int restart_on_worker_restart; /* -1: not said */
};

void ap_job_request_release(struct ap_job_request *r);

#endif
