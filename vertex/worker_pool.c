#include "vertex/worker_pool.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "vertex/machine.h"

#define FLAG         "--worker-pool-spec"
#define MAX_ARGS     100000
#define MAX_PACKAGES 100

static const struct ap_pool_key keys[] = {
	{ "machine-type", AP_POOL_TEXT },
	{ "replica-count", AP_POOL_COUNT },
	{ "accelerator-type", AP_POOL_TEXT },
	{ "accelerator-count", AP_POOL_COUNT },
	{ "container-image-uri", AP_POOL_TEXT },
	{ "executor-image-uri", AP_POOL_TEXT },
	{ "output-image-uri", AP_POOL_TEXT },
	{ "python-module", AP_POOL_TEXT },
	{ "local-package-path", AP_POOL_TEXT },
	{ "script", AP_POOL_TEXT },
	{ "requirements", AP_POOL_LIST },
	{ "extra-packages", AP_POOL_LIST },
	{ "extra-dirs", AP_POOL_LIST },
	{ "disk-type", AP_POOL_TEXT },
	{ "disk-size", AP_POOL_COUNT },
	{ "env", AP_POOL_LIST },
	{ "tpu-topology", AP_POOL_TEXT },
	{ "reservation-affinity", AP_POOL_LIST },
	{ "nfs-mounts", AP_POOL_LIST },
};

/* Say what packaging takes; they mean nothing without local-package-path. */
static const char *const packaging_keys[] = { "script", "requirements", "extra-packages",
	"extra-dirs" };

/* Say what code a pool runs. */
static const char *const code_keys[] = { "local-package-path", "executor-image-uri",
	"container-image-uri", "python-module", "script", "requirements", "extra-packages",
	"extra-dirs" };

/*
 * gcloud lets it stand where nothing is packaged, and its own help does so: a
 * warning, that scripts go on working.
 */
static const char output_key[] = "output-image-uri";

void ap_worker_words_release(struct ap_worker_words *w)
{
	for (size_t i = 0; i < w->n; i++) {
		ap_pool_spec_release(&w->v[i]);
		free(w->flag[i]);
	}
	free(w->v);
	free(w->flag);
	*w = (struct ap_worker_words){ 0 };
}

static int check_packaged(const struct ap_pool_spec *s, const char *flag, struct ap_err *err)
{
	bool script = ap_pool_has(s, "script");
	bool module = ap_pool_has(s, "python-module");

	if (ap_pool_has(s, "container-image-uri"))
		return ap_err_set(err, AP_E_USAGE,
			"%s: container-image-uri and local-package-path exclude each other", flag);
	if (!ap_pool_has(s, "executor-image-uri"))
		return ap_err_set(
			err, AP_E_USAGE, "%s: local-package-path needs executor-image-uri", flag);
	if (script == module)
		return ap_err_set(err, AP_E_USAGE,
			"%s: local-package-path needs exactly one of script and python-module, "
			"found %s",
			flag, script ? "both" : "neither");
	if (ap_pool_word(s, output_key) && !ap_pool_has(s, output_key))
		return ap_err_set(err, AP_E_USAGE, "%s: %s is empty; want the name of an image",
			flag, output_key);
	return 0;
}

/* A pool with its own code: a container, or Python packages on an executor image. */
static int check_plain(
	const struct ap_pool_spec *s, const char *flag, bool in_file, struct ap_err *err)
{
	bool container = ap_pool_has(s, "container-image-uri");
	bool executor = ap_pool_has(s, "executor-image-uri");
	bool module = ap_pool_has(s, "python-module");

	for (size_t i = 0; i < AP_LEN(packaging_keys); i++) {
		if (ap_pool_word(s, packaging_keys[i]))
			return ap_err_set(err, AP_E_USAGE,
				"%s: %s is only for packaging; it needs local-package-path (in "
				"the first pool)",
				flag, packaging_keys[i]);
	}
	if (container && executor)
		return ap_err_set(err, AP_E_USAGE,
			"%s: want only one of container-image-uri and executor-image-uri", flag);
	if (container && module)
		return ap_err_set(err, AP_E_USAGE,
			"%s: python-module is for executor-image-uri; a container-image-uri runs "
			"its own entry point or --command",
			flag);
	if (in_file)
		return 0;
	if (!container && !executor)
		return ap_err_set(err, AP_E_USAGE,
			"%s: want one of container-image-uri and executor-image-uri", flag);
	if (executor && !module)
		return ap_err_set(err, AP_E_USAGE,
			"%s: executor-image-uri needs python-module (or local-package-path and "
			"script)",
			flag);
	return 0;
}

