/* Ignore patterns, as docker's and as git's, end in time for any path. */
#include <stdlib.h>
#include <string.h>

#include "pack/ignore.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const paths[] = { "a", "a/b/c", "x.py", "data/a.csv",
		"aaaaaaaaaaaaaaaaaaaaaaaaaaaa" };

	for (int rules = AP_IGNORE_DOCKER; rules <= AP_IGNORE_GIT; rules++) {
		struct ap_err err = AP_ERR_INIT;
		ap_auto_ignore i = NULL;
		const struct ap_ignore_state top = { 0 };

		if (ap_ignore_parse(&i, (const char *)data, size, (enum ap_ignore_rules)rules,
			    "fuzz", &err) < 0)
			continue;
		for (size_t k = 0; k < AP_LEN(paths); k++)
			(void)ap_ignore_test(i, NULL, &top, paths[k], k == 1);
	}
	return 0;
}
