#include "tests/unit/unit.h"

#include <dirent.h>
#include <stdlib.h>

#include "base/fs.h"
#include "deps/entry_points.h"
#include "deps/headers.h"
#include "deps/names.h"
#include "deps/record.h"
#include "deps/wheel.h"

#define GOOD "fixtures/wheels/good/"

/* Open and verify, as an installation does before it makes anything. */
static int check(const char *path, const char *filename, struct ap_err *err)
{
	AP_CLEANUP(ap_wheel_release) struct ap_wheel w = { 0 };

	if (ap_wheel_open(&w, path, filename, err) < 0)
		return -1;
	return ap_wheel_verify(&w, err);
}

static size_t count_files(const char *dir)
{
	DIR *d = opendir(dir);
	size_t n = 0;

	assert_non_null(d);
	for (struct dirent *e; (e = readdir(d));)
		n += e->d_name[0] != '.';
	closedir(d);
	return n;
}

TEST(wheel_refuses_each_hostile_archive_naming_the_rule)
{
	ap_auto_buf table = AP_BUF_INIT;
	struct ap_err err = AP_ERR_INIT;
	struct ap_str rest, line;
	size_t n = 0;
	size_t failed = 0;

	assert_ok(ap_fs_read(&table, "fixtures/wheels/reject.data", &err), &err);
	rest = ap_str_n(table.p, table.len);
	while (ap_str_next(&rest, '\n', &line)) {
		struct ap_str part;
		ap_auto_strv f = { 0 };
		ap_auto_free char *path = NULL;

		if (!line.n || line.p[0] == '#')
			continue;
		while (ap_str_next(&line, '\t', &part))
			ap_strv_add_n(&f, part.p, part.n);
		assert_int_equal(f.n, 5);
		n++;
		path = ap_fs_join("fixtures/wheels/reject", f.v[0]);
		print_message("  case: %s (%s)\n", f.v[3], f.v[0]);
		if (strcmp(f.v[2], "open") != 0) {
			assert_ok(check(path, f.v[1], &err), &err);
			continue;
		}
		if (check(path, f.v[1], &err) >= 0) {
			print_error("accepted, want a refusal with \"%s\"\n", f.v[4]);
			failed++;
			continue;
		}
		if (!strstr(err.msg, f.v[4]) || !strstr(err.msg, f.v[1])) {
			print_error("refused with \"%s\", want \"%s\"\n", err.msg, f.v[4]);
			failed++;
		}
		assert_null(strchr(err.msg, '\n'));
		assert_int_equal(ap_err_exit_status(&err), err.code == AP_E_INPUT ? 2 : 1);
		ap_err_clear(&err);
	}
	assert_int_equal(failed, 0);
	assert_int_equal(n, count_files("fixtures/wheels/reject"));
	assert_true(n >= 40);
}

/* The archive of one case of the table.  *out: owned. */
static char *reject_file(const char *name)
{
	ap_auto_buf table = AP_BUF_INIT;
	ap_auto_free char *field = ap_xasprintf("\t%s\t", name);
	struct ap_err err = AP_ERR_INIT;
	const char *at;

	assert_ok(ap_fs_read(&table, "fixtures/wheels/reject.data", &err), &err);
	at = strstr(table.p, field);
	assert_non_null(at);
	while (at > table.p && at[-1] != '\n')
		at--;
	return ap_xasprintf("fixtures/wheels/reject/%.*s", (int)strcspn(at, "\t"), at);
}

TEST(wheel_member_that_failed_once_fails_again)
{
	ap_auto_free char *path = reject_file("wrong CRC");
	AP_CLEANUP(ap_zip_unrefp) struct ap_zip *z = NULL;
	ap_auto_reader r = NULL;
	struct ap_err err = AP_ERR_INIT;
	char chunk[4096];
	size_t got;

	assert_ok(ap_zip_open(&z, path, "x", &err), &err);
	ap_zip_reader(&r, z, ap_zip_find(z, "demo/x.py"));
	assert_ok(ap_read(r, chunk, sizeof(chunk), &got, &err), &err);
	assert_fails(ap_read(r, chunk, sizeof(chunk), &got, &err), &err, AP_E_PROTO, "CRC is");
	assert_fails(
		ap_read(r, chunk, sizeof(chunk), &got, &err), &err, AP_E_PROTO, "already failed");
}