static int check_code(const struct ap_worker_words *w, size_t i, bool in_file, struct ap_err *err)
{
	const struct ap_pool_spec *s = &w->v[i];

	if (s->n && !in_file && !ap_pool_has(s, "machine-type"))
		return ap_err_set(err, AP_E_USAGE, "%s: machine-type is missing", w->flag[i]);
	if (!s->n)
		return i || in_file ? 0
				    : ap_err_set(err, AP_E_USAGE,
					      "%s: the first pool must not be empty", w->flag[i]);
	if (i && ap_pool_word(s, "local-package-path") && !w->packaged)
		return ap_err_set(err, AP_E_USAGE,
			"%s: local-package-path is only allowed in the first pool", w->flag[i]);
	if (!w->packaged)
		return check_plain(s, w->flag[i], in_file, err);
	if (i == 0)
		return check_packaged(s, w->flag[i], err);
	for (size_t k = 0; k < AP_LEN(code_keys); k++) {
		const struct ap_pool_word *said = ap_pool_word(s, code_keys[k]);
		const struct ap_pool_word *first = ap_pool_word(&w->v[0], code_keys[k]);

		/* The same directory once more says nothing new. */
		if (said && k == 0 && first && strcmp(said->text, first->text) == 0)
			continue;
		if (said)
			return ap_err_set(err, AP_E_USAGE,
				"%s: %s is not allowed: all pools run the code packaged in the "
				"first one",
				w->flag[i], code_keys[k]);
	}
	return 0;
}

static int check_env(const struct ap_pool_spec *s, const char *flag, struct ap_err *err)
{
	const struct ap_pool_word *w = ap_pool_word(s, "env");

	for (size_t i = 0; w && i < w->list.n; i++) {
		const char *eq = strchr(w->list.v[i], '=');

		if (!eq || eq == w->list.v[i])
			return ap_err_set(err, AP_E_USAGE,
				"%s: env: want NAME=VALUE, found \"%.60s\"", flag, w->list.v[i]);
		for (size_t k = 0; k < i; k++)
			if (strncmp(w->list.v[k], w->list.v[i], (size_t)(eq - w->list.v[i]) + 1) ==
				0)
				return ap_err_set(err, AP_E_USAGE, "%s: env: %.*s is given twice",
					flag, (int)AP_MIN(eq - w->list.v[i], 80), w->list.v[i]);
	}
	return 0;
}

int ap_worker_words_parse(struct ap_worker_words *out, const struct ap_strv *texts,
	size_t from_file, struct ap_err *err)
{
	AP_CLEANUP(ap_worker_words_release) struct ap_worker_words w = { 0 };

	if (texts->n) {
		w.v = ap_xcalloc(texts->n, sizeof(*w.v));
		w.flag = ap_xcalloc(texts->n, sizeof(*w.flag));
	}
	for (size_t i = 0; i < texts->n; i++) {
		w.flag[i] = texts->n == 1 ? ap_xstrdup(FLAG) : ap_xasprintf(FLAG " %zu", i + 1);
		w.n = i + 1;
		if (ap_pool_spec_parse(&w.v[i], w.flag[i], texts->v[i], keys, AP_LEN(keys), err) <
			0)
			return -1;
	}
	w.packaged = w.n && ap_pool_word(&w.v[0], "local-package-path");
	for (size_t i = 0; i < w.n; i++) {
		if (check_code(&w, i, i < from_file, err) < 0 ||
			check_env(&w.v[i], w.flag[i], err) < 0)
			return -1;
	}
	*out = w;
	w = (struct ap_worker_words){ 0 };
	return 0;
}

/* The task of a pool as object, the other kind removed. */
static cJSON *task(
	cJSON *pool, const char *name, const char *other, size_t number, struct ap_strv *warnings)
{
	if (ap_json_get(pool, other)) {
		ap_strv_addf(warnings, "worker pool %zu: %s of the file is replaced by %s", number,
			other, name);
		cJSON_DeleteItemFromObjectCaseSensitive(pool, other);
	}
	return ap_json_make_object(pool, name);
}

static void set_env(cJSON *t, const struct ap_pool_word *w)
{
	cJSON *env = cJSON_GetObjectItemCaseSensitive(t, "env");

	if (!env)
		env = ap_json_set_array(t, "env");
	for (size_t i = 0; i < w->list.n; i++) {
		const char *eq = strchr(w->list.v[i], '=');
		ap_auto_free char *name = ap_xstrndup(w->list.v[i], (size_t)(eq - w->list.v[i]));
		cJSON *item = env->child;

		while (item && !ap_streq(ap_json_str(item, "name"), name))
			item = item->next;
		if (!item) {
			item = ap_json_object();
			ap_json_push(env, item);
			ap_json_set_str(item, "name", name);
		}
		ap_json_set(item, "value", ap_json_string(eq + 1));
	}
}

