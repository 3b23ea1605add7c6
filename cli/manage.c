#include "cli/manage.h"

#include <string.h>

#include "cli/render.h"
#include "vertex/logs.h"
#include "vertex/text.h"
#include "vertex/watch.h"

#undef AT
#define AT(field) offsetof(struct ap_one_opts, field)
#define REGION                                                                                   \
	{                                                                                        \
		.name = "region", .kind = AP_OPT_STR, .offset = AT(region), .arg = "REGION",     \
		.hint = AP_HINT_REGION, .help = "where the resource is; a full name says it too" \
	}
#define FORMAT                                                                               \
	{                                                                                    \
		.name = "format", .kind = AP_OPT_STR, .offset = AT(format), .arg = "FORMAT", \
		.choices = "json|yaml|value(KEY)|table|table(KEY)",                          \
		.help = "print as json, yaml, value(KEY) or table(KEY)"                      \
	}

static const struct ap_opt one_table[] = {
	REGION,
	FORMAT,
	{ .name = "async",
		.kind = AP_OPT_FLAG,
		.offset = AT(async),
		.help = "return when the request is accepted, not when it is done" },
};

const struct ap_opt_group ap_one_groups[2] = {
	{ "resource", one_table, 2, 0 },
	AP_COMMON_GROUP(AT(common)),
};

const struct ap_opt_group ap_one_async_groups[2] = {
	{ "resource", one_table, AP_LEN(one_table), 0 },
	AP_COMMON_GROUP(AT(common)),
};

#undef AT
#define AT(field) offsetof(struct ap_list_opts, field)

static const struct ap_opt list_table[] = {
	REGION,
	FORMAT,
	{ .name = "filter",
		.kind = AP_OPT_STR,
		.offset = AT(filter),
		.arg = "EXPRESSION",
		.help = "the service's filter, as in state=\"JOB_STATE_RUNNING\" or labels.team=ml" },
	{ .name = "sort-by",
		.kind = AP_OPT_STR,
		.offset = AT(sort_by),
		.arg = "KEY",
		.help = "order by this key, as in createTime; ~createTime for the youngest first" },
	{ .name = "limit",
		.kind = AP_OPT_UINT,
		.offset = AT(limit),
		.arg = "N",
		.help = "at most so many" },
	{ .name = "page-size",
		.kind = AP_OPT_UINT,
		.offset = AT(page_size),
		.arg = "N",
		.help = "so many in one answer of the service (default 100)" },
	{ .name = "uri", .kind = AP_OPT_FLAG, .offset = AT(uri), .help = "print URLs only" },
};

const struct ap_opt_group ap_list_groups[2] = {
	{ "list", list_table, AP_LEN(list_table), 0 },
	AP_COMMON_GROUP(AT(common)),
};

#undef AT
#define AT(field) offsetof(struct ap_logs_cmd_opts, field)

static const struct ap_opt logs_table[] = {
	REGION,
	{ .name = "task-name",
		.kind = AP_OPT_STR,
		.offset = AT(task_name),
		.arg = "TASK",
		.help = "lines of this task only, as in workerpool0-0" },
	{ .name = "polling-interval",
		.kind = AP_OPT_UINT,
		.offset = AT(interval),
		.arg = "SECONDS",
		.help = "time between two looks (default 5)" },
	{ .name = "allow-multiline-logs",
		.kind = AP_OPT_FLAG,
		.offset = AT(multiline),
		.help = "keep entries of several lines together" },
};

const struct ap_opt_group ap_logs_groups[2] = {
	{ "logs", logs_table, AP_LEN(logs_table), 0 },
	AP_COMMON_GROUP(AT(common)),
};

/* "projects/P/locations/R" of a full name, or NULL.  *out: owned. */
static char *parent_of(const char *name)
{
	const char *at = ap_starts_with(name, "projects/") ? strstr(name, "/locations/") : NULL;
	const char *end = at ? strchr(at + 11, '/') : NULL;

	return end ? ap_xstrndup(name, (size_t)(end - name)) : NULL;
}

int ap_manage_open(struct ap_session *s, struct ap_vertex **v, const struct ap_common_opts *common,
	const char *region, const char *name, struct ap_err *err)
{
	ap_auto_free char *parent = name ? parent_of(ap_vertex_bare(name)) : NULL;

	if (ap_session_open(s, common, NULL, NULL, err) < 0)
		return -1;
	ap_env_flag(&s->env, AP_KEY_REGION, region);
	return ap_world_vertex(v, &s->world, ap_env_get(&s->env, AP_KEY_PROJECT),
		parent ? parent : ap_env_get(&s->env, AP_KEY_REGION), err);
}

int ap_manage_describe(struct ap_call *call, struct ap_err *err)
{
	const struct ap_collection *c = call->cmd->of;
	const struct ap_one_opts *o = call->opts;
	struct ap_session s;
	ap_auto_vertex v = NULL;
	ap_auto_json j = NULL;
	int rc = ap_manage_open(&s, &v, &o->common, o->region, call->args->v[0], err);

	if (rc == 0)
		rc = ap_vertex_get(&j, v, "v1", c->name, call->args->v[0], err);
	if (rc == 0)
		rc = ap_manage_print(j, o->format, c->columns, err);
	ap_session_close(&s);
	return rc;
}

