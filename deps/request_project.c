#include "deps/request_priv.h"

#include <stdlib.h>
#include <string.h>

#include "base/fs.h"
#include "base/toml.h"
#include "deps/inputs.h"
#include "deps/uv_lock.h"

/* Does a setup.cfg say what the package is? */
static int setup_cfg(struct ap_dep_scan *s, bool *found)
{
	ap_auto_free char *path = ap_fs_join(s->r->dir, "setup.cfg");
	ap_auto_buf ini = AP_BUF_MAX(AP_DEP_FILE_MAX);

	if (!ap_fs_is_file(path))
		return 0;
	if (ap_fs_read(&ini, path, s->err) < 0)
		return -1;
	*found = strstr(ini.p, "[metadata]") || strstr(ini.p, "[options]");
	return 0;
}

/* A pyproject.toml that only configures tools makes no package. */
static int pyproject(struct ap_dep_scan *s, bool *found, struct ap_strv *unread)
{
	static const char *const keys[] = { "sources", "index", "override-dependencies",
		"constraint-dependencies" };
	ap_auto_free char *path = ap_fs_join(s->r->dir, "pyproject.toml");
	ap_auto_buf text = AP_BUF_MAX(AP_DEP_FILE_MAX);
	ap_auto_json j = NULL;
	const cJSON *project;
	const cJSON *tool;

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
	tool = ap_json_get(j, "tool");
	for (size_t i = 0; i < AP_LEN(keys); i++) {
		if (ap_json_get(ap_json_get(tool, "uv"), keys[i]))
			ap_strv_add(unread, keys[i]);
	}
	*found = project || ap_json_get(j, "build-system");
	if (!*found && setup_cfg(s, found) < 0)
		return -1;
	if (!*found && ap_json_get(tool, "poetry") && !ap_dep_has_file(s->r->dir, "setup.py"))
		ap_strv_add(&s->r->notes,
			"pyproject.toml: [tool.poetry] without [build-system]: neither the project nor "
			"what it depends on is installed");
	return 0;
}

static int locked_constraint(struct ap_dep_scan *s, const struct ap_uv_package *p)
{
	ap_auto_buf text = AP_BUF_INIT;
	struct ap_dep_line *l = ap_dep_scan_add(s, AP_DEP_NAMED, "uv.lock");

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
		return ap_dep_scan_remote(s, l, text.p);
	ap_strv_copy(&l->hashes, &p->hashes);
	return 0;
}

/* A member of the workspace or another local thing: never a name looked up in an index. */
static int locked_local(struct ap_dep_scan *s, const char *dir, const struct ap_uv_package *p)
{
	ap_auto_free char *path = ap_fs_join(dir, p->where);
	struct ap_dep_line *l = ap_dep_scan_add(s, AP_DEP_DIR, "uv.lock");

	l->req.specs = ap_xstrdup("");
	if (ap_dep_scan_local(s, l, path, p->where) < 0)
		return -1;
	ap_dep_scan_include(s, l->path);
	return 0;
}

/* The dependencies of a project that is not installed itself. */
static int virtual_requires(
	struct ap_dep_scan *s, const struct ap_uv_lock *lock, const struct ap_uv_package *p)
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
		l = ap_dep_scan_add(s, AP_DEP_NAMED, "uv.lock");
		l->req = q;
	}
	return 0;
}

static int locked_package(
	struct ap_dep_scan *s, const char *dir, const struct ap_uv_lock *lock, size_t i)
{
	const struct ap_uv_package *p = &lock->v[i];

	switch (p->source) {
	case AP_UV_GIT:
		return ap_dep_scan_refuse(s, "uv.lock", p->where, AP_DEP_VCS_WORD);
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
static int uv_lock_of(struct ap_dep_scan *s, const char *dir, bool *found, bool *is_virtual)
{
	AP_CLEANUP(ap_uv_lock_release) struct ap_uv_lock lock = { 0 };
	ap_auto_free char *path = ap_fs_join(dir, "uv.lock");
	ap_auto_buf text = AP_BUF_MAX(AP_DEP_FILE_MAX * 8);
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
static int uv_lock(struct ap_dep_scan *s, bool *found, bool *is_virtual)
{
	ap_auto_free char *dir = ap_xstrdup(s->r->dir);

	for (int up = 0; up < 8 && !*found && strcmp(dir, "/") != 0; up++) {
		char *parent;

		if (uv_lock_of(s, dir, found, is_virtual) < 0)
			return -1;
		parent = ap_fs_dir_of(dir);
		free(dir);
		dir = parent;
	}
	return 0;
}

int ap_dep_scan_project(struct ap_dep_scan *s)
{
	struct ap_dep_line *l;
	bool found = false;
	bool is_virtual = false;
	bool locked = false;
	ap_auto_strv unread = { 0 };

	if (pyproject(s, &found, &unread) < 0)
		return -1;
	if (ap_dep_has_file(s->r->dir, "setup.py"))
		s->r->project = AP_SETUP_PY;
	else if (found)
		s->r->project = AP_PYPROJECT;
	else
		return 0;
	if (s->r->project == AP_PYPROJECT && uv_lock(s, &locked, &is_virtual) < 0)
		return -1;
	for (size_t i = 0; i < unread.n && !locked; i++)
		ap_strv_addf(&s->r->notes,
			"pyproject.toml: [tool.uv] %s counts by way of a uv.lock only, and there "
			"is none (\"uv lock\" makes it)",
			unread.v[i]);
	if (is_virtual)
		return 0;
	l = ap_dep_scan_add(
		s, AP_DEP_DIR, s->r->project == AP_SETUP_PY ? "setup.py" : "pyproject.toml");
	l->path = ap_xstrdup(s->r->dir);
	l->project = true;
	l->req.specs = ap_xstrdup("");
	return ap_inputs_add_tree(s->r, s->r->dir, s->err);
}
