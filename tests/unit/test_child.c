#include "tests/unit/unit.h"

#include <signal.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/child.h"
#include "base/fs.h"
#include "base/progress.h"

static int sh(
	const char *script, struct ap_buf *out, unsigned timeout, int *status, struct ap_err *err)
{
	const char *argv[] = { "sh", "-c", script, NULL };
	struct ap_child_opts o = { .argv = argv, .out = out, .timeout = timeout };

	return ap_child_run(&o, status, err);
}

TEST(child_gives_output_input_environment_and_status)
{
	const char *argv[] = { "sh", "-c", "cat; echo $X; pwd; echo bad >&2; exit 7", NULL };
	const char *env[] = { "X=there", "PATH=/usr/bin:/bin", NULL };
	struct ap_err err = AP_ERR_INIT;
	ap_auto_buf out = AP_BUF_INIT;
	ap_auto_buf errout = AP_BUF_INIT;
	struct ap_child_opts o = { .argv = argv,
		.env = env,
		.cwd = "/",
		.input = "in\n",
		.input_len = 3,
		.out = &out,
		.errout = &errout };
	int status = -1;

	assert_ok(ap_child_run(&o, &status, &err), &err);
	assert_int_equal(status, 7);
	assert_string_equal(out.p, "in\nthere\n/\n");
	assert_string_equal(errout.p, "bad\n");
}

TEST(child_status_of_a_signal_is_128_more)
{
	struct ap_err err = AP_ERR_INIT;
	int status = -1;

	assert_ok(sh("kill -9 $$", NULL, 0, &status, &err), &err);
	assert_int_equal(status, 137);
}

TEST(child_that_does_not_read_its_input_is_no_error)
{
	const char *argv[] = { "true", NULL };
	ap_auto_buf big = AP_BUF_INIT;
	struct ap_child_opts o = { .argv = argv };
	struct ap_err err = AP_ERR_INIT;
	int status = -1;

	memset(ap_buf_grow(&big, 1 << 20), 'x', 1 << 20);
	o.input = big.p;
	o.input_len = 1 << 20;
	assert_ok(ap_child_run(&o, &status, &err), &err);
	assert_int_equal(status, 0);
}

TEST(child_with_too_much_output_is_stopped)
{
	ap_auto_buf out = AP_BUF_MAX(1000);
	struct ap_err err = AP_ERR_INIT;
	int status;

	assert_fails(sh("while :; do echo 0123456789; done", &out, 20, &status, &err), &err,
		AP_E_CHILD, "more than 1000 bytes");
}

TEST(child_out_of_time_is_killed_with_its_own_children)
{
	ap_auto_free char *dir = unit_tmpdir();
	ap_auto_free char *script =
		ap_xasprintf("trap '' TERM; cd %s; sleep 100 & echo $! >pid; wait; wait", dir);
	ap_auto_free char *pidfile = ap_fs_join(dir, "pid");
	ap_auto_buf out = AP_BUF_INIT;
	ap_auto_buf pid = AP_BUF_INIT;
	struct ap_err err = AP_ERR_INIT;
	int status;

	assert_fails(
		sh(script, &out, 1, &status, &err), &err, AP_E_CHILD, "no end after 1 seconds");
	assert_ok(ap_fs_read(&pid, pidfile, &err), &err);
	for (int i = 0; i < 100 && kill((pid_t)strtol(pid.p, NULL, 10), 0) == 0; i++) {
		struct timespec t = { 0, 20000000 };
		ap_auto_free char *stat = ap_xasprintf("/proc/%ld/stat", strtol(pid.p, NULL, 10));
		ap_auto_buf text = AP_BUF_INIT;

		/* Nobody may be there to reap it: a zombie is dead enough. */
		if (ap_fs_read(&text, stat, &err) < 0 || strstr(text.p, ") Z"))
			return;
		if (i == 99)
			fail_msg("the grandchild lives");
		nanosleep(&t, NULL);
	}
}

TEST(child_is_stopped_by_an_interrupt)
{
	struct ap_err err = AP_ERR_INIT;
	int status;

	ap_interrupt_set(SIGINT);
	assert_fails(sh("sleep 100", NULL, 0, &status, &err), &err, AP_E_CANCELLED, "interrupted");
	ap_interrupt_set(0);
	assert_false(ap_interrupted());
}

TEST(child_left_behind_by_its_parent_does_not_hold_us)
{
	ap_auto_buf out = AP_BUF_INIT;
	struct ap_err err = AP_ERR_INIT;
	time_t before = time(NULL);
	int status = -1;

	assert_ok(sh("sleep 6 & echo done", &out, 0, &status, &err), &err);
	assert_string_equal(out.p, "done\n");
	assert_true(time(NULL) - before < 5);
}

TEST(child_is_never_taken_from_the_current_directory)
{
	ap_auto_free char *dir = unit_tmpdir();
	ap_auto_free char *prog = ap_fs_join(dir, "prog");
	ap_auto_free char *found = NULL;
	ap_auto_free char *cwd = getcwd(NULL, 0);
	struct ap_err err = AP_ERR_INIT;

	assert_ok(ap_fs_write(prog, "#!/bin/sh\n", 10, 0755, &err), &err);
	assert_int_equal(chdir(dir), 0);
	assert_null(ap_child_find("prog", ":.:relative"));
	assert_null(ap_child_find("prog", ""));
	assert_int_equal(chdir(cwd), 0);
	found = ap_child_find("prog", dir);
	assert_string_equal(found, prog);
}

TEST(child_without_a_program_says_so)
{
	const char *argv[] = { "no-such-program-here", NULL };
	struct ap_child_opts o = { .argv = argv };
	struct ap_err err = AP_ERR_INIT;
	int status;

	assert_fails(ap_child_run(&o, &status, &err), &err, AP_E_NOT_FOUND, "on PATH");
}
