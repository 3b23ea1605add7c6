#include <stdlib.h>
#include <string.h>

#include "cli/cmds.h"
#include "cli/kms_opts.h"
#include "cli/manage.h"
#include "cli/read_text.h"
#include "vertex/persistent_resource.h"
#include "vertex/watch.h"

static const struct ap_collection resources = {
	.name = AP_PERSISTENT_RESOURCES,
	.noun = "persistent resource",
	.command = "persistent-resources",
	.columns = "id=name,name=displayName,state=state,created=createTime",
};

struct create_opts {
	struct ap_common_opts common;
	char *region, *id, *display_name, *config, *format, *dry_run;
	struct ap_strv pools, labels;
	char *network, *service_account;
	struct ap_kms kms;
	int custom_account, async;
};

#define AT(field) offsetof(struct create_opts, field)

static const struct ap_opt create_table[] = {
	{ .name = "persistent-resource-id",
		.kind = AP_OPT_STR,
		.offset = AT(id),
		.arg = "ID",
		.help = "its ID: 1 to 63 of a-z, 0-9 and -" },
	{ .name = "region",
		.kind = AP_OPT_STR,
		.offset = AT(region),
		.arg = "REGION",
		.hint = AP_HINT_REGION,
		.help = "where it is made" },
	{ .name = "resource-pool-spec",
		.kind = AP_OPT_EACH,
		.offset = AT(pools),
		.arg = "KEY=VALUE,...",
		.help = "one pool of machines (repeatable): machine-type, replica-count, min-replica-count, max-replica-count, accelerator-type, accelerator-count, disk-type, disk-size, local-ssd-count, reservation-affinity, id" },
	{ .name = "config",
		.kind = AP_OPT_STR,
		.offset = AT(config),
		.arg = "FILE",
		.hint = AP_HINT_FILE,
		.help = "PersistentResource as YAML or JSON; pools of flags come after its pools; - for standard input" },
	{ .name = "display-name",
		.kind = AP_OPT_STR,
		.offset = AT(display_name),
		.arg = "NAME",
		.help = "its name for people" },
	{ .name = "labels",
		.kind = AP_OPT_DICT,
		.offset = AT(labels),
		.arg = "K=V,...",
		.help = "its labels" },
	{ .name = "network",
		.kind = AP_OPT_STR,
		.offset = AT(network),
		.arg = "NETWORK",
		.help = "network that it is peered with" },
	{ .name = "enable-custom-service-account",
		.kind = AP_OPT_TRI,
		.offset = AT(custom_account),
		.help = "let jobs on it run as a service account of their own" },
	{ .name = "service-account",
		.kind = AP_OPT_STR,
		.offset = AT(service_account),
		.arg = "EMAIL",
		.help = "account that jobs on it run as" },
	{ .name = "async",
		.kind = AP_OPT_FLAG,
		.offset = AT(async),
		.help = "return when the request is accepted, not when the machines run" },
	AP_REQUEST_OPTS(AT(dry_run), AT(format)),
};

static const struct ap_opt_group create_groups[] = {
	{ "persistent resource", create_table, AP_LEN(create_table), 0 },
	AP_KMS_GROUP(AT(kms)),
	AP_COMMON_GROUP(AT(common)),
};

static int fill(struct ap_persistent_request *q, const struct create_opts *o,
	const struct ap_env *env, struct ap_err *err)
{
	if (!o->pools.n && !o->config)
		return ap_err_set(err, AP_E_USAGE, "want --resource-pool-spec or --config");
	q->id = ap_dup(o->id);
	q->region = ap_dup(ap_env_get(env, AP_KEY_REGION));
	q->project = ap_dup(ap_env_get(env, AP_KEY_PROJECT));
	q->display_name = ap_dup(o->display_name);
	ap_strv_copy(&q->resource_pool_specs, &o->pools);
	ap_strv_copy(&q->labels, &o->labels);
	q->network = ap_dup(o->network);
	ap_kms_copy(&q->kms, &o->kms);
	q->enable_custom_service_account = o->custom_account;
	q->service_account = ap_dup(o->service_account);
	q->config_file = ap_dup(o->config);
	return o->config ? ap_read_text(&q->config_text, "--config", o->config, err) : 0;
}

static int print_request(const struct ap_vertex *v, const struct ap_persistent_spec *spec,
	const char *format, struct ap_err *err)
{
	ap_auto_free char *path = ap_persistent_create_path(v, spec);
	ap_auto_free char *url = ap_vertex_url(v, spec->version, path);

	return ap_manage_print_request(url, spec->body, format, err);
}

