#include "vertex/fit.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "vertex/machine.h"

void ap_fit_release(struct ap_fit *f)
{
	ap_strv_release(&f->table);
	ap_strv_release(&f->warnings);
	free(f->reason);
	*f = (struct ap_fit){ 0 };
}

static uint64_t number(const cJSON *obj, const char *name, uint64_t otherwise)
{
	const cJSON *m = ap_json_get(obj, name);
	uint64_t v;

	if (cJSON_IsNumber(m) && m->valuedouble >= 0)
		return (uint64_t)m->valuedouble;
	if (cJSON_IsString(m) && ap_parse_u64(m->valuestring, INT64_MAX, &v))
		return v;
	return otherwise;
}

static const char *text(const cJSON *obj, const char *name, const char *otherwise)
{
	const char *s = ap_json_str(obj, name);

	return s && *s ? s : otherwise;
}

/* One difference: what the worker pool wants, what the resource pool has. */
static void differs(struct ap_buf *out, const char *field, const char *want, const char *have)
{
	ap_buf_addf(out, "%s%s %s, not %s", out->len ? "; " : "", field, have, want);
}

static void differs_number(struct ap_buf *out, const char *field, uint64_t want, uint64_t have)
{
	ap_auto_free char *w = ap_xasprintf("%" PRIu64, want);
	ap_auto_free char *h = ap_xasprintf("%" PRIu64, have);

	differs(out, field, w, h);
}

static unsigned compare_machine(struct ap_buf *out, const cJSON *w, const cJSON *r)
{
	static const char *const fields[] = { "acceleratorType", "tpuTopology",
		"gpuPartitionSize" };
	const cJSON *a = ap_json_get(w, "machineSpec");
	const cJSON *b = ap_json_get(r, "machineSpec");
	unsigned n = 0;

	if (strcmp(text(a, "machineType", ""), text(b, "machineType", "")) != 0) {
		differs(out, "machine type", text(a, "machineType", "none"),
			text(b, "machineType", "none"));
		n += 4; /* the nearest pool is one of the same machine */
	}
	for (size_t i = 0; i < AP_LEN(fields); i++) {
		if (strcmp(text(a, fields[i], "none"), text(b, fields[i], "none")) != 0) {
			differs(out, fields[i], text(a, fields[i], "none"),
				text(b, fields[i], "none"));
			n += 2;
		}
	}
	if (number(a, "acceleratorCount", 0) != number(b, "acceleratorCount", 0)) {
		differs_number(out, "accelerator count", number(a, "acceleratorCount", 0),
			number(b, "acceleratorCount", 0));
		n++;
	}
	return n;
}

/* Only what was said of the disk is a mismatch; a default that differs is doubtful. */
static unsigned compare_disk(
	struct ap_buf *out, struct ap_buf *doubt, const cJSON *w, const cJSON *r)
{
	const cJSON *a = ap_json_get(w, "diskSpec");
	const cJSON *b = ap_json_get(r, "diskSpec");
	const char *want = text(a, "bootDiskType", AP_MACHINE_DISK_TYPE);
	const char *have = text(b, "bootDiskType", AP_MACHINE_DISK_TYPE);
	uint64_t want_gb = number(a, "bootDiskSizeGb", AP_MACHINE_DISK_GB);
	uint64_t have_gb = number(b, "bootDiskSizeGb", AP_MACHINE_DISK_GB);
	bool said_type = ap_json_str(a, "bootDiskType") != NULL;
	bool said_size = ap_json_get(a, "bootDiskSizeGb") != NULL;
	unsigned n = 0;

	if (strcmp(want, have) != 0) {
		differs(said_type ? out : doubt, "disk type", want, have);
		n += said_type;
	}
	if (want_gb != have_gb) {
		differs_number(said_size ? out : doubt, "disk size", want_gb, have_gb);
		n += said_size;
	}
	return n;
}

static uint64_t most_replicas(const cJSON *r)
{
	return number(
		ap_json_get(r, "autoscalingSpec"), "maxReplicaCount", number(r, "replicaCount", 0));
}

static unsigned compare(struct ap_buf *out, struct ap_buf *doubt, const cJSON *w, const cJSON *r)
{
	unsigned n = compare_machine(out, w, r) + compare_disk(out, doubt, w, r);
	uint64_t want = number(w, "replicaCount", 1);

	if (want > most_replicas(r)) {
		differs_number(out, "at most", want, most_replicas(r));
		n++;
	}
	return n;
}

struct best {
	const cJSON *pool;
	size_t at; /* its place */
	unsigned score;
	struct ap_buf why, doubt;
};

/* taken: replicas wanted of each resource pool. */
static void one_pool(
	struct ap_fit *f, uint64_t *taken, const cJSON *w, size_t index, const cJSON *resource)
{
	const cJSON *pools = ap_json_get(resource, "resourcePools");
	struct best best = { .score = UINT32_MAX, .why = AP_BUF_INIT, .doubt = AP_BUF_INIT };
	uint64_t want = number(w, "replicaCount", 1);
	const char *id;
	size_t at = 0;

