#include "tests/unit/unit.h"

#include <stdlib.h>

#include "base/fs.h"
#include "deps/install.h"
#include "tests/unit/base_image.h"

#define GOOD "fixtures/wheels/good/"
#define SITE "usr/local/lib/python3.11/dist-packages/"

static int install(struct ap_tree *out, const char *file, const struct ap_inventory *inv,
	bool requested, const char *direct_url, struct ap_err *err)
{
	ap_auto_free char *path = ap_fs_join(GOOD, file);
	ap_auto_free char *name = ap_xstrdup(file);
	ap_auto_free char *url = direct_url ? ap_xstrdup(direct_url) : NULL;
	struct ap_locked l = { .filename = name, .requested = requested, .direct_url = url };

	return ap_install_wheel(out, path, &l, inv, NULL, err);
}

static void read_file(struct ap_buf *out, const struct ap_tree *t, const char *path)
{
	const struct ap_entry *e = ap_tree_find(t, path);
	ap_auto_reader r = NULL;
	struct ap_err err = AP_ERR_INIT;

	if (!e)
		fail_msg("%s is not there", path);
	if (!e->content)
		return;
	assert_ok(e->content->ops->open(e->content, &r, &err), &err);
	assert_ok(ap_read_all(r, out, &err), &err);
	assert_int_equal(out->len, e->size);
}

TEST(install_makes_the_tree_that_pip_makes)
{
	/* As pip 26.3 leaves it on Debian, but for INSTALLER. */
	static const struct {
		const char *path;
		uint32_t mode;
		uint64_t size;
	} want[] = {
		{ "usr/include", 0755, 0 },
		{ "usr/include/python3.11", 0755, 0 },
		{ "usr/include/python3.11/demo", 0755, 0 },
		{ "usr/include/python3.11/demo/demo.h", 0644, 10 },
		{ "usr/local/bin/demo-cli", 0755, 160 },
		{ "usr/local/bin/demo-gui", 0755, 149 },
		{ "usr/local/bin/demo-py", 0755, 35 },
		{ "usr/local/bin/demo-pyw", 0644, 28 },
		{ "usr/local/bin/demo-sh", 0755, 18 },
		{ "usr/local/bin/demo.sub", 0755, 160 },
		{ "usr/local/etc", 0755, 0 },
		{ "usr/local/etc/demo.conf", 0644, 4 },
		{ "usr/local/lib", 0755, 0 },
		{ "usr/local/lib/python3.11", 0755, 0 },
		{ "usr/local/lib/python3.11/dist-packages", 0755, 0 },
		{ SITE "demo", 0755, 0 },
		{ SITE "demo/__init__.py", 0644, 200 },
		{ SITE "demo/__main__.py", 0644, 14 },
		{ SITE "demo/data", 0755, 0 },
		{ SITE "demo/data/empty.txt", 0644, 0 },
		{ SITE "demo/tool.sh", 0755, 18 },
		{ SITE "demo/with, comma.txt", 0644, 2 },
		{ SITE "demo-1.0.dist-info", 0755, 0 },
		{ SITE "demo-1.0.dist-info/INSTALLER", 0644, 9 },
		{ SITE "demo-1.0.dist-info/METADATA", 0644, 46 },
		{ SITE "demo-1.0.dist-info/RECORD", 0644, 1848 },
		{ SITE "demo-1.0.dist-info/REQUESTED", 0644, 0 },
		{ SITE "demo-1.0.dist-info/WHEEL", 0644, 79 },
		{ SITE "demo-1.0.dist-info/direct_url.json", 0644, 14 },
		{ SITE "demo-1.0.dist-info/entry_points.txt", 0644, 149 },
		{ SITE "demo_extra.py", 0644, 6 },
		{ SITE "demo_plat.py", 0644, 6 },
		{ "usr/local/share", 0755, 0 },
		{ "usr/local/share/demo", 0755, 0 },
		{ "usr/local/share/demo/readme.txt", 0644, 8 },
	};
	struct ap_inventory *inv = base_image(NULL, NULL);
	ap_auto_tree t = { 0 };
	struct ap_err err = AP_ERR_INIT;
	size_t wrong = 0;

	assert_ok(install(&t, "demo-1.0-py3-none-any.whl", inv, true, "{\"url\":\"file\"}", &err),
		&err);
	for (size_t i = 0; i < AP_MIN(t.n, AP_LEN(want)); i++) {
		if (strcmp(t.v[i].path, want[i].path) != 0)
			fail_msg("found %s, want %s", t.v[i].path, want[i].path);
		if (t.v[i].mode == want[i].mode && t.v[i].size == want[i].size)
			continue;
		wrong++;
		print_error(
			"%s: mode %o, %zu bytes\n", t.v[i].path, t.v[i].mode, (size_t)t.v[i].size);
	}
	assert_int_equal(wrong, 0);
	assert_int_equal(t.n, AP_LEN(want));
	ap_inventory_free(inv);
}

