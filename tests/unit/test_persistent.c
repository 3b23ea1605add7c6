#include <stdlib.h>

#include "tests/unit/unit.h"
#include "vertex/fit.h"
#include "vertex/persistent_resource.h"

static void request(struct ap_persistent_request *r, const char *config, const char *const *pools)
{
	ap_persistent_request_init(r);
	r->id = ap_xstrdup("my-pr");
	r->region = ap_xstrdup("us-central1");
	r->project = ap_xstrdup("my-project");
	if (config) {
		r->config_file = ap_xstrdup("c.yaml");
		r->config_text = ap_xstrdup(config);
	}
	for (; pools && *pools; pools++)
		ap_strv_add(&r->resource_pool_specs, *pools);
}

static void assert_body(struct ap_persistent_request *r, const char *want)
{
	AP_CLEANUP(ap_persistent_spec_release) struct ap_persistent_spec s = { 0 };
	struct ap_err err = AP_ERR_INIT;
	ap_auto_buf b = AP_BUF_INIT;

	assert_ok(ap_persistent_spec(&s, r, &err), &err);
	ap_json_print(&b, s.body, AP_JSON_SORTED);
	assert_string_equal(b.p, want);
}

TEST(persistent_resource_has_all_that_flags_say)
{
	AP_CLEANUP(ap_persistent_request_release) struct ap_persistent_request r;

	request(&r, NULL,
		(const char *[]){ "replica-count=4,machine-type=a,disk-type=pd-ssd,disk-size=200",
			"machine-type=b,min-replica-count=1,max-replica-count=3,accelerator-type="
			"NVIDIA_L4,accelerator-count=2",
			NULL });
	r.enable_custom_service_account = 1;
	r.network = ap_xstrdup("projects/1/global/networks/n");
	assert_body(&r,
		"{\"network\":\"projects/1/global/networks/n\",\"resourcePools\":[{\"diskSpec\":{"
		"\"bootDiskSizeGb\":200,\"bootDiskType\":\"pd-ssd\"},\"machineSpec\":{\"machineType\":"
		"\"a\"},\"replicaCount\":\"4\"},{\"autoscalingSpec\":{\"maxReplicaCount\":\"3\","
		"\"minReplicaCount\":\"1\"},\"machineSpec\":{\"acceleratorCount\":2,\"acceleratorType\":"
		"\"NVIDIA_L4\",\"machineType\":\"b\"}}],\"resourceRuntimeSpec\":{\"serviceAccountSpec\":{"
		"\"enableCustomServiceAccount\":true}}}");
}

TEST(persistent_resource_keeps_every_field_of_the_file)
{
	AP_CLEANUP(ap_persistent_request_release) struct ap_persistent_request r;

	request(&r,
		"displayName: x\nlabels: {a: b}\nresourcePoolSpecs:\n- machine_spec: {machine_type: a}\n"
		"  replica_count: 1\nresource_runtime_spec: {enable_custom_service_account: true}\n",
		(const char *[]){ "machine-type=b,replica-count=2", NULL });
	assert_body(&r,
		"{\"displayName\":\"x\",\"labels\":{\"a\":\"b\"},\"resourcePools\":[{\"machineSpec\":{"
		"\"machineType\":\"a\"},\"replicaCount\":\"1\"},{\"machineSpec\":{\"machineType\":\"b\"},"
		"\"replicaCount\":\"2\"}],\"resourceRuntimeSpec\":{\"serviceAccountSpec\":{"
		"\"enableCustomServiceAccount\":true}}}");
}

