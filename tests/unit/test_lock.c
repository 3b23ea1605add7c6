#include "tests/unit/unit.h"

#include <stdlib.h>

#include "deps/lock.h"

#define HEX64       "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define HEAD        "lock-version = \"1.0\"\n"
#define WHEEL(name) "{ url = \"https://x.example/" name "\", hashes = { sha256 = \"" HEX64 "\" } }"

TEST(a_printed_lock_reads_back_as_it_was)
{
	struct ap_lock a = { 0 }, b = { 0 };
	struct ap_err err = AP_ERR_INIT;
	ap_auto_buf text = AP_BUF_INIT, again = AP_BUF_INIT;
	struct ap_locked *l;

	l = ap_lock_add(&a);
	l->name = ap_xstrdup("six");
	l->version = ap_xstrdup("1.16.0");
	l->filename = ap_xstrdup("six-1.16.0-py2.py3-none-any.whl");
	l->url = ap_xstrdup("https://x.example/six-1.16.0-py2.py3-none-any.whl");
	assert_true(ap_digest_from_hex(&l->digest, HEX64, 64));
	l->size = 11053;
	l = ap_lock_add(&a);
	l->name = ap_xstrdup("mine");
	l->version = ap_xstrdup("0.1");
	l->filename = ap_xstrdup("mine-0.1-py3-none-any.whl");
	l->local = ap_xstrdup("/home/user/secret-place/mine-0.1-py3-none-any.whl");
	l->requested = true;
	l->direct_url = ap_xstrdup("{\"url\": \"file:///usr/app/\\\"x\"}");
	assert_true(ap_digest_from_hex(&l->digest, HEX64, 64));
	ap_strv_add(&a.removes, "six");
	ap_lock_sort(&a);
	ap_lock_print(&text, &a);
	assert_null(strstr(text.p, "secret-place"));
	assert_ok(ap_lock_parse(&b, text.p, text.len, NULL, &err), &err);
	assert_int_equal(b.n, 2);
	assert_string_equal(b.v[0].name, "mine");
	assert_true(b.v[0].requested);
	assert_null(b.v[0].url);
	assert_string_equal(b.v[0].direct_url, a.v[0].direct_url);
	assert_int_equal(b.v[1].size, 11053);
	ap_lock_print(&again, &b);
	assert_string_equal(again.p, text.p);
	ap_lock_release(&a);
	ap_lock_release(&b);
}

TEST(lock_refuses_what_it_cannot_install)
{
	static const struct {
		const char *name, *in;
		enum ap_err_code code;
		const char *fails_with;
	} cases[] = {
		{ "uv's own", "version = 1\n[[package]]\nname = \"a\"\n", AP_E_INPUT,
			"read without --lock" },
		{ "other version", "lock-version = \"2.0\"\n", AP_E_INPUT, "found 2.0" },
		{ "no version", "", AP_E_INPUT, "found none" },
		{ "broken", "lock-version = \n", AP_E_INPUT, "line 1" },
		{ "no name", HEAD "[[packages]]\nversion=\"1\"\n", AP_E_INPUT, "\"name\"" },
		{ "name not normalized", HEAD "[[packages]]\nname=\"A_b\"\n", AP_E_INPUT,
			"not normalized" },
		{ "name with a slash", HEAD "[[packages]]\nname=\"../x\"\n", AP_E_INPUT,
			"no name" },
		{ "only source", HEAD "[[packages]]\nname=\"a\"\n", AP_E_UNSUPPORTED,
			"--allow-build=a" },
		{ "a directory",
			HEAD "[[packages]]\nname=\"a\"\ndirectory={path=\".\",editable=true}\n",
			AP_E_UNSUPPORTED, "--no-emit-project" },
		{ "other package's wheel",
			HEAD
			"[[packages]]\nname=\"a\"\nwheels=[" WHEEL("b-1-py3-none-any.whl") "]\n",
			AP_E_INPUT, "another package" },
		{ "no hash",
			HEAD
			"[[packages]]\nname=\"a\"\nwheels=[{url=\"https://x/a-1-py3-none-any.whl\"}]\n",
			AP_E_INPUT, "found none" },
		{ "twice",
			HEAD
			"[[packages]]\nname=\"a\"\nwheels=[" WHEEL("a-1-py3-none-any.whl") "]\n[[packages]]\nname=\"a\"\nwheels=[" WHEEL(
				"a-2-py3-none-any.whl") "]\n",
			AP_E_INPUT, "locked twice" },
	};
	struct ap_err err = AP_ERR_INIT;

	for (size_t i = 0; i < AP_LEN(cases); i++) {
		struct ap_lock l = { 0 };

		print_message("  case: %s\n", cases[i].name);
		assert_fails(ap_lock_parse(&l, cases[i].in, strlen(cases[i].in), NULL, &err), &err,
			cases[i].code, cases[i].fails_with);
		assert_int_equal(l.n, 0);
	}
}

