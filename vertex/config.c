#include "vertex/config.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Names that pages of the documentation use for a field. */
static const struct {
	const char *message, *alias, *field;
} aliases[] = {
	{ "PersistentResource", "resourcePoolSpecs", "resourcePools" },
	{ "PersistentResource", "resource_pool_specs", "resourcePools" },
	{ "CustomJob", "trainingTaskInputs", "jobSpec" },
};

#define MAX_EXACT (INT64_C(1) << 53)

struct check {
	const struct ap_config_opts *opts;
	struct ap_strv *notes;
	struct ap_buf path;
	bool told_snake;
};

/* Quotes of a line that no backslash escapes. */
static size_t quotes_in(struct ap_str line)
{
	size_t n = 0;

	for (size_t i = 0; i < line.n; i++) {
		if (line.p[i] == '\\')
			i++;
		else
			n += line.p[i] == '"';
	}
	return n;
}

/*
 * A member of an object with a quote too few, as a page of the documentation
 * has it: say where, and the member as it should be.
 */
static int explain_json(const char *file, const char *text, struct ap_err *err)
{
	struct ap_str rest = ap_str(text);
	struct ap_str line;
	struct ap_err was = *err;

	for (unsigned number = 1; ap_str_next(&rest, '\n', &line); number++) {
		struct ap_str t = ap_str_trim(line);
		const char *colon = memchr(t.p, ':', t.n);
		ap_auto_buf key = AP_BUF_MAX(200);
		struct ap_str value;

		if (!colon || quotes_in(t) % 2 == 0)
			continue;
		for (const char *p = t.p; p < colon; p++) {
			if (ap_is_alnum(*p) || *p == '_' || *p == '-')
				ap_buf_addc(&key, *p);
		}
		value = ap_str_trim(ap_str_n(colon + 1, (size_t)(t.p + t.n - colon - 1)));
		ap_err_clear(err);
		return ap_err_set(err, AP_E_INPUT,
			"%s: line %u, column %u: a quote is missing; write \"%s\": %.*s", file,
			number, (unsigned)(t.p - line.p) + 1, key.p, (int)AP_MIN(value.n, 200),
			value.p);
	}
	*err = was;
	return ap_err_wrap(err, "%s", file);
}

int ap_config_load(struct ap_yaml **out, const char *file, const char *text, struct ap_err *err)
{
	if (ap_yaml_parse(out, text, strlen(text), err) == 0)
		return 0;
	if (*text && text[strspn(text, " \t\r\n")] == '{')
		return explain_json(file, text, err);
	return ap_err_wrap(err, "%s", file);
}

static int refuse(struct check *c, const struct ap_yaml *y, struct ap_err *err, const char *fmt,
	...) AP_PRINTF(4, 5);

static int refuse(
	struct check *c, const struct ap_yaml *y, struct ap_err *err, const char *fmt, ...)
{
	ap_auto_buf text = AP_BUF_MAX(700);
	va_list ap;

	va_start(ap, fmt);
	ap_buf_vaddf(&text, fmt, ap);
	va_end(ap);
	return ap_err_set(err, AP_E_INPUT, "%s: line %u, column %u: %s%s%s", c->opts->file, y->line,
		y->column, c->path.p, c->path.len ? ": " : "", text.p);
}

static void note(struct check *c, const struct ap_yaml *y, const char *fmt, ...) AP_PRINTF(3, 4);

static void note(struct check *c, const struct ap_yaml *y, const char *fmt, ...)
{
	ap_auto_buf text = AP_BUF_INIT;
	va_list ap;

	va_start(ap, fmt);
	ap_buf_vaddf(&text, fmt, ap);
	va_end(ap);
	ap_strv_addf(c->notes, "%s: line %u: %s", c->opts->file, y->line, text.p);
}

static const char *found(const struct ap_yaml *y)
{
	static const char *const names[] = { "nothing", "a boolean", "a number", "a number", "text",
		"a list", "a mapping" };

	return names[y->kind];
}

static int refuse_kind(
	struct check *c, const struct ap_yaml *y, const char *want, struct ap_err *err)
{
	if (!y->text)
		return refuse(c, y, err, "want %s, found %s", want, found(y));
	return refuse(c, y, err, "want %s, found %s \"%.60s\"", want, found(y), y->text);
}

