#include "deps/entry_points.h"

#include <stdlib.h>
#include <string.h>

enum { MAX_NAME = 255, MAX_POINTS = 10000 };

static void release_one(struct ap_entry_point *p)
{
	free(p->name);
	free(p->module);
	free(p->attr);
}

void ap_entry_points_release(struct ap_entry_points *e)
{
	for (size_t i = 0; i < e->n; i++)
		release_one(&e->v[i]);
	free(e->v);
	*e = (struct ap_entry_points){ 0 };
}

/* The rule that a script's name breaks, or NULL. */
static const char *name_rule(struct ap_str s)
{
	if (!s.n)
		return "has no name";
	if (s.n > MAX_NAME)
		return "has a name longer than 255 bytes";
	if (ap_str_eq(s, ".") || ap_str_eq(s, ".."))
		return "would leave the scripts directory";
	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];

		if (c == '/' || c == '\\')
			return "would leave the scripts directory";
		if (c <= ' ' || c == 0x7f)
			return "has white space or a control character in its name";
	}
	if (s.p[0] == '[')
		return "has a name that begins with a bracket";
	return NULL;
}

static bool word_char(char c)
{
	return ap_is_alnum(c) || c == '_' || (unsigned char)c >= 0x80;
}

/* Words with dots between them. */
static bool dotted(struct ap_str s)
{
	struct ap_str part;

	while (ap_str_next(&s, '.', &part)) {
		if (!part.n || ap_is_digit(part.p[0]))
			return false;
		for (size_t i = 0; i < part.n; i++)
			if (!word_char(part.p[i]))
				return false;
	}
	return true;
}

/* "[a, b]" or nothing. */
static bool extras_ok(struct ap_str s)
{
	s = ap_str_trim(s);
	if (!s.n)
		return true;
	if (s.n < 3 || s.p[0] != '[' || s.p[s.n - 1] != ']')
		return false;
	for (size_t i = 1; i < s.n - 1; i++)
		if (!ap_is_alnum(s.p[i]) && !strchr("-_., ", s.p[i]))
			return false;
	return true;
}

static void put(struct ap_entry_points *e, struct ap_entry_point *p)
{
	for (size_t i = 0; i < e->n; i++) {
		if (e->v[i].gui != p->gui || strcmp(e->v[i].name, p->name) != 0)
			continue;
		release_one(&e->v[i]);
		e->v[i] = *p;
		return;
	}
	AP_GROW(e->v, e->n, e->cap);
	e->v[e->n++] = *p;
}

static int add(
	struct ap_entry_points *e, struct ap_str line, bool gui, size_t number, struct ap_err *err)
{
	const char *eq = memchr(line.p, '=', line.n);
	struct ap_str name, value, module, extras;
	const char *rule;
	size_t n = 0;

	if (!eq)
		return ap_err_set(
			err, AP_E_PROTO, "line %zu is not \"name = module:function\"", number);
	name = ap_str_trim(ap_str_n(line.p, (size_t)(eq - line.p)));
	value = ap_str_trim(ap_str_n(eq + 1, line.n - (size_t)(eq + 1 - line.p)));
	rule = name_rule(name);
	if (rule)
		return ap_err_set(err, AP_E_PROTO, "line %zu: the script %s", number, rule);
	while (n < value.n && value.p[n] != '[' && value.p[n] != ' ' && value.p[n] != '\t')
		n++;
	extras = ap_str_n(value.p + n, value.n - n);
	value.n = n;
	if (!ap_str_next(&value, ':', &module) || !value.p || !value.n || !dotted(module) ||
		!dotted(value) || !extras_ok(extras))
		return ap_err_set(err, AP_E_PROTO,
			"line %zu: script \"%.*s\" does not name MODULE:FUNCTION", number,
			(int)name.n, name.p);
	if (e->n >= MAX_POINTS)
		return ap_err_set(err, AP_E_LIMIT, "more than %d scripts", MAX_POINTS);
	put(e, &(struct ap_entry_point){
		       .name = ap_xstrndup(name.p, name.n),
		       .module = ap_xstrndup(module.p, module.n),
		       .attr = ap_xstrndup(value.p, value.n),
		       .gui = gui,
	       });
	return 0;
}

int ap_entry_points_parse(struct ap_entry_points *out, const char *p, size_t n, struct ap_err *err)
{
	AP_CLEANUP(ap_entry_points_release) struct ap_entry_points e = { 0 };
	struct ap_str rest = ap_str_n(p, n);
	struct ap_str line;
	bool console = false, gui = false;
	size_t number = 0;

	if (!ap_utf8_ok(p, n))
		return ap_err_set(err, AP_E_PROTO, "is not valid UTF-8");
	while (ap_str_next(&rest, '\n', &line)) {
		number++;
		line = ap_str_trim(line);
		if (!line.n || line.p[0] == '#')
			continue;
		if (line.p[0] == '[' && line.p[line.n - 1] == ']') {
			console = ap_str_eq(line, "[console_scripts]");
			gui = ap_str_eq(line, "[gui_scripts]");
			continue;
		}
		if ((console || gui) && add(&e, line, gui, number, err) < 0)
			return -1;
	}
	*out = e;
	e = (struct ap_entry_points){ 0 };
	return 0;
}
