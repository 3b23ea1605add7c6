/* A uv.lock of any content. */
#include <stdlib.h>

#include "deps/uv_lock.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AP_CLEANUP(ap_uv_lock_release) struct ap_uv_lock l = { 0 };
	struct ap_err err = AP_ERR_INIT;

	if (ap_uv_lock_parse(&l, (const char *)data, size, &err) < 0)
		return 0;
	for (size_t i = 0; i < l.n; i++) {
		if (!l.v[i].name || !l.v[i].where)
			abort();
	}
	if (l.n)
		ap_uv_lock_reach(&l, 0);
	if (l.n && !l.v[0].reached)
		abort();
	return 0;
}
