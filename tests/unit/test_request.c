#include "tests/unit/unit.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs.h"
#include "deps/inputs.h"
#include "deps/request.h"

#define AUTO_REQUEST AP_CLEANUP(ap_dep_request_release) struct ap_dep_request

/* Write DIR/NAME, parents included. */
static void put(const char *dir, const char *name, const char *text)
{
	ap_auto_free char *path = ap_fs_join(dir, name);
	ap_auto_free char *parent = ap_xstrdup(path);
	struct ap_err err = AP_ERR_INIT;

	*strrchr(parent, '/') = '\0';
	assert_ok(ap_fs_mkdirs(parent, 0755, &err), &err);
	assert_ok(ap_fs_write(path, text, strlen(text), 0644, &err), &err);
}

static int read_dir(struct ap_dep_request *r, const char *dir, struct ap_err *err)
{
	return ap_dep_request_read(r, dir, NULL, NULL, NULL, NULL, err);
}

static bool has_input(const struct ap_dep_request *r, const char *path)
{
	for (size_t i = 0; i < r->n_files; i++) {
		if (strcmp(r->files[i].path, path) == 0)
			return true;
	}
	return false;
}

TEST(request_of_code_alone_wants_nothing)
{
	ap_auto_free char *dir = unit_tmpdir();
	struct ap_err err = AP_ERR_INIT;
	AUTO_REQUEST r = { 0 };

	put(dir, "task.py", "");
	put(dir, "pyproject.toml", "[tool.black]\nline-length = 100\n");
	assert_ok(read_dir(&r, dir, &err), &err);
	assert_false(r.any);
	assert_int_equal(r.project, AP_NO_PROJECT);
	assert_int_equal(r.n_files, 0);
}

TEST(request_follows_requirements_txt)
{
	ap_auto_free char *top = unit_tmpdir();
	ap_auto_free char *dir = ap_fs_join(top, "app");
	struct ap_err err = AP_ERR_INIT;
	AUTO_REQUEST r = { 0 };

	put(dir, "requirements.txt",
		"numpy>=1 # x\n-r reqs/base.txt\n-c limits.txt\n./wheels/dep-1.0-py3-none-any.whl\n"
		"-e ./lib[dev]\n--find-links wheels\n-i https://u:p@h/simple\n");
	put(dir, "reqs/base.txt", "-r more.txt\nscipy; python_version >= '3.9'\n");
	put(dir, "reqs/more.txt", "-r ../../common.txt\n");
	put(top, "common.txt", "a @ https://h/a-1.tar.gz\n");
	put(dir, "limits.txt", "numpy<3\n");
	put(dir, "wheels/dep-1.0-py3-none-any.whl", "w");
	put(dir, "wheels/notes", "not an archive");
	put(dir, "lib/setup.py", "");
	put(dir, "lib/__pycache__/x.pyc", "");
	assert_ok(read_dir(&r, dir, &err), &err);
	assert_true(r.any && r.has_requirements_txt);
	assert_int_equal(r.n_lines, 6);
	assert_string_equal(r.lines[0].req.normalized, "numpy");
	assert_int_equal(r.lines[1].kind, AP_DEP_URL);
	assert_string_equal(r.lines[1].where, "../common.txt:1");
	assert_string_equal(r.lines[2].req.marker, "python_version >= '3.9'");
	assert_true(r.lines[3].constraint);
	assert_int_equal(r.lines[4].kind, AP_DEP_WHEEL);
	assert_int_equal(r.lines[5].kind, AP_DEP_DIR);
	assert_string_equal(r.lines[5].req.extras.v[0], "dev");
	assert_string_equal(r.index.index_url, "https://u:p@h/simple");
	assert_int_equal(r.index.find_links.n, 1);
	assert_true(has_input(&r, "reqs/more.txt"));
	assert_true(has_input(&r, "../common.txt"));
	assert_true(has_input(&r, "wheels/dep-1.0-py3-none-any.whl"));
	assert_true(has_input(&r, "lib/setup.py"));
	assert_false(has_input(&r, "wheels/notes"));
	assert_int_equal(r.n_files, 7);
	assert_true(ap_strv_has(&r.includes, "reqs/more.txt"));
	assert_true(ap_strv_has(&r.includes, "lib"));
	assert_true(ap_strv_has(&r.includes, "wheels"));
	assert_false(ap_strv_has(&r.includes, "../common.txt"));
	assert_int_equal(r.includes.n, 6);
}

