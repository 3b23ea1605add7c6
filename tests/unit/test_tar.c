#include "tests/unit/unit.h"

#include <archive.h>
#include <archive_entry.h>

#include "base/str.h"
#include "pack/tar.h"

static void header(struct ap_buf *out, struct ap_entry *e)
{
	struct ap_err err = AP_ERR_INIT;

	assert_ok(ap_tar_header(out, e, 315532800, &err), &err);
}

static void repeat(char *to, size_t n, const char *unit)
{
	size_t k = strlen(unit);

	for (size_t i = 0; i < n; i++)
		to[i] = unit[i % k];
	to[n] = '\0';
}

TEST(tar_short_names_need_one_block)
{
	ap_auto_buf b = AP_BUF_INIT;
	char name[] = "usr/app/task.py";

	header(&b, &(struct ap_entry){ .path = name, .mode = 0644, .size = 5 });
	assert_int_equal(b.len, AP_TAR_BLOCK);
	assert_string_equal(b.p, "usr/app/task.py");
	assert_string_equal(b.p + 100, "0000644");
	assert_string_equal(b.p + 124, "00000000005");
	assert_string_equal(b.p + 136, "02263523000");
	assert_memory_equal(b.p + 257, "ustar\00000", 8);
	assert_int_equal(b.p[265], 0); /* no user name */
}

/* What libarchive, which is not ours, makes of one header. */
static void read_back(const struct ap_buf *b, struct archive **a, struct archive_entry **e)
{
	*a = archive_read_new();
	archive_read_support_format_tar(*a);
	assert_int_equal(archive_read_open_memory(*a, b->p, b->len), ARCHIVE_OK);
	assert_int_equal(archive_read_next_header(*a, e), ARCHIVE_OK);
}

TEST(tar_names_of_any_length_are_read_back)
{
	static const size_t lengths[] = { 1, 99, 100, 101, 155, 156, 255, 256, 257, 300, 999, 1000,
		4000 };

	for (size_t i = 0; i < AP_LEN(lengths) * 2; i++) {
		ap_auto_buf b = AP_BUF_INIT;
		char name[4001];
		struct archive *a;
		struct archive_entry *e;

		/* with places to cut at, and without */
		repeat(name, lengths[i / 2], i % 2 ? "abcdefghi/" : "x");
		if (name[lengths[i / 2] - 1] == '/')
			name[lengths[i / 2] - 1] = 'z';
		header(&b, &(struct ap_entry){ .path = name, .mode = 0755 });
		assert_int_equal(b.len % AP_TAR_BLOCK, 0);
		read_back(&b, &a, &e);
		assert_string_equal(archive_entry_pathname(e), name);
		assert_int_equal(archive_entry_perm(e), 0755);
		archive_read_free(a);
	}
}

TEST(tar_links_directories_and_sizes_are_read_back)
{
	ap_auto_buf dir = AP_BUF_INIT;
	ap_auto_buf link = AP_BUF_INIT;
	ap_auto_buf big = AP_BUF_INIT;
	char name[121];
	char target[321];
	struct archive *a;
	struct archive_entry *e;

	repeat(name, 120, "d");
	repeat(target, 320, "../t");
	header(&dir, &(struct ap_entry){ .path = name, .type = AP_ENTRY_DIR, .mode = 0777 });
	read_back(&dir, &a, &e);
	assert_int_equal(archive_entry_filetype(e), AE_IFDIR);
	assert_int_equal(archive_entry_perm(e), 0777);
	assert_memory_equal(archive_entry_pathname(e), name, 120);
	archive_read_free(a);
	header(&link,
		&(struct ap_entry){
			.path = name, .type = AP_ENTRY_SYMLINK, .mode = 0777, .target = target });
	read_back(&link, &a, &e);
	assert_string_equal(archive_entry_symlink(e), target);
	assert_int_equal(archive_entry_size(e), 0);
	archive_read_free(a);
	header(&big, &(struct ap_entry){ .path = name, .mode = 0644, .size = 1ULL << 34 });
	read_back(&big, &a, &e);
	assert_int_equal(archive_entry_size(e), 1LL << 34);
	assert_int_equal(archive_entry_mtime(e), 315532800);
	archive_read_free(a);
}

TEST(tar_refuses_paths_that_leave_the_root)
{
	static const char *const paths[] = { "", "/etc/passwd", "a/../b", "..", ".", "a//b", "a/" };

	for (size_t i = 0; i < AP_LEN(paths); i++) {
		ap_auto_buf b = AP_BUF_INIT;
		ap_auto_free char *path = ap_xstrdup(paths[i]);
		struct ap_entry e = { .path = path, .mode = 0644 };
		struct ap_err err = AP_ERR_INIT;

		assert_fails(ap_tar_header(&b, &e, 0, &err), &err, AP_E_INPUT, "relative path");
	}
}

TEST(tar_refuses_times_that_do_not_fit)
{
	ap_auto_buf b = AP_BUF_INIT;
	char name[] = "a";
	struct ap_entry e = { .path = name, .mode = 0644 };
	struct ap_err err = AP_ERR_INIT;

	assert_fails(ap_tar_header(&b, &e, -1, &err), &err, AP_E_INPUT, "modification time");
	assert_fails(ap_tar_header(&b, &e, 1LL << 33, &err), &err, AP_E_INPUT, "modification time");
}
