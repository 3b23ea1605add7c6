#include <stdlib.h>

#include "tests/unit/unit.h"
#include "vertex/jobspec.h"

#define AUTO                                                                                  \
	"machine-type=n1-standard-4,executor-image-uri=gcr.io/p/base,local-package-path=app," \
	"script=t.py"
#define BOX "machine-type=n1-standard-4,container-image-uri=gcr.io/p/i"
#define PY  "machine-type=n1-standard-4,executor-image-uri=gcr.io/p/base,python-module=a.b"

/* A request in a few words; pools end with NULL. */
static void request(struct ap_job_request *r, const char *config, const char *const *pools)
{
	ap_job_request_init(r);
	r->display_name = ap_xstrdup("job");
	r->region = ap_xstrdup("us-central1");
	r->project = ap_xstrdup("my-project");
	if (config) {
		r->config_file = ap_xstrdup("c.yaml");
		r->config_text = ap_xstrdup(config);
	}
	for (; pools && *pools; pools++)
		ap_strv_add(&r->worker_pool_specs, *pools);
}

/* The body as compact JSON with sorted keys; owned. */
static char *body_of(struct ap_job_request *r, const char *image)
{
	struct ap_err err = AP_ERR_INIT;
	ap_auto_jobspec s = NULL;
	ap_auto_json body = NULL;
	struct ap_buf text = AP_BUF_INIT;

	assert_ok(ap_jobspec_parse(&s, r, &err), &err);
	assert_ok(ap_jobspec_body(&body, s, image, &err), &err);
	ap_json_print(&text, ap_json_get(body, "jobSpec"), AP_JSON_SORTED);
	return ap_buf_steal(&text);
}

static void assert_body(const char *config, const char *const *pools, const char *want)
{
	AP_CLEANUP(ap_job_request_release) struct ap_job_request r;
	ap_auto_free char *have = NULL;

	request(&r, config, pools);
	have = body_of(&r, "IMAGE");
	assert_string_equal(have, want);
}

static void assert_refused(const char *config, const char *const *pools, const char *part)
{
	AP_CLEANUP(ap_job_request_release) struct ap_job_request r;
	struct ap_err err = AP_ERR_INIT;
	struct ap_jobspec *s = NULL;
	int rc;

	request(&r, config, pools);
	rc = ap_jobspec_parse(&s, &r, &err);
	if (rc == 0)
		fail_msg("accepted, wanted \"%s\"", part);
	if (!strstr(err.msg, part) || ap_err_exit_status(&err) != 2)
		fail_msg("refused with \"%s\", wanted \"%s\"", err.msg, part);
}

TEST(jobspec_gives_the_packaged_image_to_all_pools)
{
	assert_body(NULL,
		(const char *[]){ AUTO, "machine-type=n1-highmem-2,replica-count=3", NULL },
		"{\"workerPoolSpecs\":[{\"containerSpec\":{\"imageUri\":\"IMAGE\"},\"machineSpec\":{"
		"\"machineType\":\"n1-standard-4\"},\"replicaCount\":\"1\"},{\"containerSpec\":{"
		"\"imageUri\":\"IMAGE\"},\"machineSpec\":{\"machineType\":\"n1-highmem-2\"},"
		"\"replicaCount\":\"3\"}]}");
}

TEST(jobspec_says_what_gclouds_keys_cannot)
{
	assert_body(NULL,
		(const char *[]){ BOX
			",disk-type=pd-ssd,disk-size=200,env=A=1;B=x=y,tpu-topology=2x2,"
			"reservation-affinity=any,nfs-mounts=10.0.0.2:/s:data",
			NULL },
		"{\"workerPoolSpecs\":[{\"containerSpec\":{\"env\":[{\"name\":\"A\",\"value\":\"1\"},{"
		"\"name\":\"B\",\"value\":\"x=y\"}],\"imageUri\":\"gcr.io/p/i\"},\"diskSpec\":{"
		"\"bootDiskSizeGb\":200,\"bootDiskType\":\"pd-ssd\"},\"machineSpec\":{\"machineType\":"
		"\"n1-standard-4\",\"reservationAffinity\":{\"reservationAffinityType\":"
		"\"ANY_RESERVATION\"},\"tpuTopology\":\"2x2\"},\"nfsMounts\":[{\"mountPoint\":\"data\","
		"\"path\":\"/s\",\"server\":\"10.0.0.2\"}],\"replicaCount\":\"1\"}]}");
}

