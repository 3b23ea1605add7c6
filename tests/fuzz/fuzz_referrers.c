/* A list of referrers is an index of legal digests within the limit, or refused. */
#include <stdlib.h>
#include <string.h>

#include "attest/referrers.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ap_err err = AP_ERR_INIT;
	struct ap_referrers r = { 0 };

	if (ap_referrers_parse(&r, data, size, &err) < 0)
		return 0;
	if (r.n > AP_REFERRERS_MAX)
		abort();
	for (size_t i = 0; i < r.n; i++) {
		if (!ap_digest_ok(r.v[i].digest.s))
			abort();
	}
	ap_referrers_release(&r);
	return 0;
}
