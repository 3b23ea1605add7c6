#include "deps/script.h"

#include <string.h>

enum { MAX_SHEBANG = 127 };

void ap_script_shebang(struct ap_buf *out, const char *interpreter)
{
	bool spaces = strchr(interpreter, ' ');
	const char *quote = spaces ? "\"" : "";
	size_t n = strlen(interpreter) + 3;

	if (!spaces && n <= MAX_SHEBANG)
		ap_buf_addf(out, "#!%s\n", interpreter);
	else
		ap_buf_addf(out, "#!/bin/sh\n'''exec' %s%s%s \"$0\" \"$@\"\n' '''\n", quote,
			interpreter, quote);
}

void ap_script_print(
	struct ap_buf *out, const struct ap_entry_point *point, const struct ap_inventory *inv)
{
	const char *dot = strchr(point->attr, '.');
	int n = (int)(dot ? (size_t)(dot - point->attr) : strlen(point->attr));
	bool old = inv->py_major < 3 || (inv->py_major == 3 && inv->py_minor < 9);
	bool middle = !old && inv->py_major == 3 && inv->py_minor == 9;

	ap_script_shebang(out, inv->scheme.interpreter);
	if (old)
		ap_buf_adds(out, "# -*- coding: utf-8 -*-\nimport re\n");
	ap_buf_addf(out, "import sys\nfrom %s import %.*s\nif __name__ == '__main__':\n",
		point->module, n, point->attr);
	if (old)
		ap_buf_adds(out, "    sys.argv[0] = re.sub(r'(-script\\.pyw|\\.exe)?$', '', "
				 "sys.argv[0])\n");
	else if (middle)
		ap_buf_adds(out, "    if sys.argv[0].endswith('.exe'):\n"
				 "        sys.argv[0] = sys.argv[0][:-4]\n");
	else
		ap_buf_adds(out, "    sys.argv[0] = sys.argv[0].removesuffix('.exe')\n");
	ap_buf_addf(out, "    sys.exit(%s())\n", point->attr);
}

static const struct ap_entry_point *find(
	const struct ap_entry_points *e, const char *name, bool gui)
{
	for (size_t i = 0; i < e->n; i++)
		if (e->v[i].gui == gui && strcmp(e->v[i].name, name) == 0)
			return &e->v[i];
	return NULL;
}

static void add(struct ap_entry_points *out, const struct ap_entry_point *p, char *name)
{
	AP_GROW(out->v, out->n, out->cap);
	out->v[out->n++] = (struct ap_entry_point){
		.name = name,
		.module = ap_xstrdup(p->module),
		.attr = ap_xstrdup(p->attr),
		.gui = p->gui,
	};
}

/* Digits, a dot, digits; with `both`, the second half may not be missing. */
static bool is_version(const char *s, bool both)
{
	size_t n = strspn(s, "0123456789");

	if (!n)
		return false;
	if (!s[n])
		return !both;
	s += n;
	if (*s++ != '.')
		return false;
	n = strspn(s, "0123456789");
	return n && !s[n];
}

static bool is_pip(const char *s)
{
	return ap_starts_with(s, "pip") && (!s[3] || is_version(s + 3, false));
}

static bool is_easy_install(const char *s)
{
	return ap_starts_with(s, "easy_install") &&
	       (!s[12] || (s[12] == '-' && is_version(s + 13, true)));
}

void ap_script_list(struct ap_entry_points *out, const struct ap_entry_points *points,
	const struct ap_inventory *inv)
{
	const struct ap_entry_point *pip = find(points, "pip", false);
	const struct ap_entry_point *easy = find(points, "easy_install", false);

	if (pip) {
		add(out, pip, ap_xstrdup("pip"));
		add(out, pip, ap_xasprintf("pip%u", inv->py_major));
		add(out, pip, ap_xasprintf("pip%u.%u", inv->py_major, inv->py_minor));
	}
	if (easy) {
		add(out, easy, ap_xstrdup("easy_install"));
		add(out, easy, ap_xasprintf("easy_install-%u.%u", inv->py_major, inv->py_minor));
	}
	for (int gui = 0; gui < 2; gui++) {
		for (size_t i = 0; i < points->n; i++) {
			const struct ap_entry_point *p = &points->v[i];

			if (p->gui != (bool)gui || (!gui && pip && is_pip(p->name)) ||
				(!gui && easy && is_easy_install(p->name)))
				continue;
			add(out, p, ap_xstrdup(p->name));
		}
	}
}

static bool ends_with_any_case(const char *s, size_t n, const char *suffix)
{
	size_t k = strlen(suffix);

	if (n < k)
		return false;
	for (size_t i = 0; i < k; i++)
		if (ap_lower(s[n - k + i]) != suffix[i])
			return false;
	return true;
}

bool ap_script_is_wrapper(const struct ap_entry_points *points, const char *basename)
{
	size_t n = strlen(basename);
	ap_auto_free char *name = NULL;

	if (ends_with_any_case(basename, n, ".exe") || ends_with_any_case(basename, n, ".pya"))
		n -= 4;
	else if (ends_with_any_case(basename, n, "-script.py"))
		n -= 10;
	name = ap_xstrndup(basename, n);
	return find(points, name, false) || find(points, name, true);
}
