/* Any bytes as an archive: opened, every member read, within memory and time. */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/io.h"
#include "deps/zip.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_member(struct ap_zip *z, const struct ap_zip_member *m)
{
	static char chunk[1 << 16];
	ap_auto_reader r = NULL;
	struct ap_err err = AP_ERR_INIT;
	uint64_t total = 0;
	size_t got;

	/* What a path may never hold. */
	if (m->name[0] == '/' || strcmp(m->name, "..") == 0 || strncmp(m->name, "../", 3) == 0 ||
		strstr(m->name, "/../"))
		abort();
	if (m->size > 1 << 20)
		return;
	ap_zip_reader(&r, z, m);
	do {
		if (ap_read(r, chunk, sizeof(chunk), &got, &err) < 0)
			return;
		total += got;
	} while (got);
	if (total != m->size)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ap_err err = AP_ERR_INIT;
	struct ap_zip *z = NULL;
	int fd = memfd_create("zip", MFD_CLOEXEC);

	if (fd < 0 || ap_write_all(fd, data, size, &err) < 0)
		abort();
	if (ap_zip_open_fd(&z, fd, "zip", &err) < 0)
		return 0;
	for (size_t i = 0; i < ap_zip_count(z); i++)
		read_member(z, ap_zip_member(z, i));
	ap_zip_unref(z);
	return 0;
}
