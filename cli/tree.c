#include "cli/cmd.h"
#include "cli/cmds.h"

static const struct ap_cmd *const root_sub[] = {
	&ap_cmd_build,
	&ap_cmd_custom_jobs,
	&ap_cmd_hp_tuning_jobs,
	&ap_cmd_persistent_resources,
	&ap_cmd_pipelines,
	&ap_cmd_training_pipelines,
	&ap_cmd_operations,
	&ap_cmd_copy,
	&ap_cmd_inspect,
	&ap_cmd_doctor,
	&ap_cmd_cache,
	&ap_cmd_config,
	&ap_cmd_completion,
	NULL,
};

const struct ap_cmd ap_cmd_root = {
	.name = "autopack",
	.summary = "training code to a runnable image and a Vertex AI job, without a Docker engine",
	.description =
		"From a directory of training code to a container image and a Vertex AI job, with "
		"the words of \"gcloud ai\" and no Docker.",
	.sub = root_sub,
};