TEST(jobspec_lays_flags_over_the_file_pool_by_pool)
{
	assert_body("workerPoolSpecs:\n"
		    "- machineSpec: {machineType: a}\n"
		    "  replicaCount: 1\n"
		    "  containerSpec: {imageUri: old, args: [x], env: [{name: A, value: '1'}]}\n"
		    "- machineSpec: {machineType: b}\n"
		    "  replicaCount: 4\n"
		    "  containerSpec: {imageUri: two}\n",
		(const char *[]){ "container-image-uri=new,env=A=2;B=3", NULL },
		"{\"workerPoolSpecs\":[{\"containerSpec\":{\"args\":[\"x\"],\"env\":[{\"name\":\"A\","
		"\"value\":\"2\"},{\"name\":\"B\",\"value\":\"3\"}],\"imageUri\":\"new\"},"
		"\"machineSpec\":{\"machineType\":\"a\"},\"replicaCount\":\"1\"},{\"containerSpec\":{"
		"\"imageUri\":\"two\"},\"machineSpec\":{\"machineType\":\"b\"},\"replicaCount\":\"4\"}]}");
}

TEST(jobspec_refuses_words_that_do_not_go_together)
{
	static const struct {
		const char *pool[3];
		const char *part;
	} cases[] = {
		{ { "", BOX }, "--worker-pool-spec 1: the first pool must not be empty" },
		{ { "replica-count=1,container-image-uri=x" }, "machine-type is missing" },
		{ { "machine-type=a" }, "want one of container-image-uri and executor-image-uri" },
		{ { BOX ",executor-image-uri=x" }, "want only one of" },
		{ { BOX ",requirements=a" }, "requirements is only for packaging" },
		{ { BOX ",python-module=a" }, "python-module is for executor-image-uri" },
		{ { "machine-type=a,executor-image-uri=x" },
			"executor-image-uri needs python-module" },
		{ { AUTO ",python-module=a" },
			"exactly one of script and python-module, found both" },
		{ { "machine-type=a,executor-image-uri=x,local-package-path=app" },
			"found neither" },
		{ { "machine-type=a,local-package-path=app,script=x" },
			"needs executor-image-uri" },
		{ { AUTO ",container-image-uri=x" }, "exclude each other" },
		{ { AUTO, "machine-type=a,script=x" },
			"--worker-pool-spec 2: script is not allowed" },
		{ { AUTO ",output-image-uri=" }, "output-image-uri is empty" },
		{ { BOX, AUTO }, "local-package-path is only allowed in the first pool" },
		{ { BOX ",accelerator-count=1" }, "accelerator-count needs accelerator-type" },
		{ { BOX ",accelerator-type=nvidia-l4" }, "did you mean NVIDIA_L4?" },
		{ { BOX ",disk-type=ssd" }, "disk-type: want pd-ssd" },
		{ { BOX ",disk-size=0" }, "disk-size: want 1 to" },
		{ { BOX ",env=A" }, "env: want NAME=VALUE, found \"A\"" },
		{ { BOX ",nfs-mounts=a" }, "want SERVER:/PATH:MOUNT-POINT" },
		{ { BOX ",reservation-affinity=x" }, "want none, any or projects/" },
	};

	for (size_t i = 0; i < AP_LEN(cases); i++) {
		print_message("  case: %s\n", cases[i].part);
		assert_refused(NULL, cases[i].pool, cases[i].part);
	}
}

