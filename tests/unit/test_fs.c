#include "tests/unit/unit.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/pool.h"
#include "base/progress.h"

static size_t count_names(const char *dir)
{
	DIR *d = opendir(dir);
	size_t n = 0;

	assert_non_null(d);
	while (readdir(d))
		n++;
	closedir(d);
	return n - 2;
}

TEST(fs_a_directory_without_a_name_is_refused)
{
	struct ap_err err = AP_ERR_INIT;

	assert_fails(ap_fs_mkdirs("", 0700, &err), &err, AP_E_IO, "make directory");
}

TEST(a_file_not_committed_leaves_the_old_one_and_no_trace)
{
	ap_auto_free char *dir = unit_tmpdir();
	ap_auto_free char *path = ap_fs_join(dir, "f");
	struct ap_fs_temp t = AP_FS_TEMP_INIT;
	struct ap_err err = AP_ERR_INIT;
	ap_auto_buf b = AP_BUF_INIT;

	assert_ok(ap_fs_write(path, "old", 3, 0644, &err), &err);
	assert_ok(ap_fs_temp_open(&t, path, 0644, &err), &err);
	assert_ok(ap_write_all(t.fd, "new", 3, &err), &err);
	ap_fs_temp_release(&t);
	assert_ok(ap_fs_read(&b, path, &err), &err);
	assert_string_equal(b.p, "old");
	assert_int_equal(count_names(dir), 1);
}

TEST(reading_a_file_keeps_to_the_limit)
{
	ap_auto_free char *dir = unit_tmpdir();
	ap_auto_free char *path = ap_fs_join(dir, "f");
	struct ap_err err = AP_ERR_INIT;
	ap_auto_buf b = AP_BUF_MAX(5);

	assert_ok(ap_fs_write(path, "123456", 6, 0644, &err), &err);
	assert_fails(ap_fs_read(&b, path, &err), &err, AP_E_LIMIT, "limit of 5 bytes");
	assert_fails(ap_fs_read(&b, dir, &err), &err, AP_E_IO, "Is a directory");
}

TEST(removing_a_tree_does_not_follow_links)
{
	ap_auto_free char *dir = unit_tmpdir();
	ap_auto_free char *tree = ap_fs_join(dir, "tree/sub");
	ap_auto_free char *keep = ap_fs_join(dir, "keep");
	ap_auto_free char *link = ap_fs_join(dir, "tree/sub/link");
	ap_auto_free char *top = ap_fs_join(dir, "tree");
	struct ap_err err = AP_ERR_INIT;

	assert_ok(ap_fs_mkdirs(tree, 0755, &err), &err);
	assert_ok(ap_fs_mkdirs(keep, 0755, &err), &err);
	assert_int_equal(symlink(keep, link), 0);
	assert_ok(ap_fs_remove_tree(top, &err), &err);
	assert_false(ap_fs_is_dir(top));
	assert_true(ap_fs_is_dir(keep));
	assert_ok(ap_fs_remove_tree(top, &err), &err);
}

static int add_one(void *arg, struct ap_err *err AP_UNUSED)
{
	atomic_fetch_add((atomic_int *)arg, 1);
	return 0;
}

static int break_cable(void *arg, struct ap_err *err)
{
	return ap_err_set(err, AP_E_NET, "%s", (const char *)arg);
}

TEST(pool_runs_every_job_and_can_be_used_again)
{
	AP_CLEANUP(ap_pool_freep) struct ap_pool *p = NULL;
	struct ap_err err = AP_ERR_INIT;
	atomic_int n = 0;

	ap_pool_new(&p, 4);
	for (int round = 1; round <= 2; round++) {
		for (int i = 0; i < 1000; i++)
			ap_pool_submit(p, add_one, &n);
		assert_ok(ap_pool_wait(p, &err), &err);
		assert_int_equal(n, 1000 * round);
	}
}

TEST(pool_reports_the_failure_and_drops_what_is_left)
{
	static char cable[] = "cable cut";
	AP_CLEANUP(ap_pool_freep) struct ap_pool *p = NULL;
	struct ap_err err = AP_ERR_INIT;
	atomic_int n = 0;

	ap_pool_new(&p, 1);
	ap_pool_submit(p, break_cable, cable);
	assert_fails(ap_pool_wait(p, &err), &err, AP_E_NET, "cable cut");
	assert_true(ap_pool_stopped(p));
	ap_pool_submit(p, add_one, &n);
	assert_fails(ap_pool_wait(p, &err), &err, AP_E_NET, "cable cut");
	assert_int_equal(n, 0);
}

