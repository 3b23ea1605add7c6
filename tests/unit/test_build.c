#include "tests/unit/unit.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs.h"
#include "deps/build.h"
#include "deps/parcel.h"
#include "deps/source_tree.h"
#include "tests/unit/base_image.h"

static void write_file(const char *dir, const char *name, const char *text, mode_t mode)
{
	ap_auto_free char *path = ap_fs_join(dir, name);
	ap_auto_free char *parent = ap_xstrndup(path, (size_t)(strrchr(path, '/') - path));
	struct ap_err err = AP_ERR_INIT;

	assert_ok(ap_fs_mkdirs(parent, 0755, &err), &err);
	assert_ok(ap_fs_write(path, text, strlen(text), mode, &err), &err);
}

static struct ap_digest digest_of(const char *dir)
{
	struct ap_err err = AP_ERR_INIT;
	struct ap_digest d;

	assert_ok(ap_source_tree(&d, dir, NULL, NULL, &err), &err);
	return d;
}

TEST(source_tree_digest_follows_what_a_build_can_see)
{
	static const struct {
		const char *name, *file, *text;
		mode_t mode;
		bool differs;
	} cases[] = {
		{ "content", "pkg/a.py", "2", 0644, true },
		{ "executable", "pkg/a.py", "1", 0755, true },
		{ "read-only", "pkg/a.py", "1", 0444, false },
		{ "another file", "pkg/b.py", "", 0644, true },
		{ "a package called build", "build/__init__.py", "", 0644, true },
		{ "what an earlier build left", "build/lib/x.py", "", 0644, false },
		{ "old metadata", "pkg.egg-info/SOURCES.txt", "", 0644, false },
		{ "a wheel of an earlier build", "dist/x.whl", "", 0644, false },
		{ "bytecode", "pkg/__pycache__/a.pyc", "", 0644, false },
		{ "version control", ".git/HEAD", "", 0644, false },
		{ "a virtual environment", "env/pyvenv.cfg", "", 0644, false },
	};
	ap_auto_free char *plain = unit_tmpdir();
	struct ap_digest want;

	write_file(plain, "pkg/a.py", "1", 0644);
	want = digest_of(plain);
	for (size_t i = 0; i < AP_LEN(cases); i++) {
		ap_auto_free char *dir = unit_tmpdir();
		struct ap_digest found;

		print_message("  case: %s\n", cases[i].name);
		write_file(dir, "pkg/a.py", "1", 0644);
		write_file(dir, cases[i].file, cases[i].text, cases[i].mode);
		found = digest_of(dir);
		assert_true(ap_digest_eq(&found, &want) != cases[i].differs);
	}
}

TEST(source_tree_copies_what_it_hashes)
{
	ap_auto_free char *dir = unit_tmpdir();
	ap_auto_free char *top = unit_tmpdir();
	ap_auto_free char *copy = ap_fs_join(top, "copy");
	ap_auto_free char *link = ap_fs_join(dir, "pkg/link.py");
	struct ap_err err = AP_ERR_INIT;
	struct ap_digest a, b;

	write_file(dir, "pkg/a.py", "1", 0644);
	write_file(dir, "run.sh", "x", 0755);
	write_file(dir, ".git/HEAD", "x", 0644);
	assert_int_equal(symlink("../run.sh", link), 0);
	assert_ok(ap_source_tree(&a, dir, copy, NULL, &err), &err);
	b = digest_of(copy);
	assert_string_equal(a.s, b.s);
}

