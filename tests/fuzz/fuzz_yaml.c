/* YAML that is read never crashes, also with anchors in anchors. */
#include <stdlib.h>
#include <string.h>

#include "base/yaml.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ap_err err = AP_ERR_INIT;
	ap_auto_yaml y = NULL;

	if (ap_yaml_parse(&y, (const char *)data, size, &err) < 0)
		return 0;
	return 0;
}
