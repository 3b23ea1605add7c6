/*
 * METADATA and WHEEL files: header fields in the manner of e-mail.
 */
#ifndef AP_DEPS_HEADERS_H
#define AP_DEPS_HEADERS_H

#include "base/str.h"

struct ap_headers {
	struct ap_strv names;  /* as written */
	struct ap_strv values; /* white space trimmed; continuation lines are passed over */
};

void ap_headers_release(struct ap_headers *h);

/*
 * Read up to the first empty line; what follows is the description.
 * Errors: AP_E_PROTO with the line number for a line that is no header, for
 * bytes that are not UTF-8.  Source: core metadata specification.
 */
int ap_headers_parse(struct ap_headers *out, const char *p, size_t n, struct ap_err *err) AP_CHECK;

/* The first value of a field (any case), or NULL.  borrowed. */
const char *ap_headers_get(const struct ap_headers *h, const char *name);
size_t ap_headers_count(const struct ap_headers *h, const char *name);

#endif
