/* An envelope's payload is what its base64 says, or it is refused. */
#include <stdlib.h>
#include <string.h>

#include "attest/cosign.h"
#include "base/base64.h"
#include "base/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ap_err err = AP_ERR_INIT;
	ap_auto_buf payload = AP_BUF_INIT;
	ap_auto_buf text = AP_BUF_INIT;
	ap_auto_json j = NULL;
	bool ours = true;

	if (ap_dsse_open(&payload, &ours, NULL, data, size, &err) < 0)
		return 0;
	/* Nobody's key has signed it, and what was read is what is written. */
	if (ours || ap_json_parse(&j, data, size, &err) < 0)
		abort();
	ap_base64(&text, payload.p, payload.len);
	if (text.len != strlen(ap_json_str(j, "payload")))
		abort();
	return 0;
}
