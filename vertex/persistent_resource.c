#include "vertex/persistent_resource.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "vertex/config.h"
#include "vertex/create.h"
#include "vertex/explain.h"
#include "vertex/machine.h"
#include "vertex/worker_pool.h"

#define FLAG "--resource-pool-spec"

static const struct ap_pool_key keys[] = {
	{ "machine-type", AP_POOL_TEXT },
	{ "replica-count", AP_POOL_COUNT },
	{ "min-replica-count", AP_POOL_COUNT },
	{ "max-replica-count", AP_POOL_COUNT },
	{ "accelerator-type", AP_POOL_TEXT },
	{ "accelerator-count", AP_POOL_COUNT },
	{ "disk-type", AP_POOL_TEXT },
	{ "disk-size", AP_POOL_COUNT },
	{ "local-ssd-count", AP_POOL_COUNT },
	{ "reservation-affinity", AP_POOL_LIST },
	{ "id", AP_POOL_TEXT },
};

void ap_persistent_request_init(struct ap_persistent_request *r)
{
	*r = (struct ap_persistent_request){ .enable_custom_service_account = -1 };
}

void ap_persistent_request_release(struct ap_persistent_request *r)
{
	free(r->id);
	free(r->display_name);
	free(r->region);
	free(r->project);
	ap_strv_release(&r->resource_pool_specs);
	free(r->config_file);
	free(r->config_text);
	ap_strv_release(&r->labels);
	free(r->network);
	ap_kms_release(&r->kms);
	free(r->service_account);
	ap_persistent_request_init(r);
}

void ap_persistent_spec_release(struct ap_persistent_spec *s)
{
	free(s->id);
	cJSON_Delete(s->body);
	ap_strv_release(&s->warnings);
	*s = (struct ap_persistent_spec){ 0 };
}

/* Source: PersistentResourceService.CreatePersistentResource, persistent_resource_id. */
static int check_id(const char *id, struct ap_err *err)
{
	size_t n = id ? strlen(id) : 0;

	if (!n || n > 63 || !(*id >= 'a' && *id <= 'z') || id[n - 1] == '-' ||
		strspn(id, "abcdefghijklmnopqrstuvwxyz0123456789-") != n)
		return ap_err_set(err, AP_E_USAGE,
			"--persistent-resource-id: want 1 to 63 of a-z, 0-9 and -, beginning with "
			"a letter and not ending with -, found \"%.100s\"",
			id ? id : "");
	return 0;
}

static int set_count(cJSON *obj, const char *name, const struct ap_pool_word *w, const char *flag,
	struct ap_err *err)
{
	ap_auto_free char *text = NULL;

	if (!w)
		return 0;
	if (w->count > INT32_MAX)
		return ap_err_set(err, AP_E_USAGE, "%s: %s: %" PRIu64 " is out of range", flag,
			w->key->name, w->count);
	text = ap_xasprintf("%" PRIu64, w->count);
	ap_json_set_str(obj, name, text);
	return 0;
}

static int pool_from_words(
	cJSON *pool, const struct ap_pool_spec *s, const char *flag, struct ap_err *err)
{
	const struct ap_pool_word *min = ap_pool_word(s, "min-replica-count");
	const struct ap_pool_word *max = ap_pool_word(s, "max-replica-count");
	const struct ap_pool_word *n = ap_pool_word(s, "replica-count");
	cJSON *scaling;

	if (!ap_pool_has(s, "machine-type"))
		return ap_err_set(err, AP_E_USAGE, "%s: machine-type is missing", flag);
	if (!min != !max)
		return ap_err_set(err, AP_E_USAGE,
			"%s: min-replica-count and max-replica-count go together", flag);
	ap_json_set_str(pool, "id", ap_pool_text(s, "id"));
	if (ap_machine_words(pool, s, flag, AP_MACHINE_RESOURCE_POOL, err) < 0 ||
		set_count(pool, "replicaCount", n, flag, err) < 0)
		return -1;
	if (!min)
		return 0;
	scaling = ap_json_set_object(pool, "autoscalingSpec");
	if (set_count(scaling, "minReplicaCount", min, flag, err) < 0)
		return -1;
	return set_count(scaling, "maxReplicaCount", max, flag, err);
}

