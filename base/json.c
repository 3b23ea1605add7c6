#include "base/json.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

void ap_json_freep(cJSON **j)
{
	cJSON_Delete(*j);
	*j = NULL;
}

/* Depth and bare control characters, before cJSON recurses over them. */
static int check_shape(const char *p, size_t n, struct ap_err *err)
{
	size_t depth = 0;
	bool quoted = false;

	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)p[i];

		if (quoted) {
			if (c < 0x20)
				return ap_err_set(err, AP_E_PROTO,
					"json: control character in a string at byte %zu", i);
			if (c == '\\')
				i++;
			else if (c == '"')
				quoted = false;
			continue;
		}
		if (c == '"') {
			quoted = true;
		} else if (c == '{' || c == '[') {
			if (++depth > AP_JSON_DEPTH)
				return ap_err_set(err, AP_E_LIMIT,
					"json: deeper than %d levels at byte %zu", AP_JSON_DEPTH,
					i);
		} else if ((c == '}' || c == ']') && depth) {
			depth--;
		}
	}
	return 0;
}

static int by_name(const void *a, const void *b)
{
	const char *const *x = a;
	const char *const *y = b;

	return strcmp(*x, *y);
}

/* A document with two members of one name can be read in two ways. */
static int check_meaning(const cJSON *j, struct ap_err *err)
{
	ap_auto_free const char **names = NULL;
	size_t n = 0;

	/* It could not be printed as the number it was. */
	if (cJSON_IsNumber(j) && !isfinite(j->valuedouble))
		return ap_err_set(err, AP_E_PROTO, "json: number out of range");
	if (cJSON_IsObject(j) && j->child && j->child->next) {
		names = ap_xcalloc((size_t)cJSON_GetArraySize(j), sizeof(*names));
		for (const cJSON *c = j->child; c; c = c->next)
			names[n++] = c->string;
		qsort(names, n, sizeof(*names), by_name);
		for (size_t i = 1; i < n; i++) {
			if (strcmp(names[i - 1], names[i]) == 0)
				return ap_err_set(err, AP_E_PROTO,
					"json: member \"%.80s\" occurs twice", names[i]);
		}
	}
	for (const cJSON *c = j->child; c; c = c->next) {
		if (check_meaning(c, err) < 0)
			return -1;
	}
	return 0;
}

/* The text with each NUL of a string as U+FFFD, owned; NULL when there is none. */
static char *without_nul(const char *p, size_t n)
{
	char *copy = memmem(p, n, "\\u0000", 6) ? ap_xstrndup(p, n) : NULL;

	for (size_t i = 0; copy && i < n; i++) {
		if (copy[i] != '\\')
			continue;
		if (ap_starts_with(copy + i, "\\u0000"))
			memcpy(copy + i, "\\ufffd", 6);
		i++;
	}
	return copy;
}

int ap_json_parse(cJSON **out, const void *p, size_t n, struct ap_err *err)
{
	ap_auto_json j = NULL;
	const char *text = p;
	const char *end = NULL;
	ap_auto_free char *mended = NULL;

	if (!ap_utf8_ok(text, n))
		return ap_err_set(err, AP_E_PROTO, "json: not valid UTF-8");
	if (check_shape(text, n, err) < 0)
		return -1;
	mended = without_nul(text, n);
	text = mended ? mended : text;
	j = cJSON_ParseWithLengthOpts(text, n, &end, 0);
	if (!j)
		return ap_err_set(err, AP_E_PROTO, "json: syntax error at byte %zu of %zu",
			end ? (size_t)(end - text) : 0, n);
	while (end < text + n && strchr(" \t\r\n", *end))
		end++;
	if (end != text + n)
		return ap_err_set(err, AP_E_PROTO, "json: more text at byte %zu of %zu",
			(size_t)(end - text), n);
	if (check_meaning(j, err) < 0)
		return -1;
	*out = AP_STEAL(j);
	return 0;
}

const cJSON *ap_json_get(const cJSON *j, const char *name)
{
	const cJSON *m = j ? cJSON_GetObjectItemCaseSensitive(j, name) : NULL;

	return m && !cJSON_IsNull(m) ? m : NULL;
}

const char *ap_json_str(const cJSON *j, const char *name)
{
	const cJSON *m = ap_json_get(j, name);

	return cJSON_IsString(m) ? m->valuestring : NULL;
}

const char *ap_json_type(const cJSON *j)
{
	if (!j)
		return "nothing";
	if (cJSON_IsObject(j))
		return "object";
	if (cJSON_IsArray(j))
		return "array";
	if (cJSON_IsString(j))
		return "string";
	if (cJSON_IsNumber(j))
		return "number";
	if (cJSON_IsBool(j))
		return "boolean";
	return "null";
}

int ap_json_need_str(const char **out, const cJSON *j, const char *name, struct ap_err *err)
{
	const cJSON *m = ap_json_get(j, name);

	if (!cJSON_IsString(m))
		return ap_err_set(
			err, AP_E_PROTO, "\"%s\": want a string, found %s", name, ap_json_type(m));
	*out = m->valuestring;
	return 0;
}

int ap_json_need_u64(uint64_t *out, const cJSON *j, const char *name, struct ap_err *err)
{
	const cJSON *m = ap_json_get(j, name);

	if (!cJSON_IsNumber(m))
		return ap_err_set(
			err, AP_E_PROTO, "\"%s\": want a number, found %s", name, ap_json_type(m));
	if (!(m->valuedouble >= 0 && m->valuedouble <= 9007199254740992.0) ||
		m->valuedouble != floor(m->valuedouble))
		return ap_err_set(err, AP_E_PROTO,
			"\"%s\": want a whole number from 0 to 2^53, found %g", name,
			m->valuedouble);
	*out = (uint64_t)m->valuedouble;
	return 0;
}

