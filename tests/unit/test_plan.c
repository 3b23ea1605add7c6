#include "tests/unit/unit.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs.h"
#include "pack/plan.h"

static void put(const char *dir, const char *name, const char *text)
{
	struct ap_err err = AP_ERR_INIT;
	ap_auto_free char *path = ap_fs_join(dir, name);
	ap_auto_free char *up = ap_xstrndup(path, (size_t)(strrchr(path, '/') - path));

	assert_ok(ap_fs_mkdirs(up, 0755, &err), &err);
	assert_ok(ap_fs_write(path, text, strlen(text), 0644, &err), &err);
}

static struct ap_image_request request(const char *dir)
{
	return (struct ap_image_request){
		.executor_image = ap_xstrdup("example.com/base:1"),
		.local_package_path = ap_xstrdup(dir),
		.script = ap_xstrdup("trainer/task.py"),
		.source_date_epoch = -1,
	};
}

static void set(char **field, const char *value)
{
	free(*field);
	*field = value ? ap_xstrdup(value) : NULL;
}

#define auto_request AP_CLEANUP(ap_image_request_release) struct ap_image_request
#define auto_plan    AP_CLEANUP(ap_plan_release) struct ap_plan

static char *make_project(void)
{
	char *dir = unit_tmpdir();

	put(dir, "trainer/__init__.py", "");
	put(dir, "trainer/task.py", "print(1)\n");
	put(dir, "data/x.csv", "1\n");
	put(dir, "a/__init__.py", "");
	put(dir, "a/util.py", "");
	put(dir, "a/other/no.py", "");
	put(dir, "a/b/__init__.py", "");
	put(dir, "a/b/c.py", "");
	put(dir, "a/b/deep/d.py", "");
	return dir;
}

static char *list(const struct ap_tree *t)
{
	ap_auto_buf b = AP_BUF_INIT;

	for (size_t i = 0; i < t->n; i++)
		ap_buf_addf(&b, "%s%s%s", i ? " " : "", t->v[i].path,
			t->v[i].type == AP_ENTRY_DIR ? "/" : "");
	return ap_buf_steal(&b);
}

TEST(plan_maps_the_code_below_usr_app)
{
	ap_auto_free char *dir = make_project();
	auto_request req = request(dir);
	auto_plan p = { 0 };
	struct ap_err err = AP_ERR_INIT;

	ap_strv_add(&req.env, "A=b=c");
	ap_strv_add(&req.env, "HOME=/elsewhere");
	assert_ok(ap_plan_make(&p, &req, NULL, &err), &err);
	assert_int_equal(p.n_parts, 1);
	{
		ap_auto_free char *have = list(&p.parts[0].tree);
		ap_auto_free char *entry = ap_strv_join(&p.entrypoint, " ");
		ap_auto_free char *env = ap_strv_join(&p.env, " ");

		assert_string_equal(have,
			"home/ usr/app/ usr/app/trainer/ usr/app/trainer/__init__.py usr/app/trainer/task.py");
		assert_string_equal(entry, "python trainer/task.py");
		assert_string_equal(env, "HOME=/elsewhere PYTHONDONTWRITEBYTECODE=1 A=b=c");
	}
	assert_int_equal(p.parts[0].tree.v[0].mode, 0777);
	assert_int_equal(p.parts[0].tree.v[1].mode, 0777);
	assert_int_equal(p.epoch, 315532800);
	assert_true(
		ap_strv_has(&p.labels, "org.opencontainers.image.created=1980-01-01T00:00:00Z"));
	assert_int_equal(p.whiteouts.n, 0);
}

TEST(plan_of_a_nested_module_has_the_files_of_each_parent_package)
{
	ap_auto_free char *dir = make_project();
	auto_request req = request(dir);
	auto_plan p = { 0 };
	struct ap_err err = AP_ERR_INIT;

	set(&req.script, NULL);
	set(&req.python_module, "a.b.c");
	assert_ok(ap_plan_make(&p, &req, NULL, &err), &err);
	{
		ap_auto_free char *have = list(&p.parts[0].tree);
		ap_auto_free char *copies = ap_strv_join(&p.parts[0].copies, " ");

		assert_string_equal(have,
			"home/ usr/app/ usr/app/a/ usr/app/a/__init__.py usr/app/a/b/ "
			"usr/app/a/b/__init__.py usr/app/a/b/c.py usr/app/a/b/deep/ "
			"usr/app/a/b/deep/d.py usr/app/a/util.py");
		assert_string_equal(copies, "a/__init__.py a/util.py a/b");
	}
}

