/*
 * What every collection of resources can do: describe, list, cancel or
 * delete, follow.  The commands differ in names only.
 */
#ifndef AP_CLI_MANAGE_H
#define AP_CLI_MANAGE_H

#include "cli/world.h"
#include "vertex/job.h"

/* One kind of resource. */
struct ap_collection {
	const char *name;    /* "customJobs" */
	const char *noun;    /* "custom job" */
	const char *command; /* "custom-jobs": for the lines that say how to go on */
	bool logs;           /* is there a stream-logs? */
	/* Columns of the table, "key" or "heading=key". */
	const char *columns;
};

/* Flags of describe, cancel, delete, reboot. */
struct ap_one_opts {
	struct ap_common_opts common;
	char *region, *format;
	int async, wait;
};
extern const struct ap_opt_group ap_one_groups[2];
extern const struct ap_opt_group ap_one_async_groups[2]; /* with --async */

struct ap_list_opts {
	struct ap_common_opts common;
	char *region, *format, *filter, *sort_by, *limit, *page_size;
	int uri;
};
extern const struct ap_opt_group ap_list_groups[2];

struct ap_logs_cmd_opts {
	struct ap_common_opts common;
	char *region, *task_name, *interval;
	int multiline;
};
extern const struct ap_opt_group ap_logs_groups[2];

/* Flags of what sends a request that --dry-run prints: offsets of two strings. */
#define AP_REQUEST_OPTS(dry_run_, format_)                                                  \
	{ .name = "dry-run",                                                                \
		.kind = AP_OPT_OPT,                                                         \
		.offset = (dry_run_),                                                       \
		.arg = "HOW",                                                               \
		.implied = "plan",                                                          \
		.choices = "plan",                                                          \
		.help = "print the request and send nothing" },                             \
	{                                                                                   \
		.name = "format", .kind = AP_OPT_STR, .offset = (format_), .arg = "FORMAT", \
		.choices = "json|yaml|curl|value(KEY)|table|table(KEY)",                    \
		.help = "print as json, yaml, curl, value(KEY) or table"                    \
	}

/* The positional argument: an ID or a full name. */
#define AP_NAME_ARG(noun)                                                        \
	{                                                                        \
		"NAME", "ID or full name of the " noun, 1, 1, AP_HINT_NONE, NULL \
	}

/*
 * Open a session and a client for it; a full name among the arguments says
 * project and region.  *v: owned.  The session is to be closed in any case.
 */
int ap_manage_open(struct ap_session *s, struct ap_vertex **v, const struct ap_common_opts *common,
	const char *region, const char *name, struct ap_err *err) AP_CHECK;

/* run() of the commands below; the collection is call->cmd->of. */
int ap_manage_describe(struct ap_call *call, struct ap_err *err) AP_CHECK;
int ap_manage_list(struct ap_call *call, struct ap_err *err) AP_CHECK;
int ap_manage_cancel(struct ap_call *call, struct ap_err *err) AP_CHECK;
int ap_manage_logs(struct ap_call *call, struct ap_err *err) AP_CHECK;

/* The commands themselves, for a struct ap_collection. */
#define AP_DESCRIBE_CMD(collection, noun_)                                                  \
	{                                                                                   \
		.name = "describe", .summary = "show a " noun_, .groups = ap_one_groups,    \
		.n_groups = AP_LEN(ap_one_groups), .opts_size = sizeof(struct ap_one_opts), \
		.args = AP_NAME_ARG(noun_), .run = ap_manage_describe, .of = &(collection)  \
	}
#define AP_LIST_CMD(collection, nouns)                                                        \
	{                                                                                     \
		.name = "list", .summary = "list " nouns, .groups = ap_list_groups,           \
		.n_groups = AP_LEN(ap_list_groups), .opts_size = sizeof(struct ap_list_opts), \
		.run = ap_manage_list, .of = &(collection)                                    \
	}
#define AP_CANCEL_CMD(collection, noun_)                                                    \
	{                                                                                   \
		.name = "cancel", .summary = "cancel a " noun_, .groups = ap_one_groups,    \
		.n_groups = AP_LEN(ap_one_groups), .opts_size = sizeof(struct ap_one_opts), \
		.args = AP_NAME_ARG(noun_), .run = ap_manage_cancel, .of = &(collection)    \
	}
#define AP_STREAM_LOGS_CMD(collection, noun_)                                             \
	{                                                                                 \
		.name = "stream-logs",                                                    \
		.summary = "print the log lines of a " noun_ " until it ends",            \
		.groups = ap_logs_groups, .n_groups = AP_LEN(ap_logs_groups),             \
		.opts_size = sizeof(struct ap_logs_cmd_opts), .args = AP_NAME_ARG(noun_), \
		.run = ap_manage_logs, .of = &(collection)                                \
	}

/* Print a resource: json, yaml, value(...), table; YAML as gcloud does without a format. */
int ap_manage_print(
	const cJSON *j, const char *format, const char *columns, struct ap_err *err) AP_CHECK;

/* A request in place of sending it: like a resource, or format curl; JSON without a format. */
int ap_manage_print_request(
	const char *url, const cJSON *body, const char *format, struct ap_err *err) AP_CHECK;

/* A list: on a terminal a table with relative times and coloured states, else YAML documents. */
int ap_manage_print_list(const struct ap_vertex *v, const cJSON *list, const struct ap_list_opts *o,
	const struct ap_collection *c, const struct ap_env *env, struct ap_err *err) AP_CHECK;

/* "3m ago", "2h ago", "5d ago"; the local date for what is older. */
void ap_time_ago(struct ap_buf *out, const char *timestamp, int64_t now);

/*
 * Follow a job to its end: its states as progress lines, its outcome as the
 * error (AP_E_JOB_FAILED, AP_E_JOB_CANCELLED).
 */
int ap_manage_wait(struct ap_session *s, struct ap_vertex *v, const char *version,
	const struct ap_job *job, struct ap_err *err) AP_CHECK;

#endif
