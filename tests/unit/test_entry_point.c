#include "tests/unit/unit.h"

#include <unistd.h>

#include "base/fs.h"
#include "pack/entry_point.h"

static void touch(const char *dir, const char *name)
{
	struct ap_err err = AP_ERR_INIT;
	ap_auto_free char *path = ap_fs_join(dir, name);
	ap_auto_free char *up = ap_xstrndup(path, (size_t)(strrchr(path, '/') - path));

	assert_ok(ap_fs_mkdirs(up, 0755, &err), &err);
	assert_ok(ap_fs_write(path, "", 0, 0644, &err), &err);
}

static int find(struct ap_entry_point *e, const char *dir, const char *script, const char *module,
	bool project, struct ap_err *err)
{
	ap_auto_local_root root = NULL;
	struct ap_image_request req = { 0 };
	int rc;

	req.script = script ? ap_xstrdup(script) : NULL;
	req.python_module = module ? ap_xstrdup(module) : NULL;
	assert_ok(ap_local_root_open(&root, dir, err), err);
	rc = ap_entry_point_find(e, root, "app", &req, project, err);
	ap_image_request_release(&req);
	return rc;
}

static char *make_tree(void)
{
	static const char *const files[] = { "task.py", "trainer/task.py", "trainer/run.sh",
		"t/.py", "pkg/__init__.py", "pkg/sub/__init__.py", "pkg/sub/__main__.py",
		"pkg/sub/deep/x.py", "pkg/noinit/y.py", "src/inner/task.py",
		"ext/fast.cpython-311-x86_64-linux-gnu.so", "a b.py" };
	char *dir = unit_tmpdir();

	for (size_t i = 0; i < AP_LEN(files); i++)
		touch(dir, files[i]);
	return dir;
}

TEST(entry_point_runs_scripts_and_modules_as_gcloud_does)
{
	static const struct {
		const char *script, *module, *argv, *dir, *as_given, *flat;
	} cases[] = {
		{ "task.py", NULL, "python|task.py", "", ".", "" },
		{ "./task.py", NULL, "python|./task.py", "", ".", "" },
		{ "trainer/task.py", NULL, "python|trainer/task.py", "trainer", "trainer", "" },
		{ "trainer//task.py", NULL, "python|trainer//task.py", "trainer", "trainer", "" },
		{ "trainer/../trainer/task.py", NULL, "python|trainer/../trainer/task.py",
			"trainer", "trainer/../trainer", "" },
		{ "trainer/run.sh", NULL, "/bin/bash|trainer/run.sh", "trainer", "trainer", "" },
		{ "t/.py", NULL, "/bin/bash|t/.py", "t", "t", "" },
		{ "a b.py", NULL, "python|a b.py", "", ".", "" },
		{ NULL, "task", "python|-m|task", "", ".", "" },
		{ NULL, "trainer.task", "python|-m|trainer.task", "trainer", "trainer", "" },
		{ NULL, "pkg.sub", "python|-m|pkg.sub", "pkg", "pkg", "" },
		{ NULL, "pkg.sub.deep.x", "python|-m|pkg.sub.deep.x", "pkg/sub/deep",
			"pkg/sub/deep", "pkg|pkg/sub" },
		{ NULL, "ext.fast", "python|-m|ext.fast", "ext", "ext", "" },
	};
	ap_auto_free char *dir = make_tree();

	for (size_t i = 0; i < AP_LEN(cases); i++) {
		AP_CLEANUP(ap_entry_point_release) struct ap_entry_point e = { 0 };
		struct ap_err err = AP_ERR_INIT;

		print_message("  case: %s\n", cases[i].script ? cases[i].script : cases[i].module);
		assert_ok(find(&e, dir, cases[i].script, cases[i].module, false, &err), &err);
		{
			ap_auto_free char *argv = ap_strv_join(&e.argv, "|");
			ap_auto_free char *flat = ap_strv_join(&e.flat, "|");

			assert_string_equal(argv, cases[i].argv);
			assert_string_equal(e.dir, cases[i].dir);
			assert_string_equal(e.dir_as_given, cases[i].as_given);
			assert_string_equal(flat, cases[i].flat);
			assert_false(e.installed);
		}
	}
}

TEST(entry_point_of_an_absolute_path_is_relative_in_the_image)
{
	ap_auto_free char *dir = make_tree();
	ap_auto_free char *script = ap_fs_join(dir, "trainer/task.py");
	AP_CLEANUP(ap_entry_point_release) struct ap_entry_point e = { 0 };
	struct ap_err err = AP_ERR_INIT;

	assert_ok(find(&e, dir, script, NULL, false, &err), &err);
	assert_string_equal(e.argv.v[1], "trainer/task.py");
	assert_string_equal(e.dir_as_given, "trainer");
}

TEST(entry_point_in_src_comes_with_the_installed_project)
{
	ap_auto_free char *dir = make_tree();
	AP_CLEANUP(ap_entry_point_release) struct ap_entry_point e = { 0 };
	struct ap_err err = AP_ERR_INIT;

	assert_fails(find(&e, dir, NULL, "inner.task", false, &err), &err, AP_E_INPUT,
		"neither inner/task.py nor inner/task/__main__.py");
	assert_ok(find(&e, dir, NULL, "inner.task", true, &err), &err);
	assert_true(e.installed);
}

TEST(entry_point_says_what_is_wrong)
{
	static const struct {
		const char *script, *module, *fails_with;
	} cases[] = {
		{ NULL, NULL, "neither of script and python-module" },
		{ "", "", "neither of script and python-module" },
		{ "task.py", "task", "both of script and python-module" },
		{ "trainer/nope.py", NULL, "script \"trainer/nope.py\": no such file" },
		{ "task.py --epochs 1", NULL, "arguments go into --args" },
		{ "trainer", NULL, "is a directory, wanted a file" },
		{ "../task.py", NULL, "outside the working directory" },
		{ "/etc/passwd", NULL, "outside the working directory" },
		{ "away/passwd", NULL, "outside the working directory" },
		{ NULL, "trainer.nope", "neither trainer/nope.py" },
		{ NULL, "trainer.task.py", "did you mean \"trainer.task\"" },
		{ NULL, "trainer/task", "found a \"/\"" },
		{ NULL, "..task", "wanted names with dots between" },
		{ NULL, "trainer.", "wanted names with dots between" },
		{ NULL, "trainer.1x", "wanted names with dots between" },
		{ NULL, "pkg", "a package without __main__.py" },
	};
	ap_auto_free char *dir = make_tree();
	ap_auto_free char *away = ap_fs_join(dir, "away");

	assert_int_equal(symlink("/etc", away), 0);
	for (size_t i = 0; i < AP_LEN(cases); i++) {
		AP_CLEANUP(ap_entry_point_release) struct ap_entry_point e = { 0 };
		struct ap_err err = AP_ERR_INIT;

		print_message("  case: %s\n", cases[i].fails_with);
		assert_fails(find(&e, dir, cases[i].script, cases[i].module, false, &err), &err,
			AP_E_INPUT, cases[i].fails_with);
	}
}
