#include <stdlib.h>

#include "tests/unit/unit.h"
#include "vertex/hp_tuning.h"
#include "vertex/logs.h"
#include "vertex/pipeline.h"
#include "vertex/storage.h"
#include "vertex/training_pipeline.h"

#define COMPILED                                                                             \
	"components: {comp-a: {dag: {tasks: {x: {cachingOptions: {enableCache: true}}}}}}\n" \
	"defaultPipelineRoot: gs://bucket/root\n"                                            \
	"pipelineInfo: {name: My_Pipeline}\n"                                                \
	"root:\n"                                                                            \
	"  dag: {tasks: {t: {}}}\n"                                                          \
	"  inputDefinitions:\n"                                                              \
	"    parameters:\n"                                                                  \
	"      epochs: {parameterType: NUMBER_INTEGER}\n"                                    \
	"      lr: {parameterType: NUMBER_DOUBLE, defaultValue: 0.1}\n"                      \
	"      name: {parameterType: STRING, isOptional: true}\n"                            \
	"      flags: {parameterType: LIST, isOptional: true}\n"                             \
	"      cfg: {parameterType: STRUCT, isOptional: true}\n"                             \
	"      deep: {parameterType: BOOLEAN, isOptional: true}\n"                           \
	"schemaVersion: 2.1.0\n"

static void request(struct ap_pipeline_request *r, const char *text)
{
	ap_pipeline_request_init(r);
	r->file = ap_xstrdup("p.yaml");
	r->text = ap_xstrdup(text);
	r->project = ap_xstrdup("my-project");
	r->region = ap_xstrdup("us-central1");
	r->now = 1767225600; /* 2026-01-01 */
}

TEST(pipeline_becomes_a_job_with_typed_parameters)
{
	AP_CLEANUP(ap_pipeline_request_release) struct ap_pipeline_request r;
	AP_CLEANUP(ap_pipeline_spec_release) struct ap_pipeline_spec s = { 0 };
	struct ap_err err = AP_ERR_INIT;
	ap_auto_buf b = AP_BUF_INIT;

	request(&r, COMPILED);
	ap_strv_add(&r.parameters, "epochs=3");
	ap_strv_add(&r.parameters, "name=1=2");
	ap_strv_add(&r.parameters, "flags=[\"a\",1]");
	ap_strv_add(&r.parameters, "cfg={\"a\":{}}");
	ap_strv_add(&r.parameters, "deep=False");
	r.enable_caching = 0;
	assert_ok(ap_pipeline_spec(&s, &r, &err), &err);
	assert_string_equal(s.job_id, "my-pipeline-20260101000000");
	assert_string_equal(s.version, "v1");
	assert_string_equal(ap_json_str(s.body, "displayName"), s.job_id);
	ap_json_print(&b, ap_json_get(s.body, "runtimeConfig"), AP_JSON_SORTED);
	assert_string_equal(b.p,
		"{\"gcsOutputDirectory\":\"gs://bucket/root\",\"parameterValues\":{\"cfg\":{\"a\":{}},"
		"\"deep\":false,\"epochs\":3,\"flags\":[\"a\",1],\"name\":\"1=2\"}}");
	ap_buf_reset(&b);
	ap_json_print(&b, ap_json_get(ap_json_get(s.body, "pipelineSpec"), "components"), 0);
	assert_string_equal(b.p,
		"{\"comp-a\":{\"dag\":{\"tasks\":{\"x\":{\"cachingOptions\":{\"enableCache\":false}}}}}}");
}

