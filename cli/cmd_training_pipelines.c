#include "cli/cmds.h"
#include "cli/job_create.h"
#include "vertex/training_pipeline.h"

static const struct ap_collection pipelines = {
	.name = AP_TRAINING_PIPELINES,
	.noun = "training pipeline",
	.command = "training-pipelines",
	.columns = "id=name,name=displayName,state=state,created=createTime,ended=endTime",
};

struct create_opts {
	struct ap_create_opts base;
	char *model_name, *model_image, *model_id, *parent_model;
};

#define AT(field) offsetof(struct create_opts, field)

static const struct ap_opt model_table[] = {
	{ .name = "model-display-name",
		.kind = AP_OPT_STR,
		.offset = AT(model_name),
		.arg = "NAME",
		.help = "upload the trained model under this name" },
	{ .name = "model-container-image-uri",
		.kind = AP_OPT_STR,
		.offset = AT(model_image),
		.arg = "IMAGE",
		.help = "image that serves the model" },
	{ .name = "model-id",
		.kind = AP_OPT_STR,
		.offset = AT(model_id),
		.arg = "ID",
		.help = "ID of the model (default: the service's choice)" },
	{ .name = "parent-model",
		.kind = AP_OPT_STR,
		.offset = AT(parent_model),
		.arg = "MODEL",
		.help = "model that this is a new version of" },
};

static const struct ap_opt_group create_groups[] = {
	{ "model", model_table, AP_LEN(model_table), 0 },
	AP_CREATE_GROUPS,
};

static int prepare(struct ap_job_request *q, const void *opts, struct ap_err *err)
{
	const struct create_opts *o = opts;
	struct ap_model_words w = { .display_name = o->model_name,
		.container_image_uri = o->model_image,
		.id = o->model_id,
		.parent = o->parent_model };

	return ap_model_apply(q, &w, err);
}

static const struct ap_create_kind kind = { .of = &pipelines, .prepare = prepare };

static const struct ap_cmd create_cmd = {
	.name = "create",
	.summary = "submit a training pipeline, its code packaged where asked",
	.description =
		"Submits a TrainingPipeline that runs a custom job, as the console does, and uploads the "
		"trained model where asked. Worker pools are those of custom-jobs create.",
	.example =
		"autopack training-pipelines create --region=us-central1 --display-name=train \\\n"
		"    --base-output-dir=gs://bucket/out \\\n"
		"    --worker-pool-spec=machine-type=n1-standard-4,\\\ncontainer-image-uri=gcr.io/p/i",
	.groups = create_groups,
	.n_groups = AP_LEN(create_groups),
	.opts_size = sizeof(struct create_opts),
	.run = ap_job_create,
	.of = &kind,
};

static const struct ap_cmd describe_cmd = AP_DESCRIBE_CMD(pipelines, "training pipeline");
static const struct ap_cmd list_cmd = AP_LIST_CMD(pipelines, "training pipelines");
static const struct ap_cmd cancel_cmd = AP_CANCEL_CMD(pipelines, "training pipeline");

static const struct ap_cmd *const sub[] = { &create_cmd, &describe_cmd, &list_cmd, &cancel_cmd,
	NULL };

const struct ap_cmd ap_cmd_training_pipelines = {
	.name = "training-pipelines",
	.summary = "custom jobs with a model upload",
	.sub = sub,
};