TEST(install_rewrites_scripts_and_their_lines_in_record)
{
	struct ap_inventory *inv = base_image(NULL, NULL);
	ap_auto_tree t = { 0 };
	ap_auto_buf script = AP_BUF_INIT;
	ap_auto_buf record = AP_BUF_INIT;
	ap_auto_buf shell = AP_BUF_INIT;
	struct ap_err err = AP_ERR_INIT;

	assert_ok(install(&t, "demo-1.0-py3-none-any.whl", inv, false, NULL, &err), &err);
	read_file(&script, &t, "usr/local/bin/demo-py");
	assert_string_equal(script.p, "#!/usr/bin/python3\nprint('script')\n");
	read_file(&shell, &t, "usr/local/bin/demo-sh");
	assert_string_equal(shell.p, "#!/bin/sh\necho sh\n");
	read_file(&record, &t, SITE "demo-1.0.dist-info/RECORD");
	assert_non_null(
		strstr(record.p, "\r\n../../../bin/demo-cli,"
				 "sha256=gZR07GOJza0e3aLOliCCpqrTWFeqvpFENUq7QYSCE3k,160\r\n"));
	assert_non_null(strstr(record.p, "\r\n../../../bin/demo-py,sha256="));
	assert_non_null(strstr(record.p, ",35\r\n"));
	assert_non_null(strstr(record.p, "\r\n\"demo/with, comma.txt\",sha256="));
	assert_non_null(strstr(record.p, "\r\n../../../etc/demo.conf,sha256="));
	assert_non_null(strstr(record.p, "../../../../include/python3.11/demo/demo.h,"));
	/* Left out as pip leaves it out, and its line stays as pip lets it stay. */
	assert_non_null(strstr(record.p, "\r\ndemo-1.0.data/scripts/demo-cli,sha256="));
	assert_non_null(strstr(record.p, "\r\ndemo-1.0.dist-info/RECORD,,\r\n"));
	assert_null(strstr(record.p, "REQUESTED"));
	assert_null(ap_tree_find(&t, SITE "demo-1.0.dist-info/direct_url.json"));
	ap_inventory_free(inv);
}

TEST(install_adds_to_record_what_it_lacks)
{
	struct ap_inventory *inv = base_image(NULL, NULL);
	ap_auto_tree t = { 0 };
	ap_auto_buf record = AP_BUF_INIT;
	struct ap_err err = AP_ERR_INIT;

	assert_ok(install(&t, "unlisted-1.0-py3-none-any.whl", inv, false, NULL, &err), &err);
	read_file(&record, &t, SITE "unlisted-1.0.dist-info/RECORD");
	assert_string_equal(record.p, "demo/__init__.py,,\r\n"
				      "unlisted-1.0.dist-info/INSTALLER,"
				      "sha256=z0ZOJtO77tnxb6zzgcCwT_0aaO1V2lVXkHOr-nSixDI,9\r\n"
				      "unlisted-1.0.dist-info/METADATA,,\r\n"
				      "unlisted-1.0.dist-info/RECORD,,\r\n"
				      "unlisted-1.0.dist-info/WHEEL,,\r\n");
	ap_inventory_free(inv);
}

