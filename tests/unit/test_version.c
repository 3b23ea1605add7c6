#include "tests/unit/unit.h"

#include "deps/version.h"

TEST(versions_are_ordered_as_pep_440_says)
{
	static const char *const sorted[] = { "1.dev0", "1.0a1.dev1", "1.0a1", "1.0a2",
		"1.0b1.post2", "1.0rc1", "1.0", "1.0+abc", "1.0+abc.7", "1.0+5", "1.0+12",
		"1.0.post1.dev2", "1.0.post1", "1.0.1", "1.2", "1.10", "20230101", "1!0.1" };
	struct ap_version a, b;

	for (size_t i = 0; i < AP_LEN(sorted); i++) {
		for (size_t j = 0; j < AP_LEN(sorted); j++) {
			int c;

			assert_true(ap_version_parse(&a, sorted[i]));
			assert_true(ap_version_parse(&b, sorted[j]));
			c = ap_version_cmp(&a, &b);
			if ((c < 0) != (i < j) || (c == 0) != (i == j))
				fail_msg("%s and %s compare as %d", sorted[i], sorted[j], c);
		}
	}
}

TEST(versions_have_one_normal_form)
{
	static const char *const cases[][2] = { { "v1.0", "1.0" }, { "1.0-RC.1", "1.0rc1" },
		{ "1.0_alpha", "1.0a0" }, { "1.0c3", "1.0rc3" }, { "1.0-1", "1.0.post1" },
		{ "1.0.r4", "1.0.post4" }, { "1.0dev", "1.0.dev0" }, { " 0!01.02 ", "1.2" },
		{ "2.3.0+CU121_x-1", "2.3.0+cu121.x.1" }, { "odd version", "odd version" },
		{ "1.0+", "1.0+" }, { "1..2", "1..2" } };

	for (size_t i = 0; i < AP_LEN(cases); i++) {
		ap_auto_free char *s = ap_version_normal(cases[i][0]);

		assert_string_equal(s, cases[i][1]);
	}
	assert_true(ap_version_same("1.0", "1.0.0"));
	assert_false(ap_version_same("1.0", "1.0+local"));
	assert_true(ap_version_same("weird!", "weird!"));
}

TEST(specifiers_choose_versions)
{
	static const struct {
		const char *specs, *version;
		bool match;
	} cases[] = {
		{ "", "1.0", true },
		{ ">=1.0,<2", "1.9", true },
		{ ">=1.0,<2", "2.0", false },
		{ "<2", "2.0rc1", false },
		{ "<2.0rc2", "2.0rc1", true },
		{ "==2.3", "2.3.0+cu121", true },
		{ "==2.3+cu118", "2.3+cu121", false },
		{ "==2.3.*", "2.3.7", true },
		{ "==2.3.*", "2.30", false },
		{ "!=2.3.*", "2.3.7", false },
		{ "~=1.4.2", "1.4.9", true },
		{ "~=1.4.2", "1.5", false },
		{ "~=1.4", "1.9", true },
		{ "~=1.4rc1", "1.5", true },
		{ ">1.0", "1.0.post1", false },
		{ ">1.0", "1.0+x", false },
		{ ">=1.0", "1.0+x", true },
		{ "===odd", "odd", true },
		{ ">=1", "odd", false },
		{ ">= 1.0 , < 2 ,", "1.5", true },
		{ ">=2018.1", "2018.9", true },
	};

	for (size_t i = 0; i < AP_LEN(cases); i++) {
		if (ap_specifiers_match(cases[i].specs, cases[i].version) != cases[i].match)
			fail_msg("%s against %s", cases[i].version, cases[i].specs);
	}
	assert_false(ap_specifiers_ok("1.0"));
	assert_false(ap_specifiers_ok("~=1"));
	assert_false(ap_specifiers_ok(">=1.*"));
	assert_false(ap_specifiers_ok(">=1.0,,<2"));
	assert_false(ap_specifiers_ok(">=1.0 <2"));
}
