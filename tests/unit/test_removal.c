#include "tests/unit/unit.h"

#include <stdlib.h>

#include "deps/install.h"
#include "tests/unit/base_image.h"

#define SITE "/usr/local/lib/python3.11/dist-packages/"
#define DIST(x)                                                                                       \
	"{\"name\":\"foo\",\"version\":\"1\",\"site\":\"/usr/local/lib/python3.11/dist-packages\"," x \
	"}"
#define INFO    "\"path\":\"" SITE "foo-1.dist-info\",\"removable\":true,\"hasRecord\":true,"
#define TREE(x) "{\"usr\":{\"local\":{\"lib\":{\"python3.11\":{\"dist-packages\":" x "}}}}}"

/* The whiteouts for replacing "foo", joined by blanks. */
static int removals(char **out, const char *tree, const char *dist, const char *const *added,
	struct ap_err *err)
{
	struct ap_inventory *inv = base_image(tree, dist);
	struct ap_lock lock = { 0 };
	ap_auto_tree back = { 0 };
	const struct ap_tree *trees[] = { &back };
	ap_auto_strv v = { 0 };
	int rc;

	ap_strv_add(&lock.removes, "foo");
	for (; added && *added; added++)
		ap_tree_add_bytes(&back, *added, 0644, "x", 1);
	rc = ap_install_removals(&v, &lock, inv, trees, 1, err);
	if (rc == 0)
		*out = ap_strv_join(&v, " ");
	ap_strv_release(&lock.removes);
	ap_inventory_free(inv);
	return rc;
}

