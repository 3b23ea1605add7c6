#include "tests/unit/unit.h"

#include <stdlib.h>

#include "deps/script.h"

static char main_name[] = "tool", main_module[] = "pkg.mod", main_attr[] = "App.run";

static void print(struct ap_buf *out, unsigned minor, const char *interpreter)
{
	struct ap_entry_point p = { main_name, main_module, main_attr, false };
	ap_auto_free char *copy = ap_xstrdup(interpreter);
	struct ap_inventory inv = {
		.py_major = 3,
		.py_minor = minor,
		.scheme = { .interpreter = copy },
	};

	ap_script_print(out, &p, &inv);
}

TEST(script_text_is_that_of_the_newest_pip_for_the_bases_python)
{
	static const struct {
		unsigned minor;
		const char *text;
	} cases[] = {
		{ 8, "#!/usr/bin/python3\n# -*- coding: utf-8 -*-\nimport re\nimport sys\n"
		     "from pkg.mod import App\nif __name__ == '__main__':\n"
		     "    sys.argv[0] = re.sub(r'(-script\\.pyw|\\.exe)?$', '', sys.argv[0])\n"
		     "    sys.exit(App.run())\n" },
		{ 9, "#!/usr/bin/python3\nimport sys\nfrom pkg.mod import App\n"
		     "if __name__ == '__main__':\n    if sys.argv[0].endswith('.exe'):\n"
		     "        sys.argv[0] = sys.argv[0][:-4]\n    sys.exit(App.run())\n" },
		{ 11, "#!/usr/bin/python3\nimport sys\nfrom pkg.mod import App\n"
		      "if __name__ == '__main__':\n"
		      "    sys.argv[0] = sys.argv[0].removesuffix('.exe')\n"
		      "    sys.exit(App.run())\n" },
	};

	for (size_t i = 0; i < AP_LEN(cases); i++) {
		ap_auto_buf b = AP_BUF_INIT;

		print_message("  case: 3.%u\n", cases[i].minor);
		print(&b, cases[i].minor, "/usr/bin/python3");
		assert_string_equal(b.p, cases[i].text);
	}
}

TEST(script_interpreters_that_a_shebang_cannot_name_go_through_sh)
{
	char longest[130];
	ap_auto_buf fits = AP_BUF_INIT;
	ap_auto_buf over = AP_BUF_INIT;
	ap_auto_buf space = AP_BUF_INIT;

	memset(longest, 'p', sizeof(longest));
	longest[0] = '/';
	longest[124] = '\0';
	ap_script_shebang(&fits, longest);
	assert_true(ap_starts_with(fits.p, "#!/ppp"));
	assert_int_equal(fits.len, 127);
	longest[124] = 'p';
	longest[125] = '\0';
	ap_script_shebang(&over, longest);
	assert_true(ap_starts_with(over.p, "#!/bin/sh\n'''exec' /ppp"));
	assert_true(ap_ends_with(over.p, "p \"$0\" \"$@\"\n' '''\n"));
	ap_script_shebang(&space, "/opt/my env/bin/python");
	assert_string_equal(
		space.p, "#!/bin/sh\n'''exec' \"/opt/my env/bin/python\" \"$0\" \"$@\"\n' '''\n");
}

static void parse(struct ap_entry_points *e, const char *text)
{
	struct ap_err err = AP_ERR_INIT;

	assert_ok(ap_entry_points_parse(e, text, strlen(text), &err), &err);
}

TEST(script_family_of_pip_and_easy_install_follows_the_bases_python)
{
	static const char *const want[] = { "pip", "pip3", "pip3.12", "easy_install",
		"easy_install-3.12", "pipx", "easy_install-x", "pip3.7" };
	AP_CLEANUP(ap_entry_points_release) struct ap_entry_points in = { 0 };
	AP_CLEANUP(ap_entry_points_release) struct ap_entry_points out = { 0 };
	struct ap_inventory inv = { .py_major = 3, .py_minor = 12 };

	parse(&in, "[console_scripts]\npipx=a:b\npip3.7=a:b\npip=a:b\npip3=a:b\n"
		   "easy_install-3.7=a:b\neasy_install=a:b\neasy_install-x=a:b\n"
		   "[gui_scripts]\npip3.7=a:b\n");
	ap_script_list(&out, &in, &inv);
	assert_int_equal(out.n, AP_LEN(want));
	for (size_t i = 0; i < out.n; i++)
		assert_string_equal(out.v[i].name, want[i]);
}

TEST(script_wrappers_that_setuptools_made_are_known)
{
	static const struct {
		const char *name;
		bool wrapper;
	} cases[] = {
		{ "tool", true },
		{ "tool.exe", true },
		{ "tool.EXE", true },
		{ "tool-script.py", true },
		{ "tool.pya", true },
		{ "win", true },
		{ "tool2", false },
		{ "tool-script.pyw", false },
		{ ".exe", false },
	};
	AP_CLEANUP(ap_entry_points_release) struct ap_entry_points e = { 0 };

	parse(&e, "[console_scripts]\ntool=a:b\n[gui_scripts]\nwin=a:b\n");
	for (size_t i = 0; i < AP_LEN(cases); i++) {
		print_message("  case: %s\n", cases[i].name);
		assert_true(ap_script_is_wrapper(&e, cases[i].name) == cases[i].wrapper);
	}
}
