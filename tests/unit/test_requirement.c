#include "tests/unit/unit.h"

#include "deps/requirement.h"

TEST(requirement_is_taken_apart)
{
	AP_CLEANUP(ap_requirement_release) struct ap_requirement r = { 0 };
	AP_CLEANUP(ap_requirement_release) struct ap_requirement u = { 0 };
	struct ap_err err = AP_ERR_INIT;
	ap_auto_buf out = AP_BUF_INIT;

	assert_ok(ap_requirement_parse(
			  &r, "Foo.Bar [x_y, z] (>=1.0, <2) ; python_version < '3.12'", &err),
		&err);
	assert_string_equal(r.name, "Foo.Bar");
	assert_string_equal(r.normalized, "foo-bar");
	assert_int_equal(r.extras.n, 2);
	assert_string_equal(r.extras.v[0], "x-y");
	assert_string_equal(r.specs, ">=1.0, <2");
	assert_string_equal(r.marker, "python_version < '3.12'");
	ap_requirement_print(&out, &r, "==3", NULL);
	assert_string_equal(out.p, "foo-bar[x-y,z]==3");
	assert_ok(
		ap_requirement_parse(&u, "a @ https://h/a-1.whl#sha256=x ; os_name=='posix'", &err),
		&err);
	assert_string_equal(u.url, "https://h/a-1.whl#sha256=x");
	assert_string_equal(u.marker, "os_name=='posix'");
}

TEST(requirement_that_is_none_is_refused)
{
	static const char *const bad[][2] = {
		{ "", "want a distribution's name at column 1" },
		{ "a$(id)", "want version specifiers" },
		{ "it's", "want version specifiers" },
		{ "a\nRUN id", "control character at column 2" },
		{ "a==", "want version specifiers" },
		{ "a[", "want the name of an extra" },
		{ "a[b", "want \"]\"" },
		{ "a @ ", "want a URL" },
		{ "a; python_version", "want a comparison" },
		{ "a; python_version < 3", "want a marker variable or a quoted string" },
		{ "a; 'x' == 'y'", "want a marker variable on one side" },
		{ "a; os_name == 'x", "want the closing quote" },
		{ "a; (os_name == 'x'", "want \")\"" },
		{ "a; os_name == 'x' b", "want \"and\", \"or\" or the end" },
		{ "a b", "want version specifiers" },
	};
	struct ap_err err = AP_ERR_INIT;

	for (size_t i = 0; i < AP_LEN(bad); i++) {
		struct ap_requirement r;

		print_message("  case: %s\n", bad[i][0]);
		assert_fails(
			ap_requirement_parse(&r, bad[i][0], &err), &err, AP_E_INPUT, bad[i][1]);
	}
}

TEST(requirement_parentheses_are_bounded)
{
	ap_auto_buf text = AP_BUF_INIT;
	struct ap_err err = AP_ERR_INIT;
	struct ap_requirement r;

	ap_buf_adds(&text, "a; ");
	for (int i = 0; i < 5000; i++)
		ap_buf_addc(&text, '(');
	assert_fails(ap_requirement_parse(&r, text.p, &err), &err, AP_E_INPUT, "fewer parentheses");
}

TEST(marker_is_evaluated_for_the_base)
{
	static const struct {
		const char *marker;
		bool holds;
	} cases[] = {
		{ NULL, true },
		{ "python_version < '3.12'", true },
		{ "python_version >= '3.9' and python_version < '3.11'", false },
		{ "'3.10' <= python_version", true },
		{ "python_full_version == '3.11.2'", true },
		{ "python_version in '3.10 3.11'", true },
		{ "python_version not in '3.10, 3.11'", false },
		{ "sys_platform == 'win32' or sys_platform == \"linux\"", true },
		{ "sys_platform == 'win32' or os_name == 'posix' and platform_machine != 'x86_64'",
			false },
		{ "(sys_platform == 'win32' or os_name == 'posix') and platform_machine == 'x86_64'",
			true },
		{ "platform_python_implementation == 'CPython'", true },
		{ "extra == 'My_Extra'", true },
		{ "extra == 'other'", false },
		{ "nonsense", false },
	};
	char extra[] = "my-extra";
	char *list[] = { extra, NULL };
	struct ap_strv extras = { list, 1, 0 };
	struct ap_marker_env env = { "3.11", "3.11.2", "linux", "Linux", "x86_64", "cpython",
		&extras };

	for (size_t i = 0; i < AP_LEN(cases); i++) {
		if (ap_marker_eval(cases[i].marker, &env) != cases[i].holds)
			fail_msg("%s", cases[i].marker);
	}
}
