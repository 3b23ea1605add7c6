#include "pack/config.h"

#include <string.h>
#include <time.h>

void ap_time_rfc3339(struct ap_buf *out, int64_t epoch)
{
	time_t t = (time_t)epoch;
	struct tm tm;
	char text[40];

	if (!gmtime_r(&t, &tm) || !strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &tm))
		return;
	ap_buf_adds(out, text);
}

static int split(const char *text, const char *what, const char **value, struct ap_err *err)
{
	const char *eq = strchr(text, '=');

	if (!eq || eq == text)
		return ap_err_set(err, AP_E_INPUT, "%s \"%.100s\": want NAME=VALUE", what, text);
	*value = eq + 1;
	return 0;
}

/* Replace the variable where it stands, and drop repetitions behind; else append. */
static int merge_env(cJSON *env, const char *text, struct ap_err *err)
{
	const char *value;
	size_t n;
	bool done = false;
	cJSON *next;

	if (split(text, "environment variable", &value, err) < 0)
		return -1;
	n = (size_t)(value - text);
	for (cJSON *e = env->child; e; e = next) {
		next = e->next;
		if (strncmp(e->valuestring, text, n) != 0)
			continue;
		if (done)
			cJSON_Delete(cJSON_DetachItemViaPointer(env, e));
		else
			cJSON_ReplaceItemViaPointer(env, e, ap_json_string(text));
		done = true;
	}
	if (!done)
		ap_json_push(env, ap_json_string(text));
	return 0;
}

/* The member, made when it is absent or null. */
static cJSON *own_member(cJSON *j, const char *name, cJSON *(*make)(cJSON *, const char *))
{
	cJSON *m = cJSON_GetObjectItemCaseSensitive(j, name);

	return m && !cJSON_IsNull(m) ? m : make(j, name);
}

static int set_run(cJSON *config, const struct ap_image_opts *o, struct ap_err *err)
{
	/* What was true of the base's own build or start, and is not of this image. */
	static const char *const stale[] = { "Cmd", "OnBuild", "ArgsEscaped", "Image", "Hostname" };
	cJSON *env = own_member(config, "Env", ap_json_set_array);
	cJSON *entrypoint;

	for (size_t i = 0; o->env && i < o->env->n; i++) {
		if (merge_env(env, o->env->v[i], err) < 0)
			return -1;
	}
	for (size_t i = 0; i < AP_LEN(stale); i++)
		cJSON_DeleteItemFromObjectCaseSensitive(config, stale[i]);
	ap_json_set_str(config, "WorkingDir", AP_IMAGE_WORKDIR);
	entrypoint = ap_json_array();
	for (size_t i = 0; o->entrypoint && i < o->entrypoint->n; i++)
		ap_json_push(entrypoint, ap_json_string(o->entrypoint->v[i]));
	ap_json_set(config, "Entrypoint", entrypoint);
	return 0;
}

static int set_labels(cJSON *config, const struct ap_strv *labels, struct ap_err *err)
{
	cJSON *all;

	if (!labels || !labels->n)
		return 0;
	all = own_member(config, "Labels", ap_json_set_object);
	for (size_t i = 0; i < labels->n; i++) {
		ap_auto_free char *name = NULL;
		const char *value;

		if (split(labels->v[i], "label", &value, err) < 0)
			return -1;
		name = ap_xstrndup(labels->v[i], (size_t)(value - labels->v[i]) - 1);
		ap_json_set_str(all, name, value);
	}
	return 0;
}

static void add_history(cJSON *list, const char *created, const char *what, bool empty)
{
	cJSON *h = ap_json_object();
	ap_auto_free char *by = ap_xasprintf("autopack: %s", what);

	ap_json_set_str(h, "created", created);
	ap_json_set_str(h, "created_by", by);
	if (empty)
		ap_json_set(h, "empty_layer", ap_json_bool(1));
	ap_json_push(list, h);
}

/* Readers pair history with layers: a base without the one gets it from the other. */
static void pad_history(cJSON *list, size_t n_layers, const char *created)
{
	size_t n = 0;

	for (const cJSON *h = list->child; h; h = h->next)
		n += !cJSON_IsTrue(ap_json_get(h, "empty_layer"));
	for (; n < n_layers; n++)
		add_history(list, created, "layer of the base", false);
}

int ap_config_make(cJSON **out, const struct ap_base *base, const struct ap_layer *layers,
	size_t n_layers, const struct ap_image_opts *o, struct ap_err *err)
{
	/* They describe the container that the base was committed from. */
	static const char *const stale[] = { "container", "container_config", "parent", "id",
		"docker_version" };
	ap_auto_json j = ap_json_dup(base->config);
	ap_auto_buf created = AP_BUF_INIT;
	cJSON *ids = cJSON_GetObjectItemCaseSensitive(
		cJSON_GetObjectItemCaseSensitive(j, "rootfs"), "diff_ids");
	cJSON *config = own_member(j, "config", ap_json_set_object);
	cJSON *history = own_member(j, "history", ap_json_set_array);

	ap_time_rfc3339(&created, o->epoch);
	for (size_t i = 0; i < AP_LEN(stale); i++)
		cJSON_DeleteItemFromObjectCaseSensitive(j, stale[i]);
	ap_json_set_str(j, "created", created.p);
	if (set_run(config, o, err) < 0 || set_labels(config, o->labels, err) < 0)
		return -1;
	pad_history(history, base->n_layers, created.p);
	for (size_t i = 0; i < n_layers; i++) {
		ap_json_push(ids, ap_json_string(layers[i].diff_id.s));
		add_history(history, created.p, layers[i].title, false);
	}
	add_history(history, created.p, "entry point, environment, labels", true);
	*out = AP_STEAL(j);
	return 0;
}
