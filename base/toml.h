/*
 * TOML 1.0 into the JSON tree: tables are objects, dates are strings.
 */
#ifndef AP_BASE_TOML_H
#define AP_BASE_TOML_H

#include "base/json.h"

/*
 * *out: owned by the caller, cJSON_Delete().  JSON's numbers are exact up to
 * 2^53: larger integers are rounded, those beyond 64 bits AP_E_LIMIT.  A NUL
 * in a string becomes U+FFFD.  Errors: AP_E_INPUT "line L, column C: ...".
 * Source: TOML v1.0.0.
 */
int ap_toml_parse(cJSON **out, const char *p, size_t n, struct ap_err *err) AP_CHECK;

#endif
