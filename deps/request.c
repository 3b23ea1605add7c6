#include "deps/request.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/toml.h"
#include "deps/inputs.h"
#include "deps/pip_conf.h"
#include "deps/names.h"
#include "deps/reqfile.h"
#include "deps/uv_lock.h"

#define MAX_REQFILE  (4u << 20)
#define MAX_INCLUDES 32 /* deep */

struct scan {
	struct ap_dep_request *r;
	const char *open[MAX_INCLUDES]; /* files being read, outermost first */
	unsigned depth;
	struct ap_sha256 expanded; /* of lines in which a variable was replaced */
	bool any_expanded;
	struct ap_err *err;
};

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

static bool has_file(const char *dir, const char *name)
{
	ap_auto_free char *path = ap_fs_join(dir, name);

	return ap_fs_is_file(path);
}

bool ap_dep_is_project(const char *dir)
{
	return has_file(dir, "setup.py") || has_file(dir, "pyproject.toml");
}

static struct ap_dep_line *add_line(struct scan *s, enum ap_dep_kind kind, const char *where)
{
	struct ap_dep_line *l;

	AP_GROW(s->r->lines, s->r->n_lines, s->r->cap_lines);
	l = &s->r->lines[s->r->n_lines++];
	*l = (struct ap_dep_line){ .kind = kind };
	l->where = ap_xstrdup(where);
	return l;
}

static void note_include(struct scan *s, const char *path)
{
	ap_auto_free char *rel = ap_path_relative(s->r->dir, path);

	if (!ap_starts_with(rel, "../") && strcmp(rel, "..") != 0 &&
		strcmp(rel, "requirements.txt") != 0 && !ap_strv_has(&s->r->includes, rel))
		ap_strv_add(&s->r->includes, rel);
}

/* A value as the message shows it: printable, without user:password@ and query. */
static char *shown(const char *text)
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

static int refuse(struct scan *s, const char *where, const char *text, const char *why)
{
	ap_auto_free char *t = shown(text);

	return ap_err_set(s->err, AP_E_INPUT, "%s: \"%s\": %s", where, t, why);
}

static int not_there(
	struct scan *s, const char *where, const char *text, const char *path, const char *why)
{
	(void)!refuse(s, where, text, why);
	return ap_fs_suggest(s->err, path);
}

static bool is_vcs(const char *text)
{
	static const char *const schemes[] = { "git+", "hg+", "svn+", "bzr+" };

	for (size_t i = 0; i < AP_LEN(schemes); i++) {
		if (ap_starts_with(text, schemes[i]))
			return true;
	}
	return false;
}

#define VCS_WORD                                                                           \
	"a version control address cannot be built here; build a wheel of it (pip wheel) " \
	"and give that with extra-packages"

/* ---- local things ---- */

static int local_dir(struct scan *s, struct ap_dep_line *l, const char *text)
{
	if (!ap_dep_is_project(l->path))
		return refuse(s, l->where, text,
			"a directory without setup.py or pyproject.toml cannot be installed");
	l->kind = AP_DEP_DIR;
	l->project = strcmp(l->path, s->r->dir) == 0;
	return ap_inputs_add_tree(s->r, l->path, s->err);
}

/* path: absolute; what it is decides the kind. */
static int local(struct scan *s, struct ap_dep_line *l, const char *path, const char *text)
{
	struct stat st;

	free(l->path);
	l->path = ap_path_clean(path);
	if (stat(l->path, &st) < 0)
		return errno == ENOENT || errno == ENOTDIR
			       ? not_there(s, l->where, text, l->path, "no such file or directory")
			       : ap_err_sys(s->err, "%s: %s", l->where, l->path);
	if (S_ISDIR(st.st_mode))
		return local_dir(s, l, text);
	l->kind = ap_dep_archive_kind(l->path);
	if (l->kind == AP_DEP_NAMED)
		return refuse(s, l->where, text,
			"want a wheel (.whl), a source distribution (.tar.gz, .zip) or a directory");
	return ap_inputs_add_file(s->r, l->path, s->err);
}

