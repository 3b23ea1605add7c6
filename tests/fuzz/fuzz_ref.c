/* A reference that is printed and read again is the same. */
#include <stdlib.h>
#include <string.h>

#include "pack/ref.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ap_err err = AP_ERR_INIT;
	ap_auto_free char *text =
		ap_xstrndup((const char *)data, strnlen((const char *)data, size));
	AP_CLEANUP(ap_ref_release) struct ap_ref once = { 0 };
	AP_CLEANUP(ap_ref_release) struct ap_ref again = { 0 };
	ap_auto_free char *name = NULL;

	free(ap_ref_sanitise(text));
	if (ap_ref_parse(&once, text, &err) < 0)
		return 0;
	name = ap_ref_name(&once);
	if (once.transport != AP_DOCKER)
		return 0;
	if (ap_ref_parse(&again, name, &err) < 0 || !ap_streq(once.registry, again.registry) ||
		!ap_streq(once.repository, again.repository))
		abort();
	return 0;
}