TEST(source_tree_has_nothing_that_a_run_writes_there)
{
	ap_auto_free char *dir = unit_tmpdir();
	ap_auto_free char *real = realpath(dir, NULL);
	ap_auto_strv outputs = { 0 };
	struct ap_err err = AP_ERR_INIT;
	struct ap_digest before = { 0 };
	struct ap_digest after;

	write_file(dir, "pkg/a.py", "1", 0644);
	before = digest_of(dir);
	write_file(dir, ".cache/x", "x", 0644);
	write_file(dir, "pkg/image.digest", "x", 0644);
	ap_strv_own(&outputs, ap_fs_join(real, ".cache"));
	ap_strv_own(&outputs, ap_fs_join(real, "pkg/image.digest"));
	assert_ok(ap_source_tree(&after, dir, NULL, &outputs, &err), &err);
	assert_string_equal(after.s, before.s);
	after = digest_of(dir);
	assert_string_not_equal(after.s, before.s);
}

TEST(source_tree_refuses_links_that_leave_the_project_and_special_files)
{
	static const struct {
		const char *link, *target, *fails_with;
	} cases[] = {
		{ "x", "/etc/passwd", "leads out of the project" },
		{ "x", "../x", "leads out of the project" },
		{ "pkg/x", "../../x", "leads out of the project" },
		{ "pkg/x", "a/../../../x", "leads out of the project" },
		{ "fifo", NULL, "neither a file" },
	};

	for (size_t i = 0; i < AP_LEN(cases); i++) {
		ap_auto_free char *dir = unit_tmpdir();
		ap_auto_free char *path = ap_fs_join(dir, cases[i].link);
		struct ap_err err = AP_ERR_INIT;
		struct ap_digest d;

		write_file(dir, "pkg/a.py", "1", 0644);
		if (cases[i].target)
			assert_int_equal(symlink(cases[i].target, path), 0);
		else
			assert_int_equal(mkfifo(path, 0600), 0);
		assert_fails(ap_source_tree(&d, dir, NULL, NULL, &err), &err, AP_E_INPUT,
			cases[i].fails_with);
	}
}

/* A program in the place of uv: notes how it was called, copies the wheel it was told to. */
struct stand_in {
	char *dir, *cache, *log, *source;
	struct ap_uv uv;
	struct ap_inventory *inv;
	struct ap_build_opts o;
};

static void start(struct stand_in *s, const char *wheel, const char *python_status)
{
	ap_auto_buf text = AP_BUF_INIT;
	ap_auto_free char *cwd = getcwd(NULL, 0);
	ap_auto_free char *program = NULL;

	*s = (struct stand_in){
		.dir = unit_tmpdir(), .cache = unit_tmpdir(), .source = unit_tmpdir()
	};
	s->log = ap_fs_join(s->dir, "log");
	ap_buf_addf(&text,
		"#!/bin/sh\nlog='%s'\necho \"$*\" >>$log\nenv >>$log.env\n"
		"[ \"$1\" != python ] || exit %s\n"
		"[ \"$1\" != pip ] || exit 0\n"
		"while [ $# -gt 1 ]; do [ \"$1\" != --out-dir ] || out=$2; shift; done\n"
		"[ ! -d \"$1\" ] || echo made >\"$1/made-by-build\"\n"
		"[ ! -e \"$1/broken\" ] || { echo 'error: no such backend' >&2; exit 2; }\n"
		"cp '%s/%s' \"$out\"\n",
		s->log, python_status, cwd, wheel);
	write_file(s->dir, "uv", text.p, 0755);
	program = ap_fs_join(s->dir, "uv");
	ap_strv_add(&s->uv.command, program);
	ap_strv_add(&s->uv.env, "PATH=/usr/bin:/bin");
	s->uv.dir = s->dir;
	s->inv = base_image(NULL, NULL);
	s->o = (struct ap_build_opts){ .cache_dir = s->cache, .uv = &s->uv, .inv = s->inv };
	write_file(
		s->source, "setup.py", "from setuptools import setup\nsetup(name='demo')\n", 0644);
}

static void stop(struct stand_in *s)
{
	ap_strv_release(&s->uv.command);
	ap_strv_release(&s->uv.env);
	ap_inventory_free(s->inv);
	free(s->dir);
	free(s->cache);
	free(s->log);
	free(s->source);
}