TEST(install_follows_the_links_of_the_base)
{
	struct ap_inventory *inv =
		base_image("{\"usr\":{\"local\":{\"bin\":\"../../opt/bin\",\"lib\":\"/data/lib\"}},"
			   "\"opt\":{\"bin\":{}},\"data\":{\"lib\":{\"python3.11\":{}}}}",
			NULL);
	ap_auto_tree t = { 0 };
	struct ap_err err = AP_ERR_INIT;

	assert_ok(install(&t, "demo-1.0-py3-none-any.whl", inv, false, NULL, &err), &err);
	assert_non_null(ap_tree_find(&t, "opt/bin/demo-cli"));
	assert_non_null(ap_tree_find(&t, "data/lib/python3.11/dist-packages/demo/__init__.py"));
	assert_non_null(ap_tree_find(&t, "data/lib/python3.11/dist-packages"));
	assert_null(ap_tree_find(&t, "data/lib/python3.11"));
	for (size_t i = 0; i < t.n; i++) {
		assert_false(ap_starts_with(t.v[i].path, "usr/local/lib"));
		assert_false(ap_starts_with(t.v[i].path, "usr/local/bin"));
	}
	ap_inventory_free(inv);
}

TEST(install_refuses_files_where_the_base_has_directories_and_the_reverse)
{
	static const struct {
		const char *name, *tree, *fails_with;
	} cases[] = {
		{ "directory for a file", "{\"usr\":{\"local\":{\"bin\":{\"demo-cli\":{}}}}}",
			"needs /usr/local/bin/demo-cli, which is a directory in the base" },
		{ "file for a directory", "{\"usr\":{\"local\":{\"etc\":1}}}",
			"needs /usr/local/etc, which is a file in the base" },
	};

	for (size_t i = 0; i < AP_LEN(cases); i++) {
		struct ap_inventory *inv = base_image(cases[i].tree, NULL);
		struct ap_err err = AP_ERR_INIT;
		ap_auto_tree t = { 0 };

		print_message("  case: %s\n", cases[i].name);
		assert_fails(install(&t, "demo-1.0-py3-none-any.whl", inv, false, NULL, &err), &err,
			AP_E_PROTO, cases[i].fails_with);
		assert_int_equal(t.n, 0);
		ap_inventory_free(inv);
	}
}

TEST(install_refuses_a_wheel_that_the_lock_does_not_mean)
{
	static const struct {
		const char *name, *version, *fails_with;
	} cases[] = {
		{ "other", "1.0", "is demo, the lock wants other" },
		{ "demo", "1.1", "is version 1.0, the lock wants 1.1" },
	};
	struct ap_inventory *inv = base_image(NULL, NULL);

	for (size_t i = 0; i < AP_LEN(cases); i++) {
		char file[] = "demo-1.0-py3-none-any.whl";
		ap_auto_free char *name = ap_xstrdup(cases[i].name);
		ap_auto_free char *version = ap_xstrdup(cases[i].version);
		struct ap_locked l = { .name = name, .version = version, .filename = file };
		struct ap_err err = AP_ERR_INIT;
		ap_auto_tree t = { 0 };

		assert_fails(
			ap_install_wheel(&t, GOOD "demo-1.0-py3-none-any.whl", &l, inv, NULL, &err),
			&err, AP_E_PROTO, cases[i].fails_with);
	}
	ap_inventory_free(inv);
}

TEST(install_refuses_each_hostile_wheel_naming_the_rule)
{
	struct ap_inventory *inv = base_image(NULL, NULL);
	ap_auto_buf table = AP_BUF_INIT;
	struct ap_err err = AP_ERR_INIT;
	struct ap_str rest, line;
	size_t n = 0;

	assert_ok(ap_fs_read(&table, "fixtures/wheels/reject.data", &err), &err);
	rest = ap_str_n(table.p, table.len);
	while (ap_str_next(&rest, '\n', &line)) {
		struct ap_str part;
		ap_auto_strv f = { 0 };
		ap_auto_free char *path = NULL;
		struct ap_locked l = { 0 };
		ap_auto_tree t = { 0 };

		if (!line.n || line.p[0] == '#')
			continue;
		while (ap_str_next(&line, '\t', &part))
			ap_strv_add_n(&f, part.p, part.n);
		if (strcmp(f.v[2], "install") != 0)
			continue;
		n++;
		print_message("  case: %s\n", f.v[3]);
		path = ap_fs_join("fixtures/wheels/reject", f.v[0]);
		l.filename = f.v[1];
		assert_fails(
			ap_install_wheel(&t, path, &l, inv, NULL, &err), &err, AP_E_PROTO, f.v[4]);
		assert_int_equal(t.n, 0);
	}
	assert_int_equal(n, 4);
	ap_inventory_free(inv);
}