static cJSON *made(cJSON *j)
{
	if (!j)
		ap_oom();
	return j;
}

cJSON *ap_json_object(void)
{
	return made(cJSON_CreateObject());
}

cJSON *ap_json_array(void)
{
	return made(cJSON_CreateArray());
}

cJSON *ap_json_string(const char *s)
{
	return made(cJSON_CreateString(s));
}

cJSON *ap_json_number(double v)
{
	return made(cJSON_CreateNumber(v));
}

cJSON *ap_json_bool(int v)
{
	return made(cJSON_CreateBool(v));
}

cJSON *ap_json_dup(const cJSON *j)
{
	return made(cJSON_Duplicate(j, 1));
}

void ap_json_set(cJSON *obj, const char *name, cJSON *value)
{
	if (cJSON_GetObjectItemCaseSensitive(obj, name)) {
		if (!cJSON_ReplaceItemInObjectCaseSensitive(obj, name, value))
			ap_oom();
	} else if (!cJSON_AddItemToObject(obj, name, value)) {
		ap_oom();
	}
}

void ap_json_set_str(cJSON *obj, const char *name, const char *value)
{
	if (value)
		ap_json_set(obj, name, ap_json_string(value));
}

void ap_json_push(cJSON *arr, cJSON *value)
{
	if (!cJSON_AddItemToArray(arr, value))
		ap_oom();
}

cJSON *ap_json_set_object(cJSON *obj, const char *name)
{
	cJSON *j = ap_json_object();

	ap_json_set(obj, name, j);
	return j;
}

cJSON *ap_json_make_object(cJSON *obj, const char *name)
{
	cJSON *m = cJSON_GetObjectItemCaseSensitive(obj, name);

	return cJSON_IsObject(m) ? m : ap_json_set_object(obj, name);
}

cJSON *ap_json_set_array(cJSON *obj, const char *name)
{
	cJSON *j = ap_json_array();

	ap_json_set(obj, name, j);
	return j;
}

bool ap_json_equal(const cJSON *a, const cJSON *b)
{
	return cJSON_Compare(a, b, 1);
}

void ap_json_print_string(struct ap_buf *out, const char *s)
{
	ap_buf_addc(out, '"');
	for (; *s; s++) {
		unsigned char c = (unsigned char)*s;

		switch (c) {
		case '"':
			ap_buf_adds(out, "\\\"");
			break;
		case '\\':
			ap_buf_adds(out, "\\\\");
			break;
		case '\n':
			ap_buf_adds(out, "\\n");
			break;
		case '\r':
			ap_buf_adds(out, "\\r");
			break;
		case '\t':
			ap_buf_adds(out, "\\t");
			break;
		default:
			if (c < 0x20 || c == 0x7f)
				ap_buf_addf(out, "\\u%04x", c);
			else
				ap_buf_addc(out, *s);
		}
	}
	ap_buf_addc(out, '"');
}

static void newline(struct ap_buf *out, unsigned flags, size_t depth)
{
	if (!(flags & AP_JSON_PRETTY))
		return;
	ap_buf_addc(out, '\n');
	while (depth--)
		ap_buf_adds(out, "  ");
}

static int by_member_name(const void *a, const void *b)
{
	const cJSON *const *x = a;
	const cJSON *const *y = b;

	return strcmp((*x)->string, (*y)->string);
}

static void print_value(struct ap_buf *out, const cJSON *j, unsigned flags, size_t depth);

static void print_list(struct ap_buf *out, const cJSON *j, unsigned flags, size_t depth)
{
	bool object = cJSON_IsObject(j);
	size_t n = (size_t)cJSON_GetArraySize(j);
	ap_auto_free const cJSON **v = ap_xcalloc(n, sizeof(*v));
	size_t i = 0;

	for (const cJSON *c = j->child; c; c = c->next)
		v[i++] = c;
	if (object && (flags & AP_JSON_SORTED))
		qsort(v, n, sizeof(*v), by_member_name);
	ap_buf_addc(out, object ? '{' : '[');
	for (i = 0; i < n; i++) {
		if (i)
			ap_buf_addc(out, ',');
		newline(out, flags, depth + 1);
		if (object) {
			ap_json_print_string(out, v[i]->string);
			ap_buf_adds(out, flags & AP_JSON_PRETTY ? ": " : ":");
		}
		print_value(out, v[i], flags, depth + 1);
	}
	if (n)
		newline(out, flags, depth);
	ap_buf_addc(out, object ? '}' : ']');
}

static void print_number(struct ap_buf *out, double v)
{
	if (v == floor(v) && fabs(v) <= 9007199254740992.0)
		ap_buf_addf(out, "%.0f", v);
	else
		ap_buf_addf(out, "%.17g", v);
}

static void print_value(struct ap_buf *out, const cJSON *j, unsigned flags, size_t depth)
{
	if (cJSON_IsObject(j) || cJSON_IsArray(j))
		print_list(out, j, flags, depth);
	else if (cJSON_IsString(j))
		ap_json_print_string(out, j->valuestring);
	else if (cJSON_IsNumber(j))
		print_number(out, j->valuedouble);
	else if (cJSON_IsBool(j))
		ap_buf_adds(out, cJSON_IsTrue(j) ? "true" : "false");
	else if (cJSON_IsRaw(j))
		ap_buf_adds(out, j->valuestring);
	else
		ap_buf_adds(out, "null");
}

void ap_json_print(struct ap_buf *out, const cJSON *j, unsigned flags)
{
	print_value(out, j, flags, 0);
	if (flags & AP_JSON_PRETTY)
		ap_buf_addc(out, '\n');
}