TEST(request_changes_with_every_file_it_reads)
{
	static const char *const files[] = { "requirements.txt", "limits.txt", "d.whl",
		"lib/setup.py", "lib/src/x" };
	ap_auto_free char *dir = unit_tmpdir();
	struct ap_err err = AP_ERR_INIT;
	AUTO_REQUEST before = { 0 };

	put(dir, "requirements.txt", "-c limits.txt\nd.whl\n./lib\n");
	put(dir, "limits.txt", "a<3\n");
	put(dir, "d.whl", "w");
	put(dir, "lib/setup.py", "\n");
	put(dir, "lib/src/x", "1");
	assert_ok(read_dir(&before, dir, &err), &err);
	assert_int_equal(before.n_files, AP_LEN(files));
	for (size_t i = 0; i < AP_LEN(files); i++) {
		ap_auto_free char *path = ap_fs_join(dir, files[i]);
		ap_auto_buf old = AP_BUF_INIT;
		AUTO_REQUEST after = { 0 };
		size_t changed = 0;

		assert_ok(ap_fs_read(&old, path, &err), &err);
		ap_buf_adds(&old, "\n");
		put(dir, files[i], old.p);
		assert_ok(read_dir(&after, dir, &err), &err);
		for (size_t j = 0; j < before.n_files; j++)
			changed += !ap_digest_eq(&before.files[j].digest, &after.files[j].digest);
		assert_int_equal(changed, i + 1);
	}
}

TEST(request_depends_on_variables_but_not_on_secrets)
{
	ap_auto_free char *dir = unit_tmpdir();
	struct ap_err err = AP_ERR_INIT;
	AUTO_REQUEST a = { 0 };
	AUTO_REQUEST b = { 0 };
	AUTO_REQUEST c = { 0 };

	put(dir, "requirements.txt", "-i https://${AP_T_USER}@h/simple\nnumpy==${AP_T_V}\n");
	setenv("AP_T_USER", "me:one", 1);
	setenv("AP_T_V", "1.0", 1);
	assert_ok(read_dir(&a, dir, &err), &err);
	setenv("AP_T_USER", "me:two", 1);
	assert_ok(read_dir(&b, dir, &err), &err);
	setenv("AP_T_V", "2.0", 1);
	assert_ok(read_dir(&c, dir, &err), &err);
	assert_int_equal(a.n_files, 2);
	assert_string_equal(a.files[1].path, "requirements.txt:variables");
	assert_true(ap_digest_eq(&a.files[1].digest, &b.files[1].digest));
	assert_false(ap_digest_eq(&b.files[1].digest, &c.files[1].digest));
	unsetenv("AP_T_USER");
	unsetenv("AP_T_V");
}

TEST(request_finds_the_project_in_the_working_directory)
{
	static const struct {
		const char *name, *file, *text, *file2;
		enum ap_dep_project project;
	} cases[] = {
		{ "setup.py", "setup.py", "", NULL, AP_SETUP_PY },
		{ "[project]", "pyproject.toml", "[project]\nname='x'\nversion='1'\n", NULL,
			AP_PYPROJECT },
		{ "[build-system]", "pyproject.toml", "[build-system]\nrequires=[]\n", NULL,
			AP_PYPROJECT },
		{ "setup.cfg beside a pyproject.toml", "pyproject.toml", "[tool.x]\n", "setup.cfg",
			AP_PYPROJECT },
		{ "setup.cfg alone", "notes", "", "setup.cfg", AP_NO_PROJECT },
	};
	struct ap_err err = AP_ERR_INIT;

	for (size_t i = 0; i < AP_LEN(cases); i++) {
		ap_auto_free char *dir = unit_tmpdir();
		AUTO_REQUEST r = { 0 };

		print_message("  case: %s\n", cases[i].name);
		put(dir, cases[i].file, cases[i].text);
		put(dir, "src/x.py", "");
		if (cases[i].file2)
			put(dir, cases[i].file2, "[metadata]\nname=x\n");
		assert_ok(read_dir(&r, dir, &err), &err);
		assert_int_equal(r.project, cases[i].project);
		assert_int_equal(r.any, cases[i].project != AP_NO_PROJECT);
		if (r.any)
			assert_true(has_input(&r, "src/x.py") && r.lines[0].project);
	}
}

