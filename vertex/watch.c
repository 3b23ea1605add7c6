#include "vertex/watch.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"

#define FIRST_INTERVAL 1
#define LAST_INTERVAL  30

struct loop {
	struct ap_vertex *v;
	const char *version, *path;
	time_t answered;
	unsigned pause;
	char *state; /* as last told */
};

static void loop_release(struct loop *l)
{
	free(l->state);
}

static void tell(struct loop *l, const char *state)
{
	if (!state || ap_streq(l->state, state))
		return;
	free(l->state);
	l->state = ap_xstrdup(state);
	ap_emit_note(ap_vertex_progress(l->v), AP_STEP_SUBMIT, "%s: %s", strrchr(l->path, '/') + 1,
		state);
}

bool ap_watch_goes_on(const struct ap_err *err, int64_t answered)
{
	bool transient =
		err->code == AP_E_NET || err->http == 408 || err->http == 429 || err->http >= 500;

	return transient && time(NULL) - answered <= AP_WATCH_PATIENCE;
}

/* One look; 1 with *out, 0 when the service did not answer this time. */
static int look(cJSON **out, struct loop *l, struct ap_err *err)
{
	if (ap_vertex_call(out, l->v, "GET", l->version, l->path, NULL, AP_VERTEX_RETRY, err) ==
		0) {
		l->answered = time(NULL);
		return 1;
	}
	if (!ap_watch_goes_on(err, l->answered))
		return -1;
	ap_emit_debug(ap_vertex_progress(l->v), AP_STEP_SUBMIT, "%s", err->msg);
	ap_err_clear(err);
	return 0;
}

static int pause_loop(struct loop *l, struct ap_err *err)
{
	if (!ap_sleep(l->pause))
		return ap_err_set(err, AP_E_CANCELLED, "interrupted; %s goes on", l->path);
	l->pause = AP_MIN(l->pause * 2, LAST_INTERVAL);
	return 0;
}

static void loop_init(struct loop *l, struct ap_vertex *v, const char *version, const char *path)
{
	*l = (struct loop){ .v = v,
		.version = version,
		.path = path,
		.answered = time(NULL),
		.pause = FIRST_INTERVAL };
}

/* Done: take the response out, or fail with the operation's own words. */
static int finish_operation(cJSON **out, cJSON *op, const char *name, struct ap_err *err)
{
	const cJSON *e = ap_json_get(op, "error");
	const char *text = ap_json_str(e, "message");
	ap_auto_buf shown = AP_BUF_INIT;
	cJSON *response;

	if (e) {
		if (text)
			ap_buf_add_printable(&shown, text, strlen(text));
		return ap_err_set(err, AP_E_JOB_FAILED, "%s: %s", name,
			text ? shown.p : "failed without explanation");
	}
	response = cJSON_DetachItemFromObjectCaseSensitive(op, "response");
	*out = response ? response : ap_json_object();
	return 0;
}

/* What an operation says of how far it is. */
static const char *progress_of(const cJSON *op)
{
	const char *text = ap_json_str(ap_json_get(op, "metadata"), "progressMessage");

	return text ? text : "running";
}

int ap_operation_wait(
	cJSON **out, struct ap_vertex *v, const char *version, const char *name, struct ap_err *err)
{
	AP_CLEANUP(loop_release) struct loop l;

	loop_init(&l, v, version, name);
	for (;;) {
		ap_auto_json op = NULL;
		int rc = look(&op, &l, err);

		if (rc < 0)
			return -1;
		if (rc && cJSON_IsTrue(ap_json_get(op, "done")))
			return finish_operation(out, op, name, err);
		if (rc)
			tell(&l, progress_of(op));
		if (pause_loop(&l, err) < 0)
			return -1;
	}
}

int ap_operation_get(cJSON **out, struct ap_vertex *v, const char *given, struct ap_err *err)
{
	const char *id = ap_vertex_bare(given);
	const char *at = strstr(id, "/operations/");
	ap_auto_free char *name = NULL;

	/* Operations of a resource stand below it: .../persistentResources/R/operations/N. */
	if (at && ap_starts_with(id, "projects/") &&
		strspn(at + 12, "0123456789abcdefghijklmnopqrstuvwxyz-_") == strlen(at + 12) &&
		!strpbrk(id, "?#%.\\ "))
		name = ap_xstrdup(id);
	else if (ap_vertex_name(&name, v, "operations", id, err) < 0)
		return -1;
	return ap_vertex_call(out, v, "GET", "v1", name, NULL, AP_VERTEX_RETRY, err);
}

int ap_job_wait(struct ap_job *out, struct ap_vertex *v, const char *version, const char *name,
	struct ap_err *err)
{
	AP_CLEANUP(loop_release) struct loop l;

	loop_init(&l, v, version, name);
	for (;;) {
		cJSON *j = NULL;
		int rc = look(&j, &l, err);

		if (rc < 0)
			return -1;
		if (rc)
			tell(&l, ap_json_str(j, "state"));
		if (rc && ap_job_state_final(ap_json_str(j, "state")))
			return ap_job_from(out, v, j, err);
		cJSON_Delete(j);
		if (pause_loop(&l, err) < 0)
			return -1;
	}
}
