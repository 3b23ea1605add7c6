/*
 * Training pipelines that run a custom job, the console's way: optionally
 * the trained model is uploaded at the end.
 */
#ifndef AP_VERTEX_TRAINING_PIPELINE_H
#define AP_VERTEX_TRAINING_PIPELINE_H

#include "vertex/job.h"
#include "vertex/jobspec.h"

#define AP_TRAINING_PIPELINES "trainingPipelines"

/* The model to upload; all NULL: none. */
struct ap_model_words {
	const char *display_name;        /* --model-display-name */
	const char *container_image_uri; /* --model-container-image-uri: serves predictions */
	const char *id;                  /* --model-id */
	const char *parent;              /* --parent-model: ID or full name */
};

/*
 * Put the model into req->top and set req->kind.
 * Errors: AP_E_USAGE: a model wants a name, an image and a base output directory.
 */
int ap_model_apply(
	struct ap_job_request *req, const struct ap_model_words *w, struct ap_err *err) AP_CHECK;

#endif
