/*
 * The log lines of a job, polled from Cloud Logging until the job ends.
 */
#ifndef AP_VERTEX_LOGS_H
#define AP_VERTEX_LOGS_H

#include "vertex/job.h"

/* One entry, made readable. */
struct ap_log_line {
	const char *severity;  /* "INFO"; "DEFAULT" when none is said */
	const char *timestamp; /* RFC 3339 */
	const char *task;      /* "workerpool0-0"; "" when none is said */
	const char *text;      /* several lines are possible */
};

struct ap_logs_opts {
	unsigned interval;    /* seconds between two polls */
	bool allow_multiline; /* text as it is; else one line per line of text */
	/* Called for each entry, in order of time. */
	int (*on_line)(void *ctx, const struct ap_log_line *line, struct ap_err *err);
	void *ctx;
};

/*
 * Stream the entries of the job `name` until it ends (projects/P/locations/R/COLLECTION/ID).
 * *job: as last seen, ap_job_release().
 * Errors: the service's (a 403 names roles/logging.viewer); AP_E_CANCELLED.
 */
int ap_logs_stream(struct ap_job *job, struct ap_vertex *v, const char *name,
	const struct ap_logs_opts *opts, struct ap_err *err) AP_CHECK;

/*
 * Take an entry apart; pure.  text is put into *buf.
 * Source: Cloud Logging v2 LogEntry.
 */
void ap_log_line(struct ap_log_line *out, struct ap_buf *buf, const cJSON *entry);

#endif
