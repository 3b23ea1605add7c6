#include "tests/unit/unit.h"

#include <stdlib.h>

#include "deps/base_pip.h"

static const char *nothing(const char *name)
{
	return strcmp(name, "PIP_CONFIG_FILE") == 0 ? "/dev/null" : NULL;
}

static const char *empty(const char *name)
{
	return ap_starts_with(name, "PIP_") && strcmp(name, "PIP_CONFIG_FILE") != 0 ? ""
										    : nothing(name);
}

static const char *of_uv(const char *name)
{
	return strcmp(name, "UV_DEFAULT_INDEX") == 0 || strcmp(name, "UV_INDEX") == 0
		       ? "https://mine/s"
		       : nothing(name);
}

/* A base with x 1.0+local. */
static char x_name[] = "x", x_version[] = "1.0+local", x_path[] = "/s/x.dist-info";
static struct ap_dist dists[] = {
	{ .name = x_name, .version = x_version, .normalized = x_name, .path = x_path }
};

TEST(base_pip_constraints_stand_behind_the_requests_own_lines)
{
	static const struct {
		const char *name, *text, *want, *fails_with;
		unsigned flags;
	} cases[] = {
		{ "a version", "Y_z==2 ; python_version > '3'", "y-z==2", NULL, 0 },
		{ "an address", "y @ https://h/y.whl#sha256=0", "y @ https://h/y.whl#sha256=0",
			NULL, 0 },
		{ "what is installed from inside", "x @ file:///opt/x", "x==1.0+local", NULL, 0 },
		{ "what is not", "y @ file:///opt/y", "y<0.dev0", NULL, 0 },
		{ "by version control", "y @ git+https://h/y", "y<0.dev0", NULL, 0 },
		{ "no TLS", "y @ http://h/y.whl", "y<0.dev0", NULL, 0 },
		{ "of a user", "y @ https://me@h/y.whl", "y<0.dev0", NULL, 0 },
		{ "private", "y @ https://192.168.0.1/y.whl", "y<0.dev0", NULL, 0 },
		{ "a neighbour's", "y @ https://192.168.0.1/y.whl", "y @ https://192.168.0.1/y.whl",
			NULL, AP_BASE_PIP_PRIVATE },
		{ "a neighbour's, no TLS", "y @ http://192.168.0.1/y.whl", "y<0.dev0", NULL,
			AP_BASE_PIP_PRIVATE },
		{ "where something is built", "y @ https://h/y.tar.gz", "y<0.dev0", NULL,
			AP_BASE_PIP_NO_URLS },
		{ "extras", "y[z]==1", NULL, "a constraint cannot have extras", 0 },
		{ "an option", "--index-url https://h", NULL, "want one requirement", 0 },
		{ "nothing", "", NULL, "want one requirement", 0 },
		{ "two", "y\nz", NULL, "want one requirement", 0 },
		{ "a path", "./y.whl", NULL, "the base's /c.txt:1", 0 },
		{ "a variable of this machine's", "y==${HOME}", NULL, "the base's /c.txt:1", 0 },
	};

	for (size_t i = 0; i < AP_LEN(cases); i++) {
		struct ap_dep_line own = { .kind = AP_DEP_NAMED };
		struct ap_dep_request req = { .lines = &own, .n_lines = 1, .cap_lines = 1 };
		struct ap_inventory inv = { .dists = dists, .n_dists = 1 };
		struct ap_dep_request out;
		struct ap_err err = AP_ERR_INIT;
		ap_auto_buf text = AP_BUF_INIT;

		print_message("  case: %s\n", cases[i].name);
		ap_strv_add(&inv.pip.constraints, "/c.txt:1");
		ap_strv_add(&inv.pip.constraints, cases[i].text);
		if (cases[i].fails_with) {
			assert_fails(
				ap_base_pip_limit(&out, &req, &inv, nothing, cases[i].flags, &err),
				&err, AP_E_INPUT, cases[i].fails_with);
		} else {
			assert_ok(
				ap_base_pip_limit(&out, &req, &inv, nothing, cases[i].flags, &err),
				&err);
			assert_int_equal(out.n_lines, 2);
			assert_true(out.lines[1].constraint);
			assert_string_equal(out.lines[1].where, "the base's /c.txt:1");
			ap_requirement_print(
				&text, &out.lines[1].req, out.lines[1].req.specs, NULL);
			assert_string_equal(text.p, cases[i].want);
			ap_base_pip_unlimit(&out, &req);
		}
		/* This machine's word, if only that there is none. */
		assert_ok(ap_base_pip_limit(&out, &req, &inv, empty, 0, &err), &err);
		assert_int_equal(out.n_lines, 1);
		ap_base_pip_unlimit(&out, &req);
		ap_base_pip_release(&inv.pip);
	}
}

