#include "tests/unit/unit.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs.h"
#include "pack/spool.h"

static char *file_of(char **path, size_t n, char fill)
{
	ap_auto_free char *dir = unit_tmpdir();
	char *p = ap_xmalloc(n);
	struct ap_err err = AP_ERR_INIT;

	for (size_t i = 0; i < n; i++)
		p[i] = (char)(fill + (char)(i % 50));
	*path = ap_fs_join(dir, "f");
	assert_ok(ap_fs_write(*path, p, n, 0600, &err), &err);
	return p;
}

static void content_is(const struct ap_content *c, const struct ap_buf *want)
{
	ap_auto_buf found = AP_BUF_INIT;
	ap_auto_reader r = NULL;
	struct ap_err err = AP_ERR_INIT;

	assert_ok(c->ops->open(c, &r, &err), &err);
	for (int twice = 0; twice < 2; twice++) {
		ap_buf_reset(&found);
		assert_ok(ap_read_all(r, &found, &err), &err);
		assert_int_equal(found.len, want->len);
		assert_memory_equal(found.p, want->p, want->len);
		assert_ok(ap_rewind(r, &err), &err);
	}
}

TEST(spool_gives_back_its_own_bytes_and_those_of_files_in_order)
{
	static const size_t own[] = { 10, 3, AP_SPOOL_MEMORY, 7, 100000 };

	for (size_t rounds = 1; rounds <= AP_LEN(own); rounds++) {
		ap_auto_free char *path = NULL;
		ap_auto_free char *p = file_of(&path, 200000, 'a');
		ap_auto_free char *dir = unit_tmpdir();
		ap_auto_fd int fd = open(path, O_RDONLY | O_CLOEXEC);
		ap_auto_buf want = AP_BUF_INIT;
		struct ap_content *c = NULL;
		struct ap_err err = AP_ERR_INIT;
		struct ap_spool s;
		int file;

		print_message("  case: %zu pieces\n", rounds);
		ap_spool_init(&s, dir);
		file = ap_spool_file(&s, fd);
		assert_int_equal(file, 0);
		assert_int_equal(ap_spool_file(&s, fd), 0);
		for (size_t i = 0; i < rounds; i++) {
			ap_auto_free char *mine = ap_xmalloc(own[i]);

			memset(mine, 'A' + (int)i, own[i]);
			assert_ok(ap_spool_write(&s, mine, own[i], &err), &err);
			ap_buf_add(&want, mine, own[i]);
			ap_spool_refer(&s, file, i * 1000, 30000);
			ap_spool_refer(&s, file, i * 1000 + 30000, 5);
			ap_buf_add(&want, p + i * 1000, 30005);
		}
		assert_int_equal(s.size, want.len);
		assert_int_equal(s.n_ranges, 2 * rounds);
		ap_spool_content(&c, &s);
		content_is(c, &want);
		c->ops->free(c);
	}
}

TEST(spool_tells_when_a_file_changed)
{
	ap_auto_free char *path = NULL;
	ap_auto_free char *p = file_of(&path, 1000, 'a');
	ap_auto_fd int fd = open(path, O_RDWR | O_CLOEXEC);
	ap_auto_buf found = AP_BUF_INIT;
	struct ap_content *c = NULL;
	struct ap_err err = AP_ERR_INIT;
	struct ap_spool s;
	struct timespec then[2] = { { .tv_sec = 1 }, { .tv_sec = 1 } };

	ap_spool_init(&s, NULL);
	ap_spool_refer(&s, ap_spool_file(&s, fd), 0, 1000);
	ap_spool_content(&c, &s);
	futimens(fd, then);
	for (int shorter = 0; shorter < 2; shorter++) {
		ap_auto_reader r = NULL;

		assert_ok(c->ops->open(c, &r, &err), &err);
		assert_fails(ap_read_all(r, &found, &err), &err, AP_E_CHANGED,
			shorter ? "shorter" : "changed while it was sent");
		ap_err_clear(&err);
		assert_fails(ap_read_all(r, &found, &err), &err, AP_E_CHANGED, "already failed");
		ap_err_clear(&err);
		assert_int_equal(ftruncate(fd, 10), 0);
	}
	c->ops->free(c);
}

TEST(spool_opens_a_few_files_and_no_more)
{
	struct ap_spool s;

	ap_spool_init(&s, NULL);
	for (int i = 0; i < AP_SPOOL_FILES + 2; i++) {
		ap_auto_free char *path = NULL;
		ap_auto_free char *p = file_of(&path, 10, 'a');
		ap_auto_fd int fd = open(path, O_RDONLY | O_CLOEXEC);

		assert_int_equal(ap_spool_file(&s, fd), i < AP_SPOOL_FILES ? i : -1);
	}
	assert_int_equal(ap_spool_file(&s, -1), -1);
	ap_spool_release(&s);
}
