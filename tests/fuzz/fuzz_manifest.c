/* A manifest is of one kind or refused. */
#include <stdlib.h>
#include <string.h>

#include "pack/base.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ap_err err = AP_ERR_INIT;
	ap_auto_json j = NULL;
	int kind = 0;

	if (ap_manifest_parse(&j, &kind, NULL, data, size, &err) < 0)
		return 0;
	if (!j)
		abort();
	return 0;
}