TEST(plan_has_a_part_per_extra_directory_and_nothing_twice)
{
	ap_auto_free char *dir = make_project();
	auto_request req = request(dir);
	auto_plan p = { 0 };
	struct ap_err err = AP_ERR_INIT;

	ap_strv_add(&req.extra_dirs, "data/");
	ap_strv_add(&req.extra_dirs, "trainer");
	ap_strv_add(&req.extra_dirs, "./trainer");
	assert_ok(ap_plan_make(&p, &req, NULL, &err), &err);
	assert_int_equal(p.n_parts, 3);
	{
		ap_auto_free char *data = list(&p.parts[0].tree);
		ap_auto_free char *code = list(&p.parts[2].tree);
		ap_auto_free char *copies = ap_strv_join(&p.parts[1].copies, " ");

		assert_string_equal(p.parts[0].title, "extra-dir data");
		assert_string_equal(data, "usr/app/ usr/app/data/ usr/app/data/x.csv");
		assert_string_equal(copies, "trainer ./trainer");
		assert_string_equal(code, "home/ usr/app/ usr/app/trainer/");
	}
}

TEST(plan_never_ignores_what_was_named)
{
	ap_auto_free char *dir = make_project();
	auto_request req = request(dir);
	auto_plan p = { 0 };
	struct ap_err err = AP_ERR_INIT;

	put(dir, ".dockerignore", "data\n**/*.py\n");
	ap_strv_add(&req.extra_dirs, "data");
	assert_ok(ap_plan_make(&p, &req, NULL, &err), &err);
	{
		ap_auto_free char *data = list(&p.parts[0].tree);
		ap_auto_free char *code = list(&p.parts[1].tree);
		ap_auto_free char *ignored = ap_strv_join(&p.ignored, " ");

		assert_string_equal(data, "usr/app/ usr/app/data/ usr/app/data/x.csv");
		assert_string_equal(
			code, "home/ usr/app/ usr/app/trainer/ usr/app/trainer/task.py");
		assert_string_equal(ignored, "trainer/__init__.py");
		assert_int_equal(p.n_ignored, 1);
	}
}

static void hear(void *ctx, const struct ap_event *ev)
{
	struct ap_buf *b = ctx;

	if (ev->kind == AP_EV_WARN || ev->kind == AP_EV_NOTE)
		ap_buf_addf(b, "%s\n", ev->note);
}

TEST(plan_counts_and_names_what_is_left_out)
{
	ap_auto_free char *dir = make_project();
	auto_request req = request(dir);
	auto_plan p = { 0 };
	struct ap_err err = AP_ERR_INIT;
	struct ap_progress progress;
	ap_auto_buf b = AP_BUF_INIT;

	put(dir, ".dockerignore", "**/*.tmp\n");
	for (int i = 0; i < 10; i++) {
		ap_auto_free char *name = ap_xasprintf("trainer/%d.tmp", i);

		put(dir, name, "x");
	}
	ap_progress_init(&progress, hear, &b);
	assert_ok(ap_plan_make(&p, &req, &progress, &err), &err);
	ap_progress_release(&progress);
	assert_string_equal(b.p,
		"10 left out: trainer/0.tmp, trainer/1.tmp, trainer/2.tmp, trainer/3.tmp, "
		"trainer/4.tmp, trainer/5.tmp, trainer/6.tmp, trainer/7.tmp and 2 more\n");
}

