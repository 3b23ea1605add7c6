#include "tests/unit/unit.h"

#include "base/toml.h"

static void assert_toml(const char *in, const char *json)
{
	struct ap_err err = AP_ERR_INIT;
	ap_auto_json j = NULL;
	ap_auto_buf out = AP_BUF_INIT;

	assert_ok(ap_toml_parse(&j, in, strlen(in), &err), &err);
	ap_json_print(&out, j, 0);
	assert_string_equal(out.p, json);
}

TEST(toml_becomes_the_tree_it_means)
{
	static const struct {
		const char *name, *in, *json;
	} cases[] = {
		{ "nothing", "", "{}" },
		{ "mark and comments", "\xef\xbb\xbf# x\n\n  a = 1 # y", "{\"a\":1}" },
		{ "bare and quoted keys", "a-b_1 = 1\n\"c d\" = 2\n'' = 3",
			"{\"a-b_1\":1,\"c d\":2,\"\":3}" },
		{ "dotted keys", "a.b = 1\na . \"c\".d = 2", "{\"a\":{\"b\":1,\"c\":{\"d\":2}}}" },
		{ "tables", "[a]\nx=1\n[b.c]\r\ny=2\n[b]\nz=3",
			"{\"a\":{\"x\":1},\"b\":{\"c\":{\"y\":2},\"z\":3}}" },
		{ "tables below dotted ones", "[a]\nb.c=1\n[a.b.d]\ne=2",
			"{\"a\":{\"b\":{\"c\":1,\"d\":{\"e\":2}}}}" },
		{ "arrays of tables", "[[a]]\nx=1\n[[a.b]]\ny=2\n[[a.b]]\n[[a]]\nx=3\n[a.c]\nz=4",
			"{\"a\":[{\"x\":1,\"b\":[{\"y\":2},{}]},{\"x\":3,\"c\":{\"z\":4}}]}" },
		{ "inline", "a = {b = 1, c.d = [ 1, # one\n 2,\n], e = {}}",
			"{\"a\":{\"b\":1,\"c\":{\"d\":[1,2]},\"e\":{}}}" },
		{ "escapes", "a = \"\\t\\\"\\\\\\u00e9\\U0001F600\"", "{\"a\":\"\\t\\\"\\\\é😀\"}" },
		{ "literal", "a = 'C:\\x'", "{\"a\":\"C:\\\\x\"}" },
		{ "many lines", "a = \"\"\"\nx\\\n   y\n\"\"z\"\"\"\"\"",
			"{\"a\":\"xy\\n\\\"\\\"z\\\"\\\"\"}" },
		{ "literal lines", "a = '''\r\n'x'\\n'''", "{\"a\":\"'x'\\\\n\"}" },
		{ "integers", "a = [0, -17, +1_000, 0xdead_BEEF, 0o17, 0b101]",
			"{\"a\":[0,-17,1000,3735928559,15,5]}" },
		{ "64 bits", "a = [9223372036854775807, -9223372036854775808]",
			"{\"a\":[9.2233720368547758e+18,-9.2233720368547758e+18]}" },
		{ "NUL", "a = \"x\\u0000\"", "{\"a\":\"x\xef\xbf\xbd\"}" },
		{ "floats and truth", "a = [-0.5, 5e2, true, false]",
			"{\"a\":[-0.5,500,true,false]}" },
		{ "dates are strings", "a = 1979-05-27 07:32:00Z\nb = 2024-02-29\nc = 07:32:00.5",
			"{\"a\":\"1979-05-27 07:32:00Z\",\"b\":\"2024-02-29\",\"c\":\"07:32:00.5\"}" },
	};

	for (size_t i = 0; i < AP_LEN(cases); i++) {
		print_message("  case: %s\n", cases[i].name);
		assert_toml(cases[i].in, cases[i].json);
	}
}