TEST(persistent_resource_refuses_what_the_service_would)
{
	static const struct {
		const char *config, *pool, *part;
	} cases[] = {
		{ NULL, NULL, "no resource pool" },
		{ NULL, "", "a pool must not be empty" },
		{ NULL, "replica-count=1", "machine-type is missing" },
		{ NULL, "machine-type=a", "want a replica count of 1 or more" },
		{ NULL, "machine-type=a,replica-count=0", "want a replica count of 1 or more" },
		{ NULL, "machine-type=a,min-replica-count=1", "go together" },
		{ NULL, "machine-type=a,min-replica-count=5,max-replica-count=2",
			"minimum <= maximum" },
		{ NULL, "machine-type=a,replica-count=1,accelerator-type=NVIDIA_L4",
			"needs accelerator-count" },
		{ NULL, "machine-type=a,replica-count=1,accelerator-type=TPU_V3,accelerator-count=8",
			"has no TPUs" },
		{ NULL, "machine-type=a,replica-count=1,disk-size=200", "needs a disk type" },
		{ NULL, "machine-type=a,replica-count=1,container-image-uri=x", "unknown key" },
		{ "", NULL, "empty; want a PersistentResource" },
		{ "resourcePools: [{machineSpec: {machineType: a}, replicaCount: 1, x: 1}]", NULL,
			"c.yaml: line 1, column 66: resourcePools[0]: ResourcePool has no field \"x\"" },
		{ "resourcePools: [{machineSpec: {machineType: a, acceleratorCount: 1}, replicaCount: 1}]",
			NULL, "needs an accelerator type" },
	};
	struct ap_err err = AP_ERR_INIT;

	for (size_t i = 0; i < AP_LEN(cases); i++) {
		AP_CLEANUP(ap_persistent_request_release) struct ap_persistent_request r;
		struct ap_persistent_spec s = { 0 };

		print_message("  case: %s\n", cases[i].part);
		request(&r, cases[i].config, (const char *[]){ cases[i].pool, NULL });
		if (ap_persistent_spec(&s, &r, &err) == 0)
			fail_msg("accepted");
		if (!strstr(err.msg, cases[i].part))
			fail_msg("\"%s\" lacks \"%s\"", err.msg, cases[i].part);
		assert_int_equal(ap_err_exit_status(&err), 2);
		ap_err_clear(&err);
	}
}

TEST(persistent_resource_of_stdin_is_told_so)
{
	AP_CLEANUP(ap_persistent_request_release) struct ap_persistent_request r;
	struct ap_persistent_spec s = { 0 };
	struct ap_err err = AP_ERR_INIT;

	request(&r,
		"labels: {A: b}\n"
		"resourcePools: [{machineSpec: {machineType: a}, replicaCount: 1}]",
		NULL);
	free(r.config_file);
	r.config_file = ap_xstrdup("-");
	assert_fails(ap_persistent_spec(&s, &r, &err), &err, AP_E_INPUT,
		"standard input: line 1, column 9: label");
}

TEST(persistent_resource_ids)
{
	static const char *const bad[] = { "", "A", "1a", "a-", "a_b", NULL };
	struct ap_err err = AP_ERR_INIT;

	for (size_t i = 0; bad[i]; i++) {
		AP_CLEANUP(ap_persistent_request_release) struct ap_persistent_request r;
		struct ap_persistent_spec s = { 0 };

		request(&r, NULL, (const char *[]){ "machine-type=a,replica-count=1", NULL });
		free(r.id);
		r.id = ap_xstrdup(bad[i]);
		assert_fails(ap_persistent_spec(&s, &r, &err), &err, AP_E_USAGE,
			"--persistent-resource-id: want 1 to 63");
	}
}

#define RESOURCE                                                                                   \
	"{\"state\":\"RUNNING\",\"resourcePools\":[{\"id\":\"small\",\"machineSpec\":{"            \
	"\"machineType\":\"n1-standard-4\"},\"replicaCount\":\"4\",\"usedReplicaCount\":\"1\","    \
	"\"diskSpec\":{\"bootDiskType\":\"pd-standard\",\"bootDiskSizeGb\":100}},{\"id\":\"gpu\"," \
	"\"machineSpec\":{\"machineType\":\"g2-standard-8\",\"acceleratorType\":\"NVIDIA_L4\","    \
	"\"acceleratorCount\":1},\"autoscalingSpec\":{\"minReplicaCount\":\"1\","                  \
	"\"maxReplicaCount\":\"6\"},\"replicaCount\":\"1\"}]}"

