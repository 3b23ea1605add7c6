#include "tests/unit/unit.h"

#include "base/entry.h"
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
