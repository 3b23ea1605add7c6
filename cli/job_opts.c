#include "cli/job_opts.h"

#include "cli/read_text.h"
#include "vertex/worker_pool.h"

#define AT(field) offsetof(struct ap_job_opts, field)

const struct ap_opt ap_job_table[AP_JOB_OPTS_N] = {
	{ .name = "display-name",
		.kind = AP_OPT_STR,
		.offset = AT(display_name),
		.arg = "NAME",
		.help = "the job's name for people" },
	{ .name = "region",
		.kind = AP_OPT_STR,
		.offset = AT(region),
		.arg = "REGION",
		.hint = AP_HINT_REGION,
		.help = "where the job runs" },
	{ .name = "worker-pool-spec",
		.kind = AP_OPT_EACH,
		.offset = AT(pools),
		.arg = "KEY=VALUE,...",
		.help = "one worker pool (repeatable): machine-type, replica-count, accelerator-type, accelerator-count, disk-type, disk-size, container-image-uri, executor-image-uri, local-package-path, script, python-module, requirements, extra-packages, extra-dirs, output-image-uri, env, tpu-topology, reservation-affinity, nfs-mounts" },
	{ .name = "config",
		.kind = AP_OPT_STR,
		.offset = AT(config),
		.arg = "FILE",
		.hint = AP_HINT_FILE,
		.help = "CustomJobSpec as YAML or JSON; flags win over it; - for standard input" },
	{ .name = "args",
		.kind = AP_OPT_LIST,
		.offset = AT(args),
		.arg = "ARG,...",
		.help = "arguments of the program, for every pool" },
	{ .name = "command",
		.kind = AP_OPT_LIST,
		.offset = AT(command),
		.arg = "WORD,...",
		.help = "the program, in place of the image's entry point, for every pool" },
	{ .name = "python-package-uris",
		.kind = AP_OPT_LIST,
		.offset = AT(package_uris),
		.arg = "URI,...",
		.help = "Python packages to run: gs://..., or wheels, sdists and project directories here, which are uploaded" },
	{ .name = "labels",
		.kind = AP_OPT_DICT,
		.offset = AT(labels),
		.arg = "K=V,...",
		.help = "labels of the job" },
	{ .name = "service-account",
		.kind = AP_OPT_STR,
		.offset = AT(service_account),
		.arg = "EMAIL",
		.help = "account that the job runs as" },
	{ .name = "network",
		.kind = AP_OPT_STR,
		.offset = AT(network),
		.arg = "NETWORK",
		.help = "network that the job is peered with" },
	{ .name = "persistent-resource-id",
		.kind = AP_OPT_STR,
		.offset = AT(persistent_resource_id),
		.arg = "ID",
		.help = "persistent resource to run on" },
	{ .name = "enable-web-access",
		.kind = AP_OPT_TRI,
		.offset = AT(web_access),
		.help = "allow an interactive shell in the job" },
	{ .name = "enable-dashboard-access",
		.kind = AP_OPT_TRI,
		.offset = AT(dashboard_access),
		.help = "allow access to the job's dashboard" },
	{ .name = "timeout",
		.kind = AP_OPT_STR,
		.offset = AT(timeout),
		.arg = "DURATION",
		.help = "longest running time, as in 3600s or 2h" },
	{ .name = "restart-on-worker-restart",
		.kind = AP_OPT_TRI,
		.offset = AT(restart),
		.help = "restart the whole job when a worker restarts" },
	{ .name = "strategy",
		.kind = AP_OPT_STR,
		.offset = AT(strategy),
		.arg = "STRATEGY",
		.hint = AP_HINT_STRATEGY,
		.help = "how capacity is got, as in STANDARD, SPOT or FLEX_START" },
	{ .name = "base-output-dir",
		.kind = AP_OPT_STR,
		.offset = AT(base_output_dir),
		.arg = "gs://...",
		.help = "Cloud Storage directory for the job's output" },
};

int ap_job_workdir(char **out, const struct ap_job_opts *o, struct ap_err *err)
{
	struct ap_worker_words words = { 0 };
	const char *dir;

	*out = NULL;
	if (!o->pools.n)
		return 0;
	if (ap_worker_words_parse(&words, &o->pools, o->config ? 16 : 0, err) < 0)
		return -1;
	dir = ap_pool_text(&words.v[0], "local-package-path");
	*out = dir ? ap_xstrdup(dir) : NULL;
	ap_worker_words_release(&words);
	return 0;
}

int ap_job_request_fill(struct ap_job_request *q, const struct ap_job_opts *o,
	const struct ap_env *env, struct ap_err *err)
{
	const char *account =
		o->service_account ? o->service_account : ap_env_get(env, AP_KEY_SERVICE_ACCOUNT);

	ap_job_request_init(q);
	q->display_name = ap_dup(o->display_name);
	q->region = ap_dup(ap_env_get(env, AP_KEY_REGION));
	q->project = ap_dup(ap_env_get(env, AP_KEY_PROJECT));
	ap_strv_copy(&q->worker_pool_specs, &o->pools);
	ap_strv_copy(&q->args, &o->args);
	ap_strv_copy(&q->command, &o->command);
	ap_strv_copy(&q->python_package_uris, &o->package_uris);
	ap_strv_copy(&q->labels, &o->labels);
	q->service_account = ap_dup(account);
	q->network = ap_dup(o->network ? o->network : ap_env_get(env, AP_KEY_NETWORK));
	q->persistent_resource_id = ap_dup(o->persistent_resource_id);
	ap_kms_copy(&q->kms, &o->kms);
	q->enable_web_access = o->web_access;
	q->enable_dashboard_access = o->dashboard_access;
	q->timeout = ap_dup(o->timeout);
	q->strategy = ap_dup(o->strategy);
	q->base_output_dir = ap_dup(o->base_output_dir);
	q->restart_on_worker_restart = o->restart;
	q->config_file = ap_dup(o->config);
	return o->config ? ap_read_text(&q->config_text, "--config", o->config, err) : 0;
}