/* `l->req.url` decides what kind of line it is. */
static int remote(struct scan *s, struct ap_dep_line *l, const char *text)
{
	const char *url = l->req.url;
	ap_auto_free char *path = NULL;

	l->kind = AP_DEP_URL;
	if (is_vcs(url))
		return refuse(s, l->where, text, VCS_WORD);
	if (ap_starts_with(url, "file:")) {
		path = ap_path_of_file_url(url);
		if (!path)
			return refuse(s, l->where, text, "want file:///PATH");
		return local(s, l, path, text);
	}
	if (!ap_starts_with(url, "https://") && !ap_starts_with(url, "http://"))
		return refuse(s, l->where, text, "want an address with https, http or file");
	return 0;
}

/* ---- one requirement ---- */

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
static int side_parts(struct scan *s, struct ap_dep_line *l, const char *extras, const char *marker)
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
static void name_of_file(struct ap_dep_line *l, const char *at)
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

static bool has_scheme(const char *text)
{
	size_t n = strcspn(text, ":/ ;@[<>=");

	return n && text[n] == ':' && !ap_starts_with(text + n, ": ") && n > 1;
}

static int bare_url(struct scan *s, struct ap_dep_line *l, const char *text)
{
	ap_auto_free char *copy = ap_xstrdup(text);
	const char *marker = cut_marker(copy, true);

	if (side_parts(s, l, NULL, marker) < 0)
		return -1;
	l->req.url = ap_xstrdup(copy);
	if (strpbrk(copy, " \t"))
		return refuse(s, l->where, text, "blank in an address");
	name_of_egg(l);
	if (remote(s, l, text) < 0)
		return -1;
	if (l->kind != AP_DEP_URL || l->req.name)
		return 0;
	name_of_file(l, l->req.url);
	if (!l->req.name)
		return refuse(s, l->where, text,
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

static int path_line(struct scan *s, struct ap_dep_line *l, const char *text)
{
	ap_auto_free char *copy = ap_xstrdup(text);
	const char *marker = cut_marker(copy, false);
	const char *extras = cut_extras(copy);
	ap_auto_free char *full = ap_fs_join(s->r->dir, copy);

	if (side_parts(s, l, extras, marker) < 0 || local(s, l, full, text) < 0)
		return -1;
	note_include(s, l->path);
	return 0;
}

enum { MAY_BE_LOCAL = 1 << 0 };

static int requirement(struct scan *s, struct ap_dep_line *l, const char *text, unsigned flags)
{
	if (is_vcs(text))
		return refuse(s, l->where, text, VCS_WORD);
	if (has_scheme(text))
		return bare_url(s, l, text);
	if (looks_like_path(text)) {
		if (flags & MAY_BE_LOCAL)
			return path_line(s, l, text);
		return refuse(s, l->where, text,
			"want a name and versions; local files go into extra-packages");
	}
	if (ap_requirement_parse(&l->req, text, s->err) < 0)
		return ap_err_wrap(s->err, "%s", l->where);
	if (l->req.url) {
		if (remote(s, l, text) < 0)
			return -1;
		if (l->path && !(flags & MAY_BE_LOCAL))
			return refuse(s, l->where, text, "local files go into extra-packages");
		if (l->path)
			note_include(s, l->path);
	}
	return 0;
}

/* ---- requirements files ---- */

static int read_file(struct scan *s, const char *path, const char *from, bool constraint);

static const char *environment(const char *name)
{
	return getenv(name);
}

static int include(struct scan *s, const char *file, const char *where, const struct ap_reqline *q,
	bool constraint)
{
	ap_auto_free char *dir = ap_fs_dir_of(file);
	ap_auto_free char *joined = NULL;
	ap_auto_free char *path = NULL;

	if (has_scheme(q->value) && !ap_starts_with(q->value, "file:"))
		return refuse(s, where, q->value,
			"a requirements file on the network is not read; want a local file");
	if (ap_starts_with(q->value, "file:")) {
		joined = ap_path_of_file_url(q->value);
		if (!joined)
			return refuse(s, where, q->value, "want file:///PATH");
	} else {
		joined = ap_fs_join(dir, q->value);
	}
	path = ap_path_clean(joined);
	if (ap_fs_is_dir(path))
		return refuse(s, where, q->value, "want a file, found a directory");
	if (!ap_fs_is_file(path))
		return not_there(s, where, q->value, path, "no such file");
	note_include(s, path);
	return read_file(s, path, where, constraint);
}

/* Relative to the requirements file when it is there, else to the working directory, as pip does. */
static int find_links(struct scan *s, const char *file, const char *where, const char *value)
{
	ap_auto_free char *dir = ap_fs_dir_of(file);
	ap_auto_free char *near = NULL;
	ap_auto_free char *far = NULL;
	ap_auto_free char *path = NULL;

	if (ap_starts_with(value, "https://") || ap_starts_with(value, "http://")) {
		ap_strv_add(&s->r->index.find_links, value);
		return 0;
	}
	if (ap_starts_with(value, "file:")) {
		far = ap_path_of_file_url(value);
		if (!far)
			return refuse(s, where, value, "want file:///PATH");
	} else if (has_scheme(value)) {
		return refuse(
			s, where, value, "want an address with https, http or file, or a path");
	} else if (ap_starts_with(value, "~/") && environment("HOME")) {
		far = ap_fs_join(environment("HOME"), value + 2);
	} else {
		near = ap_fs_join(dir, value);
		far = ap_fs_join(s->r->dir, value);
	}
	path = ap_path_clean(near && access(near, F_OK) == 0 ? near : far);
	ap_strv_add(&s->r->index.find_links, path);
	note_include(s, path);
	if (ap_fs_is_dir(path))
		return ap_inputs_add_links(s->r, path, s->err);
	if (ap_fs_is_file(path))
		return ap_inputs_add_file(s->r, path, s->err);
	return not_there(s, where, value, path, "no such file or directory");
}

static int check_url(struct scan *s, const char *where, const char *url)
{
	if (ap_starts_with(url, "https://") || ap_starts_with(url, "http://") ||
		ap_starts_with(url, "file:"))
		return 0;
	return refuse(s, where, url, "want the address of an index: https://HOST/simple");
}

static void add_names(struct ap_strv *to, const char *value)
{
	struct ap_str rest = ap_str(value);
	struct ap_str part;

	while (ap_str_next(&rest, ',', &part)) {
		part = ap_str_trim(part);
		if (part.n && part.p[0] == ':')
			ap_strv_add_n(to, part.p, part.n);
		else if (part.n)
			ap_strv_own(to, ap_name_normalize(part.p, part.n));
	}
}

static int constraint_ok(struct scan *s, struct ap_dep_line *l, const char *text)
{
	if (l->kind == AP_DEP_SDIST || l->kind == AP_DEP_DIR)
		return refuse(s, l->where, text,
			"a constraint to a source is not followed; want a name, or a wheel");
	if (!l->req.name && l->path)
		name_of_file(l, l->path);
	if (!l->req.name)
		return refuse(s, l->where, text, "a constraint wants a name");
	if (l->req.extras.n)
		return refuse(s, l->where, text, "a constraint cannot have extras");
	return 0;
}

static int requirement_line(
	struct scan *s, const char *where, const struct ap_reqline *q, bool constraint)
{
	struct ap_dep_line *l = add_line(s, AP_DEP_NAMED, where);

	l->constraint = constraint;
	ap_strv_copy(&l->hashes, &q->hashes);
	if (requirement(s, l, q->value, MAY_BE_LOCAL) < 0)
		return -1;
	return constraint ? constraint_ok(s, l, q->value) : 0;
}

static int editable(struct scan *s, const char *where, const struct ap_reqline *q)
{
	struct ap_dep_line *l = add_line(s, AP_DEP_DIR, where);

	if (is_vcs(q->value))
		return refuse(s, where, q->value, VCS_WORD);
	if (has_scheme(q->value) ? bare_url(s, l, q->value) < 0 : path_line(s, l, q->value) < 0)
		return -1;
	if (l->kind != AP_DEP_DIR)
		return refuse(s, where, q->value, "-e wants a directory");
	ap_strv_addf(&s->r->notes,
		"%s: -e: installed as it is now, since an image has nothing to edit", where);
	return 0;
}

static int option(struct scan *s, const char *file, const char *where, const struct ap_reqline *q)
{
	struct ap_dep_index *x = &s->r->index;

	switch (q->kind) {
	case AP_REQ_INDEX:
		free(x->index_url);
		x->index_url = ap_xstrdup(q->value);
		return check_url(s, where, q->value);
	case AP_REQ_EXTRA_INDEX:
		if (!ap_strv_has(&x->extra_index_urls, q->value))
			ap_strv_add(&x->extra_index_urls, q->value);
		return check_url(s, where, q->value);
	case AP_REQ_NO_INDEX:
		x->no_index = true;
		return 0;
	case AP_REQ_FIND_LINKS:
		return find_links(s, file, where, q->value);
	case AP_REQ_NO_BINARY:
		add_names(&x->no_binary, q->value);
		return 0;
	case AP_REQ_ONLY_BINARY:
		add_names(&x->only_binary, q->value);
		return 0;
	case AP_REQ_REQUIRE_HASHES:
		x->require_hashes = true;
		return 0;
	case AP_REQ_PRE:
		x->pre = true;
		return 0;
	case AP_REQ_TRUSTED_HOST:
		ap_strv_add(&x->trusted_hosts, q->value);
		return 0;
	default:
		ap_strv_addf(&s->r->notes, "%s: without effect here: %s", where,
			q->kind == AP_REQ_FEATURE ? "--use-feature" : "--prefer-binary");
		return 0;
	}
}

/* What a variable held is an input too; what looks like a secret in it is not. */
static void note_expanded(struct scan *s, const char *value)
{
	ap_auto_free char *public = shown(value);

	s->any_expanded = true;
	ap_sha256_update(&s->expanded, public, strlen(public) + 1);
}

static int one_line(struct scan *s, const char *file, const char *rel, const struct ap_reqline *q,
	bool constraint)
{
	ap_auto_free char *where = ap_xasprintf("%s:%u", rel, q->line);

	if (q->expanded)
		note_expanded(s, q->value);
	switch (q->kind) {
	case AP_REQ_TEXT:
		return requirement_line(s, where, q, constraint);
	case AP_REQ_EDITABLE:
		return editable(s, where, q);
	case AP_REQ_INCLUDE:
		return include(s, file, where, q, constraint);
	case AP_REQ_CONSTRAIN:
		return include(s, file, where, q, true);
	default:
		return option(s, file, where, q);
	}
}

static int all_lines(struct scan *s, const char *path, const char *rel, bool constraint)
{
	AP_CLEANUP(ap_reqfile_release) struct ap_reqfile f = { 0 };
	ap_auto_buf text = AP_BUF_MAX(MAX_REQFILE);

	if (ap_fs_read(&text, path, s->err) < 0 ||
		ap_reqfile_parse(&f, rel, text.p, text.len, environment, s->err) < 0)
		return -1;
	for (size_t i = 0; i < f.n; i++) {
		if (one_line(s, path, rel, &f.v[i], constraint) < 0)
			return -1;
	}
	return 0;
}

static int read_file(struct scan *s, const char *path, const char *from, bool constraint)
{
	ap_auto_free char *rel = ap_path_relative(s->r->dir, path);
	int rc;

	for (unsigned i = 0; i < s->depth; i++) {
		if (strcmp(s->open[i], path) == 0)
			return ap_err_set(s->err, AP_E_INPUT, "%s: %s includes itself", from, rel);
	}
	if (s->depth == MAX_INCLUDES)
		return ap_err_set(s->err, AP_E_INPUT, "%s: %s: included more than %d files deep",
			from, rel, MAX_INCLUDES);
	if (ap_inputs_add_file(s->r, path, s->err) < 0)
		return -1;
	s->open[s->depth++] = path;
	rc = all_lines(s, path, rel, constraint);
	s->depth--;
	return rc;
}

/* ---- the working directory's own project ---- */

/* A pyproject.toml that only configures tools makes no package. */
static int pyproject(struct scan *s, bool *found)
{
	ap_auto_free char *path = ap_fs_join(s->r->dir, "pyproject.toml");
	ap_auto_buf text = AP_BUF_MAX(MAX_REQFILE);
	ap_auto_json j = NULL;
	const cJSON *project;

	if (!ap_fs_is_file(path))
		return 0;
	if (ap_fs_read(&text, path, s->err) < 0)
		return -1;
	if (ap_toml_parse(&j, text.p, text.len, s->err) < 0)
		return ap_err_wrap(s->err, "pyproject.toml");
	project = ap_json_get(j, "project");
	if (project && !ap_json_str(project, "name"))
		return ap_err_set(s->err, AP_E_INPUT,
			"pyproject.toml: [project]: want name = \"...\", found %s",
			ap_json_type(ap_json_get(project, "name")));
	*found = project || ap_json_get(j, "build-system");
	if (!*found && has_file(s->r->dir, "setup.cfg")) {
		ap_auto_free char *cfg = ap_fs_join(s->r->dir, "setup.cfg");
		ap_auto_buf ini = AP_BUF_MAX(MAX_REQFILE);

		if (ap_fs_read(&ini, cfg, s->err) < 0)
			return -1;
		*found = strstr(ini.p, "[metadata]") || strstr(ini.p, "[options]");
	}
	return 0;
}

static int locked_constraint(struct scan *s, const struct ap_uv_package *p)
{
	ap_auto_buf text = AP_BUF_INIT;
	struct ap_dep_line *l = add_line(s, AP_DEP_NAMED, "uv.lock");

	l->constraint = true;
	l->locked = true;
	if (p->source == AP_UV_URL)
		ap_buf_addf(&text, "%s @ %s", p->name, p->where);
	else
		ap_buf_addf(&text, "%s==%s", p->name, p->version ? p->version : "");
	if (p->marker)
		ap_buf_addf(&text, " ; %s", p->marker);
	if (ap_requirement_parse(&l->req, text.p, s->err) < 0)
		return ap_err_wrap(s->err, "uv.lock");
	if (l->req.url)
		return remote(s, l, text.p);
	ap_strv_copy(&l->hashes, &p->hashes);
	return 0;
}

/* A member of the workspace or another local thing: never a name looked up in an index. */
static int locked_local(struct scan *s, const char *dir, const struct ap_uv_package *p)
{
	ap_auto_free char *path = ap_fs_join(dir, p->where);
	struct ap_dep_line *l = add_line(s, AP_DEP_DIR, "uv.lock");

	l->req.specs = ap_xstrdup("");
	if (local(s, l, path, p->where) < 0)
		return -1;
	note_include(s, l->path);
	return 0;
}

/* The dependencies of a project that is not installed itself. */
static int virtual_requires(
	struct scan *s, const struct ap_uv_lock *lock, const struct ap_uv_package *p)
{
	for (size_t i = 0; i < p->requires.n; i++) {
		struct ap_requirement q = { 0 };
		struct ap_dep_line *l;
		bool here = false;

		if (ap_requirement_parse(&q, p->requires.v[i], s->err) < 0)
			return ap_err_wrap(s->err, "uv.lock");
		for (size_t k = 0; k < lock->n; k++)
			here = here || (lock->v[k].source >= AP_UV_FILE &&
					       strcmp(lock->v[k].name, q.normalized) == 0);
		if (here || (q.marker && strstr(q.marker, "extra"))) {
			ap_requirement_release(&q);
			continue;
		}
		l = add_line(s, AP_DEP_NAMED, "uv.lock");
		l->req = q;
	}
	return 0;
}

static int locked_package(struct scan *s, const char *dir, const struct ap_uv_lock *lock, size_t i)
{
	const struct ap_uv_package *p = &lock->v[i];

	switch (p->source) {
	case AP_UV_GIT:
		return refuse(s, "uv.lock", p->where, VCS_WORD);
	case AP_UV_FILE:
	case AP_UV_DIR:
		return locked_local(s, dir, p);
	case AP_UV_VIRTUAL:
		return virtual_requires(s, lock, p);
	default:
		return locked_constraint(s, p);
	}
}

/* The package of the lock that lies in the working directory; SIZE_MAX: none. */
static size_t lock_root(const struct ap_uv_lock *lock, const char *dir, const char *want)
{
	for (size_t i = 0; i < lock->n; i++) {
		ap_auto_free char *joined = NULL;
		ap_auto_free char *path = NULL;

		if (lock->v[i].source != AP_UV_DIR && lock->v[i].source != AP_UV_VIRTUAL)
			continue;
		joined = ap_fs_join(dir, lock->v[i].where);
		path = ap_path_clean(joined);
		if (strcmp(path, want) == 0)
			return i;
	}
	return SIZE_MAX;
}

/* Read the uv.lock of `dir`, if it knows the working directory.  *found: it does. */
static int uv_lock_of(struct scan *s, const char *dir, bool *found, bool *is_virtual)
{
	AP_CLEANUP(ap_uv_lock_release) struct ap_uv_lock lock = { 0 };
	ap_auto_free char *path = ap_fs_join(dir, "uv.lock");
	ap_auto_buf text = AP_BUF_MAX(MAX_REQFILE * 8);
	size_t root;

	if (!ap_fs_is_file(path))
		return 0;
	if (ap_fs_read(&text, path, s->err) < 0 ||
		ap_uv_lock_parse(&lock, text.p, text.len, s->err) < 0)
		return ap_err_wrap(s->err, "uv.lock");
	root = lock_root(&lock, dir, s->r->dir);
	if (root == SIZE_MAX)
		return 0;
	*found = true;
	*is_virtual = lock.v[root].source == AP_UV_VIRTUAL;
	ap_uv_lock_reach(&lock, root);
	for (size_t i = 0; i < lock.n; i++) {
		if (lock.v[i].reached && (i != root || *is_virtual) &&
			locked_package(s, dir, &lock, i) < 0)
			return -1;
	}
	return ap_inputs_add_file(s->r, path, s->err);
}

/* In the working directory, or above it when that is a member of a workspace. */
static int uv_lock(struct scan *s, bool *is_virtual)
{
	ap_auto_free char *dir = ap_xstrdup(s->r->dir);
	bool found = false;

	for (int up = 0; up < 8 && !found && strcmp(dir, "/") != 0; up++) {
		char *parent;

		if (uv_lock_of(s, dir, &found, is_virtual) < 0)
			return -1;
		parent = ap_fs_dir_of(dir);
		free(dir);
		dir = parent;
	}
	return 0;
}

static int project(struct scan *s)
{
	struct ap_dep_line *l;
	bool found = false;
	bool is_virtual = false;

	if (pyproject(s, &found) < 0)
		return -1;
	if (has_file(s->r->dir, "setup.py"))
		s->r->project = AP_SETUP_PY;
	else if (found)
		s->r->project = AP_PYPROJECT;
	else
		return 0;
	if (s->r->project == AP_PYPROJECT && uv_lock(s, &is_virtual) < 0)
		return -1;
	if (is_virtual)
		return 0;
	l = add_line(s, AP_DEP_DIR, s->r->project == AP_SETUP_PY ? "setup.py" : "pyproject.toml");
	l->path = ap_xstrdup(s->r->dir);
	l->project = true;
	l->req.specs = ap_xstrdup("");
	return ap_inputs_add_tree(s->r, s->r->dir, s->err);
}

/* ---- the rest of the request ---- */

static int one_package(struct scan *s, const char *given)
{
	struct ap_dep_line *l = add_line(s, AP_DEP_NAMED, "extra-packages");
	ap_auto_free char *joined = ap_fs_join(s->r->dir, given);
	ap_auto_free char *real = NULL;
	size_t n = strlen(s->r->dir);

	if (!*given)
		return ap_err_set(s->err, AP_E_INPUT, "extra-packages: empty element");
	l->user_package = true;
	l->req.specs = ap_xstrdup("");
	real = realpath(joined, NULL);
	if (!real)
		return not_there(s, l->where, given, joined, "no such file or directory");
	if (strcmp(s->r->dir, "/") != 0 &&
		(strncmp(real, s->r->dir, n) != 0 || (real[n] && real[n] != '/')))
		return refuse(s, l->where, given, "must lie in the working directory");
	return local(s, l, joined, given);
}

static int one_requirement(struct scan *s, const char *text)
{
	struct ap_dep_line *l = add_line(s, AP_DEP_NAMED, "requirements");
	struct ap_str t = ap_str_trim(ap_str(text));
	ap_auto_free char *trimmed = ap_xstrndup(t.p, t.n);

	l->upgrade = true;
	if (!*trimmed)
		return ap_err_set(s->err, AP_E_INPUT, "requirements: empty element");
	if (*trimmed == '-')
		return refuse(s, l->where, trimmed, "an option is not a requirement");
	return requirement(s, l, trimmed, 0);
}

static int lock_file(struct scan *s, const char *path)
{
	const char *slash = strrchr(path, '/');
	ap_auto_free char *name = ap_xasprintf("lock:%s", slash ? slash + 1 : path);
	ap_auto_buf text = AP_BUF_MAX(MAX_REQFILE * 8);
	ap_auto_json j = NULL;
	struct ap_digest d;

	if (!ap_fs_is_file(path))
		return not_there(s, "lock", path, path, "no such file");
	if (ap_fs_read(&text, path, s->err) < 0)
		return -1;
	if (ap_toml_parse(&j, text.p, text.len, s->err) < 0)
		return ap_err_wrap(s->err, "lock: %s", path);
	s->r->lock_file = ap_xstrdup(path);
	ap_sha256_of(&d, text.p, text.len);
	ap_inputs_add_digest(s->r, name, &d);
	return 0;
}

/* What the environment and pip.conf limit, when there is something to install. */
static int ambient_constraints(struct scan *s)
{
	ap_auto_strv found = { 0 };
	bool any = false;

	for (size_t i = 0; i < s->r->n_lines; i++)
		any = any || !s->r->lines[i].constraint;
	if (!any)
		return 0;
	ap_pip_constraints(&found, environment);
	for (size_t i = 0; i < found.n; i += 2) {
		const char *where = found.v[i];
		ap_auto_free char *path = NULL;

		if (has_scheme(found.v[i + 1]))
			return refuse(s, where, found.v[i + 1],
				"a file on the network is not read; want a local file");
		path = ap_path_clean(found.v[i + 1]);
		if (strcmp(path, "/dev/null") == 0)
			continue;
		if (!ap_fs_is_file(path))
			return not_there(s, where, found.v[i + 1], path, "no such file");
		if (read_file(s, path, where, true) < 0)
			return -1;
	}
	return 0;
}

static int scan_all(struct scan *s, const struct ap_strv *requirements,
	const struct ap_strv *packages, const char *lock)
{
	ap_auto_free char *txt = ap_fs_join(s->r->dir, "requirements.txt");

	if (project(s) < 0)
		return -1;
	/* gcloud passes over a directory of that name. */
	if (ap_fs_is_file(txt)) {
		s->r->has_requirements_txt = true;
		if (read_file(s, txt, "requirements.txt", false) < 0)
			return -1;
	}
	for (size_t i = 0; packages && i < packages->n; i++) {
		if (one_package(s, packages->v[i]) < 0)
			return -1;
		ap_strv_add(&s->r->packages, packages->v[i]);
	}
	for (size_t i = 0; requirements && i < requirements->n; i++) {
		if (one_requirement(s, requirements->v[i]) < 0)
			return -1;
		ap_strv_add(&s->r->requirements, requirements->v[i]);
	}
	return lock ? lock_file(s, lock) : ambient_constraints(s);
}

static void finish(struct scan *s)
{
	struct ap_digest d;

	if (s->any_expanded) {
		ap_sha256_final(&s->expanded, &d);
		ap_inputs_add_digest(s->r, "requirements.txt:variables", &d);
	}
	for (size_t i = 0; i < s->r->n_lines; i++) {
		s->r->any = s->r->any || !s->r->lines[i].constraint;
		s->r->index.require_hashes =
			s->r->index.require_hashes ||
			(s->r->lines[i].hashes.n > 0 && !s->r->lines[i].locked);
	}
	s->r->any = s->r->any || s->r->lock_file;
	ap_inputs_sort(s->r);
	ap_strv_sort(&s->r->includes);
}

int ap_dep_request_read(struct ap_dep_request *out, const char *dir,
	const struct ap_strv *requirements, const struct ap_strv *packages, const char *lock,
	const struct ap_strv *outputs, struct ap_err *err)
{
	AP_CLEANUP(ap_dep_request_release) struct ap_dep_request r = { 0 };
	struct scan s = { .r = &r, .err = err };
	int rc;

	r.dir = realpath(dir, NULL);
	if (!r.dir)
		return ap_err_sys(err, "%s", dir);
	if (outputs)
		ap_strv_copy(&r.outputs, outputs);
	ap_sha256_init(&s.expanded);
	rc = scan_all(&s, requirements, packages, lock);
	if (rc == 0)
		finish(&s);
	ap_sha256_release(&s.expanded);
	if (rc < 0)
		return -1;
	*out = r;
	r = (struct ap_dep_request){ 0 };
	return 0;
}

void ap_dep_line_release(struct ap_dep_line *l)
{
	ap_requirement_release(&l->req);
	free(l->path);
	ap_strv_release(&l->hashes);
	free(l->where);
}

void ap_dep_request_release(struct ap_dep_request *r)
{
	free(r->dir);
	ap_strv_release(&r->requirements);
	ap_strv_release(&r->packages);
	for (size_t i = 0; i < r->n_files; i++)
		free(r->files[i].path);
	free(r->files);
	ap_strv_release(&r->includes);
	free(r->lock_file);
	for (size_t i = 0; i < r->n_lines; i++)
		ap_dep_line_release(&r->lines[i]);
	free(r->lines);
	free(r->index.index_url);
	ap_strv_release(&r->index.extra_index_urls);
	ap_strv_release(&r->index.find_links);
	ap_strv_release(&r->index.trusted_hosts);
	ap_strv_release(&r->index.no_binary);
	ap_strv_release(&r->index.only_binary);
	ap_strv_release(&r->notes);
	ap_strv_release(&r->outputs);
	*r = (struct ap_dep_request){ 0 };
}
