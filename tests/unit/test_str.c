#include "tests/unit/unit.h"

#include <stdlib.h>

#include "base/digest.h"
#include "base/str.h"

TEST(utf8_accepts_only_well_formed_text)
{
	static const struct {
		const char *name, *in;
		bool ok;
	} cases[] = {
		{ "ascii", "plain", true },
		{ "two, three and four bytes", "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80", true },
		{ "overlong slash", "\xc0\xaf", false },
		{ "overlong three bytes", "\xe0\x80\xaf", false },
		{ "surrogate", "\xed\xa0\x80", false },
		{ "beyond U+10FFFF", "\xf4\x90\x80\x80", false },
		{ "cut short", "\xe2\x82", false },
		{ "lone continuation", "\x80", false },
	};

	for (size_t i = 0; i < AP_LEN(cases); i++) {
		print_message("  case: %s\n", cases[i].name);
		assert_int_equal(ap_utf8_ok(cases[i].in, strlen(cases[i].in)), cases[i].ok);
	}
	assert_false(ap_utf8_ok("a\0b", 3));
}

TEST(printable_escapes_what_moves_a_cursor)
{
	ap_auto_buf b = AP_BUF_INIT;
	static const char in[] = "a\x1b[2J\x7f\xc2\x9b\xff\xc3\xa9";

	ap_buf_add_printable(&b, in, sizeof(in) - 1);
	assert_string_equal(b.p, "a\\x1b[2J\\x7f\\xc2\\x9b\\xff\xc3\xa9");
}

TEST(parse_u64_takes_digits_within_the_limit_only)
{
	static const struct {
		const char *in;
		uint64_t max;
		bool ok;
		uint64_t want;
	} cases[] = {
		{ "0", 10, true, 0 },
		{ "18446744073709551615", UINT64_MAX, true, UINT64_MAX },
		{ "18446744073709551616", UINT64_MAX, false, 7 },
		{ "11", 10, false, 7 },
		{ "", 10, false, 7 },
		{ "-1", 10, false, 7 },
		{ "+1", 10, false, 7 },
		{ " 1", 10, false, 7 },
		{ "1 ", 10, false, 7 },
		{ "0x1", 10, false, 7 },
	};

	for (size_t i = 0; i < AP_LEN(cases); i++) {
		uint64_t v = 7;

		print_message("  case: \"%s\"\n", cases[i].in);
		assert_int_equal(ap_parse_u64(cases[i].in, cases[i].max, &v), cases[i].ok);
		assert_true(v == cases[i].want);
	}
}

TEST(split_gives_the_empty_parts_too)
{
	static const char *const want[] = { "", "a", "", "b", "" };
	struct ap_str rest = ap_str(",a,,b,");
	struct ap_str part;
	size_t n = 0;

	while (ap_str_next(&rest, ',', &part)) {
		assert_true(n < AP_LEN(want));
		assert_true(ap_str_eq(part, want[n++]));
	}
	assert_int_equal(n, AP_LEN(want));
	rest = ap_str("");
	assert_true(ap_str_next(&rest, ',', &part));
	assert_int_equal(part.n, 0);
	assert_false(ap_str_next(&rest, ',', &part));
}

TEST(did_you_mean_names_the_nearest_or_nothing)
{
	static const char *const keys[] = { "machine-type", "replica-count", "script" };

	assert_string_equal(ap_did_you_mean("machine_type", keys, 3), "machine-type");
	assert_string_equal(ap_did_you_mean("scrpit", keys, 3), "script");
	assert_null(ap_did_you_mean("zzz", keys, 3));
}

TEST(buffer_overflow_is_sticky_and_named)
{
	ap_auto_buf b = AP_BUF_MAX(4);
	struct ap_err err = AP_ERR_INIT;

	ap_buf_adds(&b, "abcd");
	assert_ok(ap_buf_check(&b, "thing", &err), &err);
	ap_buf_addc(&b, 'e');
	ap_buf_truncate(&b, 0);
	ap_buf_adds(&b, "x");
	assert_fails(ap_buf_check(&b, "thing", &err), &err, AP_E_LIMIT, "thing is over the limit");
	ap_buf_reset(&b);
	ap_buf_adds(&b, "x");
	assert_ok(ap_buf_check(&b, "thing", &err), &err);
	assert_string_equal(b.p, "x");
}

TEST(long_error_messages_are_cut_not_overrun)
{
	struct ap_err err = AP_ERR_INIT;
	ap_auto_free char *big = ap_xcalloc(1, 3000);

	memset(big, 'x', 2999);
	ap_err_set(&err, AP_E_NET, "%s", big);
	assert_true(strlen(err.msg) == sizeof(err.msg) - 1);
	assert_string_equal(err.msg + strlen(err.msg) - 3, "...");
	ap_err_wrap(&err, "push");
	assert_true(ap_starts_with(err.msg, "push: xxx"));
	assert_string_equal(err.msg + strlen(err.msg) - 3, "...");
	assert_int_equal(err.code, AP_E_NET);
}

TEST(digests_are_taken_in_one_form_only)
{
#define HEX64 "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
	static const struct {
		const char *name, *in;
	} bad[] = {
		{ "other algorithm", "sha512:" HEX64 },
		{ "upper case",
			"sha256:E3B0C44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" },
		{ "trailing byte", "sha256:" HEX64 "0" },
		{ "short", "sha256:e3b0" },
		{ "path", "sha256:../../../../etc/passwd" },
		{ "bare", HEX64 },
		{ "empty", "" },
	};
	struct ap_err err = AP_ERR_INIT;
	struct ap_digest d, e;

	assert_ok(ap_digest_parse(&d, "sha256:" HEX64, &err), &err);
	ap_sha256_of(&e, "", 0);
	assert_true(ap_digest_eq(&d, &e));
	for (size_t i = 0; i < AP_LEN(bad); i++) {
		print_message("  case: %s\n", bad[i].name);
		assert_fails(
			ap_digest_parse(&d, bad[i].in, &err), &err, AP_E_PROTO, "sha256:<64 hex>");
	}
}