static int flag_pools(
	struct ap_persistent_spec *s, const struct ap_persistent_request *req, struct ap_err *err)
{
	const struct ap_strv *texts = &req->resource_pool_specs;
	cJSON *pools = cJSON_GetObjectItemCaseSensitive(s->body, "resourcePools");

	if (!pools && texts->n)
		pools = ap_json_set_array(s->body, "resourcePools");
	for (size_t i = 0; i < texts->n; i++) {
		ap_auto_pool_spec words = { 0 };
		ap_auto_free char *flag =
			texts->n == 1 ? ap_xstrdup(FLAG) : ap_xasprintf(FLAG " %zu", i + 1);
		cJSON *pool = ap_json_object();

		ap_json_push(pools, pool);
		if (ap_pool_spec_parse(&words, flag, texts->v[i], keys, AP_LEN(keys), err) < 0)
			return -1;
		if (!words.n)
			return ap_err_set(err, AP_E_USAGE, "%s: a pool must not be empty", flag);
		if (pool_from_words(pool, &words, flag, err) < 0)
			return -1;
		if (ap_pool_word(&words, "local-ssd-count"))
			ap_strv_addf(&s->warnings,
				"%s: local-ssd-count is not sent: the API has no field for it; choose "
				"a machine type that brings local SSDs",
				flag);
	}
	return 0;
}

static bool count_of(const cJSON *obj, const char *name, uint64_t *out)
{
	const char *text = ap_json_str(obj, name);

	return text && ap_parse_u64(text, INT64_MAX, out);
}

static int check_scaling(const cJSON *pool, const char *what, struct ap_err *err)
{
	const cJSON *scaling = ap_json_get(pool, "autoscalingSpec");
	uint64_t min = 0, max = 0, n = 0;
	bool has_n = count_of(pool, "replicaCount", &n);

	if (!scaling) {
		if (!has_n || n < 1)
			return ap_err_set(err, AP_E_USAGE,
				"%s: want a replica count of 1 or more, or autoscaling (minimum and "
				"maximum replica count)",
				what);
		return 0;
	}
	if (!count_of(scaling, "minReplicaCount", &min) ||
		!count_of(scaling, "maxReplicaCount", &max))
		return ap_err_set(err, AP_E_USAGE,
			"%s: autoscaling wants a minimum and a maximum replica count", what);
	if (max < 1 || min > max)
		return ap_err_set(err, AP_E_USAGE,
			"%s: minimum %" PRIu64 " and maximum %" PRIu64 " replicas: want minimum <= "
			"maximum and a maximum of 1 or more",
			what, min, max);
	if (has_n && n && (n < min || n > max))
		return ap_err_set(err, AP_E_USAGE,
			"%s: %" PRIu64 " replicas are not between %" PRIu64 " and %" PRIu64, what,
			n, min, max);
	return 0;
}

static int check_pools(const cJSON *body, size_t *bad, struct ap_err *err)
{
	const cJSON *pools = ap_json_get(body, "resourcePools");
	size_t number = 1;

	if (!pools || !pools->child)
		return ap_err_set(err, AP_E_USAGE,
			"no resource pool: want " FLAG " or resourcePools in --config");
	for (const cJSON *p = pools->child; p; p = p->next, number++) {
		ap_auto_free char *what = ap_xasprintf("resource pool %zu", number);

		*bad = number - 1;
		if (ap_machine_check(p, what, AP_MACHINE_RESOURCE_POOL, err) < 0 ||
			check_scaling(p, what, err) < 0)
			return -1;
	}
	return 0;
}