static bool parse_int(const char *s, int64_t *out)
{
	int base = 10;
	char *end;
	long long v;

	if (ap_starts_with(s, "0o") || ap_starts_with(s, "0x")) {
		base = s[1] == 'o' ? 8 : 16;
		s += 2;
	}
	errno = 0;
	v = strtoll(s, &end, base);
	if (errno || end == s || *end)
		return false;
	*out = v;
	return true;
}

static int check_int(struct check *c, cJSON **out, const struct ap_yaml *y,
	enum ap_schema_kind kind, struct ap_err *err)
{
	bool wide = kind == AP_SCHEMA_INT64 || kind == AP_SCHEMA_SINT64 || kind == AP_SCHEMA_UINT64;
	bool natural = kind == AP_SCHEMA_UINT64 || kind == AP_SCHEMA_UINT32;
	bool quoted = y->kind == AP_YAML_STR && y->quoted &&
		      strspn(y->text, "-0123456789") == strlen(y->text);
	int64_t v;

	if (y->kind != AP_YAML_INT && !quoted)
		return refuse_kind(c, y, "an integer", err);
	if (!parse_int(y->text, &v) ||
		(!wide && (v > (natural ? (int64_t)UINT32_MAX : INT32_MAX) || v < INT32_MIN)) ||
		(natural && v < 0))
		return refuse(c, y, err, "%.40s is out of range", y->text);
	if (wide) {
		char text[32];

		snprintf(text, sizeof(text), "%" PRId64, v);
		*out = ap_json_string(text);
	} else {
		*out = ap_json_number((double)v);
	}
	return 0;
}

static int check_float(struct check *c, cJSON **out, const struct ap_yaml *y, struct ap_err *err)
{
	char *end = NULL;
	double v;

	if (y->kind != AP_YAML_INT && y->kind != AP_YAML_FLOAT)
		return refuse_kind(c, y, "a number", err);
	v = strtod(y->text, &end);
	if (y->kind == AP_YAML_INT && (y->text[1] == 'o' || y->text[1] == 'x')) {
		int64_t n;

		if (!parse_int(y->text, &n))
			return refuse(c, y, err, "%.40s is out of range", y->text);
		v = (double)n;
	} else if (*end || !isfinite(v)) {
		return refuse(c, y, err, "%.40s is no finite number", y->text);
	}
	*out = ap_json_number(v);
	return 0;
}

/* YAML 1.1 wrote booleans in more ways; where only a boolean fits they still mean one. */
static int check_bool(struct check *c, cJSON **out, const struct ap_yaml *y, struct ap_err *err)
{
	static const struct {
		const char *word;
		int value;
	} words[] = { { "true", 1 }, { "yes", 1 }, { "on", 1 }, { "false", 0 }, { "no", 0 },
		{ "off", 0 } };

	if (y->kind == AP_YAML_BOOL || (y->kind == AP_YAML_STR && !y->quoted)) {
		for (size_t i = 0; i < AP_LEN(words); i++) {
			if (strcasecmp(y->text, words[i].word) == 0) {
				*out = ap_json_bool(words[i].value);
				return 0;
			}
		}
	}
	return refuse_kind(c, y, "true or false", err);
}

static int check_string(struct check *c, cJSON **out, const struct ap_yaml *y, struct ap_err *err)
{
	if (y->kind == AP_YAML_SEQ || y->kind == AP_YAML_MAP)
		return refuse(c, y, err, "want text, found %s", found(y));
	if (y->kind != AP_YAML_STR)
		return refuse(c, y, err, "want text, found %s; write \"%.60s\" in quotes", found(y),
			y->text ? y->text : "");
	*out = ap_json_string(y->text);
	return 0;
}

static int check_duration(struct check *c, cJSON **out, const struct ap_yaml *y, struct ap_err *err)
{
	ap_auto_free char *text = NULL;

	if (y->kind != AP_YAML_STR || !ap_ends_with(y->text, "s") ||
		!ap_schema_duration(&text, y->text))
		return refuse_kind(c, y, "seconds such as \"3600s\"", err);
	*out = ap_json_string(text);
	return 0;
}

static bool looks_like_time(const char *s)
{
	static const char shape[] = "dddd-dd-ddTdd:dd:dd";

	for (size_t i = 0; shape[i]; i++) {
		if (shape[i] == 'd' ? !ap_is_digit(s[i]) : s[i] != shape[i])
			return false;
	}
	s += sizeof(shape) - 1;
	if (*s == '.')
		s += 1 + strspn(s + 1, "0123456789");
	if (strcmp(s, "Z") == 0)
		return true;
	return (*s == '+' || *s == '-') && strlen(s) == 6 && ap_is_digit(s[1]) &&
	       ap_is_digit(s[2]) && s[3] == ':' && ap_is_digit(s[4]) && ap_is_digit(s[5]);
}

