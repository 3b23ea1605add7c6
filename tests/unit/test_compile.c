#include "tests/unit/unit.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/child.h"
#include "base/fs.h"
#include "deps/compile.h"
#include "tests/unit/base_image.h"

/* This machine's Python stands for a base's: the program is the real one. */
static unsigned n_runs;

static int run_here(struct ap_inside *in AP_UNUSED, const struct ap_strv *argv, int in_fd,
	int out_fd, struct ap_err *err)
{
	struct ap_child_opts o = {
		.argv = (const char *const *)argv->v, .in_fd = in_fd, .out_fd = out_fd
	};
	int status = 0;

	n_runs++;
	if (ap_child_run(&o, &status, err) < 0)
		return -1;
	return status ? ap_err_set(err, AP_E_CHILD, "status %d", status) : 0;
}

static struct ap_locked locked(char *filename, char digit)
{
	struct ap_locked l = { .filename = filename };

	memset(l.digest.s, 0, sizeof(l.digest.s));
	l.digest.s[0] = digit;
	return l;
}

/* The bytecode of two wheels, added in this order, as one text: names, and digests of the bytes. */
static void compile_in_order(struct ap_buf *out, struct ap_inside *in, struct ap_inventory *inv,
	const char *cache, bool swap)
{
	char demo[] = "demo-1.0-py3-none-any.whl";
	char stream[] = "stream-1-py3-none-any.whl";
	struct ap_locked l[] = { locked(demo, '1'), locked(stream, '2') };
	struct ap_compile *c = NULL;
	struct ap_err err = AP_ERR_INIT;

	assert_ok(ap_compile_new(&c, in, inv, cache, &err), &err);
	for (size_t k = 0; k < 2; k++) {
		struct ap_locked *one = &l[swap ? 1 - k : k];
		ap_auto_free char *path = ap_fs_join("fixtures/wheels/good", one->filename);
		struct ap_parcels none = { 0 };

		assert_false(ap_compile_get(&none, c, one));
		assert_ok(ap_compile_add(c, path, one, &err), &err);
	}
	assert_ok(ap_compile_run(c, &err), &err);
	for (size_t k = 0; k < 2; k++) {
		AP_CLEANUP(ap_parcels_release) struct ap_parcels p = { 0 };

		assert_true(ap_compile_get(&p, c, &l[k]));
		for (size_t i = 0; i < p.n; i++) {
			ap_auto_buf bytes = AP_BUF_INIT;
			ap_auto_reader r = NULL;
			struct ap_digest d;

			assert_ok(ap_parcels_reader(&r, &p, &p.v[i], &err), &err);
			assert_ok(ap_read_all(r, &bytes, &err), &err);
			ap_sha256_of(&d, bytes.p, bytes.len);
			ap_buf_addf(out, "%s %s\n", p.v[i].name, d.s);
		}
	}
	ap_compile_free(c);
}

TEST(compile_depends_on_a_file_its_path_and_the_python_alone)
{
	ap_auto_free char *python = ap_child_find("python3", NULL);
	char base[] = "sha256:00";
	struct ap_inside in = { .base = base, .python = python, .run = run_here };
	struct ap_inventory *inv = base_image(NULL, NULL);
	ap_auto_buf a = AP_BUF_INIT;
	ap_auto_buf b = AP_BUF_INIT;

	for (int swap = 0; swap < 2; swap++) {
		ap_auto_free char *cache = unit_tmpdir();

		compile_in_order(swap ? &b : &a, &in, inv, cache, swap);
	}
	assert_string_equal(a.p, b.p);
	assert_non_null(strstr(a.p, "/__pycache__/"));
	ap_inventory_free(inv);
}

TEST(compile_asks_nothing_when_there_is_nothing)
{
	char base[] = "sha256:00";
	struct ap_inside in = { .base = base, .run = run_here };
	struct ap_inventory *inv = base_image(NULL, NULL);
	ap_auto_free char *cache = unit_tmpdir();
	struct ap_compile *c = NULL;
	struct ap_err err = AP_ERR_INIT;

	n_runs = 0;
	assert_ok(ap_compile_new(&c, &in, inv, cache, &err), &err);
	assert_ok(ap_compile_run(c, &err), &err);
	assert_int_equal(n_runs, 0);
	ap_compile_free(c);
	ap_inventory_free(inv);
}

TEST(compile_takes_nothing_that_was_changed_since)
{
	ap_auto_free char *python = ap_child_find("python3", NULL);
	char base[] = "sha256:00";
	char demo[] = "demo-1.0-py3-none-any.whl";
	struct ap_inside in = { .base = base, .python = python, .run = run_here };
	struct ap_inventory *inv = base_image(NULL, NULL);
	ap_auto_free char *cache = unit_tmpdir();
	struct ap_locked l = locked(demo, '1');
	struct ap_compile *c = NULL;
	struct ap_err err = AP_ERR_INIT;
	struct ap_parcels p = { 0 };
	ap_auto_buf bytes = AP_BUF_INIT;
	ap_auto_free char *path = NULL;
	ap_auto_fd int fd = -1;

	assert_ok(ap_compile_new(&c, &in, inv, cache, &err), &err);
	assert_ok(ap_compile_add(c, "fixtures/wheels/good/demo-1.0-py3-none-any.whl", &l, &err),
		&err);
	assert_ok(ap_compile_run(c, &err), &err);
	assert_true(ap_compile_get(&p, c, &l));
	assert_true(p.n > 0);
	path = ap_xstrdup(p.path);
	assert_ok(ap_fs_read(&bytes, path, &err), &err);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	for (size_t i = 0; i < bytes.len; i++) {
		struct ap_parcels none = { 0 };

		char other = (char)(bytes.p[i] ^ 1);

		assert_int_equal(pwrite(fd, &other, 1, (off_t)i), 1);
		assert_false(ap_compile_get(&none, c, &l));
		assert_int_equal(pwrite(fd, &bytes.p[i], 1, (off_t)i), 1);
	}
	ap_parcels_release(&p);
	ap_compile_free(c);
	ap_inventory_free(inv);
}
