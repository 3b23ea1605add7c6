#include "deps/request_priv.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/fs.h"
#include "deps/inputs.h"
#include "deps/names.h"

enum ap_dep_kind ap_dep_archive_kind(const char *name)
{
	static const char *const sdists[] = { ".tar.gz", ".tgz", ".zip", ".tar.bz2", ".tbz",
		".tar.xz", ".txz", ".tar" };

	if (ap_ends_with(name, ".whl"))
		return AP_DEP_WHEEL;
	for (size_t i = 0; i < AP_LEN(sdists); i++) {
		if (ap_ends_with(name, sdists[i]))
			return AP_DEP_SDIST;
	}
	return AP_DEP_NAMED;
}

bool ap_dep_has_file(const char *dir, const char *name)
{
	ap_auto_free char *path = ap_fs_join(dir, name);

	return ap_fs_is_file(path);
}

bool ap_dep_is_project(const char *dir)
{
	return ap_dep_has_file(dir, "setup.py") || ap_dep_has_file(dir, "pyproject.toml");
}

struct ap_dep_line *ap_dep_scan_add(struct ap_dep_scan *s, enum ap_dep_kind kind, const char *where)
{
	struct ap_dep_line *l;

	AP_GROW(s->r->lines, s->r->n_lines, s->r->cap_lines);
	l = &s->r->lines[s->r->n_lines++];
	*l = (struct ap_dep_line){ .kind = kind };
	l->where = ap_xstrdup(where);
	return l;
}

void ap_dep_scan_include(struct ap_dep_scan *s, const char *path)
{
	ap_auto_free char *rel = ap_path_relative(s->r->dir, path);

	if (!ap_starts_with(rel, "../") && strcmp(rel, "..") != 0 &&
		strcmp(rel, "requirements.txt") != 0 && !ap_strv_has(&s->r->includes, rel))
		ap_strv_add(&s->r->includes, rel);
}

/* A value as the message shows it: printable, without user:password@ and query. */
char *ap_dep_scan_shown(const char *text)
{
	ap_auto_buf b = AP_BUF_INIT;
	const char *scheme = strstr(text, "://");
	const char *rest = scheme ? scheme + 3 : text;
	size_t host = strcspn(rest, "/?# ");
	const char *at = scheme ? memrchr(rest, '@', host) : NULL;
	size_t end = scheme ? strcspn(rest, "?") : strlen(rest);

	ap_buf_add_printable(&b, text, (size_t)(rest - text));
	if (at) {
		end -= (size_t)(at + 1 - rest);
		rest = at + 1;
	}
	ap_buf_add_printable(&b, rest, AP_MIN(end, 200));
	return ap_buf_steal(&b);
}

int ap_dep_scan_refuse(struct ap_dep_scan *s, const char *where, const char *text, const char *why)
{
	ap_auto_free char *t = ap_dep_scan_shown(text);

	return ap_err_set(s->err, AP_E_INPUT, "%s: \"%s\": %s", where, t, why);
}

int ap_dep_scan_missing(struct ap_dep_scan *s, const char *where, const char *text,
	const char *path, const char *why)
{
	(void)!ap_dep_scan_refuse(s, where, text, why);
	return ap_fs_suggest(s->err, path);
}

bool ap_dep_is_vcs(const char *text)
{
	static const char *const schemes[] = { "git+", "hg+", "svn+", "bzr+" };

	for (size_t i = 0; i < AP_LEN(schemes); i++) {
		if (ap_starts_with(text, schemes[i]))
			return true;
	}
	return false;
}

static int local_dir(struct ap_dep_scan *s, struct ap_dep_line *l, const char *text)
{
	if (!ap_dep_is_project(l->path))
		return ap_dep_scan_refuse(s, l->where, text,
			"a directory without setup.py or pyproject.toml cannot be installed");
	l->kind = AP_DEP_DIR;
	l->project = strcmp(l->path, s->r->dir) == 0;
	return ap_inputs_add_tree(s->r, l->path, s->err);
}

