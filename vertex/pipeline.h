/*
 * Compiled pipelines (the output of the kfp compiler) as PipelineJobs.
 */
#ifndef AP_VERTEX_PIPELINE_H
#define AP_VERTEX_PIPELINE_H

#include "vertex/job.h"
#include "vertex/label.h"

#define AP_PIPELINE_JOBS "pipelineJobs"

/* All that `pipelines run` was told. */
struct ap_pipeline_request {
	char *file, *text; /* the compiled pipeline: name for messages, and what it holds */
	char *display_name;
	char *job_id; /* NULL: from the pipeline's name and `now` */
	int64_t now;  /* seconds since 1970 */
	char *region, *project;
	struct ap_strv parameters; /* K=V, V by the parameter's type (JSON for lists and structs) */
	char *parameters_file, *parameters_text; /* a mapping, YAML or JSON */
	char *root;                              /* gs://...; NULL: the pipeline's default */
	char *service_account, *network;
	struct ap_kms kms;
	struct ap_strv labels;        /* K=V */
	int enable_caching;           /* -1: as compiled */
	char *failure_policy;         /* "slow" or "fast" */
	char *persistent_resource_id; /* ID or full name */
	char *wait_time;              /* "10m": how long a task waits for the resource */
	char *on_unavailable;         /* "fail" or "fall-back" */
};

void ap_pipeline_request_init(struct ap_pipeline_request *r);
void ap_pipeline_request_release(struct ap_pipeline_request *r);

struct ap_pipeline_spec {
	char *job_id;
	cJSON *body;         /* PipelineJob */
	const char *version; /* borrowed, static */
	struct ap_strv warnings;
};

/*
 * The request body; pure.  Parameters are checked against the pipeline's
 * inputs: unknown, missing, of another type.
 * Errors: AP_E_USAGE, AP_E_INPUT.
 */
int ap_pipeline_spec(struct ap_pipeline_spec *out, const struct ap_pipeline_request *req,
	struct ap_err *err) AP_CHECK;
void ap_pipeline_spec_release(struct ap_pipeline_spec *s);

/* Add to an error of the service the flag or file that said the field it names. */
void ap_pipeline_explain(const struct ap_pipeline_request *req, struct ap_err *err);

/* "projects/P/locations/R/pipelineJobs?pipelineJobId=ID".  *out: owned. */
char *ap_pipeline_create_path(const struct ap_vertex *v, const struct ap_pipeline_spec *s);

int ap_pipeline_submit(struct ap_job *out, struct ap_vertex *v, const struct ap_pipeline_spec *s,
	struct ap_err *err) AP_CHECK;

#endif
