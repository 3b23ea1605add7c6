/*
 * What zip.c (structure) and zip_member.c (bytes) share.
 */
#ifndef AP_DEPS_ZIP_PRIV_H
#define AP_DEPS_ZIP_PRIV_H

#include "deps/zip.h"

struct ap_zip {
	int refs; /* changed with atomic operations only */
	int fd;
	char *label;
	struct ap_zip_member *v; /* order of the central directory */
	size_t n;
	uint32_t *by_name; /* indices, sorted by name */
};

/* Exactly n bytes at `at`. */
int ap_zip_pread(
	const struct ap_zip *z, void *p, size_t n, uint64_t at, struct ap_err *err) AP_CHECK;

#endif