static int read_config(struct ap_persistent_spec *s, struct ap_yaml **file,
	const struct ap_persistent_request *req, struct ap_err *err)
{
	const char *name = ap_config_name(req->config_file);
	struct ap_config_opts opts = { .file = name };
	ap_auto_yaml y = NULL;
	cJSON *read = NULL;

	if (!req->config_file)
		return 0;
	if (!*name)
		return ap_err_set(err, AP_E_USAGE, "--config: want the name of a file");
	if (ap_config_load(&y, name, req->config_text ? req->config_text : "", err) < 0)
		return -1;
	if (!y)
		return ap_err_set(err, AP_E_INPUT, "%s: empty; want a PersistentResource", name);
	if (ap_config_check(&read, &s->warnings, y, ap_schema_message("PersistentResource"), &opts,
		    err) < 0)
		return -1;
	cJSON_Delete(s->body);
	s->body = read;
	*file = AP_STEAL(y);
	return 0;
}

/* An error about what only the file says: where it stands there. */
static int at_place(const struct ap_yaml *file, const struct ap_persistent_request *req,
	const char *path, struct ap_err *err)
{
	return ap_config_at(file, ap_config_name(req->config_file), path, err);
}

static int check_fields(const struct ap_persistent_spec *s, const struct ap_yaml *file,
	const struct ap_persistent_request *req, struct ap_err *err)
{
	const char *name = ap_json_str(s->body, "displayName");
	const char *network = ap_json_str(s->body, "network");
	ap_auto_free char *path = NULL;
	size_t bad = 0;

	if (check_pools(s->body, &bad, err) < 0) {
		path = ap_xasprintf("resourcePools[%zu]", bad);
		return at_place(file, req, path, err);
	}
	if (ap_labels_check(s->body, err) < 0)
		return at_place(file, req, "labels", err);
	if (name && ap_display_name_check(name, err) < 0)
		return req->display_name ? -1 : at_place(file, req, "displayName", err);
	if (network && ap_network_check(network, err) < 0)
		return req->network ? -1 : at_place(file, req, "network", err);
	return 0;
}

static int set_flags(
	struct ap_persistent_spec *s, const struct ap_persistent_request *req, struct ap_err *err)
{
	cJSON *account;

	ap_json_set_str(s->body, "displayName", req->display_name);
	ap_json_set_str(s->body, "network", req->network);
	if (ap_labels_apply(s->body, &req->labels, err) < 0 ||
		ap_kms_apply(s->body, &req->kms, req->project, req->region, err) < 0)
		return -1;
	if (req->enable_custom_service_account < 0 && !req->service_account)
		return 0;
	account = ap_json_make_object(
		ap_json_make_object(s->body, "resourceRuntimeSpec"), "serviceAccountSpec");
	if (req->enable_custom_service_account == 0 && req->service_account)
		return ap_err_set(err, AP_E_USAGE,
			"--service-account and --no-enable-custom-service-account exclude each "
			"other");
	ap_json_set(account, "enableCustomServiceAccount",
		ap_json_bool(req->enable_custom_service_account != 0));
	ap_json_set_str(account, "serviceAccount", req->service_account);
	return 0;
}

static int make_spec(
	struct ap_persistent_spec *s, const struct ap_persistent_request *req, struct ap_err *err)
{
	const struct ap_schema_message *m = ap_schema_message("PersistentResource");
	ap_auto_free char *missing = NULL;
	ap_auto_yaml file = NULL;

	if (check_id(req->id, err) < 0)
		return -1;
	s->id = ap_xstrdup(req->id);
	s->body = ap_json_object();
	if (read_config(s, &file, req, err) < 0 || flag_pools(s, req, err) < 0 ||
		set_flags(s, req, err) < 0 || check_fields(s, file, req, err) < 0)
		return -1;
	missing = ap_schema_missing(m, s->body);
	if (missing) {
		ap_err_set(err, AP_E_USAGE, "%s is missing", missing);
		return at_place(file, req, missing, err);
	}
	s->version = ap_schema_version(m, s->body) == AP_SCHEMA_V1 ? "v1" : "v1beta1";
	return 0;
}

int ap_persistent_spec(
	struct ap_persistent_spec *out, const struct ap_persistent_request *req, struct ap_err *err)
{
	AP_CLEANUP(ap_persistent_spec_release) struct ap_persistent_spec s = { 0 };

