#include "vertex/job.h"

#include <stdlib.h>
#include <string.h>

void ap_job_release(struct ap_job *j)
{
	free(j->name);
	free(j->state);
	free(j->console_url);
	cJSON_Delete(j->resource);
	*j = (struct ap_job){ 0 };
}

int ap_job_from(struct ap_job *out, const struct ap_vertex *v, cJSON *resource, struct ap_err *err)
{
	const char *name = ap_json_str(resource, "name");
	const char *state = ap_json_str(resource, "state");

	if (!name) {
		cJSON_Delete(resource);
		return ap_err_set(
			err, AP_E_PROTO, "the service's answer has no \"name\" of a resource");
	}
	*out = (struct ap_job){ .name = ap_xstrdup(name),
		.state = ap_xstrdup(state ? state : ""),
		.console_url = ap_vertex_console_url(v, name),
		.resource = resource };
	return 0;
}

int ap_job_submit(struct ap_job *out, struct ap_vertex *v, const struct ap_create *c,
	const cJSON *body, struct ap_err *err)
{
	cJSON *j = NULL;

	if (ap_create(&j, v, c, body, err) < 0)
		return -1;
	return ap_job_from(out, v, j, err);
}

static bool ends_with_any(const char *s, const char *const *v, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (ap_ends_with(s, v[i]))
			return true;
	}
	return false;
}

bool ap_job_state_final(const char *state)
{
	static const char *const final[] = { "_SUCCEEDED", "_FAILED", "_CANCELLED", "_EXPIRED",
		"_PARTIALLY_SUCCEEDED" };

	return state && ends_with_any(state, final, AP_LEN(final));
}

int ap_job_outcome(const struct ap_job *job, struct ap_err *err)
{
	const cJSON *e = ap_json_get(job->resource, "error");
	const char *text = ap_json_str(e, "message");
	ap_auto_buf shown = AP_BUF_INIT;

	if (ap_ends_with(job->state, "_SUCCEEDED"))
		return 0;
	if (text)
		ap_buf_add_printable(&shown, text, strlen(text));
	if (ap_ends_with(job->state, "_CANCELLED"))
		return ap_err_set(err, AP_E_JOB_CANCELLED, "%s was cancelled", job->name);
	return ap_err_set(err, AP_E_JOB_FAILED, "%s: %s%s%s", job->name, job->state,
		text ? ": " : "", shown.p);
}
