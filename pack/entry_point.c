#include "pack/entry_point.h"

#include <stdlib.h>
#include <string.h>

#include "base/fs.h"

static const char *shown(const char *given)
{
	return given && *given ? given : ".";
}

/* gcloud takes the directory as Python's os.path.dirname() does: without the slashes at its end. */
static char *dirname_as_given(const char *path)
{
	const char *slash = strrchr(path, '/');
	size_t n = slash ? (size_t)(slash - path) : 0;

	while (n && path[n - 1] == '/')
		n--;
	return n ? ap_xstrndup(path, n) : ap_xstrdup(".");
}

static char *parent_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	return ap_xstrndup(path, slash ? (size_t)(slash - path) : 0);
}

/* As Python's os.path.splitext(): dots at the beginning of a name do not count. */
static bool has_py_suffix(const char *path)
{
	const char *slash = strrchr(path, '/');
	const char *name = slash ? slash + 1 : path;
	const char *dot;

	name += strspn(name, ".");
	dot = strrchr(name, '.');
	return dot && strcmp(dot, ".py") == 0;
}

static int script_not_there(const char *script, const char *given, struct ap_err *err)
{
	const char *blank = strchr(script, ' ');

	ap_err_clear(err);
	(void)!ap_err_set(err, AP_E_INPUT,
		"script \"%s\": no such file in the working directory \"%s\"%s", script,
		shown(given), blank ? "; arguments go into --args, not behind the name" : "");
	return blank ? -1 : ap_fs_suggest_in(err, shown(given), script);
}

static int find_script(struct ap_entry_point *e, const struct ap_local_root *root,
	const char *given, const char *script, struct ap_err *err)
{
	ap_auto_free char *real = NULL;
	enum ap_local_kind kind;

	if (ap_local_path(&e->script, root, given, script, err) < 0)
		return ap_err_wrap(err, "script");
	if (ap_local_resolve(&real, root, e->script, err) < 0)
		return err->code == AP_E_NOT_FOUND ? script_not_there(script, given, err)
						   : ap_err_wrap(err, "script");
	kind = ap_local_kind(root, real);
	if (kind != AP_LOCAL_FILE || ap_ends_with(script, "/"))
		return ap_err_set(err, AP_E_INPUT, "script \"%s\": %s, wanted a file", script,
			kind == AP_LOCAL_DIR ? "is a directory" : "is not a regular file");
	e->runs_python = has_py_suffix(script);
	ap_strv_add(&e->argv, e->runs_python ? "python" : "/bin/bash");
	/* An absolute path means nothing in the image. */
	ap_strv_add(&e->argv, script[0] == '/' ? e->script : script);
	e->dir = parent_of(e->script);
	e->dir_as_given = dirname_as_given(e->argv.v[1]);
	return 0;
}

static bool is_identifier(struct ap_str s)
{
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];

		if (!ap_is_alnum(c) && c != '_' && !((unsigned char)c & 0x80))
			return false;
	}
	return s.n && !ap_is_digit(s.p[0]);
}

static int check_module_name(const char *module, struct ap_err *err)
{
	struct ap_str rest = ap_str(module);
	struct ap_str part;

	if (strchr(module, '/'))
		return ap_err_set(err, AP_E_INPUT,
			"python-module \"%s\": wanted names with dots between, like trainer.task, found a \"/\"; for a file use script=",
			module);
	while (ap_str_next(&rest, '.', &part)) {
		if (!is_identifier(part))
			return ap_err_set(err, AP_E_INPUT,
				"python-module \"%s\": wanted names with dots between, like trainer.task",
				module);
	}
	return 0;
}

static char *dots_to_slashes(const char *prefix, const char *module)
{
	char *path = ap_xasprintf("%s%s", prefix, module);

	for (char *p = path; *p; p++) {
		if (*p == '.')
			*p = '/';
	}
	return path;
}

enum found { NOT_FOUND, FOUND, PACKAGE_WITHOUT_MAIN };

static bool is_file(const struct ap_local_root *root, const char *path)
{
	ap_auto_free char *real = NULL;
	struct ap_err err = AP_ERR_INIT;

	if (ap_local_resolve(&real, root, path, &err) < 0) {
		ap_err_clear(&err);
		return false;
	}
	return ap_local_kind(root, real) == AP_LOCAL_FILE;
}