static size_t builds(const struct stand_in *s, struct ap_buf *log)
{
	struct ap_err err = AP_ERR_INIT;
	size_t n = 0;

	ap_buf_reset(log);
	assert_ok(ap_fs_read(log, s->log, &err), &err);
	for (const char *p = log->p; (p = strstr(p, "build --wheel")); p++)
		n++;
	return n;
}

#define DEMO "fixtures/wheels/good/demo-1.0-py3-none-any.whl"

TEST(build_runs_once_for_the_same_content)
{
	ap_auto_free char *first = NULL;
	ap_auto_free char *second = NULL;
	ap_auto_free char *third = NULL;
	ap_auto_buf log = AP_BUF_INIT;
	struct ap_err err = AP_ERR_INIT;
	struct stand_in s;

	start(&s, DEMO, "0");
	assert_ok(ap_build_wheel(&first, s.source, &s.o, &err), &err);
	assert_true(ap_ends_with(first, "/demo-1.0-py3-none-any.whl"));
	assert_ok(ap_build_wheel(&second, s.source, &s.o, &err), &err);
	assert_string_equal(first, second);
	assert_int_equal(builds(&s, &log), 1);
	assert_non_null(strstr(log.p, "--python 3.11"));
	write_file(s.source, "new.py", "", 0644);
	assert_ok(ap_build_wheel(&third, s.source, &s.o, &err), &err);
	assert_int_equal(builds(&s, &log), 2);
	stop(&s);
}

TEST(build_writes_nothing_into_the_project)
{
	ap_auto_free char *wheel = NULL;
	ap_auto_free char *made = NULL;
	struct ap_err err = AP_ERR_INIT;
	struct stand_in s;

	start(&s, DEMO, "0");
	assert_ok(ap_build_wheel(&wheel, s.source, &s.o, &err), &err);
	made = ap_fs_join(s.source, "made-by-build");
	assert_false(ap_fs_is_file(made));
	stop(&s);
}

TEST(build_sees_the_chosen_environment_only)
{
	ap_auto_free char *wheel = NULL;
	ap_auto_free char *path = NULL;
	ap_auto_buf env = AP_BUF_INIT;
	struct ap_err err = AP_ERR_INIT;
	struct stand_in s;

	setenv("AP_TEST_SECRET", "s3cret", 1);
	start(&s, DEMO, "0");
	assert_ok(ap_build_wheel(&wheel, s.source, &s.o, &err), &err);
	unsetenv("AP_TEST_SECRET");
	path = ap_xasprintf("%s.env", s.log);
	assert_ok(ap_fs_read(&env, path, &err), &err);
	assert_null(strstr(env.p, "s3cret"));
	assert_null(strstr(env.p, "HOME="));
	assert_non_null(strstr(env.p, "SOURCE_DATE_EPOCH=315532800"));
	stop(&s);
}

TEST(build_failures_show_the_backends_words_and_leave_nothing)
{
	struct ap_err err = AP_ERR_INIT;
	struct stand_in s;
	char *wheel = NULL;
	ap_auto_buf log = AP_BUF_INIT;

	start(&s, DEMO, "0");
	write_file(s.source, "broken", "", 0644);
	for (int i = 0; i < 2; i++)
		assert_fails(ap_build_wheel(&wheel, s.source, &s.o, &err), &err, AP_E_BUILD,
			"the build fails:\nerror: no such backend");
	assert_int_equal(builds(&s, &log), 2);
	assert_null(wheel);
	stop(&s);
}

TEST(build_refuses_metadata_that_depends_on_another_python)
{
	struct ap_err err = AP_ERR_INIT;
	ap_auto_free char *good = NULL;
	char *wheel = NULL;
	struct stand_in s;

	start(&s, DEMO, "2");
	assert_ok(ap_build_wheel(&good, s.source, &s.o, &err), &err);
	write_file(
		s.source, "setup.py", "import sys\nif sys.version_info < (3, 12): x = 1\n", 0644);
	assert_fails(ap_build_wheel(&wheel, s.source, &s.o, &err), &err, AP_E_INPUT,
		"asks which Python builds it (version_info), and the base's Python 3.11");
	stop(&s);
}