TEST(request_takes_packages_and_requirements_of_the_flags)
{
	ap_auto_free char *dir = unit_tmpdir();
	ap_auto_strv packages = { 0 };
	ap_auto_strv requirements = { 0 };
	struct ap_err err = AP_ERR_INIT;
	AUTO_REQUEST r = { 0 };

	put(dir, "dist/a-1.tar.gz", "x");
	put(dir, "my lib/it's.whl", "w");
	put(dir, "lib/pyproject.toml", "");
	ap_strv_add(&packages, "dist/a-1.tar.gz");
	ap_strv_add(&packages, "my lib/it's.whl");
	ap_strv_add(&packages, "./lib/");
	ap_strv_add(&requirements, " ray[default]>=2 ; python_version < '3.12'");
	ap_strv_add(&requirements, "https://h/x-1-py3-none-any.whl");
	assert_ok(ap_dep_request_read(&r, dir, &requirements, &packages, NULL, NULL, &err), &err);
	assert_int_equal(r.n_lines, 5);
	assert_int_equal(r.lines[0].kind, AP_DEP_SDIST);
	assert_int_equal(r.lines[1].kind, AP_DEP_WHEEL);
	assert_int_equal(r.lines[2].kind, AP_DEP_DIR);
	assert_true(r.lines[3].upgrade);
	assert_int_equal(r.lines[4].kind, AP_DEP_URL);
	assert_true(has_input(&r, "lib/pyproject.toml"));
}

static void assert_refused(
	const char *requirement, const char *package, const char *txt, const char *part)
{
	ap_auto_free char *top = unit_tmpdir();
	ap_auto_free char *dir = ap_fs_join(top, "app");
	ap_auto_strv packages = { 0 };
	ap_auto_strv requirements = { 0 };
	struct ap_err err = AP_ERR_INIT;
	struct ap_dep_request r;

	put(top, "out.whl", "w");
	put(dir, "plain/x", "");
	put(dir, "requirements.txt", txt ? txt : "");
	put(dir, "self.txt", "-r requirements.txt\n");
	if (requirement)
		ap_strv_add(&requirements, requirement);
	if (package)
		ap_strv_add(&packages, package);
	assert_fails(ap_dep_request_read(&r, dir, &requirements, &packages, NULL, NULL, &err), &err,
		AP_E_INPUT, part);
}

TEST(request_with_a_mistake_is_refused_by_name_and_line)
{
	static const struct {
		const char *requirement, *package, *txt, *fails_with;
	} cases[] = {
		{ "", NULL, NULL, "requirements: empty element" },
		{ "a$(id)", NULL, NULL, "requirements: requirement \"a$(id)\"" },
		{ "a\\", NULL, NULL, "requirements: requirement" },
		{ "git+https://example.com/x.git", NULL, NULL, "version control" },
		{ "x @ git+https://example.com/x.git", NULL, NULL, "version control" },
		{ "./lib", NULL, NULL, "local files go into extra-packages" },
		{ "x @ file:///etc/x.whl", NULL, NULL, "no such file" },
		{ "-r x.txt", NULL, NULL, "an option is not a requirement" },
		{ "https://u:geheim@h/no blank.whl", NULL, NULL, "\"https://h/no blank.whl\"" },
		{ NULL, "", NULL, "extra-packages: empty element" },
		{ NULL, "missing.whl", NULL, "extra-packages: \"missing.whl\": no such file" },
		{ NULL, "../out.whl", NULL, "must lie in the working directory" },
		{ NULL, "plain", NULL, "without setup.py or pyproject.toml" },
		{ NULL, "plain/x", NULL, "want a wheel (.whl)" },
		{ NULL, NULL, "\n-r no.txt", "requirements.txt:2: \"no.txt\": no such file" },
		{ NULL, NULL, "-r self.txt", "includes itself" },
		{ NULL, NULL, "-r https://h/r.txt", "on the network" },
		{ NULL, NULL, "./no.whl", "no such file" },
		{ NULL, NULL, "-e ../out.whl", "-e wants a directory" },
		{ NULL, NULL, "a==", "requirements.txt:1: requirement \"a==\"" },
		{ NULL, NULL, "-f no", "requirements.txt:1: \"no\": no such file" },
		{ NULL, NULL, "-i ftp://h", "want the address of an index" },
		{ NULL, NULL, "svn+https://h/x", "version control" },
	};

	for (size_t i = 0; i < AP_LEN(cases); i++) {
		print_message("  case: %s\n", cases[i].fails_with);
		assert_refused(
			cases[i].requirement, cases[i].package, cases[i].txt, cases[i].fails_with);
	}
}

