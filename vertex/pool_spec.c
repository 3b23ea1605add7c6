#include "vertex/pool_spec.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

bool ap_words_split(struct ap_strv *out, const char *text, char delimiter)
{
	char one[2] = { delimiter, '\0' };
	ap_auto_free char *custom = NULL;
	const char *delim = one;
	const char *close = *text == '^' ? strchr(text + 1, '^') : NULL;
	size_t n;

	if (close) {
		if (close == text + 1)
			return false;
		custom = ap_xstrndup(text + 1, (size_t)(close - text - 1));
		delim = custom;
		text = close + 1;
	}
	n = strlen(delim);
	while (*text) {
		const char *end = strstr(text, delim);

		if (!end) {
			ap_strv_add(out, text);
			break;
		}
		ap_strv_add_n(out, text, (size_t)(end - text));
		text = end + n;
	}
	return true;
}

/* Source: PEP 508, environment markers. */
static bool is_marker(const char *s)
{
	static const char *const variables[] = { "python_version", "python_full_version", "os_name",
		"os.name", "sys_platform", "sys.platform", "platform_release", "platform_system",
		"platform_version", "platform_machine", "platform_python_implementation",
		"platform.version", "platform.machine", "platform.python_implementation",
		"python_implementation", "implementation_name", "implementation_version", "extra" };
	size_t n;

	s += strspn(s, " \t(");
	if (*s == '\'' || *s == '"')
		return true;
	n = strspn(s, "abcdefghijklmnopqrstuvwxyz_.");
	for (size_t i = 0; i < AP_LEN(variables); i++) {
		const char *rest = s + n + strspn(s + n, " \t");

		if (strlen(variables[i]) == n && strncmp(s, variables[i], n) == 0 && *rest &&
			(strchr("=!<>~", *rest) || ap_starts_with(rest, "in ") ||
				ap_starts_with(rest, "not ")))
			return true;
	}
	return false;
}

void ap_requirements_join(struct ap_strv *out, const struct ap_strv *parts)
{
	for (size_t i = 0; i < parts->n; i++) {
		struct ap_str part = ap_str_trim(ap_str(parts->v[i]));
		ap_auto_free char *text = ap_xstrndup(part.p, part.n);

		if (out->n && is_marker(text)) {
			char *joined = ap_xasprintf("%s ; %s", out->v[out->n - 1], text);

			free(out->v[out->n - 1]);
			out->v[out->n - 1] = joined;
		} else if (*text) {
			ap_strv_add(out, text);
		}
	}
}

static int unknown_key(const char *flag, const char *word, const struct ap_pool_key *keys,
	size_t n_keys, struct ap_err *err)
{
	ap_auto_free const char **names = ap_xcalloc(n_keys, sizeof(*names));
	ap_auto_buf known = AP_BUF_INIT;
	ap_auto_free char *hyphens = ap_xstrdup(word);
	const char *near;

	for (size_t i = 0; i < n_keys; i++) {
		names[i] = keys[i].name;
		ap_buf_addf(&known, "%s%s", i ? ", " : "", names[i]);
	}
	for (char *p = hyphens; *p; p++)
		*p = *p == '_' ? '-' : ap_lower(*p);
	near = ap_did_you_mean(hyphens, names, n_keys);
	if (near)
		return ap_err_set(err, AP_E_USAGE, "%s: unknown key \"%.60s\"; did you mean %s?",
			flag, word, near);
	return ap_err_set(
		err, AP_E_USAGE, "%s: unknown key \"%.60s\"; want one of %s", flag, word, known.p);
}

static int fill_word(struct ap_pool_word *w, const char *flag, struct ap_err *err)
{
	struct ap_str trimmed = ap_str_trim(ap_str(w->text));
	ap_auto_free char *digits = ap_xstrndup(trimmed.p, trimmed.n);

	w->empty = !*w->text;
	if (w->key->kind == AP_POOL_COUNT &&
		!ap_parse_u64(digits + (*digits == '+'), INT64_MAX, &w->count))
		return ap_err_set(err, AP_E_USAGE,
			"%s: %s: want a whole number of 0 or more, found \"%.60s\"", flag,
			w->key->name, w->text);
	if (w->key->kind == AP_POOL_LIST && !ap_words_split(&w->list, w->text, ';'))
		return ap_err_set(err, AP_E_USAGE, "%s: %s: no delimiter between ^ and ^", flag,
			w->key->name);
	return 0;
}

/* One KEY=VALUE into s. */
static int add_word(struct ap_pool_spec *s, const char *flag, const char *part,
	const struct ap_pool_key *keys, size_t n_keys, struct ap_err *err)
{
	const char *eq = strchr(part, '=');
	ap_auto_free char *name = NULL;
	const struct ap_pool_key *key = NULL;
	struct ap_pool_word *w;

	if (!*part)
		return ap_err_set(err, AP_E_USAGE,
			"%s: an empty element; want KEY=VALUE between the commas", flag);
	if (!eq)
		return ap_err_set(
			err, AP_E_USAGE, "%s: want KEY=VALUE, found \"%.60s\"", flag, part);
	name = ap_xstrndup(part, (size_t)(eq - part));
	for (size_t i = 0; i < n_keys && !key; i++) {
		if (strcmp(keys[i].name, name) == 0)
			key = &keys[i];
	}
	if (!key)
		return unknown_key(flag, name, keys, n_keys, err);
	if (ap_pool_word(s, name))
		return ap_err_set(err, AP_E_USAGE, "%s: key %s is given twice", flag, name);
	s->v = ap_xreallocarray(s->v, s->n + 1, sizeof(*s->v));
	w = &s->v[s->n++];
	*w = (struct ap_pool_word){ .key = key, .text = ap_xstrdup(eq + 1) };
	return fill_word(w, flag, err);
}

int ap_pool_spec_parse(struct ap_pool_spec *out, const char *flag, const char *text,
	const struct ap_pool_key *keys, size_t n_keys, struct ap_err *err)
{
	ap_auto_pool_spec s = { 0 };
	ap_auto_strv parts = { 0 };

	if (!ap_utf8_ok(text, strlen(text)))
		return ap_err_set(err, AP_E_USAGE, "%s: not valid UTF-8", flag);
	if (!ap_words_split(&parts, text, ','))
		return ap_err_set(err, AP_E_USAGE, "%s: no delimiter between ^ and ^", flag);
	for (size_t i = 0; i < parts.n; i++) {
		if (add_word(&s, flag, parts.v[i], keys, n_keys, err) < 0)
			return -1;
	}
	*out = s;
	s = (struct ap_pool_spec){ 0 };
	return 0;
}

void ap_pool_spec_release(struct ap_pool_spec *s)
{
	for (size_t i = 0; i < s->n; i++) {
		free(s->v[i].text);
		ap_strv_release(&s->v[i].list);
	}
	free(s->v);
	*s = (struct ap_pool_spec){ 0 };
}

const struct ap_pool_word *ap_pool_word(const struct ap_pool_spec *s, const char *key)
{
	for (size_t i = 0; i < s->n; i++) {
		if (strcmp(s->v[i].key->name, key) == 0)
			return &s->v[i];
	}
	return NULL;
}

const char *ap_pool_text(const struct ap_pool_spec *s, const char *key)
{
	const struct ap_pool_word *w = ap_pool_word(s, key);

	return w && !w->empty ? w->text : NULL;
}

bool ap_pool_has(const struct ap_pool_spec *s, const char *key)
{
	return ap_pool_text(s, key) != NULL;
}