TEST(wheel_accepts_every_legal_form_of_zip)
{
	DIR *d = opendir(GOOD);
	struct ap_err err = AP_ERR_INIT;

	assert_non_null(d);
	for (struct dirent *e; (e = readdir(d));) {
		ap_auto_free char *path = ap_fs_join(GOOD, e->d_name);

		if (e->d_name[0] == '.')
			continue;
		print_message("  case: %s\n", e->d_name);
		assert_ok(check(path, e->d_name, &err), &err);
	}
	closedir(d);
}

TEST(wheel_reads_names_scheme_and_scripts)
{
	AP_CLEANUP(ap_wheel_release) struct ap_wheel w = { 0 };
	struct ap_err err = AP_ERR_INIT;

	assert_ok(ap_wheel_open(
			  &w, GOOD "demo-1.0-py3-none-any.whl", "demo-1.0-py3-none-any.whl", &err),
		&err);
	assert_string_equal(w.name, "demo");
	assert_string_equal(w.info_dir, "demo-1.0.dist-info");
	assert_string_equal(w.data_dir, "demo-1.0.data");
	assert_true(w.purelib);
	assert_int_equal(w.scripts.n, 3);
	assert_string_equal(w.scripts.v[1].name, "demo.sub");
	assert_string_equal(w.scripts.v[1].module, "demo");
	assert_string_equal(w.scripts.v[1].attr, "Class.method");
	assert_false(w.scripts.v[1].gui);
	assert_true(w.scripts.v[2].gui);
}

TEST(wheel_content_is_the_member_both_inflated_and_as_it_lies)
{
	static const char *const names[] = { "plat/_x.so", "plat-2.0.dist-info/METADATA" };
	struct ap_err err = AP_ERR_INIT;
	struct ap_zip *z = NULL;

	assert_ok(ap_zip_open(
			  &z, GOOD "plat-2.0-cp311-cp311-manylinux_2_17_x86_64.whl", "plat", &err),
		&err);
	for (size_t i = 0; i < AP_LEN(names); i++) {
		const struct ap_zip_member *m = ap_zip_find(z, names[i]);
		struct ap_content *c;
		ap_auto_reader r = NULL;
		ap_auto_buf once = AP_BUF_INIT;
		ap_auto_buf again = AP_BUF_INIT;
		struct ap_raw raw;

		assert_non_null(m);
		c = ap_zip_content(z, m);
		assert_ok(c->ops->open(c, &r, &err), &err);
		assert_ok(ap_read_all(r, &once, &err), &err);
		assert_ok(ap_rewind(r, &err), &err);
		assert_ok(ap_read_all(r, &again, &err), &err);
		assert_int_equal(once.len, m->size);
		assert_int_equal(again.len, once.len);
		assert_memory_equal(once.p, again.p, once.len);
		assert_true(c->ops->raw(c, &raw));
		assert_int_equal(raw.method, 8);
		assert_int_equal(raw.size, m->size);
		assert_int_equal(raw.csize, m->csize);
		c->ops->free(c);
	}
	ap_zip_unref(z);
}

TEST(wheel_names_are_taken_apart)
{
	AP_CLEANUP(ap_wheel_name_release) struct ap_wheel_name n = { 0 };
	struct ap_err err = AP_ERR_INIT;

	assert_ok(ap_wheel_name_parse(&n,
			  "Foo.Bar_baz-1!2.0+cu121-7x-cp310.cp311-abi3-manylinux_2_17_x86_64.whl",
			  &err),
		&err);
	assert_string_equal(n.name, "foo-bar-baz");
	assert_string_equal(n.version, "1!2.0+cu121");
	assert_string_equal(n.build, "7x");
	assert_string_equal(n.python, "cp310.cp311");
	assert_string_equal(n.abi, "abi3");
	assert_string_equal(n.platform, "manylinux_2_17_x86_64");
}