TEST(lock_is_for_the_pythons_and_platforms_that_it_says)
{
	static const char *const others[] = { HEAD "requires-python = \">=3.12\"\n",
		HEAD "environments = [\"sys_platform == 'win32'\"]\n" };
	const struct ap_marker_env env = { "3.11", "3.11.2", "linux", "Linux", "x86_64", "cpython",
		NULL };
	struct ap_err err = AP_ERR_INIT;

	for (size_t i = 0; i < AP_LEN(others); i++) {
		struct ap_lock l = { 0 };

		print_message("  case: %s\n", others[i]);
		assert_fails(
			ap_lock_parse_for(&l, others[i], strlen(others[i]), NULL, &env, NULL, &err),
			&err, AP_E_INPUT, "the lock is for ");
	}
}

TEST(lock_has_limits)
{
	ap_auto_buf text = AP_BUF_INIT;
	struct ap_lock l = { 0 };
	struct ap_err err = AP_ERR_INIT;

	ap_buf_adds(&text, HEAD);
	for (int i = 0; i < 10001; i++)
		ap_buf_adds(&text, "[[packages]]\n");
	assert_fails(ap_lock_parse(&l, text.p, text.len, NULL, &err), &err, AP_E_LIMIT,
		"more than 10000 packages");
}

TEST(lock_takes_the_wheel_that_fits_best)
{
	static char amd64[] = "amd64", glibc[] = "glibc", cpython[] = "cpython";
	static const char in[] = HEAD
		"[[packages]]\nname=\"a\"\nversion=\"1\"\nwheels=[" WHEEL("a-1-cp311-cp311-musllinux_1_1_x86_64.whl") ", " WHEEL(
			"a-1-py3-none-any.whl") ", " WHEEL("a-1-cp311-cp311-manylinux_2_17_x86_64."
							   "manylinux2014_x86_64.whl") "]\n";
	static const char other[] =
		HEAD "[[packages]]\nname=\"a\"\nwheels=[" WHEEL("a-1-cp39-cp39-win32.whl") "]\n";
	struct ap_inventory inv = { .arch = amd64,
		.libc = glibc,
		.libc_major = 2,
		.libc_minor = 36,
		.implementation = cpython,
		.py_major = 3,
		.py_minor = 11 };
	struct ap_tags t = { 0 };
	struct ap_lock l = { 0 };
	struct ap_err err = AP_ERR_INIT;

	assert_ok(ap_tags_make(&t, &inv, &err), &err);
	assert_ok(ap_lock_parse(&l, in, sizeof(in) - 1, &t, &err), &err);
	assert_string_equal(
		l.v[0].filename, "a-1-cp311-cp311-manylinux_2_17_x86_64.manylinux2014_x86_64.whl");
	ap_lock_release(&l);
	assert_fails(ap_lock_parse(&l, other, sizeof(other) - 1, &t, &err), &err, AP_E_UNSUPPORTED,
		"a: none of its 1 wheels fits");
	ap_tags_release(&t);
}
