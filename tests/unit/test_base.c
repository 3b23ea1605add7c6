#include "tests/unit/unit.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/entry.h"
#include "base/fs.h"
#include "base/json.h"

TEST(path_order_puts_parents_and_their_content_before_siblings)
{
	static const char *const sorted[] = { "a", "a/b", "a/b/c", "a-b", "a.b", "ab" };

	for (size_t i = 1; i < AP_LEN(sorted); i++) {
		assert_true(ap_path_cmp(sorted[i - 1], sorted[i]) < 0);
		assert_true(ap_path_cmp(sorted[i], sorted[i - 1]) > 0);
	}
}

TEST(json_refuses_what_can_be_read_in_two_ways)
{
	static const struct {
		const char *name, *in, *fails_with;
	} cases[] = {
		{ "two members of one name", "{\"a\":1,\"a\":2}", "occurs twice" },
		{ "text behind the value", "{} x", "more text" },
		{ "control character", "[\"\x01\"]", "control character" },
		{ "not utf-8", "[\"\xff\"]", "UTF-8" },
		{ "cut short", "{\"a\":", "syntax error" },
		{ "a number beyond doubles", "[1e400]", "out of range" },
	};
	struct ap_err err = AP_ERR_INIT;

	for (size_t i = 0; i < AP_LEN(cases); i++) {
		cJSON *j = NULL;

		print_message("  case: %s\n", cases[i].name);
		assert_fails(ap_json_parse(&j, cases[i].in, strlen(cases[i].in), &err), &err,
			AP_E_PROTO, cases[i].fails_with);
		assert_null(j);
	}
}

/* A C string would end there, and "sha256:...\\u0000" be the digest before it. */
TEST(json_keeps_what_stands_behind_a_nul)
{
	static const char text[] = "{\"a\\u0000b\":\"x\\u0000y\",\"c\":\"\\\\u0000\"}";
	ap_auto_json j = NULL;
	struct ap_err err = AP_ERR_INIT;

	assert_ok(ap_json_parse(&j, text, strlen(text), &err), &err);
	assert_null(ap_json_str(j, "a"));
	assert_string_equal(ap_json_str(j, "a\xef\xbf\xbd"
					   "b"),
		"x\xef\xbf\xbdy");
	assert_string_equal(ap_json_str(j, "c"), "\\u0000");
}

TEST(json_has_a_depth)
{
	char deep[131];
	ap_auto_json j = NULL;
	struct ap_err err = AP_ERR_INIT;

	memset(deep, '[', 65);
	memset(deep + 65, ']', 65);
	deep[130] = '\0';
	assert_ok(ap_json_parse(&j, deep + 1, 128, &err), &err);
	ap_json_freep(&j);
	assert_fails(ap_json_parse(&j, deep, 130, &err), &err, AP_E_LIMIT, "deeper than 64 levels");
}

TEST(json_members_are_of_the_wanted_kind)
{
	static const char *const numbers[] = { "{}", "{\"n\":\"1\"}", "{\"n\":-1}", "{\"n\":1.5}",
		"{\"n\":1e300}" };
	struct ap_err err = AP_ERR_INIT;
	const char *text = "as it was";
	uint64_t n = 7;

	for (size_t i = 0; i < AP_LEN(numbers); i++) {
		ap_auto_json j = NULL;

		print_message("  case: %s\n", numbers[i]);
		assert_ok(ap_json_parse(&j, numbers[i], strlen(numbers[i]), &err), &err);
		assert_fails(ap_json_need_u64(&n, j, "n", &err), &err, AP_E_PROTO,
			i < 2 ? "\"n\": want a number" : "\"n\": want a whole number");
		if (i < 1)
			assert_fails(ap_json_need_str(&text, j, "n", &err), &err, AP_E_PROTO,
				"\"n\": want a string, found ");
	}
	assert_int_equal(n, 7);
	assert_string_equal(text, "as it was");
}

TEST(reading_past_the_end_is_an_error)
{
	ap_auto_free char *dir = unit_tmpdir();
	ap_auto_free char *path = ap_fs_join(dir, "f");
	struct ap_err err = AP_ERR_INIT;
	ap_auto_reader memory = NULL;
	ap_auto_reader file = NULL;
	ap_auto_buf all = AP_BUF_INIT;
	char five[6];
	int fd;

	ap_mem_reader(&memory, "hell", 4);
	assert_fails(ap_read_full(memory, five, 5, &err), &err, AP_E_PROTO, "ends after 4 of 5");
	assert_ok(ap_fs_write(path, "hell", 4, 0600, &err), &err);
	fd = ap_fs_open_file(path, &err);
	assert_true(fd >= 0);
	ap_fd_reader(&file, fd, 0, 5);
	assert_fails(ap_read_all(file, &all, &err), &err, AP_E_CHANGED, "ends after 4 of 5 bytes");
	close(fd);
}

