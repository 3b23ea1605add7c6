/* A WWW-Authenticate header gives a challenge or a refusal. */
#include <stdlib.h>
#include <string.h>

#include "registry/challenge.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ap_err err = AP_ERR_INIT;
	ap_auto_free char *text =
		ap_xstrndup((const char *)data, strnlen((const char *)data, size));
	AP_CLEANUP(ap_challenge_release) struct ap_challenge c = { 0 };

	if (ap_challenge_parse(&c, text, &err) < 0)
		return 0;
	if (c.kind == AP_CHALLENGE_BEARER && !c.realm)
		abort();
	return 0;
}
