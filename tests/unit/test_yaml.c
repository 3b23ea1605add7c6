#include <stdio.h>
#include <stdlib.h>

#include "base/yaml.h"
#include "tests/unit/unit.h"

static struct ap_yaml *parse(const char *text)
{
	struct ap_err err = AP_ERR_INIT;
	struct ap_yaml *y = NULL;

	assert_ok(ap_yaml_parse(&y, text, strlen(text), &err), &err);
	return y;
}

TEST(yaml_reads_scalars_as_the_core_schema_does)
{
	static const struct {
		const char *text;
		enum ap_yaml_kind kind;
	} cases[] = {
		{ "no", AP_YAML_STR },
		{ "on", AP_YAML_STR },
		{ "y", AP_YAML_STR },
		{ "1:30", AP_YAML_STR },
		{ "2026-01-31", AP_YAML_STR },
		{ "1_000", AP_YAML_STR },
		{ "true", AP_YAML_BOOL },
		{ "False", AP_YAML_BOOL },
		{ "~", AP_YAML_NULL },
		{ "Null", AP_YAML_NULL },
		{ "\"\"", AP_YAML_STR },
		{ "'1'", AP_YAML_STR },
		{ "017", AP_YAML_INT },
		{ "0o17", AP_YAML_INT },
		{ "0x1F", AP_YAML_INT },
		{ "-3", AP_YAML_INT },
		{ "+", AP_YAML_STR },
		{ "1e3", AP_YAML_FLOAT },
		{ ".5", AP_YAML_FLOAT },
		{ ".", AP_YAML_STR },
		{ "1.", AP_YAML_FLOAT },
		{ "-.inf", AP_YAML_FLOAT },
		{ "!!str 1", AP_YAML_STR },
		{ "! 1", AP_YAML_STR },
		{ "|\n  1\n", AP_YAML_STR },
	};

	for (size_t i = 0; i < AP_LEN(cases); i++) {
		ap_auto_yaml y = parse(cases[i].text);

		print_message("  case: %s\n", cases[i].text);
		assert_int_equal(y->kind, cases[i].kind);
	}
}

TEST(yaml_says_line_and_column_of_what_it_refuses)
{
	static const struct {
		const char *text, *part;
	} cases[] = {
		{ "a: 1\na: 2\n", "line 2, column 1: key \"a\" occurs twice (first on line 1)" },
		{ "a: [\n  b: c\n", "that began on line 1" },
		{ "a:\n\t- b\n", "line 2" },
		{ "a: 1\n---\nb: 2\n", "a second document" },
		{ "a: *x\n", "line 1, column 4: no anchor \"&x\"" },
		{ "a: &x [*x]\n", "an alias inside of what it names" },
		{ "? [a]\n: b\n", "a key must be a plain word" },
		{ "a: !!int x\n", "does not fit" },
		{ "a: !mine {}\n", "unknown tag" },
		{ "<<: 1\n", "\"<<\" wants a mapping" },
		{ "a: \"\\0\"\n", "a NUL character" },
		{ "a: 1\nb: \xff", "line 2, column 4: not valid UTF-8" },
		{ "a: 1\nb: \x01", "line 2, column 4: control characters" },
	};
	struct ap_err err = AP_ERR_INIT;

	for (size_t i = 0; i < AP_LEN(cases); i++) {
		struct ap_yaml *y = NULL;

		print_message("  case: %s\n", cases[i].part);
		assert_fails(ap_yaml_parse(&y, cases[i].text, strlen(cases[i].text), &err), &err,
			AP_E_INPUT, cases[i].part);
	}
}

TEST(yaml_merges_with_own_keys_first)
{
	ap_auto_yaml y = parse("- &a {x: 1, y: 2}\n- &b {y: 3, z: 4}\n"
			       "- <<: [*a, *b]\n  x: 9\n- {<<: &c {q: 1}, r: *c}\n");
	const struct ap_yaml *m = y->v[2];

	assert_int_equal(m->n, 3);
	assert_string_equal(ap_yaml_get(m, "x")->text, "9");
	assert_string_equal(ap_yaml_get(m, "y")->text, "2");
	assert_string_equal(ap_yaml_get(m, "z")->text, "4");
	assert_string_equal(ap_yaml_get(ap_yaml_get(y->v[3], "r"), "q")->text, "1");
}

