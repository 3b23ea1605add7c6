#include <string.h>

#include "cli/cmds.h"
#include "cli/render.h"
#include "cli/world.h"

struct config_opts {
	struct ap_common_opts common;
	char *format, *local_package_path;
};

#define AT(field) offsetof(struct config_opts, field)

static const struct ap_opt config_table[] = {
	{ .name = "format",
		.kind = AP_OPT_STR,
		.offset = AT(format),
		.arg = "FORMAT",
		.choices = "json|yaml|table|value(KEY)|table(KEY)",
		.help = "print as table (default), json, yaml or value(KEY)" },
	{ .name = "local-package-path",
		.kind = AP_OPT_STR,
		.offset = AT(local_package_path),
		.arg = "DIR",
		.hint = AP_HINT_DIR,
		.help = "working directory whose pyproject.toml counts (default: the current one)" },
};

static const struct ap_opt_group groups[] = {
	{ "config", config_table, AP_LEN(config_table), 0 },
	AP_COMMON_GROUP(AT(common)),
};

static cJSON *one(const struct ap_env *env, enum ap_key k)
{
	const struct ap_setting *s = &env->v[k];
	cJSON *j = ap_json_object();

	ap_json_set_str(j, "key", ap_env_key_name(k));
	ap_json_set_str(j, "value", s->value);
	ap_json_set_str(j, "from", s->value ? s->where : ap_origin_name(AP_FROM_NOWHERE));
	ap_json_set_str(j, "help", ap_env_key_help(k));
	return j;
}

static int run(struct ap_call *call, struct ap_err *err)
{
	struct config_opts *o = call->opts;
	ap_auto_json all = ap_json_array();
	ap_auto_buf out = AP_BUF_INIT;
	struct ap_env env;
	int rc = ap_env_load(&env, &o->common, o->local_package_path, err);

	for (enum ap_key k = 0; rc == 0 && k < AP_KEY_COUNT; k++)
		ap_json_push(all, one(&env, k));
	if (rc == 0)
		rc = ap_render(&out, all, o->format ? o->format : "table", "key,value,from", err);
	if (rc == 0)
		rc = ap_stdout(out.p, out.len, err);
	ap_env_release(&env);
	return rc;
}

const struct ap_cmd ap_cmd_config = {
	.name = "config",
	.summary = "show every setting and where its value comes from",
	.description =
		"Settings are looked up in this order: flags, AUTOPACK_* and gcloud's CLOUDSDK_* variables, "
		"[tool.autopack] in the working directory's pyproject.toml, autopack/config.toml in "
		"$XDG_CONFIG_HOME, gcloud's active configuration.",
	.example = "autopack config",
	.groups = groups,
	.n_groups = AP_LEN(groups),
	.opts_size = sizeof(struct config_opts),
	.run = run,
};
