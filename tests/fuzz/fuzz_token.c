/* A token that is taken from an answer is fit for a header. */
#include <stdlib.h>
#include <string.h>

#include "registry/token.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ap_err err = AP_ERR_INIT;
	ap_auto_free char *value = NULL;
	double lifetime;

	if (ap_token_parse(&value, &lifetime, data, size, &err) < 0)
		return 0;
	for (const char *s = value; *s; s++) {
		if ((unsigned char)*s <= 0x20 || (unsigned char)*s >= 0x7f)
			abort();
	}
	if (!*value || !(lifetime >= 0 && lifetime <= 86400))
		abort();
	return 0;
}