TEST(fit_matches_pools_by_what_was_said)
{
	static const struct {
		const char *name, *pools, *reason, *warning;
	} cases[] = {
		{ "equal",
			"[{\"machineSpec\":{\"machineType\":\"n1-standard-4\"},\"replicaCount\":\"2\","
			"\"diskSpec\":{\"bootDiskType\":\"pd-standard\"}}]",
			NULL, NULL },
		{ "disk not said", "[{\"machineSpec\":{\"machineType\":\"n1-standard-4\"}}]", NULL,
			"disk type pd-standard, not pd-ssd: say it with disk-type" },
		{ "disk said",
			"[{\"machineSpec\":{\"machineType\":\"n1-standard-4\"},\"diskSpec\":{"
			"\"bootDiskType\":\"pd-ssd\"}}]",
			"the nearest, small, has disk type pd-standard, not pd-ssd", NULL },
		{ "other machine", "[{\"machineSpec\":{\"machineType\":\"e2-standard-4\"}}]",
			"has machine type n1-standard-4, not e2-standard-4", NULL },
		{ "no accelerator", "[{\"machineSpec\":{\"machineType\":\"g2-standard-8\"}}]",
			"the nearest, gpu, has acceleratorType NVIDIA_L4, not none", NULL },
		{ "within the maximum",
			"[{\"machineSpec\":{\"machineType\":\"g2-standard-8\",\"acceleratorType\":"
			"\"NVIDIA_L4\",\"acceleratorCount\":1},\"replicaCount\":\"6\"}]",
			NULL, NULL },
		{ "over the maximum",
			"[{\"machineSpec\":{\"machineType\":\"g2-standard-8\",\"acceleratorType\":"
			"\"NVIDIA_L4\",\"acceleratorCount\":1},\"replicaCount\":\"7\"}]",
			"at most 6, not 7", NULL },
		{ "not free now",
			"[{\"machineSpec\":{\"machineType\":\"n1-standard-4\"},"
			"\"replicaCount\":\"4\",\"diskSpec\":{\"bootDiskType\":"
			"\"pd-standard\"}}]",
			NULL, "wants 4 replicas, resource pool small has 3 free now" },
		{ "two pools on one",
			"[{\"machineSpec\":{\"machineType\":\"n1-standard-4\"},\"diskSpec\":{"
			"\"bootDiskType\":\"pd-standard\"},\"replicaCount\":\"2\"},{\"machineSpec\":{"
			"\"machineType\":\"n1-standard-4\"},\"diskSpec\":{\"bootDiskType\":"
			"\"pd-standard\"},\"replicaCount\":\"3\"}]",
			NULL,
			"together want 5 replicas of resource pool small, which has at most 4" },
		{ "an empty pool is no pool",
			"[{\"machineSpec\":{\"machineType\":\"n1-standard-4\"},\"diskSpec\":{"
			"\"bootDiskType\":\"pd-standard\"}},{}]",
			NULL, NULL },
	};
	struct ap_err err = AP_ERR_INIT;
	ap_auto_json resource = NULL;

	assert_ok(ap_json_parse(&resource, RESOURCE, strlen(RESOURCE), &err), &err);
	for (size_t i = 0; i < AP_LEN(cases); i++) {
		AP_CLEANUP(ap_fit_release) struct ap_fit f = { 0 };
		ap_auto_free char *text = ap_xasprintf("{\"workerPoolSpecs\":%s}", cases[i].pools);
		ap_auto_json spec = NULL;

		print_message("  case: %s\n", cases[i].name);
		assert_ok(ap_json_parse(&spec, text, strlen(text), &err), &err);
		ap_fit_compare(&f, spec, resource);
		assert_int_equal(f.fits, cases[i].reason == NULL);
		if (cases[i].reason && !strstr(f.reason, cases[i].reason))
			fail_msg("\"%s\" lacks \"%s\"", f.reason, cases[i].reason);
		assert_int_equal(f.warnings.n, cases[i].warning != NULL);
		if (cases[i].warning && !strstr(f.warnings.v[0], cases[i].warning))
			fail_msg("\"%s\" lacks \"%s\"", f.warnings.v[0], cases[i].warning);
		assert_true(f.table.n >= 2);
	}
}

TEST(fit_warns_of_service_accounts)
{
#define JOB "{\"workerPoolSpecs\":[]"
#define CUSTOM \
	"{\"resourceRuntimeSpec\":{\"serviceAccountSpec\":{\"enableCustomServiceAccount\":true"
	static const struct {
		const char *name, *spec, *resource, *warning;
	} cases[] = {
		{ "neither", JOB "}", "{}", NULL },
		{ "the job alone", JOB ",\"serviceAccount\":\"a@b\"}", "{}",
			"the job runs as a@b, but" },
		{ "both", JOB ",\"serviceAccount\":\"a@b\"}", CUSTOM "}}}", NULL },
		{ "the resource alone", JOB "}", CUSTOM "}}}", "give --service-account" },
		{ "the resource has one", JOB "}", CUSTOM ",\"serviceAccount\":\"c@d\"}}}", NULL },
	};
	struct ap_err err = AP_ERR_INIT;

	for (size_t i = 0; i < AP_LEN(cases); i++) {
		AP_CLEANUP(ap_fit_release) struct ap_fit f = { 0 };
		ap_auto_json spec = NULL;
		ap_auto_json resource = NULL;

		print_message("  case: %s\n", cases[i].name);
		assert_ok(ap_json_parse(&spec, cases[i].spec, strlen(cases[i].spec), &err), &err);
		assert_ok(ap_json_parse(
				  &resource, cases[i].resource, strlen(cases[i].resource), &err),
			&err);
		ap_fit_compare(&f, spec, resource);
		assert_int_equal(f.warnings.n, cases[i].warning != NULL);
		if (cases[i].warning && !strstr(f.warnings.v[0], cases[i].warning))
			fail_msg("\"%s\" lacks \"%s\"", f.warnings.v[0], cases[i].warning);
	}
}
