#include "tests/unit/unit.h"

#include "dockerfile/quote.h"

TEST(shell_words_are_quoted_as_python_quotes_them)
{
	static const char *const cases[][2] = {
		{ "scikit-learn==1.0.2", "scikit-learn==1.0.2" },
		{ "", "''" },
		{ "joblib>1", "'joblib>1'" },
		{ "it's", "'it'\"'\"'s'" },
		{ "a$(id)", "'a$(id)'" },
		{ "d\xc3\xa9", "'d\xc3\xa9'" },
	};

	for (size_t i = 0; i < AP_LEN(cases); i++) {
		ap_auto_buf b = AP_BUF_INIT;

		ap_quote_shell(&b, cases[i][0]);
		assert_string_equal(b.p, cases[i][1]);
	}
}

TEST(exec_form_is_ascii_json)
{
	static const char *const words[] = { "a\nb", "it's \"q\"\\", "caf\xc3\xa9",
		"\xf0\x9f\x9a\x80", "\x01" };
	ap_auto_buf b = AP_BUF_INIT;

	ap_quote_json(&b, words, AP_LEN(words));
	assert_string_equal(b.p,
		"[\"a\\nb\", \"it's \\\"q\\\"\\\\\", \"caf\\u00e9\", \"\\ud83d\\ude80\", \"\\u0001\"]");
}

TEST(copy_sources_name_one_path_whatever_is_in_it)
{
	static const char *const cases[][3] = {
		{ "trainer", "trainer", "trainer" },
		{ "tr[a]in*er?", "tr[[]a]in[*]er[?]", "tr[a]in*er?" },
		{ "$HOME", "\\$HOME", "\\$HOME" },
		{ "it's \"q\"", "it\\'s \\\"q\\\"", "it\\'s \\\"q\\\"" },
		{ "a\\b", "a[\\\\\\\\]b", "a\\\\b" },
	};

	for (size_t i = 0; i < AP_LEN(cases); i++) {
		ap_auto_buf from = AP_BUF_INIT;
		ap_auto_buf to = AP_BUF_INIT;

		ap_quote_copy_source(&from, cases[i][0]);
		ap_quote_copy_target(&to, cases[i][0]);
		assert_string_equal(from.p, cases[i][1]);
		assert_string_equal(to.p, cases[i][2]);
	}
}

TEST(values_with_line_breaks_cannot_be_written)
{
	ap_auto_buf b = AP_BUF_INIT;
	ap_auto_buf bad = AP_BUF_INIT;

	assert_true(ap_quote_value(&b, "a \"b\" $c \\"));
	assert_string_equal(b.p, "\"a \\\"b\\\" \\$c \\\\\"");
	assert_false(ap_quote_value(&bad, "a\nRUN id"));
}