/* Compiled modules: NAME.so, NAME.cpython-311-x86_64-linux-gnu.so, NAME.abi3.so. */
static bool has_extension(const struct ap_local_root *root, const char *path)
{
	ap_auto_free char *dir = parent_of(path);
	ap_auto_free char *real = NULL;
	ap_auto_strv names = { 0 };
	struct ap_err err = AP_ERR_INIT;
	const char *slash = strrchr(path, '/');
	ap_auto_free char *start = ap_xasprintf("%s.", slash ? slash + 1 : path);

	if (ap_local_resolve(&real, root, dir, &err) < 0 ||
		ap_local_list(&names, root, real, &err) < 0) {
		ap_err_clear(&err);
		return false;
	}
	for (size_t i = 0; i < names.n; i++) {
		if (ap_starts_with(names.v[i], start) && ap_ends_with(names.v[i], ".so"))
			return true;
	}
	return false;
}

static enum found look_for(const struct ap_local_root *root, const char *path)
{
	ap_auto_free char *py = ap_xasprintf("%s.py", path);
	ap_auto_free char *main_py = ap_xasprintf("%s/__main__.py", path);
	ap_auto_free char *init_py = ap_xasprintf("%s/__init__.py", path);

	/* A package hides a module of the same name, as it does for Python. */
	if (is_file(root, main_py))
		return FOUND;
	if (is_file(root, init_py))
		return PACKAGE_WITHOUT_MAIN;
	return is_file(root, py) || has_extension(root, path) ? FOUND : NOT_FOUND;
}

static int module_not_there(
	const char *module, const char *given, const struct ap_local_root *root, struct ap_err *err)
{
	size_t n = strlen(module);

	if (ap_ends_with(module, ".py")) {
		ap_auto_free char *stem = ap_xstrndup(module, n - 3);
		ap_auto_free char *path = dots_to_slashes("", stem);

		if (look_for(root, path) == FOUND)
			return ap_err_set(err, AP_E_INPUT,
				"python-module \"%s\": no such module; did you mean \"%s\"?",
				module, stem);
	}
	ap_auto_free char *path = dots_to_slashes("", module);

	return ap_err_set(err, AP_E_INPUT,
		"python-module \"%s\": neither %s.py nor %s/__main__.py is in the working directory \"%s\"",
		module, path, path, shown(given));
}

static void add_parents(struct ap_entry_point *e)
{
	for (const char *p = strchr(e->dir, '/'); p; p = strchr(p + 1, '/'))
		ap_strv_add_n(&e->flat, e->dir, (size_t)(p - e->dir));
}

static int find_module(struct ap_entry_point *e, const struct ap_local_root *root,
	const char *given, const char *module, bool has_project, struct ap_err *err)
{
	ap_auto_free char *path = dots_to_slashes("", module);
	ap_auto_free char *in_src = dots_to_slashes("src.", module);
	enum found found;

	if (check_module_name(module, err) < 0)
		return -1;
	found = look_for(root, path);
	if (found == NOT_FOUND && has_project) {
		found = look_for(root, in_src);
		e->installed = found == FOUND;
	}
	if (found == NOT_FOUND)
		return module_not_there(module, given, root, err);
	if (found == PACKAGE_WITHOUT_MAIN)
		return ap_err_set(err, AP_E_INPUT,
			"python-module \"%s\": is a package without __main__.py; name the module in it",
			module);
	e->runs_python = true;
	ap_strv_add(&e->argv, "python");
	ap_strv_add(&e->argv, "-m");
	ap_strv_add(&e->argv, module);
	e->dir = parent_of(path);
	e->dir_as_given = ap_xstrdup(*e->dir ? e->dir : ".");
	add_parents(e);
	return 0;
}

int ap_entry_point_find(struct ap_entry_point *out, const struct ap_local_root *root,
	const char *given, const struct ap_image_request *req, bool has_project, struct ap_err *err)
{
	AP_CLEANUP(ap_entry_point_release) struct ap_entry_point e = { 0 };
	bool script = req->script && *req->script;
	bool module = req->python_module && *req->python_module;

	if (script == module)
		return ap_err_set(err, AP_E_INPUT,
			"%s of script and python-module %s; wanted exactly one",
			script ? "both" : "neither", script ? "are given" : "is given");
	if (script && find_script(&e, root, given, req->script, err) < 0)
		return -1;
	if (module && find_module(&e, root, given, req->python_module, has_project, err) < 0)
		return -1;
	*out = e;
	e = (struct ap_entry_point){ 0 };
	return 0;
}

void ap_entry_point_release(struct ap_entry_point *e)
{
	ap_strv_release(&e->argv);
	ap_strv_release(&e->flat);
	free(e->dir);
	free(e->dir_as_given);
	free(e->script);
	*e = (struct ap_entry_point){ 0 };
}
