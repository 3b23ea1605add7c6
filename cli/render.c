#include "cli/render.h"

#include <stdlib.h>
#include <string.h>

#include "base/yaml.h"

/* One step of "a.b[0].c", "a.b.0.c"; false at the end or when nothing is there. */
static const cJSON *step(const cJSON *j, struct ap_str name)
{
	ap_auto_free char *key = ap_xstrndup(name.p, name.n);
	uint64_t i;

	if (cJSON_IsArray(j))
		return ap_parse_u64(key, 1 << 20, &i) ? cJSON_GetArrayItem(j, (int)i) : NULL;
	return cJSON_IsObject(j) ? ap_json_get(j, key) : NULL;
}

const cJSON *ap_render_find(const cJSON *j, const char *path)
{
	const char *p = path;

	while (j && *p) {
		size_t n = strcspn(p, ".[]");

		if (n)
			j = step(j, ap_str_n(p, n));
		p += n;
		p += strspn(p, ".[]");
	}
	return j;
}

static void add_cell(struct ap_buf *out, const cJSON *j)
{
	if (!j)
		return;
	if (cJSON_IsString(j))
		ap_buf_add_printable(out, j->valuestring, strlen(j->valuestring));
	else if (cJSON_IsBool(j))
		ap_buf_adds(out, cJSON_IsTrue(j) ? "True" : "False");
	else
		ap_json_print(out, j, 0);
}

/* "a[].b": of each item, as gcloud prints them. */
static void add_path(struct ap_buf *out, const cJSON *j, const char *path)
{
	const char *each = strstr(path, "[]");
	ap_auto_free char *head = each ? ap_xstrndup(path, (size_t)(each - path)) : NULL;
	const cJSON *list = each ? ap_render_find(j, head) : NULL;
	const cJSON *item;

	if (!each) {
		add_cell(out, ap_render_find(j, path));
		return;
	}
	cJSON_ArrayForEach(item, list)
	{
		ap_buf_adds(out, item == list->child ? "" : ";");
		add_path(out, item, each + 2);
	}
}

static void add_values(struct ap_buf *out, const cJSON *j, const struct ap_strv *keys)
{
	for (size_t i = 0; i < keys->n; i++) {
		if (i)
			ap_buf_addc(out, '\t');
		add_path(out, j, keys->v[i]);
	}
	ap_buf_addc(out, '\n');
}

static void split_keys(struct ap_strv *out, const char *text)
{
	struct ap_str rest = ap_str(text);
	struct ap_str part;

	while (ap_str_next(&rest, ',', &part)) {
		part = ap_str_trim(part);
		if (part.n)
			ap_strv_add_n(out, part.p, part.n);
	}
}

/* "value(a,b)" -> a, b; without parentheses the default columns. */
static int keys_of(struct ap_strv *out, const char *format, const char *columns, struct ap_err *err)
{
	const char *open = strchr(format, '(');
	ap_auto_free char *inner = NULL;

	if (open)
		inner = ap_xstrndup(open + 1, strlen(open + 1) - 1);
	split_keys(out, inner ? inner : columns ? columns : "");
	if (!out->n)
		return ap_err_set(
			err, AP_E_USAGE, "--format=%s: name a key, as in value(name)", format);
	return 0;
}

static void add_padded(struct ap_buf *out, const char *text, size_t width, bool last)
{
	ap_buf_adds(out, text);
	for (size_t i = strlen(text); !last && i < width + 2; i++)
		ap_buf_addc(out, ' ');
}

/* The last part of a key, in capitals, as gcloud heads its columns. */
static char *heading(const char *key)
{
	const char *dot = strrchr(key, '.');
	char *h = ap_xstrdup(dot ? dot + 1 : key);
	struct ap_buf b = AP_BUF_INIT;

	for (char *c = h; *c; c++) {
		if (*c >= 'A' && *c <= 'Z' && c > h)
			ap_buf_addc(&b, '_');
		ap_buf_addc(&b, ap_upper(*c));
	}
	free(h);
	return ap_buf_steal(&b);
}

static void add_table(struct ap_buf *out, const cJSON *rows, const struct ap_strv *keys)
{
	ap_auto_strv cells = { 0 };
	size_t width[32] = { 0 };
	size_t n_cols = AP_MIN(keys->n, AP_LEN(width));
	const cJSON *row;

	for (size_t i = 0; i < n_cols; i++)
		ap_strv_own(&cells, heading(keys->v[i]));
	cJSON_ArrayForEach(row, rows)
	{
		for (size_t i = 0; i < n_cols; i++) {
			struct ap_buf cell = AP_BUF_INIT;

			add_path(&cell, row, keys->v[i]);
			ap_strv_own(&cells, ap_buf_steal(&cell));
		}
	}
	for (size_t i = 0; i < cells.n; i++)
		width[i % n_cols] = AP_MAX(width[i % n_cols], strlen(cells.v[i]));
	for (size_t i = 0; i < cells.n; i++) {
		add_padded(out, cells.v[i], width[i % n_cols], i % n_cols == n_cols - 1);
		if (i % n_cols == n_cols - 1)
			ap_buf_addc(out, '\n');
	}
}

int ap_render(struct ap_buf *out, const cJSON *j, const char *format, const char *columns,
	struct ap_err *err)
{
	ap_auto_strv keys = { 0 };
	const cJSON *item;

	if (strcmp(format, "json") == 0) {
		ap_json_print(out, j, AP_JSON_PRETTY);
		return 0;
	}
	if (strcmp(format, "yaml") == 0) {
		ap_yaml_print(out, j);
		return 0;
	}
	if (keys_of(&keys, format, columns, err) < 0)
		return -1;
	if (ap_starts_with(format, "table")) {
		ap_auto_json one = cJSON_IsArray(j) ? NULL : ap_json_array();

		if (one)
			ap_json_push(one, ap_json_dup(j));
		add_table(out, one ? one : j, &keys);
		return 0;
	}
	if (!ap_starts_with(format, "value("))
		return ap_err_set(err, AP_E_USAGE,
			"--format=%s does not fit here: want json, yaml, table or value(KEY)",
			format);
	if (!cJSON_IsArray(j)) {
		add_values(out, j, &keys);
		return 0;
	}
	cJSON_ArrayForEach(item, j) add_values(out, item, &keys);
	return 0;
}
