#include "vertex/logs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "vertex/create.h"
#include "vertex/watch.h"

#define PAGE_SIZE   1000
#define LATE        60 /* seconds that an entry may arrive after a younger one */
#define KEEP_SEEN   20000
#define LAST_ROUNDS 2 /* polls after the job's end, for entries on their way */

struct stream {
	struct ap_vertex *v;
	const struct ap_logs_opts *opts;
	const char *name; /* of the job */
	char *project;
	char *job_id;
	char *newest; /* timestamp */
	struct ap_strv seen;
	size_t seen_from; /* a ring once it is full */
};

static void stream_release(struct stream *s)
{
	free(s->project);
	free(s->job_id);
	free(s->newest);
	ap_strv_release(&s->seen);
}

void ap_log_line(struct ap_log_line *out, struct ap_buf *buf, const cJSON *entry)
{
	const cJSON *payload = ap_json_get(entry, "jsonPayload");
	const cJSON *labels = ap_json_get(ap_json_get(entry, "resource"), "labels");
	const char *text = ap_json_str(entry, "textPayload");
	const char *severity = ap_json_str(entry, "severity");
	const char *timestamp = ap_json_str(entry, "timestamp");
	const char *task = ap_json_str(labels, "task_name");

	ap_buf_reset(buf);
	if (!text)
		text = ap_json_str(payload, "message");
	if (text)
		ap_buf_adds(buf, text);
	else if (payload)
		ap_json_print(buf, payload, 0);
	else if (ap_json_get(entry, "protoPayload"))
		ap_json_print(buf, ap_json_get(entry, "protoPayload"), 0);
	*out = (struct ap_log_line){ .severity = severity ? severity : "DEFAULT",
		.timestamp = timestamp ? timestamp : "",
		.task = task ? task : "",
		.text = buf->p };
}

static bool is_new(struct stream *s, const char *id)
{
	if (!id)
		return true;
	if (ap_strv_has(&s->seen, id))
		return false;
	if (s->seen.n < KEEP_SEEN) {
		ap_strv_add(&s->seen, id);
		return true;
	}
	free(s->seen.v[s->seen_from]);
	s->seen.v[s->seen_from] = ap_xstrdup(id);
	s->seen_from = (s->seen_from + 1) % KEEP_SEEN;
	return true;
}

static int show(struct stream *s, const cJSON *entry, struct ap_err *err)
{
	ap_auto_buf text = AP_BUF_INIT;
	struct ap_log_line line;
	char *rest;
	char *nl;

	ap_log_line(&line, &text, entry);
	if (*line.timestamp && (!s->newest || strcmp(line.timestamp, s->newest) > 0)) {
		free(s->newest);
		s->newest = ap_xstrdup(line.timestamp);
	}
	if (s->opts->allow_multiline)
		return s->opts->on_line(s->opts->ctx, &line, err);
	for (rest = text.p; rest; rest = nl ? nl + 1 : NULL) {
		nl = strchr(rest, '\n');
		if (nl)
			*nl = '\0';
		if (nl && !nl[1])
			nl = NULL; /* a newline at the end begins no line */
		line.text = rest;
		if (s->opts->on_line(s->opts->ctx, &line, err) < 0)
			return -1;
	}
	return 0;
}

/* The query: entries of the job, from a little before the newest one seen. */
static cJSON *query(const struct stream *s, const char *token)
{
	cJSON *body = ap_json_object();
	cJSON *names = ap_json_set_array(body, "resourceNames");
	ap_auto_buf project = AP_BUF_INIT;
	ap_auto_buf filter = AP_BUF_INIT;
	int64_t from = s->newest ? ap_time_parse(s->newest) - LATE : -1;
	time_t t = (time_t)from;
	struct tm tm;

	ap_buf_addf(&project, "projects/%s", s->project);
	ap_json_push(names, ap_json_string(project.p));
	ap_buf_addf(
		&filter, "resource.type=\"ml_job\" AND resource.labels.job_id=\"%s\"", s->job_id);
	if (from > 0 && gmtime_r(&t, &tm))
		ap_buf_addf(&filter, " AND timestamp>=\"%04d-%02d-%02dT%02d:%02d:%02dZ\"",
			tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min,
			tm.tm_sec);
	ap_json_set_str(body, "filter", filter.p);
	ap_json_set_str(body, "orderBy", "timestamp asc");
	ap_json_set(body, "pageSize", ap_json_number(PAGE_SIZE));
	ap_json_set_str(body, "pageToken", token);
	return body;
}

