#include "tests/unit/unit.h"

#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/fs.h"

static struct CMUnitTest tests[4096];
static size_t n_tests;
static struct ap_strv tmpdirs;

void unit_register(const char *name, CMUnitTestFunction fn)
{
	if (n_tests == AP_LEN(tests))
		abort();
	tests[n_tests++] = (struct CMUnitTest){ .name = name, .test_func = fn };
}

char *unit_tmpdir(void)
{
	const char *base = getenv("TMPDIR");
	char *dir = ap_xasprintf("%s/autopack-unit-XXXXXX", base ? base : "/tmp");

	if (!mkdtemp(dir))
		abort();
	ap_strv_add(&tmpdirs, dir);
	return dir;
}

static int by_name(const void *a, const void *b)
{
	const struct CMUnitTest *x = a;
	const struct CMUnitTest *y = b;

	return strcmp(x->name, y->name);
}

static bool wanted(const char *name, int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		if (fnmatch(argv[i], name, 0) == 0)
			return true;
	}
	return argc < 2;
}

/* unit [GLOB...]: the tests whose name matches one of them */
int main(int argc, char **argv)
{
	size_t n = 0;
	int failed;

	qsort(tests, n_tests, sizeof(tests[0]), by_name);
	for (size_t i = 0; i < n_tests; i++) {
		if (wanted(tests[i].name, argc, argv))
			tests[n++] = tests[i];
	}
	if (!n) {
		fprintf(stderr, "no test has such a name\n");
		return 1;
	}
	failed = _cmocka_run_group_tests("unit", tests, n, NULL, NULL);
	for (size_t i = 0; i < tmpdirs.n; i++) {
		struct ap_err err = AP_ERR_INIT;

		if (ap_fs_remove_tree(tmpdirs.v[i], &err) < 0)
			fprintf(stderr, "%s\n", err.msg);
	}
	ap_strv_release(&tmpdirs);
	return failed ? 1 : 0;
}