TEST(base_pip_error_is_one_only_where_something_is_installed_by_it)
{
	struct ap_dep_request req = { 0 };
	struct ap_inventory inv = { 0 };
	struct ap_dep_request out;
	struct ap_err err = AP_ERR_INIT;

	inv.pip.error = ap_xstrdup("PIP_CONSTRAINT: \"/x\": the base has no such file");
	assert_fails(ap_base_pip_limit(&out, &req, &inv, nothing, 0, &err), &err, AP_E_INPUT,
		"the base has no such file (PIP_CONSTRAINT on this machine, even an empty one");
	assert_ok(ap_base_pip_limit(&out, &req, &inv, empty, 0, &err), &err);
	ap_base_pip_release(&inv.pip);
}

TEST(base_pip_indexes_are_the_last_to_be_asked_of)
{
	static const char *const settings[] = { "/etc/pip.conf", "index-url", "https://base/s",
		"PIP_EXTRA_INDEX_URL", "extra-index-url", "https://@more/s  https://other/s",
		"/etc/pip.conf", "find-links", "/wheels https://links/", "PIP_PRE", "pre", "yes",
		"/etc/pip.conf", "user", "1", "/etc/pip.conf", "no-deps", "off" };
	char theirs[] = "https://file/s";
	const struct ap_dep_index none = { 0 }, file = { .index_url = theirs };
	static const struct {
		const char *name;
		ap_getenv_fn env;
		bool of_file;
		const char *index;
		size_t extra, links, notes;
		bool pre;
	} cases[] = {
		{ "nothing said", nothing, false, "https://base/s", 2, 1, 7, true },
		{ "a requirements file", nothing, true, "https://file/s", 2, 1, 6, true },
		{ "uv's variables", of_uv, false, "https://mine/s", 1, 1, 4, true },
		{ "empty ones", empty, false, NULL, 0, 0, 0, false },
	};

	for (size_t i = 0; i < AP_LEN(cases); i++) {
		AP_CLEANUP(ap_index_config_release) struct ap_index_config c = { 0 };
		ap_auto_strv notes = { 0 };
		struct ap_inventory inv = { 0 };
		struct ap_err err = AP_ERR_INIT;

		print_message("  case: %s\n", cases[i].name);
		for (size_t k = 0; k < AP_LEN(settings); k++)
			ap_strv_add(&inv.pip.settings, settings[k]);
		assert_ok(ap_base_pip_index(&c, &notes, cases[i].of_file ? &file : &none, &inv,
				  cases[i].env, 0, &err),
			&err);
		assert_true(cases[i].index ? ap_streq(c.index_url, cases[i].index) : !c.index_url);
		assert_int_equal(c.extra_index_urls.n, cases[i].extra);
		assert_int_equal(c.find_links.n, cases[i].links);
		assert_int_equal(c.pre, cases[i].pre);
		assert_int_equal(notes.n, cases[i].notes);
		if (cases[i].extra == 2)
			assert_string_equal(c.extra_index_urls.v[0], "https://more/s");
		ap_base_pip_release(&inv.pip);
	}
}

TEST(base_pip_index_is_refused_where_a_base_may_not_send_us)
{
	static const struct {
		const char *url, *fails_with;
		unsigned flags;
	} cases[] = {
		{ "http://h/s", "want https", 0 },
		{ "https://localhost/s", "a private address", 0 },
		{ "https://[fe80::1]/s", "a private address", 0 },
		{ "http://10.0.0.1/s", "want https", AP_BASE_PIP_PRIVATE },
		{ "file:///s", "want the address of an index", 0 },
		{ "h", "want the address of an index", 0 },
		{ "http://127.0.0.1:5/s", NULL, AP_BASE_PIP_PRIVATE },
		{ "https://10.0.0.1/s", NULL, AP_BASE_PIP_PRIVATE },
	};

	for (size_t i = 0; i < AP_LEN(cases); i++) {
		AP_CLEANUP(ap_index_config_release) struct ap_index_config c = { 0 };
		const struct ap_dep_index none = { 0 };
		ap_auto_strv notes = { 0 };
		struct ap_inventory inv = { 0 };
		struct ap_err err = AP_ERR_INIT;

		print_message("  case: %s\n", cases[i].url);
		ap_strv_add(&inv.pip.settings, "/etc/pip.conf");
		ap_strv_add(&inv.pip.settings, "index-url");
		ap_strv_add(&inv.pip.settings, cases[i].url);
		if (cases[i].fails_with)
			assert_fails(ap_base_pip_index(&c, &notes, &none, &inv, nothing,
					     cases[i].flags, &err),
				&err, AP_E_INPUT, cases[i].fails_with);
		else
			assert_ok(ap_base_pip_index(
					  &c, &notes, &none, &inv, nothing, cases[i].flags, &err),
				&err);
		ap_base_pip_release(&inv.pip);
	}
}