static int poll_once(struct stream *s, struct ap_err *err)
{
	ap_auto_free char *url = ap_xasprintf("%s/v2/entries:list", ap_vertex_logging(s->v));
	ap_auto_free char *token = NULL;

	do {
		ap_auto_json body = query(s, token);
		ap_auto_json page = NULL;
		const cJSON *entries;
		const char *next;

		if (ap_vertex_call_url(&page, s->v, "POST", url, body, AP_VERTEX_RETRY, err) < 0)
			return -1;
		entries = ap_json_get(page, "entries");
		for (const cJSON *e = entries ? entries->child : NULL; e; e = e->next) {
			if (is_new(s, ap_json_str(e, "insertId")) && show(s, e, err) < 0)
				return -1;
		}
		next = ap_json_str(page, "nextPageToken");
		if (ap_interrupted())
			return ap_err_set(err, AP_E_CANCELLED, "interrupted; the job goes on");
		if (token && ap_streq(token, next))
			return ap_err_set(err, AP_E_PROTO, "logs: the service repeats a page");
		free(token);
		token = next && *next ? ap_xstrdup(next) : NULL;
	} while (token);
	return 0;
}

static int stream_open(struct stream *s, struct ap_vertex *v, const char *name,
	const struct ap_logs_opts *opts, struct ap_err *err)
{
	const char *slash = strrchr(name, '/');
	const char *id = slash ? slash + 1 : name;

	*s = (struct stream){ .v = v, .opts = opts, .name = name };
	if (!*id ||
		strspn(id, "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-_") !=
			strlen(id))
		return ap_err_set(err, AP_E_USAGE, "\"%.100s\" is no name of a job", name);
	s->job_id = ap_xstrdup(id);
	s->project = ap_xstrdup(ap_vertex_where(v)->project);
	return 0;
}

/* The state first: what is logged before the end is then still read. */
static int look(cJSON **job, struct stream *s, struct ap_err *err)
{
	if (ap_vertex_call(job, s->v, "GET", "v1", s->name, NULL, AP_VERTEX_RETRY, err) < 0)
		return -1;
	return poll_once(s, err);
}

int ap_logs_stream(struct ap_job *job, struct ap_vertex *v, const char *name,
	const struct ap_logs_opts *opts, struct ap_err *err)
{
	AP_CLEANUP(stream_release) struct stream s;
	unsigned after_end = 0;
	int64_t answered;

	if (stream_open(&s, v, name, opts, err) < 0)
		return -1;
	answered = time(NULL);
	for (;;) {
		ap_auto_json j = NULL;
		bool final = false;

		if (look(&j, &s, err) < 0) {
			/* A service that is away for a while does not end the stream. */
			if (!ap_watch_goes_on(err, answered))
				return -1;
			ap_emit_debug(ap_vertex_progress(v), AP_STEP_SUBMIT, "%s", err->msg);
			ap_err_clear(err);
		} else {
			answered = time(NULL);
			final = ap_job_state_final(ap_json_str(j, "state"));
			if (final && ++after_end >= LAST_ROUNDS)
				return ap_job_from(job, v, AP_STEAL(j), err);
		}
		if (!ap_sleep(final ? AP_MIN(opts->interval, 2) : opts->interval))
			return ap_err_set(err, AP_E_CANCELLED, "interrupted; the job goes on");
	}
}
