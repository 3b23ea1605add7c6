/*
 * Resources on stdout: as gcloud prints them to a script, as a table to a
 * person.
 */
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/yaml.h"
#include "cli/manage.h"
#include "cli/render.h"
#include "vertex/create.h"
#include "vertex/text.h"

/* A day of the user's own calendar. */
static void add_date(struct ap_buf *out, int64_t t)
{
	time_t at = (time_t)t;
	struct tm tm;

	if (localtime_r(&at, &tm))
		ap_buf_addf(out, "%04d-%02d-%02d", tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday);
}

void ap_time_ago(struct ap_buf *out, const char *timestamp, int64_t now)
{
	int64_t t = ap_time_parse(timestamp);
	int64_t age = now - t;

	if (t < 0)
		return;
	if (age < 0)
		age = 0;
	if (age < 60)
		ap_buf_addf(out, "%ds ago", (int)age);
	else if (age < 3600)
		ap_buf_addf(out, "%dm ago", (int)(age / 60));
	else if (age < 48 * 3600)
		ap_buf_addf(out, "%dh ago", (int)(age / 3600));
	else if (age < 30 * 86400)
		ap_buf_addf(out, "%dd ago", (int)(age / 86400));
	else
		add_date(out, t);
}

/* A key in the order of its bytes: gcloud sorts what it prints. */
static int yaml_sorted(struct ap_buf *out, const cJSON *j, struct ap_err *err)
{
	ap_auto_buf text = AP_BUF_INIT;
	ap_auto_json sorted = NULL;

	ap_json_print(&text, j, AP_JSON_SORTED);
	if (ap_json_parse(&sorted, text.p, text.len, err) < 0)
		return -1;
	ap_yaml_print(out, sorted);
	return 0;
}

int ap_manage_print(const cJSON *j, const char *format, const char *columns, struct ap_err *err)
{
	ap_auto_buf out = AP_BUF_INIT;

	if (format && strcmp(format, "json") == 0)
		ap_json_print(&out, j, AP_JSON_PRETTY | AP_JSON_SORTED);
	else if (!format || strcmp(format, "yaml") == 0) {
		if (yaml_sorted(&out, j, err) < 0)
			return -1;
	} else if (ap_render(&out, j, format, columns, err) < 0) {
		return -1;
	}
	return ap_stdout(out.p, out.len, err);
}

int ap_manage_print_request(
	const char *url, const cJSON *body, const char *format, struct ap_err *err)
{
	ap_auto_buf out = AP_BUF_INIT;

	if (!ap_streq(format, "curl"))
		return ap_manage_print(body, format ? format : "json", NULL, err);
	ap_text_curl(&out, "POST", url, body, NULL);
	return ap_stdout(out.p, out.len, err);
}

static const char *colour_of(const char *state)
{
	static const struct {
		const char *part, *colour;
	} colours[] = { { "SUCCEEDED", "\033[32m" }, { "RUNNING", "\033[36m" },
		{ "FAILED", "\033[31m" }, { "ERROR", "\033[31m" }, { "CANCEL", "\033[33m" },
		{ "PENDING", "\033[33m" }, { "QUEUED", "\033[33m" }, { "STOPPING", "\033[33m" } };

	for (size_t i = 0; i < AP_LEN(colours); i++) {
		if (strstr(state, colours[i].part))
			return colours[i].colour;
	}
	return NULL;
}

/* One cell: names by their last part, states without their prefix, times as ages. */
static void add_cell(struct ap_buf *out, const cJSON *v, const char *key, int64_t now)
{
	const char *text = cJSON_IsString(v) ? v->valuestring : NULL;

	if (!text && v) {
		ap_json_print(out, v, 0);
		return;
	}
	if (!text)
		return;
	if (ap_ends_with(key, "Time")) {
		ap_time_ago(out, text, now);
		return;
	}
	if (strcmp(key, "name") == 0 && strrchr(text, '/'))
		text = strrchr(text, '/') + 1;
	if (strcmp(key, "state") == 0 && strstr(text, "_STATE_"))
		text = strstr(text, "_STATE_") + strlen("_STATE_");
	ap_buf_add_printable(out, text, strlen(text));
}

struct columns {
	struct ap_strv keys, heads;
	size_t width[8];
};