TEST(pipeline_on_a_persistent_resource_is_v1beta1)
{
	AP_CLEANUP(ap_pipeline_request_release) struct ap_pipeline_request r;
	AP_CLEANUP(ap_pipeline_spec_release) struct ap_pipeline_spec s = { 0 };
	struct ap_err err = AP_ERR_INIT;
	ap_auto_buf b = AP_BUF_INIT;

	request(&r, COMPILED);
	ap_strv_add(&r.parameters, "epochs=3");
	r.persistent_resource_id = ap_xstrdup("pr");
	r.wait_time = ap_xstrdup("10m");
	r.on_unavailable = ap_xstrdup("fall-back");
	assert_ok(ap_pipeline_spec(&s, &r, &err), &err);
	assert_string_equal(s.version, "v1beta1");
	ap_json_print(&b, ap_json_get(ap_json_get(s.body, "runtimeConfig"), "defaultRuntime"),
		AP_JSON_SORTED);
	assert_string_equal(b.p,
		"{\"persistentResourceRuntimeDetail\":{\"persistentResourceName\":\"projects/my-project/"
		"locations/us-central1/persistentResources/pr\",\"taskResourceUnavailableTimeoutBehavior"
		"\":\"FALL_BACK_TO_ON_DEMAND\",\"taskResourceUnavailableWaitTimeMs\":\"600000\"}}");
}

TEST(pipeline_refuses_parameters_that_it_does_not_have)
{
	static const struct {
		const char *parameter, *part;
	} cases[] = {
		{ NULL, "needs a value for epochs" },
		{ "epoch=3", "did you mean epochs?" },
		{ "epochs=three", "epochs: want a whole number, found \"three\"" },
		{ "epochs=1.5", "want a whole number" },
		{ "epochs=0x10", "want a whole number" },
		{ "lr=inf", "lr: want a number" },
		{ "deep=1", "want true or false" },
		{ "flags={}", "want a list in JSON" },
		{ "cfg=[]", "want an object in JSON" },
		{ "epochs", "want NAME=VALUE" },
	};
	struct ap_err err = AP_ERR_INIT;

	for (size_t i = 0; i < AP_LEN(cases); i++) {
		AP_CLEANUP(ap_pipeline_request_release) struct ap_pipeline_request r;
		struct ap_pipeline_spec s = { 0 };

		print_message("  case: %s\n", cases[i].part);
		request(&r, COMPILED);
		if (cases[i].parameter)
			ap_strv_add(&r.parameters, cases[i].parameter);
		assert_fails(ap_pipeline_spec(&s, &r, &err), &err, AP_E_USAGE, cases[i].part);
	}
}

TEST(pipeline_parameters_of_a_file_are_checked)
{
	struct ap_err err = AP_ERR_INIT;
	struct ap_pipeline_spec s = { 0 };
	AP_CLEANUP(ap_pipeline_request_release) struct ap_pipeline_request r;

	request(&r, COMPILED);
	r.parameters_file = ap_xstrdup("v.yaml");
	r.parameters_text = ap_xstrdup("epochs: '3'\n");
	assert_fails(ap_pipeline_spec(&s, &r, &err), &err, AP_E_INPUT,
		"v.yaml: epochs: want a whole number, found string");
	free(r.parameters_text);
	r.parameters_text = ap_xstrdup("epochs: 3\nflags: [x]\n");
	assert_ok(ap_pipeline_spec(&s, &r, &err), &err);
	ap_pipeline_spec_release(&s);
}

TEST(pipeline_refuses_what_is_none)
{
	static const struct {
		const char *text, *part;
	} cases[] = { { "a: 1\n", "no compiled pipeline" }, { "", "want a mapping" },
		{ "- a\n", "want a mapping" },
		{ "pipelineInfo: {name: x}\nroot: {}\n", "--pipeline-root: want gs://BUCKET/PATH" },
		{ "pipelineInfo: {name: x}\nroot: {}\nx: 9007199254740993\n", "more than JSON" } };
	struct ap_err err = AP_ERR_INIT;

	for (size_t i = 0; i < AP_LEN(cases); i++) {
		AP_CLEANUP(ap_pipeline_request_release) struct ap_pipeline_request r;
		struct ap_pipeline_spec s = { 0 };

		request(&r, cases[i].text);
		if (ap_pipeline_spec(&s, &r, &err) == 0 || !strstr(err.msg, cases[i].part))
			fail_msg("\"%s\" lacks \"%s\"", err.msg, cases[i].part);
		ap_err_clear(&err);
	}
}

