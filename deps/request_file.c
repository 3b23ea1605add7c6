#include "deps/request_priv.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fs.h"
#include "deps/inputs.h"
#include "deps/names.h"
#include "deps/pip_conf.h"
#include "deps/reqfile.h"

static const char *environment(const char *name)
{
	return getenv(name);
}

static int include(struct ap_dep_scan *s, const char *file, const char *where,
	const struct ap_reqline *q, bool constraint)
{
	ap_auto_free char *dir = ap_fs_dir_of(file);
	ap_auto_free char *joined = NULL;
	ap_auto_free char *path = NULL;

	if (ap_dep_has_scheme(q->value) && !ap_starts_with(q->value, "file:"))
		return ap_dep_scan_refuse(s, where, q->value,
			"a requirements file on the network is not read; want a local file");
	if (ap_starts_with(q->value, "file:")) {
		joined = ap_path_of_file_url(q->value);
		if (!joined)
			return ap_dep_scan_refuse(s, where, q->value, "want file:///PATH");
	} else {
		joined = ap_fs_join(dir, q->value);
	}
	path = ap_path_clean(joined);
	if (ap_fs_is_dir(path))
		return ap_dep_scan_refuse(s, where, q->value, "want a file, found a directory");
	if (!ap_fs_is_file(path))
		return ap_dep_scan_missing(s, where, q->value, path, "no such file");
	ap_dep_scan_include(s, path);
	return ap_dep_scan_file(s, path, where, constraint);
}

/* Relative to the requirements file when it is there, else to the working directory, as pip does. */
static int find_links(struct ap_dep_scan *s, const char *file, const char *where, const char *value)
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
			return ap_dep_scan_refuse(s, where, value, "want file:///PATH");
	} else if (ap_dep_has_scheme(value)) {
		return ap_dep_scan_refuse(
			s, where, value, "want an address with https, http or file, or a path");
	} else if (ap_starts_with(value, "~/") && environment("HOME")) {
		far = ap_fs_join(environment("HOME"), value + 2);
	} else {
		near = ap_fs_join(dir, value);
		far = ap_fs_join(s->r->dir, value);
	}
	path = ap_path_clean(near && access(near, F_OK) == 0 ? near : far);
	ap_strv_add(&s->r->index.find_links, path);
	ap_dep_scan_include(s, path);
	if (ap_fs_is_dir(path))
		return ap_inputs_add_links(s->r, path, s->err);
	if (ap_fs_is_file(path))
		return ap_inputs_add_file(s->r, path, s->err);
	return ap_dep_scan_missing(s, where, value, path, "no such file or directory");
}