static void columns_release(struct columns *c)
{
	ap_strv_release(&c->keys);
	ap_strv_release(&c->heads);
}

static void split_columns(struct columns *c, const char *text)
{
	struct ap_str rest = ap_str(text);
	struct ap_str part;

	while (c->keys.n < AP_LEN(c->width) && ap_str_next(&rest, ',', &part)) {
		const char *eq = memchr(part.p, '=', part.n);
		size_t head = eq ? (size_t)(eq - part.p) : part.n;

		ap_strv_add_n(&c->heads, part.p, head);
		ap_strv_add_n(&c->keys, eq ? eq + 1 : part.p, eq ? part.n - head - 1 : part.n);
	}
	for (size_t i = 0; i < c->heads.n; i++) {
		for (char *p = c->heads.v[i]; *p; p++)
			*p = ap_upper(*p);
		c->width[i] = strlen(c->heads.v[i]);
	}
}

static void pad(struct ap_buf *out, size_t have, size_t width)
{
	for (; have < width + 2; have++)
		ap_buf_addc(out, ' ');
}

static void print_table(
	struct ap_buf *out, const cJSON *list, const char *columns, unsigned flags, int64_t now)
{
	AP_CLEANUP(columns_release) struct columns c = { 0 };
	ap_auto_strv cells = { 0 };
	size_t n;

	split_columns(&c, columns);
	n = c.keys.n;
	for (const cJSON *j = list->child; j; j = j->next) {
		for (size_t i = 0; i < n; i++) {
			struct ap_buf cell = AP_BUF_INIT;

			add_cell(&cell, ap_render_find(j, c.keys.v[i]), c.keys.v[i], now);
			c.width[i] = AP_MAX(c.width[i], cell.len);
			ap_strv_own(&cells, ap_buf_steal(&cell));
		}
	}
	for (size_t i = 0; i < n; i++) {
		ap_buf_adds(out, c.heads.v[i]);
		if (i + 1 < n)
			pad(out, strlen(c.heads.v[i]), c.width[i]);
	}
	ap_buf_addc(out, '\n');
	for (size_t i = 0; i < cells.n; i++) {
		const char *colour = flags && strcmp(c.keys.v[i % n], "state") == 0
					     ? colour_of(cells.v[i])
					     : NULL;

		ap_buf_addf(
			out, "%s%s%s", colour ? colour : "", cells.v[i], colour ? "\033[0m" : "");
		if (i % n + 1 < n)
			pad(out, strlen(cells.v[i]), c.width[i % n]);
		else
			ap_buf_addc(out, '\n');
	}
}

static int print_documents(struct ap_buf *out, const cJSON *list, struct ap_err *err)
{
	for (const cJSON *j = list->child; j; j = j->next) {
		ap_buf_adds(out, "---\n");
		if (yaml_sorted(out, j, err) < 0)
			return -1;
	}
	return 0;
}

int ap_manage_print_list(const struct ap_vertex *v, const cJSON *list, const struct ap_list_opts *o,
	const struct ap_collection *c, const struct ap_env *env, struct ap_err *err)
{
	const char *format = o->format;
	ap_auto_buf out = AP_BUF_INIT;
	bool terminal = isatty(STDOUT_FILENO);

	if (o->uri) {
		for (const cJSON *j = list->child; j; j = j->next) {
			const char *name = ap_json_str(j, "name");

			ap_auto_free char *url = ap_vertex_url(v, "v1", name ? name : "");

			ap_buf_add_printable(&out, url, strlen(url));
			ap_buf_addc(&out, '\n');
		}
	} else if (format && strcmp(format, "json") == 0) {
		ap_json_print(&out, list, AP_JSON_PRETTY | AP_JSON_SORTED);
	} else if ((format && strcmp(format, "table") == 0) || (!format && terminal)) {
		if (list->child)
			print_table(&out, list, c->columns,
				terminal && !env->no_color && !env->dumb_terminal,
				(int64_t)time(NULL));
	} else if (!format || strcmp(format, "yaml") == 0) {
		if (print_documents(&out, list, err) < 0)
			return -1;
	} else if (ap_render(&out, list, format, NULL, err) < 0) {
		return -1;
	}
	return ap_stdout(out.p, out.len, err);
}