TEST(install_conflicts_name_both_wheels_and_the_path)
{
	static const struct {
		const char *name;
		struct {
			const char *path, *text;
			uint32_t mode;
		} a, b;
		const char *fails_with;
	} cases[] = {
		{ "same bytes", { "x/f", "1", 0644 }, { "x/f", "1", 0644 }, NULL },
		{ "other files", { "x/f", "1", 0644 }, { "x/g", "2", 0644 }, NULL },
		{ "other bytes", { "x/f", "1", 0644 }, { "x/f", "2", 0644 },
			"one and two both install /x/f" },
		{ "other length", { "x/f", "1", 0644 }, { "x/f", "", 0644 },
			"one and two both install /x/f" },
		{ "other mode", { "x/f", "1", 0644 }, { "x/f", "1", 0755 },
			"one and two both install /x/f" },
		{ "file and directory", { "x", "1", 0644 }, { "x/f", "1", 0644 },
			"/x is a file in one and a directory in two" },
	};

	for (size_t i = 0; i < AP_LEN(cases); i++) {
		ap_auto_tree a = { 0 };
		ap_auto_tree b = { 0 };
		const struct ap_tree *trees[] = { &a, &b };
		static const char *const names[] = { "one", "two" };
		struct ap_err err = AP_ERR_INIT;

		print_message("  case: %s\n", cases[i].name);
		ap_tree_add_dir(&a, "d", 0755);
		ap_tree_add_dir(&b, "d", 0755);
		ap_tree_add_bytes(&a, cases[i].a.path, cases[i].a.mode, cases[i].a.text,
			strlen(cases[i].a.text));
		ap_tree_add_bytes(&b, cases[i].b.path, cases[i].b.mode, cases[i].b.text,
			strlen(cases[i].b.text));
		if (cases[i].fails_with)
			assert_fails(ap_install_conflicts(trees, names, 2, &err), &err, AP_E_INPUT,
				cases[i].fails_with);
		else
			assert_ok(ap_install_conflicts(trees, names, 2, &err), &err);
	}
}

/* The wheel of fixtures/wheels/reject.data with that defect: numbers change, words stay. */
static char *rejected(const char *defect)
{
	ap_auto_buf text = AP_BUF_INIT;
	ap_auto_free char *column = ap_xasprintf("\t%s\t", defect);
	struct ap_err err = AP_ERR_INIT;
	const char *at;

	assert_ok(ap_fs_read(&text, "fixtures/wheels/reject.data", &err), &err);
	at = strstr(text.p, column);
	assert_non_null(at);
	while (at > text.p && at[-1] != '\n')
		at--;
	return ap_xasprintf("fixtures/wheels/reject/%.*s", (int)strcspn(at, "\t"), at);
}

/* Members are read when their layer is made: what RECORD says goes with them until then. */
TEST(install_hands_the_hash_of_record_to_whoever_reads_a_member)
{
	static char name[] = "demo-1.0-py3-none-any.whl";
	struct ap_locked l = { .filename = name };
	struct ap_inventory *inv = base_image(NULL, NULL);
	struct ap_err err = AP_ERR_INIT;
	const struct ap_entry *e;
	ap_auto_tree t = { 0 };
	ap_auto_reader r = NULL;
	ap_auto_buf bytes = AP_BUF_INIT;
	struct ap_raw raw;
	ap_auto_free char *path = rejected("RECORD with another hash");

	assert_ok(ap_install_wheel(&t, path, &l, inv, NULL, &err), &err);
	e = ap_tree_find(&t, SITE "demo/__init__.py");
	assert_non_null(e);
	assert_true(e->content->ops->raw(e->content, &raw));
	assert_int_equal(raw.hash_bits, 256);
	assert_ok(e->content->ops->open(e->content, &r, &err), &err);
	assert_fails(ap_read_all(r, &bytes, &err), &err, AP_E_PROTO,
		"its hash is not the one in RECORD");
	ap_inventory_free(inv);
}