TEST(yaml_bounds_what_aliases_expand_to)
{
	struct ap_err err = AP_ERR_INIT;
	ap_auto_buf b = AP_BUF_INIT;
	struct ap_yaml *y = NULL;

	ap_buf_adds(&b, "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n");
	for (int i = 1; i < 9; i++)
		ap_buf_addf(&b, "a%d: &a%d [*a%d,*a%d,*a%d,*a%d,*a%d,*a%d,*a%d,*a%d]\n", i, i,
			i - 1, i - 1, i - 1, i - 1, i - 1, i - 1, i - 1, i - 1);
	assert_fails(ap_yaml_parse(&y, b.p, b.len, &err), &err, AP_E_INPUT, "more than 100000");
	ap_buf_reset(&b);
	for (int i = 0; i < 100; i++)
		ap_buf_addc(&b, '[');
	assert_fails(ap_yaml_parse(&y, b.p, b.len, &err), &err, AP_E_INPUT, "deeper than 64");
}

TEST(yaml_reads_json_with_surrogate_pairs)
{
	ap_auto_yaml y = parse("{\"a\": \"\\ud83d\\ude80 \\\\ud83d\", \"b\": [1, null]}");

	assert_string_equal(ap_yaml_get(y, "a")->text, "\xf0\x9f\x9a\x80 \\ud83d");
	assert_int_equal(ap_yaml_get(y, "b")->v[1]->kind, AP_YAML_NULL);
}

TEST(yaml_of_an_empty_document_is_nothing)
{
	ap_auto_yaml y = parse("# only a comment\n");

	assert_null(y);
}

static cJSON *to_json(const struct ap_yaml *y)
{
	cJSON *j;

	switch (y->kind) {
	case AP_YAML_NULL:
		return cJSON_CreateNull();
	case AP_YAML_BOOL:
		return ap_json_bool(ap_lower(*y->text) == 't');
	case AP_YAML_INT:
	case AP_YAML_FLOAT:
		return ap_json_number(strtod(y->text, NULL));
	case AP_YAML_STR:
		return ap_json_string(y->text);
	case AP_YAML_SEQ:
		j = ap_json_array();
		for (size_t i = 0; i < y->n; i++)
			ap_json_push(j, to_json(y->v[i]));
		return j;
	case AP_YAML_MAP:
		j = ap_json_object();
		for (size_t i = 0; i < y->n; i++)
			ap_json_set(j, y->keys[i]->text, to_json(y->v[i]));
		return j;
	}
	return NULL;
}

TEST(yaml_prints_what_reads_back_as_the_same_tree)
{
	static const char *const texts[] = {
		"{\"a\":[[1,[2,3]],{\"b\":{\"c\":[]},\"d\":{}},\"x\"],\"e\":{\"f\":[{\"g\":1,\"h\":[]}]}}",
		"{\"yes\":\"no\",\"1\":\"1\",\"\":\"\",\"a b\":\"a: b\",\"c\":\"#x\",\"d\":\"x #y\"}",
		"{\"a\":\"1:30\",\"b\":\"0x10\",\"c\":\"~\",\"d\":\"null\",\"e\":\"2026-01-31\",\"f\":\"-\"}",
		"{\"a\":\"line\\nline\\n\",\"b\":\"\\ttab\",\"c\":\" lead\",\"d\":\"trail \",\"e\":\"\\u2028\"}",
		"{\"a\":\"gcr.io/p/i:tag@sha256:ab\",\"b\":\"gs://b/o\",\"c\":\"a:\",\"d\":\"*x\",\"e\":\"&y\"}",
		"{\"a\":true,\"b\":null,\"c\":1.5,\"d\":-7,\"e\":\"\\u00e9\\u0085\\ufeff\",\"f\":\"'\\\"\"}",
		"[]", "\"x y\"", "[[],[[]]]"
	};
	struct ap_err err = AP_ERR_INIT;

	for (size_t i = 0; i < AP_LEN(texts); i++) {
		ap_auto_json want = NULL;
		ap_auto_json have = NULL;
		ap_auto_buf b = AP_BUF_INIT;
		ap_auto_yaml y = NULL;

		assert_ok(ap_json_parse(&want, texts[i], strlen(texts[i]), &err), &err);
		ap_yaml_print(&b, want);
		print_message("%s", b.p);
		y = parse(b.p);
		have = to_json(y);
		assert_true(ap_json_equal(want, have));
	}
}