	for (const cJSON *r = pools ? pools->child : NULL; r; r = r->next, at++) {
		ap_auto_buf why = AP_BUF_INIT;
		ap_auto_buf doubt = AP_BUF_INIT;
		unsigned score = compare(&why, &doubt, w, r);

		id = text(r, "id", "?");
		ap_strv_addf(&f->table, "worker pool %zu  %s  %s", index, id,
			score       ? why.p
			: doubt.len ? doubt.p
				    : "fits");
		/* Doubts decide between pools that match in what was said. */
		score = score * 2 + (doubt.len != 0);
		if (score >= best.score)
			continue;
		ap_buf_release(&best.why);
		ap_buf_release(&best.doubt);
		best = (struct best){ r, at, score, why, doubt };
		why = (struct ap_buf)AP_BUF_INIT;
		doubt = (struct ap_buf)AP_BUF_INIT;
	}
	id = text(best.pool, "id", "?");
	if (!best.pool || best.score > 1) {
		f->fits = false;
		if (!f->reason)
			f->reason = best.pool
					    ? ap_xasprintf("worker pool %zu fits no resource pool; "
							   "the nearest, %s, has %s",
						      index, id, best.why.p)
					    : ap_xasprintf("the resource has no pools");
	} else {
		uint64_t have = number(best.pool, "replicaCount", 0);
		uint64_t used = number(best.pool, "usedReplicaCount", 0);

		taken[best.at] += want;
		if (best.doubt.len)
			ap_strv_addf(&f->warnings,
				"worker pool %zu says nothing of its disk; resource pool %s has %s: "
				"say it with disk-type and disk-size",
				index, id, best.doubt.p);
		if (want > (have > used ? have - used : 0) &&
			!ap_json_get(best.pool, "autoscalingSpec"))
			ap_strv_addf(&f->warnings,
				"worker pool %zu wants %" PRIu64
				" replicas, resource pool %s has %" PRIu64
				" free now; the job will wait",
				index, want, id, have > used ? have - used : 0);
	}
	ap_buf_release(&best.why);
	ap_buf_release(&best.doubt);
}

/* Worker pools that run on the same resource pool add up. */
static void sums(struct ap_fit *f, const cJSON *resource, const uint64_t *taken)
{
	const cJSON *pools = ap_json_get(resource, "resourcePools");
	size_t i = 0;

	for (const cJSON *r = pools ? pools->child : NULL; r; r = r->next, i++) {
		if (taken[i] > most_replicas(r))
			ap_strv_addf(&f->warnings,
				"the worker pools together want %" PRIu64
				" replicas of resource pool %s, which has at most %" PRIu64,
				taken[i], text(r, "id", "?"), most_replicas(r));
	}
}

static void accounts(struct ap_fit *f, const cJSON *spec, const cJSON *resource)
{
	const cJSON *runtime = ap_json_get(resource, "resourceRuntimeSpec");
	const cJSON *account = ap_json_get(runtime, "serviceAccountSpec");
	bool custom = cJSON_IsTrue(ap_json_get(account, "enableCustomServiceAccount"));
	const char *wanted = ap_json_str(spec, "serviceAccount");

	if (wanted && !custom)
		ap_strv_addf(&f->warnings,
			"the job runs as %s, but the persistent resource was made without "
			"--enable-custom-service-account",
			wanted);
	if (!wanted && custom && !ap_json_str(account, "serviceAccount"))
		ap_strv_addf(&f->warnings,
			"the persistent resource runs jobs as a service account of their own: give "
			"--service-account");
}

void ap_fit_compare(struct ap_fit *out, const cJSON *spec, const cJSON *resource)
{
	const cJSON *pools = ap_json_get(spec, "workerPoolSpecs");
	const char *state = ap_json_str(resource, "state");
	size_t n = (size_t)cJSON_GetArraySize(ap_json_get(resource, "resourcePools"));
	ap_auto_free uint64_t *taken = ap_xcalloc(n + 1, sizeof(*taken));
	size_t index = 1;

	*out = (struct ap_fit){ .fits = true };
	for (const cJSON *w = pools ? pools->child : NULL; w; w = w->next, index++) {
		if (w->child)
			one_pool(out, taken, w, index, resource);
	}
	sums(out, resource, taken);
	accounts(out, spec, resource);
	if (state && strcmp(state, "RUNNING") != 0)
		ap_strv_addf(&out->warnings, "the persistent resource is %s, not RUNNING", state);
}

int ap_fit_check(struct ap_fit *out, struct ap_vertex *v, const cJSON *spec, const char *id,
	struct ap_err *err)
{
	ap_auto_json resource = NULL;

	if (ap_vertex_get(&resource, v, "v1", "persistentResources", id, err) < 0) {
		if (err->http != 403)
			return ap_err_wrap(err, "persistent resource %s", id);
		*out = (struct ap_fit){ .fits = true };
		ap_strv_addf(&out->warnings,
			"the persistent resource could not be read, so the fit is not checked: %s",
			err->msg);
		ap_err_clear(err);
		return 0;
	}
	ap_fit_compare(out, spec, resource);
	if (!out->fits)
		return ap_err_set(err, AP_E_USAGE,
			"persistent resource %s: %s (--no-fit-check "
			"sends it all the same)",
			id, out->reason);
	return 0;
}