TEST(versions_that_are_equal_have_one_canonical_text)
{
	static const struct {
		const char *in, *canonical;
	} cases[] = {
		{ "1", "1" },
		{ "1.0.0", "1" },
		{ "0.0", "0" },
		{ "v1.010", "1.10" },
		{ "1.0.1.0", "1.0.1" },
		{ "0!1", "1" },
		{ "2!1.0", "2!1" },
		{ "1.0-Alpha.1", "1a1" },
		{ "1b", "1b0" },
		{ "1.preview2", "1rc2" },
		{ "1c3", "1rc3" },
		{ "1-1", "1.post1" },
		{ "1.rev3", "1.post3" },
		{ "1.post", "1.post0" },
		{ "1.dev", "1.dev0" },
		{ "1a1.post2.dev3", "1a1.post2.dev3" },
		{ "1+Ubuntu-1_02", "1+ubuntu.1.2" },
		{ " 1.0 ", "1" },
		{ "", NULL },
		{ "x", NULL },
		{ "1.", NULL },
		{ "1+", NULL },
		{ "1 2", NULL },
		{ "1+a..b", NULL },
		{ "1.x", NULL },
	};

	for (size_t i = 0; i < AP_LEN(cases); i++) {
		ap_auto_free char *v = ap_version_canonical(cases[i].in, strlen(cases[i].in));

		print_message("  case: \"%s\"\n", cases[i].in);
		if (cases[i].canonical) {
			assert_non_null(v);
			assert_string_equal(v, cases[i].canonical);
		} else {
			assert_null(v);
		}
	}
}

TEST(record_is_printed_as_pythons_csv_writer_does)
{
	static const char text[] = "b,sha256=x,1\r\n\"a, \"\"q\"\"\",,\nc\n\n";
	AP_CLEANUP(ap_record_release) struct ap_record r = { 0 };
	ap_auto_buf out = AP_BUF_INIT;
	struct ap_err err = AP_ERR_INIT;

	assert_ok(ap_record_parse(&r, text, strlen(text), &err), &err);
	assert_int_equal(r.n, 3);
	assert_string_equal(r.v[1].path, "a, \"q\"");
	ap_record_print(&out, &r);
	assert_string_equal(out.p, "\"a, \"\"q\"\"\",,\r\nb,sha256=x,1\r\nc,,\r\n");
}

TEST(record_hash_is_base64url_without_padding)
{
	ap_auto_free char *h = ap_record_hash("hello", 5);
	unsigned char digest[64];
	struct ap_err err = AP_ERR_INIT;
	unsigned bits;

	assert_string_equal(h, "sha256=LPJNul-wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ");
	assert_ok(ap_record_hash_parse(&bits, digest, h, &err), &err);
	assert_int_equal(bits, 256);
	assert_int_equal(digest[0], 0x2c);
	assert_int_equal(digest[31], 0x24);
}

/* `n` lines of `line`. */
static void lines(struct ap_buf *b, const char *line, size_t n)
{
	for (size_t i = 0; i < n; i++)
		ap_buf_adds(b, line);
}

TEST(wheel_metadata_has_limits)
{
	AP_CLEANUP(ap_record_release) struct ap_record r = { 0 };
	AP_CLEANUP(ap_headers_release) struct ap_headers h = { 0 };
	AP_CLEANUP(ap_entry_points_release) struct ap_entry_points e = { 0 };
	ap_auto_buf record = AP_BUF_INIT;
	ap_auto_buf headers = AP_BUF_INIT;
	ap_auto_buf scripts = AP_BUF_INIT;
	struct ap_err err = AP_ERR_INIT;

	lines(&record, "a,,\n", 1000001);
	assert_fails(ap_record_parse(&r, record.p, record.len, &err), &err, AP_E_LIMIT,
		"more than 1000000 lines");
	lines(&headers, "A: b\n", 100001);
	assert_fails(ap_headers_parse(&h, headers.p, headers.len, &err), &err, AP_E_LIMIT,
		"more than 100000 fields");
	ap_buf_adds(&scripts, "[console_scripts]\n");
	for (int i = 0; i < 10001; i++)
		ap_buf_addf(&scripts, "s%d = m:f\n", i);
	assert_fails(ap_entry_points_parse(&e, scripts.p, scripts.len, &err), &err, AP_E_LIMIT,
		"more than 10000 scripts");
}

TEST(wheel_metadata_names_are_plain)
{
	static const char *const cases[] = { "Na me: x\n", "N\x7f: x\n", "N\xc3\xa4: x\n",
		"N\x01: x\n" };
	struct ap_err err = AP_ERR_INIT;

	for (size_t i = 0; i < AP_LEN(cases); i++) {
		AP_CLEANUP(ap_headers_release) struct ap_headers h = { 0 };

		assert_fails(ap_headers_parse(&h, cases[i], strlen(cases[i]), &err), &err,
			AP_E_PROTO, "line 1 is not \"Name: value\"");
	}
}