static int list_request(
	struct ap_vertex_list *how, const struct ap_list_opts *o, struct ap_err *err)
{
	uint64_t n = 100;

	*how = (struct ap_vertex_list){ .sort_by = o->sort_by };
	if (o->page_size && (!ap_parse_u64(o->page_size, 1000, &n) || !n))
		return ap_err_set(err, AP_E_USAGE, "--page-size: want 1 to 1000, found \"%.40s\"",
			o->page_size);
	how->page_size = (unsigned)n;
	if (o->limit && (!ap_parse_u64(o->limit, UINT32_MAX, &how->limit) || !how->limit))
		return ap_err_set(err, AP_E_USAGE,
			"--limit: want a whole number of 1 or more, found \"%.40s\"", o->limit);
	return 0;
}

int ap_manage_list(struct ap_call *call, struct ap_err *err)
{
	const struct ap_collection *c = call->cmd->of;
	const struct ap_list_opts *o = call->opts;
	ap_auto_free char *filter = o->filter ? ap_text_filter(o->filter) : NULL;
	struct ap_vertex_list how;
	struct ap_session s;
	ap_auto_vertex v = NULL;
	ap_auto_json list = NULL;
	int rc;

	if (list_request(&how, o, err) < 0)
		return -1;
	how.filter = filter;
	rc = ap_manage_open(&s, &v, &o->common, o->region, NULL, err);
	if (rc == 0)
		rc = ap_vertex_list(&list, v, "v1", c->name, &how, err);
	if (rc == 0)
		rc = ap_manage_print_list(v, list, o, c, &s.env, err);
	if (rc == 0 && !list->child)
		ap_say(&s.display, "no %ss in %s", c->noun, ap_vertex_where(v)->region);
	ap_session_close(&s);
	return rc;
}

int ap_manage_cancel(struct ap_call *call, struct ap_err *err)
{
	const struct ap_collection *c = call->cmd->of;
	const struct ap_one_opts *o = call->opts;
	struct ap_session s;
	ap_auto_vertex v = NULL;
	ap_auto_free char *name = NULL;
	int rc = ap_manage_open(&s, &v, &o->common, o->region, call->args->v[0], err);

	if (rc == 0)
		rc = ap_vertex_name(&name, v, c->name, call->args->v[0], err);
	if (rc == 0)
		rc = ap_vertex_action(NULL, v, "v1", c->name, name, "cancel", err);
	if (rc == 0) {
		ap_say(&s.display, "request to cancel %s has been sent", name);
		ap_say(&s.display, "state    autopack %s describe %s", c->command, name);
	}
	ap_session_close(&s);
	return rc;
}

struct log_view {
	const char *task;
};

static int print_line(void *ctx, const struct ap_log_line *line, struct ap_err *err)
{
	const struct log_view *view = ctx;
	ap_auto_buf out = AP_BUF_INIT;
	size_t from;

	if (view->task && strcmp(view->task, line->task) != 0)
		return 0;
	ap_buf_addf(&out, "%-8s  ", line->severity);
	ap_buf_add_printable(&out, line->timestamp, strlen(line->timestamp));
	ap_buf_adds(&out, "  ");
	ap_buf_add_printable(&out, line->task, strlen(line->task));
	ap_buf_adds(&out, *line->task ? "  " : "");
	for (const char *p = line->text; *p; p += from) {
		from = strcspn(p, "\n\t");
		ap_buf_add_printable(&out, p, from);
		if (p[from])
			ap_buf_addc(&out, p[from++]);
	}
	ap_buf_addc(&out, '\n');
	return ap_stdout(out.p, out.len, err);
}

int ap_manage_logs(struct ap_call *call, struct ap_err *err)
{
	const struct ap_collection *c = call->cmd->of;
	const struct ap_logs_cmd_opts *o = call->opts;
	struct log_view view = { o->task_name };
	struct ap_logs_opts how = {
		.allow_multiline = o->multiline, .on_line = print_line, .ctx = &view
	};
	struct ap_session s;
	ap_auto_vertex v = NULL;
	ap_auto_free char *name = NULL;
	ap_auto_job job = { 0 };
	uint64_t n = 5;
	int rc;

	if (o->interval && (!ap_parse_u64(o->interval, 3600, &n) || !n))
		return ap_err_set(err, AP_E_USAGE,
			"--polling-interval: want 1 to 3600 seconds, found \"%.40s\"", o->interval);
	how.interval = (unsigned)n;
	rc = ap_manage_open(&s, &v, &o->common, o->region, call->args->v[0], err);
	if (rc == 0)
		rc = ap_vertex_name(&name, v, c->name, call->args->v[0], err);
	if (rc == 0)
		rc = ap_logs_stream(&job, v, name, &how, err);
	if (rc == 0)
		ap_say(&s.display, "%s: %s", job.name, job.state);
	ap_session_close(&s);
	return rc;
}

int ap_manage_wait(struct ap_session *s, struct ap_vertex *v, const char *version,
	const struct ap_job *job, struct ap_err *err)
{
	ap_auto_job last = { 0 };

	ap_say(&s->display, "waiting  for %s; Ctrl-C leaves it running", job->name);
	if (ap_job_wait(&last, v, version, job->name, err) < 0)
		return -1;
	return ap_job_outcome(&last, err);
}