TEST(plan_knows_prebuilt_images)
{
	static const struct {
		const char *image;
		bool prebuilt;
	} cases[] = {
		{ "us-docker.pkg.dev/vertex-ai/training/tf-cpu.2-8:latest", true },
		{ "europe-docker.pkg.dev/vertex-ai/training/pytorch-gpu.1-13.py310", true },
		{ "asia-docker.pkg.dev/vertex-ai/training/scikit-learn-cpu.0-23:latest", true },
		{ "us-docker.pkg.dev/vertex-ai/training/training-tf-cpu.2-1:latest", true },
		{ "us-central1-docker.pkg.dev/vertex-ai/training/xgboost-cpu.1-1:latest", true },
		{ "us-docker.pkg.dev/vertex-ai-restricted/training/tf-cpu.2-12:latest", true },
		{ "us-docker.pkg.dev/vertex-ai/prediction/tf2-cpu.2-8:latest", false },
		{ "us-docker.pkg.dev/my-project/training/tf-cpu.2-8:latest", false },
		{ "us-dockerxpkgydev/vertex-ai/training/tf-x", false },
		{ "evil.com/us-docker.pkg.dev/vertex-ai/training/tf-cpu.2-8", false },
		{ "python:3.10-slim", false },
	};
	ap_auto_free char *dir = make_project();

	for (size_t i = 0; i < AP_LEN(cases); i++) {
		auto_request req = request(dir);
		auto_plan p = { 0 };
		struct ap_err err = AP_ERR_INIT;

		print_message("  case: %s\n", cases[i].image);
		set(&req.executor_image, cases[i].image);
		assert_ok(ap_plan_make(&p, &req, NULL, &err), &err);
		assert_int_equal(p.prebuilt, cases[i].prebuilt);
		assert_string_equal(p.entrypoint.v[0], cases[i].prebuilt ? "python3" : "python");
		assert_int_equal(p.whiteouts.n, cases[i].prebuilt ? 1 : 0);
	}
}

TEST(plan_says_which_key_is_wrong)
{
	static const struct {
		const char *key, *value, *fails_with;
	} cases[] = {
		{ "executor", "", "executor-image-uri: empty" },
		{ "executor", "Not An Image", "executor-image-uri: " },
		{ "dir", "/nonexistent", "local-package-path: \"/nonexistent\" is not there" },
		{ "dir", "/etc/passwd", "is not a directory" },
		{ "script", "nope.py", "script \"nope.py\": no such file" },
		{ "extra", "nope", "extra-dirs \"nope\": not there" },
		{ "extra", "..", "extra-dirs: \"..\" lies outside" },
		{ "extra", "", "extra-dirs: an empty path" },
		{ "package", "nope.whl", "extra-packages \"nope.whl\": not there" },
		{ "package", "../x.whl", "extra-packages: \"../x.whl\" lies outside" },
		{ "script link", NULL, "which is not in the image" },
	};

	for (size_t i = 0; i < AP_LEN(cases); i++) {
		ap_auto_free char *dir = make_project();
		auto_request req = request(dir);
		auto_plan p = { 0 };
		struct ap_err err = AP_ERR_INIT;

		print_message("  case: %s %s\n", cases[i].key, cases[i].value);
		if (ap_streq(cases[i].key, "executor"))
			set(&req.executor_image, cases[i].value);
		if (ap_streq(cases[i].key, "dir"))
			set(&req.local_package_path, cases[i].value);
		if (ap_streq(cases[i].key, "script"))
			set(&req.script, cases[i].value);
		if (ap_streq(cases[i].key, "extra"))
			ap_strv_add(&req.extra_dirs, cases[i].value);
		if (ap_streq(cases[i].key, "package"))
			ap_strv_add(&req.extra_packages, cases[i].value);
		if (ap_streq(cases[i].key, "script link")) {
			ap_auto_free char *link = ap_fs_join(dir, "trainer/link.py");

			assert_int_equal(symlink("../a/util.py", link), 0);
			set(&req.script, "trainer/link.py");
		}
		assert_fails(
			ap_plan_make(&p, &req, NULL, &err), &err, AP_E_INPUT, cases[i].fails_with);
	}
}

static void put_sized(const char *dir, const char *name, off_t size)
{
	ap_auto_free char *path = ap_fs_join(dir, name);
	int fd;

	put(dir, name, "");
	fd = open(path, O_WRONLY | O_CLOEXEC);
	assert_int_equal(ftruncate(fd, size), 0);
	close(fd);
}

