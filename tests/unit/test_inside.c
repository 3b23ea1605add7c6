#include "tests/unit/unit.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/child.h"
#include "base/fs.h"
#include "base/progress.h"
#include "cli/bundle.h"
#include "cli/inside.h"
#include "deps/parcel.h"

static int open_new(const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	return fd;
}

/* ---- parcels ---- */

static char *some_tree(void)
{
	char *dir = unit_tmpdir();
	ap_auto_free char *file = ap_fs_join(dir, "a b.txt");
	ap_auto_free char *sub = ap_fs_join(dir, "sub");
	ap_auto_free char *program = ap_fs_join(dir, "sub/run");
	ap_auto_free char *link = ap_fs_join(dir, "z");
	struct ap_err err = AP_ERR_INIT;

	assert_ok(ap_fs_mkdirs(sub, 0755, &err), &err);
	assert_ok(ap_fs_write(file, "f 3 x\n.\n", 8, 0644, &err), &err);
	assert_ok(ap_fs_write(program, "", 0, 0755, &err), &err);
	assert_int_equal(symlink("sub/run", link), 0);
	return dir;
}

TEST(parcels_hold_a_tree_as_it_is)
{
	static const struct {
		char kind;
		const char *name, *bytes;
	} want[] = {
		{ 'd', "top", "" },
		{ 'f', "top/a b.txt", "f 3 x\n.\n" },
		{ 'd', "top/sub", "" },
		{ 'x', "top/sub/run", "" },
		{ 'l', "top/z", "sub/run" },
	};
	ap_auto_free char *dir = some_tree();
	ap_auto_free char *out_dir = unit_tmpdir();
	ap_auto_free char *path = ap_fs_join(out_dir, "parcels");
	AP_CLEANUP(ap_parcels_release) struct ap_parcels p = { 0 };
	struct ap_err err = AP_ERR_INIT;
	ap_auto_fd int fd = open_new(path);

	assert_ok(ap_parcel_put_tree(fd, "top", dir, &err), &err);
	assert_ok(ap_parcel_end(fd, &err), &err);
	assert_ok(ap_parcels_open(&p, path, &err), &err);
	assert_int_equal(p.n, AP_LEN(want));
	for (size_t i = 0; i < p.n; i++) {
		struct ap_content *c = ap_parcels_content(&p, &p.v[i]);
		ap_auto_buf bytes = AP_BUF_INIT;
		ap_auto_reader r = NULL;

		assert_int_equal(p.v[i].kind, want[i].kind);
		assert_string_equal(p.v[i].name, want[i].name);
		assert_ok(c->ops->open(c, &r, &err), &err);
		assert_ok(ap_read_all(r, &bytes, &err), &err);
		assert_string_equal(bytes.p, want[i].bytes);
		c->ops->free(c);
	}
}

TEST(parcels_that_are_cut_or_are_none_are_refused)
{
	static const char whole[] = "f 3 a\nxyzx 0 b/c\nl 1 d\ne.\n";
	static const char *const none[] = { "", ".", "f 3\nabc.\n", "f x a\n.\n", "f -1 a\n.\n",
		"f 99999999999999999999 a\n.\n", "f 4 a\nxyz.\n", ".\nf 0 a\n", "ff 0 a\n.\n",
		"f 9223372036854775807 a\n.\n" };
	ap_auto_free char *dir = unit_tmpdir();
	ap_auto_free char *path = ap_fs_join(dir, "p");
	struct ap_err err = AP_ERR_INIT;
	struct ap_parcels p = { 0 };

	assert_ok(ap_fs_write(path, whole, sizeof(whole) - 1, 0600, &err), &err);
	assert_ok(ap_parcels_open(&p, path, &err), &err);
	assert_int_equal(p.n, 3);
	ap_parcels_release(&p);
	for (size_t n = 0; n < sizeof(whole) - 1; n++) {
		assert_ok(ap_fs_write(path, whole, n, 0600, &err), &err);
		assert_fails(ap_parcels_open(&p, path, &err), &err, AP_E_PROTO, "cut");
	}
	for (size_t i = 0; i < AP_LEN(none); i++) {
		assert_ok(ap_fs_write(path, none[i], strlen(none[i]), 0600, &err), &err);
		assert_fails(ap_parcels_open(&p, path, &err), &err, AP_E_PROTO, "cut");
	}
}

TEST(parcels_refuse_a_name_of_two_lines_and_a_fifo)
{
	ap_auto_free char *dir = unit_tmpdir();
	ap_auto_free char *fifo = ap_fs_join(dir, "fifo");
	ap_auto_free char *out_dir = unit_tmpdir();
	ap_auto_free char *path = ap_fs_join(out_dir, "p");
	struct ap_err err = AP_ERR_INIT;
	ap_auto_fd int fd = open_new(path);

	assert_fails(ap_parcel_put_bytes(fd, 'f', "a\nb", "", 0, &err), &err, AP_E_INPUT, "name");
	assert_int_equal(mkfifo(fifo, 0600), 0);
	assert_fails(ap_parcel_put_tree(fd, "t", dir, &err), &err, AP_E_INPUT, "neither a file");
}

/* ---- the command lines ---- */