static void apply_code(
	cJSON *pool, const struct ap_pool_spec *s, size_t number, struct ap_strv *warnings)
{
	const char *container = ap_pool_text(s, "container-image-uri");
	const char *executor = ap_pool_text(s, "executor-image-uri");
	const char *module = ap_pool_text(s, "python-module");
	cJSON *t;

	if (container) {
		t = task(pool, "containerSpec", "pythonPackageSpec", number, warnings);
		ap_json_set_str(t, "imageUri", container);
	} else if (executor || module) {
		t = task(pool, "pythonPackageSpec", "containerSpec", number, warnings);
		ap_json_set_str(t, "executorImageUri", executor);
		ap_json_set_str(t, "pythonModule", module);
	}
}

static int apply_env(
	cJSON *pool, const struct ap_pool_spec *s, const char *flag, struct ap_err *err)
{
	const struct ap_pool_word *env = ap_pool_word(s, "env");
	cJSON *t = cJSON_GetObjectItemCaseSensitive(pool, "containerSpec");

	if (!env || env->empty)
		return 0;
	if (!t)
		t = cJSON_GetObjectItemCaseSensitive(pool, "pythonPackageSpec");
	if (!t)
		return ap_err_set(err, AP_E_USAGE, "%s: env: the pool runs nothing", flag);
	set_env(t, env);
	return 0;
}

/* Pools without a task of their own run the packaged code. */
static void apply_package(cJSON *pool, size_t number, struct ap_strv *warnings)
{
	cJSON *t = cJSON_GetObjectItemCaseSensitive(pool, "containerSpec");

	if (number > 1 && (ap_json_str(t, "imageUri") || ap_json_get(pool, "pythonPackageSpec")))
		return;
	t = task(pool, "containerSpec", "pythonPackageSpec", number, warnings);
	ap_json_set_str(t, "imageUri", "");
}

static int apply_words(cJSON *pool, const struct ap_worker_words *w, size_t i,
	struct ap_strv *warnings, struct ap_err *err)
{
	const struct ap_pool_spec *s = &w->v[i];
	const struct ap_pool_word *replicas = ap_pool_word(s, "replica-count");

	if (!s->n)
		return 0;
	if (ap_pool_has(s, output_key) && !(w->packaged && i == 0))
		ap_strv_addf(warnings,
			"%s: %s has no effect: it names the image of the first pool's "
			"local-package-path",
			w->flag[i], output_key);
	if (ap_machine_words(pool, s, w->flag[i], 0, err) < 0)
		return -1;
	if (replicas) {
		ap_auto_free char *text = ap_xasprintf("%" PRIu64, replicas->count);

		ap_json_set_str(pool, "replicaCount", text);
	} else if (!ap_json_get(pool, "replicaCount")) {
		ap_json_set_str(pool, "replicaCount", "1");
	}
	if (w->packaged)
		apply_package(pool, i + 1, warnings);
	else
		apply_code(pool, s, i + 1, warnings);
	return apply_env(pool, s, w->flag[i], err);
}

int ap_worker_pools_apply(
	cJSON *pools, const struct ap_worker_words *w, struct ap_strv *warnings, struct ap_err *err)
{
	size_t number = 1;

	while ((size_t)cJSON_GetArraySize(pools) < w->n)
		ap_json_push(pools, ap_json_object());
	for (size_t i = 0; i < w->n; i++) {
		if (apply_words(cJSON_GetArrayItem(pools, (int)i), w, i, warnings, err) < 0)
			return -1;
	}
	for (cJSON *p = pools->child; w->packaged && p; p = p->next, number++) {
		if (number > w->n && p->child)
			apply_package(p, number, warnings);
	}
	return 0;
}

static void set_list(cJSON *t, const char *name, const struct ap_strv *list)
{
	cJSON *a;

	if (!list->n)
		return;
	a = ap_json_set_array(t, name);
	for (size_t i = 0; i < list->n; i++)
		ap_json_push(a, ap_json_string(list->v[i]));
}

int ap_worker_pools_all(cJSON *pools, const struct ap_worker_all *all, bool packaged,
	struct ap_strv *warnings, struct ap_err *err)
{
	size_t containers = 0, packages = 0;

	for (cJSON *p = pools->child; p; p = p->next) {
		cJSON *c = cJSON_GetObjectItemCaseSensitive(p, "containerSpec");
		cJSON *y = cJSON_GetObjectItemCaseSensitive(p, "pythonPackageSpec");

		if (c) {
			containers++;
			set_list(c, "command", all->command);
			set_list(c, "args", all->args);
		}
		if (y) {
			packages++;
			set_list(y, "packageUris", all->package_uris);
			set_list(y, "args", all->args);
		}
	}
	if (all->args->n && !containers && !packages)
		return ap_err_set(err, AP_E_USAGE, "--args: no worker pool runs anything");
	if (all->command->n && !containers)
		return ap_err_set(err, AP_E_USAGE,
			"--command: a Python package job runs python-module; only containers take "
			"a command");
	if (all->package_uris->n && !packages)
		ap_strv_addf(warnings, "--python-package-uris has no effect: no worker pool has %s",
			packaged ? "a Python package job; for packaged code use extra-packages"
				 : "executor-image-uri and python-module");
	return 0;
}

