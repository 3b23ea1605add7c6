#include "tests/unit/unit.h"

#include "deps/tags.h"

static char amd64[] = "amd64", glibc[] = "glibc", musl[] = "musl", cpython[] = "cpython";

static struct ap_inventory debian12(void)
{
	return (struct ap_inventory){ .arch = amd64,
		.libc = glibc,
		.libc_major = 2,
		.libc_minor = 36,
		.implementation = cpython,
		.py_major = 3,
		.py_minor = 11 };
}

TEST(tags_take_what_pip_in_that_base_takes)
{
	static const struct {
		const char *file;
		bool fits;
	} cases[] = {
		{ "a-1-py3-none-any.whl", true },
		{ "a-1-py2.py3-none-any.whl", true },
		{ "a-1-cp311-cp311-manylinux_2_17_x86_64.manylinux2014_x86_64.whl", true },
		{ "a-1-cp311-cp311-manylinux1_x86_64.whl", true },
		{ "a-1-cp311-cp311-linux_x86_64.whl", true },
		{ "a-1-cp37-abi3-manylinux_2_28_x86_64.whl", true },
		{ "a-1-2-cp311-cp311-manylinux_2_36_x86_64.whl", true },
		{ "a-1-py3-none-manylinux_2_5_x86_64.whl", true },
		{ "a-1-cp311-cp311-manylinux_2_37_x86_64.whl", false },
		{ "a-1-cp311-cp311-manylinux_2_17_aarch64.whl", false },
		{ "a-1-cp311-cp311-musllinux_1_1_x86_64.whl", false },
		{ "a-1-cp310-cp310-manylinux_2_17_x86_64.whl", false },
		{ "a-1-cp312-abi3-manylinux_2_17_x86_64.whl", false },
		{ "a-1-cp311-cp311-win_amd64.whl", false },
		{ "a-1-py2-none-any.whl", false },
		{ "a-1.tar.gz", false },
	};
	struct ap_inventory inv = debian12();
	struct ap_tags t = { 0 };
	struct ap_err err = AP_ERR_INIT;

	assert_ok(ap_tags_make(&t, &inv, &err), &err);
	for (size_t i = 0; i < AP_LEN(cases); i++) {
		print_message("  case: %s\n", cases[i].file);
		assert_int_equal(ap_tags_rank(&t, cases[i].file) != AP_TAGS_NO_FIT, cases[i].fits);
	}
	ap_tags_release(&t);
}

TEST(tags_prefer_the_nearest_wheel)
{
	static const char *const best_first[] = {
		"a-1-cp311-cp311-manylinux_2_28_x86_64.whl",
		"a-1-cp311-cp311-manylinux_2_17_x86_64.whl",
		"a-1-cp311-abi3-manylinux_2_17_x86_64.whl",
		"a-1-cp38-abi3-manylinux_2_28_x86_64.whl",
		"a-1-py3-none-manylinux_2_17_x86_64.whl",
		"a-1-py3-none-any.whl",
	};
	struct ap_inventory inv = debian12();
	struct ap_tags t = { 0 };
	struct ap_err err = AP_ERR_INIT;

	assert_ok(ap_tags_make(&t, &inv, &err), &err);
	for (size_t i = 1; i < AP_LEN(best_first); i++)
		assert_true(ap_tags_rank(&t, best_first[i - 1]) < ap_tags_rank(&t, best_first[i]));
	ap_tags_release(&t);
}

TEST(tags_of_musl_take_no_glibc_wheel)
{
	struct ap_inventory inv = debian12();
	struct ap_tags t = { 0 };
	struct ap_err err = AP_ERR_INIT;

	inv.libc = musl;
	inv.libc_major = 1;
	inv.libc_minor = 2;
	assert_ok(ap_tags_make(&t, &inv, &err), &err);
	assert_true(ap_tags_rank(&t, "a-1-cp311-cp311-musllinux_1_2_x86_64.whl") != AP_TAGS_NO_FIT);
	assert_true(
		ap_tags_rank(&t, "a-1-cp311-cp311-manylinux_2_17_x86_64.whl") == AP_TAGS_NO_FIT);
	ap_tags_release(&t);
	inv.implementation = NULL;
	assert_fails(ap_tags_make(&t, &inv, &err), &err, AP_E_UNSUPPORTED, "found no Python");
}