static int check_time(struct check *c, cJSON **out, const struct ap_yaml *y, struct ap_err *err)
{
	if (y->kind != AP_YAML_STR || !looks_like_time(y->text))
		return refuse(c, y, err, "want a time such as \"2026-01-31T08:00:00Z\", found %s",
			found(y));
	*out = ap_json_string(y->text);
	return 0;
}

static int check_enum(struct check *c, cJSON **out, const struct ap_yaml *y,
	const struct ap_schema_enum *e, struct ap_err *err)
{
	const char *near;

	if (y->kind != AP_YAML_STR)
		return refuse(
			c, y, err, "want one of the names of %s, found %s", e->name, found(y));
	if (ap_schema_value(e, y->text)) {
		*out = ap_json_string(y->text);
		return 0;
	}
	near = ap_schema_nearest_value(e, y->text);
	if (near)
		return refuse(
			c, y, err, "no such value \"%.60s\"; did you mean %s?", y->text, near);
	return refuse(c, y, err, "no such value \"%.60s\"; want one such as %s", y->text,
		e->n ? e->v[0].name : "");
}

static int any_value(struct check *c, cJSON **out, const struct ap_yaml *y, struct ap_err *err);

static int any_list(struct check *c, cJSON **out, const struct ap_yaml *y, struct ap_err *err)
{
	ap_auto_json list = ap_json_array();

	for (size_t i = 0; i < y->n; i++) {
		cJSON *item = NULL;

		if (any_value(c, &item, y->v[i], err) < 0)
			return -1;
		ap_json_push(list, item);
	}
	*out = AP_STEAL(list);
	return 0;
}

static int any_object(struct check *c, cJSON **out, const struct ap_yaml *y, struct ap_err *err)
{
	ap_auto_json obj = ap_json_object();

	for (size_t i = 0; i < y->n; i++) {
		cJSON *item = NULL;

		if (any_value(c, &item, y->v[i], err) < 0)
			return -1;
		ap_json_set(obj, y->keys[i]->text, item);
	}
	*out = AP_STEAL(obj);
	return 0;
}

static int any_value(struct check *c, cJSON **out, const struct ap_yaml *y, struct ap_err *err)
{
	int64_t whole;

	switch (y->kind) {
	case AP_YAML_NULL:
		*out = cJSON_CreateNull();
		if (!*out)
			ap_oom();
		return 0;
	case AP_YAML_BOOL:
		return check_bool(c, out, y, err);
	case AP_YAML_INT:
		if (!parse_int(y->text, &whole) || whole > MAX_EXACT || whole < -MAX_EXACT)
			return refuse(
				c, y, err, "%.40s is more than JSON can carry exactly", y->text);
		return check_float(c, out, y, err);
	case AP_YAML_FLOAT:
		return check_float(c, out, y, err);
	case AP_YAML_STR:
		*out = ap_json_string(y->text);
		return 0;
	case AP_YAML_SEQ:
		return any_list(c, out, y, err);
	case AP_YAML_MAP:
		return any_object(c, out, y, err);
	}
	return -1;
}

static int check_message(struct check *c, cJSON **out, const struct ap_yaml *y,
	const struct ap_schema_message *m, struct ap_err *err);

static const struct ap_schema_message *typed_as(
	const struct check *c, const struct ap_schema_field *f)
{
	for (const struct ap_config_typed *t = c->opts->typed; t && t->field; t++) {
		if (strcmp(t->field, f->name) == 0)
			return ap_schema_message(t->message);
	}
	return NULL;
}