TEST(build_refuses_a_wheel_that_the_base_cannot_run)
{
	static const struct {
		const char *filename;
		bool fits;
	} cases[] = {
		{ "x-1-py3-none-any.whl", true },
		{ "x-1-py2.py3-none-any.whl", true },
		{ "x-1-cp311-cp311-manylinux_2_17_x86_64.whl", true },
		{ "x-1-cp311-cp311-manylinux_2_39_x86_64.whl", false },
		{ "x-1-cp312-cp312-linux_x86_64.whl", false },
		{ "x-1-cp311-cp311-linux_aarch64.whl", false },
		{ "x-1-cp311-cp311-macosx_11_0_arm64.whl", false },
	};
	struct ap_inventory *inv = base_image(NULL, NULL);
	struct ap_err err = AP_ERR_INIT;

	for (size_t i = 0; i < AP_LEN(cases); i++) {
		print_message("  case: %s\n", cases[i].filename);
		if (cases[i].fits)
			assert_ok(ap_build_fits(cases[i].filename, inv, &err), &err);
		else
			assert_fails(ap_build_fits(cases[i].filename, inv, &err), &err,
				AP_E_UNSUPPORTED, "would build it inside the base");
	}
	/* What this host links to may be newer than an old base's C library. */
	inv->libc_minor = 5;
	assert_fails(ap_build_fits("x-1-cp311-cp311-linux_x86_64.whl", inv, &err), &err,
		AP_E_UNSUPPORTED, "would build it inside the base");
	ap_inventory_free(inv);
}

/* In the place of a container: takes what comes, and gives what it was told to, NEED first. */
struct stand_in_base {
	struct ap_inside in; /* first */
	const char *name, *file, *need;
	unsigned n_runs;
	bool cannot;
};

static int base_ready(struct ap_inside *in, struct ap_err *err)
{
	return ((struct stand_in_base *)in)->cannot
		       ? ap_err_set(err, AP_E_NOT_FOUND, "no runtime is there")
		       : 0;
}

static int base_run(struct ap_inside *in, const struct ap_strv *argv AP_UNUSED, int in_fd AP_UNUSED,
	int out_fd, struct ap_err *err)
{
	struct stand_in_base *b = (struct stand_in_base *)in;
	ap_auto_buf bytes = AP_BUF_INIT;

	b->n_runs++;
	if (b->need && b->n_runs == 1)
		return ap_parcel_put_bytes(out_fd, 'r', "need", b->need, strlen(b->need), err) < 0
			       ? -1
			       : ap_parcel_end(out_fd, err);
	if (!b->file)
		return ap_parcel_put_bytes(out_fd, 'e', "failed", "so sad\n", 7, err) < 0 ||
				       ap_parcel_put_bytes(
					       out_fd, 'e', "lacks", "no hope", 7, err) < 0
			       ? -1
			       : ap_parcel_end(out_fd, err);
	if (ap_fs_read(&bytes, b->file, err) < 0)
		return -1;
	return ap_parcel_put_bytes(out_fd, 'f', b->name, bytes.p, bytes.len, err) < 0
		       ? -1
		       : ap_parcel_end(out_fd, err);
}

static char base_digest[] = "sha256:00";
static char base_python[] = "/usr/bin/python3";

#define STAND_IN_BASE(name_, file_)            \
	{                                      \
		.in = { .base = base_digest,   \
			.python = base_python, \
			.ready = base_ready,   \
			.run = base_run },     \
		.name = name_, .file = file_   \
	}

/* A source that only the base can build: the host has no such Python. */
static void start_inside(struct stand_in *s, struct stand_in_base *b)
{
	start(s, DEMO, "2");
	write_file(s->source, "setup.py", "import sys\nx = sys.version_info\n", 0644);
	s->o.inside = &b->in;
}

