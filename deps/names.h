/*
 * Names and versions of distributions, in the forms that compare equal.
 */
#ifndef AP_DEPS_NAMES_H
#define AP_DEPS_NAMES_H

#include "base/str.h"

/*
 * The normalized name: lower case, runs of '-', '_', '.' as one '-'.
 * *out: owned.  Source: name normalization specification (PEP 503).
 */
char *ap_name_normalize(const char *p, size_t n);

/* Is it a legal name?  Letters, digits, '-', '_', '.', beginning and ending alphanumeric. */
bool ap_names_ok(const char *p, size_t n);

/*
 * A text that is equal for equal versions: "1.0.0-Beta_1+CU.12" and
 * "v1b1+cu-12" give the same.  NULL when it is not a version.  *out: owned.
 * Source: version specifiers specification (PEP 440), appendix B.
 */
char *ap_version_canonical(const char *p, size_t n);

#endif
