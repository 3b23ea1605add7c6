#include "tests/unit/unit.h"
#include "vertex/pool_spec.h"

static const struct ap_pool_key keys[] = { { "machine-type", AP_POOL_TEXT },
	{ "replica-count", AP_POOL_COUNT }, { "requirements", AP_POOL_LIST } };

TEST(pool_spec_splits_as_gcloud_does)
{
	static const struct {
		const char *name, *text, *joined;
	} cases[] = {
		{ "commas", "a,b", "a|b" },
		{ "a delimiter at the end", "a,b,", "a|b" },
		{ "an empty part", "a,,b", "a||b" },
		{ "nothing", "", "" },
		{ "own delimiter", "^;^a,1;b", "a,1|b" },
		{ "a long delimiter", "^::^a:b::c", "a:b|c" },
		{ "a lone caret is text", "^a,b", "^a|b" },
	};

	for (size_t i = 0; i < AP_LEN(cases); i++) {
		ap_auto_strv parts = { 0 };
		ap_auto_free char *joined = NULL;

		print_message("  case: %s\n", cases[i].name);
		assert_true(ap_words_split(&parts, cases[i].text, ','));
		joined = ap_strv_join(&parts, "|");
		assert_string_equal(joined, cases[i].joined);
	}
}

TEST(pool_spec_reads_words_by_their_kind)
{
	struct ap_err err = AP_ERR_INIT;
	ap_auto_pool_spec s = { 0 };

	assert_ok(ap_pool_spec_parse(&s, "--f",
			  "^|^replica-count= 2 |machine-type=n1=x|requirements=a>=1,<2;b", keys,
			  AP_LEN(keys), &err),
		&err);
	assert_int_equal(ap_pool_word(&s, "replica-count")->count, 2);
	assert_string_equal(ap_pool_text(&s, "machine-type"), "n1=x");
	assert_int_equal(ap_pool_word(&s, "requirements")->list.n, 2);
	assert_string_equal(ap_pool_word(&s, "requirements")->list.v[0], "a>=1,<2");
	assert_null(ap_pool_word(&s, "nothing"));
}

TEST(pool_spec_refuses_and_names_the_word)
{
	static const struct {
		const char *text, *part;
	} cases[] = {
		{ "machine-typ=x", "--f: unknown key \"machine-typ\"; did you mean machine-type?" },
		{ "machine_type=x", "did you mean machine-type?" },
		{ "Machine-Type=x", "did you mean machine-type?" },
		{ "zzz=x", "want one of machine-type, replica-count, requirements" },
		{ " replica-count=1", "unknown key \" replica-count\"" },
		{ "machine-type=a,machine-type=b", "key machine-type is given twice" },
		{ "machine-type=a,script", "want KEY=VALUE, found \"script\"" },
		{ ",machine-type=a", "an empty element" },
		{ "replica-count=two", "want a whole number of 0 or more, found \"two\"" },
		{ "replica-count=-1", "want a whole number of 0 or more" },
		{ "replica-count=1.0", "want a whole number" },
		{ "replica-count=", "want a whole number" },
		{ "replica-count=99999999999999999999", "want a whole number" },
		{ "^^a", "no delimiter between ^ and ^" },
		{ "machine-type=\xff", "not valid UTF-8" },
	};
	struct ap_err err = AP_ERR_INIT;

	for (size_t i = 0; i < AP_LEN(cases); i++) {
		struct ap_pool_spec s = { 0 };

		print_message("  case: %s\n", cases[i].text);
		assert_fails(ap_pool_spec_parse(&s, "--f", cases[i].text, keys, AP_LEN(keys), &err),
			&err, AP_E_USAGE, cases[i].part);
		ap_pool_spec_release(&s);
	}
}

TEST(requirements_keep_their_markers)
{
	static const struct {
		const char *text, *joined;
	} cases[] = {
		{ "tomli; python_version < \"3.11\"", "tomli ; python_version < \"3.11\"" },
		{ "a;b", "a|b" },
		{ "a;sys_platform=='linux';b", "a ; sys_platform=='linux'|b" },
		{ "a; (python_version<'3.9') and os_name=='nt'",
			"a ; (python_version<'3.9') and os_name=='nt'" },
		{ "a; '3.8' <= python_version;c", "a ; '3.8' <= python_version|c" },
		{ "extra;python_version", "extra|python_version" },
		{ "a;;b", "a|b" },
		{ "a; platform_machine in 'x86_64'", "a ; platform_machine in 'x86_64'" },
	};

	for (size_t i = 0; i < AP_LEN(cases); i++) {
		ap_auto_strv parts = { 0 };
		ap_auto_strv out = { 0 };
		ap_auto_free char *joined = NULL;

		print_message("  case: %s\n", cases[i].text);
		assert_true(ap_words_split(&parts, cases[i].text, ';'));
		ap_requirements_join(&out, &parts);
		joined = ap_strv_join(&out, "|");
		assert_string_equal(joined, cases[i].joined);
	}
}