/* path: absolute; what it is decides the kind. */
int ap_dep_scan_local(
	struct ap_dep_scan *s, struct ap_dep_line *l, const char *path, const char *text)
{
	struct stat st;

	free(l->path);
	l->path = ap_path_clean(path);
	if (stat(l->path, &st) < 0)
		return errno == ENOENT || errno == ENOTDIR
			       ? ap_dep_scan_missing(
					 s, l->where, text, l->path, "no such file or directory")
			       : ap_err_sys(s->err, "%s: %s", l->where, l->path);
	if (S_ISDIR(st.st_mode))
		return local_dir(s, l, text);
	l->kind = ap_dep_archive_kind(l->path);
	if (l->kind == AP_DEP_NAMED)
		return ap_dep_scan_refuse(s, l->where, text,
			"want a wheel (.whl), a source distribution (.tar.gz, .zip) or a directory");
	return ap_inputs_add_file(s->r, l->path, s->err);
}

/* `l->req.url` decides what kind of line it is. */
int ap_dep_scan_remote(struct ap_dep_scan *s, struct ap_dep_line *l, const char *text)
{
	const char *url = l->req.url;
	ap_auto_free char *path = NULL;

	l->kind = AP_DEP_URL;
	if (ap_dep_is_vcs(url))
		return ap_dep_scan_refuse(s, l->where, text, AP_DEP_VCS_WORD);
	if (ap_starts_with(url, "file:")) {
		path = ap_path_of_file_url(url);
		if (!path)
			return ap_dep_scan_refuse(s, l->where, text, "want file:///PATH");
		return ap_dep_scan_local(s, l, path, text);
	}
	if (!ap_starts_with(url, "https://") && !ap_starts_with(url, "http://"))
		return ap_dep_scan_refuse(
			s, l->where, text, "want an address with https, http or file");
	return 0;
}

/* Cut "; marker" off text: the ';' of a URL must have a blank behind it. */
static char *cut_marker(char *text, bool url)
{
	char *at = url ? strstr(text, "; ") : strchr(text, ';');

	if (!at)
		return NULL;
	*at = '\0';
	for (char *end = at; end > text && (end[-1] == ' ' || end[-1] == '\t'); end--)
		end[-1] = '\0';
	return at + 1;
}

/* Cut "[a,b]" off the end of a path. */
static char *cut_extras(char *text)
{
	size_t n = strlen(text);
	char *open;

	if (!n || text[n - 1] != ']')
		return NULL;
	open = strrchr(text, '[');
	if (!open || open == text)
		return NULL;
	text[n - 1] = '\0';
	*open = '\0';
	return open + 1;
}

/* Extras and marker of a path or URL, checked by writing them behind a stand-in name. */
static int side_parts(
	struct ap_dep_scan *s, struct ap_dep_line *l, const char *extras, const char *marker)
{
	ap_auto_free char *stand_in = ap_xasprintf("x%s%s%s%s%s", extras ? "[" : "",
		extras ? extras : "", extras ? "]" : "", marker ? ";" : "", marker ? marker : "");

	if (ap_requirement_parse(&l->req, stand_in, s->err) < 0)
		return ap_err_wrap(s->err, "%s", l->where);
	free(l->req.name);
	free(l->req.normalized);
	l->req.name = l->req.normalized = NULL;
	return 0;
}

/* "#egg=name" says what a bare URL is. */
static void name_of_egg(struct ap_dep_line *l)
{
	const char *egg = strstr(l->req.url, "#egg=");
	size_t n;

	if (!egg)
		egg = strstr(l->req.url, "&egg=");
	if (!egg)
		return;
	egg += 5;
	n = strcspn(egg, "&[");
	if (!ap_names_ok(egg, n))
		return;
	l->req.name = ap_xstrndup(egg, n);
	l->req.normalized = ap_name_normalize(egg, n);
}