TEST(request_refuses_constraints_that_pip_refuses)
{
	ap_auto_free char *dir = unit_tmpdir();
	struct ap_err err = AP_ERR_INIT;
	struct ap_dep_request r;

	put(dir, "requirements.txt", "-c c.txt");
	put(dir, "c.txt", "a[x]<2");
	assert_fails(
		read_dir(&r, dir, &err), &err, AP_E_INPUT, "c.txt:1: \"a[x]<2\": a constraint");
	put(dir, "c.txt", "https://h/what");
	assert_fails(read_dir(&r, dir, &err), &err, AP_E_INPUT, "does not say which package");
	put(dir, "c.txt", "./x-1.tar.gz");
	put(dir, "x-1.tar.gz", "");
	assert_fails(read_dir(&r, dir, &err), &err, AP_E_INPUT, "a constraint to a source");
}

TEST(request_refuses_a_fifo_in_a_project)
{
	ap_auto_free char *dir = unit_tmpdir();
	ap_auto_free char *fifo = ap_fs_join(dir, "pipe");
	struct ap_err err = AP_ERR_INIT;
	struct ap_dep_request r;

	put(dir, "setup.py", "");
	assert_int_equal(mkfifo(fifo, 0600), 0);
	assert_fails(read_dir(&r, dir, &err), &err, AP_E_INPUT,
		"pipe: want a regular file, found a FIFO");
}

TEST(paths_are_seen_from_the_working_directory)
{
	static const char *const cases[][3] = { { "/a/b", "/a/b/c", "c" }, { "/a/b", "/a/b", "." },
		{ "/a/b", "/a/bc", "../bc" }, { "/a/b", "/a", ".." },
		{ "/a/b", "/c/d", "../../c/d" }, { "/", "/x", "x" }, { "/a/b", "/", "../.." } };

	for (size_t i = 0; i < AP_LEN(cases); i++) {
		ap_auto_free char *rel = ap_path_relative(cases[i][0], cases[i][1]);

		assert_string_equal(rel, cases[i][2]);
	}
}

TEST(request_takes_limits_from_the_environment_when_there_is_something_to_install)
{
	ap_auto_free char *top = unit_tmpdir();
	ap_auto_free char *dir = ap_fs_join(top, "app");
	ap_auto_free char *limits = ap_fs_join(top, "limits.txt");
	AP_CLEANUP(ap_dep_request_release) struct ap_dep_request none = { 0 };
	AP_CLEANUP(ap_dep_request_release) struct ap_dep_request r = { 0 };
	struct ap_err err = AP_ERR_INIT;

	put(top, "limits.txt", "numpy<3\n");
	put(dir, "train.py", "");
	setenv("PIP_CONSTRAINT", limits, 1);
	assert_ok(read_dir(&none, dir, &err), &err);
	assert_int_equal(none.n_lines, 0);
	put(dir, "requirements.txt", "numpy\n");
	assert_ok(read_dir(&r, dir, &err), &err);
	assert_int_equal(r.n_lines, 2);
	assert_true(r.lines[1].constraint);
	assert_true(has_input(&r, "../limits.txt"));
	setenv("PIP_CONSTRAINT", "https://h/limits.txt", 1);
	assert_fails(read_dir(&none, dir, &err), &err, AP_E_INPUT, "PIP_CONSTRAINT");
	unsetenv("PIP_CONSTRAINT");
}
