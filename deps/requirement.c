#include "deps/requirement.h"

#include <stdlib.h>
#include <string.h>

#include "deps/names.h"
#include "deps/version.h"

#define MAX_DEPTH 64
#define MAX_TEXT  8192

/* A cursor over the text; env NULL: only the syntax is looked at. */
struct cur {
	const char *start, *p;
	const struct ap_marker_env *env;
	unsigned depth;
	const char *want; /* first thing that was wanted and not there */
};

static void skip(struct cur *c)
{
	while (*c->p == ' ' || *c->p == '\t')
		c->p++;
}

static bool miss(struct cur *c, const char *want)
{
	if (!c->want)
		c->want = want;
	return false;
}

static bool take_char(struct cur *c, char ch)
{
	skip(c);
	if (*c->p != ch)
		return false;
	c->p++;
	return true;
}

static bool is_ident(char ch)
{
	return ap_is_alnum(ch) || ch == '_' || ch == '.' || ch == '-';
}

static bool take_word(struct cur *c, const char *w)
{
	size_t n = strlen(w);

	skip(c);
	if (strncmp(c->p, w, n) != 0 || is_ident(c->p[n]))
		return false;
	c->p += n;
	return true;
}

/* A side of a comparison: the text of a quoted string, or a variable. */
struct side {
	struct ap_str text;
	bool variable;
};

static const char *const variables[] = { "python_version", "python_full_version", "os_name",
	"sys_platform", "platform_release", "platform_system", "platform_version",
	"platform_machine", "platform_python_implementation", "implementation_name",
	"implementation_version", "extra", "extras", "dependency_groups", "os.name", "sys.platform",
	"platform.version", "platform.machine", "platform.python_implementation",
	"python_implementation" };

static bool side(struct cur *c, struct side *out)
{
	const char *end;
	char quote;

	skip(c);
	quote = *c->p;
	if (quote == '"' || quote == '\'') {
		end = strchr(c->p + 1, quote);
		if (!end)
			return miss(c, "the closing quote");
		*out = (struct side){ ap_str_n(c->p + 1, (size_t)(end - c->p - 1)), false };
		c->p = end + 1;
		return true;
	}
	for (end = c->p; is_ident(*end);)
		end++;
	*out = (struct side){ ap_str_n(c->p, (size_t)(end - c->p)), true };
	for (size_t i = 0; i < AP_LEN(variables); i++) {
		if (ap_str_eq(out->text, variables[i])) {
			c->p = end;
			return true;
		}
	}
	return miss(c, "a marker variable or a quoted string");
}

static const char *lookup(const struct ap_marker_env *e, struct ap_str name)
{
	const struct {
		const char *name, *value;
	} values[] = {
		{ "python_version", e->python_version },
		{ "python_full_version", e->python_full_version },
		{ "implementation_version", e->python_full_version },
		{ "os_name", "posix" },
		{ "os.name", "posix" },
		{ "sys_platform", e->sys_platform },
		{ "sys.platform", e->sys_platform },
		{ "platform_system", e->platform_system },
		{ "platform_machine", e->platform_machine },
		{ "platform.machine", e->platform_machine },
		{ "implementation_name", e->implementation },
		{ "platform_python_implementation",
			ap_streq(e->implementation, "pypy") ? "PyPy" : "CPython" },
		{ "platform.python_implementation",
			ap_streq(e->implementation, "pypy") ? "PyPy" : "CPython" },
		{ "python_implementation",
			ap_streq(e->implementation, "pypy") ? "PyPy" : "CPython" },
	};

	for (size_t i = 0; i < AP_LEN(values); i++) {
		if (ap_str_eq(name, values[i].name))
			return values[i].value ? values[i].value : "";
	}
	return ""; /* platform_release and platform_version: the machine of the run is not known */
}

static bool compare_text(const char *a, const char *op, const char *b)
{
	int c = strcmp(a, b);

	if (strcmp(op, "==") == 0 || strcmp(op, "===") == 0)
		return c == 0;
	if (strcmp(op, "!=") == 0)
		return c != 0;
	if (strcmp(op, "<") == 0)
		return c < 0;
	if (strcmp(op, "<=") == 0)
		return c <= 0;
	if (strcmp(op, ">") == 0)
		return c > 0;
	return strcmp(op, ">=") == 0 && c >= 0;
}