/* Follow the operation; the resource is what it gives, or what is read when it gives nothing. */
static int follow(cJSON **resource, struct ap_session *s, struct ap_vertex *v, const cJSON *op,
	const struct ap_persistent_spec *spec, struct ap_err *err)
{
	const char *name = ap_json_str(op, "name");
	ap_auto_json answer = NULL;

	if (name && strstr(name, "/operations/")) {
		ap_say(&s->display, "waiting  for %s; Ctrl-C leaves it running", name);
		if (ap_operation_wait(&answer, v, spec->version, name, err) < 0)
			return ap_err_wrap(err, "persistent resource %s", spec->id);
	}
	return ap_vertex_get(resource, v, spec->version, AP_PERSISTENT_RESOURCES, spec->id, err);
}

static int report(struct ap_session *s, const struct create_opts *o, const cJSON *op,
	const cJSON *resource, const struct ap_persistent_spec *spec, const struct ap_vertex *v,
	struct ap_err *err)
{
	const char *operation = ap_json_str(op, "name");
	ap_auto_free char *name = NULL;
	ap_auto_free char *url = NULL;

	if (ap_vertex_name(&name, v, AP_PERSISTENT_RESOURCES, spec->id, err) < 0)
		return -1;
	url = ap_vertex_console_url(v, name);
	if (o->async && operation)
		ap_say(&s->display, "state    autopack operations describe %s", operation);
	ap_say(&s->display, "console  %s", url);
	ap_say(&s->display, "it is billed until deleted: autopack persistent-resources delete %s",
		name);
	if (o->format)
		return ap_manage_print(resource ? resource : op, o->format, NULL, err);
	ap_auto_free char *line = ap_xasprintf(
		"%s\n", ap_json_str(resource, "name") ? ap_json_str(resource, "name") : name);
	return ap_stdout(line, strlen(line), err);
}

static int create_in(struct ap_session *s, const struct create_opts *o,
	const struct ap_persistent_request *q, const struct ap_persistent_spec *spec,
	struct ap_err *err)
{
	ap_auto_vertex v = NULL;
	ap_auto_json op = NULL;
	ap_auto_json resource = NULL;

	for (size_t i = 0; i < spec->warnings.n; i++)
		ap_emit_warn(&s->display.progress, AP_STEP_SUBMIT, "%s", spec->warnings.v[i]);
	if (ap_world_vertex(&v, &s->world, ap_env_get(&s->env, AP_KEY_PROJECT),
		    ap_env_get(&s->env, AP_KEY_REGION), err) < 0)
		return -1;
	if (o->dry_run)
		return print_request(v, spec, o->format, err);
	if (o->format && strcmp(o->format, "curl") == 0)
		return ap_err_set(err, AP_E_USAGE, "--format=curl needs --dry-run");
	if (ap_persistent_create(&op, v, spec, err) < 0) {
		ap_persistent_explain(q, err);
		return -1;
	}
	if (!o->async && follow(&resource, s, v, op, spec, err) < 0)
		return -1;
	return report(s, o, op, resource, spec, v, err);
}

static int create(struct ap_call *call, struct ap_err *err)
{
	struct create_opts *o = call->opts;
	AP_CLEANUP(ap_persistent_spec_release) struct ap_persistent_spec spec = { 0 };
	struct ap_persistent_request q;
	struct ap_session s;
	int rc;

	ap_persistent_request_init(&q);
	rc = ap_session_open(&s, &o->common, NULL, NULL, err);

	if (rc == 0) {
		ap_env_flag(&s.env, AP_KEY_REGION, o->region);
		rc = fill(&q, o, &s.env, err);
		if (rc == 0)
			rc = ap_persistent_spec(&spec, &q, err);
	}
	if (rc == 0)
		rc = create_in(&s, o, &q, &spec, err);
	ap_persistent_request_release(&q);
	ap_session_close(&s);
	return rc;
}

/* Who uses what, for people. */
static void say_pools(struct ap_display *d, const cJSON *resource)
{
	const cJSON *pools = ap_json_get(resource, "resourcePools");

	for (const cJSON *p = pools ? pools->child : NULL; p; p = p->next) {
		const char *id = ap_json_str(p, "id");
		const char *n = ap_json_str(p, "replicaCount");
		const char *used = ap_json_str(p, "usedReplicaCount");
		uint64_t have = 0, busy = 0;

		if (!n || !ap_parse_u64(n, INT64_MAX, &have) ||
			(used && !ap_parse_u64(used, INT64_MAX, &busy)))
			continue;
		ap_say(d, "pool     %s: %llu of %llu replicas used, %llu free", id ? id : "?",
			(unsigned long long)busy, (unsigned long long)have,
			(unsigned long long)(have > busy ? have - busy : 0));
	}
}

