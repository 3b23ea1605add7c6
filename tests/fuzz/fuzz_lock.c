/* A lock that is read, printed and read again has the same digest. */
#include <stdlib.h>
#include <string.h>

#include "deps/lock.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AP_CLEANUP(ap_lock_release) struct ap_lock once = { 0 };
	AP_CLEANUP(ap_lock_release) struct ap_lock again = { 0 };
	struct ap_err err = AP_ERR_INIT;
	ap_auto_buf text = AP_BUF_INIT;
	struct ap_digest a, b;

	if (ap_lock_parse(&once, (const char *)data, size, NULL, &err) < 0)
		return 0;
	ap_lock_print(&text, &once);
	if (ap_lock_parse(&again, text.p, text.len, NULL, &err) < 0)
		abort();
	ap_lock_digest(&a, &once);
	ap_lock_digest(&b, &again);
	if (!ap_digest_eq(&a, &b))
		abort();
	return 0;
}
