/*
 * The body of a CustomJob: from worker-pool words, a --config file and flags.
 *
 * vertex/ knows worker pools, CustomJob and friends, persistent resources
 * and pipelines.  It takes an image URI as a string and knows nothing of
 * images.
 */
#ifndef AP_VERTEX_JOBSPEC_H
#define AP_VERTEX_JOBSPEC_H

#include "vertex/label.h"

/* What the job specification is part of. */
enum ap_job_kind {
	AP_JOB_CUSTOM,   /* CustomJob.jobSpec; the file may be the CustomJobSpec alone */
	AP_JOB_TUNING,   /* HyperparameterTuningJob.trialJobSpec */
	AP_JOB_TRAINING, /* TrainingPipeline.trainingTaskInputs */
};

/* All that a `create` was told about a job. */
struct ap_job_request {
	enum ap_job_kind kind;
	cJSON *top; /* more members of the body, from flags, that win over the file's; owned, or NULL */
	char *display_name; /* NULL: not said (then the config file must say it) */
	char *region, *project;
	struct ap_strv worker_pool_specs; /* texts of --worker-pool-spec, in order */
	char *config_file;                /* path or "-"; text in config_text */
	char *config_text;
	struct ap_strv args, command, python_package_uris;
	struct ap_strv labels;                                    /* K=V */
	char *service_account, *network, *persistent_resource_id; /* a full name is fine */
	struct ap_kms kms; /* project and location default to the job's */
	int enable_web_access, enable_dashboard_access; /* -1: not said */
	char *timeout, *strategy, *base_output_dir;
	int restart_on_worker_restart; /* -1: not said */
};

void ap_job_request_init(struct ap_job_request *r); /* nothing said */
void ap_job_request_release(struct ap_job_request *r);

/*
 * The image keys of the pool whose code is to be packaged, as written: an
 * empty value is the same as none, so local_package_path NULL means ".".
 */
struct ap_job_pool {
	char *executor_image_uri;
	char *local_package_path; /* NULL: the current directory */
	char *script;             /* exactly one of script and python_module */
	char *python_module;
	struct ap_strv requirements;   /* a marker after `;` stays with its requirement */
	struct ap_strv extra_packages; /* relative to the working directory */
	struct ap_strv extra_dirs;
	char *output_image_uri; /* NULL: the default repository */
};

struct ap_jobspec;

/*
 * Read and check everything that can be decided without the network: the
 * words, the file, their combination.
 *
 * *out: owned by the caller, ap_jobspec_free().
 * Errors: AP_E_USAGE for a flag, AP_E_INPUT for the file ("FILE:LINE:COLUMN: ...").
 */
int ap_jobspec_parse(
	struct ap_jobspec **out, const struct ap_job_request *req, struct ap_err *err) AP_CHECK;
void ap_jobspec_free(struct ap_jobspec *s);
void ap_jobspec_freep(struct ap_jobspec **s);
#define ap_auto_jobspec AP_CLEANUP(ap_jobspec_freep) struct ap_jobspec *

/* The pool that asks for packaging, or NULL: no image is to be built.  borrowed. */
const struct ap_job_pool *ap_jobspec_image_pool(const struct ap_jobspec *s);

/*
 * The request body; image_uri fills the pools that run the packaged code
 * (ignored when there are none, required otherwise).
 * *out: owned by the caller, cJSON_Delete().
 */
int ap_jobspec_body(cJSON **out, const struct ap_jobspec *s, const char *image_uri,
	struct ap_err *err) AP_CHECK;

/* "v1", or "v1beta1" when a field exists only there.  borrowed. */
const char *ap_jobspec_version(const struct ap_jobspec *s);

/* The display name: flag, else file.  borrowed. */
const char *ap_jobspec_display_name(const struct ap_jobspec *s);

/*
 * Who said a field?  path: as the service names it in an error
 * ("job_spec.worker_pool_specs[0].machine_spec.machine_type").
 * *out: owned: "--worker-pool-spec machine-type", "config.yaml: line 3,
 * column 5", or NULL when nobody did.
 */
char *ap_jobspec_where(const struct ap_jobspec *s, const char *path);

/*
 * Add to an error of the service who said the field that it names
 * (ap_jobspec_where()); does nothing when it names none.
 */
void ap_jobspec_explain(const struct ap_jobspec *s, struct ap_err *err);

/* The CustomJobSpec within the body, without images.  borrowed. */
const cJSON *ap_jobspec_spec(const struct ap_jobspec *s);

/* The worker pools within the body, to be changed.  borrowed. */
cJSON *ap_jobspec_pools(struct ap_jobspec *s);

/* Lines to show as warnings.  borrowed. */
const struct ap_strv *ap_jobspec_warnings(const struct ap_jobspec *s);

#endif