TEST(inside_argv_gives_a_container_no_network_no_mount_and_nothing_of_our_environment)
{
	static const struct {
		const char *runtime, *want;
	} cases[] = {
		{ "podman",
			"podman run --rm --interactive --name=N --network=none --pull=never --user=0:0 "
			"--workdir=/ --http-proxy=false --entrypoint=/usr/bin/python3 IMAGE -c pass" },
		{ "docker",
			"docker run --rm --interactive --name=N --network=none --pull=never --user=0:0 "
			"--workdir=/ --entrypoint=/usr/bin/python3 IMAGE -c pass" },
		{ "buildah", "buildah run --isolation=chroot --user=0:0 --workingdir=/ IMAGE -- "
			     "/usr/bin/python3 -c pass" },
		{ "crun", "crun run --bundle IMAGE N" },
	};
	ap_auto_strv argv = { 0 };

	ap_strv_add(&argv, "/usr/bin/python3");
	ap_strv_add(&argv, "-c");
	ap_strv_add(&argv, "pass");
	for (size_t i = 0; i < AP_LEN(cases); i++) {
		ap_auto_strv words = { 0 };
		ap_auto_free char *line = NULL;

		ap_inside_argv(&words, cases[i].runtime, "IMAGE", "N", &argv);
		line = ap_strv_join(&words, " ");
		assert_string_equal(line, cases[i].want);
	}
}

TEST(bundle_inside_is_roots_and_has_a_network_of_its_own)
{
	static const char text[] =
		"{\"process\":{\"user\":{\"uid\":7,\"gid\":7},\"cwd\":\"/app\",\"args\":[\"sh\"]},"
		"\"linux\":{\"namespaces\":[{\"type\":\"pid\"},{\"type\":\"network\",\"path\":\"/x\"}]}}";
	ap_auto_strv argv = { 0 };
	ap_auto_json config = NULL;
	ap_auto_buf out = AP_BUF_INIT;
	struct ap_err err = AP_ERR_INIT;

	ap_strv_add(&argv, "python3");
	assert_ok(ap_json_parse(&config, text, strlen(text), &err), &err);
	for (int twice = 0; twice < 2; twice++)
		ap_bundle_inside(config, &argv);
	ap_json_print(&out, config, 0);
	assert_string_equal(out.p,
		"{\"process\":{\"user\":{\"uid\":0,\"gid\":0},\"cwd\":\"/\",\"args\":[\"python3\"]},"
		"\"linux\":{\"namespaces\":[{\"type\":\"pid\"},{\"type\":\"network\"}]}}");
}

static void say_much(struct ap_buf *said, const char *at_last)
{
	for (int i = 0; i < 500; i++)
		ap_buf_addf(said, "line %d\n", i);
	ap_buf_adds(said, at_last);
}

TEST(inside_last_words_are_one_line_of_what_came_last)
{
	ap_auto_buf said = AP_BUF_INIT;
	ap_auto_buf out = AP_BUF_INIT;

	say_much(&said, "\033[31mthe end\n\n");
	ap_inside_last_words(&out, said.p, said.len);
	assert_true(out.len < 700);
	assert_null(strchr(out.p, '\n'));
	assert_null(strchr(out.p, '\033'));
	assert_true(ap_ends_with(out.p, "the end"));
	assert_true(ap_starts_with(out.p, "line 4"));
}

TEST(inside_last_lines_are_whole_ones)
{
	ap_auto_buf said = AP_BUF_INIT;
	ap_auto_buf out = AP_BUF_INIT;

	say_much(&said, "  cause:\033[31m\r\n\n \n");
	ap_inside_last_lines(&out, said.p, said.len);
	assert_true(out.len <= 610);
	assert_true(ap_starts_with(out.p, "\nline 4"));
	assert_true(ap_ends_with(out.p, "\nline 499\n  cause:\\x1b[31m"));
}

/* ---- children with files for their streams ---- */

TEST(child_reads_and_writes_files_and_cleans_up_after_a_signal)
{
	const char *argv[] = { "sh", "-c", "read line; echo \"got $line\"", NULL };
	ap_auto_free char *dir = unit_tmpdir();
	ap_auto_free char *in = ap_fs_join(dir, "in");
	ap_auto_free char *out = ap_fs_join(dir, "out");
	ap_auto_buf text = AP_BUF_INIT;
	struct ap_child_opts o = { .argv = argv };
	struct ap_err err = AP_ERR_INIT;
	ap_auto_fd int in_fd = -1;
	ap_auto_fd int out_fd = open_new(out);
	int status = -1;

	assert_ok(ap_fs_write(in, "words\n", 6, 0600, &err), &err);
	in_fd = ap_fs_open_file(in, &err);
	o.in_fd = in_fd;
	o.out_fd = out_fd;
	ap_interrupt_set(2);
	assert_fails(ap_child_run(&o, &status, &err), &err, AP_E_CANCELLED, "interrupted");
	o.cleans_up = true;
	assert_int_equal(lseek(in_fd, 0, SEEK_SET), 0);
	assert_int_equal(ftruncate(out_fd, 0), 0);
	assert_int_equal(lseek(out_fd, 0, SEEK_SET), 0);
	assert_ok(ap_child_run(&o, &status, &err), &err);
	ap_interrupt_set(0);
	assert_int_equal(status, 0);
	assert_ok(ap_fs_read(&text, out, &err), &err);
	assert_string_equal(text.p, "got words\n");
}