TEST(reading_again_needs_a_stream_that_can)
{
	static const struct ap_reader_ops once = { NULL, NULL, NULL };
	struct ap_reader r = { &once, NULL };
	struct ap_err err = AP_ERR_INIT;

	assert_fails(ap_rewind(&r, &err), &err, AP_E_UNSUPPORTED, "cannot be read again");
}

TEST(verify_reader_that_failed_once_fails_again)
{
	ap_auto_reader r = NULL;
	ap_auto_buf all = AP_BUF_INIT;
	struct ap_reader *inner;
	struct ap_err err = AP_ERR_INIT;
	struct ap_digest d;

	ap_sha256_of(&d, "hello", 5);
	ap_mem_reader(&inner, "hellO", 5);
	ap_verify_reader(&r, inner, &d, 5);
	assert_fails(ap_read_all(r, &all, &err), &err, AP_E_DIGEST, "want sha256:2cf24d");
	assert_fails(ap_read_all(r, &all, &err), &err, AP_E_DIGEST, "already failed");
}

TEST(fs_reads_regular_files_only)
{
	ap_auto_free char *dir = unit_tmpdir();
	ap_auto_free char *path = ap_fs_join(dir, "fifo");
	struct ap_err err = AP_ERR_INIT;

	assert_int_equal(mkfifo(path, 0600), 0);
	assert_fails(ap_fs_open_file(path, &err), &err, AP_E_INPUT, "not a regular file");
	assert_fails(ap_fs_open_file(dir, &err), &err, AP_E_IO, "Is a directory");
}

TEST(fs_removes_no_tree_without_end)
{
	ap_auto_free char *dir = unit_tmpdir();
	ap_auto_free char *top = ap_fs_join(dir, "a");
	ap_auto_free char *back = realpath(".", NULL);
	struct ap_err err = AP_ERR_INIT;

	assert_int_equal(chdir(dir), 0);
	for (int i = 0; i < 260; i++)
		assert_int_equal(mkdir("a", 0700) || chdir("a"), 0);
	assert_int_equal(chdir(back), 0);
	assert_fails(ap_fs_remove_tree(top, &err), &err, AP_E_LIMIT, "deeper than 256 levels");
	/* Two steps: what is below, then the rest. */
	assert_int_equal(chdir(top), 0);
	for (int i = 0; i < 100; i++)
		assert_int_equal(chdir("a"), 0);
	assert_ok(ap_fs_remove_tree("a", &err), &err);
	assert_int_equal(chdir(back), 0);
	assert_ok(ap_fs_remove_tree(top, &err), &err);
}

TEST(verify_reader_refuses_other_bytes_and_other_sizes)
{
	static const struct {
		const char *name, *bytes;
		uint64_t size;
		const char *fails_with;
	} cases[] = {
		{ "one bit off", "hellO", 5, "want sha256:2cf24d" },
		{ "short", "hell", 5, "want 5 bytes" },
		{ "long", "hello!", 5, "want 5 bytes" },
	};
	struct ap_err err = AP_ERR_INIT;
	struct ap_digest d;

	ap_sha256_of(&d, "hello", 5);
	for (size_t i = 0; i < AP_LEN(cases); i++) {
		struct ap_reader *inner;
		ap_auto_reader r = NULL;
		ap_auto_buf all = AP_BUF_INIT;

		print_message("  case: %s\n", cases[i].name);
		ap_mem_reader(&inner, cases[i].bytes, strlen(cases[i].bytes));
		ap_verify_reader(&r, inner, &d, cases[i].size);
		assert_fails(ap_read_all(r, &all, &err), &err, AP_E_DIGEST, cases[i].fails_with);
	}
}

TEST(unique_keeps_the_first_of_equal_paths)
{
	ap_auto_tree t = { 0 };

	ap_tree_add_dir(&t, "usr", 0755);
	ap_tree_add_bytes(&t, "usr/a", 0644, "x", 1);
	ap_tree_add_dir(&t, "usr", 0755);
	ap_tree_add_dir(&t, "usr", 0755);
	ap_tree_sort(&t);
	ap_tree_unique(&t);
	assert_int_equal(t.n, 2);
	assert_string_equal(t.v[0].path, "usr");
	assert_string_equal(t.v[1].path, "usr/a");
}
