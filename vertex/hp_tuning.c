#include "vertex/hp_tuning.h"

#include <string.h>

#include "vertex/schema.h"

static int set_count(cJSON *top, const char *field, const char *flag, const char *text,
	uint64_t least, struct ap_err *err)
{
	uint64_t n;

	if (!text)
		return 0;
	if (!ap_parse_u64(text, INT32_MAX, &n) || n < least)
		return ap_err_set(err, AP_E_USAGE,
			"%s: want a whole number of %d or more, found \"%.40s\"", flag, (int)least,
			text);
	ap_json_set(top, field, ap_json_number((double)n));
	return 0;
}

static int set_algorithm(cJSON *top, const char *text, struct ap_err *err)
{
	const struct ap_schema_enum *e = ap_schema_enum("StudySpec.Algorithm");
	ap_auto_buf name = AP_BUF_INIT;

	/* Unspecified is what the service takes when nothing is said. */
	if (!text || strcmp(text, "algorithm-unspecified") == 0)
		return 0;
	for (const char *p = text; *p; p++)
		ap_buf_addc(&name, *p == '-' ? '_' : ap_upper(*p));
	if (!ap_schema_value(e, name.p))
		return ap_err_set(err, AP_E_USAGE,
			"--algorithm: want grid-search, random-search or algorithm-unspecified, "
			"found \"%.60s\"",
			text);
	ap_json_set_str(ap_json_set_object(top, "studySpec"), "algorithm", name.p);
	return 0;
}

int ap_study_apply(struct ap_job_request *req, const struct ap_study_words *w, struct ap_err *err)
{
	req->kind = AP_JOB_TUNING;
	if (!req->top)
		req->top = ap_json_object();
	if (set_count(req->top, "maxTrialCount", "--max-trial-count", w->max_trial_count, 1, err) <
			0 ||
		set_count(req->top, "parallelTrialCount", "--parallel-trial-count",
			w->parallel_trial_count, 1, err) < 0 ||
		set_count(req->top, "maxFailedTrialCount", "--max-failed-trial-count",
			w->max_failed_trial_count, 0, err) < 0)
		return -1;
	return set_algorithm(req->top, w->algorithm, err);
}
