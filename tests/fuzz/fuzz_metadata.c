/* METADATA and WHEEL files of any content. */
#include <stdlib.h>
#include <string.h>

#include "deps/headers.h"
#include "deps/names.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AP_CLEANUP(ap_headers_release) struct ap_headers h = { 0 };
	struct ap_err err = AP_ERR_INIT;

	if (ap_headers_parse(&h, (const char *)data, size, &err) < 0)
		return 0;
	if (h.names.n != h.values.n)
		abort();
	for (size_t i = 0; i < h.names.n; i++) {
		const char *v = h.values.v[i];
		ap_auto_free char *name = ap_name_normalize(v, strlen(v));
		ap_auto_free char *version = ap_version_canonical(v, strlen(v));
		ap_auto_free char *again =
			version ? ap_version_canonical(version, strlen(version)) : NULL;

		if (!ap_headers_get(&h, h.names.v[i]) || strpbrk(v, "\n"))
			abort();
		/* A canonical version is its own canonical form. */
		if (version && (!again || strcmp(version, again) != 0))
			abort();
	}
	return 0;
}
