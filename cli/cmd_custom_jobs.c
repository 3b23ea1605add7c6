#include "cli/cmds.h"
#include "cli/job_create.h"

static const struct ap_collection jobs = {
	.name = "customJobs",
	.noun = "custom job",
	.command = "custom-jobs",
	.logs = true,
	.columns = "id=name,name=displayName,state=state,created=createTime,ended=endTime",
};

static const struct ap_create_kind kind = { .of = &jobs };

static const struct ap_opt no_table[] = {
	{ .name = "async",
		.kind = AP_OPT_FLAG,
		.help = "",
		.is_not = "create returns as soon as the job is there" },
};

static const struct ap_opt_group create_groups[] = {
	AP_CREATE_GROUPS,
	{ "not here", no_table, AP_LEN(no_table), 0 },
};

static const struct ap_cmd create_cmd = {
	.name = "create",
	.summary = "package code where asked, and submit a custom job",
	.description =
		"Submits a CustomJob. A worker pool with executor-image-uri has its code packaged first, as "
		"\"gcloud ai custom-jobs create\" does, but without a Docker engine. Prints the job's resource "
		"name.",
	.example =
		"autopack custom-jobs create --region=us-central1 --display-name=train \\\n"
		"    --worker-pool-spec=machine-type=n1-standard-4,\\\nexecutor-image-uri=python:3.11,script=train.py",
	.groups = create_groups,
	.n_groups = AP_LEN(create_groups),
	.opts_size = sizeof(struct ap_create_opts),
	.run = ap_job_create,
	.of = &kind,
};

static const struct ap_cmd describe_cmd = AP_DESCRIBE_CMD(jobs, "custom job");
static const struct ap_cmd list_cmd = AP_LIST_CMD(jobs, "custom jobs");
static const struct ap_cmd cancel_cmd = AP_CANCEL_CMD(jobs, "custom job");
static const struct ap_cmd stream_logs_cmd = AP_STREAM_LOGS_CMD(jobs, "custom job");

static const struct ap_cmd *const sub[] = { &create_cmd, &ap_cmd_local_run, &describe_cmd,
	&list_cmd, &cancel_cmd, &stream_logs_cmd, NULL };

const struct ap_cmd ap_cmd_custom_jobs = {
	.name = "custom-jobs",
	.summary = "custom training jobs",
	.sub = sub,
};
