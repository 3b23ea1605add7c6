/*
 * What a distribution says of its licence, in the words of its METADATA.
 */
#ifndef AP_ATTEST_LICENSE_H
#define AP_ATTEST_LICENSE_H

#include "deps/headers.h"

/* At most one of them; both NULL: it says nothing. */
struct ap_license {
	char *expression; /* SPDX expression, of License-Expression */
	char *text;       /* of License, else of the licence classifiers */
};

void ap_license_release(struct ap_license *l);

/* Source: core metadata specification; PEP 639. */
void ap_license_of(struct ap_license *out, const struct ap_headers *metadata);

/* The licence of the wheel at a path.  Errors: those of ap_wheel_open(). */
int ap_license_of_wheel(struct ap_license *out, const char *path, const char *filename,
	struct ap_err *err) AP_CHECK;

#endif
