#include "cli/cmds.h"
#include "cli/manage.h"
#include "vertex/watch.h"

static int describe(struct ap_call *call, struct ap_err *err)
{
	const struct ap_one_opts *o = call->opts;
	struct ap_session s;
	ap_auto_vertex v = NULL;
	ap_auto_json j = NULL;
	int rc = ap_manage_open(&s, &v, &o->common, o->region, call->args->v[0], err);

	if (rc == 0)
		rc = ap_operation_get(&j, v, call->args->v[0], err);
	if (rc == 0)
		rc = ap_manage_print(j, o->format, "name,done", err);
	ap_session_close(&s);
	return rc;
}

static const struct ap_cmd describe_cmd = {
	.name = "describe",
	.summary = "show a long-running operation",
	.groups = ap_one_groups,
	.n_groups = AP_LEN(ap_one_groups),
	.opts_size = sizeof(struct ap_one_opts),
	.args = AP_NAME_ARG("operation"),
	.run = describe,
};

static const struct ap_cmd *const sub[] = { &describe_cmd, NULL };

const struct ap_cmd ap_cmd_operations = {
	.name = "operations",
	.summary = "what persistent-resources create and delete start",
	.sub = sub,
};