static bool extra_holds(const struct ap_marker_env *e, const char *op, const char *name)
{
	ap_auto_free char *normal = ap_name_normalize(name, strlen(name));
	bool wanted = e->extras && ap_strv_has(e->extras, normal);

	return strcmp(op, "!=") == 0 ? !wanted : wanted;
}

static const char *mirror(const char *op)
{
	static const char *const pairs[][2] = { { "<", ">" }, { ">", "<" }, { "<=", ">=" },
		{ ">=", "<=" } };

	for (size_t i = 0; i < AP_LEN(pairs); i++) {
		if (strcmp(op, pairs[i][0]) == 0)
			return pairs[i][1];
	}
	return op;
}

static bool holds(const struct ap_marker_env *e, struct side l, const char *op, struct side r)
{
	ap_auto_free char *a = NULL;
	ap_auto_free char *b = NULL;
	ap_auto_free char *spec = NULL;

	if (l.variable && ap_str_eq(l.text, "extra")) {
		b = ap_xstrndup(r.text.p, r.text.n);
		return extra_holds(e, op, b);
	}
	if (r.variable && ap_str_eq(r.text, "extra")) {
		a = ap_xstrndup(l.text.p, l.text.n);
		return extra_holds(e, op, a);
	}
	a = l.variable ? ap_xstrdup(lookup(e, l.text)) : ap_xstrndup(l.text.p, l.text.n);
	b = r.variable ? ap_xstrdup(lookup(e, r.text)) : ap_xstrndup(r.text.p, r.text.n);
	if (strcmp(op, "in") == 0)
		return strstr(b, a) != NULL;
	if (strcmp(op, "not in") == 0)
		return !strstr(b, a);
	/* A comparison of versions where the constant can be read as one. */
	if (l.variable) {
		spec = ap_xasprintf("%s%s", op, b);
		if (ap_specifiers_ok(spec))
			return ap_specifiers_match(spec, a);
	} else {
		spec = ap_xasprintf("%s%s", mirror(op), a);
		if (ap_specifiers_ok(spec))
			return ap_specifiers_match(spec, b);
	}
	return compare_text(a, op, b);
}

static bool comparison(struct cur *c, bool *value)
{
	static const char *const ops[] = { "===", "==", "!=", "<=", ">=", "~=", "<", ">" };
	const char *op = NULL;
	struct side l, r;

	if (!side(c, &l))
		return false;
	skip(c);
	for (size_t i = 0; i < AP_LEN(ops) && !op; i++) {
		if (strncmp(c->p, ops[i], strlen(ops[i])) == 0) {
			op = ops[i];
			c->p += strlen(op);
		}
	}
	if (!op && take_word(c, "in")) {
		op = "in";
	} else if (!op && take_word(c, "not")) {
		if (!take_word(c, "in"))
			return miss(c, "\"in\" after \"not\"");
		op = "not in";
	}
	if (!op)
		return miss(c, "a comparison");
	if (!side(c, &r))
		return false;
	if (!l.variable && !r.variable)
		return miss(c, "a marker variable on one side");
	*value = c->env ? holds(c->env, l, op, r) : true;
	return true;
}

/* Source: PEP 508's grammar: `and` binds tighter than `or`. */
static bool marker(struct cur *c, bool *value)
{
	bool any = false;
	bool all;
	bool one;

	if (++c->depth > MAX_DEPTH)
		return miss(c, "fewer parentheses");
	do {
		all = true;
		do {
			if (take_char(c, '(')) {
				if (!marker(c, &one))
					return false;
				if (!take_char(c, ')'))
					return miss(c, "\")\"");
			} else if (!comparison(c, &one)) {
				return false;
			}
			all = all && one;
		} while (take_word(c, "and"));
		any = any || all;
	} while (take_word(c, "or"));
	c->depth--;
	*value = any;
	return true;
}

static bool whole_marker(struct cur *c, bool *value)
{
	if (!marker(c, value))
		return false;
	skip(c);
	return *c->p ? miss(c, "\"and\", \"or\" or the end") : true;
}

bool ap_marker_eval(const char *text, const struct ap_marker_env *env)
{
	struct cur c = { .start = text, .p = text, .env = env };
	bool value = false;

	if (!text)
		return true;
	return whole_marker(&c, &value) && value;
}