TEST(removal_takes_what_pip_takes)
{
	static const struct {
		const char *name, *tree, *dist;
		const char *added[4];
		const char *gone;
	} cases[] = {
		{ "a package with its metadata goes as directories",
			TREE("{\"foo\":{\"__init__.py\":1},\"foo-1.dist-info\":{\"RECORD\":1},\"bar.py\":1}"),
			DIST(INFO "\"files\":[\"" SITE "foo/__init__.py\",\"" SITE
				  "foo-1.dist-info/RECORD\"]"),
			{ NULL }, SITE "foo " SITE "foo-1.dist-info" },
		{ "bytecode that no RECORD lists goes too",
			TREE("{\"foo.py\":1,\"foo.pyc\":1,\"foo.pyo\":1,\"__pycache__\":"
			     "{\"foo.cpython-311.pyc\":1,\"foo.cpython-310.pyc\":1,\"bar.cpython-311.pyc\":1}}"),
			DIST(INFO "\"files\":[\"" SITE "foo.py\"]"), { NULL },
			SITE "__pycache__/foo.cpython-311.pyc " SITE "foo.py " SITE "foo.pyc " SITE
			     "foo.pyo" },
		{ "a directory with a stranger's file stays",
			TREE("{\"foo\":{\"a.py\":1,\"mine.txt\":1},\"bar.py\":1}"),
			DIST(INFO "\"files\":[\"" SITE "foo/a.py\"]"), { NULL }, SITE "foo/a.py" },
		{ "the parent of an emptied directory stays, emptied",
			TREE("{\"ns\":{\"foo\":{\"a.py\":1}},\"bar.py\":1}"),
			DIST(INFO "\"files\":[\"" SITE "ns/foo/a.py\"]"), { NULL }, SITE "ns/foo" },
		{ "an empty directory of a stranger keeps its parent",
			TREE("{\"ns\":{\"foo\":{\"a.py\":1},\"empty\":{}},\"bar.py\":1}"),
			DIST(INFO "\"files\":[\"" SITE "ns/foo/a.py\"]"), { NULL }, SITE "ns/foo" },
		{ "what comes back stays",
			TREE("{\"foo\":{\"a.py\":1,\"b.py\":1,\"sub\":{\"c.py\":1}},\"bar.py\":1}"),
			DIST(INFO "\"files\":[\"" SITE "foo/a.py\",\"" SITE "foo/b.py\",\"" SITE
				  "foo/sub/c.py\"]"),
			{ "usr/local/lib/python3.11/dist-packages/foo/a.py" },
			SITE "foo/b.py " SITE "foo/sub" },
		{ "a file where a directory was hides it",
			TREE("{\"foo\":{\"a.py\":1},\"bar.py\":1}"),
			DIST(INFO "\"files\":[\"" SITE "foo/a.py\"]"),
			{ "usr/local/lib/python3.11/dist-packages/foo" }, "" },
		{ "files that are not there are no matter", TREE("{\"bar.py\":1}"),
			DIST(INFO "\"files\":[\"" SITE "foo/a.py\"]"), { NULL }, "" },
		{ "a link goes, its target stays",
			TREE("{\"foo\":\"real\",\"real\":{\"a.py\":1},\"bar.py\":1}"),
			DIST(INFO "\"files\":[\"" SITE "foo\"]"), { NULL }, SITE "foo" },
		{ "headers outside the prefix go",
			"{\"usr\":{\"include\":{\"python3.11\":{\"Python.h\":1,\"foo\":{\"foo.h\":1}}}}}",
			DIST(INFO "\"files\":[\"/usr/include/python3.11/foo/foo.h\"]"), { NULL },
			"/usr/include/python3.11/foo" },
		{ "nothing outside the prefix goes",
			"{\"etc\":{\"passwd\":1},\"usr\":{\"bin\":{\"foo\":1},\"local\":{}}}",
			DIST(INFO "\"files\":[\"/etc/passwd\",\"/usr/bin/foo\"]"), { NULL }, "" },
		{ "nothing that a link leads out of the prefix goes",
			"{\"etc\":{\"passwd\":1},\"usr\":{\"local\":{\"conf\":\"/etc\"}}}",
			DIST(INFO "\"files\":[\"/usr/local/conf/passwd\"]"), { NULL }, "" },
		{ "a package of the operating system is shadowed", TREE("{\"foo.py\":1}"),
			DIST("\"path\":\"" SITE
			     "foo-1.dist-info\",\"hasRecord\":false,\"files\":[\"" SITE
			     "foo.py\"]"),
			{ NULL }, "" },
		{ "an egg-info directory goes with the files it lists",
			TREE("{\"foo.py\":1,\"bar.py\":1,\"foo-1.egg-info\":{\"PKG-INFO\":1}}"),
			DIST("\"path\":\"" SITE
			     "foo-1.egg-info\",\"removable\":true,\"files\":[\"" SITE "foo.py\"]"),
			{ NULL }, SITE "foo-1.egg-info " SITE "foo.py" },
	};

	for (size_t i = 0; i < AP_LEN(cases); i++) {
		struct ap_err err = AP_ERR_INIT;
		ap_auto_free char *gone = NULL;

		print_message("  case: %s\n", cases[i].name);
		assert_ok(
			removals(&gone, cases[i].tree, cases[i].dist, cases[i].added, &err), &err);
		assert_string_equal(gone, cases[i].gone);
	}
}

TEST(removal_refuses_what_pip_cannot_remove)
{
	static const struct {
		const char *name, *tree, *dist, *fails_with;
	} cases[] = {
		{ "no RECORD", TREE("{\"foo-1.dist-info\":{\"METADATA\":1}}"),
			DIST("\"path\":\"" SITE
			     "foo-1.dist-info\",\"removable\":true,\"installer\":"
			     "\"conda\""),
			"has no RECORD, it was installed by conda" },
		{ "distutils", TREE("{\"foo-1.egg-info\":1}"),
			DIST("\"path\":\"" SITE "foo-1.egg-info\",\"removable\":true"),
			"installed by distutils" },
	};

	for (size_t i = 0; i < AP_LEN(cases); i++) {
		struct ap_err err = AP_ERR_INIT;
		char *gone = NULL;

		print_message("  case: %s\n", cases[i].name);
		assert_fails(removals(&gone, cases[i].tree, cases[i].dist, NULL, &err), &err,
			AP_E_UNSUPPORTED, cases[i].fails_with);
		assert_null(gone);
	}
}
