/* An inventory of a file, ours or pip inspect's: what is written of it is read back the same. */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/io.h"
#include "deps/inventory.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Write and read again; the text stays in `out`. */
static struct ap_inventory *again(struct ap_buf *out, struct ap_inventory *inv)
{
	ap_auto_fd int fd = memfd_create("inventory", MFD_CLOEXEC);
	ap_auto_reader r = NULL;
	ap_auto_json j = NULL;
	struct ap_inventory *back = NULL;
	struct ap_err err = AP_ERR_INIT;

	if (fd < 0 || ap_inventory_write(fd, inv, &err) < 0)
		abort();
	ap_fd_reader(&r, dup(fd), 0, UINT64_MAX);
	if (ap_read_all(r, out, &err) < 0 || ap_json_parse(&j, out->p, out->len, &err) < 0 ||
		ap_inventory_from_json(&back, j, &err) < 0)
		abort();
	ap_inventory_free(inv);
	return back;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	ap_auto_buf once = AP_BUF_INIT;
	ap_auto_buf twice = AP_BUF_INIT;
	ap_auto_json j = NULL;
	struct ap_inventory *inv = NULL;
	struct ap_err err = AP_ERR_INIT;

	if (ap_json_parse(&j, data, size, &err) < 0 || ap_inventory_from_json(&inv, j, &err) < 0)
		return 0;
	inv = again(&once, inv);
	inv = again(&twice, inv);
	if (strcmp(once.p, twice.p) != 0)
		abort();
	ap_inventory_free(inv);
	return 0;
}