static void keep_note(void *ctx, const struct ap_event *ev)
{
	ap_strv_addf(ctx, "%s:%s", ap_step_name(ev->step), ev->note);
}

TEST(progress_reaches_its_consumer_or_nobody)
{
	struct ap_progress p;
	ap_auto_strv got = { 0 };

	ap_emit_note(NULL, AP_STEP_PLAN, "nobody listens");
	ap_progress_init(&p, keep_note, &got);
	ap_emit_warn(&p, AP_STEP_UPLOAD, "%d left", 3);
	ap_progress_release(&p);
	assert_int_equal(got.n, 1);
	assert_string_equal(got.v[0], "upload:3 left");
}

TEST(fs_sweep_removes_what_killed_runs_left_and_nothing_else)
{
	struct ap_err err = AP_ERR_INIT;
	ap_auto_free char *dir = unit_tmpdir();
	static const struct {
		const char *name;
		bool stays;
	} cases[] = {
		{ "a.tmp.Ab12Cd", false },
		{ "b.tmp.000000", false },
		{ "a.tmp.short", true },
		{ "a.tmp.Ab12C-", true },
		{ "tmp.Ab12Cd", true },
		{ "a", true },
	};
	struct ap_fs_temp busy = AP_FS_TEMP_INIT;
	ap_auto_free char *live = ap_fs_join(dir, "live");
	ap_auto_free char *temp = NULL;

	for (size_t i = 0; i < AP_LEN(cases); i++) {
		ap_auto_free char *path = ap_fs_join(dir, cases[i].name);

		assert_ok(ap_fs_write(path, "x", 1, 0600, &err), &err);
	}
	assert_ok(ap_fs_temp_open(&busy, live, 0600, &err), &err);
	temp = ap_xstrdup(busy.temp);
	ap_fs_sweep(dir, "b");
	{
		ap_auto_free char *a = ap_fs_join(dir, cases[0].name);
		ap_auto_free char *b = ap_fs_join(dir, cases[1].name);

		assert_true(ap_fs_is_file(a));
		assert_false(ap_fs_is_file(b));
	}
	ap_fs_sweep(dir, NULL);
	for (size_t i = 0; i < AP_LEN(cases); i++) {
		ap_auto_free char *path = ap_fs_join(dir, cases[i].name);

		print_message("  case: %s\n", cases[i].name);
		assert_int_equal(ap_fs_is_file(path), cases[i].stays);
	}
	assert_true(ap_fs_is_file(temp));
	assert_ok(ap_fs_temp_commit(&busy, &err), &err);
	assert_true(ap_fs_is_file(live));
}

TEST(fs_sweep_tree_takes_temporary_directories_and_follows_no_link)
{
	ap_auto_free char *dir = unit_tmpdir();
	ap_auto_free char *outside = unit_tmpdir();
	ap_auto_free char *link = ap_fs_join(dir, "link");
	struct ap_err err = AP_ERR_INIT;
	static const struct {
		const char *path; /* of a file */
		bool stays;
	} files[] = {
		{ "a.tmp.AbC123", false },
		{ "one/b.tmp.AbC123", false },
		{ "one/two/c.tmp.AbC123", false },
		{ "one/two/three/d.tmp.AbC123", true }, /* deeper than was asked for */
		{ "one/work.tmp.AbC123/deep/secret", false },
		{ "one/kept", true },
		{ "one/work.tmp.short/f", true },
	};

	for (size_t i = 0; i < AP_LEN(files); i++) {
		ap_auto_free char *path = ap_fs_join(dir, files[i].path);
		ap_auto_free char *parent = ap_xstrndup(path, (size_t)(strrchr(path, '/') - path));

		assert_ok(ap_fs_mkdirs(parent, 0700, &err), &err);
		assert_ok(ap_fs_write(path, "x", 1, 0600, &err), &err);
	}
	{
		ap_auto_free char *path = ap_fs_join(outside, "g.tmp.AbC123");

		assert_ok(ap_fs_write(path, "x", 1, 0600, &err), &err);
		assert_int_equal(symlink(outside, link), 0);
		ap_fs_sweep_tree(dir, 2, NULL);
		assert_true(ap_fs_is_file(path));
	}
	for (size_t i = 0; i < AP_LEN(files); i++) {
		ap_auto_free char *path = ap_fs_join(dir, files[i].path);

		print_message("  case: %s\n", files[i].path);
		assert_int_equal(ap_fs_is_file(path), files[i].stays);
	}
}