static bool extras(struct cur *c, struct ap_requirement *r)
{
	if (!take_char(c, '['))
		return true;
	if (take_char(c, ']'))
		return true;
	do {
		const char *end;
		ap_auto_free char *name = NULL;

		skip(c);
		for (end = c->p; is_ident(*end);)
			end++;
		if (!ap_names_ok(c->p, (size_t)(end - c->p)))
			return miss(c, "the name of an extra");
		name = ap_xstrndup(c->p, (size_t)(end - c->p));
		ap_strv_own(&r->extras, ap_name_normalize(name, strlen(name)));
		c->p = end;
	} while (take_char(c, ','));
	return take_char(c, ']') ? true : miss(c, "\"]\"");
}

static bool url(struct cur *c, struct ap_requirement *r)
{
	const char *end;

	skip(c);
	for (end = c->p; *end && *end != ' ' && *end != '\t';)
		end++;
	if (end == c->p || !memchr(c->p, ':', (size_t)(end - c->p)))
		return miss(c, "a URL");
	r->url = ap_xstrndup(c->p, (size_t)(end - c->p));
	c->p = end;
	return true;
}

static bool specifiers(struct cur *c, struct ap_requirement *r)
{
	bool paren = take_char(c, '(');
	const char *end;
	struct ap_str s;
	ap_auto_free char *text = NULL;

	skip(c);
	for (end = c->p; *end && *end != ';' && *end != ')';)
		end++;
	s = ap_str_trim(ap_str_n(c->p, (size_t)(end - c->p)));
	text = ap_xstrndup(s.p, s.n);
	if (!ap_specifiers_ok(text))
		return miss(c, "version specifiers like \">=1.0,<2\"");
	c->p = end;
	if (paren && !take_char(c, ')'))
		return miss(c, "\")\"");
	r->specs = AP_STEAL(text);
	return true;
}

static bool requirement(struct cur *c, struct ap_requirement *r)
{
	const char *end;
	bool unused;

	skip(c);
	for (end = c->p; is_ident(*end);)
		end++;
	if (!ap_names_ok(c->p, (size_t)(end - c->p)))
		return miss(c, "a distribution's name");
	r->name = ap_xstrndup(c->p, (size_t)(end - c->p));
	r->normalized = ap_name_normalize(r->name, strlen(r->name));
	c->p = end;
	if (!extras(c, r))
		return false;
	if (take_char(c, '@') ? !url(c, r) : !specifiers(c, r))
		return false;
	skip(c);
	if (*c->p == ';') {
		c->p++;
		skip(c);
		r->marker = ap_xstrdup(c->p);
		return whole_marker(c, &unused);
	}
	return *c->p ? miss(c, "\";\" or the end") : true;
}

int ap_requirement_parse(struct ap_requirement *out, const char *text, struct ap_err *err)
{
	AP_CLEANUP(ap_requirement_release) struct ap_requirement r = { 0 };
	struct cur c = { .start = text, .p = text };
	ap_auto_buf shown = AP_BUF_INIT;
	size_t n = strlen(text);

	ap_buf_add_printable(&shown, text, AP_MIN(n, 200));
	if (n > MAX_TEXT)
		return ap_err_set(err, AP_E_INPUT, "requirement \"%s...\": longer than %d bytes",
			shown.p, MAX_TEXT);
	for (const char *p = text; *p; p++) {
		if (((unsigned char)*p < 0x20 && *p != '\t') || *p == 0x7f)
			return ap_err_set(err, AP_E_INPUT,
				"requirement \"%s\": control character at column %zu", shown.p,
				(size_t)(p - text) + 1);
	}
	if (!requirement(&c, &r))
		return ap_err_set(err, AP_E_INPUT, "requirement \"%s\": want %s at column %zu",
			shown.p, c.want, (size_t)(c.p - text) + 1);
	if (!r.specs)
		r.specs = ap_xstrdup("");
	*out = r;
	r = (struct ap_requirement){ 0 };
	return 0;
}

void ap_requirement_release(struct ap_requirement *r)
{
	free(r->name);
	free(r->normalized);
	ap_strv_release(&r->extras);
	free(r->specs);
	free(r->url);
	free(r->marker);
	*r = (struct ap_requirement){ 0 };
}

void ap_requirement_print(struct ap_buf *out, const struct ap_requirement *r, const char *specs,
	const char *marker_text)
{
	ap_buf_adds(out, r->normalized);
	if (r->extras.n) {
		ap_auto_free char *list = ap_strv_join(&r->extras, ",");

		ap_buf_addf(out, "[%s]", list);
	}
	if (r->url)
		ap_buf_addf(out, " @ %s", r->url);
	else
		ap_buf_adds(out, specs);
	if (marker_text)
		ap_buf_addf(out, " ; %s", marker_text);
}
