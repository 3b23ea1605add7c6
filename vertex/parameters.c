#include "vertex/parameters.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Source: pipeline_spec.proto, ParameterType.ParameterTypeEnum, and PrimitiveType of 2.0.0. */
static const struct {
	const char *name;
	enum kind { TEXT, WHOLE, REAL, TRUTH, ITEMS, MEMBERS } kind;
	const char *wanted;
} types[] = {
	{ "STRING", TEXT, "text" },
	{ "NUMBER_INTEGER", WHOLE, "a whole number" },
	{ "NUMBER_DOUBLE", REAL, "a number" },
	{ "BOOLEAN", TRUTH, "true or false" },
	{ "LIST", ITEMS, "a list in JSON" },
	{ "STRUCT", MEMBERS, "an object in JSON" },
	{ "INT", WHOLE, "a whole number" },
	{ "DOUBLE", REAL, "a number" },
};

static int type_of(const cJSON *input, size_t *out)
{
	const char *name = ap_json_str(input, "parameterType");

	if (!name)
		name = ap_json_str(input, "type");
	for (size_t i = 0; name && i < AP_LEN(types); i++) {
		if (strcmp(types[i].name, name) == 0) {
			*out = i;
			return 0;
		}
	}
	return -1;
}

static int unknown(const char *name, const cJSON *inputs, const char *who, struct ap_err *err)
{
	ap_auto_free const char **names =
		ap_xcalloc((size_t)cJSON_GetArraySize(inputs) + 1, sizeof(*names));
	size_t n = 0;
	const char *near;

	for (const cJSON *i = inputs ? inputs->child : NULL; i; i = i->next)
		names[n++] = i->string;
	near = n ? ap_did_you_mean(name, names, n) : NULL;
	return ap_err_set(err, AP_E_USAGE, "%s: the pipeline has no parameter \"%.80s\"%s%s%s", who,
		name, near ? "; did you mean " : "", near ? near : "", near ? "?" : "");
}

/* A number that JSON can carry exactly enough: 2^53 for whole ones. */
static bool number_ok(const char *text, enum kind kind, double *out)
{
	char *end;
	double v;

	if (!*text ||
		strspn(text, kind == WHOLE ? "+-0123456789" : "+-0123456789.eE") != strlen(text))
		return false;
	v = strtod(text, &end);
	if (*end || !isfinite(v) || (kind == WHOLE && fabs(v) > 9007199254740992.0))
		return false;
	*out = v;
	return true;
}

static bool value_from_text(cJSON **out, const char *text, enum kind kind)
{
	struct ap_err ignored = AP_ERR_INIT;
	ap_auto_json j = NULL;
	double v;

	switch (kind) {
	case TEXT:
		*out = ap_json_string(text);
		return true;
	case WHOLE:
	case REAL:
		if (!number_ok(text, kind, &v))
			return false;
		*out = ap_json_number(v);
		return true;
	case TRUTH:
		if (strcasecmp(text, "true") != 0 && strcasecmp(text, "false") != 0)
			return false;
		*out = ap_json_bool(ap_lower(*text) == 't');
		return true;
	case ITEMS:
	case MEMBERS:
		if (ap_json_parse(&j, text, strlen(text), &ignored) < 0 ||
			!(kind == ITEMS ? cJSON_IsArray(j) : cJSON_IsObject(j)))
			return false;
		*out = AP_STEAL(j);
		return true;
	}
	return false;
}

static bool value_fits(const cJSON *v, enum kind kind)
{
	switch (kind) {
	case TEXT:
		return cJSON_IsString(v);
	case WHOLE:
		return cJSON_IsNumber(v) && floor(v->valuedouble) == v->valuedouble;
	case REAL:
		return cJSON_IsNumber(v);
	case TRUTH:
		return cJSON_IsBool(v);
	case ITEMS:
		return cJSON_IsArray(v);
	case MEMBERS:
		return cJSON_IsObject(v);
	}
	return false;
}

int ap_parameter_set(cJSON *values, const cJSON *inputs, const char *text, struct ap_err *err)
{
	const char *eq = strchr(text, '=');
	ap_auto_free char *name = eq ? ap_xstrndup(text, (size_t)(eq - text)) : NULL;
	const cJSON *input;
	cJSON *value = NULL;
	size_t t;

	if (!name || !*name)
		return ap_err_set(
			err, AP_E_USAGE, "--parameter: want NAME=VALUE, found \"%.80s\"", text);
	input = ap_json_get(inputs, name);
	if (!input)
		return unknown(name, inputs, "--parameter", err);
	if (type_of(input, &t) < 0)
		return ap_err_set(err, AP_E_USAGE,
			"--parameter: %s is of a type that cannot be given (%.60s)", name,
			ap_json_str(input, "parameterType") ? ap_json_str(input, "parameterType")
							    : "none");
	if (!value_from_text(&value, eq + 1, types[t].kind))
		return ap_err_set(err, AP_E_USAGE, "--parameter: %s: want %s, found \"%.80s\"",
			name, types[t].wanted, eq + 1);
	ap_json_set(values, name, value);
	return 0;
}

int ap_parameters_check(
	const cJSON *values, const cJSON *inputs, const char *file, struct ap_err *err)
{
	for (const cJSON *v = values->child; v; v = v->next) {
		const cJSON *input = ap_json_get(inputs, v->string);
		size_t t;

		if (!input)
			return unknown(v->string, inputs, file, err);
		if (type_of(input, &t) < 0 || !value_fits(v, types[t].kind))
			return ap_err_set(err, AP_E_INPUT, "%s: %s: want %s, found %s", file,
				v->string, type_of(input, &t) < 0 ? "nothing" : types[t].wanted,
				ap_json_type(v));
	}
	return 0;
}

int ap_parameters_complete(const cJSON *values, const cJSON *inputs, struct ap_err *err)
{
	ap_auto_buf missing = AP_BUF_INIT;

	for (const cJSON *i = inputs ? inputs->child : NULL; i; i = i->next) {
		if (ap_json_get(values, i->string) || ap_json_get(i, "defaultValue") ||
			cJSON_IsTrue(ap_json_get(i, "isOptional")))
			continue;
		ap_buf_addf(&missing, "%s%s", missing.len ? ", " : "", i->string);
	}
	if (missing.len)
		return ap_err_set(err, AP_E_USAGE,
			"the pipeline needs a value for %s; give it with --parameter=NAME=VALUE",
			missing.p);
	return 0;
}

int ap_parameters_old(cJSON **out, const cJSON *values, const cJSON *inputs, struct ap_err *err)
{
	ap_auto_json old = ap_json_object();

	for (const cJSON *v = values->child; v; v = v->next) {
		cJSON *one = ap_json_set_object(old, v->string);
		ap_auto_buf text = AP_BUF_INIT;
		size_t t;

		if (type_of(ap_json_get(inputs, v->string), &t) < 0)
			return unknown(v->string, inputs, "--parameter", err);
		if (types[t].kind == REAL) {
			ap_json_set(one, "doubleValue", ap_json_dup(v));
		} else if (types[t].kind == WHOLE) {
			ap_json_print(&text, v, 0);
			ap_json_set_str(one, "intValue", text.p);
		} else if (cJSON_IsString(v)) {
			ap_json_set_str(one, "stringValue", v->valuestring);
		} else {
			ap_json_print(&text, v, 0);
			ap_json_set_str(one, "stringValue", text.p);
		}
	}
	*out = AP_STEAL(old);
	return 0;
}
