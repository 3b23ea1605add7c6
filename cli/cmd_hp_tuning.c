#include "cli/cmds.h"
#include "cli/job_create.h"
#include "vertex/hp_tuning.h"

static const struct ap_collection jobs = {
	.name = AP_HP_TUNING_JOBS,
	.noun = "hyperparameter tuning job",
	.command = "hp-tuning-jobs",
	.logs = true,
	.columns = "id=name,name=displayName,state=state,trials=maxTrialCount,created=createTime",
};

struct create_opts {
	struct ap_create_opts base;
	char *max_trials, *parallel_trials, *max_failed_trials, *algorithm;
};

#define AT(field) offsetof(struct create_opts, field)

static const struct ap_opt study_table[] = {
	{ .name = "max-trial-count",
		.kind = AP_OPT_STR,
		.offset = AT(max_trials),
		.arg = "N",
		.help = "trials in all (default: the file's, else 1)" },
	{ .name = "parallel-trial-count",
		.kind = AP_OPT_STR,
		.offset = AT(parallel_trials),
		.arg = "N",
		.help = "trials at the same time (default: the file's, else 1)" },
	{ .name = "max-failed-trial-count",
		.kind = AP_OPT_STR,
		.offset = AT(max_failed_trials),
		.arg = "N",
		.help = "failed trials that end the job; 0: the service decides" },
	{ .name = "algorithm",
		.kind = AP_OPT_STR,
		.offset = AT(algorithm),
		.arg = "ALGORITHM",
		.choices = "algorithm-unspecified|grid-search|random-search",
		.help = "how parameters are chosen: grid-search, random-search; unspecified is Bayesian" },
};

static const struct ap_opt_group create_groups[] = {
	{ "study", study_table, AP_LEN(study_table), 0 },
	AP_CREATE_GROUPS,
};

static int prepare(struct ap_job_request *q, const void *opts, struct ap_err *err)
{
	const struct create_opts *o = opts;
	struct ap_study_words w = { .max_trial_count = o->max_trials,
		.parallel_trial_count = o->parallel_trials,
		.max_failed_trial_count = o->max_failed_trials,
		.algorithm = o->algorithm };

	if (!q->display_name)
		return ap_err_set(err, AP_E_USAGE, "--display-name is missing");
	if (!q->config_file)
		return ap_err_set(
			err, AP_E_USAGE, "--config is missing: it holds the study (studySpec)");
	return ap_study_apply(q, &w, err);
}

static const struct ap_create_kind kind = { .of = &jobs, .prepare = prepare };

static const struct ap_cmd create_cmd = {
	.name = "create",
	.summary = "submit a hyperparameter tuning job, its code packaged where asked",
	.description =
		"Submits a HyperparameterTuningJob. --config holds the study and may hold the trials' "
		"worker pools; --worker-pool-spec goes over them, and packages code as in custom-jobs "
		"create.",
	.example = "autopack hp-tuning-jobs create --region=us-central1 --display-name=tune \\\n"
		   "    --config=study.yaml --max-trial-count=20",
	.groups = create_groups,
	.n_groups = AP_LEN(create_groups),
	.opts_size = sizeof(struct create_opts),
	.run = ap_job_create,
	.of = &kind,
};

static const struct ap_cmd describe_cmd = AP_DESCRIBE_CMD(jobs, "hyperparameter tuning job");
static const struct ap_cmd list_cmd = AP_LIST_CMD(jobs, "hyperparameter tuning jobs");
static const struct ap_cmd cancel_cmd = AP_CANCEL_CMD(jobs, "hyperparameter tuning job");
static const struct ap_cmd stream_logs_cmd = AP_STREAM_LOGS_CMD(jobs, "hyperparameter tuning job");

static const struct ap_cmd *const sub[] = { &create_cmd, &describe_cmd, &list_cmd, &cancel_cmd,
	&stream_logs_cmd, NULL };

const struct ap_cmd ap_cmd_hp_tuning_jobs = {
	.name = "hp-tuning-jobs",
	.summary = "hyperparameter tuning jobs",
	.sub = sub,
};