/* One value of a field, or one item of a list or map. */
static int check_value(struct check *c, cJSON **out, const struct ap_yaml *y,
	const struct ap_schema_field *f, struct ap_err *err)
{
	const struct ap_schema_message *as = typed_as(c, f);

	if (as)
		return check_message(c, out, y, as, err);
	switch (f->kind) {
	case AP_SCHEMA_STRING:
	case AP_SCHEMA_BYTES:
	case AP_SCHEMA_FIELDMASK:
		return check_string(c, out, y, err);
	case AP_SCHEMA_BOOL:
		return check_bool(c, out, y, err);
	case AP_SCHEMA_INT32:
	case AP_SCHEMA_SINT32:
	case AP_SCHEMA_UINT32:
	case AP_SCHEMA_INT64:
	case AP_SCHEMA_SINT64:
	case AP_SCHEMA_UINT64:
		return check_int(c, out, y, f->kind, err);
	case AP_SCHEMA_FLOAT:
	case AP_SCHEMA_DOUBLE:
		return check_float(c, out, y, err);
	case AP_SCHEMA_ENUM:
		return check_enum(c, out, y, &ap_schema_enums[f->ref], err);
	case AP_SCHEMA_MESSAGE:
		return check_message(c, out, y, &ap_schema_messages[f->ref], err);
	case AP_SCHEMA_DURATION:
		return check_duration(c, out, y, err);
	case AP_SCHEMA_TIMESTAMP:
		return check_time(c, out, y, err);
	case AP_SCHEMA_STRUCT:
		if (y->kind != AP_YAML_MAP)
			return refuse(c, y, err, "want a mapping, found %s", found(y));
		return any_object(c, out, y, err);
	case AP_SCHEMA_LIST_VALUE:
		if (y->kind != AP_YAML_SEQ)
			return refuse(c, y, err, "want a list, found %s", found(y));
		return any_list(c, out, y, err);
	case AP_SCHEMA_VALUE:
		return any_value(c, out, y, err);
	}
	return -1;
}

static int check_list(struct check *c, cJSON **out, const struct ap_yaml *y,
	const struct ap_schema_field *f, struct ap_err *err)
{
	ap_auto_json list = ap_json_array();
	size_t len = c->path.len;
	cJSON *item = NULL;

	if (y->kind == AP_YAML_MAP && f->kind == AP_SCHEMA_MESSAGE) {
		if (check_value(c, &item, y, f, err) < 0)
			return -1;
		note(c, y, "%s is a list; the single mapping was read as its only item", f->name);
		ap_json_push(list, item);
		*out = AP_STEAL(list);
		return 0;
	}
	if (y->kind != AP_YAML_SEQ)
		return refuse(c, y, err, "want a list, found %s", found(y));
	for (size_t i = 0; i < y->n; i++) {
		ap_buf_addf(&c->path, "[%zu]", i);
		if (check_value(c, &item, y->v[i], f, err) < 0)
			return -1;
		ap_json_push(list, item);
		ap_buf_truncate(&c->path, len);
	}
	*out = AP_STEAL(list);
	return 0;
}

static int check_map(struct check *c, cJSON **out, const struct ap_yaml *y,
	const struct ap_schema_field *f, struct ap_err *err)
{
	ap_auto_json map = ap_json_object();
	size_t len = c->path.len;

	if (y->kind != AP_YAML_MAP)
		return refuse(c, y, err, "want a mapping, found %s", found(y));
	for (size_t i = 0; i < y->n; i++) {
		cJSON *item = NULL;

		ap_buf_addf(&c->path, ".%s", y->keys[i]->text);
		if (check_value(c, &item, y->v[i], f, err) < 0)
			return -1;
		ap_json_set(map, y->keys[i]->text, item);
		ap_buf_truncate(&c->path, len);
	}
	*out = AP_STEAL(map);
	return 0;
}

static const struct ap_schema_field *find_field(
	struct check *c, const struct ap_schema_message *m, const struct ap_yaml *key)
{
	const struct ap_schema_field *f = ap_schema_field(m, key->text);

	for (size_t i = 0; !f && i < AP_LEN(aliases); i++) {
		if (strcmp(m->name, aliases[i].message) == 0 &&
			strcmp(key->text, aliases[i].alias) == 0) {
			f = ap_schema_field(m, aliases[i].field);
			note(c, key, "%s was read as %s, the field's name", key->text,
				aliases[i].field);
			return f;
		}
	}
	if (f && strcmp(f->name, key->text) != 0 && !c->told_snake) {
		c->told_snake = true;
		note(c, key, "snake_case keys such as %s were read as camelCase (%s)", key->text,
			f->name);
	}
	return f;
}

/*
 * The documentation's body of a persistent resource says
 * resource_runtime_spec.enable_custom_service_account; the API has it one
 * level deeper.
 */
static bool is_misplaced_account(const struct ap_schema_message *m, const char *key)
{
	return strcmp(m->name, "ResourceRuntimeSpec") == 0 &&
	       (strcmp(key, "enable_custom_service_account") == 0 ||
		       strcmp(key, "enableCustomServiceAccount") == 0);
}

