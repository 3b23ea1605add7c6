/* A RECORD that is read, printed and read again says the same. */
#include <stdlib.h>
#include <string.h>

#include "deps/record.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AP_CLEANUP(ap_record_release) struct ap_record once = { 0 };
	AP_CLEANUP(ap_record_release) struct ap_record again = { 0 };
	ap_auto_buf text = AP_BUF_INIT;
	struct ap_err err = AP_ERR_INIT;
	unsigned char digest[64];
	unsigned bits;

	if (ap_record_parse(&once, (const char *)data, size, &err) < 0)
		return 0;
	ap_record_print(&text, &once);
	if (ap_record_parse(&again, text.p, text.len, &err) < 0 || once.n != again.n)
		abort();
	for (size_t i = 0; i < once.n; i++) {
		if (strcmp(once.v[i].path, again.v[i].path) != 0 ||
			strcmp(once.v[i].hash, again.v[i].hash) != 0 ||
			strcmp(once.v[i].size, again.v[i].size) != 0)
			abort();
		if (ap_record_hash_parse(&bits, digest, once.v[i].hash, &err) < 0)
			ap_err_clear(&err);
	}
	return 0;
}