TEST(fs_suggestion_is_what_the_user_would_type)
{
	static const struct {
		const char *dir, *path, *says; /* NULL: nothing */
	} cases[] = {
		{ ".", "other.sh", NULL },
		{ ".", "trainer/tusk.py", "; did you mean \"trainer/task.py\"?" },
		{ "trainer", "tsak.py", "; did you mean \"task.py\"?" },
		{ "trainer/", "tsak.py", "; did you mean \"task.py\"?" },
		{ "trianer", "task.py", "; did you mean \"trainer/task.py\"?" },
		{ "trainer", "trainer/task.py", "; did you mean \"task.py\"?" },
		{ "./trainer", "./trainer//task.py", "; did you mean \"task.py\"?" },
		{ "trainer", "trainer/nothing.like.it", NULL },
	};
	ap_auto_free char *top = unit_tmpdir();
	ap_auto_free char *dir = ap_fs_join(top, "trainer");
	ap_auto_free char *file = ap_fs_join(dir, "task.py");
	ap_auto_free char *before = getcwd(NULL, 0);
	struct ap_err err = AP_ERR_INIT;

	assert_ok(ap_fs_mkdirs(dir, 0700, &err), &err);
	assert_ok(ap_fs_write(file, "x", 1, 0600, &err), &err);
	assert_int_equal(chdir(top), 0);
	for (size_t i = 0; i < AP_LEN(cases); i++) {
		print_message("  case: %s %s\n", cases[i].dir, cases[i].path);
		ap_err_clear(&err);
		(void)!ap_err_set(&err, AP_E_INPUT, "no");
		assert_int_equal(ap_fs_suggest_in(&err, cases[i].dir, cases[i].path), -1);
		assert_string_equal(err.msg + 2, cases[i].says ? cases[i].says : "");
	}
	assert_int_equal(chdir(before), 0);
}

/* A FIFO that is read by this process too: neither side waits. */
static int open_fifo(const char *path)
{
	assert_int_equal(mkfifo(path, 0600), 0);
	return open(path, O_RDWR | O_CLOEXEC);
}

TEST(a_file_that_the_user_names_is_replaced_but_a_pipe_is_written_to_and_a_link_followed)
{
	ap_auto_free char *dir = unit_tmpdir();
	ap_auto_free char *fifo = ap_fs_join(dir, "fifo");
	ap_auto_free char *file = ap_fs_join(dir, "file");
	ap_auto_free char *link = ap_fs_join(dir, "link");
	ap_auto_fd int fd = open_fifo(fifo);
	const char *const paths[] = { fifo, link };
	struct ap_err err = AP_ERR_INIT;
	ap_auto_buf b = AP_BUF_INIT;
	char got[8] = "";
	struct stat st;

	assert_ok(ap_fs_write(file, "old", 3, 0644, &err), &err);
	assert_int_equal(symlink("file", link), 0);
	for (size_t i = 0; i < AP_LEN(paths); i++) {
		struct ap_fs_temp t = AP_FS_TEMP_INIT;

		assert_ok(ap_fs_temp_open_named(&t, paths[i], 0644, &err), &err);
		assert_ok(ap_write_all(t.fd, "new", 3, &err), &err);
		assert_ok(ap_fs_temp_commit(&t, &err), &err);
	}
	assert_int_equal(lstat(fifo, &st), 0);
	assert_true(S_ISFIFO(st.st_mode));
	assert_int_equal(read(fd, got, sizeof(got)), 3);
	assert_string_equal(got, "new");
	assert_int_equal(lstat(link, &st), 0);
	assert_true(S_ISLNK(st.st_mode));
	assert_ok(ap_fs_read(&b, file, &err), &err);
	assert_string_equal(b.p, "new");
	assert_int_equal(count_names(dir), 3);
}

TEST(a_file_that_the_user_names_may_be_a_pipe_that_is_read_to_its_end)
{
	ap_auto_free char *dir = unit_tmpdir();
	ap_auto_free char *fifo = ap_fs_join(dir, "fifo");
	ap_auto_free char *by_number = NULL;
	int fds[2];
	struct ap_err err = AP_ERR_INIT;
	ap_auto_buf b = AP_BUF_INIT;

	assert_int_equal(pipe(fds), 0);
	assert_int_equal(write(fds[1], "text", 4), 4);
	close(fds[1]);
	by_number = ap_xasprintf("/dev/fd/%d", fds[0]);
	assert_ok(ap_fs_read_named(&b, by_number, &err), &err);
	close(fds[0]);
	assert_string_equal(b.p, "text");
	assert_fails(ap_fs_read_named(&b, dir, &err), &err, AP_E_IO, "Is a directory");
	assert_fails(ap_fs_read_named(&b, fifo, &err), &err, AP_E_IO, "No such file");
}