/* The name of the file at an address or path says it: NAME-VERSION-TAGS.whl, NAME-VERSION.tar.gz. */
void ap_dep_name_of_file(struct ap_dep_line *l, const char *at)
{
	ap_auto_free char *path = ap_xstrndup(at, strcspn(at, "?#"));
	const char *file = strrchr(path, '/') + 1;
	bool is_wheel = ap_dep_archive_kind(file) == AP_DEP_WHEEL;
	const char *dash = is_wheel ? strchr(file, '-') : strrchr(file, '-');
	size_t n = dash ? (size_t)(dash - file) : 0;

	if (!n || ap_dep_archive_kind(file) == AP_DEP_NAMED || !ap_names_ok(file, n))
		return;
	l->req.name = ap_xstrndup(file, n);
	l->req.normalized = ap_name_normalize(file, n);
}

bool ap_dep_has_scheme(const char *text)
{
	size_t n = strcspn(text, ":/ ;@[<>=");

	return n && text[n] == ':' && !ap_starts_with(text + n, ": ") && n > 1;
}

int ap_dep_scan_url(struct ap_dep_scan *s, struct ap_dep_line *l, const char *text)
{
	ap_auto_free char *copy = ap_xstrdup(text);
	const char *marker = cut_marker(copy, true);

	if (side_parts(s, l, NULL, marker) < 0)
		return -1;
	l->req.url = ap_xstrdup(copy);
	if (strpbrk(copy, " \t"))
		return ap_dep_scan_refuse(s, l->where, text, "blank in an address");
	name_of_egg(l);
	if (ap_dep_scan_remote(s, l, text) < 0)
		return -1;
	if (l->kind != AP_DEP_URL || l->req.name)
		return 0;
	ap_dep_name_of_file(l, l->req.url);
	if (!l->req.name)
		return ap_dep_scan_refuse(s, l->where, text,
			"the address does not say which package it is; want NAME @ ADDRESS");
	return 0;
}

static bool looks_like_path(const char *text)
{
	ap_auto_free char *copy = ap_xstrdup(text);
	size_t name = 0;

	cut_marker(copy, false);
	cut_extras(copy);
	while (ap_is_alnum(copy[name]) || (copy[name] && strchr("-_.[], ", copy[name])))
		name++;
	if (copy[name] == '@' && copy[0] != '.')
		return false;
	return copy[0] == '.' || strchr(copy, '/') || ap_dep_archive_kind(copy) != AP_DEP_NAMED;
}

int ap_dep_scan_path(struct ap_dep_scan *s, struct ap_dep_line *l, const char *text)
{
	ap_auto_free char *copy = ap_xstrdup(text);
	const char *marker = cut_marker(copy, false);
	const char *extras = cut_extras(copy);
	ap_auto_free char *full = ap_fs_join(s->r->dir, copy);

	if (side_parts(s, l, extras, marker) < 0 || ap_dep_scan_local(s, l, full, text) < 0)
		return -1;
	ap_dep_scan_include(s, l->path);
	return 0;
}

int ap_dep_scan_text(struct ap_dep_scan *s, struct ap_dep_line *l, const char *text, unsigned flags)
{
	if (ap_dep_is_vcs(text))
		return ap_dep_scan_refuse(s, l->where, text, AP_DEP_VCS_WORD);
	if (ap_dep_has_scheme(text))
		return ap_dep_scan_url(s, l, text);
	if (looks_like_path(text)) {
		if (flags & AP_DEP_MAY_BE_LOCAL)
			return ap_dep_scan_path(s, l, text);
		return ap_dep_scan_refuse(s, l->where, text,
			"want a name and versions; local files go into extra-packages");
	}
	if (ap_requirement_parse(&l->req, text, s->err) < 0)
		return ap_err_wrap(s->err, "%s", l->where);
	if (l->req.url) {
		if (ap_dep_scan_remote(s, l, text) < 0)
			return -1;
		if (l->path && !(flags & AP_DEP_MAY_BE_LOCAL))
			return ap_dep_scan_refuse(
				s, l->where, text, "local files go into extra-packages");
		if (l->path)
			ap_dep_scan_include(s, l->path);
	}
	return 0;
}
