/* A URL that is joined to a base is one that can be taken apart, on one origin with itself. */
#include <stdlib.h>
#include <string.h>

#include "base/url.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ap_err err = AP_ERR_INIT;
	ap_auto_free char *text =
		ap_xstrndup((const char *)data, strnlen((const char *)data, size));
	ap_auto_free char *joined = NULL;
	ap_auto_url a = { 0 };
	ap_auto_url b = { 0 };

	free(ap_url_public(text));
	if (ap_url_join(&joined, "https://example.org:8443/v2/a/b?c=d", text, &err) < 0)
		return 0;
	if (ap_url_parse(&a, joined, &err) < 0 || ap_url_parse(&b, joined, &err) < 0 ||
		!ap_url_same_origin(&a, &b))
		abort();
	(void)ap_host_is_private(a.host);
	return 0;
}