static int check_args(const cJSON *t, const char *what, struct ap_err *err)
{
	const cJSON *args = ap_json_get(t, "args");
	size_t total = 0;

	for (const cJSON *a = args ? args->child : NULL; a; a = a->next) {
		/* Characters: bytes that do not continue one. */
		for (const char *p = a->valuestring; p && *p; p++)
			total += ((unsigned char)*p & 0xc0) != 0x80;
	}
	if (total > MAX_ARGS)
		return ap_err_set(err, AP_E_USAGE,
			"%s: arguments of %zu characters in all; the service takes %d", what, total,
			MAX_ARGS);
	return 0;
}

static int check_packages(const cJSON *t, const char *what, struct ap_err *err)
{
	const cJSON *uris = ap_json_get(t, "packageUris");
	int n = cJSON_GetArraySize(uris);

	if (n > MAX_PACKAGES)
		return ap_err_set(err, AP_E_USAGE, "%s: %d package URIs; the service takes %d",
			what, n, MAX_PACKAGES);
	for (const cJSON *u = uris ? uris->child : NULL; u; u = u->next) {
		if (!u->valuestring || !*u->valuestring)
			return ap_err_set(err, AP_E_USAGE, "%s: an empty package URI", what);
	}
	return 0;
}

static int check_pool(const cJSON *p, const char *what, struct ap_err *err)
{
	const cJSON *c = ap_json_get(p, "containerSpec");
	const cJSON *y = ap_json_get(p, "pythonPackageSpec");
	const char *replicas = ap_json_str(p, "replicaCount");

	if (!c == !y)
		return ap_err_set(err, AP_E_USAGE,
			"%s: want one of containerSpec and pythonPackageSpec, found %s", what,
			c ? "both" : "neither");
	if (replicas && *replicas == '-')
		return ap_err_set(
			err, AP_E_USAGE, "%s: replicaCount %s: want 0 or more", what, replicas);
	if (ap_machine_check(p, what, 0, err) < 0 || check_args(c ? c : y, what, err) < 0)
		return -1;
	return y ? check_packages(y, what, err) : 0;
}

int ap_worker_pools_check(
	const cJSON *pools, size_t *bad, struct ap_strv *warnings, struct ap_err *err)
{
	size_t number = 1;
	const char *first;

	if (!pools || !pools->child)
		return ap_err_set(err, AP_E_USAGE,
			"no worker pool: want " FLAG " or workerPoolSpecs in --config");
	if (!pools->child->child)
		return ap_err_set(err, AP_E_USAGE, "worker pool 1 must not be empty");
	for (const cJSON *p = pools->child; p; p = p->next, number++) {
		ap_auto_free char *what = ap_xasprintf("worker pool %zu", number);

		*bad = number - 1;
		/* An empty one holds the place of a role that the job does not have. */
		if (p->child && check_pool(p, what, err) < 0)
			return -1;
		if (p->child && !ap_json_str(ap_json_get(p, "machineSpec"), "machineType"))
			ap_strv_addf(warnings, "%s has no machine type", what);
	}
	first = ap_json_str(pools->child, "replicaCount");
	if (pools->child->next && first && strcmp(first, "1") != 0)
		ap_strv_addf(warnings,
			"worker pool 1 has %s replicas; in distributed training it is the "
			"primary and should have 1",
			first);
	return 0;
}

const char *ap_worker_key_of(const char *field)
{
	static const struct {
		const char *field, *key;
	} map[] = { { "machine_spec.machine_type", "machine-type" },
		{ "machine_spec.accelerator_type", "accelerator-type" },
		{ "machine_spec.accelerator_count", "accelerator-count" },
		{ "machine_spec.tpu_topology", "tpu-topology" },
		{ "machine_spec.reservation_affinity", "reservation-affinity" },
		{ "machine_spec", "machine-type" }, { "replica_count", "replica-count" },
		{ "disk_spec.boot_disk_type", "disk-type" },
		{ "disk_spec.boot_disk_size_gb", "disk-size" }, { "disk_spec", "disk-type" },
		{ "nfs_mounts", "nfs-mounts" },
		{ "container_spec.image_uri", "container-image-uri" },
		{ "container_spec.env", "env" },
		{ "python_package_spec.executor_image_uri", "executor-image-uri" },
		{ "python_package_spec.python_module", "python-module" },
		{ "python_package_spec.env", "env" } };

	for (size_t i = 0; i < AP_LEN(map); i++) {
		if (ap_starts_with(field, map[i].field))
			return map[i].key;
	}
	return NULL;
}