TEST(pipeline_of_the_old_schema_has_typed_values)
{
	AP_CLEANUP(ap_pipeline_request_release) struct ap_pipeline_request r;
	AP_CLEANUP(ap_pipeline_spec_release) struct ap_pipeline_spec s = { 0 };
	struct ap_err err = AP_ERR_INIT;
	ap_auto_buf b = AP_BUF_INIT;

	request(&r,
		"{\"pipelineSpec\":{\"pipelineInfo\":{\"name\":\"p\"},\"schemaVersion\":\"2.0.0\","
		"\"root\":{\"inputDefinitions\":{\"parameters\":{\"n\":{\"type\":\"INT\"},\"s\":{"
		"\"type\":\"STRING\"}}}}},\"runtimeConfig\":{\"gcsOutputDirectory\":\"gs://buck/o\","
		"\"parameters\":{\"s\":{\"stringValue\":\"d\"}}}}");
	ap_strv_add(&r.parameters, "n=4");
	assert_ok(ap_pipeline_spec(&s, &r, &err), &err);
	ap_json_print(&b, ap_json_get(s.body, "runtimeConfig"), AP_JSON_SORTED);
	assert_string_equal(b.p,
		"{\"gcsOutputDirectory\":\"gs://buck/o\",\"parameters\":{\"n\":{\"intValue\":\"4\"},"
		"\"s\":{\"stringValue\":\"d\"}}}");
}

#define TRIALS                                                                               \
	"studySpec:\n  metrics: [{metricId: x, goal: MINIMIZE}]\n"                           \
	"  parameters: [{parameterId: z, integerValueSpec: {minValue: 1, maxValue: 100}}]\n" \
	"trialJobSpec:\n  workerPoolSpecs:\n  - machineSpec: {machineType: a}\n"             \
	"    containerSpec: {imageUri: i}\n"

TEST(tuning_job_takes_code_from_flags_and_the_study_from_the_file)
{
	AP_CLEANUP(ap_job_request_release) struct ap_job_request r;
	struct ap_study_words w = { .max_trial_count = "10", .algorithm = "grid-search" };
	struct ap_err err = AP_ERR_INIT;
	ap_auto_jobspec s = NULL;
	ap_auto_json body = NULL;
	ap_auto_buf b = AP_BUF_INIT;

	ap_job_request_init(&r);
	r.display_name = ap_xstrdup("hp");
	r.config_file = ap_xstrdup("c.yaml");
	r.config_text = ap_xstrdup(TRIALS);
	ap_strv_add(&r.worker_pool_specs, "executor-image-uri=b,local-package-path=.,script=t.py");
	assert_ok(ap_study_apply(&r, &w, &err), &err);
	assert_ok(ap_jobspec_parse(&s, &r, &err), &err);
	assert_string_equal(ap_jobspec_image_pool(s)->script, "t.py");
	assert_ok(ap_jobspec_body(&body, s, "IMAGE", &err), &err);
	ap_json_print(&b, body, AP_JSON_SORTED);
	assert_string_equal(b.p,
		"{\"displayName\":\"hp\",\"maxTrialCount\":10,\"parallelTrialCount\":1,\"studySpec\":{"
		"\"algorithm\":\"GRID_SEARCH\",\"metrics\":[{\"goal\":\"MINIMIZE\",\"metricId\":\"x\"}],"
		"\"parameters\":[{\"integerValueSpec\":{\"maxValue\":\"100\",\"minValue\":\"1\"},"
		"\"parameterId\":\"z\"}]},\"trialJobSpec\":{\"workerPoolSpecs\":[{\"containerSpec\":{"
		"\"imageUri\":\"IMAGE\"},\"machineSpec\":{\"machineType\":\"a\"},\"replicaCount\":"
		"\"1\"}]}}");
}

TEST(study_words_are_checked)
{
	static const struct {
		struct ap_study_words w;
		const char *part;
	} cases[] = { { { .max_trial_count = "0" }, "--max-trial-count: want" },
		{ { .parallel_trial_count = "x" }, "--parallel-trial-count: want" },
		{ { .algorithm = "bayes" }, "--algorithm: want grid-search" } };
	struct ap_err err = AP_ERR_INIT;

	for (size_t i = 0; i < AP_LEN(cases); i++) {
		AP_CLEANUP(ap_job_request_release) struct ap_job_request r;

		ap_job_request_init(&r);
		assert_fails(
			ap_study_apply(&r, &cases[i].w, &err), &err, AP_E_USAGE, cases[i].part);
	}
}