static int check_url(struct ap_dep_scan *s, const char *where, const char *url)
{
	if (ap_starts_with(url, "https://") || ap_starts_with(url, "http://") ||
		ap_starts_with(url, "file:"))
		return 0;
	return ap_dep_scan_refuse(
		s, where, url, "want the address of an index: https://HOST/simple");
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

static int constraint_ok(struct ap_dep_scan *s, struct ap_dep_line *l, const char *text)
{
	if (l->kind == AP_DEP_SDIST || l->kind == AP_DEP_DIR)
		return ap_dep_scan_refuse(s, l->where, text,
			"a constraint to a source is not followed; want a name, or a wheel");
	if (!l->req.name && l->path)
		ap_dep_name_of_file(l, l->path);
	if (!l->req.name)
		return ap_dep_scan_refuse(s, l->where, text, "a constraint wants a name");
	if (l->req.extras.n)
		return ap_dep_scan_refuse(s, l->where, text, "a constraint cannot have extras");
	return 0;
}

static int requirement_line(
	struct ap_dep_scan *s, const char *where, const struct ap_reqline *q, bool constraint)
{
	struct ap_dep_line *l = ap_dep_scan_add(s, AP_DEP_NAMED, where);

	l->constraint = constraint;
	ap_strv_copy(&l->hashes, &q->hashes);
	if (ap_dep_scan_text(s, l, q->value, AP_DEP_MAY_BE_LOCAL) < 0)
		return -1;
	return constraint ? constraint_ok(s, l, q->value) : 0;
}

static int editable(struct ap_dep_scan *s, const char *where, const struct ap_reqline *q)
{
	struct ap_dep_line *l = ap_dep_scan_add(s, AP_DEP_DIR, where);

	if (ap_dep_is_vcs(q->value))
		return ap_dep_scan_refuse(s, where, q->value, AP_DEP_VCS_WORD);
	if (ap_dep_has_scheme(q->value) ? ap_dep_scan_url(s, l, q->value) < 0
					: ap_dep_scan_path(s, l, q->value) < 0)
		return -1;
	if (l->kind != AP_DEP_DIR)
		return ap_dep_scan_refuse(s, where, q->value, "-e wants a directory");
	ap_strv_addf(&s->r->notes,
		"%s: -e: installed as it is now, since an image has nothing to edit", where);
	return 0;
}

static int option(
	struct ap_dep_scan *s, const char *file, const char *where, const struct ap_reqline *q)
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
		if (strcmp(q->value, ":none:") != 0)
			ap_strv_addf(&s->r->notes,
				"%s: --no-binary: wheels are taken from an index all the same, but of what "
				"--allow-build names when it has none",
				where);
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
static void note_expanded(struct ap_dep_scan *s, const char *value)
{
	ap_auto_free char *public = ap_dep_scan_shown(value);

	s->any_expanded = true;
	ap_sha256_update(&s->expanded, public, strlen(public) + 1);
}

/* A variable that is not set stays in the line as it is, which is no address and no path. */
static int check_variables(struct ap_dep_scan *s, const char *where, const char *value)
{
	for (const char *at = value; (at = strstr(at, "${")); at += 2) {
		size_t n = strspn(at + 2, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_");

		if (n && at[2 + n] == '}')
			return ap_err_set(s->err, AP_E_INPUT,
				"%s: %.*s is not set in the environment", where, (int)n + 3, at);
	}
	return 0;
}

static int one_line(struct ap_dep_scan *s, const char *file, const char *rel,
	const struct ap_reqline *q, bool constraint)
{
	ap_auto_free char *where = ap_xasprintf("%s:%u", rel, q->line);

	if (check_variables(s, where, q->value) < 0)
		return -1;
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

static int all_lines(struct ap_dep_scan *s, const char *path, const char *rel, bool constraint)
{
	AP_CLEANUP(ap_reqfile_release) struct ap_reqfile f = { 0 };
	ap_auto_buf text = AP_BUF_MAX(AP_DEP_FILE_MAX);

	if (ap_fs_read(&text, path, s->err) < 0 ||
		ap_reqfile_parse(&f, rel, text.p, text.len, environment, s->err) < 0)
		return -1;
	for (size_t i = 0; i < f.n; i++) {
		if (one_line(s, path, rel, &f.v[i], constraint) < 0)
			return -1;
	}
	return 0;
}

int ap_dep_scan_file(struct ap_dep_scan *s, const char *path, const char *from, bool constraint)
{
	ap_auto_free char *rel = ap_path_relative(s->r->dir, path);
	int rc;

	for (unsigned i = 0; i < s->depth; i++) {
		if (strcmp(s->open[i], path) == 0)
			return ap_err_set(s->err, AP_E_INPUT, "%s: %s includes itself", from, rel);
	}
	if (s->depth == AP_DEP_MAX_INCLUDES)
		return ap_err_set(s->err, AP_E_INPUT, "%s: %s: included more than %d files deep",
			from, rel, AP_DEP_MAX_INCLUDES);
	if (ap_inputs_add_file(s->r, path, s->err) < 0)
		return -1;
	s->open[s->depth++] = path;
	rc = all_lines(s, path, rel, constraint);
	s->depth--;
	return rc;
}

/* What the environment and pip.conf limit, when there is something to install. */
int ap_dep_scan_ambient(struct ap_dep_scan *s)
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

		if (ap_dep_has_scheme(found.v[i + 1]))
			return ap_dep_scan_refuse(s, where, found.v[i + 1],
				"a file on the network is not read; want a local file");
		path = ap_path_clean(found.v[i + 1]);
		if (strcmp(path, "/dev/null") == 0)
			continue;
		if (!ap_fs_is_file(path))
			return ap_dep_scan_missing(s, where, found.v[i + 1], path, "no such file");
		if (ap_dep_scan_file(s, path, where, true) < 0)
			return -1;
	}
	return 0;
}