static int describe(struct ap_call *call, struct ap_err *err)
{
	const struct ap_one_opts *o = call->opts;
	struct ap_session s;
	ap_auto_vertex v = NULL;
	ap_auto_json j = NULL;
	int rc = ap_manage_open(&s, &v, &o->common, o->region, call->args->v[0], err);

	if (rc == 0)
		rc = ap_vertex_get(&j, v, "v1", AP_PERSISTENT_RESOURCES, call->args->v[0], err);
	if (rc == 0) {
		say_pools(&s.display, j);
		rc = ap_manage_print(j, o->format, "name,displayName,state,createTime", err);
	}
	ap_session_close(&s);
	return rc;
}

/* delete and reboot: an operation that is followed unless --async. */
static int act(struct ap_call *call, const char *verb, struct ap_err *err)
{
	const struct ap_one_opts *o = call->opts;
	struct ap_session s;
	ap_auto_vertex v = NULL;
	ap_auto_free char *name = NULL;
	ap_auto_json op = NULL;
	ap_auto_json answer = NULL;
	const char *operation = NULL;
	int rc = ap_manage_open(&s, &v, &o->common, o->region, call->args->v[0], err);

	if (rc == 0)
		rc = ap_vertex_name(&name, v, AP_PERSISTENT_RESOURCES, call->args->v[0], err);
	if (rc == 0)
		rc = ap_vertex_action(&op, v, "v1", AP_PERSISTENT_RESOURCES, name, verb, err);
	if (rc == 0) {
		operation = ap_json_str(op, "name");
		ap_say(&s.display, "request to %s %s has been sent", verb, name);
		if (operation)
			ap_say(&s.display, "state    autopack operations describe %s", operation);
	}
	if (rc == 0 && !o->async && operation)
		rc = ap_operation_wait(&answer, v, "v1", operation, err);
	if (rc == 0 && o->format)
		rc = ap_manage_print(op, o->format, "name,done", err);
	ap_session_close(&s);
	return rc;
}

static int delete (struct ap_call *call, struct ap_err *err)
{
	return act(call, "delete", err);
}

static int reboot(struct ap_call *call, struct ap_err *err)
{
	return act(call, "reboot", err);
}

static const struct ap_cmd create_cmd = {
	.name = "create",
	.summary = "make a persistent resource",
	.description =
		"Makes a cluster that jobs run on without start-up time, and waits until it runs. It is "
		"billed until it is deleted. Prints its resource name.",
	.example = "autopack persistent-resources create --region=us-central1 \\\n"
		   "    --persistent-resource-id=my-cluster \\\n"
		   "    --resource-pool-spec=machine-type=n1-standard-4,replica-count=4",
	.groups = create_groups,
	.n_groups = AP_LEN(create_groups),
	.opts_size = sizeof(struct create_opts),
	.run = create,
};

static const struct ap_cmd describe_cmd = {
	.name = "describe",
	.summary = "show a persistent resource, with used and free replicas",
	.groups = ap_one_groups,
	.n_groups = AP_LEN(ap_one_groups),
	.opts_size = sizeof(struct ap_one_opts),
	.args = AP_NAME_ARG("persistent resource"),
	.run = describe,
};

static const struct ap_cmd list_cmd = AP_LIST_CMD(resources, "persistent resources");

static const struct ap_cmd delete_cmd = {
	.name = "delete",
	.summary = "delete a persistent resource",
	.groups = ap_one_async_groups,
	.n_groups = AP_LEN(ap_one_async_groups),
	.opts_size = sizeof(struct ap_one_opts),
	.args = AP_NAME_ARG("persistent resource"),
	.run = delete,
};

static const struct ap_cmd reboot_cmd = {
	.name = "reboot",
	.summary = "restart the machines of a persistent resource",
	.groups = ap_one_async_groups,
	.n_groups = AP_LEN(ap_one_async_groups),
	.opts_size = sizeof(struct ap_one_opts),
	.args = AP_NAME_ARG("persistent resource"),
	.run = reboot,
};

static const struct ap_cmd *const sub[] = { &create_cmd, &describe_cmd, &list_cmd, &delete_cmd,
	&reboot_cmd, NULL };

const struct ap_cmd ap_cmd_persistent_resources = {
	.name = "persistent-resources",
	.summary = "clusters that jobs run on without start-up time",
	.sub = sub,
};
