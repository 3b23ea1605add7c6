#include "tests/unit/unit.h"

#include <stdlib.h>

#include "base/fs.h"
#include "deps/request.h"
#include "deps/uv_lock.h"

#define HEAD "version = 1\n"
#define H    "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static const char workspace[] = HEAD
	"[[package]]\nname = \"app\"\nversion = \"1\"\nsource = { editable = \"app\" }\n"
	"dependencies = [{ name = \"lib\", extra = [\"fast\"] }, { name = \"numpy\" }]\n"
	"[[package]]\nname = \"lib\"\nversion = \"1\"\nsource = { editable = \"lib\" }\n"
	"dependencies = [{ name = \"idna\" }]\n"
	"[package.optional-dependencies]\nfast = [{ name = \"uvloop\" }]\nslow = [{ name = \"never\" }]\n"
	"[[package]]\nname = \"other\"\nversion = \"1\"\nsource = { virtual = \"other\" }\n"
	"dependencies = [{ name = \"lib\" }, { name = \"idna\" }]\n"
	"[package.metadata]\nrequires-dist = [{ name = \"lib\", editable = \"lib\" }, { name = \"idna\", "
	"specifier = \">=3\", extras = [\"all\"], marker = \"python_version >= '3.9'\" }]\n"
	"[[package]]\nname = \"idna\"\nversion = \"3.4\"\nsource = { registry = \"https://h/simple\" }\n"
	"wheels = [{ url = \"https://h/idna.whl\", hash = \"" H "\" }]\n"
	"[[package]]\nname = \"numpy\"\nversion = \"1.0\"\nsource = { registry = \"https://h/simple\" }\n"
	"resolution-markers = [\"python_version < '3.10'\", \"python_version > '3.20'\"]\n"
	"[[package]]\nname = \"numpy\"\nversion = \"2.0\"\nsource = { registry = \"https://h/simple\" }\n"
	"resolution-markers = [\"python_version >= '3.10'\"]\n"
	"[[package]]\nname = \"uvloop\"\nversion = \"0.1\"\nsource = { registry = \"https://h/simple\" }\n"
	"[[package]]\nname = \"never\"\nversion = \"0\"\nsource = { git = \"https://h/never.git\" }\n";

static void put(const char *dir, const char *name, const char *text)
{
	ap_auto_free char *path = ap_fs_join(dir, name);
	ap_auto_free char *parent = ap_xstrdup(path);
	struct ap_err err = AP_ERR_INIT;

	*strrchr(parent, '/') = '\0';
	assert_ok(ap_fs_mkdirs(parent, 0755, &err), &err);
	assert_ok(ap_fs_write(path, text, strlen(text), 0644, &err), &err);
}

static char *make_workspace(const char *lock)
{
	char *dir = unit_tmpdir();

	put(dir, "uv.lock", lock);
	put(dir, "app/pyproject.toml", "[project]\nname='app'\n");
	put(dir, "lib/pyproject.toml", "[project]\nname='lib'\n");
	put(dir, "lib/src/lib.py", "");
	put(dir, "other/pyproject.toml", "[project]\nname='other'\n");
	return dir;
}

/* "kind name specs marker" of each line, one a line. */
static char *lines_of(const char *dir)
{
	AP_CLEANUP(ap_dep_request_release) struct ap_dep_request r = { 0 };
	struct ap_buf out = AP_BUF_INIT;
	struct ap_err err = AP_ERR_INIT;

	assert_ok(ap_dep_request_read(&r, dir, NULL, NULL, NULL, NULL, &err), &err);
	for (size_t i = 0; i < r.n_lines; i++) {
		const struct ap_dep_line *l = &r.lines[i];

		if (l->path)
			ap_buf_addf(&out, "dir %s\n", strrchr(l->path, '/') + 1);
		else
			ap_buf_addf(&out, "%s %s%s%s%s%s\n", l->constraint ? "limit" : "want",
				l->req.name, l->req.extras.n ? "[]" : "", l->req.specs,
				l->req.marker ? " ; " : "", l->req.marker ? l->req.marker : "");
	}
	assert_false(r.index.require_hashes);
	assert_true(r.any);
	return ap_buf_steal(&out);
}

TEST(uv_lock_fixes_versions_and_brings_the_members_that_are_needed)
{
	ap_auto_free char *dir = make_workspace(workspace);
	ap_auto_free char *app = ap_fs_join(dir, "app");
	ap_auto_free char *lines = lines_of(app);

	assert_string_equal(lines,
		"dir lib\n"
		"limit idna==3.4\n"
		"limit numpy==1.0 ; (python_version < '3.10') or (python_version > '3.20')\n"
		"limit numpy==2.0 ; (python_version >= '3.10')\n"
		"limit uvloop==0.1\n"
		"dir app\n");
}

TEST(uv_lock_of_a_virtual_project_installs_its_dependencies_only)
{
	ap_auto_free char *dir = make_workspace(workspace);
	ap_auto_free char *other = ap_fs_join(dir, "other");
	ap_auto_free char *lines = lines_of(other);

	assert_string_equal(lines, "dir lib\n"
				   "want idna[]>=3 ; python_version >= '3.9'\n"
				   "limit idna==3.4\n");
}

TEST(uv_lock_that_does_not_know_the_directory_is_of_another_project)
{
	ap_auto_free char *dir = make_workspace(HEAD);
	ap_auto_free char *app = ap_fs_join(dir, "app");
	ap_auto_free char *lines = lines_of(app);

	assert_string_equal(lines, "dir app\n");
}

TEST(uv_lock_with_a_mistake_is_refused)
{
	static const struct {
		const char *name, *in, *fails_with;
	} cases[] = {
		{ "another version", "version = 2\n", "uv.lock: want version = 1" },
		{ "no version", "", "uv.lock: want version = 1, found nothing" },
		{ "broken", "version =", "uv.lock: line 1" },
		{ "no name", HEAD "[[package]]\nversion = \"1\"\n", "without a name" },
		{ "no source", HEAD "[[package]]\nname = \"a\"\n", "\"a\": want a source" },
		{ "from git",
			HEAD "[[package]]\nname = \"app\"\nsource = { editable = \"app\" }\n"
			     "dependencies = [{ name = \"g\" }]\n[[package]]\nname = \"g\"\n"
			     "source = { git = \"https://h/g.git\" }\n",
			"version control" },
		{ "a member that is gone",
			HEAD "[[package]]\nname = \"app\"\nsource = { editable = \"app\" }\n"
			     "dependencies = [{ name = \"g\" }]\n[[package]]\nname = \"g\"\n"
			     "source = { directory = \"gone\" }\n",
			"\"gone\": no such file" },
	};
	struct ap_err err = AP_ERR_INIT;

	for (size_t i = 0; i < AP_LEN(cases); i++) {
		ap_auto_free char *dir = make_workspace(cases[i].in);
		ap_auto_free char *app = ap_fs_join(dir, "app");
		struct ap_dep_request r;

		print_message("  case: %s\n", cases[i].name);
		assert_fails(ap_dep_request_read(&r, app, NULL, NULL, NULL, NULL, &err), &err,
			AP_E_INPUT, cases[i].fails_with);
	}
}