	if (make_spec(&s, req, err) < 0)
		return -1;
	*out = s;
	s = (struct ap_persistent_spec){ 0 };
	return 0;
}

/* Which key of --resource-pool-spec is a field of a pool? */
static const char *pool_key_of(const char *field)
{
	static const struct {
		const char *field, *key;
	} map[] = { { "autoscaling_spec.min_replica_count", "min-replica-count" },
		{ "autoscaling_spec", "max-replica-count" }, { "id", "id" } };

	for (size_t i = 0; i < AP_LEN(map); i++) {
		if (ap_starts_with(field, map[i].field))
			return map[i].key;
	}
	return ap_worker_key_of(field);
}

/* A pool: the file's come first, then the flags'. */
static char *where_pool(
	const struct ap_persistent_request *req, const struct ap_yaml *file, const char *path)
{
	const struct ap_yaml *pools = file ? ap_config_locate(file, "resource_pools") : NULL;
	size_t i = (size_t)strtoul(strchr(path, '[') + 1, NULL, 10);
	const char *rest = strchr(path, '.');
	const char *key = rest ? pool_key_of(rest + 1) : NULL;
	size_t of_file;

	if (file && !pools)
		pools = ap_config_locate(file, "resource_pool_specs");
	of_file = !pools ? 0 : pools->kind == AP_YAML_SEQ ? pools->n : 1;
	if (i >= of_file) {
		if (i - of_file >= req->resource_pool_specs.n)
			return NULL;
		if (req->resource_pool_specs.n == 1)
			return ap_xasprintf(FLAG "%s%s", key ? " " : "", key ? key : "");
		return ap_xasprintf(
			FLAG " %zu%s%s", i - of_file + 1, key ? " " : "", key ? key : "");
	}
	return ap_config_where(file, ap_config_name(req->config_file), path);
}

static char *where(const void *ctx, const char *path)
{
	const struct ap_persistent_request *req = ctx;
	const struct {
		const char *field, *flag;
		bool said;
	} flags[] = { { "labels", "--labels", req->labels.n > 0 },
		{ "display_name", "--display-name", req->display_name != NULL },
		{ "network", "--network", req->network != NULL },
		{ "encryption_spec", "--kms-key", req->kms.key != NULL },
		{ "persistent_resource_id", "--persistent-resource-id", true },
		{ "resource_runtime_spec.service_account_spec", "--service-account",
			req->service_account != NULL },
		{ "resource_runtime_spec.service_account_spec", "--enable-custom-service-account",
			req->enable_custom_service_account >= 0 } };
	const char *name = ap_config_name(req->config_file);
	struct ap_err ignored = AP_ERR_INIT;
	ap_auto_yaml file = NULL;

	if (name &&
		ap_config_load(&file, name, req->config_text ? req->config_text : "", &ignored) < 0)
		return NULL;
	if (ap_starts_with(path, "resource_pools["))
		return where_pool(req, file, path);
	for (size_t i = 0; i < AP_LEN(flags); i++) {
		if (flags[i].said && ap_starts_with(path, flags[i].field))
			return ap_xstrdup(flags[i].flag);
	}
	return ap_config_where(file, name, path);
}

void ap_persistent_explain(const struct ap_persistent_request *req, struct ap_err *err)
{
	ap_explain(err, "PersistentResource", where, req);
}

char *ap_persistent_create_path(const struct ap_vertex *v, const struct ap_persistent_spec *s)
{
	ap_auto_free char *parent = ap_vertex_parent(v);

	return ap_xasprintf(
		"%s/" AP_PERSISTENT_RESOURCES "?persistentResourceId=%s", parent, s->id);
}

int ap_persistent_create(cJSON **operation, struct ap_vertex *v, const struct ap_persistent_spec *s,
	struct ap_err *err)
{
	ap_auto_free char *query = ap_xasprintf("persistentResourceId=%s", s->id);
	struct ap_create c = { .version = s->version,
		.collection = AP_PERSISTENT_RESOURCES,
		.query = query,
		.id = s->id,
		.what = "persistent resource" };

	return ap_create(operation, v, &c, s->body, err);
}
