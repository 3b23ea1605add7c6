#include "vertex/machine.h"

#include <inttypes.h>
#include <string.h>

#include "vertex/schema.h"

static const char *const disk_types[] = { "pd-ssd", "pd-standard", "hyperdisk-balanced" };

#define MAX_DISK_GB 65536

static int check_accelerator(const char *type, const char *flag, unsigned flags, struct ap_err *err)
{
	const struct ap_schema_enum *e = ap_schema_enum("AcceleratorType");
	const char *near = ap_schema_nearest_value(e, type);
	ap_auto_buf known = AP_BUF_INIT;

	if (flags & AP_MACHINE_RESOURCE_POOL && ap_starts_with(type, "TPU_"))
		return ap_err_set(err, AP_E_USAGE,
			"%s: accelerator-type: a persistent resource has no TPUs, found \"%.60s\"",
			flag, type);
	if (ap_schema_value(e, type))
		return 0;
	if (near)
		return ap_err_set(err, AP_E_USAGE,
			"%s: accelerator-type: no such accelerator \"%.60s\"; did you mean %s?",
			flag, type, near);
	for (size_t i = 0; i < e->n; i++)
		ap_buf_addf(&known, "%s%s", i ? ", " : "", e->v[i].name);
	return ap_err_set(err, AP_E_USAGE,
		"%s: accelerator-type: no such accelerator \"%.60s\"; want one of %s", flag, type,
		known.p);
}

static int accelerator_words(cJSON *machine, const struct ap_pool_spec *s, const char *flag,
	unsigned flags, struct ap_err *err)
{
	const char *type = ap_pool_text(s, "accelerator-type");
	const struct ap_pool_word *count = ap_pool_word(s, "accelerator-count");
	bool had_type = ap_json_str(machine, "acceleratorType") != NULL;

	if (!type && count && !had_type)
		return ap_err_set(
			err, AP_E_USAGE, "%s: accelerator-count needs accelerator-type", flag);
	if (type && !count && flags & AP_MACHINE_RESOURCE_POOL &&
		!ap_json_get(machine, "acceleratorCount"))
		return ap_err_set(
			err, AP_E_USAGE, "%s: accelerator-type needs accelerator-count", flag);
	if (type && check_accelerator(type, flag, flags, err) < 0)
		return -1;
	if (count && count->count > INT32_MAX)
		return ap_err_set(err, AP_E_USAGE,
			"%s: accelerator-count: %" PRIu64 " is out of range", flag, count->count);
	ap_json_set_str(machine, "acceleratorType", type);
	if (count)
		ap_json_set(machine, "acceleratorCount", ap_json_number((double)count->count));
	else if (type && !had_type)
		ap_json_set(machine, "acceleratorCount", ap_json_number(1));
	return 0;
}

/* none, any, or the full names of reservations. */
static int reservation_words(
	cJSON *machine, const struct ap_pool_word *w, const char *flag, struct ap_err *err)
{
	const struct ap_schema_enum *types = ap_schema_enum("ReservationAffinity.Type");
	cJSON *affinity = ap_json_set_object(machine, "reservationAffinity");
	cJSON *values;

	if (w->list.n == 1 && (strcmp(w->text, "none") == 0 || strcmp(w->text, "any") == 0)) {
		ap_json_set_str(affinity, "reservationAffinityType",
			*w->text == 'n' ? "NO_RESERVATION" : "ANY_RESERVATION");
		return 0;
	}
	if (w->list.n == 1 && ap_schema_value(types, w->text) &&
		strcmp(w->text, "SPECIFIC_RESERVATION") != 0) {
		ap_json_set_str(affinity, "reservationAffinityType", w->text);
		return 0;
	}
	ap_json_set_str(affinity, "reservationAffinityType", "SPECIFIC_RESERVATION");
	ap_json_set_str(affinity, "key", "compute.googleapis.com/reservation-name");
	values = ap_json_set_array(affinity, "values");
	for (size_t i = 0; i < w->list.n; i++) {
		const char *v = w->list.v[i];

		if (!ap_starts_with(v, "projects/") || !strstr(v, "/reservations/"))
			return ap_err_set(err, AP_E_USAGE,
				"%s: reservation-affinity: want none, any or "
				"projects/P/zones/Z/reservations/R, found \"%.80s\"",
				flag, v);
		ap_json_push(values, ap_json_string(v));
	}
	return 0;
}

static int disk_words(
	cJSON *pool, const struct ap_pool_spec *s, const char *flag, struct ap_err *err)
{
	const char *type = ap_pool_text(s, "disk-type");
	const struct ap_pool_word *size = ap_pool_word(s, "disk-size");
	cJSON *disk;

	if (!type && !size)
		return 0;
	if (size && (size->empty || size->count < 1 || size->count > MAX_DISK_GB))
		return ap_err_set(err, AP_E_USAGE,
			"%s: disk-size: want 1 to %d (GB), found \"%.40s\"", flag, MAX_DISK_GB,
			size->text);
	for (size_t i = 0; type && i < AP_LEN(disk_types) && strcmp(type, disk_types[i]) != 0;
		i++) {
		if (i + 1 == AP_LEN(disk_types))
			return ap_err_set(err, AP_E_USAGE,
				"%s: disk-type: want pd-ssd, pd-standard or hyperdisk-balanced, "
				"found \"%.60s\"",
				flag, type);
	}
	disk = ap_json_make_object(pool, "diskSpec");
	ap_json_set_str(disk, "bootDiskType", type);
	if (size)
		ap_json_set(disk, "bootDiskSizeGb", ap_json_number((double)size->count));
	return 0;
}