#define DEMO_NAME "demo-1.0-py3-none-any.whl"
#define PLAT_NAME "plat-2.0-cp311-cp311-manylinux_2_17_x86_64.whl"
#define PLAT      "fixtures/wheels/good/" PLAT_NAME

TEST(build_inside_happens_once_for_a_source_and_a_base)
{
	static char other[] = "sha256:11";
	struct stand_in_base b = STAND_IN_BASE(DEMO_NAME, DEMO);
	struct ap_err err = AP_ERR_INIT;
	ap_auto_buf log = AP_BUF_INIT;
	struct stand_in s;

	start_inside(&s, &b);
	for (unsigned i = 0; i < 3; i++) {
		ap_auto_free char *wheel = NULL;

		b.in.base = i == 2 ? other : base_digest;
		assert_ok(ap_build_wheel(&wheel, s.source, &s.o, &err), &err);
		assert_true(ap_ends_with(wheel, "/" DEMO_NAME));
		assert_int_equal(b.n_runs, i == 2 ? 2 : 1);
	}
	assert_int_equal(builds(&s, &log), 0);
	assert_non_null(strstr(log.p, "pip install"));
	assert_non_null(strstr(log.p, "--only-binary=:all:"));
	stop(&s);
}

TEST(build_inside_brings_what_the_backend_asks_for)
{
	struct stand_in_base b = STAND_IN_BASE(DEMO_NAME, DEMO);
	struct ap_err err = AP_ERR_INIT;
	ap_auto_free char *wheel = NULL;
	struct stand_in s;

	b.need = "[\"cython\"]";
	start_inside(&s, &b);
	assert_ok(ap_build_wheel(&wheel, s.source, &s.o, &err), &err);
	assert_int_equal(b.n_runs, 2);
	stop(&s);
}

TEST(build_inside_refuses_what_is_no_wheel_for_the_base)
{
	static const struct {
		const char *name, *file, *fails_with;
		enum ap_err_code code;
	} cases[] = {
		{ "../" DEMO_NAME, DEMO, "no name of a wheel", AP_E_PROTO },
		{ ".hidden.whl", DEMO, "no name of a wheel", AP_E_PROTO },
		{ "demo-1.0.tar.gz", DEMO, "exactly one wheel", AP_E_INPUT },
		{ PLAT_NAME, PLAT, "was built inside the base and does not fit it", AP_E_INPUT },
		{ DEMO_NAME, NULL, "the build inside the base fails; the base has no hope:\nso sad",
			AP_E_BUILD },
	};

	for (size_t i = 0; i < AP_LEN(cases); i++) {
		struct stand_in_base b = STAND_IN_BASE(cases[i].name, cases[i].file);
		struct ap_err err = AP_ERR_INIT;
		struct stand_in s;
		char *wheel = NULL;

		print_message("  case: %s\n", cases[i].name);
		start_inside(&s, &b);
		s.inv->py_minor = 12;
		assert_fails(ap_build_wheel(&wheel, s.source, &s.o, &err), &err, cases[i].code,
			cases[i].fails_with);
		assert_null(wheel);
		stop(&s);
	}
}

TEST(build_inside_without_a_runtime_says_both)
{
	struct stand_in_base b = STAND_IN_BASE(DEMO_NAME, DEMO);
	struct ap_err err = AP_ERR_INIT;
	struct stand_in s;
	char *wheel = NULL;

	b.cannot = true;
	start_inside(&s, &b);
	assert_int_equal(ap_build_wheel(&wheel, s.source, &s.o, &err), -1);
	assert_int_equal(err.code, AP_E_INPUT);
	assert_non_null(strstr(err.msg, "asks which Python builds it"));
	assert_true(ap_ends_with(err.msg, "; no runtime is there"));
	assert_int_equal(b.n_runs, 0);
	stop(&s);
}