#define POOL "workerPoolSpecs:\n- machineSpec: {machineType: a}\n  containerSpec: {imageUri: i}\n"

TEST(config_refuses_with_line_and_column)
{
	static const struct {
		const char *text, *part;
	} cases[] = {
		{ POOL "servcieAccount: a@b\n",
			"c.yaml: line 4, column 1: CustomJobSpec has no field \"servcieAccount\"; did you "
			"mean serviceAccount?" },
		{ "workerPoolSpecs:\n- machineSpec: {machineTyp: a}\n",
			"line 2, column 17: workerPoolSpecs[0].machineSpec: MachineSpec has no field" },
		{ "workerPoolSpecs:\n- replicaCount: 1.5\n",
			"line 2, column 17: workerPoolSpecs[0].replicaCount: want an integer" },
		{ "workerPoolSpecs:\n- replicaCount: two\n",
			"want an integer, found text \"two\"" },
		{ POOL "network: 1\n", "want text, found a number; write \"1\" in quotes" },
		{ POOL "enableWebAccess: 1\n", "want true or false" },
		{ POOL "enableWebAccess: 'yes'\n", "want true or false" },
		{ POOL "scheduling: {timeout: 60}\n", "want seconds such as \"3600s\"" },
		{ POOL "scheduling: {strategy: spott}\n", "did you mean SPOT?" },
		{ POOL "scheduling: []\n", "want a mapping (Scheduling), found a list" },
		{ POOL "models: x\n", "want a list, found text" },
		{ POOL "scheduling: {}\nscheduling: {}\n", "occurs twice" },
		{ POOL "persistentResourceId: a\npersistent_resource_id: a\n", "is given twice" },
		{ "workerPoolSpecs:\n- containerSpec: {imageUri: a}\n  pythonPackageSpec: {}\n",
			"want only one of containerSpec and pythonPackageSpec" },
		{ "workerPoolSpecs:\n- diskSpec: {bootDiskSizeGb: 99999999999}\n", "out of range" },
		{ "workerPoolSpecs:\n- machineSpec: {machineType: a}\n  containerSpec: {args: [a]}\n",
			"workerPoolSpecs[0].containerSpec.imageUri is missing" },
		{ "", "empty; want a CustomJobSpec" },
		{ "{}", "no worker pool" },
		{ "- a\n", "want a mapping (CustomJobSpec), found a list" },
		{ "hello\n", "want a mapping (CustomJobSpec), found text" },
	};

	for (size_t i = 0; i < AP_LEN(cases); i++) {
		print_message("  case: %s\n", cases[i].part);
		assert_refused(cases[i].text, NULL, cases[i].part);
	}
}

TEST(config_tolerates_what_people_write)
{
	static const char want[] = "{\"enableWebAccess\":true,\"workerPoolSpecs\":[{"
				   "\"containerSpec\":{\"imageUri\":\"i\"},\"machineSpec\":{"
				   "\"machineType\":\"a\"},\"replicaCount\":\"2\"}]}";

	assert_body("worker_pool_specs:\n  machine_spec: {machine_type: a}\n  replica_count: '2'\n"
		    "  container_spec: {image_uri: i}\nenable_web_access: yes\nnetwork: ~\n",
		NULL, want);
	assert_body(
		"{\"displayName\":\"x\",\"state\":\"JOB_STATE_FAILED\",\"jobSpec\":{"
		"\"workerPoolSpecs\":[{\"machineSpec\":{\"machineType\":\"a\"},\"replicaCount\":2,"
		"\"containerSpec\":{\"imageUri\":\"i\"}}],\"enableWebAccess\":true}}",
		NULL, want);
}

