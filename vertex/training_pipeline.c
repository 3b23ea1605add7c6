#include "vertex/training_pipeline.h"

#include <string.h>

#include "vertex/label.h"

/* The API takes a full name; an ID is one of the job's own project and region. */
static int set_parent(const struct ap_job_request *req, const char *parent, struct ap_err *err)
{
	AP_CLEANUP(ap_vertex_place_release) struct ap_vertex_place place = { 0 };
	ap_auto_free char *name = NULL;

	if (!parent)
		return 0;
	if (!strchr(parent, '/')) {
		if (ap_vertex_place(&place, req->project, req->region, err) < 0)
			return -1;
		name = ap_xasprintf(
			"projects/%s/locations/%s/models/%s", place.project, place.region, parent);
	} else if (!ap_starts_with(parent, "projects/") || !strstr(parent, "/models/")) {
		return ap_err_set(err, AP_E_USAGE,
			"--parent-model: want an ID or projects/P/locations/R/models/ID, found "
			"\"%.100s\"",
			parent);
	}
	ap_json_set_str(req->top, "parentModel", name ? name : parent);
	return 0;
}

int ap_model_apply(struct ap_job_request *req, const struct ap_model_words *w, struct ap_err *err)
{
	cJSON *model;

	req->kind = AP_JOB_TRAINING;
	if (!w->display_name && !w->container_image_uri && !w->id && !w->parent)
		return 0;
	if (!w->display_name)
		return ap_err_set(err, AP_E_USAGE,
			"--model-display-name is missing: a model to upload wants a name");
	if (!w->container_image_uri)
		return ap_err_set(err, AP_E_USAGE,
			"--model-container-image-uri is missing: the image that serves the model");
	if (ap_display_name_check(w->display_name, err) < 0)
		return ap_err_wrap(err, "--model-display-name");
	if (!req->top)
		req->top = ap_json_object();
	model = ap_json_set_object(req->top, "modelToUpload");
	ap_json_set_str(model, "displayName", w->display_name);
	ap_json_set_str(
		ap_json_set_object(model, "containerSpec"), "imageUri", w->container_image_uri);
	ap_json_set_str(req->top, "modelId", w->id);
	return set_parent(req, w->parent, err);
}