static int check_misplaced_account(struct check *c, cJSON *obj, const struct ap_yaml *key,
	const struct ap_yaml *value, struct ap_err *err)
{
	cJSON *flag = NULL;

	if (ap_json_get(obj, "serviceAccountSpec"))
		return refuse(c, key, err, "%s belongs into serviceAccountSpec", key->text);
	if (check_bool(c, &flag, value, err) < 0)
		return -1;
	note(c, key, "%s was read as serviceAccountSpec.enableCustomServiceAccount", key->text);
	ap_json_set(
		ap_json_set_object(obj, "serviceAccountSpec"), "enableCustomServiceAccount", flag);
	return 0;
}

/* One member of a message into obj. */
static int check_member(struct check *c, cJSON *obj, const struct ap_schema_message *m,
	const struct ap_yaml *key, const struct ap_yaml *value, struct ap_err *err)
{
	const struct ap_schema_field *f = find_field(c, m, key);
	const char *near;
	cJSON *item = NULL;
	int rc;

	if (!f && is_misplaced_account(m, key->text))
		return check_misplaced_account(c, obj, key, value, err);
	if (!f) {
		near = ap_schema_nearest_field(m, key->text);
		return refuse(c, key, err, "%s has no field \"%.60s\"%s%s%s", m->name, key->text,
			near ? "; did you mean " : "", near ? near : "", near ? "?" : "");
	}
	if (f->flags & AP_SCHEMA_OUTPUT) {
		note(c, key, "%s is set by the service and was left out", f->name);
		return 0;
	}
	if (ap_json_get(obj, f->name))
		return refuse(c, key, err, "%s is given twice", f->name);
	if (value->kind == AP_YAML_NULL)
		return 0;
	ap_buf_addf(&c->path, "%s%s", c->path.len ? "." : "", f->name);
	if (f->flags & AP_SCHEMA_LIST)
		rc = check_list(c, &item, value, f, err);
	else if (f->flags & AP_SCHEMA_MAP)
		rc = check_map(c, &item, value, f, err);
	else
		rc = check_value(c, &item, value, f, err);
	if (rc == 0)
		ap_json_set(obj, f->name, item);
	return rc;
}

static int check_oneof(struct check *c, const cJSON *obj, const struct ap_yaml *y,
	const struct ap_schema_message *m, struct ap_err *err)
{
	for (size_t i = 0; i < m->n; i++) {
		if (!m->fields[i].oneof || !ap_json_get(obj, m->fields[i].name))
			continue;
		for (size_t k = i + 1; k < m->n; k++) {
			if (m->fields[k].oneof == m->fields[i].oneof &&
				ap_json_get(obj, m->fields[k].name))
				return refuse(c, y, err, "want only one of %s and %s",
					m->fields[i].name, m->fields[k].name);
		}
	}
	return 0;
}

static int check_message(struct check *c, cJSON **out, const struct ap_yaml *y,
	const struct ap_schema_message *m, struct ap_err *err)
{
	ap_auto_json obj = ap_json_object();
	size_t len = c->path.len;

	if (y->kind != AP_YAML_MAP)
		return refuse(c, y, err, "want a mapping (%s), found %s", m->name, found(y));
	for (size_t i = 0; i < y->n; i++) {
		if (check_member(c, obj, m, y->keys[i], y->v[i], err) < 0)
			return -1;
		ap_buf_truncate(&c->path, len);
	}
	if (check_oneof(c, obj, y, m, err) < 0)
		return -1;
	*out = AP_STEAL(obj);
	return 0;
}

int ap_config_check(cJSON **out, struct ap_strv *notes, const struct ap_yaml *y,
	const struct ap_schema_message *m, const struct ap_config_opts *opts, struct ap_err *err)
{
	struct check c = { .opts = opts, .notes = notes, .path = AP_BUF_INIT };
	int rc = check_message(&c, out, y, m, err);

	ap_buf_release(&c.path);
	return rc;
}

int ap_config_any(cJSON **out, const struct ap_yaml *y, const char *file, struct ap_err *err)
{
	struct ap_config_opts opts = { .file = file };
	struct check c = { .opts = &opts, .path = AP_BUF_INIT };
	int rc = any_value(&c, out, y, err);

	ap_buf_release(&c.path);
	return rc;
}