/* SERVER:/PATH:MOUNT-POINT; a server in IPv6 form stands in brackets. */
static int nfs_words(
	cJSON *pool, const struct ap_pool_word *w, const char *flag, struct ap_err *err)
{
	cJSON *mounts = ap_json_set_array(pool, "nfsMounts");

	for (size_t i = 0; i < w->list.n; i++) {
		const char *v = w->list.v[i];
		const char *path = strstr(v, ":/");
		const char *point = path ? strrchr(path + 1, ':') : NULL;
		ap_auto_free char *server = path ? ap_xstrndup(v, (size_t)(path - v)) : NULL;
		ap_auto_free char *dir = NULL;
		cJSON *m;

		if (!point || path == v || !point[1])
			return ap_err_set(err, AP_E_USAGE,
				"%s: nfs-mounts: want SERVER:/PATH:MOUNT-POINT, found \"%.80s\"",
				flag, v);
		dir = ap_xstrndup(path + 1, (size_t)(point - path - 1));
		m = ap_json_object();
		ap_json_push(mounts, m);
		ap_json_set_str(m, "server", server);
		ap_json_set_str(m, "path", dir);
		ap_json_set_str(m, "mountPoint", point + 1);
	}
	return 0;
}

int ap_machine_words(cJSON *pool, const struct ap_pool_spec *s, const char *flag, unsigned flags,
	struct ap_err *err)
{
	static const char *const keys[] = { "machine-type", "accelerator-type", "accelerator-count",
		"tpu-topology", "reservation-affinity" };
	const struct ap_pool_word *w;
	cJSON *machine = NULL;

	for (size_t i = 0; i < AP_LEN(keys); i++) {
		if (ap_pool_has(s, keys[i]))
			machine = ap_json_make_object(pool, "machineSpec");
	}
	if (machine) {
		ap_json_set_str(machine, "machineType", ap_pool_text(s, "machine-type"));
		if (accelerator_words(machine, s, flag, flags, err) < 0)
			return -1;
		ap_json_set_str(machine, "tpuTopology", ap_pool_text(s, "tpu-topology"));
		w = ap_pool_word(s, "reservation-affinity");
		if (w && !w->empty && reservation_words(machine, w, flag, err) < 0)
			return -1;
	}
	if (disk_words(pool, s, flag, err) < 0)
		return -1;
	w = ap_pool_word(s, "nfs-mounts");
	return w && !w->empty ? nfs_words(pool, w, flag, err) : 0;
}

static int check_disk(const cJSON *disk, const char *what, unsigned flags, struct ap_err *err)
{
	const cJSON *size = ap_json_get(disk, "bootDiskSizeGb");

	if (size && (size->valuedouble < 1 || size->valuedouble > MAX_DISK_GB))
		return ap_err_set(err, AP_E_USAGE, "%s: boot disk of %.0f GB: want 1 to %d", what,
			size->valuedouble, MAX_DISK_GB);
	if (size && flags & AP_MACHINE_RESOURCE_POOL && !ap_json_str(disk, "bootDiskType"))
		return ap_err_set(
			err, AP_E_USAGE, "%s: a disk size needs a disk type as well", what);
	return 0;
}

int ap_machine_check(const cJSON *pool, const char *what, unsigned flags, struct ap_err *err)
{
	const cJSON *machine = ap_json_get(pool, "machineSpec");
	const char *type = ap_json_str(machine, "machineType");
	const char *accelerator = ap_json_str(machine, "acceleratorType");
	const cJSON *count = ap_json_get(machine, "acceleratorCount");

	if ((!type && flags & AP_MACHINE_RESOURCE_POOL) || (type && !*type))
		return ap_err_set(err, AP_E_USAGE, "%s: the machine type is missing", what);
	if (count && !accelerator)
		return ap_err_set(err, AP_E_USAGE,
			"%s: an accelerator count needs an accelerator type", what);
	if (count && count->valuedouble < 0)
		return ap_err_set(err, AP_E_USAGE, "%s: accelerator count: want 0 or more", what);
	if (accelerator && flags & AP_MACHINE_RESOURCE_POOL) {
		if (!count)
			return ap_err_set(err, AP_E_USAGE,
				"%s: an accelerator type needs an accelerator count", what);
		if (check_accelerator(accelerator, what, flags, err) < 0)
			return -1;
	}
	return check_disk(ap_json_get(pool, "diskSpec"), what, flags, err);
}
