/* JSON that is printed and read again is the same tree. */
#include <stdlib.h>
#include <string.h>

#include "base/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ap_err err = AP_ERR_INIT;
	ap_auto_buf text = AP_BUF_INIT;
	ap_auto_json once = NULL;
	ap_auto_json again = NULL;

	if (ap_json_parse(&once, data, size, &err) < 0)
		return 0;
	ap_json_print(&text, once, AP_JSON_PRETTY);
	if (ap_json_parse(&again, text.p, text.len, &err) < 0 || !ap_json_equal(once, again))
		abort();
	return 0;
}
