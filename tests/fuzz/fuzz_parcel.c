/* What came out of a base: every file of it lies inside, one behind the other. */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "deps/parcel.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct ap_parcels *p, size_t size)
{
	uint64_t end = 0;

	for (size_t i = 0; i < p->n; i++) {
		ap_auto_reader r = NULL;
		ap_auto_buf text = AP_BUF_INIT;
		struct ap_err err = AP_ERR_INIT;

		if (!*p->v[i].name || strchr(p->v[i].name, '\n') || p->v[i].at <= end ||
			p->v[i].at + p->v[i].size > size)
			abort();
		end = p->v[i].at + p->v[i].size;
		if (ap_parcels_reader(&r, p, &p->v[i], &err) < 0 ||
			ap_read_all(r, &text, &err) < 0 || text.len != p->v[i].size)
			abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AP_CLEANUP(ap_parcels_release) struct ap_parcels p = { 0 };
	ap_auto_fd int fd = memfd_create("parcels", MFD_CLOEXEC);
	ap_auto_free char *path = ap_xasprintf("/proc/self/fd/%d", fd);
	struct ap_err err = AP_ERR_INIT;

	if (fd < 0 || ap_write_all(fd, data, size, &err) < 0)
		abort();
	if (ap_parcels_open(&p, path, &err) == 0)
		check(&p, size);
	return 0;
}
