#include "tests/unit/unit.h"
#include "vertex/api.h"
#include "vertex/create.h"
#include "vertex/explain.h"
#include "vertex/job.h"
#include "vertex/schema.h"
#include "vertex/text.h"

TEST(vertex_place_comes_from_flags_or_a_full_name)
{
	AP_CLEANUP(ap_vertex_place_release) struct ap_vertex_place p = { 0 };
	struct ap_err err = AP_ERR_INIT;

	assert_ok(ap_vertex_place(&p, "mine", "projects/other-1/locations/us-east1", &err), &err);
	assert_string_equal(p.project, "other-1");
	assert_string_equal(p.region, "us-east1");
}

TEST(vertex_place_refuses_what_cannot_be)
{
	static const struct {
		const char *project, *region, *part;
	} cases[] = {
		{ "p-1", NULL, "no region" },
		{ "p-1", "us-central1-a", "is a zone; want its region, \"us-central1\"" },
		{ "p-1", "mars-central1", "unknown region" },
		{ "p-1", "us-centrl1", "did you mean us-central1?" },
		{ NULL, "us-central1", "no project" },
		{ "Not A Project", "us-central1", "want a project ID" },
		{ "p/../q", "us-central1", "want a project ID" },
		{ "p", "projects/x", "projects/PROJECT/locations/REGION" },
	};
	struct ap_err err = AP_ERR_INIT;

	for (size_t i = 0; i < AP_LEN(cases); i++) {
		struct ap_vertex_place p = { 0 };

		print_message("  case: %s\n", cases[i].part);
		assert_fails(ap_vertex_place(&p, cases[i].project, cases[i].region, &err), &err,
			AP_E_USAGE, cases[i].part);
	}
}

TEST(vertex_error_keeps_the_services_words_and_says_what_helps)
{
	static const struct {
		int status;
		const char *body, *part;
	} cases[] = {
		{ 400,
			"{\"error\":{\"message\":\"List:\\t1.Field: a_b; Message: no\",\"status\":"
			"\"INVALID_ARGUMENT\"}}",
			"create: HTTP 400: INVALID_ARGUMENT: List: 1.Field: a_b; Message: no" },
		{ 400,
			"{\"error\":{\"message\":\"Bad request\",\"details\":[{\"@type\":"
			"\"type.googleapis.com/google.rpc.BadRequest\",\"fieldViolations\":[{\"field\":"
			"\"display_name\",\"description\":\"too long\"}]}]}}",
			"Bad request; display_name: too long" },
		{ 403, "{\"error\":{\"message\":\"Permission 'aiplatform.customJobs.create' denied\"}}",
			"(roles/aiplatform.user on project p-1" },
		{ 403, "{\"error\":{\"message\":\"aiplatform.persistentResources.create denied\"}}",
			"(roles/aiplatform.admin on project p-1" },
		{ 403,
			"{\"error\":{\"message\":\"Vertex AI API has not been used in project 1 before or "
			"it is disabled.\"}}",
			"gcloud services enable aiplatform.googleapis.com --project=p-1" },
		{ 401, "{\"error\":{\"message\":\"x\"}}", "gcloud auth login" },
		{ 502, "<html>bad gateway</html>", "HTTP 502: no explanation" },
		{ 400, "{\"error\":{\"message\":\"a\\u001b[31mb\"}}", "a\\x1B[31mb" },
	};
	struct ap_err err = AP_ERR_INIT;

	for (size_t i = 0; i < AP_LEN(cases); i++) {
		print_message("  case: %s\n", cases[i].part);
		ap_vertex_error(cases[i].status,
			*cases[i].body == '<' ? "text/html" : "application/json", cases[i].body,
			strlen(cases[i].body), "create", "p-1", &err);
		if (!strcasestr(err.msg, cases[i].part))
			fail_msg("\"%s\" lacks \"%s\"", err.msg, cases[i].part);
		assert_int_equal(err.http, cases[i].status);
		ap_err_clear(&err);
	}
}

TEST(text_curl_is_one_runnable_line)
{
	ap_auto_json j = ap_json_object();
	ap_auto_buf b = AP_BUF_INIT;

	ap_json_set_str(j, "a", "it's");
	ap_text_curl(&b, "POST", "https://h/x?y=1", j, "first\nsecond");
	assert_string_equal(b.p,
		"# first\n# second\ncurl -X POST \\\n"
		"  -H \"Authorization: Bearer $(gcloud auth print-access-token)\" \\\n"
		"  -H 'Content-Type: application/json; charset=utf-8' \\\n"
		"  -d '{\n  \"a\": \"it'\\''s\"\n}' \\\n  'https://h/x?y=1'\n");
}

