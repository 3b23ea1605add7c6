#include "cli/opt_file.h"

#include <errno.h>

#include "base/fs.h"
#include "base/yaml.h"
#include "cli/opt.h"

struct reading {
	struct ap_strv *words;
	const char *path;
};

static int wrong(
	const struct reading *r, const struct ap_yaml *y, const char *what, struct ap_err *err)
{
	return ap_err_set(err, AP_E_INPUT, "%s:%u:%u: %s", r->path, y->line, y->column, what);
}

static bool is_scalar(const struct ap_yaml *y)
{
	return y->kind != AP_YAML_SEQ && y->kind != AP_YAML_MAP;
}

/* A scalar, or a list of them joined by ';', as lists within a pool's words are. */
static int add_text(
	struct ap_buf *out, const struct reading *r, const struct ap_yaml *y, struct ap_err *err)
{
	ap_auto_strv parts = { 0 };
	ap_auto_free char *joined = NULL;

	if (is_scalar(y)) {
		ap_buf_adds(out, y->text ? y->text : "");
		return 0;
	}
	if (y->kind == AP_YAML_MAP)
		return wrong(r, y, "a mapping within a mapping: a text or a list is wanted", err);
	for (size_t i = 0; i < y->n; i++) {
		if (!is_scalar(y->v[i]))
			return wrong(r, y->v[i], "a text is wanted", err);
		ap_strv_add(&parts, y->v[i]->text ? y->v[i]->text : "");
	}
	joined = ap_opt_join(&parts, ';');
	ap_buf_adds(out, joined);
	return 0;
}

/* {a: 1, b: 2} as "a=1,b=2", with another delimiter where a value has a comma. */
static int add_mapping(
	const struct reading *r, const char *flag, const struct ap_yaml *y, struct ap_err *err)
{
	ap_auto_strv pairs = { 0 };
	ap_auto_free char *joined = NULL;

	for (size_t i = 0; i < y->n; i++) {
		ap_auto_buf pair = AP_BUF_INIT;

		ap_buf_addf(&pair, "%s=", y->keys[i]->text);
		if (add_text(&pair, r, y->v[i], err) < 0)
			return -1;
		ap_strv_add(&pairs, pair.p);
	}
	joined = ap_opt_join(&pairs, ',');
	ap_strv_addf(r->words, "%s=%s", flag, joined);
	return 0;
}

static int add_flag(
	const struct reading *r, const char *flag, const struct ap_yaml *y, struct ap_err *err);

static int add_list(
	const struct reading *r, const char *flag, const struct ap_yaml *y, struct ap_err *err)
{
	ap_auto_strv items = { 0 };
	ap_auto_free char *joined = NULL;

	for (size_t i = 0; i < y->n; i++) {
		if (y->v[i]->kind == AP_YAML_MAP) {
			if (add_mapping(r, flag, y->v[i], err) < 0)
				return -1;
		} else if (is_scalar(y->v[i])) {
			ap_strv_add(&items, y->v[i]->text ? y->v[i]->text : "");
		} else {
			return wrong(r, y->v[i], "a list within a list", err);
		}
	}
	if (!items.n)
		return 0;
	joined = ap_opt_join(&items, ',');
	ap_strv_addf(r->words, "%s=%s", flag, joined);
	return 0;
}

static int add_flag(
	const struct reading *r, const char *flag, const struct ap_yaml *y, struct ap_err *err)
{
	switch (y->kind) {
	case AP_YAML_NULL:
		ap_strv_add(r->words, flag);
		return 0;
	case AP_YAML_BOOL:
		ap_strv_addf(r->words, "--%s%s", ap_lower(*y->text) == 'f' ? "no-" : "", flag + 2);
		return 0;
	case AP_YAML_MAP:
		return add_mapping(r, flag, y, err);
	case AP_YAML_SEQ:
		return add_list(r, flag, y, err);
	default:
		ap_strv_addf(r->words, "%s=%s", flag, y->text ? y->text : "");
		return 0;
	}
}

static int add_flags(const struct reading *r, const struct ap_yaml *y, struct ap_err *err)
{
	if (y->kind != AP_YAML_MAP)
		return wrong(r, y, "a mapping of --flag: value is wanted", err);
	for (size_t i = 0; i < y->n; i++) {
		const char *flag = y->keys[i]->text;

		if (!flag || !ap_starts_with(flag, "--") || !flag[2])
			return wrong(r, y->keys[i], "a flag is wanted, as in --region", err);
		if (add_flag(r, flag, y->v[i], err) < 0)
			return -1;
	}
	return 0;
}

int ap_opt_file_read(struct ap_strv *words, const char *path, struct ap_err *err)
{
	struct reading r = { words, path };
	ap_auto_buf text = AP_BUF_MAX(1 << 20);
	ap_auto_yaml y = NULL;

	if (ap_fs_read_named(&text, path, err) < 0) {
		if (err->code == AP_E_IO)
			err->code = AP_E_INPUT;
		if (err->sys == ENOENT)
			(void)!ap_fs_suggest(err, path);
		return ap_err_wrap(err, "--flags-file=%s", path);
	}
	if (ap_yaml_parse(&y, text.p, text.len, err) < 0)
		return ap_err_wrap(err, "--flags-file=%s", path);
	if (!y)
		return 0;
	if (y->kind != AP_YAML_SEQ)
		return add_flags(&r, y, err);
	for (size_t i = 0; i < y->n; i++)
		if (add_flags(&r, y->v[i], err) < 0)
			return -1;
	return 0;
}