TEST(plan_warns_of_directories_that_are_large_together)
{
	ap_auto_free char *dir = make_project();
	auto_request req = request(dir);
	struct ap_err err = AP_ERR_INIT;
	struct ap_progress progress;
	ap_auto_buf b = AP_BUF_INIT;

	ap_progress_init(&progress, hear, &b);
	put_sized(dir, "trainer/runs/1/model.ckpt", 40000000);
	put_sized(dir, "trainer/runs/2/model.ckpt", 40000000);
	{
		auto_plan p = { 0 };

		put_sized(dir, "trainer/huge.bin", 100000001);
		assert_ok(ap_plan_make(&p, &req, &progress, &err), &err);
		assert_null(strstr(b.p, "of files go into the image"));
	}
	{
		auto_plan p = { 0 };

		put_sized(dir, "trainer/logs/a/events", 22000000);
		assert_ok(ap_plan_make(&p, &req, &progress, &err), &err);
	}
	ap_progress_release(&progress);
	assert_non_null(strstr(b.p,
		"102 MB of files go into the image: trainer/runs/ 80 MB, trainer/logs/ 22 MB; name in .dockerignore what is not needed"));
}

TEST(plan_warns_of_large_files_credentials_and_dangling_links)
{
	ap_auto_free char *dir = make_project();
	ap_auto_free char *big = ap_fs_join(dir, "trainer/big.bin");
	ap_auto_free char *link = ap_fs_join(dir, "trainer/link");
	auto_request req = request(dir);
	auto_plan p = { 0 };
	struct ap_err err = AP_ERR_INIT;
	struct ap_progress progress;
	ap_auto_buf b = AP_BUF_INIT;
	int fd = open(big, O_CREAT | O_WRONLY | O_CLOEXEC, 0644);

	assert_int_equal(ftruncate(fd, 100000001), 0);
	close(fd);
	assert_int_equal(symlink("../data", link), 0);
	put(dir, "trainer/.env", "KEY=x\n");
	put(dir, "trainer/key.json", "{\"type\": \"service_account\", \"private_key\": \"x\"}");
	ap_progress_init(&progress, hear, &b);
	assert_ok(ap_plan_make(&p, &req, &progress, &err), &err);
	ap_progress_release(&progress);
	assert_non_null(strstr(b.p, "trainer/big.bin is large: 100 MB"));
	assert_non_null(strstr(b.p, "trainer/.env looks like a file of secret settings"));
	assert_non_null(strstr(b.p, "trainer/key.json looks like the key of a service account"));
	assert_non_null(strstr(b.p, "trainer/link is a link to \"../data\""));
}

static char *tag_of(const struct ap_image_request *req)
{
	auto_plan p = { 0 };
	struct ap_err err = AP_ERR_INIT;

	assert_ok(ap_plan_make(&p, req, NULL, &err), &err);
	return ap_xstrdup(p.tag);
}

TEST(tag_is_the_same_wherever_and_however_the_files_lie)
{
	ap_auto_free char *one = make_project();
	ap_auto_free char *two = unit_tmpdir();
	auto_request a = request(one);
	auto_request b = request(two);
	ap_auto_free char *task = ap_fs_join(two, "trainer/task.py");
	mode_t old = umask(077);

	/* Nothing is installed: where this machine looks for packages is no input. */
	ap_strv_add(&b.index_urls, "https://index.example/simple");

	/* In another order, with other modes and times, and with files that do not matter. */
	put(two, "unused.txt", "x");
	put(two, "trainer/task.py", "print(1)\n");
	put(two, "trainer/__init__.py", "");
	put(two, "trainer/__pycache__/task.pyc", "x");
	assert_int_equal(chmod(task, 0600), 0);
	umask(old);
	{
		ap_auto_free char *x = tag_of(&a);
		ap_auto_free char *y = tag_of(&b);

		assert_string_equal(x, y);
		assert_true(ap_starts_with(x, "ap-"));
		assert_int_equal(strlen(x), 43);
	}
}

enum what {
	EXECUTOR,
	SCRIPT,
	CONTENT,
	MODE,
	NEW_FILE,
	NEW_LINK,
	EXTRA,
	ENV,
	LABEL,
	PLATFORM,
	COMPRESSION,
	EPOCH,
	INDEX,
	ALLOW_BUILD,
	COMPILE,
	REQUIREMENT,
	REQUIREMENTS_TXT,
	PACKAGE,
	N_WHATS,
};