TEST(jobspec_flags_reach_their_fields)
{
	AP_CLEANUP(ap_job_request_release) struct ap_job_request r;
	ap_auto_free char *have = NULL;

	request(&r, "enableWebAccess: true\nscheduling: {disableRetries: true}\n",
		(const char *[]){ BOX, PY, NULL });
	r.service_account = ap_xstrdup("a@b");
	r.enable_web_access = 0;
	r.enable_dashboard_access = 1;
	r.timeout = ap_xstrdup("1h30m");
	r.strategy = ap_xstrdup("flex-start");
	r.restart_on_worker_restart = 1;
	r.base_output_dir = ap_xstrdup("gs://b/o");
	r.persistent_resource_id =
		ap_xstrdup("projects/p-1/locations/us-central1/persistentResources/pr");
	ap_strv_add(&r.args, "x");
	ap_strv_add(&r.command, "run");
	ap_strv_add(&r.python_package_uris, "gs://b/a.tar.gz");
	have = body_of(&r, NULL);
	assert_string_equal(have,
		"{\"baseOutputDirectory\":{\"outputUriPrefix\":\"gs://b/o\"},"
		"\"enableDashboardAccess\":true,\"persistentResourceId\":\"pr\",\"scheduling\":{"
		"\"disableRetries\":true,\"restartJobOnWorkerRestart\":true,\"strategy\":\"FLEX_START\","
		"\"timeout\":\"5400s\"},\"serviceAccount\":\"a@b\",\"workerPoolSpecs\":[{"
		"\"containerSpec\":{\"args\":[\"x\"],\"command\":[\"run\"],\"imageUri\":\"gcr.io/p/i\"},"
		"\"machineSpec\":{\"machineType\":\"n1-standard-4\"},\"replicaCount\":\"1\"},{"
		"\"machineSpec\":{\"machineType\":\"n1-standard-4\"},\"pythonPackageSpec\":{\"args\":["
		"\"x\"],\"executorImageUri\":\"gcr.io/p/base\",\"packageUris\":[\"gs://b/a.tar.gz\"],"
		"\"pythonModule\":\"a.b\"},\"replicaCount\":\"1\"}]}");
}

TEST(jobspec_maps_the_services_field_to_who_said_it)
{
	AP_CLEANUP(ap_job_request_release) struct ap_job_request r;
	struct ap_err err = AP_ERR_INIT;
	ap_auto_jobspec s = NULL;
	ap_auto_free char *flag = NULL;
	ap_auto_free char *line = NULL;
	ap_auto_free char *label = NULL;

	request(&r, "scheduling:\n  timeout: 60s\n", (const char *[]){ BOX, NULL });
	ap_strv_add(&r.labels, "a=b");
	assert_ok(ap_jobspec_parse(&s, &r, &err), &err);
	flag = ap_jobspec_where(s, "job_spec.worker_pool_specs[0].machine_spec.machine_type");
	assert_string_equal(flag, "--worker-pool-spec machine-type");
	line = ap_jobspec_where(s, "job_spec.scheduling.timeout");
	assert_string_equal(line, "c.yaml: line 2, column 12");
	label = ap_jobspec_where(s, "labels");
	assert_string_equal(label, "--labels");
	assert_null(ap_jobspec_where(s, "job_spec.tensorboard"));
	ap_err_set(&err, AP_E_HTTP, "Field: job_spec.scheduling.timeout; too long");
	ap_jobspec_explain(s, &err);
	assert_string_equal(err.msg,
		"Field: job_spec.scheduling.timeout; too long (from c.yaml: line 2, column 12)");
}

