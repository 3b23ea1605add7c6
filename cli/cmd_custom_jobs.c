#include "cli/cmds.h"
#include "cli/job_create.h"

static const struct ap_collection jobs = {
	.name = "customJobs",
	.noun = "custom job",
	.command = "custom-jobs",
	.logs = true,
	.columns = "id=name,name=displayName,state=state,created=createTime,ended=endTime",
};

static const struct ap_create_kind kind = { .of = &jobs, .submit = ap_job_submit };

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

static int create(struct ap_call *call, struct ap_err *err)
{
	return ap_job_create(call, &kind, err);
}

static int describe(struct ap_call *call, struct ap_err *err)
{
	return ap_manage_describe(call, &jobs, err);
}

static int list(struct ap_call *call, struct ap_err *err)
{
	return ap_manage_list(call, &jobs, err);
}

static int cancel(struct ap_call *call, struct ap_err *err)
{
	return ap_manage_cancel(call, &jobs, err);
}

static int stream_logs(struct ap_call *call, struct ap_err *err)
{
	return ap_manage_logs(call, &jobs, err);
}

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
	.run = create,
};

static const struct ap_cmd describe_cmd = {
	.name = "describe",
	.summary = "show a custom job",
	.groups = ap_one_groups,
	.n_groups = AP_LEN(ap_one_groups),
	.opts_size = sizeof(struct ap_one_opts),
	.args = AP_NAME_ARG("custom job"),
	.run = describe,
};

static const struct ap_cmd list_cmd = {
	.name = "list",
	.summary = "list custom jobs",
	.groups = ap_list_groups,
	.n_groups = AP_LEN(ap_list_groups),
	.opts_size = sizeof(struct ap_list_opts),
	.run = list,
};

static const struct ap_cmd cancel_cmd = {
	.name = "cancel",
	.summary = "cancel a custom job",
	.groups = ap_one_groups,
	.n_groups = AP_LEN(ap_one_groups),
	.opts_size = sizeof(struct ap_one_opts),
	.args = AP_NAME_ARG("custom job"),
	.run = cancel,
};

static const struct ap_cmd stream_logs_cmd = {
	.name = "stream-logs",
	.summary = "print the log lines of a custom job until it ends",
	.groups = ap_logs_groups,
	.n_groups = AP_LEN(ap_logs_groups),
	.opts_size = sizeof(struct ap_logs_cmd_opts),
	.args = AP_NAME_ARG("custom job"),
	.run = stream_logs,
};

static const struct ap_cmd *const sub[] = { &create_cmd, &ap_cmd_local_run, &describe_cmd,
	&list_cmd, &cancel_cmd, &stream_logs_cmd, NULL };

const struct ap_cmd ap_cmd_custom_jobs = {
	.name = "custom-jobs",
	.summary = "custom training jobs",
	.sub = sub,
};