static void change(enum what w, const char *dir, struct ap_image_request *req)
{
	ap_auto_free char *task = ap_fs_join(dir, "trainer/task.py");
	ap_auto_free char *link = ap_fs_join(dir, "trainer/link");

	switch (w) {
	case EXECUTOR:
		set(&req->executor_image, "example.com/base:2");
		break;
	case SCRIPT:
		set(&req->script, "trainer/__init__.py");
		break;
	case CONTENT:
		put(dir, "trainer/task.py", "print(2)\n");
		break;
	case MODE:
		assert_int_equal(chmod(task, 0755), 0);
		break;
	case NEW_FILE:
		put(dir, "trainer/more.py", "");
		break;
	case NEW_LINK:
		assert_int_equal(symlink("task.py", link), 0);
		break;
	case EXTRA:
		ap_strv_add(&req->extra_dirs, "data");
		break;
	case ENV:
		ap_strv_add(&req->env, "A=b");
		break;
	case LABEL:
		ap_strv_add(&req->labels, "a=b");
		break;
	case PLATFORM:
		set(&req->platform, "linux/arm64");
		break;
	case COMPRESSION:
		req->compression = AP_ZSTD;
		break;
	case EPOCH:
		req->source_date_epoch = 0;
		break;
	case INDEX:
		ap_strv_add(&req->requirements, "six");
		ap_strv_add(&req->index_urls, "https://index.example/simple");
		ap_strv_add(&req->requirements, "six");
		break;
	case ALLOW_BUILD:
		ap_strv_add(&req->requirements, "six");
		ap_strv_add(&req->allow_build, ":all:");
		ap_strv_add(&req->requirements, "six");
		break;
	case COMPILE:
		req->compile = true;
		ap_strv_add(&req->requirements, "six");
		break;
	case REQUIREMENT:
		ap_strv_add(&req->requirements, "six");
		break;
	case REQUIREMENTS_TXT:
		put(dir, "requirements.txt", "six\n");
		break;
	case PACKAGE:
		put(dir, "p-1-py3-none-any.whl", "");
		ap_strv_add(&req->extra_packages, "p-1-py3-none-any.whl");
		break;
	case N_WHATS:
		break;
	}
}

TEST(tag_changes_with_every_input)
{
	ap_auto_strv seen = { 0 };

	for (int w = 0; w <= (int)N_WHATS; w++) {
		ap_auto_free char *dir = make_project();
		auto_request req = request(dir);
		ap_auto_free char *tag = NULL;

		print_message("  case: %d\n", w);
		change((enum what)w, dir, &req);
		tag = tag_of(&req);
		assert_false(ap_strv_has(&seen, tag));
		ap_strv_add(&seen, tag);
	}
}

TEST(plan_takes_the_time_from_the_epoch_given)
{
	static const struct {
		int64_t epoch;
		const char *label;
	} cases[] = {
		{ 0, "org.opencontainers.image.created=1970-01-01T00:00:00Z" },
		{ 951782399, "org.opencontainers.image.created=2000-02-28T23:59:59Z" },
		{ 951782400, "org.opencontainers.image.created=2000-02-29T00:00:00Z" },
		{ 1700000000, "org.opencontainers.image.created=2023-11-14T22:13:20Z" },
	};
	ap_auto_free char *dir = make_project();

	for (size_t i = 0; i < AP_LEN(cases); i++) {
		auto_request req = request(dir);
		auto_plan p = { 0 };
		struct ap_err err = AP_ERR_INIT;

		req.source_date_epoch = cases[i].epoch;
		assert_ok(ap_plan_make(&p, &req, NULL, &err), &err);
		assert_int_equal(p.epoch, cases[i].epoch);
		assert_true(ap_strv_has(&p.labels, cases[i].label));
	}
}

TEST(tag_of_code_alone_does_not_depend_on_where_packages_come_from)
{
	ap_auto_free char *dir = make_project();
	auto_request req = request(dir);
	ap_auto_free char *before = tag_of(&req);
	ap_auto_free char *after = NULL;

	ap_strv_add(&req.index_urls, "https://index.example/simple");
	ap_strv_add(&req.allow_build, ":all:");
	after = tag_of(&req);
	assert_string_equal(before, after);
}