TEST(toml_refuses_naming_line_and_column)
{
	static const struct {
		const char *name, *in;
		enum ap_err_code code;
		const char *fails_with;
	} cases[] = {
		{ "key twice", "a = 1\na = 2", AP_E_INPUT,
			"line 2, column 1: \"a\" is defined twice" },
		{ "table twice", "[a]\n[b]\n[a]", AP_E_INPUT,
			"line 3, column 2: \"a\" is defined twice" },
		{ "table over dotted", "[a]\nb.c=1\n[a.b]", AP_E_INPUT, "defined twice" },
		{ "dotted into a table", "[a.b]\nc=1\n[a]\nb.d=2", AP_E_INPUT, "defined twice" },
		{ "into an inline table", "a = {b=1}\n[a.c]", AP_E_INPUT, "defined twice" },
		{ "into an inline array", "a = []\n[[a]]", AP_E_INPUT, "defined twice" },
		{ "array over table", "[a]\n[[a]]", AP_E_INPUT, "defined twice" },
		{ "through a value", "a = 1\n[a.b]", AP_E_INPUT, "defined twice" },
		{ "no value", "a =", AP_E_INPUT, "line 1, column 4: want a value, found the end" },
		{ "no equals", "a\n", AP_E_INPUT, "want \"=\", found the end of the line" },
		{ "two on a line", "a=1 b=2", AP_E_INPUT, "want the end of the line, found \"b\"" },
		{ "open string", "a = \"x", AP_E_INPUT, "want the closing quote" },
		{ "newline in a string", "a = \"x\n\"", AP_E_INPUT, "control character" },
		{ "bad escape", "a = \"\\x\"", AP_E_INPUT, "want an escape" },
		{ "surrogate", "a = \"\\ud800\"", AP_E_INPUT, "scalar value" },
		{ "bare carriage return", "a = 1\r", AP_E_INPUT, "want" },
		{ "leading zero", "a = 01", AP_E_INPUT, "want a value, found \"01\"" },
		{ "hanging underscore", "a = 0b1_", AP_E_INPUT, "want a value" },
		{ "no such day", "a = 2023-02-29", AP_E_INPUT, "want a value" },
		{ "too big", "a = 9223372036854775808", AP_E_LIMIT, "beyond 64 bits" },
		{ "too small", "a = -9223372036854775809", AP_E_LIMIT, "beyond 64 bits" },
		{ "comma at the end", "a = {b=1,}", AP_E_INPUT, "want a key" },
		{ "newline in an inline table", "a = {\nb=1}", AP_E_INPUT, "want a key" },
		{ "not utf-8", "a = \"\xff\"", AP_E_INPUT, "line 1, column 6: not valid UTF-8" },
		{ "characters, not bytes, are counted", "a = \"éé\" x", AP_E_INPUT, "column 10" },
	};
	struct ap_err err = AP_ERR_INIT;

	for (size_t i = 0; i < AP_LEN(cases); i++) {
		cJSON *j = NULL;

		print_message("  case: %s\n", cases[i].name);
		assert_fails(ap_toml_parse(&j, cases[i].in, strlen(cases[i].in), &err), &err,
			cases[i].code, cases[i].fails_with);
		assert_null(j);
	}
}

TEST(toml_is_bounded_in_depth_and_width)
{
	struct ap_err err = AP_ERR_INIT;
	ap_auto_buf text = AP_BUF_INIT;
	cJSON *j = NULL;

	ap_buf_adds(&text, "a = ");
	for (int i = 0; i < 100000; i++)
		ap_buf_addc(&text, '[');
	assert_fails(ap_toml_parse(&j, text.p, text.len, &err), &err, AP_E_LIMIT, "deeper than 64");
	ap_buf_reset(&text);
	ap_buf_adds(&text, "[a");
	for (int i = 0; i < 100000; i++)
		ap_buf_adds(&text, ".a");
	ap_buf_adds(&text, "]");
	assert_fails(ap_toml_parse(&j, text.p, text.len, &err), &err, AP_E_LIMIT, "deeper than 64");
	ap_buf_reset(&text);
	for (int i = 0; i <= 20000; i++)
		ap_buf_addf(&text, "k%d=1\n", i);
	assert_fails(
		ap_toml_parse(&j, text.p, text.len, &err), &err, AP_E_LIMIT, "keys in one table");
}