TEST(training_pipeline_wraps_the_job_and_uploads_a_model)
{
	AP_CLEANUP(ap_job_request_release) struct ap_job_request r;
	struct ap_model_words w = { .display_name = "m", .container_image_uri = "serve" };
	struct ap_err err = AP_ERR_INIT;
	ap_auto_jobspec s = NULL;
	ap_auto_json body = NULL;
	ap_auto_buf b = AP_BUF_INIT;

	ap_job_request_init(&r);
	r.display_name = ap_xstrdup("tp");
	r.base_output_dir = ap_xstrdup("gs://b/o");
	ap_strv_add(&r.worker_pool_specs, "machine-type=a,container-image-uri=i");
	assert_ok(ap_model_apply(&r, &w, &err), &err);
	assert_ok(ap_jobspec_parse(&s, &r, &err), &err);
	assert_ok(ap_jobspec_body(&body, s, NULL, &err), &err);
	ap_json_print(&b, body, AP_JSON_SORTED);
	assert_string_equal(b.p,
		"{\"displayName\":\"tp\",\"modelToUpload\":{\"containerSpec\":{\"imageUri\":\"serve\"},"
		"\"displayName\":\"m\"},\"trainingTaskDefinition\":\"gs://google-cloud-aiplatform/schema/"
		"trainingjob/definition/custom_task_1.0.0.yaml\",\"trainingTaskInputs\":{"
		"\"baseOutputDirectory\":{\"outputUriPrefix\":\"gs://b/o\"},\"workerPoolSpecs\":[{"
		"\"containerSpec\":{\"imageUri\":\"i\"},\"machineSpec\":{\"machineType\":\"a\"},"
		"\"replicaCount\":\"1\"}]}}");
}

TEST(log_entries_become_lines)
{
	static const struct {
		const char *entry, *severity, *task, *text;
	} cases[] = {
		{ "{\"textPayload\":\"hi\",\"severity\":\"ERROR\",\"resource\":{\"labels\":{"
		  "\"task_name\":\"workerpool0-0\"}}}",
			"ERROR", "workerpool0-0", "hi" },
		{ "{\"jsonPayload\":{\"message\":\"m\",\"x\":1}}", "DEFAULT", "", "m" },
		{ "{\"jsonPayload\":{\"x\":1}}", "DEFAULT", "", "{\"x\":1}" },
		{ "{}", "DEFAULT", "", "" },
	};
	struct ap_err err = AP_ERR_INIT;

	for (size_t i = 0; i < AP_LEN(cases); i++) {
		ap_auto_json j = NULL;
		ap_auto_buf b = AP_BUF_INIT;
		struct ap_log_line l;

		assert_ok(ap_json_parse(&j, cases[i].entry, strlen(cases[i].entry), &err), &err);
		ap_log_line(&l, &b, j);
		assert_string_equal(l.severity, cases[i].severity);
		assert_string_equal(l.task, cases[i].task);
		assert_string_equal(l.text, cases[i].text);
	}
}

TEST(storage_names)
{
	static const struct {
		const char *uri, *bucket;
	} cases[] = { { "gs://buck/a/b c", "buck" }, { "gs://b/a", NULL }, { "gs://buck", NULL },
		{ "gs://buck/", NULL }, { "s3://buck/a", NULL }, { "gs://Buck/a", NULL },
		{ "gs://bu?ck/a", NULL } };

	for (size_t i = 0; i < AP_LEN(cases); i++) {
		ap_auto_free char *bucket = NULL;
		ap_auto_free char *object = NULL;

		print_message("  case: %s\n", cases[i].uri);
		assert_int_equal(
			ap_gs_split(&bucket, &object, cases[i].uri), cases[i].bucket != NULL);
		if (bucket)
			assert_string_equal(object, "a/b c");
	}
}
