/* TOML never crashes, and what is read prints as JSON. */
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/toml.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ap_err err = AP_ERR_INIT;
	ap_auto_buf text = AP_BUF_INIT;
	ap_auto_json j = NULL;

	if (ap_toml_parse(&j, (const char *)data, size, &err) < 0)
		return 0;
	ap_json_print(&text, j, 0);
	return 0;
}