TEST(schema_durations)
{
	static const struct {
		const char *text, *want;
	} cases[] = { { "3600s", "3600s" }, { "90", "90s" }, { "1h30m", "5400s" },
		{ "2d", "172800s" }, { "0.5s", "0.5s" }, { "", NULL }, { "x", NULL },
		{ "1w", NULL }, { "-1s", NULL }, { "1.5h", NULL }, { "999999999999s", NULL },
		{ "1.0000000000s", NULL } };

	for (size_t i = 0; i < AP_LEN(cases); i++) {
		ap_auto_free char *out = NULL;

		print_message("  case: %s\n", cases[i].text);
		assert_int_equal(ap_schema_duration(&out, cases[i].text), cases[i].want != NULL);
		if (cases[i].want)
			assert_string_equal(out, cases[i].want);
	}
}
TEST(create_recognises_its_own_resource)
{
	static const struct {
		const char *have, *want;
		bool holds;
	} cases[] = {
		{ "{\"a\":1,\"b\":{\"c\":[{\"d\":\"2\",\"e\":1}]}}",
			"{\"b\":{\"c\":[{\"d\":\"2\"}]}}", true },
		{ "{\"a\":\"3\"}", "{\"a\":3}", true },
		{ "{\"a\":[1,2]}", "{\"a\":[1]}", false },
		{ "{\"a\":\"x\"}", "{\"a\":\"y\"}", false },
		{ "{}", "{\"a\":1}", false },
	};
	struct ap_err err = AP_ERR_INIT;

	for (size_t i = 0; i < AP_LEN(cases); i++) {
		ap_auto_json have = NULL;
		ap_auto_json want = NULL;

		assert_ok(ap_json_parse(&have, cases[i].have, strlen(cases[i].have), &err), &err);
		assert_ok(ap_json_parse(&want, cases[i].want, strlen(cases[i].want), &err), &err);
		assert_int_equal(ap_create_holds(have, want), cases[i].holds);
	}
	assert_int_equal(ap_time_parse("1970-01-02T00:00:01.5Z"), 86401);
	assert_int_equal(ap_time_parse("yesterday"), -1);
}

TEST(job_states_that_do_not_change_any_more)
{
	assert_true(ap_job_state_final("JOB_STATE_SUCCEEDED"));
	assert_true(ap_job_state_final("PIPELINE_STATE_CANCELLED"));
	assert_false(ap_job_state_final("JOB_STATE_CANCELLING"));
	assert_false(ap_job_state_final("JOB_STATE_PENDING"));
}

TEST(explain_paths_in_every_form)
{
	static const struct {
		const char *given, *want;
	} cases[] = {
		{ "job_spec.worker_pool_specs[0]", "job_spec.worker_pool_specs[0]" },
		{ "custom_job.job_spec.scheduling", "job_spec.scheduling" },
		{ "customJob.jobSpec.workerPoolSpecs[1].machineSpec",
			"job_spec.worker_pool_specs[1].machine_spec" },
		{ "INVALID_ARGUMENT", "invalid_argument" },
	};

	for (size_t i = 0; i < AP_LEN(cases); i++) {
		ap_auto_free char *have = ap_explain_path("CustomJob", cases[i].given);

		assert_string_equal(have, cases[i].want);
	}
}

TEST(filter_keys_are_the_services)
{
	static const struct {
		const char *given, *want;
	} cases[] = {
		{ "displayName=foo AND createTime>\"2025-01-01T00:00:00Z\"",
			"display_name=foo AND create_time>\"2025-01-01T00:00:00Z\"" },
		{ "state = \"JOB_STATE_FAILED\" OR NOT display_name:\"myJob=*\"",
			"state = \"JOB_STATE_FAILED\" OR NOT display_name:\"myJob=*\"" },
		{ "labels.team=ml (trialJobSpec.serviceAccount:*)",
			"labels.team=ml (trial_job_spec.service_account:*)" },
		{ "displayName=\"a \\\" bC=\"", "display_name=\"a \\\" bC=\"" },
		{ "displayName=\"open", "display_name=\"open" },
		{ "", "" },
	};

	for (size_t i = 0; i < AP_LEN(cases); i++) {
		ap_auto_free char *have = ap_text_filter(cases[i].given);

		assert_string_equal(have, cases[i].want);
	}
}

TEST(schema_value_with_a_part_left_out_is_that_value_and_not_one_that_sounds_like_it)
{
	static const struct {
		const char *word, *want;
	} cases[] = {
		{ "NVIDIA_T4", "NVIDIA_TESLA_T4" },
		{ "T4", "NVIDIA_TESLA_T4" },
		{ "nvidia-tesla-t4", "NVIDIA_TESLA_T4" },
		{ "NVIDIA_A100", "NVIDIA_TESLA_A100" },
		{ "h100", "NVIDIA_H100_80GB" },
		{ "NVIDIA_TESLA_T5", "NVIDIA_TESLA_T4" },
		{ "NVIDIA_LL4", "NVIDIA_L4" },
	};
	const struct ap_schema_enum *e = ap_schema_enum("AcceleratorType");

	for (size_t i = 0; i < AP_LEN(cases); i++)
		assert_string_equal(ap_schema_nearest_value(e, cases[i].word), cases[i].want);
	assert_null(ap_schema_nearest_value(e, "GPU"));
}