TEST(jobspec_limits_arguments_packages_and_names)
{
	struct ap_err err = AP_ERR_INIT;
	struct ap_jobspec *s = NULL;
	AP_CLEANUP(ap_job_request_release) struct ap_job_request r;
	ap_auto_free char *big = ap_xcalloc(1, 100002);

	memset(big, 'a', 100001);
	request(&r, NULL, (const char *[]){ BOX, NULL });
	ap_strv_add(&r.args, big);
	assert_fails(ap_jobspec_parse(&s, &r, &err), &err, AP_E_USAGE, "takes 100000");
	big[100000] = '\0';
	free(r.args.v[0]);
	r.args.v[0] = ap_xstrdup(big);
	assert_ok(ap_jobspec_parse(&s, &r, &err), &err);
	ap_jobspec_free(s);
	ap_job_request_release(&r);

	request(&r, NULL, (const char *[]){ PY, NULL });
	for (int i = 0; i < 101; i++)
		ap_strv_addf(&r.python_package_uris, "gs://b/%d", i);
	assert_fails(ap_jobspec_parse(&s, &r, &err), &err, AP_E_USAGE, "101 package URIs");
	ap_job_request_release(&r);

	request(&r, NULL, (const char *[]){ BOX, NULL });
	big[129] = '\0';
	free(r.display_name);
	r.display_name = ap_xstrdup(big);
	assert_fails(ap_jobspec_parse(&s, &r, &err), &err, AP_E_USAGE, "1 to 128 characters");
}

TEST(labels_and_keys_follow_google_clouds_rules)
{
	static const struct {
		const char *label, *part;
	} cases[] = { { "Team=a", "bad key \"Team\"" }, { "team=m l", "bad value \"m l\"" },
		{ "team", "want KEY=VALUE" }, { "1a=b", "bad key" }, { "=b", "bad key" },
		{ "\xc3\x89=b", "bad key" } };
	struct ap_err err = AP_ERR_INIT;

	for (size_t i = 0; i < AP_LEN(cases); i++) {
		AP_CLEANUP(ap_job_request_release) struct ap_job_request r;
		struct ap_jobspec *s = NULL;

		request(&r, NULL, (const char *[]){ BOX, NULL });
		ap_strv_add(&r.labels, cases[i].label);
		assert_fails(ap_jobspec_parse(&s, &r, &err), &err, AP_E_USAGE, cases[i].part);
	}
}

TEST(jobspec_warns_of_replicas_in_the_first_pool)
{
	AP_CLEANUP(ap_job_request_release) struct ap_job_request r;
	struct ap_err err = AP_ERR_INIT;
	ap_auto_jobspec s = NULL;

	request(&r, NULL, (const char *[]){ BOX ",replica-count=2", BOX, NULL });
	assert_ok(ap_jobspec_parse(&s, &r, &err), &err);
	assert_int_equal(ap_jobspec_warnings(s)->n, 1);
	assert_non_null(strstr(ap_jobspec_warnings(s)->v[0], "worker pool 1 has 2 replicas"));
}

TEST(jobspec_warns_of_an_output_image_where_nothing_is_packaged)
{
	AP_CLEANUP(ap_job_request_release) struct ap_job_request r;
	struct ap_err err = AP_ERR_INIT;
	ap_auto_jobspec s = NULL;

	request(&r, NULL, (const char *[]){ AUTO, "machine-type=a,output-image-uri=x", NULL });
	assert_ok(ap_jobspec_parse(&s, &r, &err), &err);
	assert_non_null(strstr(ap_jobspec_warnings(s)->v[0],
		"--worker-pool-spec 2: output-image-uri has no effect"));
}

TEST(jobspec_of_a_field_of_v1beta1_alone_needs_v1beta1)
{
	AP_CLEANUP(ap_job_request_release) struct ap_job_request r;
	struct ap_err err = AP_ERR_INIT;
	ap_auto_jobspec s = NULL;
	ap_auto_jobspec beta = NULL;

	request(&r, POOL, NULL);
	assert_ok(ap_jobspec_parse(&s, &r, &err), &err);
	assert_string_equal(ap_jobspec_version(s), "v1");
	ap_job_request_release(&r);
	request(&r,
		"workerPoolSpecs:\n- machineSpec: {machineType: a, minGpuDriverVersion: '5'}\n"
		"  containerSpec: {imageUri: i}\n",
		NULL);
	assert_ok(ap_jobspec_parse(&beta, &r, &err), &err);
	assert_string_equal(ap_jobspec_version(beta), "v1beta1");
}
