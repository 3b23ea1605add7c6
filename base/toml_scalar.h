/*
 * What stands bare in TOML: booleans, numbers, dates.  Pure; for base/toml.c.
 */
#ifndef AP_BASE_TOML_SCALAR_H
#define AP_BASE_TOML_SCALAR_H

#include "base/json.h"

enum ap_toml_verdict {
	AP_TOML_OK,
	AP_TOML_NO_VALUE,
	AP_TOML_BEYOND, /* an integer of more than 64 bits */
};

/* *out: owned, set for AP_TOML_OK only.  A date becomes a string. */
enum ap_toml_verdict ap_toml_scalar(cJSON **out, const char *p, const char *end);

#endif
